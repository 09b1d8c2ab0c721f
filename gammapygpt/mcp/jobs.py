"""Starts a job, passes on what it tells, stops it when the client does not want it any more. The server's side."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from gammapygpt.errors import GammapyGPTError, InfrastructureError
from gammapygpt.mcp.job import Order
from gammapygpt.runs.folder import RunFolder

LONGEST_LINE = 64 << 20
"""Bytes of one message of a job."""
PATIENCE_S = 5.0
"""For a job that was interrupted to note so; then it is killed, which a run survives as well."""
SIGN_OF_LIFE_S = 10.0
"""Between two messages to a client that might think that nothing happens any more."""

Tell = Callable[[str], Awaitable[None]]


async def carried_out(order: Order, tell: Tell) -> RunFolder:
    """Have a job done in a process of its own; its run, which has ended or waits for an answer.

    Raises
    ------
    GammapyGPTError
        What the job says, or that it died.
    """
    command = [sys.executable, "-P", "-m", "gammapygpt.mcp.job"]
    process, done = await anyio.open_process(command, stderr=None), False
    try:
        assert process.stdin is not None
        await process.stdin.send(order.model_dump_json().encode() + b"\n")
        async for said in messages(process, tell):
            done = "said" not in said
            if "ended" in said:
                return RunFolder(Path(said["ended"]))
            if "error" in said:
                raise GammapyGPTError(said["error"], said["remedy"])
            await tell(said["said"])
    except anyio.BrokenResourceError:
        pass
    finally:
        with anyio.CancelScope(shield=True):
            await stopped(process, done)
    raise InfrastructureError(
        f"the process of the run ended unexpectedly (exit code {process.returncode}).",
        "The server's standard error may say why; `resume` goes on with it.",
    )


async def messages(process: Process, tell: Tell) -> AsyncIterator[dict[str, Any]]:
    """What a job says, and a sign of life in between."""
    assert process.stdout is not None
    stream, seconds = BufferedByteReceiveStream(process.stdout), 0.0
    while True:
        with anyio.move_on_after(SIGN_OF_LIFE_S) as waited:
            try:
                line = await stream.receive_until(b"\n", LONGEST_LINE)
            except (anyio.EndOfStream, anyio.IncompleteRead):
                return
        if waited.cancelled_caught:
            seconds += SIGN_OF_LIFE_S
            await tell(f"still at work ({seconds:.0f} s)")
            continue
        seconds = 0.0
        yield json.loads(line)


async def stopped(process: Process, done: bool) -> None:
    """Wait for the end of a job; one that is not done is interrupted as by Ctrl-C, and if need be killed."""
    if process.returncode is None and not done:
        process.send_signal(signal.SIGINT)
    with anyio.move_on_after(PATIENCE_S):
        await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()


def ours(what: str, **order: Any) -> Order:
    """An order of this server's."""
    return Order.model_validate({"what": what, "server": os.getpid(), **order})
