"""The magics `%%gammapy` and `%gammapy`: begin a run, follow one up, go on with it, answer it, look at the last."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import Image, display

from gammapygpt.commands.common import debugging, overrides, runs_folder
from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.jupyter.answering import answer_in, called, next_cell_for
from gammapygpt.jupyter.board import board
from gammapygpt.jupyter.following import followed
from gammapygpt.jupyter.result import RunResult
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.history import find_run, to_resume
from gammapygpt.state import Answer

ASK = "Write what you want below the first line: spectrum of the Crab Nebula with reflected regions."


def load(shell: InteractiveShell) -> None:
    """Give a shell the magics."""
    shell.register_magics(GammapyMagics)


@magics_class
class GammapyMagics(Magics):
    """Requests in cells."""

    shell: InteractiveShell

    @magic_arguments()
    @argument("words", nargs="*", help="The request, where there is no cell below it.")
    @argument("--backend", help="Backend of all agents that have none of their own.")
    @argument("--data", type=Path, help="Data folder; else PHOTON_STORAGE, then GAMMAPY_DATA.")
    @argument("--attempts", type=int, help="How many drafts at the most.")
    @argument("--approve", metavar="plan,script", help="Ask before it is coded, or run.")
    @argument("--follow", nargs="?", const="", metavar="RUN", help="What is to be different from a run; the latest.")
    @argument("--resume", nargs="?", const="", metavar="RUN", help="Go on with a run that was interrupted.")
    @argument("--answer", nargs="?", const="", metavar="RUN", help="The cell holds the plan or script to go on with.")
    @argument(
        "--reject", nargs="?", const="", metavar="WHY", help="Say no to the plan or script of the run that waits."
    )
    @argument("--last", action="store_true", help="The latest run again.")
    @argument("--set", action="append", metavar="KEY=VALUE", help="A setting for this once; may be repeated.")
    @argument("--runs", type=Path, help="Folder of the runs; else that of the settings.")
    @argument("--config", type=Path, help="Settings file.")
    @argument("--quiet", action="store_true", help="Show no progress.")
    @line_cell_magic
    def gammapy(self, line: str, cell: str | None = None) -> RunResult | None:
        """Turn the request in this cell into a validated script and its numbers."""
        given = parse_argstring(self.gammapy, line)
        try:
            return self._served(given, cell)
        except GammapyGPTError as error:
            if debugging():
                raise
            raise UsageError(" ".join(str(error).split())) from None

    def _served(self, given: Namespace, cell: str | None) -> RunResult | None:
        if given.last:
            return RunResult(find_run(runs_folder(given.runs, given.config), None))
        if given.answer is not None or given.reject is not None or given.resume is not None:
            name = given.answer or given.resume or None
            folder = to_resume(runs_folder(given.runs, given.config), name)
            return self._until_end(folder, said(folder, given, cell), quiet=given.quiet)
        text = cell if cell is not None else " ".join(given.words)
        return self._until_end(begun(given, text.strip()), None, quiet=given.quiet)

    def _until_end(self, folder: RunFolder, answer: Answer | None, *, quiet: bool) -> RunResult | None:
        """Show a run at work, then its figures, and put the next cell below."""
        with board(self.shell, folder, quiet=quiet) as listener:
            try:
                for event in followed(folder, answer):
                    listener.tell(event)
            except KeyboardInterrupt:
                raise UsageError(f"stopped; `%gammapy --resume {called(folder)}` goes on with it.") from None
        if question := folder.manifest().get("question"):
            self.shell.set_next_input(next_cell_for(folder, question))
            print(
                f"Run {folder.name} waits for you to approve the {question['about']} in the next cell: "
                "run it as it is to accept, or edit it before; `%gammapy --reject WHY` says no."
            )
            return None
        result = RunResult(folder)
        for figure in result.figures:
            display(Image(filename=str(figure)))
        if result.script:
            self.shell.set_next_input(result.cell)
        return result


def said(folder: RunFolder, given: Namespace, cell: str | None) -> Answer | None:
    """What the user says to the question of a run; None where it is only to go on."""
    if given.reject is not None:
        return Answer(decision="reject", reason=" ".join([given.reject, *given.words]).strip())
    return answer_in(folder, cell) if given.answer is not None else None


def begun(given: Namespace, text: str) -> RunFolder:
    """A new run, or one that follows another.

    Raises
    ------
    UserError
        There is no request.
    """
    from gammapygpt import session
    from gammapygpt.settings_loading import load_settings

    if not text:
        raise UserError("the request is empty.", ASK)
    kept: dict[str, Any] = {}
    before = None
    config = given.config.expanduser().resolve() if given.config else None
    if given.follow is not None:
        before = find_run(runs_folder(given.runs, given.config), given.follow or None)
        kept, config = before.manifest()["overrides"], config or before.config()
    options = {
        "default_backend": given.backend,
        "budget.attempts": given.attempts,
        "switches.approve": given.approve,
    }
    laid_over = kept | overrides(given.set, data=given.data, runs=given.runs, given=options)
    settings = load_settings(config, laid_over)
    if before is not None:
        return session.follow_up(before, text, settings, overrides=laid_over, config=config).folder
    return session.start(text, settings, overrides=laid_over, config=config).folder
