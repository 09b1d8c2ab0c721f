"""A folder of the user's own: every kind of file cut into sections, what cannot be read is named."""

from __future__ import annotations

import json
from pathlib import Path

from gammapygpt.evals.task import SHIPPED
from gammapygpt.knowledge import own_documents as module
from gammapygpt.knowledge.document import LENGTH
from gammapygpt.knowledge.own_documents import own_documents, state

MARKDOWN = """Before the first heading.

# Cuts

We use **0.11 deg**.

```python
# not a heading
radius = 0.11

energy = 1
```

## Cuts

More.
"""


def texts(folder: Path) -> dict[str, str]:
    found, notes = own_documents(folder)
    assert notes == []
    assert len({document.snippet.source for document in found}) == len(found)
    return {document.snippet.source: document.snippet.text for document in found}


def test_markdown_is_cut_at_its_headings_and_code_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "cuts.md").write_text(MARKDOWN)
    code = "```python\n# not a heading\nradius = 0.11\n\nenergy = 1\n```"
    assert texts(tmp_path) == {
        "own:notes/cuts.md#text": "Before the first heading.",
        "own:notes/cuts.md#cuts": f"We use **0.11 deg**.\n\n{code}",
        "own:notes/cuts.md#cuts-2": "More.",
    }
    found, _ = own_documents(tmp_path)
    assert [document.heading for document in found] == ["notes/cuts.md", "notes/cuts.md > Cuts", "notes/cuts.md > Cuts"]
    assert {document.kind for document in found} == {"own"}


def test_other_kinds_of_files(tmp_path: Path) -> None:
    (tmp_path / "page.rst").write_text("Page\n====\n\nOne\n---\n\nText.\n")
    (tmp_path / "plain.txt").write_text("Only text.\n")
    (tmp_path / "tool.py").write_text('"""Reads our list."""\n\nimport csv\n\n\n@cache\ndef read():\n    return 1\n')
    cells = [
        {"cell_type": "markdown", "source": ["# Notebook\n", "words"]},
        {"cell_type": "code", "source": "%matplotlib inline\nx = 1", "outputs": [{"text": "secret output"}]},
    ]
    (tmp_path / "book.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "figure.png").write_bytes(b"\x89PNG")
    assert texts(tmp_path) == {
        "own:page.rst#page-one": "Text.",
        "own:plain.txt#text": "Only text.",
        "own:tool.py#reads-our-list": '"""Reads our list."""\n\nimport csv\n\n@cache\ndef read():\n    return 1',
        "own:book.ipynb#notebook": "words\n\n```python\nx = 1\n```",
    }


def test_what_cannot_be_read_is_named_and_the_rest_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (tmp_path / "secret.md").write_text("# Secret\n\nsecret\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.md").write_text("secret\n")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "dangling.md").symlink_to(folder / "gone.md")
    (folder / "latin.txt").write_bytes(b"\xe9t\xe9")
    (folder / "binary.txt").write_bytes(b"a\0b")
    (folder / "broken.ipynb").write_text("{")
    (folder / "list.ipynb").write_text("[1]")
    (folder / "broken.py").write_text("def f(:\n")
    (folder / ".hidden.md").write_text("secret\n")
    (folder / "good.md").write_text("good\n")
    found, notes = own_documents(folder)
    assert [document.snippet.text for document in found] == ["good"]
    named = sorted(note.partition(" ")[0] for note in notes)
    assert named == ["binary.txt", "broken.ipynb", "broken.py", "dangling.md", "latin.txt", "link.md", "list.ipynb"]
    assert "leads out of the folder" in next(note for note in notes if note.startswith("link.md"))


def test_sizes_are_limited(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "a.txt").write_text("word " * 2000)
    (tmp_path / "b.txt").write_text("b" * 200_000)
    (tmp_path / "c.txt").write_text("c")
    monkeypatch.setattr(module, "LARGEST_FILE", 100_000)
    monkeypatch.setattr(module, "MOST_FILES", 2)
    found, notes = own_documents(tmp_path)
    assert {document.snippet.source.partition("#")[0] for document in found} == {"own:a.txt"}
    assert all(len(document.snippet.text) <= LENGTH for document in found)
    assert "".join(document.snippet.text for document in found).count("word") == 2000
    assert [note.partition(" ")[0] for note in notes] == ["b.txt", "c.txt"]


def test_a_folder_that_is_not_there_is_a_note(tmp_path: Path) -> None:
    assert own_documents(tmp_path / "gone") == (
        [],
        [f"retrieval.documents: there is no folder {tmp_path / 'gone'}."],
    )


def test_the_state_of_the_folder_changes_with_its_files(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("one")
    before = state(tmp_path)
    assert before == state(tmp_path)
    (tmp_path / "a.md").write_text("three")
    assert state(tmp_path) != before
    assert state(tmp_path / "gone") != before


def test_scripts_that_answer_tasks_are_never_read(tmp_path: Path) -> None:
    (tmp_path / "reference").mkdir()
    (tmp_path / "crab-index.toml").write_text("id = 'crab-index'")
    (tmp_path / "reference" / "crab-index.py").write_text("print(2.38765)")
    (tmp_path / "reference" / "cuts.py").write_text("radius = 0.11")
    assert list(texts(tmp_path)) == ["own:reference/cuts.py#text"]
    assert "crab" not in state(tmp_path)


def test_the_shipped_tasks_are_not_found_in_a_checkout() -> None:
    assert [source for source in texts(SHIPPED) if not source.startswith("own:README.md")] == []
