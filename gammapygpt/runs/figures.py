"""The figures of a run, to be put into a page or a notebook: PNG images that a reader can hold, as they are."""

from __future__ import annotations

import base64
import struct
from pathlib import Path
from typing import NamedTuple

PNG = b"\x89PNG\r\n\x1a\n"
FIGURE_BYTES = 3_000_000
FIGURES_BYTES = 12_000_000
"""Of all figures together, before base64 makes a third more of them."""
FIGURE_PIXELS = 50_000_000
"""A small file may unpack into an image that a browser cannot hold."""


class Embedded(NamedTuple):
    """One figure."""

    name: str
    """Relative to the folder of the answer."""
    base64: str
    """Of the PNG; empty for one that is too large to embed, or no PNG at all."""

    @property
    def uri(self) -> str:
        """The image as a data URI, or nothing."""
        return f"data:image/png;base64,{self.base64}" if self.base64 else ""


def embedded(final: Path) -> list[Embedded]:
    """Each PNG below a folder, by name."""
    found, left = [], FIGURES_BYTES
    for path in sorted(final.rglob("*.png")):
        if path.is_symlink() or not path.is_file():
            continue
        size = path.stat().st_size
        image = _image(path) if size <= min(FIGURE_BYTES, left) else b""
        left -= size if image else 0
        found.append(Embedded(str(path.relative_to(final)), base64.b64encode(image).decode("ascii")))
    return found


def _image(path: Path) -> bytes:
    image = path.read_bytes()
    if not image.startswith(PNG) or len(image) < 24:
        return b""
    width, height = struct.unpack(">II", image[16:24])
    return image if width * height <= FIGURE_PIXELS else b""
