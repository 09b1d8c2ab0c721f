"""The generator of the drift table, on two small releases of a package that does not exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

GENERATOR = Path(__file__).parents[2] / "scripts" / "drift_table.py"

OLD = {
    "__init__.py": "",
    "spectrum/__init__.py": "from .points import *\n",
    "spectrum/points.py": '__all__ = ["Points", "Curve"]\nclass Points:\n    pass\nclass Curve:\n    pass\n',
    "makers/__init__.py": "from .core import Maker, BackgroundEstimator, fold, open_irfs\n",
    "makers/core.py": """\
class Base:
    def __init__(self, sigma=1, fit=None):
        self.sigma = sigma

class Maker(Base):
    axis = None

    def __init__(self, edges, **kwargs):
        super().__init__(**kwargs)

    @deprecated("0.9", alternative="stack")
    def append(self, other):
        return other

    def integrate_flux(self, energy):
        low, high = self.axis.edges.min(), self.axis.edges.max()
        return self.model.integral(low, high).to_value(energy.unit).sum()

    def dead(self):
        return 1

    def plot(self, ax=None, coordsys="icrs"):
        wcs = self.geom.wcs.transform(coordsys).pixel(ax.figure.canvas.width)
        return ax.imshow(self.data.sum(), origin=wcs, extent=self.geom.extent)

    def stack(self, other):
        return other

class BackgroundEstimator:
    def run(self): ...
    def select(self): ...
    def mask(self): ...
    def plot(self): ...
    def peek(self): ...
    def fill(self): ...
    def stack(self): ...
    def write(self): ...

@deprecated("0.9", alternative="load_irfs")
def open_irfs(path):
    return path

def fold(edisp, npred):
    return edisp
""",
}
RENAMED = '@deprecated_renamed_argument("npred", "counts", "1.0")'
NEW = {
    "__init__.py": "",
    "estimators/__init__.py": '__all__ = ["Points"]\nfrom .points import Points\n',
    "estimators/points.py": "class Points:\n    pass\n",
    "makers/__init__.py": "from .core import BackgroundMaker, Maker, fold, load_irfs\n",
    "makers/core.py": OLD["makers/core.py"]
    .replace("sigma", "n_sigma")
    .replace("integrate_flux", "integral_flux")
    .replace("coordsys", "frame")
    .replace("BackgroundEstimator", "BackgroundMaker")
    .replace('    @deprecated("0.9", alternative="stack")\n    def append(self, other):\n        return other\n\n', "")
    .replace("    def dead(self):\n        return 1\n\n", "")
    .replace('@deprecated("0.9", alternative="load_irfs")\ndef open_irfs', "def load_irfs")
    .replace(
        "def fold(edisp, npred)", '@deprecated_renamed_argument("npred", "counts", "1.0")\ndef fold(edisp, counts)'
    ),
}

MEASURED = """\
old	new	since_version	how_it_fails	category	origin
Maker.dead	by hand	1.0	AttributeError: 'Maker' object has no attribute 'dead'	attribute	measured
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table that the generator writes for the two releases."""
    folder = tmp_path_factory.mktemp("releases")
    for version, files in (("0.9.1", OLD), ("1.0", NEW)):
        for name, text in files.items():
            path = folder / f"gamma-{version}" / "gamma" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    (folder / "measured.tsv").write_text(MEASURED)
    return generate(folder, "table.tsv")


def generate(folder: Path, name: str) -> Path:
    """Run the generator as `make drift` does, with other releases."""
    options = ["--package", "gamma", "--releases", "0.9.1", "1.0", "--measured", str(folder / "measured.tsv")]
    subprocess.run([sys.executable, GENERATOR, folder, *options, "--table", folder / name], check=True)
    return folder / name


@pytest.fixture(scope="module")
def rows(table: Path) -> dict[str, list[str]]:
    """Old form -> the rest of the row."""
    lines = [line.split("\t") for line in table.read_text().splitlines()[1:]]
    return {old: rest for old, *rest in lines}


@pytest.mark.parametrize(
    ("old", "new", "fails"),
    [
        ("import gamma.spectrum", "gamma.estimators", "ModuleNotFoundError: No module named 'gamma.spectrum'"),
        (
            "from gamma.spectrum import Points",
            "from gamma.estimators import Points",
            "ModuleNotFoundError: No module named 'gamma.spectrum'",
        ),
        ("from gamma.spectrum import Curve", "removed", "ModuleNotFoundError: No module named 'gamma.spectrum'"),
        (
            "from gamma.makers import BackgroundEstimator",
            "from gamma.makers import BackgroundMaker",
            "ImportError: cannot import name 'BackgroundEstimator' from 'gamma.makers'",
        ),
        (
            "from gamma.makers import open_irfs",
            "from gamma.makers import load_irfs",
            "ImportError: cannot import name 'open_irfs' from 'gamma.makers'",
        ),
        ("Maker.append", "Maker.stack", "AttributeError: 'Maker' object has no attribute 'append'"),
        (
            "Maker.integrate_flux",
            "Maker.integral_flux",
            "AttributeError: 'Maker' object has no attribute 'integrate_flux'",
        ),
        (
            "Maker.plot(coordsys=)",
            "Maker.plot(frame=)",
            "TypeError: Maker.plot() got an unexpected keyword argument 'coordsys'",
        ),
        (
            "Base(sigma=)",
            "Base(n_sigma=)",
            "TypeError: Base.__init__() got an unexpected keyword argument 'sigma'",
        ),
    ],
)
def test_what_is_gone_is_told_as_python_tells_it(rows: dict[str, list[str]], old: str, new: str, fails: str) -> None:
    assert rows[old][:3] == [new, "1.0", fails]


def test_what_still_works_with_a_warning_is_told_as_such(rows: dict[str, list[str]]) -> None:
    new, since, fails, category, *_ = rows["fold(npred=)"]
    assert (new, since, category) == ("fold(counts=)", "1.0", "deprecated")
    assert fails.startswith('GammapyDeprecationWarning: "npred" was deprecated in version 1.0')


def test_what_was_measured_wins_and_comes_first(rows: dict[str, list[str]]) -> None:
    assert next(iter(rows)) == "Maker.dead"
    assert rows["Maker.dead"][0] == "by hand"


def test_what_is_still_there_is_not_in_the_table(rows: dict[str, list[str]]) -> None:
    assert (
        not {"Maker.stack", "Maker.axis", "from gamma.makers import Maker", "Base(fit=)", "Maker(sigma=)"} & rows.keys()
    )


def test_the_table_says_what_to_look_up(rows: dict[str, list[str]]) -> None:
    assert rows["Base(sigma=)"][-1] == "argument|Base|sigma"
    assert rows["from gamma.spectrum import Points"][-1] == "import|gamma.spectrum|Points"


def test_the_same_releases_give_the_same_table(table: Path) -> None:
    assert generate(table.parent, "again.tsv").read_bytes() == table.read_bytes()
