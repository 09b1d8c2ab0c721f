"""The words by which material is found: of English, of code, of units."""

from __future__ import annotations

import pytest

from gammapygpt.knowledge.words import forms, pairs, terms


def test_an_identifier_is_found_whole_and_by_its_parts() -> None:
    assert terms("FluxPointsEstimator") == ["fluxpointsestimator", "flux", "point", "estimator"]
    assert terms("energy_edges") == ["energy_edges", "energ", "edge"]


def test_a_dotted_name_is_found_whole_and_by_each_name_in_it() -> None:
    found = terms("gammapy.makers.SafeMaskMaker")
    assert found[0] == "gammapy.makers.safemaskmaker"
    assert {"safemaskmaker", "safe", "mask", "maker"} <= set(found)
    assert "gammapy" not in found  # every document mentions it


@pytest.mark.parametrize(
    "text", ["cm-2 s-1 TeV-1", "cm^-2 s^-1 TeV^-1", "cm**-2 s**-1 TeV**-1", "cm^{-2} s^{-1} TeV^{-1}"]
)
def test_units_are_the_same_however_they_are_written(text: str) -> None:
    assert terms(text) == ["cm-2", "s-1", "tev-1"]


def test_numbers_are_dropped_and_catalogue_names_are_not() -> None:
    assert terms("between 0.3 and 10 TeV, run 23523") == ["between", "tev", "observ", "run"]
    assert "3d" in terms("a 3D analysis")
    assert "4fgl" in terms("the 4FGL catalogue")


def test_endings_and_stop_words_do_not_matter() -> None:
    assert terms("the reflected regions of a region") == terms("Reflection region, regions")
    assert terms("binned fits") == terms("bin fitting") == ["bin", "fit"]
    assert terms("how is the optimiser normalised") == terms("optimizer normalization")


def test_words_of_the_field_are_brought_together() -> None:
    assert set(terms("lightcurve")) == set(terms("light curve"))
    assert set(terms("PSF")) <= set(terms("point spread function psf"))


def test_words_that_stand_side_by_side_are_a_pair_however_they_are_written() -> None:
    assert pairs("estimate flux points") == ["estimat flux", "flux point"]
    assert pairs("FluxPoints") == ["flux point"]
    assert pairs("flux; points, or fluxes. Points") == []


def test_a_form_keeps_its_ending() -> None:
    assert forms("Stacked, or the stacking?") == ["=stacked", "=stacking"]
