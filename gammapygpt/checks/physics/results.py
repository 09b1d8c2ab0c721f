"""What `result.json` alone gives away: flags, errors, times and values that cannot be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from gammapygpt.checks.outcome import META, is_finite, is_number
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.state import Finding

FIT_FLAGS = ("fit_success", "fit_converged", "converged")
COVARIANCE_FLAGS = ("covariance_success", "fit_covariance_success")
USED = ("obs_ids", "run_ids", "observations")
ASKED = ("OBS_IDS", "obs_ids")
"""Parameters of a plan that name the observations to use."""
INDICES = ("index", "spectral_index", "photon_index")
POSITIVE = ("amplitude", "norm", "flux", "energy_flux", "eflux")
"""Results whose keys begin so are positive for any source that was found."""
LIVE, ON = "livetime", "ontime"


def fit_flags(evidence: Evidence) -> Iterator[Finding]:
    """A fit that says itself that it failed."""
    meta = meta_of(evidence.result)
    if any(meta.get(flag) is False for flag in FIT_FLAGS):
        yield found("fit-not-converged", "The script says that the fit did not converge.")
    if any(meta.get(flag) is False for flag in COVARIANCE_FLAGS):
        yield found("covariance-failed", "The script says that the covariance could not be computed.")


def errors(evidence: Evidence) -> Iterator[Finding]:
    """Errors of fitted parameters are positive; one as large as its value says that little was measured."""
    result = evidence.result
    for key, error in result.items():
        name = key.removesuffix("_err")
        if name == key or name not in result or not is_number(error) or not is_number(result[name]):
            continue
        if not is_finite(error) or error <= 0:
            remedy = "Check that the parameter was free, the fit converged and the covariance was computed."
            yield found("covariance-failed", f"The error of `{name}` is not positive.", remedy=remedy, key=key)
        elif name.startswith((*INDICES, *POSITIVE)) and error > abs(result[name]):
            yield found("error-too-large", f"`{name}` is smaller than its error.", key=key)


def times(evidence: Evidence) -> Iterator[Finding]:
    """Livetime is ontime less the dead time; compared where both are given in the same unit."""
    for key, live in evidence.result.items():
        on = evidence.result.get(key.replace(LIVE, ON), math.nan)
        if LIVE in key and is_number(live) and is_number(on):
            if live > on * (1 + 1e-6):
                yield found("livetime-implausible", f"`{key}` exceeds the ontime.", key=key, severity="error")
            elif live <= 0:
                yield found("livetime-implausible", f"`{key}` is not positive.", key=key)


def observations(evidence: Evidence) -> Iterator[Finding]:
    """The observations used are those asked for, and some where anything was measured."""
    result, meta, plan = evidence.result, meta_of(evidence.result), evidence.plan
    used = next((meta[name] for name in USED if isinstance(meta.get(name), list)), None)
    if used is None:
        return
    parameters = plan.parameters if plan is not None else {}
    asked: list[Any] = next((parameters[name] for name in ASKED if isinstance(parameters.get(name), list)), [])
    measured = any(key.endswith("_err") or key.startswith(POSITIVE) for key in result)
    if not used and (asked or measured):
        yield found("no-observations", "No observation was used.")
    elif asked and {str(one) for one in used} != {str(one) for one in asked}:
        yield found("runs-dropped", "The observations used are not those asked for.")


def ranges(evidence: Evidence) -> Iterator[Finding]:
    """Values that are rarely right at TeV energies; a person decides."""
    for key, value in evidence.result.items():
        if not is_number(value) or key.endswith("_err"):
            continue
        if key in INDICES and not 1.0 <= value <= 5.0:
            yield found("index-unusual", f"`{key}` is outside 1 to 5.", key=key)
        elif key.startswith(POSITIVE) and value <= 0:
            yield found("not-positive", f"`{key}` is not positive.", key=key)


def meta_of(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the script says of itself."""
    meta = result.get(META)
    return meta if isinstance(meta, dict) else {}


RULES = (fit_flags, errors, times, observations, ranges)
