"""The backend without a language model: recipes chosen and filled by rules, named for what it is."""

from __future__ import annotations

from gammapygpt.errors import UserError
from gammapygpt.llm.base import Fault, OnToken, Question, Reply
from gammapygpt.state import Plan, Request

MODEL = "cookbook (no language model)"


class CookbookBackend:
    """Answers the planner with a plan and the coder with the recipe's script; cannot repair, criticise or optimise."""

    kind = "cookbook"
    abilities: frozenset[str] = frozenset()

    def __init__(self, name: str = "cookbook") -> None:
        self.name = name

    def ask(self, question: Question, on_token: OnToken | None = None) -> Reply:
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
    from gammapygpt.cookbook import recipes
    from gammapygpt.cookbook.choose import choose

    choice = choose(request, request.stores)
    if choice.refusal:
        return None, choice.refusal
    recipe = recipes()[choice.recipe]
    steps = [line[2:] for line in recipe.source.splitlines() if line.startswith("# ")]
    plan = Plan(
        steps=steps,
        recipe=recipe.name,
        parameters=choice.parameters,
        results=choice.results,
        assumptions=choice.assumptions,
    )
    return plan, ""


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
