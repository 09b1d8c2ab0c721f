"""Where the tutorials come from: given, fetched once, or missing with a reason; never an exception."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import pytest

from gammapygpt.knowledge import sources

PIP = """import shutil, sys
with open({log!r}, "a") as log:
    print(*sys.argv[1:], file=log)
wanted = sys.argv[-1]
if wanted == "gammapy==9.9":
    shutil.copy({archive!r}, sys.argv[sys.argv.index("--dest") + 1])
else:
    sys.exit("ERROR: No matching distribution found for " + wanted)
"""
"""Stands for the network: answers as pip does."""


def archive(path: Path, **files: str) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    files = {"gammapy-9.9/examples/a.py": "a = 1\n", "gammapy-9.9/docs/b.rst": "b\n", "gammapy-9.9/docs/c.png": "c"}
    return archive(tmp_path / "gammapy-9.9.tar.gz", **files, **{"gammapy-9.9/setup.py": "raise SystemExit\n"})


@pytest.fixture
def asked(tmp_path: Path, distribution: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own, and a pip whose commands are written to this file."""
    log = tmp_path / "asked.txt"
    log.touch()
    (tmp_path / "pip.py").write_text(PIP.format(log=str(log), archive=str(distribution)))
    monkeypatch.setenv("GAMMAPYGPT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sources, "pips", lambda python: iter([[sys.executable, str(tmp_path / "pip.py")]]))
    return log


def files_of(folder: Path | None) -> list[str]:
    assert folder is not None
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_it_is_fetched_once_and_only_text_of_examples_and_docs_is_kept(asked: Path, tmp_path: Path) -> None:
    first, second = sources.source_tree("9.9"), sources.source_tree("9.9")
    assert first == second
    assert first.folder == tmp_path / "cache" / "sources" / "gammapy-9.9"
    assert files_of(first.folder) == ["docs/b.rst", "examples/a.py"]
    assert len(asked.read_text().splitlines()) == 1
    assert "--no-deps --no-binary gammapy" in asked.read_text()
    assert [path.name for path in first.folder.parent.iterdir()] == ["gammapy-9.9"]


def test_a_failure_is_told_and_not_tried_again_unless_asked_to(asked: Path) -> None:
    before = sources.state("9.8")
    missing = sources.source_tree("9.8")
    assert missing.folder is None
    assert "No matching distribution found for gammapy==9.8" in missing.reason
    assert "retrieval.gammapy_source" in missing.reason
    assert sources.source_tree("9.8") == missing
    assert len(asked.read_text().splitlines()) == 1
    sources.source_tree("9.8", again=True)
    assert len(asked.read_text().splitlines()) == 2
    assert sources.state("9.8") != before


def test_after_some_hours_it_is_tried_again(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources.source_tree("9.8")
    fresh = sources.state("9.8")
    monkeypatch.setattr(sources, "WAIT_S", 0.0)
    assert sources.state("9.8") != fresh
    sources.source_tree("9.8")
    assert len(asked.read_text().splitlines()) == 2


def test_a_version_that_is_no_release_is_not_looked_for(asked: Path) -> None:
    for version in ("2.2.dev12+g0123abc", "", "2.1; rm -rf"):
        assert sources.source_tree(version).folder is None
    assert asked.read_text() == ""


def test_pip_may_be_missing(asked: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As in environments that uv made: then the next one is asked, and no pip at all is a reason."""
    without = tmp_path / "without.py"
    without.write_text("import sys\nsys.exit('/usr/bin/python: No module named pip')\n")
    with_pip = next(sources.pips(""))
    monkeypatch.setattr(sources, "pips", lambda python: iter([[sys.executable, str(without)], with_pip]))
    assert sources.source_tree("9.9").folder
    monkeypatch.setattr(sources, "pips", lambda python: iter([[sys.executable, str(without)]]))
    assert "No module named pip" in sources.source_tree("9.7").reason


def test_a_cache_that_cannot_be_written_is_a_reason(asked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMMAPYGPT_CACHE", str(asked / "cache"))
    found = sources.source_tree("9.9")
    assert found.folder is None
    assert "File exists" in found.reason
    assert "GAMMAPYGPT_CACHE" in found.reason


def test_pip_sees_no_keys(asked: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("PIP_TIMEOUT", "7")
    seen = tmp_path / "seen.txt"
    (tmp_path / "pip.py").write_text(f"import os\nopen({str(seen)!r}, 'w').write(' '.join(os.environ))\n")
    sources.source_tree("9.9")
    assert "PIP_TIMEOUT" in seen.read_text()
    assert "OPENAI_API_KEY" not in seen.read_text()


def test_the_user_can_give_a_tree_a_folder_of_it_or_an_archive(asked: Path, distribution: Path, tmp_path: Path) -> None:
    (tmp_path / "given" / "gammapy-9.9" / "examples").mkdir(parents=True)
    tree = tmp_path / "given" / "gammapy-9.9"
    assert sources.source_tree("9.9", str(tree)).folder == tree
    assert sources.source_tree("9.9", str(tree.parent)).folder == tree
    assert files_of(sources.source_tree("9.9", str(distribution)).folder) == ["docs/b.rst", "examples/a.py"]
    assert asked.read_text() == ""


def test_what_the_user_gives_may_be_wrong(asked: Path, tmp_path: Path) -> None:
    (tmp_path / "text.tar.gz").write_text("no archive")
    evil = {"gammapy-9.9/docs/../../../evil.py": "x", "gammapy-9.9/examples/a.py": "a"}
    archive(tmp_path / "evil.tar.gz", **evil)
    archive(tmp_path / "other.tar.gz", **{"other-1/README.md": "x"})
    for name in ("nothing", "text.tar.gz", "evil.tar.gz", "other.tar.gz"):
        tree = sources.source_tree("9.9", str(tmp_path / name))
        assert tree.folder is None
        assert "gammapy_source" in tree.reason
    assert not list(tmp_path.rglob("evil.py"))


def test_one_of_two_processes_that_come_at_once_wins(asked: Path, distribution: Path, tmp_path: Path) -> None:
    target = tmp_path / "cache" / "sources" / "gammapy-9.9"
    sources._unpacked(distribution, target)
    sources._unpacked(distribution, target)
    assert files_of(target) == ["docs/b.rst", "examples/a.py"]


def test_the_distribution_of_the_installed_version(gammapy_sources: Path) -> None:
    names = files_of(gammapy_sources)
    assert "examples/tutorials/analysis-1d/spectral_analysis.py" in names
    assert "docs/user-guide/howto.rst" in names
    assert not [name for name in names if not name.startswith(("examples/", "docs/"))]
