"""README.md and docs/ say what is so: commands run and print what is shown, settings load, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from doc_blocks import PAGES, ROOT, Block, blocks
from doc_commands import commands, fault, named
from doc_reader import Reader, shell
from scripted_server import ScriptedServer

from gammapygpt.cookbook import recipes

TRIED = ("console", "bash", "toml", "python", "diff")
SHOWN = ("text", "mermaid")
"""Languages of blocks that are only shown."""

NO_SLURM = "there is no SLURM here"
NOT_RUN = {
    "README.md": [
        "makes an environment anew; and the tests would run themselves",
        "would install into the environment of the tests; `make` does the same",
    ],
    "docs/backends.md": ["installs a package, and downloads a model of 1.1 GB"],
    "docs/evaluation.md": [
        "days of a language model; `make results` is this command, and the tests of campaigns run small ones",
        NO_SLURM,
    ],
    "docs/sandbox.md": [NO_SLURM, NO_SLURM],
}
"""Why a block is not run, by page; whoever adds one says so here."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def slow(block: Block) -> bool:
    return "slow" in block.marks


def quick_or_not(page: Path) -> Any:
    """`adding.md` copies the sources and has them looked at anew: half a minute."""
    return pytest.param(page, id=name(page), marks=pytest.mark.slow if page.name == "adding.md" else ())


@pytest.fixture
def reader(tmp_path: Path, simulated_data: Path, scripted_server: Callable[..., ScriptedServer]) -> Reader:
    """In an empty folder, with simulated data."""
    return Reader(tmp_path, shell(tmp_path, simulated_data), scripted_server)


@pytest.fixture
def checkout(reader: Reader) -> Reader:
    """In a copy of the sources, which he may change."""
    shutil.copytree(ROOT / "gammapygpt", reader.folder / "gammapygpt", ignore=shutil.ignore_patterns("__pycache__"))
    reader.environment["PYTHONPATH"] = str(reader.folder)
    reader.environment["GAMMAPYGPT_SWITCHES__RETRIEVAL"] = "false"  # other sources would need an index of their own
    return reader


@pytest.mark.parametrize("page", [quick_or_not(page) for page in PAGES])
def test_a_page_does_what_it_says(page: Path, request: pytest.FixtureRequest) -> None:
    reader = request.getfixturevalue("checkout" if page.name == "adding.md" else "reader")
    for block in blocks(page):
        if not slow(block):
            reader.does(block)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(map(slow, blocks(page)))], ids=name)
def test_a_page_does_all_that_it_says(page: Path, request: pytest.FixtureRequest) -> None:
    reader = request.getfixturevalue("checkout" if page.name == "adding.md" else "reader")
    for block in blocks(page):
        reader.does(block)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_no_block_is_left_out_in_silence(page: Path) -> None:
    found = blocks(page)
    assert [block.marks["not run"] for block in found if "not run" in block.marks] == NOT_RUN.get(name(page), [])
    assert all(block.marks["not run"].strip() for block in found if "not run" in block.marks), "each has a reason"
    for block in found:
        assert block.language in (*TRIED, *SHOWN) or "file" in block.marks, f"{block}: what is {block.language!r}?"
        if block.language in SHOWN:
            assert not re.search(r"^\$? ?(gammapygpt|pip|make) ", block.source, re.MULTILINE), f"{block} is a command"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_exists(page: Path) -> None:
    shown = [line for block in blocks(page) for line in commands(block.source, block.language)]
    faults = list(filter(None, map(fault, [*shown, *named(page.read_text(encoding="utf-8"))])))
    assert not faults


def test_the_command_that_agents_are_told_exists() -> None:
    (told,) = [block for block in blocks(ROOT / "docs" / "faces.md") if block.marks.get("file") == "mcp.json"]
    server = json.loads(told.source)["mcpServers"]["gammapy"]
    assert fault(shlex.join([server["command"], *server["args"]])) == ""


def test_the_tools_that_agents_are_told_exist() -> None:
    page = (ROOT / "docs" / "faces.md").read_text(encoding="utf-8").partition("## Other agents")[2]
    tools = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)))
    source = (ROOT / "gammapygpt" / "mcp" / "server.py").read_text(encoding="utf-8")
    assert set(tools) == set(re.findall(r"@mcp\.tool\(.*\)\n(?: +@\w+\n)* +(?:async )?def (\w+)", source))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_extras_exist(page: Path) -> None:
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    shown = re.findall(r"gammapygpt\[([\w,]+)\]", page.read_text(encoding="utf-8"))
    assert {extra for names in shown for extra in names.split(",")} <= set(known)


def test_the_readme_counts_the_recipes() -> None:
    assert f"its {len(recipes())} recipes" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert fault("gammapygpt runs sho") == "`gammapygpt runs sho`: there is no command 'sho'"
    assert (
        fault('gammapygpt run "x" --backends y') == '`gammapygpt run "x" --backends y`: there is no option --backends'
    )
    assert fault('gammapygpt run "x" --no-planner --set a.b=-1') == ""


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", page.read_text(encoding="utf-8")):
        target, _, anchor = "".join(link).partition("#")
        if "://" in target:
            continue
        file = page.parent / target if target else page
        assert file.exists(), f"{name(page)}: there is no {target}"
        if anchor:
            assert anchor in anchors(file), f"{name(page)}: there is no #{anchor} in {target}"


def anchors(page: Path) -> set[str]:
    """Of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_reader_notices_other_output_and_other_exit_codes(reader: Reader) -> None:
    page = ROOT / "README.md"
    reader.does(Block(page, 1, "console", "$ echo one two\none ...\n$ false", {"exit": "1"}))
    with pytest.raises(AssertionError, match="printed"):
        reader.does(Block(page, 1, "console", "$ echo one\ntwo\n"))
    with pytest.raises(AssertionError, match="left with 1, not 0"):
        reader.does(Block(page, 1, "console", "$ false\n$ true"))
