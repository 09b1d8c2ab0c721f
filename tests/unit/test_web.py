"""The page without a browser: what it makes of events, texts and choices, and what it says to wrong input."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gammapygpt import detached
from gammapygpt.commands.web import is_loopback, server_options
from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.history import at_work, named, status

pytest.importorskip("streamlit", reason="no Streamlit: pip install 'gammapygpt[web]'")

from streamlit.testing.v1 import AppTest

from gammapygpt.web.place import Place, place_of, place_told
from gammapygpt.web.speeds import SPEEDS, effort_of, in_words
from gammapygpt.web.standing import standings
from gammapygpt.web.words import html, plain


def page(arguments):
    """What `page.py` does."""
    from gammapygpt.web.app import show

    show(arguments)


@pytest.fixture(autouse=True)
def program_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit puts the page in the place of the program; what spawns processes would start it there."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture
def place(tmp_path: Path, simulated_data: Path) -> Place:
    """A server's place, with two backends beside the built-in ones: one wants a key, one has an effort."""
    config = tmp_path / "config.toml"
    backend = 'kind = "openai"\nmodel = "m"\nbase_url = "https://example.org/v1"\n'
    config.write_text(
        f'[backends.keyed]\n{backend}api_key_env = "A_KEY_THAT_NOBODY_HAS"\n'
        f'[backends."thinks.well"]\n{backend}reasoning_effort = "medium"\n'
    )
    return place_of(config, tmp_path / "runs", simulated_data)


def opened(place: Place, run: str = "") -> AppTest:
    """The page as a user who has just opened it sees it."""
    app = AppTest.from_function(page, kwargs={"arguments": place.arguments()}, default_timeout=120)
    if run:
        app.query_params["run"] = run
    return app.run()


def send(app: AppTest) -> None:
    """Press `Run`."""
    next(button for button in app.button if button.label == "Run").click().run()


def a_run(place: Place, **entries) -> RunFolder:
    """A run folder as `start` leaves it, with other entries in its manifest."""
    folder = RunFolder.new(place.runs, "significance of the Crab")
    request = {"text": "significance of the Crab", "results": [], "expect_file": "", "expect_sha256": ""}
    folder.update_manifest(**{"run": folder.name, "status": "failed", "request": request, "switches": {}, **entries})
    return folder


def test_an_empty_request_is_refused_in_one_line_and_starts_nothing(place):
    app = opened(place)
    app.text_area(key="request").input("   ")
    send(app)
    assert app.error[0].value.startswith(plain("the request is empty."))
    assert list(place.runs.iterdir()) == []


@pytest.mark.parametrize("name", ["no-such-run", "../runs", "/etc", "."])
def test_an_address_names_a_run_of_the_folder_or_nothing(place, name):
    a_run(place)
    app = opened(place, name)
    assert "there is no run" in app.error[0].value


def test_a_backend_without_its_key_names_the_variable(place):
    app = opened(place)
    app.selectbox(key="backend").select("keyed").run()
    assert [warning.value.replace("\\", "") for warning in app.warning] == [
        "A_KEY_THAT_NOBODY_HAS is not set where the page was started."
    ]
    app.text_area(key="request").input("significance of the Crab")
    send(app)
    assert "needs its key" in app.error[0].value


def test_the_speed_sets_agents_which_can_be_set_back(place):
    app = opened(place)
    app.select_slider(key="speed").set_value("thorough").run()
    assert (app.toggle(key="critic").value, app.toggle(key="optimiser").value) == (True, True)
    app.toggle(key="optimiser").set_value(False).run()
    assert not app.toggle(key="optimiser").value
    app.select_slider(key="speed").set_value("fast").run()
    assert not app.toggle(key="critic").value


def test_what_a_speed_means_is_said_and_reaches_only_backends_that_think(place):
    assert in_words(SPEEDS["fast"]) == "1 attempt, 6 model calls, 60 k tokens; no critic"
    settings = place.settings()
    laid_over = effort_of(SPEEDS["thorough"], settings.backends)
    assert laid_over == {'backends."thinks.well".reasoning_effort': "high"}
    assert place.settings(laid_over).backends["thinks.well"].reasoning_effort == "high"


def test_a_request_shows_as_it_was_written_whatever_it_holds(place):
    nasty = "<img src=x onerror=alert(1)> [here](http://example.org) :material/home: $x$ **now**"
    folder = a_run(place, request={"text": nasty}, reason=nasty)
    app = opened(place, folder.name)
    assert not app.exception
    title = next(one.proto.body for one in app.get("html") if "g-title" in one.proto.body)
    assert "&lt;img src=x onerror=alert(1)&gt;" in title
    assert "<img" not in title
    assert app.error[0].value == plain(nasty)


@pytest.mark.parametrize("mark", list("*_`[]()<>#|~$!\\"))
def test_every_mark_of_markdown_is_escaped(mark):
    assert plain(f"a{mark}b") == f"a\\{mark}b"


def test_a_text_is_never_html_and_a_piece_of_ours_stays_one():
    inner = html("<b>{text}</b>", text="<script>")
    assert html("<p>{inner} {text}</p>", inner=inner, text="a & b") == "<p><b>&lt;script&gt;</b> a &amp; b</p>"


def test_agents_as_far_as_they_are():
    events = [
        {"event": "agent", "agent": "planner", "time": "2026-01-01T00:00:00+00:00"},
        {"event": "planned", "steps": ["count"], "recipe": "observation_list"},
        {"event": "took", "agent": "planner", "seconds": 2.0},
        {"event": "agent", "agent": "coder"},
        {"event": "took", "agent": "coder", "seconds": 1.0},
        {"event": "agent", "agent": "executor"},
        {"event": "attempted", "attempt": 1, "failure": "runtime", "summary": "IndexError", "seconds": 1.0},
        {"event": "took", "agent": "executor", "seconds": 1.5},
        {"event": "agent", "agent": "coder"},
    ]
    found = {one.agent: one for one in standings(events, {"retrieval": False}, going=True)}
    assert {agent: one.progress for agent, one in found.items()} == {
        "retriever": "off",
        "planner": "done",
        "coder": "at work",
        "executor": "failed",
        "critic": "to come",
        "optimiser": "to come",
    }
    assert (found["planner"].said, found["planner"].seconds) == ("recipe observation_list", 2.0)
    assert found["coder"].visits == 2
    assert "IndexError" in found["executor"].said
    asking = standings([*events, {"event": "agent", "agent": "approve_script"}], {}, going=False, asks="script")
    assert [one.agent for one in asking if one.progress == "your turn"] == ["you"]


def test_what_a_server_was_told_comes_back_to_its_page(place):
    assert place_told(place.arguments()) == place
    assert place.settings().backends["keyed"].api_key_env == "A_KEY_THAT_NOBODY_HAS"


def test_the_server_keeps_to_itself():
    own, open_to_all = server_options("127.0.0.1", 8501, headless=True), server_options("0.0.0.0", 1, headless=True)
    assert "--browser.gatherUsageStats=false" in own
    assert "--server.allowedHosts=localhost" in own
    assert not any("allowedHosts" in option for option in open_to_all)
    assert (is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")) == (True, True, False)


def test_a_port_in_use_is_said_before_anything_starts(tmp_path):
    import socket

    from gammapygpt.cli import app

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = CliRunner().invoke(app, ["web", "--port", port, "--runs", str(tmp_path / "runs")])
    assert ran.exit_code == 2
    assert "Name another one with --port or --host." in ran.stderr


def test_a_run_whose_process_was_just_started_is_running_and_can_be_stopped(place):
    folder = a_run(place, status="interrupted", config="", overrides={}, settings={})
    assert status(folder) == "interrupted"
    process = detached.go_on(folder)
    assert status(folder) == "running"
    with pytest.raises(UserError, match="under way"):
        detached.go_on(folder)
    os.kill(process.pid, signal.SIGSTOP)  # or it might end before it is asked
    detached.stop(folder)
    os.kill(process.pid, signal.SIGCONT)
    assert process.wait() != 0
    assert (status(folder), at_work(folder)) == ("interrupted", False)


def test_the_error_that_ended_a_process_is_kept(place):
    folder = a_run(place, status="interrupted", config="", overrides={"no.such": 1}, settings={})
    assert detached.go_on(folder).wait() == 2
    assert "no" in detached.last_words(folder)
    assert json.loads((folder.path / "manifest.json").read_text())["status"] == "interrupted"


def test_only_a_run_of_the_folder_has_a_name(place):
    folder = a_run(place)
    assert named(place.runs, folder.name).path == folder.path
    assert named(place.runs / "elsewhere", f"../{folder.name}") is None
