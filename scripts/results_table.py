"""The README's table of results, from the committed campaigns: `python scripts/results_table.py` writes it anew.

It stands between the two marks; a test sees to it that it is what the tables in `benchmarks/results/` say.
"""

from __future__ import annotations

from pathlib import Path

from gammapygpt.evals.record import read_table
from gammapygpt.evals.report.numbers import amount, limits, minutes, rate_text
from gammapygpt.evals.statistics.campaign import Arm, statistics

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- results: made by scripts/results_table.py -->\n", "<!-- end of results -->\n"
HEADERS = ["configuration", "right", "95 %", "called passed, but wrong", "model calls", "tokens", "minutes"]


def results_table(campaign: Path) -> str:
    """The configurations of a campaign as a Markdown table: means over cells, interval over tasks."""
    (table,) = statistics(read_table(campaign / "table.jsonl"))
    lines = [HEADERS, ["---"] + ["--:"] * (len(HEADERS) - 1), *map(row, table.arms)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def row(arm: Arm) -> list[str]:
    """One configuration."""
    called, all_cells = arm.wrong_of_called, arm.spending
    wrong = f"{called.successes} of {called.trials}" if called.trials else "none called passed"
    sums = all_cells.usage.calls, all_cells.usage.tokens, all_cells.minutes
    calls, tokens, spent_minutes = map(all_cells.each, sums)
    spent = [amount(calls), amount(tokens), minutes(spent_minutes)]
    return [arm.name, rate_text(arm.passed), limits(arm.passed.clustered), wrong, *spent]


def with_results(readme: str, table: str) -> str:
    """The README with its table replaced."""
    head, _, rest = readme.partition(BEGIN)
    return head + BEGIN + table + END + rest.partition(END)[2]


if __name__ == "__main__":
    file = ROOT / "README.md"
    text = with_results(file.read_text(encoding="utf-8"), results_table(ROOT / "benchmarks" / "results" / "local-1.5b"))
    file.write_text(text, encoding="utf-8")
