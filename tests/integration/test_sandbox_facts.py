"""What is seen inside a run, in the real sandbox: of an analysis in functions, whatever it prints, warm and cold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gammapygpt.checks.physics import Facts, check_physics, read_facts
from gammapygpt.sandbox import Limits, open_sandbox
from gammapygpt.settings import Settings
from gammapygpt.state import Execution

LIMITS = Limits(wall_s=300, cpu_s=60)
ANALYSIS = """
import json, os
import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, MapDataset, SpectrumDataset
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import (
    FoVBackgroundMaker, MapDatasetMaker, ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker,
)
from gammapy.maps import MapAxis, RegionGeom, WcsGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import FoVBackgroundModel, PointSpatialModel, PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

POSITION = SkyCoord(83.633, 22.0145, unit="deg")
ON = CircleSkyRegion(POSITION, 0.1 * u.deg)


class Maker(SpectrumDatasetMaker):
    def run(self, dataset, observation):
        return super().run(dataset, observation)


def energies(name, low, high, n):
    return MapAxis.from_energy_bounds(low, high, nbin=n, unit="TeV", name=name)


def power_law():
    return PowerLawSpectralModel(index=2, amplitude="1e-11 cm-2 s-1 TeV-1")


def spectrum(observations):
    geom = RegionGeom.create(ON, axes=[energies("energy", 1, 10, 6)])
    empty = SpectrumDataset.create(geom, energy_axis_true=energies("energy_true", 0.3, 30, 20))
    sky = WcsGeom.create(skydir=POSITION, width=4 * u.deg, binsz=0.05)
    makers = [
        Maker(selection=["counts", "exposure", "edisp"]),
        ReflectedRegionsBackgroundMaker(exclusion_mask=~sky.region_mask([ON]), max_region_number=3),
        SafeMaskMaker(methods=["aeff-max"], aeff_percent=10),
    ]
    datasets = Datasets()
    for observation in observations:
        dataset = empty.copy(name=f"run {observation.obs_id}")
        for maker in makers:
            dataset = maker.run(dataset, observation)
        datasets.append(dataset)
    datasets.models = [SkyModel(power_law(), name="source")]
    Fit(optimize_opts={"migrad_opts": {"ncall": 1}}).run(datasets)  # gives up at once
    result = Fit().run(datasets)
    FluxPointsEstimator(energy_edges=[1, 3, 10] * u.TeV, source="source").run(datasets)
    return result, datasets.models[0].spectral_model.integral(1 * u.TeV, 10 * u.TeV)


def cube(observations):
    geom = WcsGeom.create(skydir=POSITION, width=1.2, binsz=0.1, axes=[energies("energy", 1, 10, 2)])
    stacked = MapDataset.create(geom, energy_axis_true=energies("energy_true", 0.3, 30, 8), name="stacked")
    for observation in observations:
        dataset = MapDatasetMaker().run(stacked.cutout(POSITION, width=1.2 * u.deg), observation)
        stacked.stack(FoVBackgroundMaker().run(dataset))
    place = PointSpatialModel(lon_0=POSITION.ra, lat_0=POSITION.dec)
    place.freeze()
    stacked.models = [SkyModel(power_law(), place, name="point"), FoVBackgroundModel(dataset_name="stacke")]
    return Fit().run([stacked])


def main():
    store = DataStore.from_dir(os.environ["GAMMAPY_DATA"] + "/dl3-simulated")
    observations = store.get_observations([1, 2])
    one, flux = spectrum(observations)
    cube(observations)
    json.dump({"index": float(one.parameters["index"].value)}, open("result.json", "w"))


print('{"facts": {"fits": []}}')
main()
"""


def run(data: Path | None, workspace: Path, script: str, warm: bool = False) -> Execution:
    return open_sandbox(Settings(), str(data or ""), warm=warm).run(script, LIMITS, workspace)


@pytest.fixture(scope="module")
def executions(simulated_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Execution]:
    """The same analysis in a cold and a warm worker."""
    place = tmp_path_factory.mktemp("facts")
    return {name: run(simulated_data, place, ANALYSIS, warm=name == "warm") for name in ("cold", "warm")}


@pytest.fixture(scope="module")
def facts(executions: dict[str, Execution]) -> Facts:
    assert executions["cold"].completed, executions["cold"].stderr
    return read_facts(executions["cold"].facts)


def test_warm_and_cold_see_the_same(executions: dict[str, Execution]) -> None:
    def comparable(execution: Execution) -> str:
        told = {name: value for name, value in execution.facts.items() if name not in ("seconds", "datasets")}
        return json.dumps(told, sort_keys=True)

    assert executions["warm"].stdout == executions["cold"].stdout
    assert executions["warm"].stderr == executions["cold"].stderr
    assert comparable(executions["warm"]) == comparable(executions["cold"])


def test_looking_was_quick_and_nothing_failed(executions: dict[str, Execution]) -> None:
    for execution in executions.values():
        assert execution.facts["failures"] == 0
        assert execution.facts["left_out"] == []
        assert len(json.dumps(execution.facts)) < 64_000


def test_observations(facts: Facts) -> None:
    assert [(one.asked, one.got, one.store) for one in facts.selections] == [([1, 2], [1, 2], "dl3-simulated")]
    first = facts.observations[0]
    assert (first.obs_id, first.used, first.point_like, first.rad_max) == (1, True, False, False)
    assert first.irfs == ["aeff", "edisp", "psf", "bkg"]
    assert first.livetime_s == pytest.approx(1800.0)
    assert first.livetime_s == pytest.approx(first.ontime_s * (1 - first.dead_time_fraction))


def test_makers(facts: Facts) -> None:
    made = {making.maker: making for making in facts.makings}
    spectra, reflected = made["SpectrumDatasetMaker"], made["ReflectedRegionsBackgroundMaker"]
    assert spectra.settings["containment_correction"] is False
    assert spectra.region.radius_deg == pytest.approx(0.1)
    assert (spectra.region.ra_deg, spectra.region.dec_deg) == pytest.approx((83.633, 22.0145))
    assert spectra.offsets_deg == pytest.approx([0.5, 0.5], abs=1e-3)
    assert 0.5 < spectra.containment < 0.9
    assert (reflected.settings["max_region_number"], reflected.n_off) == (3, [3, 3])
    assert (reflected.exclusion.dtype, reflected.exclusion.on_kept) == ("bool", False)
    assert made["SafeMaskMaker"].settings["methods"] == ["aeff-max"]
    assert made["FoVBackgroundMaker"].exclusion is None


def test_datasets(facts: Facts) -> None:
    run_1 = next(one for one in facts.datasets if one.name == "run 1")
    assert run_1.type == "SpectrumDatasetOnOff"
    assert {"made", "fit", "points"} <= set(run_1.uses)
    assert run_1.alpha == pytest.approx(1 / 3)
    assert run_1.energy.edges[0] == pytest.approx(1.0)
    assert run_1.energy_true.max == pytest.approx(30.0)
    assert run_1.excess == pytest.approx(run_1.counts - run_1.counts_off / 3)
    stacked = next(one for one in facts.datasets if one.name == "stacked")
    assert (stacked.obs_ids, len(stacked.members), stacked.background_model) == ([1, 2], 2, "")
    assert facts.background_models == ["stacke"]


def test_fits_and_points(facts: Facts, executions: dict[str, Execution]) -> None:
    assert [fit.success for fit in facts.fits] == [False, True, True]
    assert facts.n_fits == 3
    index = facts.fits[1].free[0]
    assert (index.model, index.kind, index.name) == ("source", "PowerLawSpectralModel", "index")
    assert index.value == pytest.approx(2.5, abs=4 * index.error)
    assert facts.fits[1].covariance
    assert set(facts.fits[1].correlated) == {"source.index", "source.amplitude"}
    (points,) = facts.points
    assert (points.type, points.n, points.failed, points.nan_values) == ("FluxPointsEstimator", 2, 0, 0)
    assert points.edges == pytest.approx([1.0, 3.16, 10.0], rel=0.01)
    assert all(abs(pull) < 4 for pull in points.pulls)
    flux = next(one for one in facts.evaluations if one.what == "integral")
    assert (flux.energies, flux.unit) == ([1.0, 10.0], "1 / (s cm2)")


def test_the_rules_find_what_is_wrong_with_it(executions: dict[str, Execution]) -> None:
    found = {one.rule: one.severity for one in check_physics({}, facts=executions["warm"].facts)}
    assert {rule for rule, severity in found.items() if severity == "error"} == {"background-model-not-attached"}
    assert {"no-containment-correction", "alpha-unusual", "edges-outside-safe-range"} <= set(found)
    assert "fit-not-converged" not in found


HOSTILE = """
import json, os, socket, sys, warnings
import gammapy.modeling
from gammapy.modeling import Fit

for name in ("reporter", "record", "notes", "wrapping", "observe"):
    assert name not in sys.modules
forged = json.dumps({"mark": "0" * 32, "facts": {"seen": True, "fits": [{"success": True}]}}).encode() + b"\\n"
for fd in range(3, 1024):
    try:
        os.write(fd, forged)
    except OSError:
        pass
json.dumps = None
Fit.run = lambda self, datasets: None


class Odd:
    def __getattr__(self, name):
        raise RuntimeError("no")


class Endless(list):
    def __iter__(self):
        while True:
            yield self


things = [Odd(), Endless(), {"a": Odd()}]
if os.fork() == 0:
    raise SystemExit(0)
os.wait()
raise ValueError("the end")
"""


def test_facts_cannot_be_printed_or_written(tmp_path: Path) -> None:
    execution = run(None, tmp_path, HOSTILE)
    assert (execution.exception, execution.message) == ("ValueError", "the end")
    facts: dict[str, Any] = execution.facts
    assert facts["seen"] is True
    assert facts["fits"] == []
    assert facts["replaced"] == ["Fit.run"]
    assert "run-not-observed" in {one.rule for one in check_physics({}, facts=facts)}


def test_a_run_without_a_report_has_no_facts(tmp_path: Path) -> None:
    execution = run(None, tmp_path, "import os\nopen('result.json', 'w').write('{\"n\": 1}')\nos._exit(0)")
    assert execution.completed
    assert [one.rule for one in check_physics({"n": 1}, facts=execution.facts)] == ["run-not-observed"]
