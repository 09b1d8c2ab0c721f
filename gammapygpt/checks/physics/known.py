"""Rules that compare with what is known: the Crab, the EBL, the run itself; and simulations."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gammapygpt.checks.asking import given
from gammapygpt.checks.outcome import is_number
from gammapygpt.checks.physics.facts import Facts, Fit, Parameter
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.seen import datasets_of, named, standing
from gammapygpt.state import Finding

CRAB_RA, CRAB_DEC, CRAB_NEAR = 83.633, 22.014, 0.1
"""deg, ICRS."""
CRAB_AT_1_TEV = 3.45e-11
"""cm-2 s-1 TeV-1; H.E.S.S. 2006, A&A 457, 899."""
CRAB_RATIO = (0.75, 1.6)
FARTHEST_REDSHIFT = 0.05
COMPARED = ("index", "beta")
"""Results whose keys are names of parameters without a unit."""


def observed(evidence: Evidence) -> Iterator[Finding]:
    """Whether the run could be looked into at all."""
    facts = evidence.facts
    if evidence.told and not facts.seen:
        yield found("run-not-observed", "Nobody could look into the run.")
    elif facts.replaced:
        yield found("run-not-observed", f"The script replaced {named(facts.replaced)} by its own.")


def crab(evidence: Evidence) -> Iterator[Finding]:
    """The flux of the Crab nebula at 1 TeV, where it was fitted."""
    facts = evidence.facts
    for fit in standing(facts):
        if not any(on_crab(facts, number) for number in fit.datasets) or facts.simulations:
            continue
        flux = at_1_tev(fit)
        if flux and not CRAB_RATIO[0] <= flux / CRAB_AT_1_TEV <= CRAB_RATIO[1]:
            ratio = flux / CRAB_AT_1_TEV
            yield found("calibrator-off", f"The Crab came out at {ratio:.2g} times its known flux at 1 TeV.")


def on_crab(facts: Facts, number: int) -> bool:
    """Whether a data set is centred on the Crab, in an energy range with 1 TeV."""
    dataset = facts.dataset(number)
    if dataset is None or dataset.region is None or not dataset.used_energy:
        return False
    ra, dec = dataset.region.ra_deg, dataset.region.dec_deg
    near = ra is not None and dec is not None and abs(ra - CRAB_RA) + abs(dec - CRAB_DEC) < CRAB_NEAR
    return near and dataset.used_energy[0] <= 1.5 and dataset.used_energy[1] > 1.0


def at_1_tev(fit: Fit) -> float | None:
    """dN/dE at 1 TeV of the one source that was fitted, in cm-2 s-1 TeV-1; None for models that are not simple."""
    parts = {one.kind: one.model for one in fit.parameters if "Spectral" in one.kind and "Norm" not in one.kind}
    if len(parts) != 1 or len(set(parts.values())) != 1:
        return None
    kind = next(iter(parts))
    told: dict[str, Parameter] = {one.name: one for one in fit.parameters if one.kind == kind}
    value = {name: one.value for name, one in told.items() if one.value is not None}
    if "amplitude" not in value or told["amplitude"].unit.replace(" ", "") not in TEV_UNITS or "reference" not in value:
        return None
    reference = value["reference"] * {"TeV": 1.0, "GeV": 1e-3, "MeV": 1e-6}.get(told["reference"].unit, math.nan)
    if kind == "PowerLawSpectralModel" and "index" in value:
        return value["amplitude"] * reference ** value["index"]
    if kind == "ExpCutoffPowerLawSpectralModel" and told["lambda_"].unit.replace(" ", "") in ("1/TeV", "TeV-1"):
        return (
            value["amplitude"] * reference ** value["index"] * math.exp(-(value["lambda_"] ** value.get("alpha", 1.0)))
        )
    if kind == "LogParabolaSpectralModel":
        bend = value["alpha"] - value["beta"] * math.log(reference)
        return value["amplitude"] * reference**bend
    return None


TEV_UNITS = ("1/(TeVscm2)", "1/(cm2sTeV)", "TeV-1s-1cm-2", "1/(cm2TeVs)")


def absorbed(evidence: Evidence) -> Iterator[Finding]:
    """Distant sources that were fitted without absorption."""
    redshift = given(evidence.request).get("REDSHIFT") or 0.0
    fits = standing(evidence.facts)
    seen = {one.kind for fit in fits for one in fit.parameters} | {one.kind for one in evidence.facts.models}
    if fits and redshift > FARTHEST_REDSHIFT and "EBLAbsorptionNormSpectralModel" not in seen:
        yield found("no-ebl", f"The source has a redshift of {redshift}, and no model has absorption.")


def seeded(evidence: Evidence) -> Iterator[Finding]:
    """Simulations without a seed, or of background alone."""
    facts = evidence.facts
    if any(one.random_state == "random-seed" for one in facts.simulations):
        yield found("no-seed", "Counts or events were simulated without a seed.")
    numbers = [one.dataset for one in facts.simulations if one.dataset is not None]
    bare = [one for one in datasets_of(facts, numbers) if one.models is None]
    if bare:
        yield found("no-seed", f"`{bare[0].name}` was simulated without models.")


def written(evidence: Evidence) -> Iterator[Finding]:
    """Results with the name of a parameter, whose value no parameter has."""
    facts = evidence.facts
    if facts.left_out or not facts.fits:
        return
    known = [one for fit in facts.fits for one in fit.parameters] + facts.models
    for key, value in evidence.result.items():
        name, error = key.removesuffix("_err"), key.endswith("_err")
        told = [one.error if error else one.value for one in known if one.name == name]
        if name not in COMPARED or not is_number(value) or not told:
            continue
        if not any(one is not None and math.isclose(one, value, rel_tol=2e-3, abs_tol=6e-3) for one in told):
            text = f"`{key}` is {value:.5g}; the run had {named(f'{one:.5g}' for one in told if one is not None)}."
            yield found("result-differs-from-run", text, key=key)


RULES = (observed, crab, absorbed, seeded, written)
