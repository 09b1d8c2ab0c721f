"""Tables and the outcome of a run on standard output: drawn on a terminal, aligned lines in a pipe. Trusts no text."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gammapygpt.runs.results import clean, lines, one_line, shown, what_to_approve

if TYPE_CHECKING:
    from rich.table import Table

    from gammapygpt.runs.folder import RunFolder

NUMBERS = ("value", "error", "reference", "attempts", "no.", "seconds")
"""Columns that are aligned at their right."""
FIGURES = frozenset({".png", ".svg", ".pdf", ".jpg", ".jpeg"})


def results_table(
    result: Mapping[str, Any], units: Mapping[str, str], reference: Mapping[str, Any] | None = None
) -> Table:
    """The numbers of a `result.json` as a table for a terminal.

    Parameters
    ----------
    result : mapping
        As the script wrote it.
    units : mapping
        Unit by key.
    reference : mapping, optional
        Values to stand beside the results, by key; `KEY_err` is read too.
    """
    return table(*results_rows(result, units, reference))


def results_rows(
    result: Mapping[str, Any], units: Mapping[str, str], reference: Mapping[str, Any] | None = None
) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of the numbers; a column is there only when something stands in it."""
    found = lines(result, units, reference)
    rows = [[line.key, line.value, line.error, line.reference, line.unit] for line in found]
    return _without_empty(["result", "value", "error", "reference", "unit"], rows)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table for a terminal; no cell is read as markup."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        drawn.add_column(header, justify="right" if header in NUMBERS else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(one_line(cell)) for cell in row))
    return drawn


def aligned(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same table as plain lines, two spaces between columns."""
    cells = [list(headers), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]

    def line(row: Sequence[str]) -> str:
        told = zip(headers, row, widths, strict=True)
        return "  ".join(
            cell.rjust(width) if header in NUMBERS else cell.ljust(width) for header, cell, width in told
        ).rstrip()

    return "\n".join(map(line, cells))


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output, in the form that fits where it goes."""
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(table(headers, rows))
    else:
        typer.echo(aligned(headers, rows))


def show_run(folder: Path, manifest: Mapping[str, Any], reference: Mapping[str, Any] | None = None) -> None:
    """The outcome of a run: status, numbers, analysis choices, concerns, attempts, costs, and where everything lies.

    Parameters
    ----------
    folder : Path
        Of the run.
    manifest : mapping
        Its manifest; that of an unfinished run will do.
    reference : mapping, optional
        Values to stand beside the results, by key.
    """
    from gammapygpt.runs.folder import RunFolder
    from gammapygpt.runs.record import spent_so_far

    run = RunFolder(folder)
    attempts, result = manifest.get("attempts") or tried(run), manifest.get("result", {})
    reason = one_line(manifest.get("reason", ""), 1000)
    typer.echo(": ".join(filter(None, (manifest.get("status", "unknown"), reason))))
    show_ancestry(manifest)
    if question := manifest.get("question"):
        typer.echo(clean(what_to_approve(question)))
        typer.echo(f"gammapygpt resume {run.name} --accept, --edit FILE or --reject")
    if result:
        print_table(*results_rows(result, units(manifest), reference))
    if result and manifest.get("choices"):
        show_choices(manifest["choices"])
    for concern in (concerns(run) or warned(manifest)) if result else ():
        typer.echo(f"look at: {one_line(concern, 1000)}")
    if len(attempts) > 1 or not result:
        show_attempts(attempts, manifest.get("best"))
    for name, what in (
        ("used", spent(manifest.get("usage") or spent_so_far(run.events()))),
        *(("figure", near(path)) for path in figures(run)),
        ("report", near(run.final / "report.html") if (run.final / "report.html").is_file() else ""),
        ("folder", near(folder)),
    ):
        if what:
            typer.echo(f"{name + ':':8} {what}")


def show_choices(choices: Sequence[Mapping[str, Any]]) -> None:
    """The analysis choices behind the numbers, as they were seen in the run."""
    rows = [[str(choice.get("name", "")), str(choice.get("value", ""))] for choice in choices]
    rows = [row for row in rows if not row[1].endswith("(default)")]  # what was done is in the rows before
    print_table(["analysis choice", "as seen in the run"], rows)


def warned(manifest: Mapping[str, Any]) -> list[str]:
    """Warnings that no critic has repeated."""
    return [str(one.get("message", "")) for one in manifest.get("warnings", []) if one.get("severity") == "warning"]


def show_attempts(attempts: Sequence[Mapping[str, Any]], best: int | None) -> None:
    """One line an attempt; one that passed and does not stand as the answer was the optimiser's."""
    rows = []
    for attempt in attempts:
        seconds = "" if attempt.get("wall_s") is None else f"{attempt['wall_s']:.1f}"
        kept = best in (None, attempt["number"]) or attempt.get("author") != "optimiser"
        outcome = attempt.get("failure") or ("passed" if kept else "not kept")
        rows.append([str(attempt["number"]), attempt.get("how", ""), outcome, seconds, attempt.get("summary", "")])
    if rows:
        print_table(*_without_empty(["no.", "how", "outcome", "seconds", "what happened"], rows))


def units(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Unit by key, as the finished run kept them; else those that the request or the script names."""
    from gammapygpt.runs.results import specs, units_of

    return manifest.get("units") or units_of(manifest.get("result", {}), specs(manifest, {}))


def concerns(run: RunFolder) -> list[str]:
    """What the critic said after the last attempt that it looked at."""
    said = [event.get("concerns", []) for event in run.events() if event.get("event") == "criticised"]
    return list(dict.fromkeys(said[-1])) if said else []


def tried(run: RunFolder) -> list[dict[str, Any]]:
    """The attempts of an unfinished run, as its events tell."""
    found = {
        event["attempt"]: {
            "number": event["attempt"],
            "failure": event.get("failure"),
            "wall_s": event.get("seconds"),
            "summary": event.get("summary", ""),
        }
        for event in run.events()
        if event.get("event") == "attempted"
    }
    return list(found.values())


def spent(used: Mapping[str, Any]) -> str:
    """Calls, tokens, cost and time in one line; empty when nothing is known."""
    if not used:
        return ""
    calls = used.get("calls", 0)
    parts = [f"{calls} model call{'s' if calls != 1 else ''}" if calls else "no model call"]
    if used.get("input_tokens") or used.get("output_tokens"):
        cached = f" ({used['cached_tokens']} cached)" if used.get("cached_tokens") else ""
        estimated = ", partly estimated" if used.get("estimated") else ""
        parts.append(f"{used['input_tokens']} tokens in{cached}, {used['output_tokens']} out{estimated}")
    if used.get("cost"):
        parts.append(f"cost {shown(used['cost'])}")
    if used.get("wall_s"):
        parts.append(f"{used['wall_s']:.1f} s")
    return ", ".join(parts)


def figures(run: RunFolder) -> list[Path]:
    """The figures that the script left."""
    return sorted(path for path in run.final.rglob("*") if path.suffix.lower() in FIGURES and path.is_file())


def near(path: Path) -> str:
    """A path as a user of the current folder writes it."""
    path, here = path.absolute(), Path.cwd()
    return clean(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _without_empty(headers: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    kept: Collection[int] = [n for n in range(len(headers)) if n == 0 or any(row[n] for row in rows)]
    return [headers[n] for n in kept], [[row[n] for n in kept] for row in rows]


def show_ancestry(manifest: Mapping[str, Any]) -> None:
    """Which run this one follows, and with what changes; or where it was forked."""
    if follows := manifest.get("follows"):
        typer.echo(one_line(f"follows {follows['run']}: {follows['text']}", 1000))
        for change in follows["changes"]:
            typer.echo(one_line(f"  {change}", 1000))
    if forked := manifest.get("forked"):
        edited = f", with another {forked['edited']}" if forked["edited"] else ""
        typer.echo(f"forked from {forked['run']} before its {forked['next']}{edited}")
