"""What several rules ask of the facts of a run: which data sets and fits count, how significant, how to name them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from gammapygpt.checks.physics.facts import Dataset, Facts, Fit, Making

DATASET_MAKERS = ("SpectrumDatasetMaker", "MapDatasetMaker")
ENDS = ("fit", "points")
"""Uses that make numbers in physical units of a data set."""


def answered_from(facts: Facts) -> list[Dataset]:
    """The data sets that the numbers come from: fitted or estimated from, else stacked or looked at."""
    used = [dataset for dataset in facts.datasets if set(ENDS) & set(dataset.uses)]
    if used:
        return used
    stacks = [dataset for dataset in facts.datasets if "stacked" in dataset.uses and dataset.type]
    return stacks or [dataset for dataset in facts.datasets if "info" in dataset.uses]


def with_members(facts: Facts, datasets: Iterable[Dataset]) -> list[Dataset]:
    """Data sets and those that were stacked into them, each once."""
    found: dict[int, Dataset] = {}
    waiting = list(datasets)
    while waiting:
        dataset = waiting.pop(0)
        if dataset.number not in found:
            found[dataset.number] = dataset
            waiting += [one for number in dataset.members if (one := facts.dataset(number)) is not None]
    return list(found.values())


def modelled(facts: Facts) -> bool:
    """Whether fluxes were computed at all, so that exposure and energies matter."""
    return bool(facts.fits or facts.points) or any(dataset.models for dataset in facts.datasets)


def reductions(facts: Facts) -> list[Making]:
    """How data sets were made from observations."""
    return [making for making in facts.makings if making.maker in DATASET_MAKERS]


def last_fits(facts: Facts) -> list[list[Fit]]:
    """The fits of each set of data sets, in order: the last of each is the one whose values stand."""
    groups: dict[tuple[str, ...], list[Fit]] = {}
    for fit in facts.fits:
        names = (one.name if (one := facts.dataset(number)) else str(number) for number in fit.datasets)
        groups.setdefault(tuple(sorted(names)), []).append(fit)
    return list(groups.values())


def standing(facts: Facts) -> list[Fit]:
    """The last fit of each set of data sets."""
    return [fits[-1] for fits in last_fits(facts)]


def datasets_of(facts: Facts, numbers: Iterable[int]) -> list[Dataset]:
    """Data sets by their numbers."""
    return [dataset for number in numbers if (dataset := facts.dataset(number)) is not None]


def li_ma(n_on: float, n_off: float, alpha: float) -> float:
    """Significance of an excess, with its sign (Li & Ma 1983, ApJ 272, 317, eq. 17)."""
    if alpha <= 0 or n_on + n_off <= 0:
        return 0.0
    on = n_on * math.log((1 + alpha) / alpha * n_on / (n_on + n_off)) if n_on > 0 else 0.0
    off = n_off * math.log((1 + alpha) * n_off / (n_on + n_off)) if n_off > 0 else 0.0
    return math.copysign(math.sqrt(max(0.0, 2 * (on + off))), n_on - alpha * n_off)


def significance(datasets: Sequence[Dataset]) -> float | None:
    """Of the excess over all of some ON/OFF data sets; None where one has no OFF counts, or none has ON counts."""
    counts = [(one.counts, one.counts_off, one.background) for one in datasets if one.on_off]
    if not counts or len(counts) < len(datasets):
        return None
    n_on, n_off, background = (sum(value or 0.0 for value in column) for column in zip(*counts, strict=True))
    measured = n_on > 0 and n_off > 0 and background > 0  # a sensitivity is computed without counts
    return li_ma(n_on, n_off, background / n_off) if measured else None


def named(things: Iterable[object], most: int = 5) -> str:
    """Some names in a sentence, not endlessly many."""
    texts = [str(thing) for thing in things]
    rest = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + rest


def names(datasets: Iterable[Dataset]) -> str:
    """Data sets in a sentence."""
    return named(dataset.name or dataset.number for dataset in datasets)
