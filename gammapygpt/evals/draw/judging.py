"""From a draft to known answers: run the reference, hold it against the truth, find tolerances, reject the mistakes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gammapygpt.checks.expected import Expected, check_expected
from gammapygpt.errors import GammapyGPTError
from gammapygpt.evals.draw.draft import Asked, Draft, Way
from gammapygpt.evals.draw.running import run_script
from gammapygpt.evals.task import Variant, WrongAnswer

N_SIGMA = 4.0
"""How far the reference may be from the truth, in its own standard errors."""
SYSTEMATIC = 0.02
"""What binning and interpolation may do to the reference, as a fraction; added to the errors."""
MARGIN = 1.5
"""Tolerances are so many times the largest difference that a legitimate way makes."""
OF_ERROR = 0.2
"""Tolerances are at least this fraction of the standard error: who uses the same events comes closer than that."""
CLEAR = 1.1
"""A mistake is rejected if it is farther off than so many tolerances."""
WRONG_ANSWERS = 2
"""A task has so many at least."""


class DrawAgain(Exception):
    """This draft makes no good task: a mistake would pass, or a legitimate way would not."""


@dataclass(frozen=True)
class Answers:
    """All numbers of a task."""

    expected: list[Expected]
    accepted: list[Variant]
    wrong: list[WrongAnswer]
    sigmas: dict[str, float]
    """Reference minus truth in standard errors, by key."""


def answers(draft: Draft, data: Path) -> Answers:
    """Run the reference and all ways of a draft.

    Raises
    ------
    DrawAgain
        Tolerances cannot tell right from wrong.
    GammapyGPTError
        The reference is too far from the truth.
    """
    reference = run_script(draft.source(Way("", results=free_mistakes(draft))), data)
    sigmas = {one.key: off_truth(one, reference) for one in draft.asked if one.truth is not None}
    accepted = [(way, run_script(draft.source(way), data)) for way in draft.accepted]
    results = [result for _, result in accepted]
    expected = [known_answer(one, reference, results) for one in draft.asked if one.shown]
    wrong = rejected(draft, expected, reference, data)
    if len(wrong) < WRONG_ANSWERS:
        raise DrawAgain(f"only {len(wrong)} mistakes are told from the right answer")
    variants = [Variant(label=way.label, values=shown(draft, result)) for way, result in accepted]
    return Answers(expected, variants, wrong, sigmas)


def free_mistakes(draft: Draft) -> dict[str, list[Any]]:
    """What the reference gives as it runs: entries of RESULTS for mistakes that are made when all is computed."""
    late = [way for way in [*draft.wrong, *draft.harmless] if not way.elsewhere]
    return {f"{way.label}: {key}": entry for way in late for key, entry in way.results.items()}


def shown(draft: Draft, result: dict[str, Any], label: str = "") -> dict[str, Any]:
    """The part of a result that is asked for, rounded; that of one of `free_mistakes` by its label."""
    keys = [one.key for one in draft.asked if one.shown]
    return {key: six_digits(result.get(f"{label}: {key}", result[key])) for key in keys}


def six_digits(value: Any) -> Any:
    """Other machines may differ in the last digits of a fit."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def off_truth(asked: Asked, result: dict[str, Any]) -> float:
    """How far the reference is from the truth, in standard errors; 0 for what agrees but for systematics.

    Raises
    ------
    GammapyGPTError
        Too far: reference script, simulation or truth is wrong.
    """
    value, truth, error = result[asked.key], asked.truth or 0.0, result.get(f"{asked.key}_err")
    if error is None:
        if abs(value - truth) <= 1e-6 * abs(truth):
            return 0.0
        raise GammapyGPTError(f"The reference gives {value:g} for {asked.key}, the truth is {truth:g}.")
    off = max(abs(value - truth) - SYSTEMATIC * abs(truth), 0.0) / error
    if not off <= N_SIGMA:
        raise GammapyGPTError(
            f"The reference gives {value:g} +- {error:g} for {asked.key}, {off:.1f} standard errors from the truth "
            f"{truth:g}.",
            f"By chance that happens once in 16,000 times; else {asked.quantity[0]} of the reference is wrong.",
        )
    return round(off if value > truth else -off, 2)


def known_answer(asked: Asked, reference: dict[str, Any], accepted: list[dict[str, Any]]) -> Expected:
    """The reference's value, with a tolerance that lets every legitimate way pass."""
    value = six_digits(reference[asked.key])
    if asked.exact:
        if any(result[asked.key] != reference[asked.key] for result in accepted):
            raise DrawAgain(f"{asked.key} depends on choices that are free")
        entry = {"key": asked.key, "value": value, "unit": asked.unit, "why": "exact"}
        return Expected.model_validate(entry | exact_tolerance(value))
    spread = max((abs(result[asked.key] - value) for result in accepted), default=0.0)
    error = reference.get(f"{asked.key}_err", 0.0)
    floor = max(asked.abs_tol, asked.rel_tol * abs(value), OF_ERROR * error)
    tolerance = max(MARGIN * spread, floor)
    why = f"{len(accepted)} legitimate ways differ by up to {spread:.2g}"
    why += f"; standard error {error:.2g}" if error else ""
    abs_tol = float(f"{tolerance:.2g}")
    entry = {"key": asked.key, "value": value, "abs_tol": abs_tol, "unit": asked.unit, "why": why}
    return Expected.model_validate(entry)


def exact_tolerance(value: Any) -> dict[str, Any]:
    """None for ids and counts."""
    if isinstance(value, float):
        return {"type": "float", "rel_tol": 1e-3}
    return {"abs_tol": 0.0} if isinstance(value, int | list) else {}


def rejected(draft: Draft, expected: list[Expected], reference: dict[str, Any], data: Path) -> list[WrongAnswer]:
    """The mistakes that the tolerances tell from the right answer.

    Raises
    ------
    DrawAgain
        One of those that matter passes.
    """
    found = []
    for way in [*draft.wrong, *draft.harmless]:
        values = mistaken(draft, way, data) if way.elsewhere else shown(draft, reference, way.label)
        if values is None:
            continue
        keys = [finding.key for finding in check_expected(values, [widened(one) for one in expected])]
        if keys:
            found.append(WrongAnswer(label=way.label, values=values, rejected_by=keys, how="computed"))
        elif way in draft.wrong:
            raise DrawAgain(f"{way.label}: the tolerances let it pass")
    return found


def mistaken(draft: Draft, way: Way, data: Path) -> dict[str, Any] | None:
    """What a mistake gives; None where its script stops, as it well may."""
    try:
        values = shown(draft, run_script(draft.source(way), data))
    except AssertionError:
        return None
    finite = all(value == value and abs(value) != float("inf") for value in values.values() if isinstance(value, float))
    return values if finite else None


def widened(expected: Expected) -> Expected:
    """The same with a tolerance somewhat larger: what it rejects is rejected clearly."""
    tolerances = {name: getattr(expected, name) for name in ("abs_tol", "rel_tol")}
    return expected.model_copy(update={name: one * CLEAR for name, one in tolerances.items() if one is not None})
