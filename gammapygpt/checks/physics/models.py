"""Rules about models: set on the data sets that are fitted, with a background that is theirs."""

from __future__ import annotations

from collections.abc import Iterator

from gammapygpt.checks.physics.facts import Dataset
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.seen import datasets_of, named, names, standing
from gammapygpt.state import Finding

NORMS = (0.5, 2.0)
"""Of a fitted background, beyond which it needs a look."""


def models_set(evidence: Evidence) -> Iterator[Finding]:
    """Fitted data sets without any model."""
    bare: dict[int, Dataset] = {}
    for fit in standing(evidence.facts):
        for dataset in datasets_of(evidence.facts, fit.datasets):
            if not dataset.models and not dataset.background_model:
                bare[dataset.number] = dataset
    if bare:
        yield found("no-models", f"{names(bare.values())}: fitted without models.")


def background_attached(evidence: Evidence) -> Iterator[Finding]:
    """Background models for data sets that do not exist, beside fitted ones that have none."""
    facts = evidence.facts
    known = {dataset.name for dataset in facts.datasets}
    strangers = [name for name in dict.fromkeys(facts.background_models) if name not in known]
    for dataset in fitted_cubes(evidence):
        if not dataset.background_model and strangers:
            text = f"The background model names `{named(strangers, 2)}`, the fitted data set is `{dataset.name}`."
            yield found("background-model-not-attached", text)


def fitted_cubes(evidence: Evidence) -> list[Dataset]:
    """Data sets with a predicted background on a map, that were fitted."""
    numbers = dict.fromkeys(number for fit in standing(evidence.facts) for number in fit.datasets)
    return [one for one in datasets_of(evidence.facts, numbers) if one.type == "MapDataset" and one.has_background]


def background_free(evidence: Evidence) -> Iterator[Finding]:
    """3D fits with a background that is fixed, or far from what was predicted."""
    facts = evidence.facts
    scaled = any(making.maker == "FoVBackgroundMaker" for making in facts.makings)
    cubes = fitted_cubes(evidence)
    bare = [one for one in cubes if not one.background_model]
    if bare and not scaled:
        yield found("background-not-fitted", f"{names(bare)}: fitted without a background model.")
    theirs = {one.background_model for one in cubes if one.background_model}
    for fit in standing(facts):
        norms = [one for one in fit.parameters if one.model in theirs and one.name == "norm"]
        held = [one for one in norms if one.frozen and not (scaled and one.value == 1)]
        if held:
            yield found("background-not-fitted", f"The norm of `{held[0].model}` is frozen at {held[0].value:.3g}.")
        for one in norms:
            if not one.frozen and one.value is not None and not NORMS[0] <= one.value <= NORMS[1]:
                yield found("background-not-fitted", f"The norm of `{one.model}` came out at {one.value:.3g}.")


def shared(evidence: Evidence) -> Iterator[Finding]:
    """Joint fits in which a source is missing from some data sets."""
    for fit in standing(evidence.facts):
        datasets = [one for one in datasets_of(evidence.facts, fit.datasets) if one.models is not None]
        sources = dict.fromkeys(name for one in datasets for name in one.models or [])
        for source in sources:
            without = [one for one in datasets if one.models and source not in one.models]
            if without and len(datasets) > 1:
                yield found("model-on-some-datasets", f"`{source}` is not on {names(without)}.")
                return


RULES = (models_set, background_attached, background_free, shared)
