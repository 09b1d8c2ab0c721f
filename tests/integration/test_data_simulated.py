"""Simulated DL3 data are valid, and an analysis finds the truth in them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gammapygpt.data.truth import truth_path

if TYPE_CHECKING:
    from gammapy.data import DataStore, Observations


@pytest.fixture(scope="module")
def store(simulated_data: Path) -> DataStore:
    from gammapy.data import DataStore

    return DataStore.from_dir(simulated_data / "dl3-simulated")


@pytest.fixture(scope="module")
def observations(store: DataStore) -> Observations:
    return store.get_observations(required_irf="full-enclosure")


@pytest.fixture(scope="module")
def expected(simulated_data: Path) -> dict[str, dict[str, Any]]:
    with truth_path(simulated_data).open("rb") as file:
        return {entry["key"]: entry for entry in tomllib.load(file)["expected"]}


def test_data_store_check_finds_nothing_wrong(store: DataStore, observations: Observations) -> None:
    from gammapy.data.event_list import EventListChecker
    from gammapy.data.observations import ObservationChecker

    records = list(store.check(checks=["obs_table", "hdu_table", "consistency"]))
    for observation in observations:
        records += ObservationChecker(observation).run(checks=["gti", "aeff", "edisp", "psf"])
        # its check of columns fails for every event list, real ones too: in Gammapy 2.1 TIME has lost its unit
        records += EventListChecker(observation.events).run(checks=["meta", "times"])
    assert [record for record in records if record["level"] != "debug"] == []
    assert set(store.hdu_table["HDU_TYPE"]) == {"events", "gti", "pointing", "aeff", "edisp", "psf", "bkg"}


def test_event_columns_have_the_units_of_the_format(simulated_data: Path) -> None:
    from astropy.io import fits

    with fits.open(simulated_data / "dl3-simulated/data/simulated_obs_000001.fits.gz") as hdus:
        units = {column.name: column.unit for column in hdus["EVENTS"].columns}
    assert units == {"EVENT_ID": None, "TIME": "s", "RA": "deg", "DEC": "deg", "ENERGY": "TeV"}


def test_index_tables_agree_with_the_observations(store: DataStore, observations: Observations) -> None:
    assert observations.ids == ["1", "2", "3", "4"]
    for row, observation in zip(store.obs_table, observations, strict=True):
        meta = observation.events.table.meta
        same = ("TSTART", "TSTOP", "ONTIME", "LIVETIME", "RA_PNT", "DEC_PNT", "ALT_PNT", "DATE-OBS", "TIME-OBS")
        assert [row[name] for name in same] == [meta[name] for name in same]
        assert row["EVENT_COUNT"] == len(observation.events.table)
        assert observation.gti.time_sum.to_value("s") == pytest.approx(1800 / 0.95)
        assert observation.observation_live_time_duration.to_value("s") == pytest.approx(1800)
        start = observation.tstart.isot  # TT
        assert start.startswith(f"{row['DATE-OBS']}T{row['TIME-OBS'][:8]}")


def test_pointings_wobble_around_the_source_high_in_the_sky(observations: Observations) -> None:
    from astropy.coordinates import SkyCoord

    source = SkyCoord(83.633, 22.0145, unit="deg")
    pointings = [observation.get_pointing_icrs(observation.tmid) for observation in observations]
    assert [pointing.separation(source).deg for pointing in pointings] == pytest.approx([0.5] * 4)
    assert [source.position_angle(pointing).deg for pointing in pointings] == pytest.approx([0, 180, 90, 270], abs=1e-6)
    for observation in observations:
        altaz = observation.get_pointing_altaz(observation.tmid)
        meta = observation.events.table.meta
        assert altaz.alt.deg > 60
        assert (altaz.alt.deg, altaz.az.deg) == pytest.approx((meta["ALT_PNT"], meta["AZ_PNT"]), abs=0.01)


def test_psf_contains_68_percent_within_a_tenth_of_a_degree(observations: Observations) -> None:
    from astropy import units as u

    radius = observations[0].psf.containment_radius(energy_true=1 * u.TeV, offset=0.5 * u.deg, fraction=0.68)
    assert radius.to_value("deg") == pytest.approx(0.1, abs=0.005)


def test_background_model_predicts_the_counts_away_from_the_source(observations: Observations) -> None:
    from astropy.coordinates import SkyCoord
    from gammapy.makers import MapDatasetMaker
    from gammapy.maps import MapAxis, WcsGeom

    source = SkyCoord(83.633, 22.0145, unit="deg")
    geom = WcsGeom.create(
        skydir=source, width=8, binsz=0.05, axes=[MapAxis.from_energy_bounds("0.5 TeV", "50 TeV", nbin=12)]
    )
    maker = MapDatasetMaker()
    counts = npred = 0.0
    for observation in observations:
        pointing = observation.get_pointing_icrs(observation.tmid)
        away = (geom.separation(source).deg > 0.6) & (geom.separation(pointing).deg < 2.5)
        counts += maker.make_counts(geom, observation).data[:, away].sum()
        npred += maker.make_background(geom, observation).data[:, away].sum()
    assert counts > 10_000
    assert counts == pytest.approx(npred, abs=3 * npred**0.5)


def test_reflected_regions_recover_the_spectrum(observations: Observations, expected: dict[str, dict]) -> None:
    from astropy import units as u
    from astropy.coordinates import SkyCoord
    from gammapy.datasets import Datasets, SpectrumDataset
    from gammapy.makers import ReflectedRegionsBackgroundMaker, SpectrumDatasetMaker
    from gammapy.maps import MapAxis, RegionGeom
    from gammapy.modeling import Fit
    from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
    from regions import CircleSkyRegion

    on_region = CircleSkyRegion(SkyCoord(83.633, 22.0145, unit="deg"), 0.11 * u.deg)
    energy = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=8)
    energy_true = MapAxis.from_energy_bounds("0.3 TeV", "60 TeV", nbin=20, per_decade=True, name="energy_true")
    empty = SpectrumDataset.create(geom=RegionGeom.create(on_region, axes=[energy]), energy_axis_true=energy_true)
    maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
    reflected = ReflectedRegionsBackgroundMaker()
    datasets = Datasets()
    for observation in observations:
        dataset = maker.run(empty.copy(name=f"run {observation.obs_id}"), observation)
        datasets.append(reflected.run(dataset, observation))
    model = PowerLawSpectralModel(index=2, amplitude="1e-11 cm-2 s-1 TeV-1", reference="1 TeV")
    stacked = Datasets([datasets.stack_reduce()])
    stacked.models = SkyModel(spectral_model=model)
    assert Fit().run(stacked).success

    found = {
        "index": model.index.value,
        "amplitude": model.amplitude.value,
        "flux_1_10TeV": model.integral(1 * u.TeV, 10 * u.TeV).to_value("cm-2 s-1"),
        "energy_flux_1_10TeV_erg": model.energy_flux(1 * u.TeV, 10 * u.TeV).to_value("erg cm-2 s-1"),
    }
    for key, value in found.items():
        truth = expected[key]
        tolerance = truth.get("abs_tol") or truth["rel_tol"] * truth["value"]
        assert value == pytest.approx(truth["value"], abs=tolerance), key
    # the tolerances of the truth are 3 errors of such a fit
    assert 3 * model.index.error == pytest.approx(expected["index"]["abs_tol"], rel=0.2)
