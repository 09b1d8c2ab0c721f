"""The H.E.S.S. data release as `data info` and the planner see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammapygpt.data.download import sha256_of
from gammapygpt.data.fetch import hess_dl3_dr1
from gammapygpt.data.info import describe
from gammapygpt.data.stores import find_stores

pytestmark = pytest.mark.hess


def test_hess_release_is_found_whole(hess_data: Path) -> None:
    store = next(store for store in find_stores(hess_data) if store.path == "hess-dl3-dr1")
    assert store.n_observations == 105
    crab = [
        abs(ra - 83.633) < 2 and abs(dec - 22.0145) < 2 for ra, dec in zip(store.ra_deg, store.dec_deg, strict=True)
    ]
    assert sum(crab) == 4
    description = describe(hess_data / "hess-dl3-dr1").stores[0]
    assert description.livetime_s == pytest.approx(44.79 * 3600, rel=1e-3)
    assert description.telescopes == ["HESS"]
    assert description.irfs == ["aeff_2d", "bkg_3d", "edisp_2d", "psf_table"]
    assert description.missing == []
    assert "README.txt" in description.terms


def test_pinned_checksums_are_those_of_the_release(hess_data: Path) -> None:
    checksums = hess_dl3_dr1().checksums
    assert {name: sha256_of(hess_data / "hess-dl3-dr1" / name) for name in checksums} == checksums
