"""Statistics of campaigns against published values, brute force and made-up tables with known truth."""

from __future__ import annotations

from itertools import combinations
from statistics import mean

import numpy as np
import pytest
from made_up_campaign import drawn, record, verdicts
from numpy.testing import assert_allclose

from gammapygpt.evals.record import AttemptRecord, Record
from gammapygpt.evals.statistics.campaign import statistics
from gammapygpt.evals.statistics.cells import right, wrong
from gammapygpt.evals.statistics.failures import failures
from gammapygpt.evals.statistics.pairs import compared, corrected, interval_of_difference, sign_test
from gammapygpt.evals.statistics.passes import attempts_to_pass, pass_all, pass_at, passes_over_epochs
from gammapygpt.evals.statistics.rates import over_tasks, proportion, rate
from gammapygpt.evals.statistics.remarks import remarks
from gammapygpt.evals.statistics.sensitivity import sensitivity
from gammapygpt.evals.statistics.spending import spending
from gammapygpt.state import Usage


def test_wilson_of_8_in_10_and_clopper_pearson_of_0_in_10():
    interval = proportion(8, 10)
    assert_allclose((interval.low, interval.high), (0.490162, 0.943318), atol=1e-6)
    # 1 - 0.025**(1/10), the closed form for no success
    assert_allclose(proportion(0, 10, "beta").high, 0.308497, atol=1e-6)


@pytest.mark.parametrize(("n", "c"), [(1, 0), (1, 1), (4, 1), (5, 3), (6, 6)])
def test_pass_at_k_and_pass_all_k_are_what_counting_every_choice_of_k_answers_gives(n, c):
    answers = [True] * c + [False] * (n - c)
    for k in range(1, n + 1):
        chosen = list(combinations(answers, k))
        assert_allclose(pass_at(n, c, k), mean(any(one) for one in chosen), atol=1e-12)
        assert_allclose(pass_all(n, c, k), mean(all(one) for one in chosen), atol=1e-12)


def test_over_epochs_only_tasks_with_k_judged_cells_say_something_about_k():
    one, two, three = passes_over_epochs(verdicts({"a": "RFF", "b": "RR", "c": "FF"}))
    assert_allclose((one.any_right, one.all_right), ((1 / 3 + 1 + 0) / 3,) * 2)
    assert (two.tasks, three.tasks) == (3, 1)
    assert_allclose(two.any_right, (2 / 3 + 1 + 0) / 3)
    assert_allclose(two.all_right, (0 + 1 + 0) / 3)
    assert (three.any_right, three.all_right) == (1, 0)


def test_a_rate_counts_cells_and_weighs_tasks_alike():
    found = rate(verdicts({"a": "RRRR", "b": "FF"}), right)
    assert (found.successes, found.trials, found.tasks) == (4, 6, 2)
    assert_allclose((found.value, found.task_mean), (2 / 3, 1 / 2))
    assert rate([], right).value is None


def test_where_all_tasks_agree_the_interval_over_tasks_is_wilsons_and_says_so():
    never = rate(verdicts(dict.fromkeys("abcdefgh", "FFF")), right)
    assert never.clustered is not None
    assert never.clustered.method == "Wilson over 8 tasks, no bootstrap: all tasks agree"
    assert_allclose((never.clustered.low, never.clustered.high), (0, 0.324408), atol=1e-6)
    assert never.wilson is not None
    assert never.wilson.high < never.clustered.high, "24 cells of 8 tasks are not 24 independent cells"
    alone = over_tasks([0.5])
    assert "one task alone" in alone.method
    assert alone.high - alone.low > 0.8
    always = over_tasks([1.0] * 8)
    assert_allclose((always.low, always.high), (1 - 0.324408, 1), atol=1e-6)


def test_the_bootstrap_over_tasks_is_near_the_normal_interval_of_many_tasks_and_always_the_same():
    means = list(np.random.default_rng(3).uniform(0, 1, 200))
    found = over_tasks(means)
    half = 1.96 * np.std(means, ddof=1) / np.sqrt(200)
    assert_allclose((found.low, found.high), (np.mean(means) - half, np.mean(means) + half), atol=0.005)
    assert over_tasks(means) == found


def test_called_passed_but_wrong_is_counted_of_all_and_of_what_was_called_passed():
    (table,) = statistics(verdicts({"a": "RW", "b": "WF", "c": "FI"}))
    (arm,) = table.arms
    assert (arm.wrong.successes, arm.wrong.trials) == (2, 5)
    assert (arm.wrong_of_called.successes, arm.wrong_of_called.trials, arm.wrong_of_called.tasks) == (2, 3, 2)
    assert_allclose(arm.wrong_of_called.task_mean or 0, (1 / 2 + 1) / 2)


def test_infrastructure_failures_are_in_no_rate_and_are_counted():
    (table,) = statistics(verdicts({"a": "RI", "b": "FI", "c": "II"}))
    (arm,) = table.arms
    assert (arm.passed.successes, arm.passed.trials) == (1, 2)
    assert (arm.cells, arm.tasks, arm.infrastructure) == (2, 2, 4)
    assert len(table.infrastructure) == 4
    assert table.tasks == ["a", "b", "c"]


def test_attempts_to_pass_and_what_became_of_all_attempts():
    late = record(
        passed_at=2,
        attempts=[
            AttemptRecord(number=1, failure="api", exception="builtins.AttributeError"),
            AttemptRecord(number=2, right=True),
        ],
    )
    missed = record(
        task="t2",
        verdict="wrong",
        attempts=[AttemptRecord(number=1, failure="physics", right=True), AttemptRecord(number=2, right=False)],
    )
    stuck = record(
        task="t3",
        verdict="failed",
        attempts=[AttemptRecord(number=n, failure="api", repeat_of=1 if n > 1 else None) for n in (1, 2, 3)],
    )
    cells = [late, missed, stuck]
    assert attempts_to_pass([*cells, record(epoch=2)]) == {1: 1, 2: 1}
    found = failures(cells)
    assert found.kinds == {"api": 4, "physics": 1}
    assert list(found.kinds) == ["api", "physics"]
    assert (found.attempts, found.passed_right, found.passed_wrong, found.repeated) == (7, 1, 1, 2)
    assert found.exceptions == {"builtins.AttributeError": 1}
    assert found.unrecognised == 1, "the first attempt of t2 was right, and the loop went on to a wrong one"


def test_what_a_pass_costs_includes_what_was_spent_in_vain():
    usage = {"coder": Usage(calls=2, input_tokens=100), "critic": Usage(calls=1, input_tokens=50, output_tokens=30)}
    cells = [
        record("a", usage=usage, seconds=60, seconds_by_node={"coder": 45, "critic": 15}, cost=0.5),
        record("b", verdict="failed", usage=usage, seconds=180, seconds_by_node={"coder": 180}, cost=0.7),
        record("c", verdict="failed", seconds=60, cost=0.0),
    ]
    found = spending(cells)
    assert found.each(found.usage.tokens) == 120
    assert found.per_pass(found.usage.tokens) == 360
    assert_allclose(found.per_pass(found.minutes) or 0, 5)
    assert_allclose(found.per_pass(found.cost) or 0, 1.2)
    assert found.by_role["coder"].calls == 4
    assert_allclose(found.minutes_by_node["coder"], 3.75)
    assert found.asked == 2
    assert spending([*cells, record("d", cost=None)]).cost is None, "one unpriced cell makes the sum unpriced"
    assert spending(cells[1:]).per_pass(1.0) is None


def test_paired_differences_are_made_task_by_task_on_the_common_tasks():
    full = verdicts({"a": "RR", "b": "RF", "c": "FF", "only-full": "RR"})
    other = verdicts({"a": "FF", "b": "RR", "c": "FF", "only-other": "FF"}, "no-critic")
    found = compared(full, other, ("full", "no-critic"))
    assert (found.tasks, found.wins, found.losses, found.ties) == (3, 1, 1, 1)
    assert_allclose(found.difference or 0, (1 - 0.5 + 0) / 3)
    assert found.p == 1


def test_the_sign_test_is_the_binomials():
    assert_allclose(sign_test(6, 0), 2 / 64)
    assert_allclose(sign_test(1, 8), 2 * (1 + 9) / 512)
    assert sign_test(0, 0) == 1


def test_tasks_that_were_answered_in_another_form_are_left_out_of_a_comparison():
    full = verdicts({"a": "R", "b": "R"})
    other = [record("a", "no-critic", 1, "failed", task_sha256="changed"), *verdicts({"b": "F"}, "no-critic")]
    found = compared(full, other, ("full", "no-critic"))
    assert (found.tasks, found.wins, found.other_form) == (1, 1, ["a"])


def test_two_that_never_differ_may_still_differ_by_as_much_as_clopper_and_pearson_allow():
    same = interval_of_difference([0.0] * 18)
    assert_allclose((same.low, same.high), (-0.185302, 0.185302), atol=1e-6)
    assert "no bootstrap: all agree" in same.method
    always = interval_of_difference([1.0] * 18)
    assert_allclose((always.low, always.high), (1 - 2 * 0.185302, 1), atol=1e-6)


def test_holm_multiplies_the_smallest_p_by_the_number_of_comparisons():
    full = verdicts(dict.fromkeys("abcdefgh", "R"))
    none = compared(full, verdicts(dict.fromkeys("abcdefgh", "F"), "x"), ("full", "x"))
    six = compared(full, verdicts({**dict.fromkeys("abcdef", "F"), "g": "R", "h": "R"}, "y"), ("full", "y"))
    apart = compared(full, verdicts({"z": "F"}, "z"), ("full", "z"))
    first, second, third = corrected([none, six, apart])
    assert_allclose((first.p, first.p_corrected), (2 / 256, 4 / 256))
    assert_allclose((second.p, second.p_corrected), (2 / 64, 2 / 64))
    assert (third.p, third.p_corrected) == (None, None), "nothing in common is no comparison"


def test_what_a_campaign_could_have_seen():
    found = sensitivity(18)
    assert found.discordant == 6
    assert_allclose((found.smallest or 0, found.difference or 0), 1 / 3)
    assert_allclose(sensitivity(18, epochs=2).smallest or 0, 1 / 6)
    # with a true share of 0.404, 6 or more of 18 tasks differ with a probability of 0.8: the terms added up by hand
    share = found.detectable or 0
    less = sum(np.prod([(18 - i) / (i + 1) for i in range(m)]) * share**m * (1 - share) ** (18 - m) for m in range(6))
    assert_allclose(1 - less, 0.8, atol=1e-9)
    assert 0.40 < share < 0.41
    assert sensitivity(5).discordant is None, "five tasks all one way are p = 0.06"
    assert sensitivity(18, alpha=0.05 / 8).discordant == 9


def test_a_comparison_without_a_common_task_is_none_to_correct_for():
    cells = verdicts(dict.fromkeys("abcdef", "R")) + verdicts(dict.fromkeys("abcdef", "F"), "x")
    (table,) = statistics([*cells, *verdicts({"z": "F"}, "apart"), *verdicts({"a": "I"}, "broken")])
    assert [one.tasks for one in table.comparisons] == [6, 0, 0]
    assert table.sensitivity_corrected.alpha == 0.05
    assert table.comparisons[0].p_corrected == table.comparisons[0].p


def test_blind_cells_and_those_with_the_validator_in_the_loop_are_two_tables():
    blind, told = statistics([*verdicts({"a": "F"}), *verdicts({"a": "R"}, scoring="validator-in-loop")])
    assert (blind.scoring, blind.arms[0].passed.value) == ("blind", 0)
    assert (told.scoring, told.arms[0].passed.value) == ("validator-in-loop", 1)


def test_what_is_not_the_same_between_cells_is_said():
    cells = [
        record("a", epoch=1, versions={"gammapy": "2.0"}, prompts={"coder.md": "a" * 64}),
        record("a", epoch=2, versions={"gammapy": "2.1"}, prompts={"coder.md": "b" * 64}, task_sha256="changed"),
        record("b", epoch=1, versions={"gammapy": "2.1"}, prompts={"coder.md": "b" * 64}),
        record("b", epoch=1, versions={"gammapy": "2.1"}, prompts={"coder.md": "b" * 64}),
    ]
    twice, forms, versions, prompts, uneven, few = remarks(cells)
    assert twice.startswith("1 cell")
    assert forms.endswith("tasks: a.")
    assert "The cells of full were made with different versions: gammapy (2.0, 2.1)." in versions
    assert "coder.md (aaaaaaaa, bbbbbbbb)" in prompts
    assert "full (1 to 2)" in uneven
    assert "fewer than 10 tasks" in few
    across = remarks([*verdicts({"a": "R"}, versions={"gammapy": "2.0"}), *verdicts({"a": "R"}, "x", versions={})])
    assert not any("versions" in one for one in across)


@pytest.mark.parametrize(
    "cells",
    [[], [record()], [record(verdict="failed")], [record(verdict="infrastructure")], verdicts({"a": "FF", "b": "FF"})],
    ids=["empty", "one right", "one failed", "infrastructure alone", "all failed"],
)
def test_degenerate_campaigns_have_statistics_too(cells: list[Record]):
    tables = statistics([*cells, *[one.model_copy(update={"configuration": "other"}) for one in cells]])
    assert len(tables) == bool(cells)
    for table in tables:
        assert len(table.arms) == 2
        assert table.comparisons[0].p in (None, 1)
        assert not table.comparisons[0].p_corrected or table.comparisons[0].p_corrected == 1


def test_a_made_up_campaign_gives_back_the_probabilities_that_it_was_drawn_from():
    (table,) = statistics(drawn({"full": 0.7, "no-critic": 0.4}, tasks=150, epochs=2, spread=0.1))
    full, other = table.arms
    assert_allclose((full.passed.value, other.passed.value), (0.7, 0.4), atol=0.06)
    (pair,) = table.comparisons
    assert pair.interval is not None
    assert pair.interval.low < 0.3 < pair.interval.high
    assert (pair.p or 1) < 1e-6
    assert_allclose(full.wrong.value or 0, 0.3 * 0.3, atol=0.04)


@pytest.mark.slow
def test_the_interval_over_tasks_holds_the_truth_as_often_as_it_says_and_that_over_cells_does_not():
    """200 campaigns of 18 tasks and 3 epochs, whose tasks differ much in difficulty."""
    held = {"clustered": 0, "wilson": 0, "difference": 0}
    for seed in range(200):
        (table,) = statistics(drawn({"full": 0.5, "other": 0.4}, tasks=18, epochs=3, seed=seed, spread=0.25))
        passed, pair = table.arms[0].passed, table.comparisons[0]
        held["clustered"] += passed.clustered.low <= 0.5 <= passed.clustered.high
        held["wilson"] += passed.wilson.low <= 0.5 <= passed.wilson.high
        held["difference"] += pair.interval.low <= 0.1 <= pair.interval.high
    assert 0.90 <= held["clustered"] / 200 <= 0.99
    assert 0.90 <= held["difference"] / 200 <= 0.99
    assert held["wilson"] < held["clustered"]


def test_wrong_cells_are_no_passes():
    assert [right(record(verdict="wrong")), wrong(record(verdict="wrong"))] == [False, True]
