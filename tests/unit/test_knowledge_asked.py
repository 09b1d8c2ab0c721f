"""What users ask for in other words than the documents': the table, and the documents that it names."""

from __future__ import annotations

import pkgutil
from pathlib import Path

from gammapygpt.knowledge.asked import asked, belongs, with_asked
from gammapygpt.knowledge.corpus import documentation, recipe_documents
from gammapygpt.knowledge.document import Document
from gammapygpt.knowledge.lexical import Lexical
from gammapygpt.knowledge.material import searchable
from gammapygpt.state import Snippet


def test_a_document_is_found_by_what_is_asked_of_it() -> None:
    sources = ["api:gammapy.estimators.SensitivityEstimator", "howto:spell-and-pronounce-gammapy"]
    plain = [Document(Snippet(source=source, title="t", text="x"), "heading", "body") for source in sources]
    estimator, howto = with_asked(plain)
    assert estimator.heading.startswith("heading; faintest flux for 5 sigma in a given time; ")
    assert estimator._replace(heading="heading") == plain[0]
    assert howto == plain[1]
    lexical = Lexical([searchable(document) for document in (estimator, howto)])
    assert set(lexical.embed_query("faintest flux").indices) <= set(lexical.rows[0].indices)


def test_a_row_is_of_whole_names() -> None:
    assert belongs("tutorial:details/irfs#psf-2", "tutorial:details/irfs#psf")
    assert belongs("tutorial:details/irfs#psf", "tutorial:details/irfs")
    assert not belongs("api:gammapy.maps.MapAxis", "api:gammapy.maps.Map")
    assert not belongs("tutorial:analysis-1d/spectral_analysis_hli#setup", "tutorial:analysis-1d/spectral_analysis")


def test_every_row_says_something_of_one_beginning() -> None:
    for source, phrases in asked():
        assert source.partition(":")[0] in ("api", "guide", "howto", "recipe", "tutorial")
        assert phrases.strip(" ;") == phrases != ""


def test_every_row_names_what_the_installed_version_has(gammapy_sources: Path) -> None:
    """A row whose document moved is dead, and nobody would notice."""
    found = [*documentation(gammapy_sources, "2.1").documents, *recipe_documents()]
    sources = [document.snippet.source for document in found]
    for source, _ in asked():
        kind, _, name = source.partition(":")
        if kind == "api":
            pkgutil.resolve_name(name)  # raises if it is not there
        else:
            assert any(belongs(one, source) for one in sources), source
