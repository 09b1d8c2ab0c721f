"""Gate 1 against what the installed Gammapy really offers."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammapygpt.checks import check_contract
from gammapygpt.knowledge import environment
from gammapygpt.settings import Settings
from gammapygpt.state import Environment, Finding

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((REPOSITORY / "gammapygpt" / "cookbook" / "recipes").glob("*.py"))
SCRIPTS += sorted((REPOSITORY.parent / "shared" / "tasks" / "reference").glob("*.py"))
ENDING = 'import json\njson.dump({"x": 1}, open("result.json", "w"))\n'


@pytest.fixture(scope="module")
def installed() -> Environment:
    """Modules and names of the environment that runs the tests."""
    return environment(Settings())


def findings(line: str, installed: Environment) -> list[Finding]:
    """Against one import, made use of."""
    name = line.split()[-1]
    return check_contract(f"{line}\nprint({name})\n{ENDING}", installed)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_that_run_have_no_finding(script: Path, installed: Environment) -> None:
    assert check_contract(script.read_text(), installed) == []


@pytest.mark.parametrize(
    "line",
    [
        "from gammapy.data import DataStore",
        "from gammapy.makers import ReflectedRegionsBackgroundMaker",
        "from gammapy.modeling.models import SkyModel",
        "from gammapy.maps import utils",
        "from gammapy.utils.scripts import make_path",
        "from gammapy import __version__",
        "from astropy.coordinates import SkyCoord",
        "from scipy import stats",
        "from os import path",
        "import matplotlib.pyplot as plt",
        "import numpy.ma as ma",
        "from concurrent.futures import ProcessPoolExecutor",
    ],
)
def test_what_is_there_has_no_finding(line: str, installed: Environment) -> None:
    assert findings(line, installed) == []


@pytest.mark.parametrize(
    ("line", "kind", "near"),
    [
        ("from gammapy.spectrum import SpectrumExtraction", "import", "gammapy."),
        ("from gammapy.cube import MapDataset", "import", "gammapy."),
        ("from gammapy.makers import ReflectedRegionsBackgroundMakers", "api", "ReflectedRegionsBackgroundMaker"),
        ("from gammapy.datasets import SpectrumDatasetMaker", "api", "gammapy.makers.SpectrumDatasetMaker"),
        ("from gammapy.modeling.models import PowerLaw", "api", "PowerLawSpectralModel"),
        ("from numpy import float_", "api", "float"),
        ("from gammapy.data import ObservationList", "api", "Observation"),
        ("import gammapy_tools", "import", "gammapy"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(line: str, kind: str, near: str, installed: Environment) -> None:
    (finding,) = findings(line, installed)
    assert (finding.kind, finding.line, finding.severity) == (kind, 1, "error")
    assert near in finding.remedy
