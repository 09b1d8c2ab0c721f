"""Who speaks next, and when a run ends: pure functions, no model, no sandbox."""

from types import SimpleNamespace

import pytest
from langgraph.graph import END

from gammapygpt.context import Context
from gammapygpt.graph import routing
from gammapygpt.state import Attempt, Critique, Draft, Execution, Finding, Usage, Validation

RAN = Execution(provider="test", exit_code=0)
FAILED = Attempt(number=1, author="coder", script="1/0", failure="runtime", signature="runtime: one", summary="broke")
PASSED = Attempt(number=2, author="coder", script="x = 1", execution=RAN, validation=Validation(passed=True))


def runtime(**switches):
    return SimpleNamespace(context=Context(**switches))


@pytest.mark.parametrize(
    ("switches", "first"),
    [
        ({}, "retriever"),
        ({"retrieval": False}, "planner"),
        ({"retrieval": False, "planner": False}, "coder"),
    ],
)
def test_switches_decide_who_begins(switches, first):
    assert routing.first_agent({}, runtime(**switches)) == first


def test_failure_goes_to_the_critic_and_success_too():
    assert routing.after_execution({"attempts": [FAILED]}, runtime()) == "critic"
    assert routing.after_execution({"attempts": [FAILED, PASSED]}, runtime()) == "critic"


def test_names_that_are_not_there_are_looked_up_before_the_next_draft():
    gone = Finding(gate="api", kind="api", message="`gammapy.maps` has no `MapsAxis`.")
    failed = FAILED.model_copy(update={"failure": "api", "findings": [gone]})
    state = {"attempts": [failed], "critique": Critique(action="repair")}
    assert routing.after_critique(state, runtime()) == "retriever"
    assert routing.after_execution(state, runtime(critic=False)) == "retriever"
    assert routing.after_retrieval(state, runtime()) == "coder"
    assert routing.after_critique({**state, "looked_up": ["gammapy.maps", "MapsAxis"]}, runtime()) == "coder"
    assert routing.after_critique(state, runtime(retrieval=False)) == "coder"
    assert routing.after_critique(state, runtime(attempts=1)) == END
    assert routing.after_critique({**state, "critique": Critique(action="replan")}, runtime()) == "planner"


def test_without_a_critic_a_failure_goes_back_to_the_coder_until_the_same_error_came_three_times():
    off = runtime(critic=False)
    assert routing.after_execution({"attempts": [FAILED]}, off) == "coder"
    assert routing.after_execution({"attempts": [FAILED, FAILED, FAILED]}, off) == "planner"
    assert routing.after_execution({"attempts": [PASSED]}, off) == END


def test_success_goes_to_the_optimiser_only_where_it_is_switched_on():
    state = {"attempts": [PASSED], "critique": Critique(action="accept")}
    assert routing.after_critique(state, runtime()) == END
    assert routing.after_critique(state, runtime(optimiser=True)) == "optimiser"


def test_the_optimiser_speaks_once():
    candidate = PASSED.model_copy(update={"author": "optimiser", "number": 3})
    assert routing.after_execution({"attempts": [PASSED, candidate]}, runtime(optimiser=True)) == END
    nothing = {"draft": Draft(author="optimiser", number=3)}
    assert routing.after_optimising(nothing, runtime()) == END


def test_the_user_is_asked_where_that_is_wanted_and_a_refusal_ends_it():
    candidate = {"draft": Draft(author="optimiser", number=3, script="x = 2")}
    both = runtime(approve=["plan", "script"])
    assert routing.after_planning({}, both) == "approve_plan"
    assert routing.after_writing({}, both) == "approve_script"
    assert routing.after_optimising(candidate, both) == "approve_script"
    assert routing.after_planning({}, runtime(approve=["script"])) == "coder"
    assert routing.after_writing({}, runtime(approve=["plan"])) == "executor"
    assert routing.after_plan_approval({}) == "coder"
    assert routing.after_script_approval({}) == "executor"
    declined = {"refusal": "the user declined the plan"}
    assert routing.after_plan_approval(declined) == routing.after_script_approval(declined) == END


def test_critic_can_give_up_and_replan():
    def after(action):
        return routing.after_critique({"attempts": [FAILED], "critique": Critique(action=action)}, runtime())

    assert after("give_up") == END
    assert after("replan") == "planner"
    assert after("repair") == after("fresh") == "coder"


@pytest.mark.parametrize(
    ("budget", "usage"),
    [
        ({"attempts": 1}, Usage()),
        ({"model_calls": 3}, Usage(calls=3)),
        ({"tokens": 1000}, Usage(input_tokens=900, output_tokens=100)),
        ({"cost": 0.5}, Usage(cost=0.5)),
        ({"wall_s": 60}, Usage(wall_s=61)),
    ],
)
def test_a_spent_budget_ends_the_run_before_the_next_call(budget, usage):
    state = {"attempts": [FAILED], "usage": usage, "critique": Critique(action="repair")}
    limited = runtime(**budget)
    assert routing.after_execution(state, limited) == END
    assert routing.after_critique(state, limited) == END
    ended = routing.outcome(state, limited.context)
    assert ended.status == "budget"
    assert "is spent" in ended.reason


def test_optimiser_does_not_count_as_an_attempt_but_needs_calls():
    state = {"attempts": [PASSED], "usage": Usage(calls=2)}
    assert routing.after_critique(state, runtime(optimiser=True, attempts=1)) == "optimiser"
    assert routing.after_critique(state, runtime(optimiser=True, model_calls=2)) == END


def test_outcomes():
    context = Context()
    passed = routing.outcome({"attempts": [FAILED, PASSED]}, context)
    assert (passed.status, passed.best) == ("passed", 2)
    refused = routing.outcome({"refusal": "no light curves here"}, context)
    assert (refused.status, refused.reason) == ("refused", "no light curves here")
    stuck = routing.outcome({"attempts": [FAILED], "refusal": "a recipe is what it is"}, context)
    assert (stuck.status, stuck.reason) == ("failed", "broke a recipe is what it is")
    given_up = {"attempts": [FAILED], "critique": Critique(action="give_up", diagnosis="no data")}
    assert routing.outcome(given_up, context).status == "failed"
    assert "no data" in routing.outcome(given_up, context).reason


def test_declined_candidate_leaves_the_first_answer_standing():
    declined = PASSED.model_copy(update={"author": "optimiser", "number": 3, "declined": "slower: 9.0 s against 4.0 s"})
    ended = routing.outcome({"attempts": [PASSED, declined]}, Context())
    assert ended.best == 2
    assert "slower" in ended.reason


def test_recursion_limit_covers_every_draft():
    assert routing.recursion_limit(Context(attempts=10)) >= 4 * 10 + 4
