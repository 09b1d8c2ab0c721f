"""The rest of what users do on the page; minutes, because each of them is several runs."""

from __future__ import annotations

import json

import pytest
from test_web_page import COUNT, CRASHES, OBSERVATIONS, RIGHT, ask, choose, planned, stands, tab, written

pytestmark = pytest.mark.slow


def test_a_follow_up_goes_on_from_the_run_before_and_a_new_request_does_not(user, server, picture):
    page = user(server.url)
    ask(page, OBSERVATIONS)
    stands(page, "passed")
    first = server.run_at(page.url)
    page.get_by_placeholder("Follow up").fill("only the runs within 1 deg")
    page.get_by_placeholder("Follow up").press("Enter")
    page.wait_for_url(lambda url: "run=" in url and first.name not in url)
    stands(page, "passed")
    picture(page, "followed-up")
    manifest = json.loads((server.run_at(page.url) / "manifest.json").read_text())
    assert manifest["follows"]["run"] == first.name
    assert manifest["plan"]["parameters"]["SELECTION_RADIUS"] == 1.0
    page.get_by_role("button", name=f"Follows {first.name}").click()
    page.wait_for_url(f"**/?run={first.name}")
    page.locator("label", has_text="Carry the conversation on").click()
    page.get_by_placeholder("A new request").fill(OBSERVATIONS)
    page.get_by_placeholder("A new request").press("Enter")
    page.wait_for_url(lambda url: "run=" in url and first.name not in url)
    stands(page, "passed")
    assert "follows" not in json.loads((server.run_at(page.url) / "manifest.json").read_text())


def test_an_edited_plan_is_what_is_coded_and_a_rejected_script_ends_the_run(user, server, picture):
    page = user(server.url)
    ask(page, OBSERVATIONS, before=("the plan is coded", "a script is run"))
    page.get_by_role("heading", name="Approve the plan").wait_for()
    tab(page, "Edit")
    constants = page.get_by_label("Constants of the recipe (JSON)").first
    kept = constants.input_value()
    constants.fill("{ no JSON")
    constants.press("Control+Enter")
    page.get_by_role("button", name="Go on with this plan").click()
    page.get_by_text("the constants are no JSON").wait_for()
    picture(page, "plan-that-is-none")
    constants.fill(json.dumps(json.loads(kept) | {"SELECTION_RADIUS": 0.25}))
    constants.press("Control+Enter")
    page.get_by_role("button", name="Go on with this plan").click()
    page.get_by_role("heading", name="Approve the script of attempt 1").wait_for()
    assert "SELECTION_RADIUS = 0.25" in (server.run_at(page.url) / "attempts" / "01" / "script.py").read_text()
    page.get_by_role("button", name="Reject").click()
    page.get_by_label("Why").fill("too narrow a cone")
    page.get_by_label("Why").press("Enter")
    page.get_by_role("button", name="Reject it").click()
    stands(page, "refused")
    page.get_by_text("too narrow a cone").first.wait_for()
    picture(page, "rejected")


def test_a_failed_run_is_forked_with_an_edited_script(user, server, picture):
    server.model.add(planned(), written(CRASHES))
    page = user(server.url)
    ask(page, COUNT, backend="model", fast=True)
    stands(page, "budget spent")
    before = server.run_at(page.url)
    tab(page, "Another way")
    page.get_by_text("An edited script").click()
    script = page.get_by_label("Script", exact=True)
    script.fill(RIGHT)
    script.press("Control+Enter")
    picture(page, "another-way")
    page.get_by_role("button", name="Fork").click()
    page.wait_for_url(lambda url: "run=" in url and before.name not in url)
    stands(page, "passed")
    page.get_by_role("button", name=f"Forked from {before.name}").wait_for()
    assert page.get_by_role("row", name="n_obs").inner_text().split() == ["n_obs", "4"]


def test_what_changed_between_attempts_is_shown(user, server, picture):
    critique = {"kind": "runtime", "diagnosis": "no such index", "action": "fresh", "advice": "count them"}
    server.model.add(
        planned(),
        written(CRASHES),
        {"when": "You read what became", "json": critique},
        {"when": "You write Gammapy", "text": f"```python\n{RIGHT}```"},
    )
    page = user(server.url)
    ask(page, COUNT, backend="model")
    stands(page, "passed")
    page.get_by_text("not one that the run computed").first.wait_for()
    tab(page, "Attempts")
    page.locator(".g-old", has_text="value = [1, 2][5]").wait_for()
    picture(page, "attempts")


def test_a_stopped_run_is_resumed_where_it_was(user, server):
    server.model.add(planned(), written(RIGHT, delay=20))
    asked = len(server.model.requests)
    page = user(server.url)
    ask(page, COUNT, backend="model", fast=True)
    server.model.wait_for(asked + 2)
    page.get_by_role("button", name="Stop the run").click()
    stands(page, "interrupted")
    server.model.add(written(RIGHT))
    page.get_by_role("button", name="Resume").click()
    stands(page, "passed")
    assert len(server.model.requests) == asked + 3, "the planner is not asked again"


def test_the_data_set_that_is_picked_is_named_in_the_request(user, server, picture):
    page = user(server.url)
    choose(page, "Data set", "dl3-simulated: 4 observations")
    ask(page, OBSERVATIONS)
    page.get_by_text("Use the data store dl3-simulated.").first.wait_for()
    stands(page, "passed")
    page.get_by_role("textbox", name="Runs").fill("crab dl3-simulated")
    page.get_by_role("textbox", name="Runs").press("Enter")
    page.get_by_role("button", name="List the observations").first.wait_for()
    page.get_by_role("textbox", name="Runs").fill("no such thing")
    page.get_by_role("textbox", name="Runs").press("Enter")
    page.get_by_text("No run fits.").wait_for()
