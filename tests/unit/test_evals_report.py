"""The report of a campaign: everything is on one page, the same in Markdown, and nothing in a table can break it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_up_campaign import drawn, record, verdicts, written
from typer.testing import CliRunner

from gammapygpt.cli import app
from gammapygpt.evals.evidence import read_evidence
from gammapygpt.evals.report.figures import pareto
from gammapygpt.evals.report.numbers import amount, decimals, limits, minutes, percent, points_limits, without_places
from gammapygpt.evals.report.write import write_report
from gammapygpt.evals.statistics.rates import Interval

FIGURES = ("outcomes", "forest", "cost", "attempts")
NASTY = '</svg><script>alert(1)</script>|*_{{ 7 * 7 }}"\u202e'


class Seen(HTMLParser):
    """Tags, links, ids and text of a page."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.note(attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.note(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def note(self, attrs):
        found = dict(attrs)
        self.links += [found[name] for name in ("href", "src", "xlink:href") if name in found]
        self.ids += [found["id"]] if "id" in found else []


def report(folder: Path, records, **about) -> tuple[str, str]:
    html, markdown = write_report(read_evidence(written(folder, records, **about)), folder)
    return html.read_text(encoding="utf-8"), markdown.read_text(encoding="utf-8")


def tables(markdown: str) -> list[list[list[str]]]:
    """Rows of cells of every table."""
    found: list[list[list[str]]] = []
    inside = False
    for line in markdown.splitlines():
        if line.startswith("|"):
            found += [] if inside else [[]]
            found[-1].append(re.split(r"(?<!\\)\|", line)[1:-1])
        inside = line.startswith("|")
    return found


def test_one_page_holds_everything_and_links_to_nothing_but_its_runs(tmp_path):
    records = drawn({"full": 0.6, "no-critic": 0.5, "cookbook": 0.3}, tasks=6, epochs=2, broken=0.1)
    there = next(one for one in records if one.verdict == "right")
    (tmp_path / there.run / "final").mkdir(parents=True)
    (tmp_path / there.run / "final" / "report.html").touch()
    planned = [one.cell for one in records] + ["task-00--full--3"]
    command = "gammapygpt bench run --config /home/somebody/c.toml"
    settings = {"backends": {"test": {"model": "m", "base_url": "http://10.0.0.1/v1"}, "unused": {"model": "secret"}}}
    about = {"created": "2026-11-24", "command": command, "machine": "2 cores", "planned": planned}
    page, markdown = report(tmp_path, records, **about, settings=settings)
    seen = Seen(page)
    assert {f"figure-blind-{name}" for name in FIGURES} <= set(seen.ids)
    assert page.count("<svg") == len(FIGURES)
    assert len(seen.ids) == len(set(seen.ids)), "ids of several figures on one page"
    assert not re.search(r"https?:|//\w", page), "nothing is fetched from anywhere"
    assert not seen.tags & {"script", "link", "img", "iframe"}
    outside = [link for link in seen.links if not link.startswith("#")]
    assert outside == [f"{there.run}/final/report.html"]
    assert all(link[1:] in seen.ids for link in seen.links if link.startswith("#"))
    text = " ".join(seen.text)
    for said in ("Incomplete: 1 of 37 planned cells", "The infrastructure failed in", "…/c.toml"):
        assert said in text
        assert said in markdown
    assert "somebody" not in page + markdown
    assert "secret" not in page + markdown
    assert "The model server does not answer." in markdown
    assert [len({len(row) for row in table}) for table in tables(markdown)] == [1] * len(tables(markdown))


def test_both_forms_have_the_same_numbers(tmp_path):
    page, markdown = report(tmp_path, verdicts({"a": "RR", "b": "RW", "c": "FF", "d": "WI"}))
    (header, _, row), *_ = tables(markdown)
    told = {key.strip(): value.strip() for key, value in zip(header, row, strict=True)}
    assert told["pass@1"] == "43\xa0% (3 of 7)"
    assert told["95 % over cells"] == "16\N{EN DASH}75\xa0%"
    assert told["called passed but wrong"] == "40\xa0% (2 of 5)"
    assert told["pass@2"] == "67\xa0%", "of the three tasks with two judged cells"
    assert told["pass^2"] == "33\xa0%"
    assert told["cost"] == "unpriced"
    for value in filter(None, told.values()):
        assert f">{value}</t" in page


@pytest.mark.parametrize(
    ("records", "about"),
    [
        ([], {"planned": ["a--full--1"]}),
        ([record()], {}),
        ([record(verdict="failed")], {}),
        ([record(verdict="infrastructure"), record("t2", verdict="infrastructure", reason="no\nroute")], {}),
        (verdicts({"a": "FF"}) + verdicts({"b": "FF"}, "other"), {}),
        (verdicts({"a": "R", "b": "R"}, "only-a-baseline") + verdicts({"a": "R"}, "and-another"), {}),
    ],
    ids=["empty", "one cell", "all failed", "infrastructure alone", "no common task", "without full"],
)
def test_small_and_sad_campaigns_have_reports_too(tmp_path, records, about):
    page, markdown = report(tmp_path, records, **about)
    Seen(page)
    assert "nan" not in markdown.lower()
    assert "None" not in markdown


def test_scripts_without_a_sandbox_are_said_first(tmp_path):
    sandbox = {"provider": "unsafe-local"}
    assert "nothing here is blind" in report(tmp_path, [record()], settings={"sandbox": sandbox})[1]
    sandbox["provider"] = "bubblewrap"
    assert "nothing here is blind" not in report(tmp_path, [record()], settings={"sandbox": sandbox})[1]


def test_blind_and_told_are_two_reports_on_one_page(tmp_path):
    records = verdicts({"a": "F", "b": "F"}) + verdicts({"a": "R", "b": "R"}, scoring="validator-in-loop")
    page, markdown = report(tmp_path, records)
    assert "reported apart, and never mixed" in markdown
    assert "full: 0 of 2 cells right" in markdown
    assert "full: 2 of 2 cells right" in markdown
    assert "Every task (blind)" in markdown
    assert "Every task (validator-in-loop)" in markdown
    ids = Seen(page).ids
    assert len(ids) == len(set(ids))


def test_what_stands_in_a_table_is_never_markup(tmp_path):
    told = {"reason": NASTY, "wrong_keys": [NASTY], "model": NASTY, "family": NASTY, "run": f"../{NASTY}"}
    records = [record(NASTY, name, 1, "wrong", **told) for name in ("full", NASTY)]
    page, markdown = report(tmp_path, records)
    assert "script" not in Seen(page).tags
    assert "{{ 7 * 7 }}" in page
    assert "\u202e" not in page + markdown, "what turns the reading direction"
    assert "<script" not in re.sub(r"```text.*?```", "", markdown, flags=re.DOTALL)
    assert [len({len(row) for row in table}) for table in tables(markdown)] == [1] * len(tables(markdown))


def test_the_command_writes_where_it_is_told_and_links_from_there(tmp_path):
    one = record(run="runs/a/2026 run")
    folder = written(tmp_path / "campaign", [one])
    (folder / one.run).mkdir(parents=True)
    done = CliRunner().invoke(app, ["bench", "report", str(folder / "table.jsonl"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert 'href="../campaign/runs/a/2026%20run"' in page


def test_no_campaign_is_one_line(tmp_path):
    (tmp_path / "broken.jsonl").write_text("{}\n")
    for place, said in ((tmp_path, "there is no table.jsonl"), (tmp_path / "broken.jsonl", "cannot read the table")):
        done = CliRunner().invoke(app, ["bench", "report", str(place)])
        assert done.exit_code == 2
        assert said in done.output
        assert len(done.output.strip().splitlines()) == 1


@pytest.mark.parametrize(("error", "digits"), [(21.3, 0), (4.1, 0), (2.1, 1), (0.36, 1), (0.21, 2), (0, 0)])
def test_an_error_keeps_two_digits_below_355_else_one(error, digits):
    assert decimals(error) == digits


def test_numbers_as_a_physicist_writes_them():
    wide, narrow = Interval(0.246, 0.663, ""), Interval(0.4412, 0.4489, "")
    assert (percent(4 / 9, wide), limits(wide)) == ("44\xa0%", "25\N{EN DASH}66\xa0%")
    assert (percent(4 / 9, narrow), limits(narrow)) == ("44.4\xa0%", "44.1\N{EN DASH}44.9\xa0%")
    assert points_limits(Interval(-0.06, 0.39, "")) == "\N{MINUS SIGN}6 to +39"
    assert [amount(x) for x in (0, 2, 2.3, 123.4)] == ["0", "2", "2.30", "123"]
    assert [amount(x) for x in (12345, 999_999)] == ["12.3\xa0k", "1.00\xa0M"]
    assert minutes(1e-6) == "< 0.02"
    assert without_places("see /home/me/x/c.toml and ~/runs/a, 3/4 of a/b") == "see …/c.toml and …/a, 3/4 of a/b"


def test_the_front_is_what_nothing_else_beats_in_both():
    assert pareto([3, 1, 2, 4, 2], [0.9, 0.2, 0.5, 0.8, 0.5]) == [1, 2, 4, 0]
    assert pareto([], []) == []
