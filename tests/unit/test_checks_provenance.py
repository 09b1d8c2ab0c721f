"""Provenance: numbers that a run did not compute, and scripts that only look as if."""

from __future__ import annotations

from textwrap import dedent

import pytest

from gammapygpt.checks.provenance import check_provenance
from gammapygpt.cookbook.book import recipes
from gammapygpt.state import Request

START = """
import json
import numpy as np
import astropy.units as u
from pathlib import Path
from gammapy.analysis import anything
datasets, model, stat, obs_table = anything()
"""
END = '\nwith open("result.json", "w") as file:\n    json.dump(result, file)\n'


def found(body: str, result: dict | None = None, request: str = "", end: str = END) -> dict:
    """Rule and severity by key."""
    findings = check_provenance(START + dedent(body) + end, result, Request(text=request) if request else None)
    return {one.key: (one.rule, one.severity) for one in findings}


LITERAL, FALLBACK = "result-from-literal", "result-from-fallback"


@pytest.mark.parametrize(
    "body",
    [
        'result = {"flux_1_10TeV": 2.26e-11, "n_on": len(datasets)}',
        'CRAB = 2.26e-11\nresult = {}\nresult["flux_1_10TeV"] = float(CRAB)',
        "result = dict(flux_1_10TeV=10 * 2.26e-12)",
        'flux = u.Quantity(2.26e-11, "cm-2 s-1")\nresult = {"flux_1_10TeV": flux.to_value("m-2 s-1")}',
        'flux = 2.26e-11 * u.Unit("cm-2 s-1")\nresult = {}\nresult.update({"flux_1_10TeV": flux.value})',
        'def known():\n    return {"flux_1_10TeV": 2.26e-11}\nresult = known()',
        'table = [("flux_1_10TeV", 2.26e-11), ("n_on", len(datasets))]\nresult = {key: value for key, value in table}',
        'result = {}\nfor key, value in zip(["flux_1_10TeV"], [2.26e-11]):\n    result[key] = round(value, 13)',
        'def add(d, key, value):\n    d[key] = value\nresult = {}\nadd(result, "flux_1_10TeV", np.float64(2.26e-11))',
    ],
)
def test_a_number_written_by_hand(body: str) -> None:
    assert found(body) == {"flux_1_10TeV": (LITERAL, "error")}


@pytest.mark.parametrize(
    "end",
    [
        END,
        '\nPath("result.json").write_text(json.dumps(result, indent=2))\n',
        '\nout = Path(".") / "result.json"\nwith out.open("w") as f:\n    f.write(json.dumps(result))\n',
        '\ndef save(what, name):\n    json.dump(what, open(name, "w"))\nsave(result, "result.json")\n',
        '\nwith open("result.json", "w") as f:\n    json.dump(result, fp=f, indent=2)\n',
        '\nif __name__ == "__main__":\n    json.dump(result, open("result.json", "w"))\n',
    ],
)
def test_however_the_file_is_written(end: str) -> None:
    assert found('result = {"significance": 43.2}', end=end) == {"significance": (LITERAL, "error")}


def test_what_is_only_printed_or_goes_into_another_file_is_no_result() -> None:
    body = """
        print(json.dumps({"flux": 1.5e-11}))
        json.dump({"flux": 1.5e-11}, open("start_values.json", "w"))
        result = {"flux": model.integral()}
    """
    assert found(body) == {}


FALLBACKS = [
    "try:\n    flux = model.integral()\nexcept ValueError:\n    flux = 2.26e-11",
    "flux = 2.26e-11\ntry:\n    flux = model.integral()\nexcept ValueError as error:\n    print(error)",
    "import contextlib\nflux = 2.26e-11\nwith contextlib.suppress(ValueError):\n    flux = model.integral()",
    "flux = model.integral()\nif np.isnan(flux):\n    flux = 2.26e-11",
    "flux = model.integral() or 2.26e-11",
    "flux = model.integral() if len(datasets) else 2.26e-11",
    "flux = 2.26e-11\nif stat.success:\n    flux = model.integral()",
    'flux = stat.get("flux", 2.26e-11)',
    'flux = getattr(stat, "flux", 2.26e-11)',
    "flux = np.nan_to_num(model.integral(), nan=2.26e-11)",
    "flux = float(np.where(np.isfinite(model.integral()), model.integral(), 2.26e-11))",
    "def f():\n    try:\n        return model.integral()\n    except ValueError:\n        return 2.26e-11\nflux = f()",
    "def flux_():\n    if not len(datasets):\n        return 2.26e-11\n    return model.integral()\nflux = flux_()",
]


@pytest.mark.parametrize("body", FALLBACKS)
def test_a_constant_in_the_place_of_what_failed(body: str) -> None:
    body = f'{body}\nresult = {{"flux": float(flux)}}'
    assert found(body, {"flux": 2.26e-11}) == {"flux": (FALLBACK, "error")}, "it was used"
    assert found(body, {"flux": 2.31e-11}) == {"flux": (FALLBACK, "warning")}, "it was not, this time"
    assert found(body) == {"flux": (FALLBACK, "warning")}, "before the run"


def test_a_whole_result_for_the_case_that_nothing_works() -> None:
    body = """
        try:
            result = {"flux": model.integral(), "index": model.index.value}
        except Exception:
            result = {"flux": 2.26e-11, "index": 2.6}
    """
    keys = found(body, {"flux": 2.26e-11, "index": 2.6})
    assert keys == {"flux": (FALLBACK, "error"), "index": (FALLBACK, "error")}


def test_a_table_of_constants_where_nothing_was_selected() -> None:
    body = """
        def numbers(datasets):
            if len(datasets) == 0:
                return {"flux": 2.26e-11, "index": 2.6}
            return {"flux": model.integral(), "index": model.index.value}
        result = numbers(datasets)
    """
    assert found(body, {"flux": 2.26e-11, "index": 2.6}) == {"flux": (FALLBACK, "error"), "index": (FALLBACK, "error")}


def test_a_fallback_is_followed_through_arithmetic_as_far_as_it_goes() -> None:
    body = """
        flux = model.integral() or 2.26e-11
        result = {"flux_erg": flux * 1.602, "ratio": model.other() / stat.total}
    """
    assert found(body, {"flux_erg": 2.26e-11 * 1.602, "ratio": 2.0}) == {"flux_erg": (FALLBACK, "error")}


@pytest.mark.parametrize(
    ("body", "request_"),
    [
        ('result = {"flux": model.integral(), "name": "Crab", "unit": "cm-2 s-1", "good": True, "dropped": 0}', ""),
        ('result = {"flux": model.integral(), "_meta": {"on_radius": 0.11, "reference": 1.0}}', ""),
        ('RADIUS = 0.11\nanything(RADIUS * u.deg)\nresult = {"size": RADIUS, "flux": model.integral()}', ""),
        ('result = {"n_sigma_ul": 2, "flux_ul": model.ul()}', "upper limit with n_sigma_ul=2"),
        ('INDEX = 2.3\nmodel.index.value = INDEX\nresult = {"index": INDEX}', "index fixed to 2.3"),
        ('n = 0\nfor one in datasets:\n    n += one.counts.data.sum()\nresult = {"n_on": n}', ""),
        ('best = 0.0\nfor one in datasets:\n    if one.ts > best:\n        best = one.ts\nresult = {"ts": best}', ""),
        ('result = {"excess": stat.n_sig, "significance": stat.sqrt_ts if stat.n_off > 0 else 0.0}', ""),
        ('result = {"detected": 1 if stat.sqrt_ts > 5 else 0, "n_obs": len(obs_table)}', ""),
        (
            'MODEL = "pl"\nif MODEL == "pl":\n    result = {"index": model.index}\nelse:\n    result = {"index": 2.0}',
            "",
        ),
        ('values = []\nfor one in datasets:\n    values.append(one.flux)\nresult = {"flux_max": max(values)}', ""),
        ('maps = np.nan_to_num(stat.data, nan=0.0)\nresult = {"flux_max": float(maps.max())}', ""),
        ('result = {}\nfor name in ("index", "amplitude"):\n    result[name] = model.parameters[name].value', ""),
        ('livetime = stat.meta.get("LIVETIME", 0)\nresult = {"livetime": livetime}', ""),
        (
            'def flux(low, high=10.0):\n    return model.flux(low * u.TeV, high)\nresult = {"flux": flux(1)}',
            "",
        ),
        ('result = {"exposure": float((10 * u.h * model.area(1 * u.TeV)).to_value("m2 s"))}', ""),
    ],
)
def test_right_scripts_have_no_finding(body: str, request_: str) -> None:
    assert found(body, request=request_) == {}


def test_a_formula_of_the_numbers_of_the_request_is_a_calculation() -> None:
    body = 'N, G = 1e-12, 2.3\nresult = {"flux": N * (1 - 10 ** (1 - G)) / (G - 1)}'
    asked = "Photon flux above 1 TeV of a power law of index 2.3 and amplitude 1e-12 cm-2 s-1 TeV-1."
    assert found(body, request=asked) == {}
    assert found(body, request="Measure the flux above 1 TeV.") == {"flux": (LITERAL, "error")}
    assert found(body) == {"flux": (LITERAL, "warning")}, "nobody knows what was asked"


def test_a_constant_that_is_not_what_came_out_was_overwritten() -> None:
    assert found('result = {"flux": 2.26e-11}\nanything(result)', {"flux": 3.1e-11}) == {}


def test_a_literature_value_of_the_request_is_still_no_measurement() -> None:
    asked = "Measure the flux and compare it with the 2.26e-11 cm-2 s-1 of the literature."
    assert found('result = {"flux": 2.26e-11}', request=asked) == {"flux": (LITERAL, "warning")}


QUANTITY, UNIT, ENERGIES = "result-quantity", "result-unit", "result-energies"


@pytest.mark.parametrize(
    ("body", "rule", "severity"),
    [
        ('result = {"livetime_h": float(obs_table["ONTIME"].quantity.sum().to_value("h"))}', QUANTITY, "error"),
        (
            'result = {"livetime_h": sum(o.observation_time_duration for o in datasets).to_value("h")}',
            QUANTITY,
            "error",
        ),
        ('result = {"excess": float(stat.counts.data.sum())}', QUANTITY, "error"),
        ('row = datasets.info_table()[-1]\nresult = {"n_off": int(row["counts"])}', QUANTITY, "error"),
        ('result = {"background": float(np.sum(stat.counts_off.data))}', QUANTITY, "warning"),
        ('result = {"significance": float(model.ts)}', QUANTITY, "error"),
        ('result = {"significance": stat.excess / np.sqrt(stat.background)}', QUANTITY, "warning"),
        ('result = {"significance": float(datasets.info_table()["sqrt_ts"].sum())}', QUANTITY, "error"),
        ('result = {"livetime_h": (obs_table["TSTOP"].max() - obs_table["TSTART"].min()) / 3600}', QUANTITY, "error"),
        ('result = {"cutoff_TeV": model.lambda_.value}', QUANTITY, "error"),
        (
            't = stat.obs_table.select_sky_circle(1, 2)\nresult = {"livetime": stat.obs_table["LIVETIME"].sum()}',
            QUANTITY,
            "error",
        ),
        ('result = {"flux_1_10TeV": stat.norm.quantity.value.squeeze()}', QUANTITY, "error"),
        ('result = {"index_err": model.index.value}', QUANTITY, "error"),
        ('result = {"mean_zenith_deg": float(np.mean(obs_table["ALT_PNT"]))}', QUANTITY, "error"),
        ('result = {"energy_flux_1_10TeV": model.integral(1 * u.TeV, 10 * u.TeV).value}', QUANTITY, "error"),
        ('result = {"flux_1_10TeV": model.amplitude.value}', QUANTITY, "error"),
        ('result = {"flux_1_10TeV": model.integral(1 * u.TeV, 30 * u.TeV).value}', ENERGIES, "error"),
        ('E = [1, 5] * u.TeV\nresult = {"flux_1_10TeV": model.integral(1 * u.TeV, E[1]).value}', None, ""),
        ('result = {"energy_flux_1_10TeV_erg": model.energy_flux(1, 10).to_value("TeV cm-2 s-1")}', UNIT, "error"),
        ('result = {"sigma_deg": model.sigma.quantity.to_value("arcmin")}', UNIT, "error"),
        ('result = {"livetime_h": obs_table["LIVETIME"].quantity.sum().to("min").value}', UNIT, "error"),
    ],
)
def test_a_number_under_the_name_of_another(body: str, rule: str | None, severity: str) -> None:
    assert list(found(body).values()) == ([(rule, severity)] if rule else [])


def test_the_unit_is_that_of_the_request() -> None:
    body = 'result = {"flux": model.integral(1 * u.TeV, 10 * u.TeV).to_value("m-2 s-1")}'
    asked = 'Write result.json with "flux" (photon flux 1-10 TeV, cm-2 s-1).'
    assert found(body, request=asked) == {"flux": (UNIT, "error")}
    assert found(body, request=asked.replace("cm-2", "m-2")) == {}
    assert found(body) == {}, "nobody said which"


@pytest.mark.parametrize(
    "body",
    [
        'result = {"livetime_h": float((obs_table["ONTIME"] * (1 - obs_table["DEADC"])).sum() / 3600)}',
        'result = {"excess": stat.counts.data.sum() - stat.alpha * stat.counts_off.data.sum()}',
        'result = {"excess": float(datasets.info_table(cumulative=True)[-1]["excess"])}',
        'result = {"flux_1_10TeV": model.integral(1000 * u.GeV, 10 * u.TeV).to_value("1 / (cm2 s)")}',
        'result = {"flux_above_1TeV": model.integral(1 * u.TeV, 100 * u.TeV).to_value("cm-2 s-1")}',
        'result = {"flux_1TeV": model(1 * u.TeV).to_value("cm-2 s-1 TeV-1")}',
        'result = {"e_peak_TeV": model.e_peak.to_value("TeV"), "cutoff_TeV": 1 / model.lambda_.value}',
        'result = {"index": model.index.value, "index_err": model.index.error}',
        't = stat.obs_table.select_sky_circle(1, 2)\nresult = {"livetime": t["LIVETIME"].sum()}',
        'result = {name: float(getattr(model, name).value) for name in ("alpha", "beta")}',
        'ends = obs_table["TSTOP"] - obs_table["TSTART"]\nresult = {"livetime_h": sum(ends * obs_table["LIVETIME"])}',
    ],
)
def test_a_number_under_its_own_name(body: str) -> None:
    assert found(body) == {}


@pytest.mark.parametrize("recipe", recipes())
def test_recipes_have_no_finding(recipe: str) -> None:
    assert check_provenance(recipes()[recipe].source) == []


def test_text_that_is_no_python_is_left_to_others() -> None:
    assert check_provenance("def f(:\n") == []
    assert check_provenance("x = " + "(" * 2000 + ")" * 2000) == []


def test_what_is_no_measurement() -> None:
    crab = (
        "from gammapy.modeling.models import create_crab_spectral_model\ncrab = create_crab_spectral_model('hess_pl')\n"
    )
    assert found(crab + 'result = {"flux": crab.integral(1, 10).value}') == {"flux": (QUANTITY, "error")}
    assert found(crab + 'result = {"reference_flux": crab.integral(1, 10).value}') == {}
    assert found('result = {"flux_ul": abs(model.integral(1, 10).value)}') == {"flux_ul": (QUANTITY, "error")}
    assert found('result = {"flux_ul": float(model.flux_ul.quantity.value[0])}') == {}
