"""The API gate against the Gammapy that runs the tests: what it must see, and where it must hold its tongue."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from gammapygpt.checks.api import check_api
from gammapygpt.knowledge import environment
from gammapygpt.knowledge.facts import Facts, facts
from gammapygpt.settings import Settings
from gammapygpt.state import Environment, Finding

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES_AND_REFERENCES = [
    *sorted((REPOSITORY / "gammapygpt" / "cookbook" / "recipes").glob("*.py")),
    *sorted((REPOSITORY.parent / "shared" / "tasks" / "reference").glob("*.py")),
]
Installed = tuple[Environment, Facts]

DATA = """
import astropy.units as u
from gammapy.data import DataStore
data_store = DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1")
observations = data_store.get_observations([23523, 23526])
"""
SPECTRUM = """
import astropy.units as u
from gammapy.datasets import Datasets, SpectrumDataset, SpectrumDatasetOnOff
from gammapy.estimators import FluxPointsEstimator
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
"""


@pytest.fixture(scope="module")
def installed() -> Installed:
    """What the environment that runs the tests offers."""
    settings = Settings()
    return environment(settings), facts(settings)


def checked(script: str, installed: Installed) -> list[Finding]:
    """Findings of the API gate alone."""
    return check_api(script, *installed)


@pytest.mark.parametrize(
    ("script", "rule", "message", "remedy"),
    [
        ("from gammapy.spectrum import SpectrumExtraction", "missing-module", "gammapy.spectrum", "gammapy.makers"),
        ("from gammapy.irf import load_cta_irfs", "missing-name", "load_cta_irfs", "load_irf_dict_from_file"),
        (f"{DATA}data_store.obs_list([1])", "no-attribute", "`obs_list`", "get_observations"),
        (f"{DATA}observations[0].pointing_radec", "no-attribute", "`pointing_radec`", "get_pointing_icrs"),
        (f"{DATA}for obs in observations:\n    print(obs.obs_info)", "no-attribute", "`obs_info`", "obs.meta"),
        (
            f"{DATA}for number, obs in enumerate(observations):\n    obs.events.select_map_mask(None)",
            "no-attribute",
            "`select_map_mask`",
            "select_mask",
        ),
        (f"{DATA}[obs.muoneff for obs in observations]", "no-attribute", "`muoneff`", "obs.meta"),
        (f"{SPECTRUM}Fit([1]).run()", "missing-argument", "datasets", "Fit().run(datasets)"),
        (f"{SPECTRUM}Fit().run([], optimize_opts={{}})", "no-keyword", "`optimize_opts`", "Fit(backend="),
        (f"{SPECTRUM}result = Fit().run([])\nresult.iminuit", "no-attribute", "`iminuit`", "optimize_result"),
        (f"{SPECTRUM}FluxPointsEstimator(e_edges=[1, 2] * u.TeV)", "no-keyword", "`e_edges`", "energy_edges"),
        (
            f'{SPECTRUM}FluxPointsEstimator(selection_optional=["errn_errp"])',
            "no-choice",
            "'errn_errp'",
            "errn-errp",
        ),
        (f'{SPECTRUM}SafeMaskMaker(methods=["aeff_max"])', "no-choice", "'aeff_max'", "aeff-max"),
        (f'{SPECTRUM}SpectrumDatasetMaker(selection=["aeff"])', "no-choice", "'aeff'", "exposure"),
        (
            f'{SPECTRUM}points = FluxPointsEstimator().run([])\npoints.to_table(sed_type="sed")',
            "no-choice",
            "'sed'",
            "dnde",
        ),
        (f"{SPECTRUM}PowerLawSpectralModel(norm=1)", "no-keyword", "`norm`", "amplitude"),
        (f"{SPECTRUM}PowerLawSpectralModel(amplitude=1e-12)", "units", "without a unit", "unit"),
        (f'{SPECTRUM}PowerLawSpectralModel(amplitude="1e-12 erg cm-2 s-1")', "units", "differential flux", "unit"),
        (f"{SPECTRUM}PowerLawSpectralModel(amplitude=1e-12 / u.cm**2 / u.s)", "units", "integral flux", "unit"),
        (f"{SPECTRUM}MapAxis.from_energy_bounds(1, 10, nbin=5)", "units", "an energy", "unit"),
        (f"{SPECTRUM}FluxPointsEstimator(energy_edges=[1, 10])", "units", "an energy", "unit"),
        (f"{SPECTRUM}model = PowerLawSpectralModel()\nmodel(1.0)", "units", "an energy", "unit"),
        (f"{SPECTRUM}print(1 * u.TeV + 1 * u.deg)", "units", "cannot be added", "units"),
        ("from regions import CircleSkyRegion\nCircleSkyRegion(None, radius=0.1)", "units", "an angle", "unit"),
        (
            f'{SPECTRUM}model = PowerLawSpectralModel()\nprint(f"{{model.index:.2f}}")',
            "no-format",
            "Parameter",
            ".value",
        ),
        (f"{SPECTRUM}model = PowerLawSpectralModel()\nfloat(model.index)", "no-number", "Parameter", ".value"),
        (f"{SPECTRUM}dataset = SpectrumDatasetOnOff()\ndataset.model = None", "no-effect", "`model`", "models"),
        (
            f"{SPECTRUM}dataset = SpectrumDatasetOnOff()\nother = dataset.stack(dataset)\nother.counts",
            "nothing-returned",
            "returns None",
            "in place",
        ),
        (
            f"{SPECTRUM}empty = SpectrumDatasetOnOff.create(geom=None)\nmaker = SpectrumDatasetMaker()\n"
            "dataset = maker.run(empty, None)\ndataset.livetime",
            "no-attribute",
            "`livetime`",
            "time_sum",
        ),
        (
            "from gammapy.analysis import AnalysisConfig\nconfig = AnalysisConfig()\n"
            'config.datasets.background.method = "ring_background"',
            "no-choice",
            "'ring_background'",
            "ring",
        ),
        (
            "from gammapy.analysis import AnalysisConfig\nconfig = AnalysisConfig()\nconfig.datasets.geom.wcs.fov = 2",
            "no-setting",
            "`fov`",
            "width",
        ),
        (
            "from gammapy.analysis import AnalysisConfig\nconfig = AnalysisConfig()\n"
            "config.observations.obs_cone.radius = 5",
            "units",
            "an angle",
            "5 deg",
        ),
        ("import gammapy\ngammapy.maps.Map.create()", "submodule-not-imported", "gammapy.maps", "import gammapy.maps"),
        ("import matplotlib.pyplot as plt\nplt.style.use('seaborn')", "no-choice", "'seaborn'", "seaborn-v0_8"),
        (
            "from gammapy.stats import WStatCountsStatistic\nWStatCountsStatistic(9, 9, 0.1).significance",
            "no-attribute",
            "`significance`",
            "sqrt_ts",
        ),
        (
            f"{DATA}def first(some):\n    return some[0]\n\ndef main():\n    obs = first(observations)\n"
            "    return obs.pointing_zen\n\nmain()",
            "no-attribute",
            "`pointing_zen`",
            "get_pointing_altaz",
        ),
    ],
)
def test_what_is_not_there_is_named_with_its_replacement(
    script: str, rule: str, message: str, remedy: str, installed: Installed
) -> None:
    found = [one for one in checked(script, installed) if one.rule == rule]
    assert found, checked(script, installed)
    assert message in found[0].message
    assert remedy in found[0].remedy
    assert found[0].line


def test_a_handler_that_only_prints_hides_nothing_in_what_is_called(installed: Installed) -> None:
    script = f"""{DATA}
def main():
    print(observations[0].pointing_radec)

try:
    main()
except Exception as error:
    print(error)
"""
    assert [one.rule for one in checked(script, installed)] == ["no-attribute"]


def test_deprecated_calls_are_warnings(installed: Installed) -> None:
    script = "from gammapy.makers.utils import make_theta_squared_table\nmake_theta_squared_table([], None, None)"
    (finding,) = checked(script, installed)
    assert (finding.rule, finding.severity, finding.line) == ("deprecated", "warning", 2)
    assert "ThetaSquaredTable" in finding.remedy


def test_a_deprecated_keyword_stands_for_the_new_one(installed: Installed) -> None:
    (finding,) = checked("from gammapy.estimators import TSMapEstimator\nTSMapEstimator(model=None)", installed)
    assert (finding.severity, "kernel_model" in finding.remedy) == ("warning", True)


def test_one_script_gives_all_its_findings_at_once(installed: Installed) -> None:
    script = (
        f"{SPECTRUM}from gammapy.modeling.models import PowerLaw\nfit = Fit([])\nfit.optimize(backend='minuit')\n"
        "points = FluxPointsEstimator(e_edges=[1, 2] * u.TeV).run([])\npoints.table\n"
    )
    assert {one.rule for one in checked(script, installed)} == {
        "missing-name",
        "missing-argument",
        "no-keyword",
        "no-attribute",
    }


@pytest.mark.parametrize(
    "body",
    [
        "obs = observations[0]\ntry:\n    ra = obs.pointing_radec\nexcept AttributeError:\n    ra = obs.pointing",
        "obs = observations[0]\nif hasattr(obs, 'pointing_radec'):\n    print(obs.pointing_radec)",
        "obs = observations[0]\nobs.note = 'mine'\nprint(obs.note)",
        "def use(obs):\n    return obs.whatever\n\nuse(object())",
        "for obs in observations:\n    obs = str(obs)\n    print(obs.upper())",
        "item = None\nfor obs in observations:\n    if item:\n        print(item.upper())\n    item = str(obs)",
        "obs = observations[0]\nif isinstance(obs, list):\n    obs.append(1)",
        "class Mine:\n    def __init__(self):\n        self.x = 1\n\nprint(Mine().x)",
        "observations = [1, 2]\nprint(observations.count(1))",
        "from contextlib import suppress\nwith suppress(AttributeError):\n    observations.nothing",
        "names = {obs.obs_id: obs for obs in observations}\nprint(names[1].whatever)",
        "print(observations[0]._private)",
        "edges = [0.1, 1, 10]\nprint(max(edges) * u.TeV)",
        "def load(path, **options):\n    return path\n\nprint(load(1, anything=2))",
        "try:\n    import naima\nexcept ImportError:\n    naima = None",
        "def old(obs):\n    return obs.pointing_radec\n\ndef new(obs):\n    return obs.pointing\n\n"
        "try:\n    old(observations[0])\nexcept AttributeError:\n    new(observations[0])",
    ],
)
def test_what_cannot_be_known_or_is_dealt_with_is_left_alone(body: str, installed: Installed) -> None:
    assert checked(DATA + body, installed) == []


@pytest.mark.parametrize(
    "body",
    [
        'PowerLawSpectralModel(index=2, amplitude="1e-12 TeV-1 cm-2 s-1", reference="1 TeV")',
        "PowerLawSpectralModel(amplitude=u.Quantity(3, '1 / (cm2 s TeV)'))",
        "PowerLawSpectralModel(amplitude=3e-12 * u.Unit('cm-2 s-1 TeV-1'), reference=1e9 * u.keV)",
        "MapAxis.from_energy_bounds(1, 10, nbin=5, unit='TeV')",
        "MapAxis.from_energy_bounds('1 TeV', '10 TeV', nbin=5)",
        "FluxPointsEstimator(energy_edges=[1, 10] * u.TeV, selection_optional='all', n_sigma_ul=2)",
        "SafeMaskMaker(methods=['aeff-max', 'offset-max'], aeff_percent=10, offset_max=2 * u.deg)",
        "SkyModel(PowerLawSpectralModel(), name='x').spectral_model.amplitude.value",
        "Datasets([]).stack_reduce(name='x')",
        "FluxPointsEstimator().run([]).plot(sed_type='norm')",
        "import numpy as np\nMapAxis.from_energy_edges(np.logspace(0, 1, 5) * u.TeV)",
        "import numpy as np\nmodel = PowerLawSpectralModel()\nmodel(np.array([1, 2]) * u.TeV)",
        "print(f'{PowerLawSpectralModel().index.value:.2f} {PowerLawSpectralModel().amplitude.quantity:.2e}')",
    ],
)
def test_right_calls_have_no_finding(body: str, installed: Installed) -> None:
    assert checked(f"{SPECTRUM}{body}", installed) == []


def test_tutorials_have_no_finding(gammapy_sources: Path, installed: Installed) -> None:
    """Those of the installed version; some import packages that need not be there, which is true and said."""
    scripts = sorted((gammapy_sources / "examples").rglob("*.py"))
    assert len(scripts) > 40
    found = [
        f"{script.name}:{one.line}: {one.message}"
        for script in scripts
        for one in checked(script.read_text(encoding="utf-8"), installed)
        if not re.fullmatch(
            r"The module `(IPython|ultranest|arviz|sherpa|healpy|naima)` is not installed\.", one.message
        )
    ]
    assert found == []


@pytest.mark.parametrize("script", RECIPES_AND_REFERENCES, ids=lambda path: path.stem)
def test_recipes_and_reference_scripts_have_no_finding(script: Path, installed: Installed) -> None:
    assert checked(script.read_text(encoding="utf-8"), installed) == []


@pytest.mark.parametrize("script", ["", "\n  \n", "# nothing but a comment\n"])
def test_nothing_is_wrong_with_nothing(script: str, installed: Installed) -> None:
    assert checked(script, installed) == []


def test_every_class_could_be_described(installed: Installed) -> None:
    assert installed[1].unread == {}


@pytest.mark.slow
def test_gammapys_own_tests_have_no_error(installed: Installed) -> None:
    """Ten thousand lines of calls that are right, those apart that are expected to fail."""
    import gammapy

    scripts = sorted(Path(gammapy.__file__).parent.glob("**/tests/test_*.py"))
    if not scripts:
        pytest.skip("this Gammapy was installed without its tests")
    wrong = [
        f"{script.name}:{one.line}: {one.message}"
        for script in scripts
        for one in checked(without_expected_failures(script.read_text(encoding="utf-8")), installed)
        if one.severity == "error" and one.rule != "missing-module"
    ]
    assert wrong == []


def without_expected_failures(source: str) -> str:
    """The tests that are not marked `xfail`, line numbers kept."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and any("xfail" in ast.unparse(one) for one in node.decorator_list):
            for number in range(node.decorator_list[0].lineno - 1, node.end_lineno or 0):
                lines[number] = ""
    return "\n".join(lines)
