"""`bench compare`: two campaigns, task by task."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gammapygpt.commands.common import JsonOption, command, print_json
from gammapygpt.commands.tables import print_table
from gammapygpt.runs.results import clean

if TYPE_CHECKING:
    from gammapygpt.evals.statistics.campaign import Arm
    from gammapygpt.evals.statistics.versus import Versus


@command
def compare(
    first: Annotated[Path, typer.Argument(help="Folder of a campaign, or its table.", show_default=False)],
    second: Annotated[Path, typer.Argument(help="The other one.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Say whether a campaign is better than another, on the tasks and configurations that both have."""
    from gammapygpt.evals.evidence import read_evidence
    from gammapygpt.evals.statistics.versus import versus

    ones, others = read_evidence(first), read_evidence(second)
    names = (ones.name, others.name) if ones.name != others.name else ("first", "second")
    found = versus(ones.records, others.records, names)
    if as_json:
        print_json([{"first": str(first), "second": str(second), **asdict(one)} for one in found])
        return
    for number, one in enumerate(found):
        if number:
            typer.echo()
        show(one, names)


def show(found: Versus, names: tuple[str, str]) -> None:
    """The comparison for a person: differences, then what each campaign says alone, then what to know."""
    from gammapygpt.evals.report.details import sensitivity_sentences
    from gammapygpt.evals.report.headline import SCORING
    from gammapygpt.evals.report.numbers import percent, points, points_limits, probability

    say(SCORING[found.scoring])
    rows = [
        [
            name,
            str(one.tasks),
            percent(one.mean_first),
            percent(one.mean_second),
            points(one.difference, one.interval),
            points_limits(one.interval),
            f"{one.wins}/{one.losses}/{one.ties}",
            probability(one.p),
            probability(one.p_corrected),
        ]
        for name, one in zip(found.configurations, found.comparisons, strict=True)
    ]
    headers = ["configuration", "tasks", *names, "points", "95 % limits", "won/lost/tied", "p", "p (Holm)"]
    print_table(headers, rows)
    typer.echo()
    headers = ["configuration", "campaign", "pass@1", "95 % limits", "called passed but wrong", "tokens", "minutes"]
    print_table(headers, [alone(name, one) for pair in found.arms for name, one in zip(names, pair, strict=True)])
    typer.echo()
    for name, one in zip(found.configurations, found.comparisons, strict=True):
        if one.other_form:
            changed = ", ".join(one.other_form)
            say(f"{name}: left out, because the campaigns answered different forms of them: {changed}.")
    for campaign, only in zip(names, (found.only_first, found.only_second), strict=True):
        if only:
            say(f"Only in {campaign}: {', '.join(only)}.")
    for sentence in found.remarks:
        say(sentence)
    for sentence in sensitivity_sentences(found.sensitivity, "in one comparison alone"):
        say(sentence)
    tests = sum(one.p is not None for one in found.comparisons)
    if tests > 1:
        when = f"after correction for {tests} comparisons"
        for sentence in sensitivity_sentences(found.sensitivity_corrected, when):
            say(sentence)


def alone(campaign: str, arm: Arm) -> list[str]:
    """One configuration of one campaign, over all its own cells."""
    from gammapygpt.evals.report.numbers import amount, limits, minutes, rate_text

    spent = arm.spending
    return [
        arm.name,
        campaign,
        rate_text(arm.passed),
        limits(arm.passed.clustered),
        rate_text(arm.wrong_of_called),
        amount(spent.each(spent.usage.tokens)),
        minutes(spent.each(spent.minutes)),
    ]


def say(sentence: str) -> None:
    """A line on standard output."""
    typer.echo(clean(sentence))
