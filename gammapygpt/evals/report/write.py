"""Put a report together and write it: `report.html`, one page that needs nothing else, and `report.md`."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt import __version__
from gammapygpt.errors import UserError
from gammapygpt.evals.evidence import Evidence
from gammapygpt.evals.record import Record
from gammapygpt.evals.report import attempts, details, grid, headline
from gammapygpt.evals.report.making import making
from gammapygpt.evals.report.page import Page, Section
from gammapygpt.evals.statistics.campaign import Table, statistics
from gammapygpt.evals.statistics.cells import once
from gammapygpt.run import now
from gammapygpt.runs.folder import write_file
from gammapygpt.runs.results import clean, counted

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent
FILES = {"report.html": "campaign.html.j2", "report.md": "campaign.md.j2"}


def write_report(evidence: Evidence, out: Path) -> list[Path]:
    """Write both forms of the report into a folder; their paths.

    Raises
    ------
    UserError
        It cannot be written there.
    """
    page = compose(evidence, out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for file, template in FILES.items():
            write_file(out / file, render(template, page))
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}.", "Name another folder with --out.") from error
    return [out / file for file in FILES]


def compose(evidence: Evidence, out: Path) -> Page:
    """The report of a campaign; links in it are relative to the folder that it is for."""
    tables = statistics(evidence.records)
    sections: list[Section] = []
    for table in tables:
        cells = [one for one in once(evidence.records) if one.scoring == table.scoring]
        suffix = f" ({table.scoring})" if len(tables) > 1 else ""
        sections += [titled(one, suffix) for one in parts(table, cells, evidence, out)]
    if not tables:
        sections.append(Section("No cell yet", ["The campaign has no record: there is nothing to report."]))
    if gone := grid.missing(evidence):
        sections.append(gone)
    return Page(
        title=f"Campaign {evidence.name}",
        subtitle=subtitle(evidence, tables),
        warnings=warnings(evidence, tables),
        findings=[one for table in tables for one in headline.findings(table)],
        sections=[*sections, making(evidence)],
        made=f"Made by gammapygpt {__version__}, {now()}.",
    )


def parts(table: Table, cells: list[Record], evidence: Evidence, out: Path) -> list[Section]:
    """The sections about the cells of one scoring."""
    name = table.scoring
    found = [
        headline.headline(table, name),
        attempts.silent_failures(table),
        headline.over_epochs(table),
        details.comparisons(table, name),
        details.unseen(table),
        details.costs(table, name),
        details.spent_by(table),
        attempts.attempts(table, name),
        attempts.failures(table),
        details.families(table),
        grid.grid(cells, evidence, out),
        grid.infrastructure(table.infrastructure),
    ]
    return [one for one in found if one is not None]


def titled(section: Section, suffix: str) -> Section:
    """A section whose title says which scoring it is about, where there are two."""
    from dataclasses import replace

    return replace(section, title=section.title + suffix) if suffix else section


def subtitle(evidence: Evidence, tables: list[Table]) -> str:
    """How large the campaign is."""
    tasks = {task for table in tables for task in table.tasks}
    arms = {arm.name for table in tables for arm in table.arms}
    cells = counted(len(once(evidence.records)), "cell")
    return f"{cells}: {counted(len(tasks), 'task')}, {counted(len(arms), 'configuration')}."


def warnings(evidence: Evidence, tables: list[Table]) -> list[str]:
    """What a reader must see before any number."""
    found = []
    planned = len(evidence.about.get("planned", []))
    provider = ((evidence.about.get("settings") or {}).get("sandbox") or {}).get("provider", "")
    if provider == "unsafe-local":
        found.append("Scripts ran without a sandbox and could have read the known values: nothing here is blind.")
    if evidence.missing:
        found.append(f"Incomplete: {len(evidence.missing)} of {planned} planned cells have no record yet.")
    if failed := sum(len(table.infrastructure) for table in tables):
        found.append(
            f"The infrastructure failed in {counted(failed, 'cell')}; such cells are in no rate, and listed below."
        )
    if len(tables) > 1:
        found.append("Blind cells and cells with the validator in the loop are reported apart, and never mixed.")
    return [*found, *(one for table in tables for one in table.remarks)]


def render(template: str, page: Page) -> str:
    """One of the two templates, filled."""
    text = environment(template.endswith(".html.j2")).get_template(template).render(page=page)
    return text.encode("utf-8", "replace").decode("utf-8")


@cache
def environment(html: bool) -> Environment:
    """Nothing that a model or a server wrote gets into the page as markup."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: Any) -> Any:
        return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    made.tests["text"] = lambda value: isinstance(value, str)
    made.tests["marks"] = lambda value: isinstance(value, list)
    made.filters["cell"] = markdown_cell
    return made


def markdown_cell(entry: Any) -> str:
    """What stands in one place of a table, in Markdown."""
    if isinstance(entry, str):
        text = re.sub(r"([\\`*_\[\]|])", r"\\\1", re.sub(r"[ \t\r\n]+", " ", entry))
        return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    if isinstance(entry, list):
        return " ".join(f"[{mark.sign}]({mark.link})" if mark.link else mark.sign for mark in entry)
    return str(entry.text)
