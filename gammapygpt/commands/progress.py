"""What a run says while it works: a live line on a terminal, plain lines in a pipe. Always on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from rich.status import Status

Event = dict[str, Any]


class Progress(Protocol):
    """Somebody who listens to a run."""

    def tell(self, event: Event) -> None:
        """Show one event."""


def sentence(event: Event) -> str:
    """One event as a line, or nothing when it is not worth one."""
    writer = SENTENCES.get(str(event.get("event")))
    return writer(event) if writer else ""


def _answered(event: Event) -> str:
    if not event.get("calls"):
        return ""
    cached = f" ({event['cached_tokens']} cached)" if event.get("cached_tokens") else ""
    fault = f"; {event['fault']}" if event.get("fault") else ""
    return (
        f"{event['agent']}: {event['model']}, {event['input_tokens']} tokens in{cached}, "
        f"{event['output_tokens']} out, {event['model_s']:.1f} s{fault}"
    )


def _attempted(event: Event) -> str:
    seconds = f" after {event['seconds']:.1f} s" if event.get("seconds") else ""
    return f"executor: attempt {event['attempt']} {event['failure'] or 'passed'}{seconds}. {event['summary']}"


def _criticised(event: Event) -> str:
    concerns = "".join(f"\n  look at: {concern}" for concern in event["concerns"])
    advice = f" {event['advice']}" if event["advice"] else ""
    return f"critic: {event['diagnosis']}{advice} -> {event['action']}{concerns}"


def _planned(event: Event) -> str:
    steps = "".join(f"\n  {number}. {step}" for number, step in enumerate(event["steps"], 1))
    return f"planner: {'recipe ' + event['recipe'] if event['recipe'] else 'no recipe'}{steps}"


def _questioned(event: Event) -> str:
    problem = f" ({event['problem']})" if event.get("problem") else ""
    return f"waits for your word on the {event['about']}{problem}"


def _decided(event: Event) -> str:
    reason = f" ({event['reason']})" if event.get("reason") else ""
    return f"you {event['decision']} the {event['about']}{reason}"


SENTENCES = {
    "retrieving": lambda event: f"retriever: {event['line']}",
    "retrieved": lambda event: f"retriever: {', '.join(event['sources']) or 'nothing found'}",
    "waiting": lambda event: f"{event['agent']}: {event['line']}",
    "answered": _answered,
    "planned": _planned,
    "drafted": lambda event: (
        f"{'coder' if event['how'] != 'candidate' else 'optimiser'}: draft {event['attempt']} "
        + (f"unusable ({event['fault']})" if event["fault"] else f"({event['how']})")
    ),
    "running": lambda event: f"executor: running attempt {event['attempt']} in {event['sandbox']}",
    "attempted": _attempted,
    "criticised": _criticised,
    "question": _questioned,
    "decided": _decided,
}


class PlainLines:
    """One line an event."""

    def tell(self, event: Event) -> None:
        if text := sentence(event):
            print(clean(text), file=sys.stderr, flush=True)


class LiveLine:
    """One line an event, and below them a line that says who is at work, with the tokens that arrive."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self.status: Status = self.console.status("starting")
        self.tokens = 0

    def __enter__(self) -> LiveLine:
        self.status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.status.stop()

    def tell(self, event: Event) -> None:
        from rich.markup import escape

        if event.get("event") == "agent":
            self.tokens = 0
            self.status.update(f"{event['agent']} ...")
        elif event.get("event") == "token":
            self.tokens += 1
            self.status.update(f"{event['agent']} writes ... {self.tokens} pieces")
        elif text := sentence(event):
            self.console.print(escape(clean(text)))


class Silence:
    """Nothing at all."""

    def tell(self, event: Event) -> None:
        """Say nothing."""


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """The listener that fits where standard error goes."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty():
        with LiveLine() as live:
            yield live
    else:
        yield PlainLines()
