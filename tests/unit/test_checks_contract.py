"""Gate 1 by examples: what each rule catches, and what it must leave alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gammapygpt.checks import check_contract
from gammapygpt.state import Environment, Finding

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = sorted((REPOSITORY / "gammapygpt" / "cookbook" / "recipes").glob("*.py"))
REFERENCES = sorted((REPOSITORY.parent / "shared" / "tasks" / "reference").glob("*.py"))
GOOD = """\
import json
import os

import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore

store = DataStore.from_dir(os.path.join(os.environ["GAMMAPY_DATA"], "hess-dl3-dr1"))
target = SkyCoord(83.633, 22.0145, unit="deg")
obs_table = store.obs_table.select_sky_circle(target, 2 * u.deg)
{body}
with open("result.json", "w") as file:
    json.dump({{"n_obs": len(obs_table)}}, file)
"""
ENVIRONMENT = Environment(
    python="3.11.7",
    versions={"gammapy": "2.1"},
    modules=[
        *("json", "os", "numpy", "numpy.random", "astropy", "astropy.units", "astropy.coordinates", "regions"),
        *("gammapy", "gammapy.data", "gammapy.maps", "gammapy.makers", "gammapy.makers.utils", "gammapy.estimators"),
    ],
    names={
        "gammapy": ["song"],
        "gammapy.data": ["DataStore", "Observation", "Observations", "EventList"],
        "gammapy.makers": ["SafeMaskMaker", "SpectrumDatasetMaker"],
        "gammapy.estimators": ["FluxPoints", "FluxPointsEstimator"],
    },
)


def rules(script: str, severity: str = "error", **more: object) -> list[str]:
    """Names of the rules that a script breaks."""
    return [one.rule for one in check_contract(script, **more) if one.severity == severity]  # type: ignore[arg-type]


def with_body(body: str) -> str:
    """A good script with a few lines put in; they begin in line 11."""
    return GOOD.format(body=body)


def the_finding(script: str, **more: object) -> Finding:
    """The only finding against a script."""
    (finding,) = check_contract(script, **more)  # type: ignore[arg-type]
    return finding


def test_a_good_script_has_no_finding() -> None:
    assert check_contract(with_body("print(obs_table)"), ENVIRONMENT, ["n_obs"]) == []


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_keeps_the_contract(recipe: Path) -> None:
    assert check_contract(recipe.read_text()) == []


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda path: path.stem)
def test_every_reference_script_keeps_the_contract(reference: Path) -> None:
    assert check_contract(reference.read_text()) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("import matplotlib.pyplot as plt\nplt.show()", "interactive-display"),
        ("from matplotlib.pyplot import show as s\ns()", "interactive-display"),
        ("import matplotlib.pyplot as plt\nshow = plt.show\nshow()", "interactive-display"),
        ("store.obs(1).aeff.peek()", "interactive-display"),
        ("m = store.obs(1)\nm.counts.plot_interactive()", "interactive-display"),
        ('get_ipython().run_line_magic("matplotlib", "inline")', "interactive-display"),
        ('import matplotlib\nmatplotlib.use("TkAgg")', "interactive-display"),
        ("import webbrowser", "interactive-display"),
        ('input("radius? ")', "interactive-input"),
        ("try:\n    print(1)\nexcept:\n    pass", "bare-except"),
        ("import socket", "network"),
        ("import urllib.request", "network"),
        ("from urllib import request", "network"),
        ("import requests as r", "network"),
        ("from astroquery.simbad import Simbad", "network"),
        ("from http.client import HTTPSConnection", "network"),
        ('crab = SkyCoord.from_name("Crab")', "network"),
        ('from astropy.io import fits\nfits.open("https://example.org/a.fits")', "network"),
        ("from astropy.utils.data import download_file\ndownload_file(str(store))", "network"),
        ("import subprocess", "process"),
        ('os.system("ls")', "process"),
        ('os.execvp("ls", [])', "process"),
        ('getattr(os, "system")("ls")', "process"),
        ('run = os.popen\nrun("ls")', "process"),
        ('__import__("subprocess").run(["ls"])', "process"),
        ('import importlib\nname = "subprocess"\nimportlib.import_module(name)', "process"),
        ("import ctypes", "process"),
        ("import pip", "install"),
        ('eval("1 + 1")', "hidden-code"),
        ('exec(open("more.py").read())', "hidden-code"),
        ('__import__("sub" + input)', "hidden-code"),
    ],
)
def test_forbidden_things_are_named_with_their_line(body: str, rule: str) -> None:
    found = [finding for finding in check_contract(with_body(body)) if finding.rule == rule]
    assert found, body
    assert found[0].severity == "error"
    assert found[0].kind == "contract"
    assert 11 <= (found[0].line or 0) <= 11 + body.count("\n")
    assert found[0].remedy


@pytest.mark.parametrize(
    "body",
    [
        'import matplotlib\nmatplotlib.use("Agg")',
        'import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig("figure.png")',
        "import multiprocessing\nprint(multiprocessing.cpu_count())",
        "from urllib.parse import quote\nprint(quote('a b'))",
        "import re\npattern = re.compile('a')",
        "def compile(text):\n    return text\nprint(compile('x'))",
        "from importlib import import_module\nprint(import_module('json'))",
        "import time\ntime.sleep(0)\nprint(os.getpid(), os.cpu_count())",
        "try:\n    store.obs(1)\nexcept ValueError as error:\n    print(error)",
        "class Plot:\n    def show(self):\n        return 1\nprint(Plot().show())",
        'print("plt.show() and eval(x) are not called, /home/me is not opened")',
        "# subprocess.run, result.json, TARGET_NAME == 'Crab'",
    ],
)
def test_similar_but_allowed_things_pass(body: str) -> None:
    assert check_contract(with_body(body)) == []


@pytest.mark.parametrize(
    "body",
    [
        'selected = obs_table[obs_table["TARGET_NAME"] == "Crab"]',
        'selected = [row for row in obs_table if row["OBJECT"] == "Crab"]',
        'selected = [row for row in obs_table if "Crab" in row["OBJECT"]]',
        'selected = [row for row in obs_table if str(row["OBJECT"]).lower().startswith("crab")]',
        'column = "TARGET_NAME"\nmask = obs_table[column] == "Crab"',
        'names = obs_table["TARGET_NAME"].astype(str)\nmask = names == "Crab"',
        'import numpy as np\nmask = np.char.strip(np.asarray(obs_table["OBJECT"])) == "Crab"',
        'import numpy as np\nmask = np.isin(obs_table["TARGET_NAME"], ["Crab", "Crab Nebula"])',
        'ids = [i for i, name in zip(obs_table["OBS_ID"], obs_table["OBJECT"]) if name == "Crab"]',
        'box = {"type": "value_in", "variable": "TARGET_NAME"}\nobs_table.select_observations(box)',
        "frame = obs_table.to_pandas()\nprint(frame.query(\"OBJECT == 'Crab'\"))",
        'frame = obs_table.to_pandas()\nprint(frame[frame.TARGET_NAME == "Crab"])',
        'from astropy.io import fits\nheader = fits.Header()\nif header["OBJECT"] == "Crab":\n    print(1)',
        'obs_table.add_index("TARGET_NAME")',
        'if getattr(obs_table[0], "OBJECT") == "Crab":\n    print(1)',
        'runs = {}\nfor row in obs_table:\n    runs.setdefault(row["OBJECT"], []).append(row)\nprint(runs["Crab"])',
        'if store.obs(1).meta.target.name == "Crab":\n    print(1)',
    ],
)
def test_selection_by_target_name_is_found(body: str) -> None:
    assert rules(with_body(body)) == ["target-name-selection"]


@pytest.mark.parametrize(
    "body",
    [
        'print(obs_table["OBS_ID", "TARGET_NAME"])',
        'for row in obs_table:\n    print(row["OBS_ID"], row["OBJECT"])',
        'print(sorted(set(obs_table["TARGET_NAME"])))',
        'print(len(obs_table["TARGET_NAME"]) == 4)',
        'if "OBJECT" in obs_table.colnames:\n    print(obs_table["OBJECT"][0])',
        'seen = set()\nfor row in obs_table:\n    if row["OBJECT"] not in seen:\n        seen.add(row["OBJECT"])',
        'mask = obs_table["OBS_ID"] == 23523',
        'target_name = "Crab"\nif target_name == "Crab":\n    print(1)',
        'from types import SimpleNamespace as N\nc = N(target=N(name="Crab"))\nprint(c.target.name == "Crab")',
    ],
)
def test_reading_a_target_name_is_no_selection(body: str) -> None:
    assert check_contract(with_body(body)) == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ('DataStore.from_dir("/data/hess-dl3-dr1")', "absolute-path"),
        ('from pathlib import Path\nbase = Path("/home/me") / "data"\nDataStore.from_dir(base)', "absolute-path"),
        ('from astropy.table import Table\nTable.read(os.path.join("/data", "x.fits"))', "absolute-path"),
        ('text = open("C:\\\\data\\\\x.txt").read()', "absolute-path"),
        ('DataStore.from_dir("~/gammapy-data")', "absolute-path"),
        ('DataStore.from_dir(os.path.expanduser("~/gammapy-data"))', "home-folder"),
        ('from pathlib import Path\nprint(Path.home() / "data")', "home-folder"),
        ('os.environ["GAMMAPY_DATA"] = "/data"', "data-variable-changed"),
        ('os.environ.update({"GAMMAPY_DATA": "elsewhere"})', "data-variable-changed"),
    ],
)
def test_data_come_through_the_two_variables_only(body: str, rule: str) -> None:
    assert rule in rules(with_body(body))


@pytest.mark.parametrize(
    "body",
    [
        'DataStore.from_dir("$GAMMAPY_DATA/hess-dl3-dr1")',
        'from pathlib import Path\nDataStore.from_dir(Path(os.environ["PHOTON_STORAGE"]) / "hess-dl3-dr1")',
        'data = os.environ.get("GAMMAPY_DATA", "/data/gammapy")\nDataStore.from_dir(data + "/hess-dl3-dr1")',
        'data = os.environ.get("GAMMAPY_DATA", os.path.expanduser("~/gammapy"))\nDataStore.from_dir(data)',
        'data = os.path.expandvars("$GAMMAPY_DATA/hess-dl3-dr1")\nDataStore.from_dir(data)',
        'os.environ["GAMMAPY_DATA"] = os.environ["PHOTON_STORAGE"]',
        'obs_table.write("selected.ecsv", overwrite=True)',
        'os.makedirs("figures", exist_ok=True)',
        'with open("notes.txt", "w") as notes:\n    notes.write("/ cm2 / s")',
        'unit = u.Unit("cm-2 s-1").to_string().replace("/", " per ")\nprint(unit)',
        'print("dN/dE".split("/"), open(os.devnull).read())',
    ],
)
def test_ordinary_paths_pass(body: str) -> None:
    assert check_contract(with_body(body)) == []


def test_a_store_without_either_variable_is_found_and_a_calculation_needs_none() -> None:
    read = (
        "import json\nfrom gammapy.data import DataStore\n"
        'store = DataStore.from_dir("hess-dl3-dr1")\n'
        'json.dump({"n_obs": len(store.obs_table)}, open("result.json", "w"))\n'
    )
    finding = the_finding(read)
    assert (finding.rule, finding.line) == ("data-variable-missing", 3)
    assert check_contract('import json\njson.dump({"x": 1}, open("result.json", "w"))\n') == []


@pytest.mark.parametrize(
    "ending",
    [
        'json.dump(r, open("result.json", "w"))',
        'Path("result.json").write_text(json.dumps(r))',
        'OUT = Path.cwd() / "result.json"\nwith OUT.open("w") as file:\n    json.dump(r, file)',
        'name = "result.json"\nwith open(os.path.join(os.getcwd(), name), mode="w") as file:\n    json.dump(r, file)',
        'stem = "result"\nwith open(f"{stem}.json", "w") as file:\n    file.write(json.dumps(r))',
        'import pandas as pd\npd.Series(r).to_json("result.json")',
        'def save(values, path="result.json"):\n    Path(path).write_text(json.dumps(values))\nsave(r)',
        'def main():\n    open("result.json", "w").write(json.dumps(r))\nif __name__ == "__main__":\n    main()',
        'class Run:\n    def run(self):\n        json.dump(r, open("result.json", "w"))\nRun()',
        'class Run:\n    def save(self):\n        json.dump(r, open("result.json", "w"))\nRun().save()',
        'Path("part.json").write_text("{}")\nos.replace("part.json", "result.json")',
        'names = {"out": "result.json"}\njson.dump(r, open(names["out"], "w"))',
    ],
)
def test_ways_to_write_the_result(ending: str) -> None:
    assert check_contract(f'import json\nimport os\nfrom pathlib import Path\nr = {{"x": 1}}\n{ending}\n') == []


@pytest.mark.parametrize(
    "ending",
    [
        "print(r)",
        '# json.dump(r, open("result.json", "w"))',
        'print("wrote result.json")',
        'json.dump(r, open("results.json", "w"))',
        'json.dump(r, open("output/result.json", "w"))',
        'print(json.load(open("result.json")))',
        'def main():\n    json.dump(r, open("result.json", "w"))',
        'if False:\n    json.dump(r, open("result.json", "w"))',
        'raise SystemExit\njson.dump(r, open("result.json", "w"))',
    ],
)
def test_a_result_that_is_never_written_is_found(ending: str) -> None:
    script = f'import json\nr = {{"x": 1}}\n{ending}\n'
    assert rules(script) == ["result-not-written"]


def test_keys_that_occur_nowhere_are_a_warning() -> None:
    script = 'import json\nr = {"index": 2.5}\nfor a in (1, 2):\n    r[f"flux_{a}TeV"] = 1e-12\n'
    script += 'json.dump(r, open("result.json", "w"))\n'
    assert rules(script, "warning", expected_keys=["index", "flux_1TeV", "n_obs"]) == ["key-not-written"]


def test_undefined_names_say_the_name_and_the_line() -> None:
    finding = the_finding(with_body("region = CircleSkyRegion(target, 0.11 * u.deg)"))
    assert (finding.kind, finding.rule, finding.line) == ("import", "undefined-name", 11)
    assert "CircleSkyRegion" in finding.message


def test_postponed_annotations_are_not_looked_up() -> None:
    script = "from __future__ import annotations\n" + with_body("def f(x: Unknown) -> Other:\n    return x")
    assert check_contract(script) == []


def test_missing_modules_and_names_come_with_what_exists_nearby() -> None:
    old = the_finding(with_body("from gammapy.spectrum import SpectrumExtraction"), environment=ENVIRONMENT)
    assert (old.kind, old.rule, old.line) == ("import", "missing-module", 11)
    typo = the_finding(with_body("from gammapy.makers import SafeMaskMakers"), environment=ENVIRONMENT)
    assert (typo.gate, typo.kind, typo.rule) == ("api", "api", "missing-name")
    assert "SafeMaskMaker" in typo.remedy
    moved = the_finding(with_body("from gammapy.data import FluxPoints"), environment=ENVIRONMENT)
    assert "gammapy.estimators.FluxPoints" in moved.remedy
    attribute = the_finding(with_body("import gammapy.data as gd\nprint(gd.DataStores)"), environment=ENVIRONMENT)
    assert (attribute.rule, attribute.line) == ("missing-name", 12)
    absent = the_finding(with_body("import nunpy"), environment=ENVIRONMENT)
    assert "numpy" in absent.remedy


@pytest.mark.parametrize(
    "body",
    [
        "try:\n    import naima\nexcept ImportError:\n    naima = None\nprint(naima)",
        "try:\n    from gammapy import Old as X\nexcept ImportError:\n    from gammapy import New as X\nprint(X)",
        'import gammapy.data as gd\nprint(gd.Stores if hasattr(gd, "Stores") else gd.Shop)',
        'import gammapy.data as gd\nprint(getattr(gd, "Stores", None) or gd.Shop)',
        "import gammapy\nif gammapy.__version__ < '2':\n    from gammapy.data import Stores\n    print(Stores)",
        "from gammapy.makers import utils\nprint(utils)",
    ],
)
def test_what_the_script_asks_for_first_may_be_missing(body: str) -> None:
    assert check_contract(with_body(body), ENVIRONMENT) == []


def test_notebook_advice_is_a_warning() -> None:
    body = (
        "from IPython.display import display\ndisplay(obs_table)\ntry:\n    store.obs(1)\nexcept Exception:\n    pass"
    )
    assert rules(with_body(body), "warning") == ["notebook-display", "swallowed-exception"]
    assert rules(with_body(body)) == []


def test_a_syntax_error_shows_line_and_caret() -> None:
    finding = the_finding("import json\nx = (1,\ny = 2\n")
    assert (finding.kind, finding.line) == ("syntax", 2)
    assert finding.message.splitlines()[-1].strip() == "^"


@pytest.mark.parametrize(
    ("script", "rule"),
    [
        ("%matplotlib inline\nimport json\n", "notebook-command"),
        ("import json\n!pip install gammapy\n", "notebook-command"),
        ("```python\nimport json\n```\n", "markdown-fence"),
        ("def f():\n    break\n", "syntax"),
        ("return 1\n", "syntax"),
        ("f(a=1, a=2)\n", "syntax"),
        ("async def f():\n    pass\nawait f()\n", "syntax"),
        ("", "syntax"),
        ("x = 1\0", "syntax"),
        ("x = '\ud800'", "syntax"),
        ("x = 1\n" * 200_000, "syntax"),
        ("(" * 5000 + ")" * 5000, "syntax"),
        ("x = " + "-" * 50_000 + "1", "syntax"),
        ("x = " + "1+" * 50_000 + "1", "syntax"),
        ("x = " + "a." * 2_000 + "b", "syntax"),
        ("x = " + "[" * 150 + "]" * 150, "result-not-written"),
        ("x = " + "(" * 150 + ")" * 150 + "()" * 20_000, "syntax"),
        ("if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 99)) + " " * 99 + "pass", "result-not-written"),
        ("\ufeffx = 1\n", "result-not-written"),
        ("x = " + "f(" * 90 + ")" * 90, "result-not-written"),
    ],
)
def test_whatever_the_text_the_answer_is_a_finding(script: str, rule: str) -> None:
    assert rule in [finding.rule for finding in check_contract(script)]


def test_syntax_of_a_newer_python_is_left_to_it() -> None:
    (finding,) = check_contract("x = (1,\n", Environment(python="4.1.0"))
    assert finding.severity == "warning"
    (finding,) = check_contract("x = (1,\n", Environment(python="3.9.1"))
    assert finding.severity == "error"


def test_names_that_stand_for_each_other_are_followed_in_bounded_time() -> None:
    doubling = 'x0 = "a"\n' + "".join(f"x{n} = x{n - 1} + x{n - 1}\n" for n in range(1, 60)) + "open(x59)\n"
    circle = "a = b\nb = c or a\nc = a / b\nopen(a)\na()\n"
    assert rules(doubling) == ["result-not-written"]
    assert "result-not-written" in rules(circle)


def test_damaged_scripts_never_raise() -> None:
    source = (RECIPES[0] if RECIPES else Path(__file__)).read_text()
    chance = random.Random(2)
    for _ in range(60):
        start, length = chance.randrange(len(source)), chance.randrange(1, 40)
        noise = "".join(chance.choice("()[]{}:='\"\n .#@*") for _ in range(chance.randrange(4)))
        check_contract(source[:start] + noise + source[start + length :], ENVIRONMENT, ["n_obs"])
