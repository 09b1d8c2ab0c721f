"""What the executor decides without running anything: verdicts, repeated drafts, the optimiser's candidate."""

import pytest

from gammapygpt.agents import executor, gates
from gammapygpt.state import Attempt, Execution, Finding, Validation


def ran(number=1, result=None, cpu_s=10.0, author="coder"):
    return Attempt(
        number=number,
        author=author,
        script=f"x = {number}",
        execution=Execution(provider="test", exit_code=0, cpu_s=cpu_s, wall_s=99.0),
        validation=Validation(passed=True, result=result or {"index": 2.5}),
    )


@pytest.mark.parametrize(
    ("execution", "kind", "said"),
    [
        ({"exit_code": -9, "stopped_by": "wall"}, "timeout", "longer than it may"),
        ({"exit_code": -9, "stopped_by": "memory"}, "memory", "more memory"),
        ({"exit_code": 1, "exception": "AttributeError", "message": "no x", "line": 3}, "api", "in line 3: no x"),
        ({"exit_code": 1, "exception": "builtins.FileNotFoundError", "message": "a.fits"}, "data", "a.fits"),
        ({"exit_code": 1, "exception": "ModuleNotFoundError", "message": "No module"}, "import", "No module"),
        ({"exit_code": 1, "exception": "ZeroDivisionError", "message": "division"}, "runtime", "division"),
        ({"exit_code": 7}, "runtime", "exit code 7"),
    ],
)
def test_verdict_on_a_run_that_failed(execution, kind, said):
    attempt = Attempt(number=1, author="coder", script="x", execution=Execution(provider="test", **execution))
    verdict = gates.verdict(attempt)
    assert verdict["failure"] == kind
    assert said in verdict["summary"]


def test_the_first_error_names_the_failure_and_warnings_do_not():
    warning = Finding(gate="contract", kind="contract", severity="warning", message="careful")
    error = Finding(gate="contract", kind="import", line=3, message="no module gammapy.spectrum")
    attempt = Attempt(number=1, author="coder", script="x", findings=[warning, error])
    verdict = gates.verdict(attempt)
    assert verdict["failure"] == "import"
    assert verdict["summary"] == "Stopped before the run: line 3: no module gammapy.spectrum"


def test_a_repeated_draft_shares_the_fate_of_the_first():
    failed = Attempt(number=1, author="coder", script="x", failure="api", signature="api: x", summary="no x")
    again = executor.repeated(Attempt(number=2, author="coder", script="x"), failed)
    assert (again.failure, again.signature, again.repeat_of) == ("api", "api: x", 1)
    assert not again.passed


def test_an_optimiser_that_returns_the_same_script_changes_nothing():
    again = executor.repeated(Attempt(number=2, author="optimiser", script="x"), ran())
    assert again.declined == "the same as attempt 1"
    assert not again.passed


def test_candidate_is_kept_when_the_numbers_agree_and_it_is_not_slower():
    best = ran(result={"index": 2.5, "n_obs": 4})
    kept = executor.compared(ran(2, {"index": 2.5001, "n_obs": 4}, cpu_s=9.0, author="optimiser"), [best])
    assert kept.passed
    slower = executor.compared(ran(2, {"index": 2.5, "n_obs": 4}, cpu_s=12.0, author="optimiser"), [best])
    assert slower.declined == "slower: 12.0 s against 10.0 s"
    other = executor.compared(ran(2, {"index": 2.6, "n_obs": 5}, cpu_s=1.0, author="optimiser"), [best])
    assert other.declined == "other numbers than attempt 1: index, n_obs"
    assert not other.passed


def test_differences_overlook_companions_that_only_one_has():
    one = {"index": 2.5, "index_err": 0.1, "ids": [1, 2], "_meta": {"units": {}}}
    assert executor.differences(one, {"index": 2.5, "ids": [1, 2]}) == []
    assert executor.differences(one, {"index": 2.5, "ids": [1, 3]}) == ["ids"]
    assert executor.differences(one, {"index_err": 0.1, "ids": [1, 2]}) == ["index"]
