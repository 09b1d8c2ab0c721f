"""The backend without a language model: recipes chosen and filled by rules, named for what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gammapygpt.errors import UserError
from gammapygpt.llm.base import Fault, OnToken, OnWait, Question, Reply
from gammapygpt.state import Plan, Request

if TYPE_CHECKING:
    from gammapygpt.cookbook.choose import Choice

MODEL = "cookbook (no language model)"
NOT_UNDERSTOOD = "The rules do not understand “{}” in the follow-up."
REMEDY = (
    "Say what changes (a source, a model, energies, a cut, a result), give the whole request, or name a language model."
)


class CookbookBackend:
    """Answers the planner with a plan and the coder with the recipe's script; cannot repair, criticise or optimise."""

    kind = "cookbook"
    abilities: frozenset[str] = frozenset()

    def __init__(self, name: str = "cookbook") -> None:
        self.name = name

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """Answer by rules; what they cannot answer comes back with the fault `refused` and the reason."""
        if question.role not in ("planner", "coder"):
            return _refused(f"The cookbook has rules to choose a recipe, none for the {question.role}'s work.")
        if question.role == "coder" and question.attempts:
            return _refused("The cookbook does not repair scripts: a recipe is what it is.")
        plan = question.plan if question.role == "coder" and question.plan is not None else None
        if plan is None:
            plan, refusal = plan_of(question.request)
            if plan is None:
                return _refused(refusal)
        if question.role == "planner":
            return Reply(text=plan.model_dump_json(indent=2), value=plan.model_dump(mode="json"), model=MODEL)
        return _script(plan)


def plan_of(request: Request) -> tuple[Plan | None, str]:
    """The plan that the rules make of a request, or None and the reason why they make none."""
    from gammapygpt.cookbook.choose import choose

    if request.earlier and request.earlier.unread:
        return None, f"{NOT_UNDERSTOOD.format(request.earlier.unread)} {REMEDY}"
    choice = choose(request, request.stores)
    return (None, choice.refusal) if choice.refusal else (plan_from(choice), "")


def plans_of(request: Request) -> list[Plan]:
    """What each recipe that the request may mean makes of it, the one that leaves least unanswered first."""
    from gammapygpt.cookbook.choose import propose

    known, missing = _understood(request)
    return [plan_from(choice, missing) for choice in propose(known, known.stores)]


def plan_with(request: Request, recipe: str) -> Plan:
    """What one recipe of the cookbook makes of a request, whether or not the rules would think of it."""
    from gammapygpt.cookbook import recipes
    from gammapygpt.cookbook.choose import attempt

    known, missing = _understood(request)
    return plan_from(attempt(known, known.stores, recipes()[recipe]), missing)


def _understood(request: Request) -> tuple[Request, list[str]]:
    """The request as far as the rules read it: of a follow-up that they do not, the earlier one and what was said."""
    earlier = request.earlier
    if earlier is None or not earlier.unread:
        return request, []
    return request.model_copy(update={"text": earlier.text, "earlier": None}), [earlier.asked]


def plan_from(choice: Choice, missing: Sequence[str] = ()) -> Plan:
    """A choice of the rules as a plan, and what is missing in it besides; its steps are the recipe's own."""
    from gammapygpt.cookbook import recipes

    steps = [line[2:] for line in recipes()[choice.recipe].source.splitlines() if line.startswith("# ")]
    left_open = [*choice.uncovered, *missing]
    return Plan(steps=steps, uncovered=left_open, **choice.model_dump(exclude={"refusal", "uncovered"}))


def _script(plan: Plan) -> Reply:
    """The recipe that a plan names, with the plan's parameters."""
    from gammapygpt.cookbook import fill, recipes

    if plan.recipe not in recipes():
        there = ", ".join(recipes())
        return _refused(f"The plan names no recipe of the cookbook ({plan.recipe or 'none'}); there are {there}.")
    try:
        script = fill(recipes()[plan.recipe], plan.parameters)
    except UserError as error:
        return _refused(str(error))
    return Reply(text=script, script=script, model=MODEL)


def _refused(message: str) -> Reply:
    fault: Fault = "refused"
    return Reply(text=message, fault=fault, fault_message=message, model=MODEL)
