"""One run in a process of its own: it can be stopped at any time, and nothing of it outlives the server.

Reads one order from standard input and writes what happens to standard output, both as JSON lines:
`{"said": ...}` any number of times, then `{"ended": ...}` or `{"error": ...}`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field

from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.settings import Settings
from gammapygpt.state import Answer, ResultSpec

if TYPE_CHECKING:
    from gammapygpt.run import Run

PR_SET_PDEATHSIG = 1


class Order(BaseModel):
    """What is to be done."""

    what: Literal["generate", "follow_up", "resume", "script"]
    server: int
    """Process that the job ends with."""
    config: str = ""
    overrides: dict[str, Any] = Field(default_factory=dict)
    """What the settings are loaded with, as `session.start` takes them."""
    text: str = ""
    """The request; what is to be different; what a script is to answer."""
    run: str = ""
    script: str = ""
    keys: list[str] = Field(default_factory=list)
    """That `result.json` must hold."""
    answer: Answer | None = None


def main() -> None:
    """Carry out one order."""
    tell = told_to(claimed_output())
    order = Order.model_validate_json(sys.stdin.readline())
    end_with(order.server)
    try:
        for said in carried_out(order):
            tell(said)
    except GammapyGPTError as error:
        tell({"error": error.message, "remedy": error.remedy})
    except KeyboardInterrupt:  # the run has noted it; a thread may wait for a script, whose sandbox dies with us
        os._exit(130)


def carried_out(order: Order) -> Iterator[dict[str, Any]]:
    """Do it, and tell what happens."""
    from gammapygpt import session
    from gammapygpt.commands.progress import sentence

    run = laid_out(order)
    yield {"said": f"run {run.folder.name}"}
    if order.what == "script":
        yield {"said": "checking and running the script"}
        session.try_script(run, order.script)
    else:
        for event in run.stream(order.answer):
            if said := f"{event['agent']} ..." if event.get("event") == "agent" else sentence(event):
                yield {"said": said}
    yield {"ended": str(run.folder.path)}


def laid_out(order: Order) -> Run:
    """The run that an order begins or goes on with.

    Raises
    ------
    UserError
        As `session.start`, `session.resume`, `session.follow_up`.
    """
    from gammapygpt import session
    from gammapygpt.mcp.runs import run_named
    from gammapygpt.settings_loading import load_settings

    config = Path(order.config) if order.config else None
    settings = load_settings(config, order.overrides)
    how: dict[str, Any] = {"overrides": order.overrides, "config": config}
    if order.what == "generate":
        return session.start(order.text, settings, **how)
    if order.what == "script":
        results = [ResultSpec(key=key).model_dump() for key in order.keys]
        return session.start(order.text, settings, request={"results": results}, given_script=True, **how)
    folder = run_named(settings, order.run)
    if order.what == "follow_up":
        return session.follow_up(folder, order.text, settings, **how)
    manifest = folder.manifest()
    if manifest.get("status") in ("passed", "failed", "refused", "budget"):
        raise UserError(f"run {folder.name} has ended: {manifest['status']}.", "Use follow_up, or generate.")
    if manifest.get("given_script"):
        raise UserError(f"run {folder.name} ran a script of the client's, there is nothing to resume.", "Run it again.")
    return session.resume(folder, load_settings(config or folder.config(), {**manifest["overrides"], **own(settings)}))


def own(settings: Settings) -> dict[str, Any]:
    """What a run that somebody else began must share with this server: what scripts run in, see and may use."""
    sandbox = {f"sandbox.{name}": value for name, value in settings.sandbox.model_dump().items()}
    return {**sandbox, "data.path": settings.data.path, "analysis.python": settings.analysis.python}


def claimed_output() -> Callable[[bytes], Any]:
    """Standard output for the protocol alone; what anything else prints goes to standard error."""
    wire = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return wire.write


def told_to(write: Callable[[bytes], Any]) -> Callable[[dict[str, Any]], None]:
    """Write plain data as one line of JSON."""
    from gammapygpt.commands.common import plain

    def tell(said: dict[str, Any]) -> None:
        write(json.dumps(plain(said)).encode() + b"\n")

    return tell


def end_with(server: int) -> None:
    """Be killed when the server's process ends, however it ends; sandboxes die with us, and the run can be resumed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it has ended already
        os._exit(130)


if __name__ == "__main__":
    main()
