"""A plan or script that is to be approved, as a cell: run as it is, it is accepted; changed, it is what goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gammapygpt.commands.tables import near
from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.results import what_to_approve
from gammapygpt.state import Answer, Plan


def called(folder: RunFolder) -> str:
    """A run as an option of the magic finds it, wherever its runs folder is."""
    path = near(folder.path)
    return folder.name if any(map(str.isspace, path)) else path


def next_cell_for(folder: RunFolder, question: Mapping[str, Any]) -> str:
    """The cell that answers the question of a run."""
    return f"%%gammapy --answer {called(folder)}\n{what_to_approve(question)}"


def answer_in(folder: RunFolder, cell: str | None) -> Answer:
    """What a user says with such a cell.

    Raises
    ------
    UserError
        The run waits for nothing, the cell is empty, or what it holds is no plan.
    """
    question = folder.manifest().get("question")
    if not question:
        raise UserError(
            f"run {folder.name} waits for no answer.", f"`%gammapy --resume {called(folder)}` goes on with it."
        )
    said = (cell or "").strip()
    if not said:
        raise UserError(f"there is no {question['about']} below the first line.", "`%gammapy --reject WHY` says no.")
    if said == what_to_approve(question).strip():
        return Answer(decision="accept")
    if question["about"] == "script":
        return Answer(decision="edit", script=f"{said}\n")
    try:
        return Answer(decision="edit", plan=Plan.model_validate_json(said))
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise UserError(f"the cell holds no plan: {why}.", "Change the values and keep the form.") from error
