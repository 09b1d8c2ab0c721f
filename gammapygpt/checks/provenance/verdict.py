"""What to make of a constant in a result: a repeated choice, a number of the request, or an invention."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gammapygpt.checks.outcome import is_number
from gammapygpt.checks.provenance.origins import Hand, Unknown
from gammapygpt.checks.provenance.statements import EXCEPT
from gammapygpt.cookbook.words import NUMBER
from gammapygpt.state import Finding, Severity

MEASURED = re.compile(
    r"(?i)flux|dnde|index|gamma|amplitude|excess|signific|sqrt_?ts|(?:^|_)ts(?:_|$)|n_?on(?:_|$)|n_?off|counts?(?:_|$)"
    r"|livetime|ontime|exposure|sensitiv|cut_?off|lambda|beta|norm|aeff|background|(?:^|_)ul(?:_|$)|upper|sigma_deg"
    r"|extension|_err$|error|p_?value|chi2|stat|events|n_?obs|n_?runs|variab|fvar|npred|peak"
)
"""Words of keys that name something to be measured."""
CHOSEN = re.compile(
    r"(?i)radius|offset|confidence|n_sigma|seed|bins?(?:_|$)|redshift|^z$|e(?:nergy)?_?(?:min|max|ref)|reference|width"
    r"|version|binsz|pixel|year|percent|cut(?!_?off)"
)
"""Words of keys that name a choice of the analysis."""
OF_ANY_FORMULA = {0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 10.0, 60.0, 100.0, 1000.0, 3600.0}
CLOSE = 1e-9
"""Relative; within it a number is the one that stands in the script."""
SCALES = (1.0, 24.0, 60.0, 3600.0, 1e3, 1e4, 1e6, math.pi / 180)
"""By what a number of the request may have been converted before it is written."""


@dataclass(frozen=True)
class Known:
    """What there is to judge a constant by."""

    result: Mapping[str, Any] | None
    """What came out; None before the run."""
    request: str
    used: frozenset[float]
    """Constants of the script that something was computed with."""
    wanted: frozenset[str]
    """Keys that were asked for."""

    @cached_property
    def numbers(self) -> list[float]:
        """Numbers of the request."""
        return [float(text) for text in re.findall(NUMBER, self.request)]

    def given(self, value: Any) -> bool:
        """Whether a number stands in the request, perhaps in another unit."""
        return is_number(value) and any(
            same_number(abs(value), number * scale) or same_number(abs(value), number / scale)
            for number in self.numbers
            for scale in SCALES
        )

    def came_out(self, key: str, value: Any) -> bool | None:
        """Whether a constant is what the run wrote; None where that cannot be told."""
        if self.result is None or key not in self.result or isinstance(value, Unknown):
            return None
        written = self.result[key]
        return any(
            is_number(one) and same_number(one, value) for one in (written if isinstance(written, list) else [written])
        )


def same_number(one: float, other: float) -> bool:
    """Equal but for rounding."""
    return one == other or abs(one - other) <= CLOSE * max(abs(one), abs(other))


def numbers_of(hands: Iterable[Hand]) -> list[Hand]:
    """The numbers among constants, in the order of the script; text, None and booleans are none."""
    found = [hand for hand in hands if isinstance(hand.value, Unknown) or is_number(hand.value)]
    return sorted(found, key=lambda hand: hand.line)


def literal(key: str, hands: list[Hand], about: Known) -> Finding | None:
    """A number that can be nothing but a constant of the script."""
    used_here = [hand for hand in hands if about.came_out(key, hand.value) is not False]
    if not used_here:
        return None
    hand = used_here[0]
    measured = bool(MEASURED.search(key)) and not CHOSEN.search(key)
    severity: Severity = "error" if measured or key in about.wanted else "warning"
    if not measured and CHOSEN.search(key):
        return None
    if len(formula := telling_numbers(hand)) > 1:
        if about.request and all(map(about.given, formula)):
            return None
        severity = "warning" if len(formula) > 2 or not about.request else severity
    if not isinstance(hand.value, Unknown):
        if hand.value == 0 and isinstance(hand.value, int):
            return None
        repeated = float(hand.value) in about.used
        if not measured and (repeated or about.given(hand.value)):
            return None
        if about.given(hand.value):
            if repeated:
                return None
            severity = "warning"
    text = f"`{key}` is a number that stands in the script{shown(hand)}, not one that the run computed."
    remedy = "Write what the analysis gives; where it gives nothing, say so and leave the key out."
    return finding("result-from-literal", text, remedy, key, hand.line, severity)


def fallback(key: str, hands: list[Hand], about: Known) -> Finding | None:
    """A computed number, or a constant where that failed."""
    marked = [hand for hand in hands if hand.instead]
    taken = [hand for hand in marked if about.came_out(key, hand.value)]
    remedy = "Let the error come out, or leave the key out and say why; a number that was not computed is invented."
    if taken:
        hand = taken[0]
        certain = hand.value != 0 or hand.instead == EXCEPT
        text = f"`{key}` is the constant{shown(hand)} {hand.instead}: what should have been computed was not."
        return finding("result-from-fallback", text, remedy, key, hand.line, "error" if certain else "warning")
    open_ones = [hand for hand in marked if about.came_out(key, hand.value) is None and telling(hand)]
    idle = [hand for hand in marked if about.came_out(key, hand.value) is False and telling(hand)]
    for hand in [*open_ones, *idle]:
        what = "was not used in this run, but would have been" if hand in idle else "is written"
        text = f"A constant{shown(hand)} {hand.instead} {what} as `{key}` where it cannot be computed."
        return finding("result-from-fallback", text, remedy, key, hand.line, "warning")
    return None


def telling_numbers(hand: Hand) -> list[float]:
    """Numbers behind a constant, but for those of any formula: units, squares, percentages."""
    return [number for number in hand.numbers if number not in OF_ANY_FORMULA]


def telling(hand: Hand) -> bool:
    """Whether a constant pretends to be a measurement; 0, 1 and NaN do not."""
    return isinstance(hand.value, Unknown) or (math.isfinite(hand.value) and hand.value not in (0, 1, -1))


def shown(hand: Hand) -> str:
    """The constant, where it is known."""
    return "" if isinstance(hand.value, Unknown) else f" ({hand.value:g})"


def finding(rule: str, message: str, remedy: str, key: str, line: int, severity: Severity) -> Finding:
    """A finding of this gate."""
    return Finding(
        gate="physics",
        kind="output",
        rule=rule,
        severity=severity,
        message=message,
        remedy=remedy,
        key=key,
        line=line or None,
    )
