"""What a record keeps of a run: nothing of where things lie on the machine."""

from gammapygpt.evals.campaign import without_places
from gammapygpt.evals.reading import seconds_by_node, without_paths
from gammapygpt.runs.changes import changed_settings
from gammapygpt.settings import Settings, public_settings


def test_installed_files_are_named_from_their_package_on():
    line = 'File "/home/me/.venv/lib/python3.11/site-packages/gammapy/data/core.py", line 3, in get'
    assert without_paths(line) == 'File "gammapy/data/core.py", line 3, in get'
    assert without_paths("from 'json' (/usr/lib/python3.11/json/__init__.py)") == "from 'json' (json/__init__.py)"
    assert without_paths("No such file: data/obs.fits") == "No such file: data/obs.fits"


def test_settings_of_a_campaign_name_no_folder():
    settings = Settings.model_validate({"data": {"path": "/data/here"}, "runs": {"folder": "/scratch/me"}})
    dumped = without_places(public_settings(settings))
    assert "/data" not in str(dumped)
    assert "/scratch" not in str(dumped)
    assert dumped["budget"]["attempts"] == settings.budget.attempts


def test_time_of_a_node_is_the_sum_of_its_turns():
    events = [
        {"event": "took", "agent": "coder", "seconds": 1.5},
        {"event": "agent", "agent": "executor"},
        {"event": "took", "agent": "executor", "seconds": 2.0},
        {"event": "took", "agent": "coder", "seconds": 0.25},
    ]
    assert seconds_by_node(events) == {"coder": 1.75, "executor": 2.0}


def test_settings_that_must_not_change_in_a_campaign():
    here = without_places(public_settings(Settings()))
    then = {**here, "switches": {name: on for name, on in here["switches"].items() if name != "skeptic"}}
    assert changed_settings(then, here) == []
    then["switches"] = {**here["switches"], "skeptic": False}
    assert changed_settings(then, here) == ["switches.skeptic"]
    then["switches"] = {**here["switches"], "of_old": False}
    assert changed_settings(then, here) == [], "it was off, and is no more"
    then["switches"] = {**here["switches"], "of_old": True}
    assert changed_settings(then, here) == ["switches.of_old"]
    mine = {"default_backend": "mine", "backends": {"mine": {"model": "m", "base_url": "http://127.0.0.1:1/v1"}}}
    here = without_places(public_settings(Settings.model_validate(mine)))
    mine["backends"]["mine"]["base_url"] = "http://127.0.0.1:2/v1"
    moved = without_places(public_settings(Settings.model_validate(mine)))
    assert changed_settings(moved, here) == [], "the same model may be served elsewhere"
