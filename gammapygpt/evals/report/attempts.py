"""What became of the attempts: silent failures, attempts to pass, failure kinds and exceptions."""

from __future__ import annotations

from gammapygpt.evals.report import figures
from gammapygpt.evals.report.numbers import limits, rate_text
from gammapygpt.evals.report.page import Entry, Section, Shade
from gammapygpt.evals.report.page import Table as Rows
from gammapygpt.evals.statistics.campaign import Table
from gammapygpt.evals.statistics.rates import Rate
from gammapygpt.runs.results import counted

EXCEPTIONS = 12
"""Exceptions that are listed."""


def silent_failures(table: Table) -> Section:
    """Answers that the loop called passed and that are wrong, of all cells and of those called passed."""
    rows = [
        [
            arm.name,
            *(
                text(one)
                for one in (arm.wrong_of_called, arm.wrong)
                for text in (rate_text, wilson_limits, task_limits)
            ),
            str(arm.failures.unrecognised),
        ]
        for arm in table.arms
    ]
    limit_headers = ["95 % over cells", "95 % over tasks"]
    headers = ["configuration", "of the called passed", *limit_headers, "of all cells", *limit_headers, "unrecognised"]
    return Section(
        "Called passed, and wrong",
        ["The failures that nobody sees: the loop was content with an answer that the known values reject."],
        [Rows(headers, rows)],
        notes=["Unrecognised: cells where some attempt had the right values, and the answer was not right."],
    )


def wilson_limits(rate: Rate) -> str:
    """Of a rate, over cells."""
    return limits(rate.wilson)


def task_limits(rate: Rate) -> str:
    """Of a rate, over tasks."""
    return limits(rate.clustered)


def attempts(table: Table, name: str) -> Section:
    """The paper's histogram."""
    passes = sum(arm.passed.successes for arm in table.arms)
    sentences = [f"{counted(passes, 'right cell')}, by the attempt whose answer stands."]
    return Section("Attempts to pass", sentences, figure=figures.attempts(table, name))


def failures(table: Table) -> Section:
    """Failure kinds of all attempts, and the exceptions behind them."""
    kinds = list(dict.fromkeys(kind for arm in table.arms for kind in arm.failures.kinds))
    total = {kind: sum(arm.failures.kinds.get(kind, 0) for arm in table.arms) for kind in kinds}
    kinds.sort(key=lambda kind: -total[kind])
    headers = ["configuration", "attempts", "passed, right", "passed, wrong", *kinds, "same script again"]
    rows: list[list[Entry]] = [
        [
            arm.name,
            str(arm.failures.attempts),
            *(shade(n, arm.failures.attempts) for n in (arm.failures.passed_right, arm.failures.passed_wrong)),
            *(shade(arm.failures.kinds.get(kind, 0), arm.failures.attempts) for kind in kinds),
            shade(arm.failures.repeated, arm.failures.attempts),
        ]
        for arm in table.arms
    ]
    raised: dict[str, int] = {}
    for arm in table.arms:
        for exception, count in arm.failures.exceptions.items():
            raised[exception] = raised.get(exception, 0) + count
    most = sorted(raised, key=lambda exception: -raised[exception])[:EXCEPTIONS]
    listed_ones = [
        [one.removeprefix("builtins."), *(str(arm.failures.exceptions.get(one, 0)) for arm in table.arms)]
        for one in most
    ]
    tables = [Rows(headers, rows)]
    if most:
        tables.append(Rows(["exception", *(arm.name for arm in table.arms)], listed_ones))
    more = [f"{len(raised) - len(most)} rarer exceptions are not listed."] if len(raised) > len(most) else []
    return Section(
        "How attempts fail",
        ["Every attempt, by the gate that stopped it. An attempt that passed all gates is judged by the known values."],
        tables,
        notes=["An optimiser's candidate is an attempt as well, and need not be the answer.", *more],
    )


def shade(number: int, total: int) -> Shade:
    """A count, and its share of all."""
    return Shade(str(number) if number else "", number / total if total else 0.0)
