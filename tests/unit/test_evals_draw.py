"""Drafts of tasks: requests say all that is needed, positions mean what they say, tolerances tell right from wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from gammapygpt.checks.contract import check_contract
from gammapygpt.data.observe import Field, Source
from gammapygpt.errors import GammapyGPTError
from gammapygpt.evals.draw.archive import Archive, draw_archive
from gammapygpt.evals.draw.draft import SIGMA, Asked, Draft
from gammapygpt.evals.draw.draw import generator, in_turn, kinds, module
from gammapygpt.evals.draw.judging import DrawAgain, known_answer, off_truth
from gammapygpt.evals.draw.truth import containment, expected_excess, flux
from gammapygpt.evals.draw.words import position


def drafts(kind: str, number: int) -> Iterator[Draft]:
    for seed in range(number):
        archive = draw_archive("archive-1", generator(seed, 0, 0))
        try:
            yield module(kind).draft(archive, generator(seed, 1, 0, 0))
        except DrawAgain:
            continue


@pytest.mark.parametrize("kind", kinds())
def test_requests_name_data_keys_and_units(kind: str) -> None:
    found = list(drafts(kind, 8))
    assert len({draft.prompt for draft in found}) == len(found) > 3
    for draft in found:
        assert "$GAMMAPY_DATA/archive-1" in draft.prompt
        assert not re.search(r"[{}]", draft.prompt)
        for one in draft.asked:
            assert (f'"{one.key}"' in draft.prompt) == one.shown
            assert not one.shown or f", in {one.unit})" in draft.prompt or not one.unit


@pytest.mark.parametrize("kind", kinds())
def test_scripts_keep_the_contract_whatever_is_done_to_them(kind: str) -> None:
    for draft in drafts(kind, 3):
        for way in [None, *draft.accepted, *draft.wrong, *draft.harmless]:
            script = draft.source(way)
            compile(script, "reference.py", "exec")
        assert [finding for finding in check_contract(draft.source()) if finding.severity == "error"] == []


def test_positions_are_where_they_are_said_to_be() -> None:
    written = [position(generator(seed), 83.6331, 22.0145) for seed in range(20)]
    assert len({one.words for one in written}) >= 4
    for one in written:
        found = SkyCoord(one.ra_deg, one.dec_deg, unit="deg")
        assert found.separation(SkyCoord(83.6331, 22.0145, unit="deg")).arcsec < 1
        if match := re.search(r"l = ([\d.]+) deg, b = (-?[\d.]+)", one.words):
            read = SkyCoord(float(match[1]), float(match[2]), unit="deg", frame="galactic")
            assert found.separation(read).arcsec < 0.01
        if match := re.search(r"RA (\S+), Dec (\S+) \(J2000\)", one.words):
            assert found.separation(SkyCoord(match[1], match[2])).arcsec < 0.01


def test_fields_of_an_archive_share_a_site_and_no_source() -> None:
    for seed in range(20):
        archive: Archive = draw_archive("archive-1", generator(seed, 0, 0))
        fields = [archive.steady, archive.cutoff, archive.flaring, archive.dark]
        runs = [run for field in fields for run in field.runs()]
        assert len({run.obs_id for run in runs}) == len(runs)
        assert len({run.site for run in runs if run.obs_id < archive.dark.first_obs_id}) == 1
        for field in fields:
            source = SkyCoord(field.source.ra_deg, field.source.dec_deg, unit="deg")
            others = [run for other in fields if other is not field for run in other.runs()]
            assert min(source.separation(SkyCoord(run.ra_deg, run.dec_deg, unit="deg")).deg for run in others) > 3


def test_every_kind_has_its_turn() -> None:
    order = in_turn(5, 20, kinds())
    assert sorted(order[: len(kinds())]) == kinds()
    assert order == in_turn(5, 20, kinds()) != in_turn(6, 20, kinds())


def test_fluxes_are_integrals() -> None:
    steady = Field(Source(83.6, 22, 2.0, 1e-11, 1), 4, 1800, 0.5)
    assert flux(steady, 1, 10) == pytest.approx(1e-11 * (1 - 1 / 10))
    assert flux(steady, 1, 10, moment=1) == pytest.approx(1e-11 * np.log(10))
    assert flux(replace(steady, factors=(1.0, 1.0, 4.0, 2.0)), 1, 10) == pytest.approx(2 * flux(steady, 1, 10))
    bent = replace(steady, source=replace(steady.source, cutoff_tev=5.0))
    assert flux(bent, 1, 10) < 0.8 * flux(steady, 1, 10)


def test_the_on_region_holds_68_percent_at_the_radius_that_says_so() -> None:
    field = Field(Source(83.6, 22, 2.5, 3e-11, 1), 4, 1800, 0.5)
    assert containment(np.array(1.0), 0.0, 1.82 * 0.055) == pytest.approx(0.68, abs=0.01)
    assert expected_excess(field, 1, 10, 0.1) == pytest.approx(0.7 * expected_excess(field, 1, 10, 2.0), rel=0.03)


def test_a_reference_far_from_the_truth_does_not_survive() -> None:
    asked = Asked("flux", ("flux",), "", "cm-2 s-1", truth=1e-11)
    assert off_truth(asked, {"flux": 1.22e-11, "flux_err": 1e-12}) == pytest.approx(2.0)
    with pytest.raises(GammapyGPTError, match="standard errors from the truth"):
        off_truth(asked, {"flux": 0.5e-11, "flux_err": 1e-12})
    with pytest.raises(GammapyGPTError, match="the truth is 1e-11"):
        off_truth(asked, {"flux": 1.01e-11})


def test_tolerances_come_from_legitimate_ways_and_errors() -> None:
    asked = Asked("flux", ("flux",), "", "cm-2 s-1", rel_tol=0.01)
    ways = [{"flux": 1.02e-11}, {"flux": 0.96e-11}]
    assert known_answer(asked, {"flux": 1e-11}, ways).abs_tol == pytest.approx(6e-13)
    assert known_answer(asked, {"flux": 1e-11, "flux_err": 5e-12}, ways).abs_tol == pytest.approx(1e-12)
    assert known_answer(asked, {"flux": 1e-11}, []).abs_tol == pytest.approx(1e-13)
    with pytest.raises(DrawAgain, match="depends on choices"):
        known_answer(Asked("i_max", ("i_max",), "", exact=True), {"i_max": 2}, [{"i_max": 3}])


def test_sigmas_are_a_unit_for_people_alone() -> None:
    assert Asked("significance", ("significance",), "", SIGMA).entry() == ["significance", ""]
