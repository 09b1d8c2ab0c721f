"""What users do on the page of `gammapygpt web`, from typing the prompt to the figure."""

from __future__ import annotations

import json
from pathlib import Path

OBSERVATIONS = "List the observations within 2 deg of the Crab Nebula, with their livetime"
COUNT = 'Count the observations. Write result.json with "n_obs" (integer).'
PLAN = {"steps": ["count them"], "recipe": "", "results": []}
RIGHT = 'import json\nprint("counting")\njson.dump({"n_obs": 4}, open("result.json", "w"))\n'
CRASHES = (
    'import json\nprint("so far so good")\nvalue = [1, 2][5]\njson.dump({"n_obs": value}, open("result.json", "w"))\n'
)


def planned(**more) -> dict:
    """A reply to the planner."""
    return {"when": "You plan analyses", "json": PLAN, **more}


def written(script: str, **more) -> dict:
    """A reply to the coder."""
    return {"when": "You write Gammapy", "text": f"```python\n{script}```", **more}


def ask(page, request: str, *, backend: str = "cookbook", fast: bool = False, before: tuple[str, ...] = ()) -> None:
    """Fill in the page for a new request, and send it; come back at the address of its run."""
    page.get_by_label("Request").fill(request)
    if backend != "cookbook":
        choose(page, "Backend", backend)
    if fast:
        page.get_by_role("slider").press("ArrowLeft")
        page.get_by_text("1 attempt, 6 model calls").wait_for()
    for what in before:
        page.get_by_role("button", name=what).click()
        page.locator("button[aria-pressed=true]", has_text=what).wait_for()
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/?run=*")


def choose(page, label: str, option: str) -> None:
    """Pick an option of a select box."""
    page.get_by_role("combobox", name=label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def stands(page, status: str) -> None:
    """Wait until the head of the page says so of the run that its address names."""
    name = page.url.partition("run=")[2]
    head = page.locator(".g-head").filter(has=page.locator(".g-meta", has_text=name))
    head.locator(".g-badge", has_text=status).wait_for()


def tab(page, name: str) -> None:
    """Turn to a tab."""
    page.get_by_role("tab", name=name, exact=True).click()


def test_from_typing_the_prompt_to_figure_numbers_and_the_script_in_the_users_hands(user, server, picture, tmp_path):
    page = user(server.url)
    page.get_by_text("What do you want to measure?").wait_for()
    page.get_by_role("row", name="dl3-simulated 4").wait_for()
    picture(page, "start")
    ask(page, OBSERVATIONS)
    stands(page, "running")
    picture(page, "running")
    stands(page, "passed")
    assert page.get_by_role("row", name="n_obs").inner_text().split() == ["n_obs", "4"]
    assert page.get_by_role("img", name="pointings.png").evaluate("image => image.naturalWidth") > 100
    picture(page, "passed")
    with page.expect_download() as download:
        page.get_by_role("button", name="Script", exact=True).click()
    script = Path(download.value.path()).read_text()
    assert script == (server.run_at(page.url) / "final" / "script.py").read_text()
    tab(page, "Plan")
    page.get_by_text("Recipe: observation_list").wait_for()
    picture(page, "plan")
    page.reload()
    page.get_by_role("row", name="n_obs").wait_for()


def test_a_script_that_does_not_pass_is_shown_with_its_log(user, server, picture):
    server.model.add(planned(), written(CRASHES))
    page = user(server.url)
    ask(page, COUNT, backend="model", fast=True)
    page.get_by_text("IndexError").first.wait_for()
    stands(page, "budget spent")
    page.get_by_text("so far so good").first.wait_for()
    picture(page, "failed")
    manifest = json.loads((server.run_at(page.url) / "manifest.json").read_text())
    assert (manifest["switches"]["attempts"], manifest["switches"]["critic"]) == (1, False), "what `fast` sets"
    assert manifest["switches"]["coder_backend"] == "model"


def test_an_approval_outlives_the_server_and_an_edited_script_is_what_runs(user, server, picture):
    page = user(server.url)
    ask(page, OBSERVATIONS, before=("the plan is coded", "a script is run"))
    page.get_by_role("heading", name="Approve the plan").wait_for()
    picture(page, "approval-plan")
    folder = server.run_at(page.url)
    server.stop()
    server.start()
    page = user(f"{server.url}?run={folder.name}")
    page.get_by_role("heading", name="Approve the plan").wait_for()
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("heading", name="Approve the script of attempt 1").wait_for()
    picture(page, "approval-script")
    tab(page, "Edit")
    script = page.get_by_label("Script", exact=True)
    script.fill(script.input_value().replace("SELECTION_RADIUS = 2.0", "SELECTION_RADIUS = 1.0") + "\n# mine\n")
    script.press("Control+Enter")
    page.get_by_role("button", name="Go on with this script").click()
    stands(page, "passed")
    assert (folder / "final" / "script.py").read_text().endswith("# mine\n")
    page.get_by_text("within 1 deg").first.wait_for()


def test_two_users_do_not_see_each_other_and_a_run_goes_on_without_them(user, server, picture):
    server.model.add(planned(delay=3), written(RIGHT, delay=3))
    asked = len(server.model.requests)
    first, second = user(server.url), user(server.url)
    second.get_by_label("Request").fill("something of mine")
    ask(first, COUNT, backend="model", fast=True)
    stands(first, "running")
    server.model.wait_for(asked + 1)
    address = first.url
    first.reload()
    first.get_by_text("At work for").wait_for()
    picture(first, "reloaded")
    first.close()
    assert second.url == server.url
    assert second.get_by_label("Request").input_value() == "something of mine"
    second.get_by_text("Up to 3 attempts").wait_for()
    assert second.get_by_role("combobox", name="Backend", exact=True).input_value() == "cookbook"
    second.goto(address)
    stands(second, "passed")
    assert second.get_by_role("row", name="n_obs").inner_text().split() == ["n_obs", "4"]
