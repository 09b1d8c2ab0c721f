"""Drafts made of replies: whole scripts, replaced lines, and replies that hold neither."""

from gammapygpt import cookbook
from gammapygpt.agents import coder, repairing
from gammapygpt.llm.base import Reply
from gammapygpt.state import Attempt, Critique, Execution, Finding, Plan, Request, StoreInfo

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
    assert coder.next_step({}) == "first"
    assert coder.next_step({"attempts": once}) == "repair"
    assert coder.next_step({"attempts": once, "critique": Critique(action="fresh")}) == "fresh"
    assert coder.next_step({"attempts": twice, "critique": Critique(action="repair")}) == "fresh"
    no_script = Attempt(number=1, author="coder", failure="format", signature="format: empty")
    assert coder.next_step({"attempts": [no_script]}) == "fresh"


def test_numbers_of_offered_lines_are_those_of_the_script():
    offered = repairing.offered(SCRIPT, (9, 10))
    assert offered["numbered"] == "   9  line9 = 9\n  10  line10 = 10"


def test_every_recipe_offers_its_block_of_constants():
    for recipe in cookbook.recipes().values():
        first, last = coder.constants_of(recipe.source)
        block = recipe.source.splitlines()[first - 1 : last]
        assert {line.split(" = ")[0] for line in block if " = " in line and line[0] != " "} == set(recipe.constants)


def test_replacement_lines_of_a_first_draft_go_into_the_example():
    first, last = coder.constants_of("import os\n\nRADIUS = 0.1  # deg\nNAMES = {\n    'a': 1,\n}\nprint(RADIUS)\n")
    assert (first, last) == (3, 6)
    assert coder.constants_of("import os\n") is None
    assert coder.constants_of("") is None


def test_a_small_models_choice_of_recipe_counts_only_where_the_rules_agree():
    store = StoreInfo(path="dl3", n_observations=1, obs_ids=[1], ra_deg=[83.6], dec_deg=[22.0], checksum="")
    spectrum = Request(text="Spectrum of the Crab Nebula with reflected regions, power law", stores=[store])
    absorbed = Request(text="Apply EBL absorption at redshift 0.116 to a power law", stores=[store])
    plan = Plan(recipe="reflected_spectrum")
    assert coder.recipe_fits(plan, spectrum, able=False)
    assert not coder.recipe_fits(plan, absorbed, able=False)
    assert coder.recipe_fits(plan, absorbed, able=True)
    assert not coder.recipe_fits(Plan(), spectrum, able=True)
