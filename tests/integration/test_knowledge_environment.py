"""The analysis environment, asked for real inside the sandbox; and the search over what it said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.knowledge.environment import api_entries, cache_file, environment, introspection
from gammapygpt.knowledge.index import search
from gammapygpt.settings import Settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The interpreter that runs the tests, with a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMMAPYGPT_CACHE", str(tmp_path_factory.mktemp("cache")))
        nothing_fetched = {"gammapy_source": str(tmp_path_factory.mktemp("no-tutorials"))}
        yield Settings.model_validate({"retrieval": nothing_fetched})


def venv_with(folder: Path, gammapy: str | None) -> Settings:
    """A virtual environment whose Gammapy has one class, or that has none."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "gammapy" / "data").mkdir(parents=True)
    (packages / "gammapy" / "__init__.py").write_text("")
    source = (
        "__all__ = ['DataStore']\nclass DataStore:\n    '''A store.'''\n" if gammapy else "import numpy_is_missing\n"
    )
    (packages / "gammapy" / "data" / "__init__.py").write_text(source)
    install(folder, gammapy or "2.1")
    return Settings.model_validate({"analysis": {"python": str(folder / "bin" / "python")}})


def install(folder: Path, gammapy: str) -> None:
    """Leave the mark of an installed version, as pip does."""
    packages = next(folder.glob("lib/python*/site-packages"))
    for old in packages.glob("gammapy-*.dist-info"):
        (old / "METADATA").unlink()
        old.rmdir()
    info = packages / f"gammapy-{gammapy}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: gammapy\nVersion: {gammapy}\n")


def test_versions_modules_and_names_are_those_of_the_installed_gammapy(settings: Settings) -> None:
    found = environment(settings)
    assert found.python == sys.version.split()[0]
    assert found.versions["gammapy"] == version("gammapy")
    assert {"gammapy.makers", "astropy.units", "scipy.stats", "os.path", "concurrent.futures"} <= set(found.modules)
    assert {"mpl_toolkits.mplot3d", "__future__", "regions", "matplotlib.pyplot"} <= set(found.modules)
    assert not {"gammapy.spectrum", "sherpa", "gammapy.makers.tests", "introspect"} & set(found.modules)
    assert {"SafeMaskMaker", "background"} <= set(found.names["gammapy.makers"])
    assert "SafeRangeMaker" not in found.names["gammapy.makers"]
    assert {"trapezoid", "linalg"} <= set(found.names["numpy"])


def test_the_api_has_signatures_methods_and_model_defaults(settings: Settings) -> None:
    entries = {entry["path"]: entry for entry in api_entries(settings)}
    assert len(entries) > 250
    maker = entries["gammapy.makers.SafeMaskMaker"]
    assert maker["signature"].startswith("(methods=['aeff-default'], aeff_percent=10")
    assert {"name": "run", "signature": "(dataset, observation=None)"}.items() <= maker["methods"][-1].items()
    power_law = entries["gammapy.modeling.models.PowerLawSpectralModel"]
    assert power_law["signature"] == '(index=2, amplitude="1e-12 TeV-1 s-1 cm-2", reference="1 TeV", **kwargs)'
    assert "gammapy.estimators.utils.find_peaks" in entries


def test_an_upgrade_is_noticed_without_importing(settings: Settings, tmp_path: Path) -> None:
    other = venv_with(tmp_path / "venv", "1.3")
    assert environment(other).versions == {"gammapy": "1.3"}
    assert [entry["path"] for entry in api_entries(other)] == ["gammapy.data.DataStore"]
    before = cache_file(other)
    install(tmp_path / "venv", "2.0")
    assert cache_file(other) != before
    assert environment(other).versions == {"gammapy": "2.0"}


def test_two_at_once_and_a_broken_cache_do_no_harm(settings: Settings, tmp_path: Path) -> None:
    other = venv_with(tmp_path / "venv", "2.1")
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(introspection, [other, other]))
    assert reports[0] == reports[1]
    cache = cache_file(other)
    cache.write_text(cache.read_text()[:100])
    assert introspection(other) == reports[0]
    assert list(cache.parent.glob("*.part")) == []


def test_an_interpreter_without_gammapy_is_the_users_to_mend(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="numpy_is_missing"):
        environment(venv_with(tmp_path / "venv", None))
    with pytest.raises(UserError, match="cannot be started"):
        environment(Settings.model_validate({"analysis": {"python": str(tmp_path / "no-python")}}))


def test_a_cache_that_cannot_be_written_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GAMMAPYGPT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InfrastructureError, match=r"written \(File exists: .*GAMMAPYGPT_CACHE") as told:
        environment(Settings())
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("request_text", "recipe"),
    [
        ("Extract the spectrum of the Crab Nebula with reflected regions and fit a power law", "reflected_spectrum"),
        ("SED of PKS 2155-304 between 0.3 and 5 TeV", "reflected_spectrum"),
        ("How many runs are within 2 deg of RA 83.633, Dec 22.0145?", "observation_list"),
        ("total livetime of the pointings near M 87", "observation_list"),
        ("Li and Ma significance of the source in an ON region of 0.1 deg", "reflected_significance"),
        ("is there a signal? how many sigma with off regions", "reflected_significance"),
        ("3D likelihood fit of RX J1713.7-3946 with a stacked map dataset", "stacked_3d"),
        ("fit position, extension and spectrum of MSH 15-52 simultaneously in a cube", "stacked_3d"),
    ],
)
def test_the_closest_recipe_is_found(settings: Settings, request_text: str, recipe: str) -> None:
    found = [snippet.source for snippet in search(settings, request_text, 6)]
    recipes = [source for source in found if source.startswith("recipe:")]
    assert recipes[0] == f"recipe:{recipe}"
    assert len(found) == 6
    assert len(recipes) <= 2


DESCRIBED = {
    "mask energies where the effective area is too low": "makers.SafeMaskMaker",
    "compute flux points of a spectrum in energy bins": "estimators.FluxPointsEstimator",
    "lightcurve with one point per run": "estimators.LightCurveEstimator",
    "power law with exponential cutoff": "modeling.models.ExpCutoffPowerLawSpectralModel",
    "absorption by the extragalactic background light": "modeling.models.EBLAbsorptionNormSpectralModel",
    "ring background estimation": "makers.RingBackgroundMaker",
    "field of view background normalisation fit": "makers.FoVBackgroundMaker",
    "excess and significance map with a correlation radius": "estimators.ExcessMapEstimator",
    "Li and Ma significance from on and off counts with alpha": "stats.WStatCountsStatistic",
    "point source spatial model": "modeling.models.PointSpatialModel",
    "energy axis with logarithmic bins": "maps.MapAxis",
    "good time intervals": "data.GTI",
    "HGPS catalogue": "catalog.SourceCatalogHGPS",
    # names that are long gone
    "FluxPointEstimator": "estimators.FluxPointsEstimator",
    "EffectiveAreaTable": "irf.EffectiveAreaTable2D",
    "MapMaker": "makers.MapDatasetMaker",
    "ReflectedRegionsBackgroundEstimator": "makers.ReflectedRegionsBackgroundMaker",
}


@pytest.mark.parametrize("query", DESCRIBED)
def test_a_description_or_an_old_name_finds_the_class(settings: Settings, query: str) -> None:
    found = [snippet.source for snippet in search(settings, query, 3, kinds=["api"])]
    assert f"api:gammapy.{DESCRIBED[query]}" in found


def test_kinds_and_limits(settings: Settings) -> None:
    changes = search(settings, "FluxPointsEstimator e_edges", 4, kinds=["drift"])
    assert changes[0].source == "drift:FluxPointsEstimator(e_edges=)"
    assert len(changes) == 4
    assert changes[0].score > changes[-1].score > 0
    assert search(settings, "FluxPointsEstimator", 0) == []
    assert search(settings, "the of and", 5) == []


def test_snippets_fit_a_small_prompt(settings: Settings) -> None:
    for query in ("dataset", "map", "observation", "spectral model", "catalog", "estimator"):
        for snippet in search(settings, query, 50, kinds=["api", "drift"]):
            assert 30 < len(snippet.text) < 1500, snippet.source
