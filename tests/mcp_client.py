"""The official MCP client, to be used from a test that is no coroutine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult


def command(*options: str, env: dict[str, str]) -> StdioServerParameters:
    """`gammapygpt mcp`, as a client starts it: with what is set here and little else of the environment."""
    return StdioServerParameters(command=sys.executable, args=["-m", "gammapygpt", "mcp", *options], env=env)


@contextmanager
def connected(server: StdioServerParameters | str) -> Iterator[Talk]:
    """A client that has shaken hands: of a server that it starts, or of an address."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Client(server)) as client:
        yield Talk(portal, client)


@dataclass
class Talk:
    """Calls that wait for their answer."""

    portal: BlockingPortal
    client: Client
    progress: list[str] = field(default_factory=list)
    """What the server told on the way."""

    def begin(self, tool: str, **arguments: Any) -> Future[CallToolResult]:
        """Call a tool; the answer comes later, and `cancel()` cancels the request."""

        async def noted(done: float, total: float | None, message: str | None) -> None:
            self.progress.append(message or "")

        call = partial(self.client.call_tool, tool, arguments, progress_callback=noted)
        return self.portal.start_task_soon(call)

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool."""
        answer = self.begin(tool, **arguments).result()
        assert not answer.is_error, answer.content
        assert answer.structured_content is not None
        return answer.structured_content

    def fault(self, tool: str, **arguments: Any) -> str:
        """What a tool says is wrong, which is one line."""
        answer = self.begin(tool, **arguments).result()
        assert answer.is_error
        [said] = answer.content
        assert said.type == "text"
        assert "\n" not in said.text
        return said.text

    def read(self, uri: str) -> Any:
        """The content of a resource."""
        [content] = self.portal.call(self.client.read_resource, uri).contents
        return content

    def tools(self) -> dict[str, Any]:
        """The tools by name."""
        return {tool.name: tool for tool in self.portal.call(self.client.list_tools).tools}


def settings_file(folder: Path, text: str = "") -> Path:
    """Settings of a server under test: nothing is imported for scripts beforehand."""
    path = folder / "mcp.toml"
    path.write_text(f"{text}\n[sandbox]\nwarm = false\nwall_s = 60\n")
    return path
