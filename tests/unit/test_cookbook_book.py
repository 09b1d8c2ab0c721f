"""Recipes as data: what they tell about themselves, and how their constants are filled in."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from gammapygpt.checks import check_contract
from gammapygpt.cookbook import fill, recipes
from gammapygpt.cookbook.book import read_recipe
from gammapygpt.errors import UserError


def constants_of(script: str) -> dict[str, object]:
    """The block of constants of a script."""
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(script).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }


def test_every_file_is_a_recipe_that_explains_itself():
    assert {"observation_list", "reflected_significance", "reflected_spectrum", "stacked_3d"} <= set(recipes())
    for recipe in recipes().values():
        assert recipe.title
        assert recipe.title in recipe.answers
        for constant in recipe.constants.values():
            assert constant.comment, f"{recipe.name}: {constant.name} has no comment"


@pytest.mark.parametrize("name", sorted(recipes()))
def test_recipes_keep_the_contract(name: str):
    source = recipes()[name].source
    reads = any("GAMMAPY_DATA" in constant.comment for constant in recipes()[name].constants.values())
    assert ('os.environ["GAMMAPY_DATA"]' in source) or not reads
    assert "result.json" in source
    assert "savefig" in source
    assert len(re.findall(r"savefig\(.*\)\nplt\.close\(\)\n", source)) == source.count("savefig(")
    assert check_contract(source) == []


def test_all_recipes_select_observations_alike():
    block = r"# Select observations\n.*?are not in the selection\"\n"
    by_position = [
        one
        for one in recipes().values()
        if {"DATA_STORE", "TARGET_RA", "SELECTION_RADIUS", "OBS_IDS", "DATES"} <= set(one.constants)
    ]
    found = [re.search(block, recipe.source, re.DOTALL) for recipe in by_position]
    assert len(found) >= 4
    blocks = {re.sub(r"\n.*ZENITH.*", "", match.group()) for match in found if match}
    assert len(blocks) == 1


def test_filling_changes_values_and_keeps_comments():
    recipe = recipes()["reflected_spectrum"]
    results = {"flux": ["flux", 0.5, 5.0, "cm-2 s-1"], "gamma": ["parameter", "index", ""]}
    script = fill(recipe, {"ON_RADIUS": 0.2, "OBS_IDS": [23523, 23526], "FIXED": {"index": 2.0}, "RESULTS": results})
    constants = constants_of(script)
    assert constants["ON_RADIUS"] == 0.2
    assert constants["OBS_IDS"] == [23523, 23526]
    assert constants["FIXED"] == {"index": 2.0}
    assert constants["RESULTS"] == results
    assert constants["EXCLUSION_RADIUS"] == recipe.constants["EXCLUSION_RADIUS"].default
    assert f"ON_RADIUS = 0.2  # {recipe.constants['ON_RADIUS'].comment}\n" in script
    assert script.count("\n# ") == recipe.source.count("\n# ")


def test_filling_with_the_defaults_changes_no_value():
    for recipe in recipes().values():
        defaults = {name: constant.default for name, constant in recipe.constants.items()}
        assert constants_of(fill(recipe, defaults)) == constants_of(recipe.source)


def test_text_in_a_value_stays_text():
    nasty = "x\"; import os; os.system(\"true\") #\n'''"
    script = fill(recipes()["observation_list"], {"DATA_STORE": nasty, "RESULTS": {nasty: ["n_obs", ""]}})
    assert constants_of(script)["DATA_STORE"] == nasty
    assert list(constants_of(script)["RESULTS"]) == [nasty]
    assert "os.system" not in ast.dump(ast.parse(script)).replace(repr(nasty), "")


def test_unknown_constants_are_the_users_mistake():
    with pytest.raises(UserError, match=r"observation_list has no constant ON_RADIUS\. It has DATA_STORE"):
        fill(recipes()["observation_list"], {"ON_RADIUS": 0.1})


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), {"index": print}])
def test_values_that_are_not_plain_data_are_refused(value: object):
    with pytest.raises(UserError, match="ON_RADIUS is not plain data"):
        fill(recipes()["reflected_significance"], {"ON_RADIUS": value})


def test_the_block_at_the_end_of_a_recipe_is_no_part_of_its_script():
    for recipe in recipes().values():
        assert recipe.about.asked or recipe.about.perhaps, recipe.name
        assert recipe.about.vocabulary or recipe.about.keys, recipe.name
        assert "# ///" not in fill(recipe, {})
        assert set(recipe.about.covers) <= set(recipes()), recipe.name
        assert set(recipe.about.said) | set(recipe.about.choices) <= set(recipe.constants), recipe.name
        assert not set(recipe.about.fixed) & set(recipe.constants), recipe.name


def test_a_block_says_only_what_blocks_say(tmp_path: Path):
    path = tmp_path / "moon_phase.py"
    path.write_text('"""Moon phase: when?"""\n\nDATE = 1.0  # d, of the moon\n# /// recipe\n# asked = "moon"\n# ///\n')
    assert read_recipe(path).about.asked == "moon"
    assert read_recipe(path).source == '"""Moon phase: when?"""\n\nDATE = 1.0  # d, of the moon\n'
    assert read_recipe(path).constants["DATE"].unit == "d"
    path.write_text('"""Moon."""\n\n# /// recipe\n# answers = "moon"\n# ///\n')
    with pytest.raises(ValueError, match="answers"):
        read_recipe(path)
