"""`gammapygpt review`: whole scripts, through the real sandbox, on simulated data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gammapygpt.cli import app

SPECTRUM = """\
import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion

store = DataStore.from_dir(os.environ["GAMMAPY_DATA"] + "/dl3-simulated")
crab = SkyCoord(83.6287, 22.0147, unit="deg")
observations = store.get_observations(store.obs_table["OBS_ID"])
axis = MapAxis.from_energy_bounds("1 TeV", "10 TeV", nbin=8)
axis_true = MapAxis.from_energy_bounds("0.3 TeV", "30 TeV", nbin=30, name="energy_true")
geom = RegionGeom.create(CircleSkyRegion(crab, 0.11 * u.deg), axes=[axis])
maker = SpectrumDatasetMaker(selection=["counts", "exposure", "edisp"], containment_correction=True)
safe = SafeMaskMaker(methods=["aeff-max"], aeff_percent=10)
datasets = Datasets()
for obs in observations:
    dataset = maker.run(SpectrumDataset.create(geom, energy_axis_true=axis_true, name=str(obs.obs_id)), obs)
    datasets.append(safe.run(ReflectedRegionsBackgroundMaker().run(dataset, obs), obs))
model = PowerLawSpectralModel(index=2.4, amplitude="3e-11 cm-2 s-1 TeV-1", reference="1 TeV")
datasets.models = [SkyModel(model, name="crab")]
Fit().run(datasets)
try:
    flux = model.integral(1 * u.TeV, 10 * u.TeV).to_value("cm-2 s-1")
except ValueError:
    flux = 2.26e-11
result = {"index": float(model.index.value), "flux_1_10TeV": float(flux)}
json.dump(result, open("result.json", "w"))
"""
REQUEST = (
    "Spectrum of the source at RA 83.6287 deg, Dec 22.0147 deg: ON circle of 0.11 deg radius, reflected regions, "
    "power law with reference energy 1 TeV, reconstructed energies 1-10 TeV. "
    'Write result.json with "index" (positive) and "flux_1_10TeV" (cm-2 s-1).'
)
PRINTS = """\
import matplotlib.pyplot as plt
from gammapy.data import DataStore

store = DataStore.from_dir("$GAMMAPY_DATA/dl3-simulated")
print(len(store.obs_table), "runs")
plt.plot(store.obs_table["ZEN_PNT"])
plt.show()
"""


@pytest.fixture
def review(tmp_path: Path, simulated_data: Path):
    """The command in this process: exit code, and what it printed."""

    def review(script: str, *options: str, data: Path = simulated_data) -> tuple[int, str]:
        path = tmp_path / "student.py"
        path.write_text(script)
        done = CliRunner().invoke(app, ["review", str(path), "--data", str(data), *options])
        return done.exit_code, done.stdout

    return review


def test_a_script_that_is_right(review) -> None:
    code, told = review(SPECTRUM, "--request", REQUEST, "--json")
    found = json.loads(told)
    assert code == 0
    assert found["believed"]
    assert [one["rule"] for one in found["findings"] if one["severity"] == "error"] == []
    assert found["result"]["index"] == pytest.approx(2.5, abs=0.2)


def test_a_script_that_is_silently_wrong(review) -> None:
    wrong = SPECTRUM.replace(", containment_correction=True", "").replace("0.11 * u.deg", "0.07 * u.deg")
    wrong = wrong.replace('.to_value("cm-2 s-1")', '.to_value("nonsense")')
    code, told = review(wrong, "--request", REQUEST, "--json")
    assert code == 1
    by_rule = {one["rule"]: one for one in json.loads(told)["findings"]}
    fallback = by_rule["result-from-fallback"]
    assert (fallback["severity"], fallback["key"]) == ("error", "flux_1_10TeV")
    assert wrong.splitlines()[fallback["line"] - 1].strip() == "flux = 2.26e-11"
    assert by_rule["asked-on-radius"]["fact"] == "ON region of 0.07 deg"
    containment = by_rule["no-containment-correction"]
    assert "SpectrumDatasetMaker(" in wrong.splitlines()[containment["line"] - 1]
    for one in by_rule.values():
        assert one["message"]
        assert one["remedy"]


def test_a_student_keeps_no_contract_of_ours(review) -> None:
    code, told = review(PRINTS)
    assert code == 0
    assert "interactive-display" in told
    assert "warning" in told
    assert told.splitlines()[-1].startswith("Nothing certain speaks against it")


def test_scripts_that_do_not_come_to_their_end(review) -> None:
    code, told = review("from gammapy.data import DataStore\n\nDataStore.from_dir('nowhere')\n", "--json")
    assert code == 1
    (one,) = [one for one in json.loads(told)["findings"] if one["severity"] == "error"]
    assert (one["rule"], one["line"]) == ("did-not-run", 3)
    code, told = review("def f(:\n", "--json")
    assert code == 1
    assert json.loads(told)["findings"][0]["rule"] == "syntax"


def test_mistakes_of_the_user_and_of_the_machine(review, tmp_path) -> None:
    assert review(PRINTS, data=tmp_path / "nowhere")[0] == 2
    assert CliRunner().invoke(app, ["review", str(tmp_path / "none.py")]).exit_code == 2
    assert review(PRINTS, "--sandbox", "no-such-thing")[0] in (2, 3)
