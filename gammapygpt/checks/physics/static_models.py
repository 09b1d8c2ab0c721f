"""Rules on the models of a script: set on what is fitted, attached to a data set that there is, absorbed by the EBL."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gammapygpt.checks.asking import given
from gammapygpt.checks.output import fits
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.static_calls import Script, argument, read_script, spread
from gammapygpt.checks.source import UNKNOWN
from gammapygpt.checks.strings import strings
from gammapygpt.state import Finding

USES_MODELS = ("Fit", "FluxPointsEstimator", "LightCurveEstimator")
NAMED = {"create", "copy", "cutout", "stack_reduce", "to_masked", "to_image", "to_spectrum_dataset", "slice_by_energy"}
"""Methods that name the data set they give."""
READS_DATASETS = {"MapDataset", "MapDatasetOnOff", "SpectrumDataset", "SpectrumDatasetOnOff", "Datasets"}
ABSORPTION = {"EBLAbsorptionNormSpectralModel", "TemplateNDSpectralModel", "EBL", "ebl"}
FAR_REDSHIFT = 0.05
FITTED = {"index", "alpha", "beta", "lambda_", "index1", "index2"}
"""Parameters that a fit changes in every digit."""
SPECTRAL = re.compile(r"\w+SpectralModel")


def models_lost(evidence: Evidence) -> Iterator[Finding]:
    """Rule 20: a stack is fitted, and no models were set after it was made."""
    script = read_script(evidence.script)
    if script is None:
        return
    last_models = max((node.lineno for node in script.assigned("models")), default=0)
    if any(keyword.arg == "models" for _, call in script.calls for keyword in call.keywords):
        return
    for name, line in stacks(script):
        for call in script.methods("run"):
            uses = call.args and name in {part.id for part in ast.walk(call.args[0]) if isinstance(part, ast.Name)}
            if uses and call.lineno > line > last_models and is_of(script, call, USES_MODELS):
                text = f"`{name}` comes from stack_reduce(), which drops models, and is given none before it is fitted."
                yield found("no-models", text, line=call.lineno)
                return


def stacks(script: Script) -> Iterator[tuple[str, int]]:
    """Names of what stack_reduce() gave, and where; those that are bound once."""
    for node in script.source.nodes():
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            calls = [part for part in ast.walk(node.value) if isinstance(part, ast.Call)]
            made = any(isinstance(call.func, ast.Attribute) and call.func.attr == "stack_reduce" for call in calls)
            if made and len(script.source.values(name)) == 1 and id(node) in script.source.reached:
                yield name, node.lineno


def is_of(script: Script, call: ast.Call, classes: tuple[str, ...]) -> bool:
    """Whether a method is called on an object of one of these classes."""
    base = script.value(call.func.value) if isinstance(call.func, ast.Attribute) else None
    return isinstance(base, ast.Call) and script.source.dotted(base.func).rpartition(".")[2] in classes


def background_names(evidence: Evidence) -> Iterator[Finding]:
    """Rule 21, from the script alone: a background model for a data set that nobody made."""
    script = read_script(evidence.script)
    if script is None or reads_datasets(script):
        return
    names = dataset_names(script)
    for call in script.made("FoVBackgroundModel"):
        wanted = strings(script.source, argument(call, "dataset_name", 0))
        if spread(call) or any(UNKNOWN in text for text in wanted):
            continue
        if any(fits(text, pattern) for text in wanted for pattern in names):
            continue
        shown = sorted(name.replace(UNKNOWN, "...") for name in names)
        there = f"the data sets are named {', '.join(shown)}" if names else "no data set is given a name"
        text = f"FoVBackgroundModel is for a data set `{min(wanted)}`, but {there}."
        yield found("background-model-not-attached", text, line=call.lineno)


def reads_datasets(script: Script) -> bool:
    """Whether data sets come from files, with the names that they have there, or from the high-level interface."""
    reads = [name for name, _ in script.calls if name.rpartition(".")[2] in ("read", "from_dict", "Analysis")]
    return any(READS_DATASETS & set(name.split(".")) or name.endswith(".Analysis") for name in reads)


def dataset_names(script: Script) -> set[str]:
    """Names that data sets are given, with `UNKNOWN` for parts that only a run can tell."""
    found_names: set[str] = set()
    for name, call in script.calls:
        last = name.rpartition(".")[2]
        given = argument(call, "name")
        if given is not None and (last in NAMED or last in READS_DATASETS):
            found_names |= strings(script.source, given)
    return found_names


def absorption(evidence: Evidence) -> Iterator[Finding]:
    """Rule 39: the spectrum of a distant source without the absorption by the EBL."""
    script = read_script(evidence.script)
    redshift = given(evidence.request).get("REDSHIFT")
    if script is None or evidence.request is None or not isinstance(redshift, float) or redshift <= FAR_REDSHIFT:
        return
    spectra = [call for name, call in script.calls if SPECTRAL.fullmatch(name.rpartition(".")[2])]
    if not spectra or any(any(word in name for word in ABSORPTION) for name in script.names()):
        return
    wanted = re.search(r"(?i)\bEBL\b|extragalactic|absor|intrinsic", evidence.request.text)
    text = f"The source has a redshift of {redshift:g}, and no model of the script has an EBL absorption."
    yield found("no-ebl", text, severity="error" if wanted else None, line=spectra[0].lineno)


def start_values(evidence: Evidence) -> Iterator[Finding]:
    """Rule 23: a number of the result is the very number that its model was made with."""
    script, facts = read_script(evidence.script), evidence.facts
    if script is None or not script.made("Fit"):
        return
    parameters = [one for fit in facts.fits for one in fit.parameters] + facts.models
    for call in [call for name, call in script.calls if SPECTRAL.fullmatch(name.rpartition(".")[2])]:
        for keyword in call.keywords:
            start, value = script.number(keyword.value), evidence.result.get(keyword.arg or "")
            if start is None or keyword.arg not in FITTED or not isinstance(value, float) or value != start:
                continue
            kept = [one for one in parameters if one.name == keyword.arg and one.frozen]
            fitted = [one for one in parameters if one.name == keyword.arg and not one.frozen]
            if kept or not fitted or given(evidence.request).get("FIXED"):
                continue
            text = f"`{keyword.arg}` is {value:g}, the start value of its model: it was never fitted."
            remedy = "Read it from the model on the data sets that were fitted, and look at fit_result.success."
            yield found("fit-not-converged", text, remedy=remedy, key=keyword.arg, line=call.lineno)


RULES = (models_lost, background_names, absorption, start_values)
