"""Drafts made of replies: whole scripts, replaced lines, and replies that hold neither."""

from gammapygpt.agents import coder, repairing
from gammapygpt.context import Context
from gammapygpt.llm.base import Reply
from gammapygpt.state import Attempt, Critique, Execution, Finding, Plan, Request

SCRIPT = "".join(f"line{number} = {number}\n" for number in range(1, 21))


def failed(**fields):
    return Attempt(number=1, author="coder", script=SCRIPT, failure="api", signature="api: x", summary="x", **fields)


def test_replacement_lines_are_put_into_the_last_script():
    reply = Reply(script="line5 = 'new'\nextra = 1\n", lines=(5, 6))
    draft = coder.draft_of(reply, SCRIPT, 2, "repair")
    lines = draft.script.splitlines()
    assert draft.how == "patch"
    assert lines[3:7] == ["line4 = 4", "line5 = 'new'", "extra = 1", "line7 = 7"]


def test_lines_that_are_not_there_are_a_format_fault():
    draft = coder.draft_of(Reply(script="x = 1", lines=(30, 31)), SCRIPT, 2, "repair")
    assert (draft.script, draft.fault) == ("", "malformed")
    assert "30-31" in draft.fault_message


def test_a_cut_reply_keeps_its_name():
    draft = coder.draft_of(Reply(fault="truncated", fault_message="cut at 4096 tokens"), "", 1, "first")
    assert (draft.fault, draft.fault_message) == ("truncated", "cut at 4096 tokens")


def test_the_failing_line_is_offered_with_its_neighbours():
    crashed = failed(execution=Execution(provider="test", exit_code=1, exception="TypeError", line=10))
    assert repairing.lines_to_offer(crashed) == (7, 13)
    first = failed(findings=[Finding(gate="contract", kind="contract", line=1, message="no")])
    assert repairing.lines_to_offer(first) == (1, 4)
    scattered = [Finding(gate="contract", kind="contract", line=line, message="no") for line in (1, 20)]
    assert repairing.lines_to_offer(failed(findings=scattered)) is None
    assert repairing.lines_to_offer(failed()) is None


def test_next_step_follows_the_critic_but_never_repeats_itself():
    once, twice = [failed()], [failed(), failed()]
    assert coder.next_step({}, Context()) == "first"
    assert coder.next_step({"attempts": once}, Context()) == "repair"
    assert coder.next_step({"attempts": once, "critique": Critique(action="fresh")}, Context()) == "fresh"
    assert coder.next_step({"attempts": twice, "critique": Critique(action="repair")}, Context()) == "fresh"
    no_script = Attempt(number=1, author="coder", failure="format", signature="format: empty")
    assert coder.next_step({"attempts": [no_script]}, Context()) == "fresh"


def test_numbers_of_offered_lines_are_those_of_the_script():
    offered = repairing.offered(SCRIPT, (9, 10))
    assert offered["numbered"] == "   9  line9 = 9\n  10  line10 = 10"


def test_a_small_model_is_shown_a_draft_without_its_docstring():
    state = {"request": Request(text="counts"), "plan": Plan(recipe="observation_list", uncovered=["a pink figure"])}
    small, able = (coder.to_draft(state, Context(), able=able).base for able in (False, True))
    assert small.startswith("import json")
    assert able.startswith('"""Observation list')
    assert coder.given_back(small, state["plan"], None), "and it is known again when it comes back"


def test_a_plan_that_covers_the_request_is_its_own_draft():
    plan = Plan(recipe="observation_list", parameters={"TARGET_RA": 10.0})
    assert coder.next_step({"plan": plan}, Context()) == "recipe"
    assert "TARGET_RA = 10.0" in coder.filled(plan)
    assert coder.next_step({"plan": plan}, Context(drafts=False)) == "first"
    partly = plan.model_copy(update={"uncovered": ["a histogram of the zenith angles"]})
    assert coder.next_step({"plan": partly}, Context()) == "first"


def test_a_draft_given_back_unchanged_leaves_out_what_it_left_out():
    plan = Plan(recipe="observation_list", uncovered=["a histogram"])
    draft = coder.draft_of(Reply(script=coder.filled(plan)), "", 1, "first")
    draft = coder.untouched(draft, coder.given_back(draft.script, plan, None))
    assert (draft.script, draft.fault) == ("", "malformed")
    assert draft.fault_message == "the recipe came back unchanged, which leaves out a histogram"
