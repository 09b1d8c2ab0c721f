"""The cookbook as a backend: plans, scripts, and refusals in place of repairs."""

from __future__ import annotations

import pytest

from gammapygpt.cookbook import fill, recipes
from gammapygpt.llm.base import Question
from gammapygpt.llm.cookbook import CookbookBackend
from gammapygpt.state import Attempt, Plan, Request, ResultSpec, StoreInfo

STORE = StoreInfo(
    path="dl3", n_observations=3, obs_ids=[1, 2, 3], ra_deg=[83.6, 84.1, 200.0], dec_deg=[22.5, 22.0, 10.0], checksum=""
)
SPECTRUM = Request(text="Spectrum of the Crab Nebula, reflected regions, power law, 1-10 TeV", stores=[STORE])


def question(role: str, request: Request = SPECTRUM, **more: object) -> Question:
    return Question(role=role, messages=[], form="json" if role != "coder" else "script", request=request, **more)


def test_planner_gets_a_plan():
    reply = CookbookBackend().ask(question("planner"))
    plan = Plan.model_validate(reply.value)
    assert plan.recipe == "reflected_spectrum"
    assert plan.parameters["DATA_STORE"] == "dl3"
    assert plan.parameters["ENERGY_MAX"] == 10.0
    assert ResultSpec(key="index", meaning="parameter index") in plan.results
    assert "Data store dl3, with 2 observations within 2 deg of the target." in plan.assumptions
    assert "Fit" in plan.steps
    assert reply.model == "cookbook (no language model)"
    assert reply.usage.calls == 0


def test_coder_fills_the_recipe_of_the_plan():
    backend = CookbookBackend()
    plan = Plan(recipe="reflected_significance", parameters={"ON_RADIUS": 0.2})
    reply = backend.ask(question("coder", plan=plan))
    assert reply.script == fill(recipes()["reflected_significance"], {"ON_RADIUS": 0.2})


def test_coder_without_a_plan_reads_the_request():
    backend = CookbookBackend()
    plan = Plan.model_validate(backend.ask(question("planner")).value)
    assert backend.ask(question("coder")).script == backend.ask(question("coder", plan=plan)).script


def test_a_plan_that_does_not_fit_a_recipe_is_refused():
    backend = CookbookBackend()
    nowhere = backend.ask(question("coder", plan=Plan(recipe="magic")))
    assert "no recipe of the cookbook (magic)" in nowhere.fault_message
    reply = backend.ask(question("coder", plan=Plan(recipe="observation_list", parameters={"ON_RADIUS": 0.1})))
    assert (reply.fault, reply.script) == ("refused", "")
    assert "has no constant ON_RADIUS" in reply.fault_message


def test_no_repairs():
    failed = Attempt(number=1, author="coder", script="1/0", failure="runtime")
    reply = CookbookBackend().ask(question("coder", attempts=[failed]))
    assert reply.fault == "refused"
    assert reply.fault_message == "The cookbook does not repair scripts: a recipe is what it is."


@pytest.mark.parametrize("role", ["critic", "optimiser"])
def test_no_opinion(role: str):
    reply = CookbookBackend().ask(question(role))
    assert reply.fault == "refused"
    assert role in reply.fault_message


@pytest.mark.parametrize("role", ["planner", "coder"])
def test_refusal_says_what_cannot_and_what_can_be_done(role: str):
    request = Request(text="Make a phasogram of the Crab pulsar", stores=[STORE])
    reply = CookbookBackend().ask(question(role, request))
    assert reply.fault == "refused"
    assert "no recipe for a pulsar phase (“phasogram”)" in reply.fault_message
    assert "Reflected-regions spectrum" in reply.fault_message


@pytest.mark.parametrize(
    ("asked", "understood"),
    [
        ('"excess_per_min" (background-subtracted counts per minute)', "excess_rate"),
        ('"excess_rate" (min-1)', "excess_rate"),
        ('"n_on_per_min" (ON counts per minute)', ""),
        ('"excess" (counts)', "excess"),
        ('"n_on" (counts in the ON region)', "n_on"),
    ],
)
def test_a_number_of_counts_is_no_rate(asked: str, understood: str):
    text = f"Reflected-regions significance of the Crab Nebula, 1-10 TeV, ON radius 0.1 deg. Write {asked}."
    reply = CookbookBackend().ask(question("planner", Request(text=text, stores=[STORE])))
    if not understood:
        assert reply.fault == "refused"
        return
    ((quantity, unit),) = Plan.model_validate(reply.value).parameters["RESULTS"].values()
    assert (quantity, unit) == (understood, "min-1" if understood == "excess_rate" else "")
