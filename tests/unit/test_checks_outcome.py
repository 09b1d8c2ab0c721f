"""Gate 3 by examples: the form of `result.json`, known answers that stay secret, rules of physics, user validators."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from gammapygpt import checks
from gammapygpt.checks import validators
from gammapygpt.checks.units import in_another_unit
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.state import Finding, Plan, ResultSpec

TASKS = sorted((Path(__file__).resolve().parents[3] / "shared" / "tasks").glob("*.toml"))
KNOWN = """
prompt = "Fit a power law to the spectrum."

[[expected]]
key = "index"
type = "float"
value = 2.68571
abs_tol = 0.06
why = "binning"

[[expected]]
key = "energy_flux"
type = "float"
value = 8.48981e-11
rel_tol = 0.05
unit = "erg cm-2 s-1"

[[expected]]
key = "n_obs"
type = "int"
value = 4
abs_tol = 0

[[expected]]
key = "name"
type = "str"
value = "HESS J0534+220"

[[wrong]]
values = { index = 1.0 }
"""
RIGHT = {"index": 2.7, "energy_flux": 8.5e-11, "n_obs": 4, "name": "HESS J0534+220 "}


def written(folder: Path, content: str | dict[str, Any]) -> Path:
    """A workspace with a `result.json`."""
    (folder / "result.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


@pytest.fixture
def known(tmp_path: Path) -> list[checks.Expected]:
    file = tmp_path / "known.toml"
    file.write_text(KNOWN)
    return checks.read_expectations(file)


def rules(findings: list[Finding]) -> dict[str, str]:
    """Rule by key, of the errors."""
    return {finding.key: finding.rule for finding in findings if finding.severity == "error"}


def test_a_right_result_passes(tmp_path: Path, known: list[checks.Expected]) -> None:
    validation = checks.validate(written(tmp_path, RIGHT | {"index_err": 0.08, "extra": 7}), checks.specs(known), known)
    assert validation.passed
    assert validation.result["n_obs"] == 4
    assert validation.findings == []


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "result-not-json"),
        ("{'index': 2}", "result-not-json"),
        ("[1, 2]", "result-not-object"),
        ("{}", "result-empty"),
        ('{"_meta": {"obs_ids": [1]}}', "result-empty"),
        ('{"index": NaN}', "not-finite"),
        ('{"index": -Infinity}', "not-finite"),
        ('{"index": 1e999}', "not-finite"),
        ('{"index": [1, NaN]}', "not-finite"),
        ('{"index": 2, "index": 3}', "duplicate-key"),
        ('{"index": 2, "fit": {"a": 1}}', "not-flat"),
        ('{"index": 2, "points": [[1, 2], [3, 4]]}', "not-flat"),
        ('{"index": true}', "wrong-type"),
        ('{"index": null}', "wrong-type"),
        ('{"index": "2.7"}', "wrong-type"),
        ('{"index": []}', "wrong-type"),
        ('{"index": 2.7, "index_err": null}', "error-not-finite"),
        ('{"gamma": 2.7}', "key-missing"),
        ("[" * 100_000, "result-not-json"),
        ('{"index": ' + "9" * 5000 + "}", "not-finite"),
        ('{"index": 2.7, "name": "\\ud800"}', "result-not-json"),
        ('{"index": 2.7, "_meta": {"a": ' + "[" * 300 + "]" * 300 + "}}", "too-deep"),
        ('{"index": ' + "9" * 400 + "}", "not-finite"),
        ('{"index": 2.7, "text": "' + "x" * 5_000_000 + '"}', "result-too-large"),
    ],
)
def test_what_is_wrong_with_the_form(tmp_path: Path, content: str, rule: str) -> None:
    validation = checks.validate(written(tmp_path, content), [ResultSpec(key="index", type="float")])
    assert not validation.passed
    assert rule in rules(validation.findings).values()
    assert {finding.kind for finding in validation.findings} == {"output"}


def test_a_missing_file_a_link_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    assert not checks.validate(tmp_path, []).passed
    secret = tmp_path / "secret.json"
    secret.write_text('{"index": 2.7}')
    (tmp_path / "result.json").symlink_to(secret)
    result, findings = checks.load_result(tmp_path / "result.json")
    assert (result, findings[0].rule) == ({}, "result-missing")
    (tmp_path / "result.json").unlink()
    (tmp_path / "result.json").write_bytes(b'{"index": "\xff"}')
    assert checks.load_result(tmp_path)[1][0].rule == "result-not-json"


def test_companions_are_never_in_the_way(tmp_path: Path) -> None:
    content = '{"index": 2.7, "index_err": 0.1, "done": true, "_meta": {"units": {"index": ""}, "corr": [[1, NaN]]}}'
    validation = checks.validate(written(tmp_path, content), [ResultSpec(key="index", type="float")])
    assert validation.passed
    assert {finding.severity for finding in validation.findings} == {"warning"}


def test_a_result_can_always_be_kept(tmp_path: Path) -> None:
    validation = checks.validate(written(tmp_path, {"n": 2**70, "m": -(2**63), "k": 10**17}), [])
    assert validation.passed
    assert validation.result["n"] == float(2**70)
    assert validation.result["k"] == 10**17
    assert all(abs(value) < 2**63 for value in validation.result.values() if isinstance(value, int))


def test_lists_strings_and_counts(tmp_path: Path) -> None:
    wanted = [ResultSpec(key="flux", type="list"), ResultSpec(key="name", type="str"), ResultSpec(key="n", type="int")]
    good = {"flux": [1e-11, 2e-12], "name": "Crab", "n": 4.0}
    assert checks.validate(written(tmp_path, good), wanted).passed
    bad = {"flux": 1e-11, "name": " ", "n": "4"}
    found = rules(checks.validate(written(tmp_path, bad), wanted).findings)
    assert found == {"flux": "wrong-type", "name": "wrong-type", "n": "wrong-type"}


def test_nothing_asked_for_still_needs_a_number(tmp_path: Path) -> None:
    assert not checks.validate(written(tmp_path, {"note": "done"}), []).passed
    assert checks.validate(written(tmp_path, {"n_obs": 4}), []).passed


def test_wrong_values_are_named_by_key(tmp_path: Path, known: list[checks.Expected]) -> None:
    wrong = {"index": 2.2, "energy_flux": 6e-11, "n_obs": 3, "name": "Crab"}
    findings = checks.check_expected(wrong, known)
    assert rules(findings) == dict.fromkeys(wrong, "wrong-value")
    assert {finding.kind for finding in findings} == {"wrong_value"}
    assert rules(checks.check_expected({}, known)) == dict.fromkeys(wrong, "key-missing")


def test_the_edge_of_a_tolerance_belongs_to_it(known: list[checks.Expected]) -> None:
    index = known[:1]
    assert checks.check_expected({"index": 2.68571 + 0.06}, index) == []
    assert len(checks.check_expected({"index": 2.68571 + 0.0601}, index)) == 1
    assert len(checks.check_expected({"index": True}, index)) == 1
    assert len(checks.check_expected({"index": math.nan}, index)) == 1
    assert len(checks.check_expected({"index": 10**400}, index)) == 1


@pytest.mark.parametrize(
    ("value", "unit", "seen"),
    [
        (8.48981e-11 / 1.602176634, "erg cm-2 s-1", True),
        (8.48981e-11 / 1.602176634e-3, "erg cm-2 s-1", True),
        (8.48981e-7, "erg cm-2 s-1", True),
        (-8.48981e-11, "erg cm-2 s-1", True),
        (8.48981e-11 * 60, "erg cm-2 s-1", True),
        (8.48981e-11 / 1.7, "erg cm-2 s-1", False),
        (8.48981e-7, "erg", False),
        (8.48981e-11 * 57.29578, "deg", False),
        (8.48981e-11 / 57.29578, "deg", True),
        (8.48981e-11 * 1000, "TeV", True),
        (8.48981e-11 * 1000, "", False),
        (8.48981e-11 * 1000, "sigma", False),
    ],
)
def test_a_wrong_unit_is_recognised(value: float, unit: str, seen: bool) -> None:
    assert in_another_unit(value, 8.48981e-11, unit, 0.05) is seen


def test_a_wrong_unit_is_told_with_the_unit_asked(known: list[checks.Expected]) -> None:
    (finding,) = checks.check_expected(RIGHT | {"energy_flux": 5.3e-11}, known)
    assert finding.rule == "wrong-unit"
    assert "erg cm-2 s-1" in finding.remedy


def formats(value: float | str) -> Iterator[str]:
    """A value as it may be printed somewhere."""
    if isinstance(value, str):
        yield value
        return
    yield from (str(value), repr(float(value)))
    for digits in range(2, 8):
        yield from (f"{value:.{digits}g}", f"{value:.{digits}e}", f"{value:.{digits}f}")


def words(text: str) -> set[str]:
    """The words of a finding without the punctuation around them."""
    return {word.strip("`.,;:()'\"") for word in text.split()}


@pytest.mark.parametrize("shift", [0.0, 0.5, 1.003, -1.0, 1e4, 1 / 1.602176634])
def test_no_finding_holds_an_expected_value(tmp_path: Path, known: list[checks.Expected], shift: float) -> None:
    result = {one.key: one.value * shift if not isinstance(one.value, str | list) else "x" for one in known}
    validation = checks.validate(written(tmp_path, result), checks.specs(known), known)
    said = " ".join(finding.model_dump_json() for finding in validation.findings)
    secrets = {text for one in known for text in formats(one.value)}  # type: ignore[arg-type]
    tolerances = {str(one.abs_tol) for one in known} | {str(one.rel_tol) for one in known}
    assert said
    assert not words(said) & (secrets | tolerances - {"None", "0", "0.0"})
    assert "2.68571" not in repr(known) + str(known)
    assert "2.68571" not in str(checks.specs(known))


@pytest.mark.parametrize("task", TASKS, ids=lambda path: path.stem)
def test_the_task_bank_is_judged_as_it_should_be(tmp_path: Path, task: Path) -> None:
    tables = tomllib.loads(task.read_text())
    expectations = checks.read_expectations(task)
    secrets = {text for one in expectations for text in formats(one.value)}  # type: ignore[arg-type]
    for verdict in ("accepted", "wrong"):
        for variant in tables.get(verdict, []):
            written(tmp_path, variant["values"])
            validation = checks.validate(tmp_path, checks.specs(expectations), expectations)
            assert validation.passed is (verdict == "accepted"), variant["label"]
            said = " ".join(f"{finding.message} {finding.remedy}" for finding in validation.findings)
            assert not words(said) & secrets


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[expected]\n", "not valid TOML"),
        ("prompt = 'x'\n", "no [[expected]] table"),
        (
            "\n[[expected]]\nkey = 'a'\nvalue = 1\n\n[[expected]]\nkey = 'b'\n",
            "entry 2 of [[expected]] (line 6): value",
        ),
        ("[[expected]]\nkey = 'a'\nvalue = 1.5\n", "abs_tol or rel_tol is missing"),
        ("[[expected]]\nkey = 'a'\nvalue = 1.5\nrtol = 0.1\n", "unknown field `rtol`"),
        ("[[expected]]\nkey = 'a'\ntype = 'str'\nvalue = 1\n", "value is not of type str"),
        ("[[expected]]\nkey = 'a'\nvalue = true\n", "boolean"),
        ("[[expected]]\nkey = 'a'\nvalue = nan\nabs_tol = 1\n", "not finite"),
        ("[[expected]]\nkey = 'a'\nvalue = 1.5\nabs_tol = -1\n", "negative"),
        ("[[expected]]\nkey = 'a'\nvalue = 1\n[[expected]]\nkey = 'a'\nvalue = 2\n", "occurs twice"),
    ],
)
def test_a_bad_file_of_known_answers_is_one_clear_line(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(text)
    with pytest.raises(UserError) as caught:
        checks.read_expectations(file)
    assert says in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_known_answers_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read"):
        checks.read_expectations(tmp_path / "none.toml")


def test_lists_of_known_values(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    file.write_text("[[expected]]\nkey = 'flux'\nvalue = [1.0, 2.0]\nrel_tol = 0.1\n")
    known = checks.read_expectations(file)
    assert checks.specs(known)[0].type == "list"
    assert checks.check_expected({"flux": [1.05, 1.95]}, known) == []
    assert len(checks.check_expected({"flux": [1.05, 2.5]}, known)) == 1
    assert len(checks.check_expected({"flux": [1.05]}, known)) == 1


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        ({"index": 2.6, "_meta": {"fit_success": False}}, "fit-not-converged"),
        ({"index": 2.6, "_meta": {"covariance_success": False}}, "covariance-failed"),
        ({"index": 2.6, "index_err": 0.0}, "covariance-failed"),
        ({"livetime_h": 1.9, "ontime_h": 1.8}, "livetime-implausible"),
        ({"flux": 1e-11, "_meta": {"obs_ids": []}}, "no-observations"),
    ],
)
def test_safe_stops(result: dict[str, Any], rule: str) -> None:
    (finding,) = checks.check_physics(result)
    assert (finding.rule, finding.severity, finding.kind) == (rule, "error", "physics")


@pytest.mark.parametrize(
    ("result", "rule"),
    [
        ({"index": -2.6}, "index-unusual"),
        ({"index": 2.6, "index_err": 3.0}, "error-too-large"),
        ({"flux_1_10TeV": -1e-12}, "not-positive"),
        ({"n_obs": 1, "_meta": {"obs_ids": [23523]}}, "runs-dropped"),
    ],
)
def test_hints_do_not_fail_a_result(tmp_path: Path, result: dict[str, Any], rule: str) -> None:
    plan = Plan(parameters={"OBS_IDS": [23523, 23526]})
    validation = checks.validate(written(tmp_path, result), [], plan=plan)
    assert validation.passed
    assert [finding.rule for finding in validation.findings] == [rule]


def test_a_search_that_finds_no_observation_is_an_answer() -> None:
    assert checks.check_physics({"n_obs": 0, "livetime_h": 0.0, "_meta": {"obs_ids": []}})[0].severity == "warning"
    assert checks.check_physics({"n_obs": 0, "_meta": {"obs_ids": []}}) == []


def crab_is_bright(result: dict[str, Any], context: validators.ValidatorContext) -> Iterator[str]:
    """A user's validator."""
    if result["flux"] < 1e-11 and (context.workspace / "result.json").is_file():
        yield "The Crab is brighter than this."


def broken(result: dict[str, Any], context: validators.ValidatorContext) -> list[str]:
    """A user's validator with a mistake in it."""
    return [result["no such key"]]


def silly(result: dict[str, Any], context: validators.ValidatorContext) -> list[Any]:
    """A user's validator that gives what nobody understands."""
    return [3]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points as an installed package would declare them."""
    names = ("crab_is_bright", "broken", "silly", "not_there")
    points = [EntryPoint(name, f"{__name__}:{name}", validators.GROUP) for name in names]
    monkeypatch.setattr(validators, "entry_points", lambda group: [one for one in points if one.group == group])


@pytest.mark.usefixtures("installed")
def test_a_validator_of_the_user(tmp_path: Path) -> None:
    faint = checks.validate(written(tmp_path, {"flux": 1e-12}), [], validators=["crab_is_bright"])
    assert not faint.passed
    assert (faint.findings[0].gate, faint.findings[0].rule) == ("validator", "crab_is_bright")
    assert checks.validate(written(tmp_path, {"flux": 2e-11}), [], validators=["crab_is_bright"]).passed


@pytest.mark.usefixtures("installed")
def test_a_broken_validator_is_not_the_fault_of_the_script(tmp_path: Path) -> None:
    for name in ("broken", "silly"):
        with pytest.raises(InfrastructureError, match=name):
            checks.validate(written(tmp_path, {"flux": 2e-11}), [], validators=[name])
    with pytest.raises(UserError, match="not_there"):
        checks.validate(tmp_path, [], validators=["not_there"])


@pytest.mark.usefixtures("installed")
def test_an_unknown_validator_lists_the_installed_ones(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"`missing`.*crab_is_bright"):
        checks.validate(tmp_path, [], validators=["missing"])


LITERAL = 'import json\nfrom gammapy.data import DataStore\njson.dump({"flux": 2.26e-11}, open("result.json", "w"))\n'


def test_a_number_that_was_not_computed_fails_unless_it_is_known_to_be_right(tmp_path: Path) -> None:
    workspace = written(tmp_path, {"flux": 2.26e-11})
    validation = checks.validate(workspace, [], script=LITERAL)
    assert [(one.rule, one.severity) for one in validation.findings] == [("result-from-literal", "error")]
    assert not validation.passed
    known = [checks.Expected(key="flux", type="float", value=2.3e-11, rel_tol=0.1)]
    assert checks.validate(workspace, [], known, script=LITERAL).passed, "a known answer has the last word"
    without = LITERAL.replace("from gammapy.data import DataStore\n", "")
    assert checks.validate(workspace, [], script=without).passed, "no analysis that could be believed or not"
