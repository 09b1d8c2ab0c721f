"""Where a script is cut into cells, and what the steps are called."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gammapygpt.cookbook
from gammapygpt.runs.cells import parts

RECIPES = sorted((Path(gammapygpt.cookbook.__file__).parent / "recipes").glob("*.py"))
DENSE = """\
import json, os
from gammapy.data import DataStore
from gammapy.modeling import Fit
RADIUS = 2.0
store = DataStore.from_dir(os.environ["GAMMAPY_DATA"])
ids = store.obs_table["OBS_ID"]
observations = store.get_observations(ids)
maker = SpectrumDatasetMaker(selection=["counts"])
# A loop over all of them
datasets = Datasets()
for observation in observations:
    datasets.append(maker.run(empty, observation))
model = SkyModel(PowerLawSpectralModel(), name="crab")
datasets.models = [model]
fit_result = Fit().run(datasets)
result = {"index": 2.0}
json.dump(result, open("result.json", "w"))
"""


def headings(script: str) -> list[str]:
    return [heading for heading, _ in parts(script)]


def test_steps_are_called_what_their_comments_say_or_what_they_do() -> None:
    recipe = next(path for path in RECIPES if path.stem == "reflected_spectrum").read_text()
    assert headings(recipe) == [
        "Imports",
        "Configuration",
        "Select observations",
        "Energy axes",
        "Data sets",
        "Fit",
        "Flux points, in bins whose edges exist on the energy axis",
        "Numbers",
        "Result",
        "Figure",
    ]


def test_long_piece_without_blank_lines_is_cut_where_the_next_step_begins() -> None:
    assert headings(DENSE) == ["Imports", "Data sets", "Model", "Fit", "Result"]
    assert parts(DENSE)[1].cells[0].startswith("maker = ")


@pytest.mark.parametrize("script", [*(path.read_text() for path in RECIPES), DENSE, "", "x = 1", "def (", "# alone\n"])
def test_nothing_is_lost_and_every_cell_stands_by_itself(script: str) -> None:
    cells = [cell for _, cells in parts(script) for cell in cells]
    try:
        whole = ast.dump(ast.parse(script))
    except SyntaxError:
        assert cells == [script]
        return
    assert ast.dump(ast.parse("\n".join(cells))) == whole
    assert not [cell for cell in cells if cell != cell.strip("\n") or cell[:1].isspace()]


def test_cell_ends_quietly_where_a_value_would_be_shown() -> None:
    assert parts("figure.legend()")[0].cells == ["figure.legend();"]
    assert parts("print(1)")[0].cells == ["print(1)"]
    assert parts("x.copy()  # of it")[0].cells == ["x.copy()  # of it"]
