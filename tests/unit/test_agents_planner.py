"""Plans made of what the rules read and of what a model adds; and the schema in which it can only copy."""

from __future__ import annotations

import pytest

from gammapygpt.agents import parameters, planner
from gammapygpt.llm.cookbook import plans_of
from gammapygpt.prompts import render
from gammapygpt.state import Earlier, Plan, Request, StoreInfo

STORE = StoreInfo(path="dl3", n_observations=2, obs_ids=[1, 2], ra_deg=[83.6, 84.1], dec_deg=[22.5, 22.0], checksum="")


def request(text: str) -> Request:
    return Request(text=text, stores=[STORE])


SPECTRUM = request("Spectrum of the Crab Nebula, reflected regions, power law, 1-10 TeV")
ODD = request("Spectrum of the Crab Nebula with reflected regions, 700 GeV to 10 TeV, a window of 0.25 deg, power law")


def test_numbers_of_a_request_by_the_unit_that_they_may_be_in():
    text = "0.2 deg, 12 arcmin, 700 GeV to 10 TeV, index 2.3, 30 min"
    assert parameters.given(text, "deg") == [0.2, 2.3]
    assert parameters.given(text, "TeV") == [0.7, 10.0, 2.3]
    assert parameters.given(text, "h") == [2.3, 0.5]
    assert parameters.given(text, "") == [2.3]


def test_a_number_can_only_be_one_of_the_request_that_the_rules_left_open():
    best = plans_of(ODD)[0]
    assert best.recipe == "reflected_spectrum"
    assert any("0.25" in words for words in best.uncovered)
    fields = parameters.schema(best, ODD, able=False)["properties"]
    assert fields["ON_RADIUS"] == {"enum": [0.25, None]}
    assert "ENERGY_MIN" not in fields
    assert "STACKED" not in fields
    assert parameters.schema(best, ODD, able=True)["properties"]["STACKED"] == {"enum": [True, False, None]}


def test_a_small_model_is_asked_for_the_recipe_and_its_open_parameters_alone():
    schema = planner.plan_schema(
        ["reflected_spectrum"], {"properties": {"ON_RADIUS": {"enum": [0.25, None]}}}, able=False
    )
    assert list(schema["properties"]) == ["recipe", "parameters"]
    assert list(planner.plan_schema(["a"], {"properties": {}}, able=False)["properties"]) == ["recipe"]
    assert "missing" in planner.plan_schema(["a"], {"properties": {}}, able=True)["properties"]


def test_what_a_model_finds_a_constant_for_is_no_longer_open():
    plan = planner.settle(
        Plan(recipe="reflected_spectrum", parameters={"ON_RADIUS": 0.25}), plans_of(ODD), ODD, able=True
    )
    assert plan.parameters["ON_RADIUS"] == 0.25
    assert plan.covers
    assert "ON_RADIUS = 0.25, as the planner read the request." in plan.assumptions


@pytest.mark.parametrize(
    "given",
    [{"ON_RADIUS": 0.3}, {"ON_RADIUS": "wide"}, {"MOON": 0.25}, {"ENERGY_MIN": 0.25}, {"STACKED": 0.25}],
    ids=["invented", "not a number", "no such constant", "read by the rules", "of another type"],
)
def test_what_the_request_does_not_bear_out_is_dropped(given: dict):
    plan = planner.settle(Plan(recipe="reflected_spectrum", parameters=given), plans_of(ODD), ODD, able=True)
    assert plan.parameters == plans_of(ODD)[0].parameters
    assert not plan.covers


def test_what_a_model_misses_in_a_recipe_is_uncovered_whatever_the_rules_say():
    reply = {"recipe": "reflected_spectrum", "parameters": {}, "missing": ["the run-wise excess"], "steps": ["Fit"]}
    plan = planner.settle(planner.proposed(reply), plans_of(SPECTRUM), SPECTRUM, able=True)
    assert plans_of(SPECTRUM)[0].covers
    assert plan.uncovered == ["the run-wise excess"]
    assert plan.steps == ["Fit"]


def test_another_recipe_reads_the_request_for_itself():
    plan = planner.settle(Plan(recipe="reflected_significance"), plans_of(SPECTRUM), SPECTRUM, able=True)
    assert plan.recipe == "reflected_significance"
    assert plan.parameters["ENERGY_MAX"] == 10.0
    assert "SPECTRAL_MODEL" not in plan.parameters
    assert not plan.covers


def test_a_small_models_choice_of_recipe_counts_only_among_those_that_the_rules_think_of():
    plan = planner.settle(Plan(recipe="reflected_significance"), plans_of(SPECTRUM), SPECTRUM, able=False)
    assert plan.recipe == "reflected_spectrum"
    nothing = request("What is the weather like in Namibia?")
    assert plans_of(nothing) == []
    assert planner.settle(Plan(recipe="reflected_significance"), [], nothing, able=False).recipe == ""


def test_an_unusable_reply_leaves_the_plan_to_the_rules():
    for reply in (None, {"recipe": 3}, {"steps": "no list"}):
        plan = planner.settle(planner.proposed(reply), plans_of(SPECTRUM), SPECTRUM, able=True)
        assert plan.covers
        assert plan.recipe == "reflected_spectrum"


def test_keys_are_identifiers_and_each_once():
    keys = [{"key": "n_on"}, {"key": "n_on"}, {"key": "not a key"}]
    assert [spec.key for spec in planner.proposed({"results": keys}).results] == ["n_on", "n_on", "not a key"]
    assert [spec.key for spec in planner.known_keys(planner.proposed({"results": keys}).results)] == ["n_on"]


def test_a_follow_up_that_the_rules_do_not_understand_is_restated_by_a_model_that_can():
    said = "use half the ON radius"
    earlier = Earlier(run="r", text=SPECTRUM.text, asked=said, unread="half", script="print(1)", result={"index": 2.4})
    both = SPECTRUM.model_copy(update={"text": f"{SPECTRUM.text}\nThen: {said}", "earlier": earlier})
    assert plans_of(both)[0].uncovered == [said]
    assert planner.to_restate(both, able=False) is None
    assert next(iter(planner.plan_schema([], {}, able=True, restates=True)["properties"])) == "request"
    known = planner.to_restate(both, able=True)
    prompt = render(
        "planner", "task", request="-", earlier=known, recipes=[], stores=[], draft="", failures=[], able=True
    )
    for part in (SPECTRUM.text, "print(1)", "{'index': 2.4}", said, 'Give first "request"'):
        assert part in prompt
    text = f"{SPECTRUM.text}, ON radius 0.055 deg"
    restated = planner.restated(both, {"request": text})
    assert (restated.text, restated.earlier.unread) == (text, "")
    assert plans_of(restated)[0].parameters["ON_RADIUS"] == 0.055
    assert planner.restated(both, {"recipe": ""}) is both
    assert planner.restated(SPECTRUM, {"request": text}) is SPECTRUM
