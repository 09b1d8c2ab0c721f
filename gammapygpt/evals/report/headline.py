"""The first parts of a report: what the campaign shows, the headline table, several epochs."""

from __future__ import annotations

from collections.abc import Sequence

from gammapygpt.evals.report import figures
from gammapygpt.evals.report.numbers import (
    NOTHING,
    SPACE,
    amount,
    limits,
    minutes,
    money,
    percent,
    points,
    points_limits,
    probability,
    rate_text,
)
from gammapygpt.evals.report.page import Section
from gammapygpt.evals.report.page import Table as Rows
from gammapygpt.evals.statistics.campaign import Arm, Table
from gammapygpt.evals.statistics.pairs import Comparison
from gammapygpt.evals.statistics.rates import DEPENDENT
from gammapygpt.runs.results import counted

SCORING = {
    "blind": "Scored blind: the known values judged the final answers, and the loop did not know them.",
    "validator-in-loop": "With the validator in the loop: the known values' verdict started the next attempt, as in "
    "arXiv:2509.26110. These numbers say how often the loop arrives at values that it is told, and are not to be "
    "compared with blind ones.",
}


def findings(table: Table) -> list[str]:
    """What a campaign shows, in sentences: the reference first, then what differs from it."""
    found = [finding(arm) for arm in table.arms[:1] if arm.cells]
    sure = [one for one in table.comparisons if one.p_corrected is not None and one.p_corrected < 0.05]
    found += [difference(one) for one in sure]
    unsure = [one.second for one in table.comparisons if one not in sure and one.tasks]
    if unsure:
        also = "also " if sure else ""
        found.append(
            f"Whether {table.comparisons[0].first} is {also}better or worse than {listed(unsure, 'or')} this campaign "
            "cannot tell."
        )
    return found


def finding(arm: Arm) -> str:
    """One configuration in a sentence."""
    called, asked = arm.wrong_of_called, arm.spending.asked
    said = [f"{arm.passed.successes} of {counted(arm.cells, 'cell')} right"]
    interval = arm.passed.clustered if arm.epochs > 1 else arm.passed.wilson
    said[0] += f", {percent(arm.passed.value, interval)} ({limits(interval)} at 95{SPACE}%)"
    if called.trials:
        said.append(f"of {called.trials} answers that it called passed, {called.successes} are wrong")
    if asked < arm.cells:
        said.append(f"a model was asked in {asked} of the cells" if asked else "no model was asked")
    return f"{arm.name}: {'; '.join(said)}."


def difference(one: Comparison) -> str:
    """One comparison in a sentence."""
    word = "better" if (one.difference or 0) > 0 else "worse"
    return (
        f"{one.first} is {word} than {one.second}: {points(one.difference, one.interval)} percentage points "
        f"({points_limits(one.interval)}), p = {probability(one.p_corrected)} after correction."
    ).replace("= <", "<")


def listed(names: Sequence[str], word: str = "and") -> str:
    """`a, b or c`."""
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def headline(table: Table, name: str) -> Section:
    """Rates, silent failures and costs of every configuration."""
    most = max((arm.epochs for arm in table.arms), default=1)
    over_epochs = [f"pass@{most}", f"pass^{most}"] if most > 1 else []
    headers = [
        "configuration",
        "model",
        "tasks",
        "epochs",
        "pass@1",
        "95 % over cells",
        "95 % over tasks",
        *over_epochs,
        "called passed but wrong",
        "95 % limits",
        "calls",
        "tokens",
        "minutes",
        "cost",
    ]
    rows = [headline_row(arm, most) for arm in table.arms]
    fallbacks = {arm.passed.clustered.method for arm in table.arms if arm.passed.clustered}
    notes = [
        "pass@1: right cells over all judged cells. Over cells: Wilson's 95 % interval. Over tasks: 95 % interval of "
        f"the mean over tasks by {listed(sorted(fallbacks) or ['bootstrap over tasks'])}."
        + (f" {DEPENDENT}" if most > 1 else ""),
        "Called passed but wrong: cells that the loop called passed and the known values reject, of all that it called "
        "passed, with Wilson's interval: what a user who believes an answer is in for.",
        "Calls, tokens (in and out), minutes and cost are means over cells.",
    ]
    if most > 1:
        notes.insert(
            1,
            f"pass@{most}: at least one of {most} answers to a task is right; pass^{most}: all of them are.",
        )
    return Section(
        "How sure are we",
        [SCORING[table.scoring]],
        [Rows(headers, rows, frozenset({0, 1}))],
        figures.outcomes(table, name),
        notes=notes,
    )


def headline_row(arm: Arm, most: int) -> list[str]:
    """One configuration."""
    spent = arm.spending
    last = arm.over_epochs[most - 1] if most > 1 and len(arm.over_epochs) >= most else None
    values = [(last.any_right, last.any_interval), (last.all_right, last.all_interval)] if last else [(None, None)] * 2
    return [
        arm.name,
        model(arm),
        str(arm.tasks),
        str(arm.epochs),
        rate_text(arm.passed),
        limits(arm.passed.wilson),
        limits(arm.passed.clustered),
        *([percent(*one) for one in values] if most > 1 else []),
        rate_text(arm.wrong_of_called) if arm.wrong_of_called.trials else "none called passed",
        limits(arm.wrong_of_called.wilson),
        amount(spent.each(spent.usage.calls)),
        amount(spent.each(spent.usage.tokens)),
        minutes(spent.each(spent.minutes)),
        money(spent.each(spent.cost), priced=spent.cost is not None),
    ]


def model(arm: Arm) -> str:
    """Which model, and how often it was asked at all."""
    if not arm.spending.asked:
        return "never asked" if arm.cells else NOTHING
    names = ", ".join(arm.models) or "of unknown name"
    return names if arm.spending.asked == arm.cells else f"{names}, asked in {arm.spending.asked} of {arm.cells}"


def over_epochs(table: Table) -> Section | None:
    """pass@k and pass^k, where there is more than one epoch."""
    most = max((len(arm.over_epochs) for arm in table.arms), default=0)
    if most < 2:
        return None
    rows = [
        [
            arm.name,
            str(one.k),
            str(one.tasks),
            percent(one.any_right, one.any_interval),
            limits(one.any_interval),
            percent(one.all_right, one.all_interval),
            limits(one.all_interval),
        ]
        for arm in table.arms
        for one in arm.over_epochs[1:]
    ]
    return Section(
        "Again and again",
        ["What k independent answers to the same task bring: pass@k, at least one is right; pass^k, all of them are."],
        [Rows(["configuration", "k", "tasks", "pass@k", "95 % limits", "pass^k", "95 % limits"], rows)],
        notes=[
            "Unbiased estimates (Chen et al. 2021; Yao et al. 2024), means over the tasks with at least k judged "
            "cells, 95 % intervals over tasks. k counts epochs, not the attempts within a cell."
        ],
    )
