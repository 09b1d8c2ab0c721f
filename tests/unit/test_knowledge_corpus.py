"""Snippets: what a prompt shows of a class, a recipe, a change of the API."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gammapygpt.cookbook import recipes
from gammapygpt.knowledge import corpus as corpus_module
from gammapygpt.knowledge.cards import api_document, shorten
from gammapygpt.knowledge.corpus import Document, corpus_hash, corpus_key, documents
from gammapygpt.settings import Settings
from gammapygpt.state import Environment, Snippet

METHODS = [{"name": f"estimate_{i}", "signature": "(datasets, parameter)", "doc": "Estimate."} for i in range(40)]
ENTRY = {
    "path": "gammapy.estimators.FluxPointsEstimator",
    "kind": "class",
    "signature": "(energy_edges=<Quantity [ 1., 10.] TeV>, **kwargs)",
    "doc": "Flux points estimator.",
    "about": "Norms of a model are fitted in bins.",
    "parameters": [{"name": "energy_edges", "type": "list of `~astropy.units.Quantity`, optional", "text": "Edges"}],
    "methods": [*METHODS, {"name": "run", "signature": "(datasets)", "doc": "Run the estimator."}],
    "attributes": [{"name": "n_jobs", "doc": "Number of jobs."}],
}


def test_an_api_snippet_says_how_to_import_call_and_run() -> None:
    snippet = api_document(ENTRY).snippet
    lines = snippet.text.splitlines()
    assert snippet.source == "api:gammapy.estimators.FluxPointsEstimator"
    assert lines[0] == "from gammapy.estimators import FluxPointsEstimator"
    assert lines[1] == "FluxPointsEstimator(energy_edges=<Quantity [ 1., 10.] TeV>, **kwargs)"
    assert lines[3] == "Parameters: energy_edges: list of Quantity (Edges)"
    assert lines[4].startswith("Methods: run(datasets); estimate_0(")
    assert lines[4].endswith("; ...")
    assert len(snippet.text) < 1500


def test_what_is_not_shown_can_be_found_all_the_same() -> None:
    for told in ("estimate_39", "Norms of a model"):
        assert told in api_document(ENTRY).body
        assert told not in api_document(ENTRY).snippet.text


def test_the_corpus_holds_recipes_api_and_changes_alone() -> None:
    """Above all no task and no expected value."""
    assert {doc.kind for doc in documents([ENTRY], {})} == {"recipe", "api", "drift"}


def test_the_corpus_holds_every_recipe_whole() -> None:
    shown = {doc.snippet.source: doc for doc in documents([ENTRY], {"gammapy": "2.1"})}
    assert len(recipes()) >= 4
    for name, recipe in recipes().items():
        assert shown[f"recipe:{name}"].snippet.text == recipe.source
        assert shown[f"recipe:{name}"].kind == "recipe"


def test_changes_after_the_installed_version_stay_out() -> None:
    of_now = {doc.snippet.source for doc in documents([], {"gammapy": "2.1"})}
    of_then = {doc.snippet.source for doc in documents([], {"gammapy": "1.2"})}
    assert of_now - of_then >= {"drift:TSMapEstimator(model=)", "drift:EventList.write(filename)"}


def test_names_of_parameters_that_the_signature_explains_are_not_repeated() -> None:
    entry = {
        **ENTRY,
        "signature": '(index=2, amplitude="1e-12 TeV-1 s-1 cm-2", **kwargs)',
        "parameters": [
            {"name": "index", "type": "float", "text": ""},
            {"name": "amplitude", "type": "`~astropy.units.Quantity`", "text": ""},
            {"name": "frame", "type": '{"icrs", "galactic"}', "text": "Frame."},
        ],
    }
    assert 'Parameters: frame: {"icrs", "galactic"} (Frame)' in api_document(entry).snippet.text.splitlines()


def test_length() -> None:
    assert shorten(["one", "two", "three"], 9) == "one; two; ..."
    assert shorten(["a" * 30], 10) == "aaaaaa ..."


def test_each_source_is_there_once_and_in_order() -> None:
    extra = [
        Document(Snippet(source=source, title="t", text=source), "h", "b") for source in ("own:b", "own:a", "own:b")
    ]
    sources = [document.snippet.source for document in documents([ENTRY], {}, extra)]
    assert sources == sorted(set(sources))
    assert {"own:a", "own:b"} <= set(sources)
    assert sources == [document.snippet.source for document in documents([ENTRY], {}, reversed(extra))]


def test_changes_without_a_replacement_stay_out() -> None:
    shown = [document.snippet.text for document in documents([], {"gammapy": "2.1"}) if document.kind == "drift"]
    assert len(shown) > 100
    assert not [text for text in shown if "\nwrite: removed\n" in text or "\nwrite: \n" in text]


def test_the_hash_is_of_every_word_and_of_the_order() -> None:
    one, two = (Document(Snippet(source=f"own:{name}", title="t", text="x"), "h", "b") for name in "ab")
    hashes = {corpus_hash(found) for found in ([], [one], [one, two], [two, one], [one._replace(body="c"), two])}
    assert len(hashes) == 5
    assert corpus_hash([one, two]) == corpus_hash([one, two])


MADE = """
import sys
from pathlib import Path
from gammapygpt.knowledge.corpus import corpus_hash, documentation, documents
from gammapygpt.knowledge.own_documents import own_documents

tree, own = map(Path, sys.argv[1:])
found = documents([], {"gammapy": "9.9"}, [*documentation(tree, "9.9").documents, *own_documents(own)[0]])
print(len(found), corpus_hash(found))
"""


def test_the_same_sources_give_the_same_hash_in_any_process(tmp_path: Path) -> None:
    """Whatever the seed of Python's hashes, the place, the names' order on disk and the times of the files."""
    answers = set()
    for seed, names in (("1", "abc"), ("2", "cba")):
        tree, own = tmp_path / seed / "tree", tmp_path / seed / "own"
        for name in names:
            script = tree / "examples" / "tutorials" / f"{name}.py"
            for path in (script, tree / "docs" / "user-guide" / f"{name}.rst", own / f"{name}.md"):
                path.parent.mkdir(parents=True, exist_ok=True)
            script.write_text(
                f'"""\n{name}\n===\n"""\nimport re, os, sys, math\n\nx = {{re, os, sys, math}}\nprint(x)\n'
            )
            (tree / "docs" / "user-guide" / f"{name}.rst").write_text(f"{name}\n===\n\n{'words ' * 50}\n")
            (own / f"{name}.md").write_text(f"# {name}\n\nwords\n")
        done = subprocess.run(
            [sys.executable, "-c", MADE, str(tree), str(own)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        answers.add(done.stdout)
    (answer,) = answers
    assert int(answer.split()[0]) > 100


def test_without_the_distribution_the_corpus_says_so_and_goes_on(tmp_path: Path, monkeypatch) -> None:
    settings = Settings(retrieval={"gammapy_source": str(tmp_path / "nowhere"), "documents": str(tmp_path)})
    monkeypatch.setattr(corpus_module, "environment", lambda settings: Environment(versions={"gammapy": "9.9"}))
    monkeypatch.setattr(corpus_module, "api_entries", lambda settings: [ENTRY])
    (tmp_path / "own.md").write_text("mine\n")
    found = corpus_module.corpus(settings)
    assert {document.kind for document in found.documents} == {"recipe", "api", "drift", "own"}
    assert len(found.notes) == 1
    assert "nowhere is not there" in found.notes[0]


def test_the_key_changes_with_what_the_corpus_is_made_of(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(corpus_module, "environment", lambda settings: Environment(versions={"gammapy": "9.9"}))
    runs = {"folder": str(tmp_path / "runs")}
    (tmp_path / "own").mkdir()
    plain, own = Settings(runs=runs), Settings(runs=runs, retrieval={"documents": str(tmp_path / "own")})
    successes = Settings(runs=runs, retrieval={"successes": True})
    given = Settings(runs=runs, retrieval={"gammapy_source": str(tmp_path)})
    before = [corpus_key(settings) for settings in (plain, own, successes, given)]
    assert before == [corpus_key(settings) for settings in (plain, own, successes, given)]
    assert len({before[0], before[1], before[3]}) == 3
    (tmp_path / "own" / "a.md").write_text("new")
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "runs" / "one" / "manifest.json").write_text("{}")
    after = [corpus_key(settings) for settings in (plain, own, successes)]
    assert [old == new for old, new in zip(before, after, strict=False)] == [True, False, False]
