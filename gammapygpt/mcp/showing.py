"""The answer of a run or script as a result of the protocol: text, structured data, images within bounds."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent

from gammapygpt.mcp.answers import Figure, Job
from gammapygpt.mcp.runs import IMAGES, figures_of, without_secrets_in
from gammapygpt.runs.folder import RunFolder

MOST_IMAGES = 4
LARGEST_IMAGE = 400_000
"""Bytes; clients put images into the context of a model."""


def shown(ended: dict[str, Any]) -> CallToolResult:
    """Text and data say the same; of the images those that are small enough, of the others links."""
    folder = RunFolder(Path(ended["folder"]))
    known = dict(figures_of(folder)) if ended["folder"] else {}
    small = [name for name, path in known.items() if path.stat().st_size <= LARGEST_IMAGE][:MOST_IMAGES]
    figures = [Figure(name=name, bytes=path.stat().st_size, shown=name in small) for name, path in known.items()]
    job = Job(**ended, figures=figures)
    told = job.model_dump(mode="json")
    content: list[ContentBlock] = [
        TextContent(type="text", text=without_secrets_in({key: value for key, value in told.items() if value})),
        *(image(known[name]) for name in small),
        *(link(folder.name, name, known[name]) for name in known if name not in small),
    ]
    return CallToolResult(content=content, structured_content=told)


def image(path: Path) -> ImageContent:
    """An image as the protocol carries it."""
    data = base64.b64encode(path.read_bytes()).decode()
    return ImageContent(type="image", data=data, mime_type=IMAGES[path.suffix.lower()])


def link(run: str, name: str, path: Path) -> ResourceLink:
    """Where an image can be read that is not sent."""
    return ResourceLink(
        type="resource_link", uri=f"run://{run}/figures/{name}", name=name, mime_type=IMAGES[path.suffix.lower()]
    )
