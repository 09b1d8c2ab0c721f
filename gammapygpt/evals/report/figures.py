"""The figures of a report: how cells ended, attempts to pass, pass rate against cost, and the ablations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gammapygpt.evals.report.drawing import COLOURS, sheet, svg
from gammapygpt.evals.report.numbers import MINUS, points, probability
from gammapygpt.evals.report.page import Figure
from gammapygpt.evals.statistics.campaign import Arm, Table
from gammapygpt.evals.statistics.pairs import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENDINGS = {
    "right": "right",
    "wrong": "called passed, and wrong",
    "failed": "failed",
    "refused": "refused",
    "budget": "budget spent",
    "infrastructure": "infrastructure",
}
WIDTH = 6.4
"""In inches; narrow, so that the text is legible on a phone."""


def outcomes(table: Table, name: str) -> Figure:
    """Every cell of each configuration, by how it ended."""
    counts = {arm.name: {**arm.verdicts, "infrastructure": arm.infrastructure} for arm in table.arms}
    with sheet(WIDTH, 1.1 + 0.32 * len(counts)) as figure:
        axes = figure.add_subplot()
        for ending, label in ENDINGS.items():
            widths = [count.get(ending, 0) for count in counts.values()]
            before = [sum(count.get(one, 0) for one in list(ENDINGS)[: position(ending)]) for count in counts.values()]
            if any(widths):
                bars = axes.barh(range(len(counts)), widths, 0.7, before, color=COLOURS[ending], label=label)
                numbers = [str(width) if width else "" for width in widths]
                axes.bar_label(bars, numbers, label_type="center", fontsize=9, color=COLOURS["paper"])
        axes.set_yticks(range(len(counts)), list(counts))
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        whole_numbers(axes, "x")
        axes.set_xlabel("cells")
        if axes.get_legend_handles_labels()[0]:
            figure.legend(loc="outside upper left", ncols=3, fontsize=9, handlelength=1, handleheight=1)
        says = "; ".join(f"{arm}: {told(count)}" for arm, count in counts.items())
        return Figure(f"{name}-outcomes", svg(figure, f"{name}-outcomes", says), says)


def position(ending: str) -> int:
    """Of an ending, from left to right."""
    return list(ENDINGS).index(ending)


def told(count: dict[str, int]) -> str:
    """`8 right, 2 failed`."""
    return ", ".join(f"{count[one]} {label}" for one, label in ENDINGS.items() if count.get(one)) or "no cell"


def attempts(table: Table, name: str) -> Figure:
    """The attempt at which cells were right, one small histogram for each configuration; never in grey."""
    most = max((number for arm in table.arms for number in arm.attempts_to_pass), default=1)
    most = max(most, 3)
    columns = min(3, len(table.arms))
    rows = -(-len(table.arms) // columns)
    bars = {arm.name: histogram(arm, most) for arm in table.arms}
    with sheet(WIDTH if columns > 1 else WIDTH / 2, 0.4 + 1.45 * rows) as figure:
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axes in grid[len(bars) :]:
            axes.set_axis_off()
        for axes, (arm, found) in zip(grid, bars.items(), strict=False):
            colours = [COLOURS["right"]] * most + [COLOURS["failed"]]
            drawn = axes.bar(range(most + 1), [number for _, number in found], 0.8, color=colours)
            axes.bar_label(drawn, [str(number) if number else "" for _, number in found], fontsize=9)
            axes.set_title(arm, loc="left")
            axes.set_xticks(range(most + 1), [label for label, _ in found])
            axes.tick_params(axis="x", length=0, labelbottom=True)
            axes.margins(y=0.2)
            whole_numbers(axes, "y")
        figure.supxlabel("right at attempt", fontsize=10)
        figure.supylabel("cells", fontsize=10)
        says = "; ".join(f"{arm}: {', '.join(f'{label}: {n}' for label, n in found)}" for arm, found in bars.items())
        return Figure(f"{name}-attempts", svg(figure, f"{name}-attempts", says), says, bars)


def histogram(arm: Arm, most: int) -> list[tuple[str, int]]:
    """Cells that were right at attempt 1 to `most`, and those that never were."""
    counts = [(str(number), arm.attempts_to_pass.get(number, 0)) for number in range(1, most + 1)]
    return [*counts, ("never", arm.cells - arm.passed.successes)]


def cost(table: Table, name: str) -> Figure:
    """Pass rate against what a cell takes; configurations that none is better and cheaper than are filled."""
    arms = [arm for arm in table.arms if arm.cells]
    measures = [spent(arms), ("minutes in each cell", [arm.spending.each(arm.spending.minutes) or 0 for arm in arms])]
    with sheet(WIDTH, 5.8) as figure:
        panels = figure.subplots(2, 1)
        said = []
        for axes, (label, values) in zip(panels, measures, strict=True):
            rates = [arm.passed.task_mean or 0 for arm in arms]
            front = pareto(values, rates)
            draw_front(axes, arms, values, rates, front)
            axes.set_xlabel(label)
            axes.set_ylabel("pass@1 in %")
            names = "\n".join(f"{number} {arm.name}" for number, arm in enumerate(arms, 1))
            axes.text(1.04, 1, names, transform=axes.transAxes, va="top", fontsize=9, linespacing=1.35)
            said.append(f"Pareto front in {label}: {', '.join(arms[i].name for i in front) or 'none'}")
        says = "; ".join(said)
        return Figure(f"{name}-cost", svg(figure, f"{name}-cost", says), says)


def spent(arms: Sequence[Arm]) -> tuple[str, list[float]]:
    """Cost of a cell where all are priced and something was paid, else its tokens."""
    costs = [arm.spending.each(arm.spending.cost) for arm in arms]
    if None not in costs and any(costs):
        return "cost of each cell, in the currency of the prices", [one or 0.0 for one in costs]
    return "tokens in each cell, in and out", [arm.spending.each(arm.spending.usage.tokens) or 0 for arm in arms]


def pareto(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Which points no other is at least as good as in both ways and better in one; by rising cost."""
    front: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -gains[i])):
        if not front or gains[i] > gains[front[-1]] or (costs[i], gains[i]) == (costs[front[-1]], gains[front[-1]]):
            front.append(i)
    return front


def draw_front(
    axes: Axes, arms: Sequence[Arm], values: Sequence[float], rates: Sequence[float], front: Sequence[int]
) -> None:
    """One panel: numbered points with their intervals, the front as steps."""
    for i, arm in enumerate(arms):
        low, high = (arm.passed.clustered.low, arm.passed.clustered.high) if arm.passed.clustered else (0, 1)
        first = i in front
        colour, top = COLOURS["accent" if first else "quiet"], 5 if first else 4
        axes.plot([values[i]] * 2, [100 * low, 100 * high], color=colour, linewidth=1.2, alpha=0.4, zorder=2)
        face = COLOURS["accent" if first else "paper"]
        axes.plot(values[i], 100 * rates[i], "o", color=colour, markerfacecolor=face, markersize=13, zorder=top)
        ink = COLOURS["paper" if first else "ink"]
        place = (values[i], 100 * rates[i])
        here = [j for j in range(len(arms)) if (values[j], rates[j]) == (values[i], rates[i])]
        if len(here) == 1:
            axes.annotate(str(i + 1), place, color=ink, fontsize=8, ha="center", va="center_baseline", zorder=top)
        elif i == here[0]:
            together = ", ".join(str(j + 1) for j in here)
            axes.annotate(together, place, (10, 0), textcoords="offset points", fontsize=8, va="center", zorder=6)
    steps = [(values[i], 100 * rates[i]) for i in front]
    if len(steps) > 1:
        axes.step(*zip(*steps, strict=True), where="post", color=COLOURS["accent"], linestyle=":", zorder=3)
    if values and min(values) > 0 and max(values) > 20 * min(values):
        axes.set_xscale("log")
    else:
        axes.set_xlim(left=-0.04 * (max(values, default=0) or 1), right=1.06 * (max(values, default=0) or 1))
    axes.set_ylim(-4, 104)
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def forest(table: Table, name: str) -> Figure:
    """Paired differences with their intervals; shaded, what the campaign could not have seen at the best."""
    found = [one for one in table.comparisons if one.difference is not None]
    with sheet(WIDTH, 1.0 + 0.36 * max(1, len(found))) as figure:
        axes = figure.add_subplot()
        if table.sensitivity.smallest:
            blind = 100 * table.sensitivity.smallest
            axes.axvspan(-blind, blind, color=COLOURS["band"], linewidth=0, zorder=0)
        axes.axvline(0, color=COLOURS["quiet"], linewidth=0.8)
        for row, one in enumerate(found):
            draw_difference(axes, row, one)
        axes.set_yticks(range(len(found)), [named(one) for one in found])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("difference in pass@1, in percentage points (right of 0: the first is better)")
        right = axes.secondary_yaxis("right")
        right.set_yticks(range(len(found)), [beside(one) for one in found])
        right.tick_params(length=0)
        right.spines["right"].set_visible(False)
        says = "; ".join(f"{one.first} minus {one.second}: {points(one.difference)} points" for one in found)
        return Figure(f"{name}-forest", svg(figure, f"{name}-forest", says), says)


def named(one: Comparison) -> str:
    """`full - no-critic`, with a minus."""
    return f"{one.first} {MINUS} {one.second}"


def draw_difference(axes: Axes, row: int, one: Comparison) -> None:
    """One line of the forest."""
    sure = one.p_corrected is not None and one.p_corrected < 0.05
    colour = COLOURS["accent"] if sure else COLOURS["ink"]
    if one.interval:
        axes.plot([100 * one.interval.low, 100 * one.interval.high], [row, row], color=colour, linewidth=1.6)
    axes.plot(100 * (one.difference or 0), row, "s", color=colour, markersize=7)


def beside(one: Comparison) -> str:
    """Wins, losses and ties, and the corrected p value."""
    return f"{one.wins}/{one.losses}/{one.ties}, p = {probability(one.p_corrected)}".replace("= <", "<")


def whole_numbers(axes: Axes, which: str) -> None:
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    (axes.xaxis if which == "x" else axes.yaxis).set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, nbins=6))
