"""Whom a run has to thank: what it was seen to use, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gammapygpt.runs.acknowledge import acknowledged, sources, without_words
from gammapygpt.state import Attempt, Execution

DATA = {"path": "/data", "index_checksums": {"hess-dl3-dr1": "ab", "magic/rad_max/data": "cd", "mine": "ef"}}


def attempt(script: str, **facts: Any) -> Attempt:
    return Attempt(
        number=1,
        author="coder",
        script=script,
        execution=Execution(provider="bubblewrap", facts={"seen": True, **facts}),
    )


def names(script: str, **facts: Any) -> list[str]:
    return [source.name for source in acknowledged(attempt(script, **facts), DATA)]


def test_data_store_that_was_opened() -> None:
    found = acknowledged(attempt("x = 1", selections=[{"store": "hess-dl3-dr1"}]), DATA)
    assert [source.name for source in found] == ["H.E.S.S. DL3 public test data release 1"]
    assert "No scientific publications" in found[0].terms
    assert names('store = "$GAMMAPY_DATA/magic/rad_max/data"') == ["MAGIC data of the Crab Nebula"]


def test_background_models_only_where_they_were_reduced() -> None:
    making = {"maker": "MapDatasetMaker", "settings": {"selection": ["counts", "background"]}}
    script = 'STORE = "hess-dl3-dr1"'
    assert "Background models of H.E.S.S. DL3 DR1" in names(script, makings=[making])
    assert "Background models of H.E.S.S. DL3 DR1" not in names(script)


def test_model_counts_where_it_was_seen_not_where_it_is_imported() -> None:
    script = 'EBL_MODEL = "dominguez"\nfrom gammapy.modeling.models import EBLAbsorptionNormSpectralModel'
    absorbed = {"model": "source", "kind": "EBLAbsorptionNormSpectralModel", "name": "alpha_norm"}
    assert names(script) == []
    assert names(script, models=[absorbed]) == ["EBL model of Domínguez et al. (2011)"]


def test_catalogue_that_was_looked_up() -> None:
    assert names("x = 1", catalogue=[{"catalogue": "3fhl", "source": "3FHL J0534.5+2201"}]) == ["Fermi-LAT 3FHL"]


@pytest.mark.parametrize(
    "script", ['"""About hess-dl3-dr1."""', "# hess-dl3-dr1", 'x = "my-hess-dl3-dr1-notes"', "def ("]
)
def test_word_in_passing_is_no_use(script: str) -> None:
    assert names(script) == []


def test_of_other_data_the_files_with_terms_are_named(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "LICENCE.txt").write_text("ask me")
    data = {**DATA, "path": str(tmp_path)}
    assert without_words(attempt('STORE = "mine"'), data) == {"mine": ["mine/LICENCE.txt"]}
    assert without_words(attempt('STORE = "hess-dl3-dr1"'), data) == {}
    assert without_words(attempt('STORE = "mine"'), DATA) == {"mine": []}, "the data are not here any more"


def test_data_folder_that_is_itself_a_store() -> None:
    data = {"path": "/somewhere/hess-dl3-dr1", "index_checksums": {".": "ab"}}
    found = acknowledged(attempt("x = 1", selections=[{"store": "."}]), data)
    assert [source.name for source in found] == ["H.E.S.S. DL3 public test data release 1"]


def test_every_source_says_how_it_is_recognised_and_what_to_write() -> None:
    for source in sources():
        assert source.folders or source.models or source.catalogues, source.name
        assert source.text.endswith(".")
        assert all(link.startswith(("https://", "http://")) for link in source.links)
