"""Gate 3, the physics: rules that need no known answer. Errors are safe stops, the rest are hints for a person."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from gammapygpt.checks.outcome import META, is_finite, is_number
from gammapygpt.state import Finding, Plan, Severity

FIT_FLAGS = ("fit_success", "fit_converged", "converged")
COVARIANCE_FLAGS = ("covariance_success", "fit_covariance_success")
USED = ("obs_ids", "run_ids", "observations")
ASKED = ("OBS_IDS", "obs_ids")
"""Parameters of a plan that name the observations to use."""
INDICES = ("index", "spectral_index", "photon_index")
POSITIVE = ("amplitude", "norm", "flux", "energy_flux", "eflux")
"""Results whose keys begin so are positive for any source that was found."""
LIVE, ON = "livetime", "ontime"


def check_physics(result: dict[str, Any], plan: Plan | None = None) -> list[Finding]:
    """Sanity of results that cannot be compared with a known answer.

    Parameters
    ----------
    result
        What `result.json` holds; rules that need `_meta` are silent where it is not given.
    plan
        What was asked for; its parameters name the observations, if any.
    """
    meta = result.get(META) if isinstance(result.get(META), dict) else {}
    rules = (
        _fit(meta or {}),
        _errors(result),
        _times(result),
        _observations(result, meta or {}, plan),
        _ranges(result),
    )
    return [finding for rule in rules for finding in rule]


def physics(rule: str, message: str, remedy: str, key: str = "", severity: Severity = "error") -> Finding:
    """A finding of this module."""
    return Finding(
        gate="physics", kind="physics", rule=rule, severity=severity, message=message, remedy=remedy, key=key
    )


def _fit(meta: dict[str, Any]) -> Iterator[Finding]:
    """A fit that says itself that it failed."""
    if any(meta.get(flag) is False for flag in FIT_FLAGS):
        remedy = "Give better start values, bound the parameters, and set a small error on free positions."
        yield physics("fit-not-converged", "The fit did not converge.", remedy)
    if any(meta.get(flag) is False for flag in COVARIANCE_FLAGS):
        remedy = "Freeze or bound what the data do not constrain, and fit again."
        yield physics("covariance-failed", "The covariance of the fit could not be computed.", remedy)


def _errors(result: dict[str, Any]) -> Iterator[Finding]:
    """Errors of fitted parameters are positive; one as large as its value says that little was measured."""
    for key, error in result.items():
        name = key.removesuffix("_err")
        if name == key or name not in result or not is_number(error) or not is_number(result[name]):
            continue
        if not is_finite(error) or error <= 0:
            remedy = "Check that the parameter was free, the fit converged and the covariance was computed."
            yield physics("error-not-positive", f"The error of `{name}` is not positive.", remedy, key)
        elif name.startswith((*INDICES, *POSITIVE)) and error > abs(result[name]):
            remedy = "Quote an upper limit, or free fewer parameters."
            yield physics("error-too-large", f"`{name}` is smaller than its error.", remedy, key, "warning")


def _times(result: dict[str, Any]) -> Iterator[Finding]:
    """Livetime is ontime less the dead time; compared where both are given in the same unit."""
    for key, live in result.items():
        on = result.get(key.replace(LIVE, ON), math.nan)
        if LIVE in key and is_number(live) and is_number(on):
            if live > on * (1 + 1e-6):
                remedy = "Livetime is ontime times (1 - dead time fraction); look which is which."
                yield physics("livetime-exceeds-ontime", f"`{key}` exceeds the ontime.", remedy, key)
            elif live <= 0:
                remedy = "Look which observations were used."
                yield physics("no-livetime", f"`{key}` is not positive.", remedy, key, "warning")


def _observations(result: dict[str, Any], meta: dict[str, Any], plan: Plan | None) -> Iterator[Finding]:
    """The observations used are those asked for, and some where anything was measured."""
    used = next((meta[name] for name in USED if isinstance(meta.get(name), list)), None)
    if used is None:
        return
    parameters = plan.parameters if plan is not None else {}
    asked: list[Any] = next((parameters[name] for name in ASKED if isinstance(parameters.get(name), list)), [])
    measured = any(key.endswith("_err") or key.startswith(POSITIVE) for key in result)
    if not used and (asked or measured):
        remedy = "Print the selected OBS_IDs; widen the selection, or correct the position or required_irf."
        yield physics("no-observations", "No observation was used.", remedy)
    elif asked and {str(one) for one in used} != {str(one) for one in asked}:
        text = "The observations used are not those asked for."
        yield physics("other-observations", text, "Say which were left out, and why.", severity="warning")


def _ranges(result: dict[str, Any]) -> Iterator[Finding]:
    """Values that are rarely right at TeV energies; a person decides."""
    for key, value in result.items():
        if not is_number(value) or key.endswith("_err"):
            continue
        if key in INDICES and not 1.0 <= value <= 5.0:
            remedy = "Look at the sign convention (dN/dE ~ E^-index), the energy range and the start values."
            yield physics("index-unusual", f"`{key}` is outside 1 to 5.", remedy, key, "warning")
        elif key.startswith(POSITIVE) and value <= 0:
            remedy = "Quote an upper limit, or look at background and ON region."
            yield physics("not-positive", f"`{key}` is not positive.", remedy, key, "warning")
