"""What the options of `resume` say to a run that waits, and what they cannot say."""

from __future__ import annotations

import json

import pytest

from gammapygpt.commands.answers import from_options
from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder
from gammapygpt.state import Plan, Question


@pytest.fixture
def waiting(tmp_path):
    """A run that waits for its plan to be approved."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.update_manifest(question=Question(about="plan", plan=Plan(steps=["count"])).model_dump())
    return folder


def test_an_edited_plan_is_read_from_json(waiting, tmp_path):
    (tmp_path / "plan.json").write_text(json.dumps({"steps": ["count", "divide"]}))
    answer = from_options(waiting, edit=tmp_path / "plan.json")
    assert answer.decision == "edit"
    assert answer.plan.steps == ["count", "divide"]


def test_an_edited_script_is_read_as_it_is(waiting, tmp_path):
    waiting.update_manifest(question=Question(about="script", script="a = 1\n").model_dump())
    (tmp_path / "mine.py").write_text("a = 2\n")
    assert from_options(waiting, edit=tmp_path / "mine.py").script == "a = 2\n"


def test_without_options_there_is_no_answer(waiting):
    assert from_options(waiting) is None
    assert from_options(waiting, reject=True, because="no").reason == "no"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"accept": True, "reject": True}, "exclude each other"),
        ({"because": "it is late"}, "--because gives the reason of --reject"),
        ({"edit": "there-is-none.json"}, "cannot read"),
        ({"edit": "broken.json"}, "holds no plan"),
    ],
)
def test_what_makes_no_answer_is_one_clear_line(waiting, tmp_path, options, said):
    (tmp_path / "broken.json").write_text('{"steps": 3}')
    if "edit" in options:
        options = {"edit": tmp_path / options["edit"]}
    with pytest.raises(UserError, match=said):
        from_options(waiting, **options)


def test_a_run_that_waits_for_nothing_takes_no_answer(waiting):
    waiting.update_manifest(question=None)
    with pytest.raises(UserError, match="waits for no answer"):
        from_options(waiting, accept=True)
