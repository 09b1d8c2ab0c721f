"""Tools that run something: never more than the settings allow, and told of while it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from anyio import to_thread
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import ValidationError

from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.mcp import jobs
from gammapygpt.mcp.calls import tool_error, what_is_wrong
from gammapygpt.mcp.ending import ending, not_run
from gammapygpt.mcp.runs import run_named
from gammapygpt.mcp.showing import shown
from gammapygpt.settings import Settings, without_secrets

Caller = Context[Any, Any]
R = TypeVar("R")


@dataclass
class Desk:
    """Where orders come in: the settings of this server, and what they were loaded with."""

    settings: Settings
    config: str
    overrides: dict[str, Any]

    async def run_script(
        self, ctx: Caller, script: str, request: str, keys: list[str], timeout_s: float | None
    ) -> CallToolResult:
        """Run a script of the client's."""
        limits: dict[str, Any] = {"sandbox.warm": False}  # nothing waits for a script that is there already
        if timeout_s is not None:
            limits["sandbox.wall_s"] = self.at_most(
                "timeout_s", timeout_s, "sandbox.wall_s", self.settings.sandbox.wall_s
            )
        if stopped := await in_a_thread(lambda: not_run(self.settings, script, keys)):
            return shown(stopped, with_script=False)
        text = request.strip() or "a script"
        return await self.done(ctx, "script", limits, text=text, script=script, keys=keys)

    async def generate(
        self, ctx: Caller, request: str, backend: str | None, attempts: int | None, approve: list[Any] | None
    ) -> CallToolResult:
        """Begin a run."""
        return await self.done(ctx, "generate", self.asked_for(backend, attempts, approve), text=request)

    async def follow_up(
        self, ctx: Caller, run: str, request: str, backend: str | None, attempts: int | None, approve: list[Any] | None
    ) -> CallToolResult:
        """Begin a run that goes on from another one."""
        return await self.done(ctx, "follow_up", self.asked_for(backend, attempts, approve), run=run, text=request)

    async def resume(
        self, ctx: Caller, run: str, decision: str | None, script: str, plan: dict[str, Any] | None, reason: str
    ) -> CallToolResult:
        """Go on with a run."""
        answer = None
        if decision is not None:
            answer = {"decision": decision, "script": script, "plan": plan, "reason": reason}
        return await self.done(ctx, "resume", {}, run=run, answer=answer)

    async def show_run(self, run: str) -> CallToolResult:
        """How a run stands."""
        return await in_a_thread(lambda: shown(ending(run_named(self.settings, run))))

    def asked_for(self, backend: str | None, attempts: int | None, approve: list[Any] | None) -> dict[str, Any]:
        """What the client may choose, as settings."""
        chosen: dict[str, Any] = {}
        if backend is not None:
            chosen["default_backend"] = backend
        if attempts is not None:
            most = self.settings.budget.attempts
            chosen["budget.attempts"] = self.at_most("attempts", attempts, "budget.attempts", most)
        if approve is not None:
            chosen["switches.approve"] = sorted({*self.settings.switches.approve, *approve})
        return chosen

    def at_most(self, argument: str, value: float, setting: str, most: float) -> float:
        """A limit that is not above that of the settings."""
        if value > most:
            raise tool_error(UserError(f"{argument} is at most {most:g} here.", f"The setting {setting} says so."))
        return value

    async def done(self, ctx: Caller, what: str, chosen: dict[str, Any], **order: Any) -> CallToolResult:
        """Have a job done, and tell the client of its progress."""
        overrides = {**self.overrides, **chosen}
        try:
            asked = jobs.ours(what, config=self.config, overrides=overrides, **order)
            folder = await jobs.carried_out(asked, progress_of(ctx))
            return await in_a_thread(lambda: shown(ending(folder), with_script=what != "script"))
        except ValidationError as error:
            raise tool_error(UserError(what_is_wrong(error))) from error
        except GammapyGPTError as error:
            raise tool_error(error) from error


async def in_a_thread(function: Callable[[], R]) -> R:
    """Do something that takes a while and needs no process of its own, so that the server answers meanwhile."""
    try:
        return await to_thread.run_sync(function)
    except GammapyGPTError as error:
        raise tool_error(error) from error


def progress_of(ctx: Caller) -> Callable[[str], Awaitable[None]]:
    """Tells the client what happens, a line at a time, if it wants to know."""
    count = 0

    async def tell(line: str) -> None:
        nonlocal count
        count += 1
        await ctx.report_progress(count, message=without_secrets(line))

    return tell
