"""Where a run is forked, and what is different from there on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gammapygpt.agents.approval import check_plan, edited
from gammapygpt.errors import UserError
from gammapygpt.state import Plan

if TYPE_CHECKING:
    from gammapygpt.graph.checkpoints import Step

BEFORE_CODING = ("approve_plan", "coder")
BEFORE_RUNNING = ("approve_script", "executor")
ASKS_A_MODEL = ("planner", "coder")


def place_to_fork(
    steps: Sequence[Step], name: str, checkpoint: str = "", *, plan: Plan | None = None, script: str = ""
) -> Step:
    """The checkpoint that a fork begins with.

    Raises
    ------
    UserError
        There is none, it is not known, or what was edited would not be looked at from there on.
    """
    if plan is not None and script:
        raise UserError("a fork takes an edited plan or an edited script, not both.", "A script needs no plan.")
    fits, what = fitting(plan, script)
    begun = [step for step in steps if step.next and step.next != "__start__"]
    if checkpoint:
        begun = [step for step in begun if step.checkpoint.startswith(checkpoint)]
        if not begun:
            raise UserError(
                f"run {name} has no checkpoint {checkpoint!r} to go on from.",
                f"`gammapygpt runs show {name} --checkpoints`.",
            )
        if len(begun) > 1:
            raise UserError(f"{len(begun)} checkpoints of run {name} begin with {checkpoint!r}.", "Give more of it.")
    found = [step for step in begun if not fits or step.next in fits] if plan or script or not checkpoint else begun
    if not found:
        where = f"checkpoint {checkpoint!r}" if checkpoint else f"run {name}"
        raise UserError(f"{where} never was at a place {what}.", f"`gammapygpt runs show {name} --checkpoints`.")
    return found[-1] if script or plan else found[0]


def fitting(plan: Plan | None, script: str) -> tuple[tuple[str, ...], str]:
    """The nodes that may come next, and what that place is in words."""
    if script:
        return BEFORE_RUNNING, "where a script was about to be run"
    if plan is not None:
        return BEFORE_CODING, "where a plan was about to be coded"
    return ASKS_A_MODEL, "where an agent was about to be asked"


def edits(step: Step, *, plan: Plan | None = None, script: str = "") -> dict[str, Any]:
    """What the state holds instead, by name.

    Raises
    ------
    UserError
        The plan names a recipe or constants that there are not.
    """
    before = step.values.get("plan") or Plan()
    if plan is not None:
        check_plan(plan)
        return {"plan": edited(before, plan), "refusal": ""}
    if script:
        draft = step.values["draft"]
        changed = draft.model_copy(update={"script": script, "how": "edited", "fault": "", "fault_message": ""})
        return {"draft": changed, "plan": before.model_copy(update={"edited": True})}
    return {}
