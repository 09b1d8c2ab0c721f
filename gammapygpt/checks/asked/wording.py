"""What the words about a key say of its value: a sign, a convention; and numbers that the script never mentions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gammapygpt.checks.asked.case import Case, asked_finding
from gammapygpt.state import Finding

POSITIVE = re.compile(r"(?i)\bpositive\b")
DECIMAL = re.compile(r"(?i)\blog_?\s?10\b|\bdecimal log")
CURVATURE = re.compile(r"(?i)beta|curvature")
TEN = re.compile(r"\blog\(10|\bln_?10\b|2\.30|\blog10\(")
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
        if not known and not case.occurs(value, 2 * value, value / 2, 1 / value if value else 0.0):
            text = f"The {what} of the request, {value:g}, occurs nowhere in the script{case.words(name)}"
            yield asked_finding("asked-number", text, "Compare the numbers of the script with the request.", "warning")


RULES = (signs, conventions, unmentioned)
