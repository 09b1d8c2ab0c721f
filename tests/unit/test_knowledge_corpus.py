"""Snippets: what a prompt shows of a class, a recipe, a change of the API."""

from __future__ import annotations

from gammapygpt.cookbook import recipes
from gammapygpt.knowledge.cards import api_document, shorten
from gammapygpt.knowledge.corpus import documents
from gammapygpt.knowledge.rst import plain

METHODS = [{"name": f"estimate_{i}", "signature": "(datasets, parameter)", "doc": "Estimate."} for i in range(40)]
ENTRY = {
    "path": "gammapy.estimators.FluxPointsEstimator",
    "kind": "class",
    "signature": "(energy_edges=<Quantity [ 1., 10.] TeV>, **kwargs)",
    "doc": "Flux points estimator.",
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
    assert "estimate_39" in api_document(ENTRY).body
    assert "estimate_39" not in api_document(ENTRY).snippet.text


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


def test_markup_and_length() -> None:
    assert plain("list of `~gammapy.maps.Map`, or ``None``") == "list of Map, or None"
    assert shorten(["one", "two", "three"], 9) == "one; two; ..."
    assert shorten(["a" * 30], 10) == "aaaaaa ..."
