"""Rules on the numbers that a script asks for and gives: cost, seeds, limits, significances, units in text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.static_calls import Script, argument, read_script, spread
from gammapygpt.checks.selection import last_part
from gammapygpt.state import Finding

ESTIMATORS = ("FluxPointsEstimator", "LightCurveEstimator", "FluxProfileEstimator", "TSMapEstimator")
RANDOM = {"poisson", "normal", "uniform", "choice", "rand", "randn", "random", "standard_normal", "multivariate_normal"}
SEEDS = {"seed", "RandomState", "default_rng", "SeedSequence", "get_random_state", "manual_seed"}
LIMIT = re.compile(r"(?i)\bupper[\s-]limits?\b|\bUL\b")
LIMIT_WORDS = {
    "ul",
    "all",
    "n_sigma_ul",
    "flux_ul",
    "norm_ul",
    "compute_upper_limit",
    "confidence",
    "stat_profile",
    "errn",
}
UNIT_WORD = re.compile(r"(?i)\b(?:[kmgtp]?ev|erg|cm|m|s|h|deg|sr|min|crab|c\.u)\b|-1|-2|\^|%")
QUANTITIES = {"dnde", "flux", "eflux", "e2dnde", "amplitude", "integral", "energy_flux"}


def expensive(evidence: Evidence) -> Iterator[Finding]:
    """Rule 34: every optional quantity of an estimator."""
    script = read_script(evidence.script)
    for call in script.made(*ESTIMATORS) if script else ():
        assert script is not None
        if "all" in script.texts(argument(call, "selection_optional")):
            yield found("expensive-selection", f"{last_part(call.func)} computes everything.", line=call.lineno)


def seeds(evidence: Evidence) -> Iterator[Finding]:
    """Rule 40: a simulation that gives other numbers each time."""
    script = read_script(evidence.script)
    if script is None:
        return
    simulating = [("fake", call) for call in script.methods("fake")]
    simulating += [("MapDatasetEventSampler", call) for call in script.made("MapDatasetEventSampler")]
    for name, call in simulating:
        state = argument(call, "random_state", 0)
        if name == "fake" and state is None and argument(call, "npred_background") is not None:
            state = argument(call, "random_state", 1)
        unseeded = (state is None and not spread(call) and not call.args) or script.constant(state) == "random-seed"
        if unseeded:
            yield found("no-seed", f"`{name}` gets no random_state.", line=call.lineno)
    yield from bare_random(script)
    yield from same_seed(script)


def same_seed(script: Script) -> Iterator[Finding]:
    """Simulations of one data set in a loop that all begin with the same seed."""
    for loop in [node for node in script.source.nodes() if isinstance(node, ast.For)]:
        inside = {id(part) for statement in loop.body for part in ast.walk(statement)}
        targets = {part.id for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
        for call in script.methods("fake"):
            state, base = argument(call, "random_state", 0), call.func.value  # type: ignore[attr-defined]
            names = {part.id for part in ast.walk(base) if isinstance(part, ast.Name)}
            if id(call) in inside and not names & targets and isinstance(script.constant(state), int):
                text = f"`{ast.unparse(call)[:50]}` stands in a loop: each round draws the same numbers."
                remedy = "Make one generator before the loop, and give it to each round."
                yield found("no-seed", text, remedy=remedy, line=call.lineno)


def bare_random(script: Script) -> Iterator[Finding]:
    """Random numbers of numpy without a seed."""
    seeded = any(name.rpartition(".")[2] in SEEDS and (call.args or call.keywords) for name, call in script.calls)
    if seeded:
        return
    for name, call in script.calls:
        if name.startswith("numpy.random.") and name.rpartition(".")[2] in RANDOM:
            yield found("no-seed", f"`{ast.unparse(call.func)}` draws random numbers without a seed.", line=call.lineno)
            return


def limits(evidence: Evidence) -> Iterator[Finding]:
    """Rule 32: an upper limit was asked for, and nothing in the script computes one."""
    script = read_script(evidence.script)
    if script is None or evidence.request is None or not LIMIT.search(evidence.request.text):
        return
    words = script.names()
    if not any("ul" in word.lower().split("_") or word in LIMIT_WORDS for word in words):
        yield found("no-upper-limit", "An upper limit was asked for, and the script computes none.")


def alpha_by_hand(evidence: Evidence) -> Iterator[Finding]:
    """Rule 31: a significance with an exposure ratio that somebody typed."""
    script = read_script(evidence.script)
    for call in script.made("WStatCountsStatistic") if script else ():
        assert script is not None
        alpha = script.number(argument(call, "alpha", 2))
        if alpha is None or not script.reads_data():
            continue
        seen = [one.alpha for one in evidence.facts.datasets if one.alpha]
        off = bool(seen) and all(abs(alpha / one - 1) > 0.1 for one in seen)
        told = f" The run has {min(seen):.3g} to {max(seen):.3g}." if off else ""
        text = f"WStatCountsStatistic is given alpha = {alpha:g}, a number of the script.{told}"
        remedy = "Take alpha = acceptance / acceptance_off from the data set, or its info_dict()['sqrt_ts']."
        yield found("alpha-unusual", text, remedy=remedy, severity="error" if off else "warning", line=call.lineno)


def bare_numbers(evidence: Evidence) -> Iterator[Finding]:
    """Rule 36: a flux is printed without its unit."""
    script = read_script(evidence.script)
    if script is None:
        return
    for name, call in script.calls:
        if name != "builtins.print":
            continue
        for text in [one for one in call.args if isinstance(one, ast.JoinedStr)]:
            said = "".join(str(part.value) for part in text.values if isinstance(part, ast.Constant))
            shown = [part.value for part in text.values if isinstance(part, ast.FormattedValue)]
            bare = [one for one in shown if is_bare_flux(one)]
            if bare and not UNIT_WORD.search(said):
                what = ast.unparse(bare[0])[:60]
                yield found("unit-missing", f"`{what}` is printed without its unit.", severity="info", line=call.lineno)
                return


def is_bare_flux(node: ast.expr) -> bool:
    """`flux.value`, `model.integral(...).value`, `fp.dnde.quantity.value[0]`."""
    names = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    return "value" in names and bool(names & QUANTITIES)


RULES = (expensive, seeds, limits, alpha_by_hand, bare_numbers)
