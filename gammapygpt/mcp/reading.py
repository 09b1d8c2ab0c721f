"""Tools that only read: search, check, explain, recipes. Nothing is run, no model is asked."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING, Any, Literal

from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.mcp.answers import (
    Checked,
    ConstantLine,
    Explained,
    Found,
    RecipeLine,
    Recipes,
    RecipeScript,
    RunLine,
    Runs,
    pieces,
    problems,
)
from gammapygpt.mcp.runs import listed, without_secrets_in
from gammapygpt.settings import Settings
from gammapygpt.settings_file import closest
from gammapygpt.state import Attempt, Execution, Finding, Request, Snippet

if TYPE_CHECKING:
    from gammapygpt.cookbook import Recipe

Kind = Literal["recipe", "tutorial", "howto", "guide", "api", "drift", "success", "own"]
NEAREST = 5
"""Recipes that a query gets beyond those that the rules think of; pieces for an error that nothing explains."""

_searching = threading.Lock()


def search(settings: Settings, query: str, kinds: list[Kind] | None, n: int) -> Found:
    """The pieces of reference material that are nearest to a query."""
    from gammapygpt.agents.workshop import gammapy_version
    from gammapygpt.knowledge.index import opened

    with _searching:
        found = looked_up(settings, query, n, kinds)
        notes = opened(settings).troubles
    return Found(gammapy=gammapy_version(settings), found=pieces(found), notes=notes)


def looked_up(settings: Settings, query: str, n: int, kinds: list[Kind] | None) -> list[Snippet]:
    """As `knowledge.search`."""
    from gammapygpt import knowledge

    return knowledge.search(settings, query, n, kinds)


def check(settings: Settings, script: str, *, api_only: bool) -> Checked:
    """Gate 1 on a script."""
    from gammapygpt.agents.workshop import gammapy_version

    findings = found_in(settings, script, api_only=api_only)
    passed = not any(finding.severity == "error" for finding in findings)
    return Checked(passed=passed, gammapy=gammapy_version(settings), findings=problems(findings))


def found_in(settings: Settings, script: str, *, api_only: bool) -> list[Finding]:
    """What gate 1 finds."""
    from gammapygpt import knowledge
    from gammapygpt.checks.api import check_api
    from gammapygpt.checks.contract import check_contract
    from gammapygpt.knowledge.facts import facts

    known, offered = knowledge.environment(settings), facts(settings)
    if api_only:
        return check_api(script, known, offered)
    return check_contract(script, known, facts=offered)


def explain(settings: Settings, error: str, script: str) -> Explained:
    """What an error means, as the coder of a run is told before it repairs a script."""
    from gammapygpt.agents.repairing import hints, unsaid
    from gammapygpt.agents.retriever import found_for
    from gammapygpt.agents.workshop import gammapy_version

    findings = found_in(settings, script, api_only=True) if script else []
    attempt = as_attempt(error, script, findings)
    means = hints(attempt)
    with _searching:
        material = found_for(attempt, settings, lambda line: None)
        if not (means or material or findings):
            material = looked_up(settings, attempt.summary, NEAREST, None)
    return Explained(
        gammapy=gammapy_version(settings),
        means=pieces(means),
        findings=problems(findings),
        material=pieces(unsaid(material, attempt)),
    )


def as_attempt(error: str, script: str, findings: list[Finding]) -> Attempt:
    """An error from anywhere as that of an attempt: its last line of the form `Class: message`, or all of it."""
    from gammapygpt.agents.gates import RAISED

    raised = re.findall(r"^\s*([\w.]+(?:Error|Exception|Warning|Exit)): (.*)$", error, re.MULTILINE)
    name, message = raised[-1] if raised else ("AttributeError", " ".join(error.split()))
    kind = RAISED.get(name.rsplit(".", 1)[-1], "api" if "Name" in name else "runtime")
    execution = Execution(provider="", exception=name, message=message, traceback=error)
    return Attempt(
        number=1, author="coder", script=script, findings=findings, execution=execution, failure=kind, summary=message
    )


def recipe_lines(settings: Settings, query: str) -> Recipes:
    """All recipes; with a query those that may answer it, the best first."""
    from gammapygpt.cookbook import recipes

    if not query.strip():
        return Recipes(recipes=[RecipeLine(name=one.name, answers=first_lines(one)) for one in recipes().values()])
    found = by_rules(settings, query)
    with _searching:
        near = [one.source.partition(":")[2] for one in looked_up(settings, query, NEAREST, ["recipe"])]
    known = {one.name for one in found}
    found += [RecipeLine(name=name, answers=first_lines(recipes()[name])) for name in near if name not in known]
    return Recipes(recipes=found)


def by_rules(settings: Settings, query: str) -> list[RecipeLine]:
    """What the rules make of a query, as the backend `cookbook` would."""
    from gammapygpt.cookbook import recipes
    from gammapygpt.data.stores import find_data, find_stores
    from gammapygpt.llm.cookbook import plans_of

    try:
        stores = find_stores(find_data(settings))
    except GammapyGPTError:  # recipes can be read without any data
        stores = []
    return [
        RecipeLine(
            name=plan.recipe,
            answers=first_lines(recipes()[plan.recipe]),
            constants=plan.parameters,
            missing=plan.uncovered,
        )
        for plan in plans_of(Request(text=query, stores=stores))
    ]


def recipe(name: str, constants: dict[str, Any]) -> RecipeScript:
    """One recipe with some of its constants set.

    Raises
    ------
    UserError
        There is no such recipe or constant, or a value is no plain data.
    """
    from gammapygpt.cookbook import fill

    one = recipe_named(name)
    return RecipeScript(
        name=one.name,
        answers=one.answers,
        constants={
            key: ConstantLine(value=constants.get(key, constant.default), meaning=constant.comment)
            for key, constant in one.constants.items()
        },
        script=fill(one, constants),
    )


def recipe_named(name: str) -> Recipe:
    """The recipe of that name.

    Raises
    ------
    UserError
        There is none.
    """
    from gammapygpt.cookbook import recipes

    if name not in recipes():
        raise UserError(
            f"there is no recipe {name!r}{closest(name, recipes()) or '.'}", f"There are: {', '.join(recipes())}."
        )
    return recipes()[name]


def run_lines(settings: Settings, n: int) -> Runs:
    """The latest runs."""
    return Runs(runs=[RunLine(**one) for one in json.loads(without_secrets_in(listed(settings, n)))])


def first_lines(one: Recipe) -> str:
    """The first paragraph of what a recipe says that it answers."""
    return " ".join(one.answers.split("\n\n")[0].split())
