"""What a user says to the question of a run: by options, or asked on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gammapygpt.errors import UserError
from gammapygpt.runs.results import clean, what_to_approve

if TYPE_CHECKING:
    from gammapygpt.runs.folder import RunFolder
    from gammapygpt.state import Answer, Plan, Question


def from_options(
    folder: RunFolder, *, accept: bool = False, reject: bool = False, because: str = "", edit: Path | None = None
) -> Answer | None:
    """The answer that options of `resume` give, or None.

    Raises
    ------
    UserError
        More than one was given, the run waits for none, or the file is not what was asked about.
    """
    from gammapygpt.state import Answer

    if sum([accept, reject, edit is not None]) > 1:
        raise UserError("--accept, --reject and --edit exclude each other.", "Give one of them.")
    if because and not reject:
        raise UserError("--because gives the reason of --reject.", "Add --reject.")
    if not (accept or reject or edit):
        return None
    asked = folder.manifest().get("question")
    if not asked:
        raise UserError(
            f"run {folder.name} waits for no answer.", f"`gammapygpt resume {folder.name}` goes on with it."
        )
    if edit is None:
        return Answer(decision="accept" if accept else "reject", reason=because)
    if asked["about"] == "plan":
        return Answer(decision="edit", plan=read_plan(edit))
    return Answer(decision="edit", script=read_text(edit))


def from_terminal(question: Question) -> Answer:
    """Show what it is about, and ask: accept, edit or reject."""
    from gammapygpt.state import Answer

    typer.echo(shown(question), err=True)
    if question.problem:
        typer.echo(question.problem, err=True)
    what = f"This {question.about}: [a]ccept, [e]dit or [r]eject"
    said = typer.prompt(what, default="a", type=str, err=True).strip().lower()
    if said in ("a", "accept", "y", "yes"):
        return Answer(decision="accept")
    if said in ("r", "reject", "n", "no"):
        return Answer(decision="reject", reason=typer.prompt("Why", default="", show_default=False, err=True))
    if said in ("e", "edit"):
        return edited(question)
    return from_terminal(question.model_copy(update={"problem": f"{said!r} is none of a, e, r."}))


def edited(question: Question) -> Answer:
    """The plan or script as it comes back from the user's editor; left as it is, it is accepted."""
    import click

    from gammapygpt.state import Answer, Plan

    before = what_to_approve(question.model_dump())
    after = click.edit(before, extension=".json" if question.about == "plan" else ".py")
    if after is None or after == before:
        return Answer(decision="accept")
    if question.about == "script":
        return Answer(decision="edit", script=after)
    try:
        return Answer(decision="edit", plan=Plan.model_validate_json(after))
    except ValueError as error:
        return from_terminal(question.model_copy(update={"problem": f"The plan cannot be read: {error}"}))


def shown(question: Question) -> str:
    """What is to be approved, as it is read."""
    said = [clean(what_to_approve(question.model_dump()))]
    said += [clean(f"line {one.line}: {one.message} {one.remedy}") for one in question.findings]
    return "\n".join(said)


def read_plan(file: Path) -> Plan:
    """A plan from a JSON file.

    Raises
    ------
    UserError
        It cannot be read, or holds no plan.
    """
    from pydantic import ValidationError

    from gammapygpt.state import Plan

    try:
        return Plan.model_validate_json(read_text(file))
    except ValidationError as error:
        said = error.errors()[0]
        where = ".".join(str(part) for part in said["loc"])
        raise UserError(
            f"{file} holds no plan: {where + ': ' if where else ''}{said['msg']}.",
            "Take the plan that `gammapygpt runs show --json` prints below `question`, and change it.",
        ) from error


def read_text(file: Path) -> str:
    """The text of a file.

    Raises
    ------
    UserError
        It cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UserError(f"cannot read {file}: {why}.", "Name a file that exists.") from error
