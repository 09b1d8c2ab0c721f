"""The pictures of README.md and docs/ show what there is: the graph, the session, the keys of the settings."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path

import pytest
from doc_blocks import ROOT, blocks
from doc_commands import fault

sys.path.insert(0, str(ROOT / "scripts"))

import settings_tables
import terminal_session


def test_the_tables_of_settings_are_those_of_the_program() -> None:
    page = settings_tables.PAGE.read_text(encoding="utf-8")
    assert page == settings_tables.with_tables(page), "python scripts/settings_tables.py writes them anew"


def test_every_section_of_the_settings_has_its_table() -> None:
    page = settings_tables.PAGE.read_text(encoding="utf-8")
    sections = {kind.__name__ for kind in settings_tables.settings.Section.__subclasses__()}
    assert set(re.findall(r"<!-- settings: (\w+) -->", page)) == sections


def test_every_setting_has_a_meaning() -> None:
    for kind in settings_tables.settings.Section.__subclasses__():
        said = settings_tables.meanings(kind)
        tables = {name for name, field in kind.model_fields.items() if settings_tables.is_table(field.annotation)}
        assert set(kind.model_fields) - tables <= set(said), f"{kind.__name__}: write below each field what it means"


def test_the_drawing_of_the_graph_has_its_agents_and_its_ways() -> None:
    from gammapygpt.graph.build import build_graph

    (drawn,) = [block.source for block in blocks(ROOT / "docs" / "concepts.md") if block.language == "mermaid"]
    ways = re.findall(r"^ +(\w+)(?:\(.*?\))? -\.?->(?:\|.*?\|)? (\w+)$", drawn, re.MULTILINE)
    graph = build_graph().compile().get_graph()
    there = {(edge.source.replace("__start__", "START"), edge.target) for edge in graph.edges}
    assert set(ways) == {way for way in there if way[1] != "__end__"}


def lines_of(picture: str) -> list[str]:
    """The lines of text in a picture, without what differs from run to run: times, dates, names of runs."""
    rows: dict[str, str] = {}
    for height, text in re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>([^<]*)</text>', picture):
        rows[height] = rows.get(height, "") + html.unescape(text).replace("\xa0", " ")
    said = "\n".join(row.strip() for row in rows.values())
    said = re.sub(r"\d{4}-\d\d-\d\d-([\w-]+?)-[0-9a-f]{4}", r"RUN-\1", said)
    return re.sub(r"\b\d+\.\d s\b|^(\d +repair +passed) +\d+\.\d +", r"\1 TIME ", said, flags=re.MULTILINE).splitlines()


def test_the_session_loads_nothing_and_shows_its_commands() -> None:
    picture = terminal_session.PICTURE.read_text(encoding="utf-8")
    addresses = set(re.findall(r"\w+://[^\"'\s<]+", picture))
    assert addresses == {"http://www.w3.org/2000/svg"}, "a name of the format, which nobody opens"
    assert "<script" not in picture
    shown = [line.removeprefix("$ ") for line in lines_of(picture) if line.startswith("$ ")]
    assert shown == terminal_session.COMMANDS
    assert not list(filter(None, map(fault, shown)))


@pytest.mark.slow
def test_the_session_is_what_the_commands_print(tmp_path: Path) -> None:
    anew = terminal_session.picture(terminal_session.session(tmp_path))
    assert lines_of(anew) == lines_of(terminal_session.PICTURE.read_text(encoding="utf-8"))
