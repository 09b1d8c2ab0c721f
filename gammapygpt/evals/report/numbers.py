"""Numbers as a physicist rounds them: as many digits as the interval beside them leaves standing."""

from __future__ import annotations

import re
from decimal import Decimal

from gammapygpt.evals.statistics.rates import Interval, Rate

NOTHING = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"
"""Before a unit, so that no line ends between a number and its unit."""
MINUS = "\N{MINUS SIGN}"


def decimals(error: float) -> int:
    """Decimal places that an error leaves standing: two digits of it below 355, else one (Particle Data Group)."""
    exact = Decimal(repr(float(error)))
    if exact <= 0:
        return 0
    place = exact.adjusted() - (exact.scaleb(2 - exact.adjusted()) < 355)
    return max(0, -place)


def places(interval: Interval | None) -> int:
    """Decimal places of a percentage with this interval."""
    return 0 if interval is None else decimals(50 * (interval.high - interval.low))


def percent(value: float | None, interval: Interval | None = None) -> str:
    """`44 %`."""
    return NOTHING if value is None else f"{100 * value:.{places(interval)}f}{SPACE}%"


def limits(interval: Interval | None) -> str:
    """`25-66 %`, with an en dash."""
    if interval is None:
        return NOTHING
    digits = places(interval)
    return f"{100 * interval.low:.{digits}f}{NOTHING}{100 * interval.high:.{digits}f}{SPACE}%"


def rate_text(rate: Rate) -> str:
    """`44 % (8 of 18)`."""
    return f"{percent(rate.value, rate.wilson)} ({rate.successes} of {rate.trials})" if rate.trials else NOTHING


def signed(value: float, digits: int = 0) -> str:
    """`+17`, `-6` with a minus, `0`."""
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", MINUS)


def points(value: float | None, interval: Interval | None = None) -> str:
    """A difference in percentage points: `+17`."""
    return NOTHING if value is None else signed(100 * value, places(interval))


def points_limits(interval: Interval | None) -> str:
    """`-6 to +39`."""
    if interval is None:
        return NOTHING
    digits = places(interval)
    return f"{signed(100 * interval.low, digits)} to {signed(100 * interval.high, digits)}"


def probability(p: float | None) -> str:
    """`0.031`, `< 0.0001`."""
    if p is None:
        return NOTHING
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def amount(value: float | None) -> str:
    """Three digits: `0.0123`, `2.30`, `12.3 k`, `1.23 M`; a small whole number as it is."""
    if value is None:
        return NOTHING
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 0.9995 * size:
            return f"{three_digits(value / size)}{SPACE}{unit}"
    return f"{value:.0f}" if value == round(value) else three_digits(value)


def minutes(value: float | None) -> str:
    """Three digits, and nothing below a second."""
    return "< 0.02" if value is not None and 0 < value < 0.02 else amount(value)


def three_digits(value: float) -> str:
    """`0.0123`, `2.30`, `123`."""
    return f"{Decimal(f'{value:#.3g}'.rstrip('.')):f}"


def money(value: float | None, *, priced: bool = True) -> str:
    """In the currency of the backend's prices; or that there is no price."""
    return amount(value) if priced else "unpriced"


def without_places(text: str) -> str:
    """Text in which absolute paths have lost their folders: they say nothing to a reader elsewhere."""
    return re.sub(r"(?<![\w.:/])(?:~|/[\w.+@-]+)(?:/[\w.+@-]+)*/(?=[\w.+@-])", "…/", text)
