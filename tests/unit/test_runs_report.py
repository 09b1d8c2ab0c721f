"""What a user takes home: the page and the notebook of a run."""

from __future__ import annotations

import ast
import base64
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from gammapygpt.runs.cells import split
from gammapygpt.runs.figures import FIGURE_BYTES
from gammapygpt.runs.folder import RunFolder, write_file
from gammapygpt.runs.notebook import markdown, notebook
from gammapygpt.runs.report import report
from gammapygpt.state import (
    Attempt,
    Critique,
    Execution,
    Finding,
    Outcome,
    Plan,
    Request,
    ResultSpec,
    RunState,
    Usage,
    Validation,
)

NASTY = '</pre><script>alert(1)</script><img src="https://example.org/x.png" onerror="x()">{{ 111 * 111 }}'
SCRIPT = '''"""Count what is there."""
from __future__ import annotations

import json
import math

from pathlib import Path

RADIUS = 2.0  # deg
NOTE = """one

two
"""


# The area of the cone
def area(radius):
    return math.pi * radius**2

    # an indented remark at the end


@staticmethod
def unused():
    pass


result = {"area": area(RADIUS), "area_err": 0.25, "lines": NOTE.count("\\n")}
if RADIUS > 1:

    result["wide"] = "yes"
Path("result.json").write_text(json.dumps(result))'''
RESULT = {
    "index": 2.6914,
    "index_err": 0.0873,
    "flux": 8.4912e-11,
    "flux_err": 3.51e-12,
    "n_obs": 4,
    "note": NASTY,
    "_meta": {"units": {"n_obs": ""}, "obs_ids": [23523, 23526], "analysis": {"ON_RADIUS": 0.11}},
}


CHANGES = ("added", "removed", "place")


class Page(HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " " * (tag in ("th", "td", "dt", "dd", "li", "p"))

    def handle_data(self, data: str) -> None:
        self.text += data


def png(width: int = 2, height: int = 1) -> bytes:
    """A black PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (width + 1) * height) if width * height < 100 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run of the cookbook, as the session leaves it."""
    run = RunFolder.new(tmp_path, "spectrum of the Crab Nebula")
    run.final.mkdir()
    (run.final / "sed.png").write_bytes(png())
    (run.final / "sky.svg").write_text("<svg onload='x()'/>")
    run.update_manifest(
        run=run.name,
        created="2026-11-23T10:00:00+00:00",
        settings={"backends": {"cookbook": {"kind": "cookbook"}, "blablador": {"kind": "openai"}}},
        versions={"gammapygpt": "0.1", "gammapy": "2.1", "regions": "0.11"},
        data={"path": "/data", "index_checksums": {"hess-dl3-dr1": "ab" * 32}},
    )
    run.append_event({"event": "asked", "agent": "coder", "backend": "cookbook"})
    run.append_event({"event": "answered", "agent": "coder", "model": "", "fault": ""})
    return run


def passed(number: int = 2, script: str = SCRIPT, result: dict | None = None) -> Attempt:
    warning = Finding(gate="physics", kind="physics", severity="warning", message="the index is <steep>")
    return Attempt(
        number=number,
        author="coder",
        how="repair",
        script=script,
        execution=Execution(provider="bubblewrap", exit_code=0, wall_s=12.34),
        validation=Validation(passed=True, result=RESULT if result is None else result, findings=[warning]),
        summary="The script ran and its results passed.",
    )


def failed(number: int = 1) -> Attempt:
    finding = Finding(gate="api", kind="api", message="no attribute `peek2`", remedy="Use `peek`.", line=7)
    return Attempt(number=number, author="coder", script="x = 1\n", findings=[finding], failure="api", summary=NASTY)


def state(expect_file: str = "") -> RunState:
    return {
        "request": Request(
            text=f"Spectrum of the Crab {NASTY}",
            results=[ResultSpec(key="flux", unit="cm-2 s-1")],
            expect_file=expect_file,
        ),
        "plan": Plan(recipe="reflected_spectrum", steps=["Select"], assumptions=["ON radius 0.11 deg"]),
        "critique": Critique(action="accept", concerns=["the index is <steep>"]),
    }


def test_report_holds_what_a_reader_needs(folder: RunFolder) -> None:
    folder.update_manifest(data={"path": "/hess-dl3-dr1", "index_checksums": {".": "ab" * 32}})
    outcome = Outcome(
        status="passed",
        reason="attempt 2 passed",
        best=2,
        attempts=[failed(), passed()],
        usage=Usage(calls=3, input_tokens=1200, output_tokens=80),
    )
    page = Page(report(folder, outcome, state()))
    for expected in (
        "index 2.69 0.09",
        "flux 8.49 × 10−11 0.35 × 10−11 cm−2 s−1",  # noqa: RUF001 - as it is set
        "n_obs 4",
        "No language model took part in this run. The script is recipe reflected_spectrum of the cookbook",
        "ON radius 0.11 deg",
        "analysis ON_RADIUS 0.11",
        "obs_ids [23523, 23526]",
        "the index is <steep>",
        "error, line 7: no attribute `peek2` Use `peek`.",
        "12.3",
        "gammapy 2.1, regions 0.11",
        "sha256 " + "ab" * 32,
        "1200 in (0 cached), 80 out",
        "sandbox bubblewrap",
        "H.E.S.S. DL3 public test data release 1",
        "arXiv:2509.26110",
        "def area(radius):",
    ):
        assert expected in page.text.replace("\n", " "), expected


def test_page_runs_and_fetches_nothing(folder: RunFolder) -> None:
    outcome = Outcome(status="passed", best=2, attempts=[failed(), passed(script=f"# {NASTY}\n")])
    html = report(folder, outcome, state())
    page = Page(html)
    names = {name for name, _ in page.tags}
    assert names.isdisjoint({"script", "link", "iframe", "object", "embed", "form", "svg", "base"})
    assert not [attrs for _, attrs in page.tags if any(attribute.startswith("on") for attribute in attrs)]
    sources = [attrs["src"] for _, attrs in page.tags if "src" in attrs]
    assert sources == [f"data:image/png;base64,{base64.b64encode(png()).decode()}"]
    assert "12321" not in page.text  # a template in the output of a script stays text
    assert NASTY in page.text


def test_attribution_of_the_data_that_were_used(folder: RunFolder) -> None:
    folder.update_manifest(data={"path": "/data", "index_checksums": {"hess-dl3-dr1": "ab", "magic": "cd"}})
    for store, named in (("hess-dl3-dr1", True), ("magic", False)):
        outcome = Outcome(status="passed", best=2, attempts=[passed(script=f'STORE = "{store}"\n')])
        assert ("H.E.S.S. DL3 public test data" in report(folder, outcome, state())) is named


def test_attempts_show_what_they_changed(folder: RunFolder) -> None:
    repaired = passed(script="x = 2\n# <b>\n")
    page = Page(report(folder, Outcome(status="passed", best=2, attempts=[failed(), repaired]), state()))
    changes = [attrs["class"] for name, attrs in page.tags if name == "span" and attrs.get("class") in CHANGES]
    assert changes == ["place", "removed", "added", "added"]
    assert "What it changed in the script of attempt 1" in page.text
    assert "-x = 1 +x = 2 +# <b>" in page.text
    assert "line-7" not in {attrs.get("href") for _, attrs in page.tags}, "that line is not of the script shown"


def test_lists_of_one_length_stand_as_columns(folder: RunFolder) -> None:
    points = {"energy": [1.0, 3.0], "dnde": [3e-11, 2e-12], "dnde_err": [1e-12, 3e-13], "note": ["a", "b"], "n": 1}
    result = {**points, "_meta": {"units": {"energy": "TeV", "dnde": "cm-2 s-1 TeV-1"}}}
    page = Page(report(folder, Outcome(status="passed", best=2, attempts=[passed(result=result)]), state()))
    assert "energyTeV dnde" in page.text
    assert "3 2.00 × 10−12 ± 0.30 × 10−12 b" in page.text  # noqa: RUF001 - as it is set


def test_script_names_what_it_follows_and_the_run_what_it_looked_up(folder: RunFolder) -> None:
    folder.append_event({"event": "retrieved", "sources": ["tutorial:analysis-1d/spectral_analysis#fit", "api:Fit"]})
    script = '"""Fit.\n\nFollows: tutorial ebl (Gammapy 2.1).\n"""\n# after tutorial:astrophysics/ebl#absorb\nx = 1\n'
    page = Page(report(folder, Outcome(status="passed", best=2, attempts=[passed(script=script)]), state()))
    assert "It follows tutorial ebl (Gammapy 2.1), tutorial:astrophysics/ebl#absorb" in page.text
    links = {attrs["href"] for name, attrs in page.tags if name == "a"}
    assert "https://docs.gammapy.org/2.1/tutorials/astrophysics/ebl.html#absorb" in links
    assert "https://docs.gammapy.org/2.1/tutorials/analysis-1d/spectral_analysis.html#fit" in links


def test_run_that_follows_another_says_so(folder: RunFolder) -> None:
    folder.update_manifest(follows={"run": "before", "text": "now with a <cut-off>"})
    page = Page(report(folder, Outcome(status="passed", best=2, attempts=[passed()]), state()))
    assert "Follows run before, with “now with a <cut-off>”." in page.text


def test_figures_that_cannot_be_embedded_are_named(folder: RunFolder) -> None:
    (folder.final / "large.png").write_bytes(png() + b"\0" * FIGURE_BYTES)
    (folder.final / "bomb.png").write_bytes(png(60_000, 60_000))
    (folder.final / "fake.png").write_text("<svg/>")
    (folder.final / "link.png").symlink_to("/etc/hostname")
    page = Page(report(folder, Outcome(status="passed", best=2, attempts=[passed()]), state()))
    assert [attrs["alt"] for name, attrs in page.tags if name == "img"] == ["sed.png"]
    for name in ("large.png", "bomb.png", "fake.png"):
        assert f"{name} is not shown here" in page.text
    assert "link.png" not in page.text


def test_expected_values_stay_out_of_the_page(folder: RunFolder, tmp_path: Path) -> None:
    expect = tmp_path / "crab.toml"
    expect.write_text('[[expected]]\nkey = "index"\nvalue = 2.7182818\n')
    html = report(folder, Outcome(status="passed", best=2, attempts=[passed()]), state(str(expect)))
    assert "compared with the expected values in crab.toml" in html
    assert "2.718" not in html


def test_run_without_a_passing_attempt(folder: RunFolder) -> None:
    wrong = passed(1).model_copy(
        update={"failure": "wrong_value", "validation": Validation(passed=False, result=RESULT, findings=[])}
    )
    page = Page(report(folder, Outcome(status="budget", reason="spent", attempts=[wrong]), state()))
    assert "No attempt passed: there are no numbers to rely on." in page.text
    assert "Script of the last attempt, which did not pass" in page.text
    assert "2.69" not in page.text


def test_run_that_was_refused_before_anything_was_written(tmp_path: Path) -> None:
    empty = RunFolder.new(tmp_path, "neutrinos")
    page = Page(report(empty, Outcome(status="refused", reason="no recipe fits"), {}))
    assert "refused no recipe fits" in page.text
    assert "No script was written." in page.text
    assert "No language model took part in this run." in page.text
    assert "The script" not in page.text


def test_script_of_the_user_is_called_that(tmp_path: Path) -> None:
    page = Page(report(RunFolder.new(tmp_path, "exec mine.py"), Outcome(status="failed", attempts=[failed()]), {}))
    assert "No language model took part in this run. The script was handed in by the user." in page.text


def test_language_model_is_named(folder: RunFolder) -> None:
    folder.append_event({"event": "asked", "agent": "critic", "backend": "blablador"})
    folder.append_event({"event": "answered", "agent": "critic", "model": "alias-code"})
    page = Page(report(folder, Outcome(status="passed", best=2, attempts=[passed()]), state()))
    assert "Language models took part in this run: alias-code." in page.text
    assert "No language model" not in page.text


def test_odd_characters_do_not_break_the_files(folder: RunFolder) -> None:
    attempt = passed(result={"k\x1b[31m\ud800": "\u202eevil", "n": 10**400})
    write_file(folder.final / "report.html", report(folder, Outcome(status="passed", best=2, attempts=[attempt]), {}))
    write_file(folder.final / "notebook.ipynb", notebook(folder, attempt, {}))
    text = (folder.final / "report.html").read_text() + (folder.final / "notebook.ipynb").read_text()
    assert not {"\x1b", "\u202e"} & set(text)


def test_cells_are_the_script_letter_by_letter() -> None:
    cells = split(SCRIPT)
    assert "".join(cells) == SCRIPT
    assert [cell.split("\n")[0] for cell in cells] == [
        '"""Count what is there."""',
        "RADIUS = 2.0  # deg",
        "# The area of the cone",
        "@staticmethod",
        'result = {"area": area(RADIUS), "area_err": 0.25, "lines": NOTE.count("\\n")}',
    ]


@pytest.mark.parametrize(
    "script",
    [
        "",
        "\n\n",
        "# only a remark\n\n",
        "x = 1\r\n\r\ny = 2\r\n",
        "x = '\x0c'\n\n\x0cy = 1\n",
        "x = 1;\n\ny = 2",
        "def (\n",
    ],
)
def test_any_script_survives_the_cutting(script: str) -> None:
    assert "".join(split(script)) == script


def test_recipes_survive_the_cutting() -> None:
    import gammapygpt.cookbook

    for path in sorted((Path(gammapygpt.cookbook.__file__).parent / "recipes").glob("*.py")):
        script = path.read_text()
        cells = split(script)
        assert "".join(cells) == script
        assert len(cells) > 5
        for cell in cells:
            compile(cell, path.name, "exec")
            assert not cell[0].isspace()


def test_notebook_is_valid_and_gives_the_same_numbers(folder: RunFolder, tmp_path: Path) -> None:
    book = nbformat.reads(notebook(folder, passed(), state()), as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert [cell.metadata.tags for cell in code[:2]] == [["setup"], ["script"]]
    assert statements(cell.source for cell in code if "script" in cell.metadata.tags) == statements([SCRIPT])
    assert "| flux | 8.49e-11 | 0.35e-11 | cm-2 s-1 |" in book.cells[0].source
    as_script = results_of([SCRIPT], tmp_path / "script")
    assert "- the index is &lt;steep&gt;" in book.cells[0].source
    assert results_of([cell.source for cell in code], tmp_path / "notebook") == as_script
    assert as_script["lines"] == 3


def statements(cells: Iterable[str]) -> str:
    """The statements of pieces of code one after the other, whatever blank lines stand between them."""
    return ast.dump(ast.parse("\n".join(cells)))


def results_of(cells: list[str], place: Path) -> dict:
    """What pieces of code leave in result.json when they are executed one after the other in one namespace."""
    place.mkdir()
    program = "import json, sys\nnames = {'__name__': '__main__'}\nfor cell in json.load(sys.stdin): exec(cell, names)"
    environment = {name: value for name, value in os.environ.items() if name != "GAMMAPY_DATA"}
    subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(cells), text=True, cwd=place, env=environment, check=True
    )
    return json.loads((place / "result.json").read_text())


def test_setup_cell_takes_the_data_of_the_run_where_they_are(folder: RunFolder, tmp_path: Path) -> None:
    script = "import argparse, os\nprint(__file__, argparse.ArgumentParser().parse_args())\n"
    for path, seen in ((str(tmp_path), str(tmp_path)), ("/gone", "/elsewhere")):
        folder.update_manifest(data={"path": path, "index_checksums": {}})
        setup = nbformat.reads(notebook(folder, passed(script=script), {}), as_version=4).cells[1].source
        code = f"{setup}\n{script}print(os.environ['GAMMAPY_DATA'])"
        environment = {"PATH": os.environ["PATH"], "GAMMAPY_DATA": "/elsewhere"}
        command = [sys.executable, "-c", code, "--flag-of-a-kernel"]
        output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        assert output.splitlines()[-1] == seen
        assert "script.py Namespace()" in output


def test_figure_stands_behind_the_cell_that_saves_it(folder: RunFolder) -> None:
    script = 'import matplotlib.pyplot as plt\n\nplt.plot([1])\nplt.savefig("sed.png")\n\n# What is left\nx = 1\n'
    (folder.final / "other.png").write_bytes(png())
    cells = nbformat.reads(notebook(folder, passed(script=script), state()), as_version=4).cells
    tags = [cell.metadata.get("tags", [cell.source.splitlines()[0]])[0] for cell in cells]
    assert tags[1:] == [
        *("setup", "## Imports", "script", "## Figures", "script", "figure", "## What is left", "script"),
        *("## Figures", "figure", "## The numbers", "result", "## To acknowledge"),
    ]
    shown = [cell for cell in cells if "figure" in cell.metadata.get("tags", [])]
    assert shown[0].source == 'display(Image("sed.png"))'
    assert shown[0].outputs[0].data["image/png"] == base64.b64encode(png()).decode()


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("<b>x</b> & $y$", r"&lt;b&gt;x&lt;/b&gt; &amp; \$y\$"),
        ("# title\n* [a](http://b)", r"\# title \* \[a\]\(http\://b\)"),
        ("1. first", r"1\. first"),
        ("- item", r"\- item"),
        ("-2.5", "-2.5"),
    ],
)
def test_markdown_is_shown_as_it_is(text: str, inert: str) -> None:
    assert markdown(text) == inert


def test_lines_of_the_script_have_their_numbers(folder: RunFolder) -> None:
    script = 'text = """one\n\n<two>"""\n\nx = 1\n'
    html = report(folder, Outcome(status="passed", best=2, attempts=[passed(script=script)]), state())
    lines = [attrs["id"] for name, attrs in Page(html).tags if name == "span" and attrs.get("class") == "line"]
    assert lines == [f"line-{number}" for number in range(1, 6)]
    shown = html.partition('<pre class="code">')[2].partition("</pre>")[0]
    assert Page(shown).text == " ".join(script.split())
