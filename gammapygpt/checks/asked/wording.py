"""What the words about a key say of its value: a sign, a convention; and numbers that the script never mentions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gammapygpt.checks.asked.case import Case, asked_finding
from gammapygpt.checks.provenance.meaning import unit_asked
from gammapygpt.state import Finding

POSITIVE = re.compile(r"(?i)\bpositive\b")
DECIMAL = re.compile(r"(?i)\blog_?\s?10\b|\bdecimal log")
CURVATURE = re.compile(r"(?i)beta|curvature")
TEN = re.compile(r"\blog\(10|\bln_?10\b|2\.30|\blog10\(")
BRIGHTEST = 1e-3
"""cm-2 s-1, whatever the energies."""
EBL_MODELS = {"dominguez": "dominguez", "franceschini": "franceschini", "finke": "frd_abs", "saldana": "saldana"}
"""By name in a request, what the file of the model is called."""
PATHS = re.compile(r"[$][{]?(?:GAMMAPY_DATA|PHOTON_STORAGE)[}]?/([\w./+-]+)")
SHORTEST_NAME = 5
"""Letters: shorter names of folders, such as `data`, are put together in many ways."""
PLAINLY_GIVEN = {
    "ON_RADIUS": "ON radius",
    "SELECTION_RADIUS": "radius of the selection",
    "REDSHIFT": "redshift",
    "OFFSET": "offset",
    "LIVETIME": "livetime",
    "PIXEL_SIZE": "pixel size",
    "CORRELATION_RADIUS": "correlation radius",
    "OFFSET_MAX": "largest offset",
    "AMPLITUDE": "amplitude",
    "INDEX": "index",
    "ENERGY_MIN": "lowest energy",
    "ENERGY_MAX": "highest energy",
}
"""Values that a script has to mention somehow, where nothing seen of the run has them."""


def signs(case: Case) -> Iterator[Finding]:
    """A value that was to be positive is."""
    for one in case.read.wanted:
        value = case.result.get(one.key)
        if POSITIVE.search(one.meaning) and isinstance(value, int | float) and value < 0:
            text = f"`{one.key}` is negative, and a positive number was asked for"
            yield asked_finding("asked-sign", text, "Write it with the sign of the request.", key=one.key)


def conventions(case: Case) -> Iterator[Finding]:
    """A curvature defined with log10, which Gammapy defines with the natural logarithm."""
    curved = any(one.name == "beta" for fit in case.facts.fits for one in fit.parameters)
    keys = [one.key for one in case.read.wanted if CURVATURE.search(one.key) and one.key in case.result]
    if curved and keys and DECIMAL.search(case.read.text) and not TEN.search(ast.unparse(case.script.source.tree)):
        text = f"`{keys[0]}` is asked for with log10, and Gammapy's beta belongs to the natural logarithm"
        remedy = "Multiply beta by ln(10) for E^-(alpha + beta log10(E/E0))."
        yield asked_finding("asked-convention", text, remedy, key=keys[0])


def unmentioned(case: Case) -> Iterator[Finding]:
    """A number of the request that the script does not mention, and nothing seen of the run has."""
    seen = {one.radius_deg for one in case.facts.cones}
    seen |= {one.region.radius_deg for one in case.facts.makings if one.region is not None}
    for name, what in PLAINLY_GIVEN.items():
        value = case.asked(name)
        if value is None or name not in case.read.words or case.facts.left_out:
            continue
        known = any(one is not None and abs(one - value) <= 0.01 * abs(value) for one in seen)
        if not known and not case.mentions(value, 2 * value, value / 2, 1 / value if value else 0.0):
            text = f"The {what} of the request, {value:g}, occurs nowhere in the script{case.words(name)}"
            yield asked_finding("asked-number", text, "Compare the numbers of the script with the request.", "warning")


def magnitudes(case: Case) -> Iterator[Finding]:
    """A flux that no source has: another quantity, or another unit."""
    for one in case.read.wanted:
        value, unit = case.result.get(one.key), unit_asked(one.key, one)
        if not isinstance(value, int | float) or one.key.endswith("_err") or not re.search(r"\bc?m-2 s-1", unit):
            continue
        per_cm2 = abs(value) / (1.0 if "cm-2" in unit else 1e4)
        if per_cm2 > BRIGHTEST:
            text = f"`{one.key}` is {value:.3g} {unit}, brighter than anything in the sky"
            yield asked_finding("asked-unit", text, "Look which quantity it is, and in which unit.", key=one.key)


def files(case: Case) -> Iterator[Finding]:
    """The files and data stores that the request names are those that the script opens."""
    nodes = list(case.script.source.nodes())
    strings = " ".join(str(node.value) for node in nodes if isinstance(node, ast.Constant))
    built = any(isinstance(node, ast.JoinedStr) for node in nodes) or bool(re.search(r"[*?]", strings))
    for path in PATHS.findall(case.request.text):
        path = path.rstrip("./")
        name = path.rpartition("/")[2]
        if name not in strings and len(name) >= SHORTEST_NAME:
            text = f"The request names {path}, which the script does not open"
            yield asked_finding("asked-file", text, "Open what the request names.", "warning" if built else "error")


def ebl_model(case: Case) -> Iterator[Finding]:
    """The EBL model that the request names."""
    wanted = [name for name in EBL_MODELS if re.search(rf"(?i)\b{name}", case.read.text)]
    used = sorted({one.filename for one in case.facts.models if one.filename and one.name == "redshift"})
    if len(wanted) == 1 and used and not any(EBL_MODELS[wanted[0]] in file.lower() for file in used):
        text = f"The EBL model is {', '.join(used)}, asked was that of {wanted[0].capitalize()}"
        remedy = f"Use EBLAbsorptionNormSpectralModel.read_builtin({wanted[0]!r}, ...)."
        yield asked_finding("asked-model", text, remedy, fact=", ".join(used))


RULES = (signs, conventions, unmentioned, magnitudes, files, ebl_model)
