"""The later parts of a report: costs, comparisons, what could not be seen, families of tasks."""

from __future__ import annotations

from gammapygpt.evals.report import figures
from gammapygpt.evals.report.figures import named
from gammapygpt.evals.report.headline import listed
from gammapygpt.evals.report.numbers import (
    amount,
    minutes,
    money,
    percent,
    points,
    points_limits,
    probability,
)
from gammapygpt.evals.report.page import Section
from gammapygpt.evals.report.page import Table as Rows
from gammapygpt.evals.statistics.campaign import Arm, Table
from gammapygpt.evals.statistics.pairs import Comparison
from gammapygpt.evals.statistics.sensitivity import POWER, Sensitivity
from gammapygpt.runs.results import counted

COSTS = ["calls", "tokens in", "of them cached", "tokens out", "of them reasoning", "minutes", "cost"]


def costs(table: Table, name: str) -> Section:
    """What a cell takes and what a right answer takes, by role and by node."""
    per_cell = [[arm.name, *cost_row(arm, passes=False)] for arm in table.arms]
    per_pass = [[arm.name, str(arm.spending.passes), *cost_row(arm, passes=True)] for arm in table.arms]
    notes = [
        "A right answer costs what all judged cells of the configuration took, also those that failed, over its right "
        "ones. Cells where the infrastructure failed are left out. Unpriced: the backend has no prices in the settings."
    ]
    if any(arm.spending.usage.estimated for arm in table.arms):
        notes.append("Some tokens were counted by us, because the server did not tell.")
    tables = [
        Rows(["configuration", *COSTS], per_cell, caption="Mean of a cell"),
        Rows(["configuration", "right", *COSTS], per_pass, caption="For each right answer"),
    ]
    return Section(
        "What it costs",
        ["Filled points are the Pareto front: nothing else is both cheaper and more often right."],
        tables,
        figures.cost(table, name),
        notes=notes,
    )


def spent_by(table: Table) -> Section | None:
    """Which agent used the model, and where the time went."""
    tables = [one for one in (by_role(table), by_node(table)) if one.rows]
    return Section("Tokens by role, minutes by node", tables=tables, folded=True) if tables else None


def cost_row(arm: Arm, *, passes: bool) -> list[str]:
    """One configuration: of a cell, or of a pass."""
    spent, used = arm.spending, arm.spending.usage
    share = spent.per_pass if passes else spent.each
    tokens = (used.calls, used.input_tokens, used.cached_tokens, used.output_tokens, used.reasoning_tokens)
    counts = [*(amount(share(number)) for number in tokens), minutes(share(spent.minutes))]
    return [*counts, money(share(spent.cost), priced=spent.cost is not None)]


def by_role(table: Table) -> Rows:
    """Which agent used the model."""
    rows = [
        [
            arm.name,
            role,
            *(
                amount(arm.spending.each(number))
                for number in (used.calls, used.input_tokens, used.cached_tokens, used.output_tokens)
            ),
            minutes(arm.spending.each(used.model_s / 60)),
        ]
        for arm in table.arms
        for role, used in arm.spending.by_role.items()
    ]
    headers = ["configuration", "role", "calls", "tokens in", "of them cached", "tokens out", "minutes of the model"]
    return Rows(headers, rows, frozenset({0, 1}), "Mean of a cell, by role")


def by_node(table: Table) -> Rows:
    """Where the time went."""
    nodes = list(dict.fromkeys(node for arm in table.arms for node in arm.spending.minutes_by_node))
    rows = [
        [arm.name, *(minutes(arm.spending.each(arm.spending.minutes_by_node.get(node))) for node in nodes)]
        for arm in table.arms
    ]
    return Rows(["configuration", *nodes], rows if nodes else [], caption="Minutes of a cell, by node")


def comparisons(table: Table, name: str, title: str = "What each part brings") -> Section:
    """Paired differences, or why there are none."""
    found = [one for one in table.comparisons if one.tasks]
    if not found:
        why = "There is no configuration to compare with." if table.arms else "There is no cell."
        if len(table.arms) > 1 and not table.comparisons:
            why = "The configuration `full` is not in this campaign, so that nothing can be compared with it."
        elif table.comparisons:
            why = "No two configurations have answered a common task yet."
        return Section(title, [why])
    return Section(
        title,
        ["Differences task by task, on the tasks that both answered. Shaded: too small to be told from chance."],
        [comparison_rows(found)],
        figures.forest(table, name),
        notes=comparison_notes(table.comparisons),
    )


def comparison_rows(found: list[Comparison]) -> Rows:
    """Every comparison in numbers."""
    rows = [
        [
            named(one),
            str(one.tasks),
            percent(one.mean_first),
            percent(one.mean_second),
            points(one.difference, one.interval),
            points_limits(one.interval),
            f"{one.wins} / {one.losses} / {one.ties}",
            probability(one.p),
            probability(one.p_corrected),
        ]
        for one in found
    ]
    headers = ["comparison", "tasks", "first", "second", "points", "95 % limits", "won / lost / tied", "p", "p (Holm)"]
    return Rows(headers, rows)


def comparison_notes(found: list[Comparison]) -> list[str]:
    """How the numbers were made, and what was left out."""
    methods = sorted({one.interval.method for one in found if one.interval})
    notes = [
        "A task's pass rate is the mean over its epochs. Limits at 95 % of the mean difference over tasks, by "
        f"{listed(methods)}. p: exact two-sided sign test on the tasks that differ; Holm's correction is over the "
        f"{counted(sum(one.p is not None for one in found), 'comparison')} of the table."
    ]
    notes += [
        f"{named(one)}: left out, because the two answered different forms of them: {', '.join(one.other_form)}."
        for one in found
        if one.other_form
    ]
    alone = [named(one) for one in found if not one.tasks]
    return [*notes, *([f"Without a common task: {', '.join(alone)}."] if alone else [])]


def unseen(table: Table) -> Section | None:
    """What the campaign could not have seen."""
    if not any(one.tasks for one in table.comparisons):
        return None
    number = sum(one.p is not None for one in table.comparisons)
    told = sensitivity_sentences(table.sensitivity, "in one comparison alone")
    if number > 1:
        told += sensitivity_sentences(table.sensitivity_corrected, f"after correction for {number} comparisons")
    epochs = max((arm.epochs for arm in table.arms), default=1)
    notes = ["Both numbers are the best case: no task goes the other way. Where some do, the effect must be larger."]
    if epochs > 1:
        notes.append("A task counts as differing when its pass rates over epochs differ, by however little.")
    return Section("What could not have been seen", points=told, notes=notes)


def sensitivity_sentences(found: Sensitivity, when: str) -> list[str]:
    """The smallest effect, in words."""
    level = f"p < {found.alpha:.2g}"
    tasks = counted(found.tasks, "common task")
    if found.discordant is None:
        return [f"With {tasks}, {when}: nothing. Even if all of them went one way, {level} is out of reach."]
    return [
        f"With {tasks}, {when}: at least {found.discordant} tasks must differ, all one way, for {level}: a difference "
        f"in pass rate of {differences(found)}. A smaller one could not have been seen.",
        f"A part that decides {percent(found.detectable)} of such tasks would have been found with a probability of "
        f"{percent(POWER)} ({when}).",
    ]


def differences(found: Sensitivity) -> str:
    """The smallest difference, by how many epochs of a task turn."""
    if found.epochs == 1:
        return percent(found.difference)
    few, all_of_them = percent(found.smallest), percent(found.difference)
    return f"{few} if each turns in one of {found.epochs} epochs, {all_of_them} if in all"


def families(table: Table) -> Section | None:
    """Right cells by family of tasks, the paper's four first."""
    names = list(dict.fromkeys(family for arm in table.arms for family in arm.families))
    if len(names) < 2:
        return None
    names.sort(key=lambda family: (family == "other", family))
    rows = [
        [arm.name, *(f"{one.successes} of {one.trials}" if (one := arm.families.get(f)) else "" for f in names)]
        for arm in table.arms
    ]
    return Section(
        "By family",
        ["Right cells of each family of tasks; the families with a name are those of arXiv:2509.26110."],
        [Rows(["configuration", *names], rows)],
    )
