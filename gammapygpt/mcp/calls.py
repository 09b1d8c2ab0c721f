"""What every call has in common: errors in one line, and nothing accepted that a tool does not take."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import ValidationError

from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.runs.results import one_line
from gammapygpt.settings import without_secrets

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_LINE = 2000


class Server(MCPServer):
    """A server that says in one line what is wrong with a call."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool by its name.

        Raises
        ------
        ToolError
            There is no such tool, it does not take these arguments, or it says what went wrong.
        """
        takes = {tool.name: list(tool.input_schema["properties"]) for tool in await self.list_tools()}
        if name not in takes:
            raise ToolError(f"There is no tool {name!r}. There are: {', '.join(takes)}.")
        if unknown := [key for key in arguments if key not in takes[name]]:
            raise ToolError(f"{name} takes no argument {unknown[0]!r}. It takes: {', '.join(takes[name])}.")
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError(f"{name}: {what_is_wrong(error.__cause__)}") from error.__cause__
            raise


def what_is_wrong(error: ValidationError) -> str:
    """Arguments that do not fit, without their values."""
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False)
    )


def tool_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a tool that waits for nothing else: what goes wrong becomes one line with the remedy."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except GammapyGPTError as error:
            raise tool_error(error) from error

    return call


def resource_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a resource: what is not there is said in one line."""

    @wraps(function)
    def read(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UserError as error:
            raise ResourceNotFoundError(line(error)) from error

    return read


def tool_error(error: GammapyGPTError) -> ToolError:
    """An error of ours as one of the protocol's."""
    return ToolError(line(error))


def line(error: GammapyGPTError) -> str:
    """An error with its remedy, in one line, addresses without passwords."""
    return one_line(without_secrets(str(error)), LONGEST_LINE)
