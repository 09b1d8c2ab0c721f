"""The numbers of a result as a reader wants them: with errors and units, and as many digits as mean something."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gammapygpt.state import ResultSpec, RunState

LONGEST_TEXT = 200
LONGEST_LIST = 12
MOST_ROWS = 100
"""Of lists that stand as columns."""
EXACT_DIGITS = 15
"""Decimal digits that a double holds; an error below the last of them says nothing about the others."""


class Line(NamedTuple):
    """One number, ready to be printed."""

    key: str
    value: str
    error: str
    unit: str
    reference: str


def lines(
    result: Mapping[str, Any], units: Mapping[str, str], reference: Mapping[str, Any] | None = None
) -> list[Line]:
    """The keys of a `result.json`, each with its companion `KEY_err`; `_meta` and the like are left out.

    Parameters
    ----------
    result : mapping
        As the script wrote it; nothing in it is trusted.
    units : mapping
        Unit by key.
    reference : mapping, optional
        Value by key to stand beside the result, such as the truth of a simulation; `KEY_err` is read there too.
    """
    companions = {f"{key}_err" for key in result}
    found = []
    for key, value in result.items():
        if key.startswith("_") or key in companions:
            continue
        shown, error = shown_with_error(value, result.get(f"{key}_err"))
        known = ""
        if reference and key in reference:
            known = " ± ".join(filter(None, shown_with_error(reference[key], reference.get(f"{key}_err"))))
        found.append(Line(one_line(key), shown, error, one_line(units.get(key, "")), known))
    return found


class Columns(NamedTuple):
    """Lists of a result that belong together: flux points, a light curve."""

    headers: list[tuple[str, str]]
    """Key and unit of each column."""
    rows: list[list[tuple[str, str]]]
    """Value and error of each cell; the error is empty where there is none."""
    left_out: int
    """Rows that are not shown."""


def columns(result: Mapping[str, Any], units: Mapping[str, str]) -> list[Columns]:
    """The lists of a `result.json` by their length, each with its companion `KEY_err`; `lines` has them in brief."""
    companions = {f"{key}_err" for key in result}
    kept = {key: value for key, value in result.items() if isinstance(value, list) and key not in companions}
    found = []
    for length in dict.fromkeys(
        len(value) for key, value in kept.items() if len(value) > 1 and not key.startswith("_")
    ):
        keys = [key for key, value in kept.items() if len(value) == length and not key.startswith("_")]
        cells = []
        for key in keys:
            error = result.get(f"{key}_err")
            errors = error if isinstance(error, list) and len(error) == length else [None] * length
            cells.append([shown_with_error(*pair) for pair in zip(kept[key], errors, strict=True)])
        rows = [list(row) for row in zip(*cells, strict=True)]
        headers = [(one_line(key), one_line(units.get(key, ""))) for key in keys]
        found.append(Columns(headers, rows[:MOST_ROWS], max(0, length - MOST_ROWS)))
    return found


def units_of(result: Mapping[str, Any], specs: Iterable[ResultSpec]) -> dict[str, str]:
    """Unit by key: that of the specification, else what the script says in `_meta`."""
    meta = result.get("_meta")
    told = meta.get("units") if isinstance(meta, dict) else None
    found = {key: unit for key, unit in told.items() if isinstance(unit, str)} if isinstance(told, dict) else {}
    return found | {spec.key: spec.unit for spec in specs if spec.unit}


def specs(manifest: Mapping[str, Any], state: RunState) -> list[ResultSpec]:
    """What is known of the results' units: the plan's word, and over it that of the request."""
    from gammapygpt.state import ResultSpec

    plan, request = state.get("plan"), state.get("request")
    wanted = request.results if request else [ResultSpec(**s) for s in manifest.get("request", {}).get("results", [])]
    return [*(plan.results if plan else []), *wanted]


def shown_with_error(value: Any, error: Any = None) -> tuple[str, str]:
    """A value of `result.json` and its companion as text; the companion is empty where there is none."""
    if _is_number(value) and _is_number(error):
        return rounded(value, error)
    if isinstance(value, list) and isinstance(error, list) and len(value) == len(error):
        pairs = [shown_with_error(one, its) for one, its in zip(value, error, strict=True)]
        return _joined([one for one, _ in pairs]), _joined([its for _, its in pairs])
    return shown(value), "" if error is None else shown(error)


def rounded(value: float, error: float) -> tuple[str, str]:
    """A value and its error to the digits that the error leaves standing, in one notation.

    The error keeps two digits when its first three are below 355, else one (rule of the Particle Data Group); `2.6914`
    with `0.0873` is `2.69` and `0.09`. Both share one power of ten when the larger is below 1e-3 or at least 1e6.
    """
    exact, its_error = Decimal(repr(value)), Decimal(repr(error))
    if not exact.is_finite() or not its_error.is_finite() or its_error <= 0:
        return shown(value), shown(error)
    place = its_error.adjusted() - (its_error.scaleb(2 - its_error.adjusted()) < 355)
    if exact and exact.adjusted() - place >= EXACT_DIGITS:
        return shown(value), shown(error)
    kept = (number.quantize(Decimal(1).scaleb(place)) for number in (exact, its_error))
    power = max(number.adjusted() for number in kept if number)
    if -3 <= power < 6:
        return _fixed(exact, -place), _fixed(its_error, -place)
    mantissas = (_fixed(number.scaleb(-power), power - place) for number in (exact, its_error))
    first, second = (f"{mantissa}e{power:+03d}" for mantissa in mantissas)
    return first, second


def shown(value: Any) -> str:
    """A value of `result.json` as text of one line: six digits of a float, the start of what is long."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**EXACT_DIGITS else f"{Decimal(value):.5e}"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return _joined([shown(item) for item in value])
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text of a script or a model, fit for a cell: one line, no control characters, not endless."""
    line = " ".join(clean(text[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def clean(text: str) -> str:
    """Text without what could steer a terminal or turn the reading direction; line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(char if _harmless(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _harmless(char: str) -> bool:
    return char.isprintable() or char in "\n\t" or unicodedata.category(char) == "Zs"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fixed(number: Decimal, decimals: int) -> str:
    return f"{number:.{max(0, decimals)}f}"


def _joined(items: list[str]) -> str:
    rest = f", … ({len(items)} in all)" if len(items) > LONGEST_LIST else ""
    return ", ".join(items[:LONGEST_LIST]) + rest


def counted(number: int, what: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def what_to_approve(question: Mapping[str, Any]) -> str:
    """The plan or the script of a question, as a person reads and edits it."""
    if question["about"] == "script":
        return str(question["script"])
    return json.dumps(question["plan"], indent=1, ensure_ascii=False)
