"""What a run says while a cell works: a widget where there are widgets, text that changes where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from gammapygpt.commands.progress import Progress, Silence, progress, sentence
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gammapygpt.runs.folder import RunFolder

Event = dict[str, Any]


class Heard:
    """What was said so far, and who is at work."""

    def __init__(self, run: RunFolder) -> None:
        self.name = run.name
        self.attempts = int(run.manifest().get("switches", {}).get("attempts", 1))
        self.lines: list[str] = []
        self.now = "starting"
        self.tried = 0
        self.ended = ""

    def tell(self, event: Event) -> None:
        """Take up an event."""
        kind = event.get("event")
        if kind == "agent":
            self.now = f"{event['agent']} at work"
        elif kind == "attempted":
            self.tried = int(event["attempt"])
        elif kind == "finished":
            self.ended = str(event["status"])
        if text := sentence(event):
            self.lines.append(clean(text))

    @property
    def head(self) -> str:
        """One line on how the run stands."""
        return f"run {self.name}: {self.ended or self.now}"


class TextBoard:
    """Lines that the display changes in place; they stay in the notebook when it is saved."""

    def __init__(self, run: RunFolder) -> None:
        from IPython.display import display

        self.heard = Heard(run)
        self.handle = display(self._shown(), raw=True, display_id=True)

    def tell(self, event: Event) -> None:
        self.heard.tell(event)
        self.handle.update(self._shown(), raw=True)

    def close(self) -> None:
        """Who was at work is at work no more."""
        self.heard.ended = self.heard.ended or "not finished"
        self.handle.update(self._shown(), raw=True)

    def _shown(self) -> dict[str, str]:
        lines = [self.heard.head, *self.heard.lines]
        return {"text/plain": "\n".join(lines), "text/html": f"<pre>{escape(chr(10).join(lines))}</pre>"}


class WidgetBoard:
    """A bar of the attempts, who is at work, and what was said folded below it."""

    def __init__(self, run: RunFolder) -> None:
        import ipywidgets as widgets
        from IPython.display import display

        self.heard = Heard(run)
        self.head = widgets.HTML()
        self.bar = widgets.IntProgress(min=0, max=self.heard.attempts, layout={"width": "12rem"})
        self.log = widgets.HTML()
        folded = widgets.Accordion(children=[self.log], titles=("What happened",), selected_index=0)
        self.folded = folded
        self._show()
        display(widgets.VBox([widgets.HBox([self.bar, self.head]), folded]))

    def tell(self, event: Event) -> None:
        self.heard.tell(event)
        self._show()

    def close(self) -> None:
        """Fold it away; the colour says how it went."""
        self.heard.ended = self.heard.ended or "not finished"
        self.bar.value = self.bar.max
        self.bar.bar_style = "success" if self.heard.ended == "passed" else "warning"
        self.folded.selected_index = None
        self._show()

    def _show(self) -> None:
        self.bar.value = max(self.heard.tried, self.bar.value)
        self.head.value = escape(self.heard.head)
        self.log.value = f"<pre>{escape(chr(10).join(self.heard.lines))}</pre>"


@contextmanager
def board(shell: InteractiveShell, run: RunFolder, *, quiet: bool) -> Iterator[Progress]:
    """The listener that fits where the shell shows things: a notebook, or a terminal."""
    if quiet:
        yield Silence()
    elif not hasattr(shell, "kernel"):
        with progress() as listener:
            yield listener
    else:
        shown = WidgetBoard(run) if has_widgets() else TextBoard(run)
        try:
            yield shown
        finally:
            shown.close()


def has_widgets() -> bool:
    """Whether ipywidgets is installed."""
    from importlib.util import find_spec

    return find_spec("ipywidgets") is not None
