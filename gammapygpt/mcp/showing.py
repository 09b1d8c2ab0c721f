"""The answer of a run or script as a result of the protocol: text, structured data, images within bounds."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from gammapygpt.mcp.answers import Figure, Job
from gammapygpt.mcp.runs import IMAGES, figures_of, without_secrets_in
from gammapygpt.runs.folder import RunFolder

MOST_IMAGES = 4
LARGEST_IMAGE = 400_000
"""Bytes; clients put images into the context of a model."""


def shown(ended: dict[str, Any], *, with_script: bool = True) -> CallToolResult:
    """Text and data say the same; of the images those that are small enough, of the others links.

    Parameters
    ----------
    ended
        The fields of `Job` but for the figures.
    with_script
        False for a client that gave the script itself.
    """
    folder = RunFolder(Path(ended["folder"]))
    known = dict(figures_of(folder)) if ended["folder"] else {}
    small = [name for name, path in known.items() if path.stat().st_size <= LARGEST_IMAGE][:MOST_IMAGES]
    figures = [Figure(name=name, bytes=path.stat().st_size, shown=name in small) for name, path in known.items()]
    job = Job(**ended, figures=figures)
    if not with_script:
        job.script = ""
    told = {**json.loads(without_secrets_in(job.model_dump(mode="json"))), "script": job.script}
    content: list[ContentBlock] = [
        TextContent(type="text", text=as_text({key: value for key, value in told.items() if value})),
        *(image(known[name]) for name in small),
        *(link(folder.name, name, known[name]) for name in known if name not in small),
    ]
    return CallToolResult(content=content, structured_content=told)


def as_text(told: dict[str, Any]) -> str:
    """The same for clients that do not read structured data."""
    return json.dumps(told, indent=1, ensure_ascii=False)


def image(path: Path) -> ImageContent:
    """An image as the protocol carries it."""
    data = base64.b64encode(path.read_bytes()).decode()
    return ImageContent(type="image", data=data, mime_type=IMAGES[path.suffix.lower()])


def link(run: str, name: str, path: Path) -> ResourceLink:
    """Where an image can be read that is not sent."""
    return ResourceLink(
        type="resource_link", uri=f"run://{run}/figures/{name}", name=name, mime_type=IMAGES[path.suffix.lower()]
    )
