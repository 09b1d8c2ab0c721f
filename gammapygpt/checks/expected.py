"""Gate 3, the values: known answers from a TOML file, which never leave this module. Findings name keys only."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gammapygpt.checks.outcome import in_unit, is_finite, is_number
from gammapygpt.checks.units import in_another_unit
from gammapygpt.errors import UserError
from gammapygpt.state import Finding, ResultSpec

ROUNDING = 1e-12
"""Relative; lets a value through that lies on the edge of a tolerance."""
TABLE = "[[expected]]"
Scalar = bool | int | float | str


class Expected(BaseModel):
    """One known answer: a number with its tolerance, a list of them, or a string."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    type: Literal["int", "float", "str", "list"]
    value: int | float | str | list[int | float | str] = Field(repr=False)
    abs_tol: float | None = Field(None, repr=False)
    """In the unit of the value; wins over `rel_tol`."""
    rel_tol: float | None = Field(None, repr=False)
    unit: str = ""
    why: str = Field("", repr=False)
    """Reason for the tolerance; for people."""

    @model_validator(mode="before")
    @classmethod
    def _type_of_value(cls, data: Any) -> Any:
        """The type is that of the value unless given; a whole number without a tolerance is exact."""
        if not isinstance(data, dict):
            return data
        data = dict(data)
        if "value" not in data:
            raise ValueError("value is missing")
        value = data["value"]
        if isinstance(value, bool):
            raise ValueError("value is a boolean")
        if "type" not in data:
            data["type"] = type(value).__name__
        if data.get("type") == "int" and "abs_tol" not in data and "rel_tol" not in data:
            data["abs_tol"] = 0
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Expected:
        """Raise ValueError (without the value) where value, type and tolerance do not belong together."""
        if not self.key.strip():
            raise ValueError("key is empty")
        if (self.type == "str") != isinstance(self.value, str) or (self.type == "list") != isinstance(self.value, list):
            raise ValueError(f"value is not of type {self.type}")
        given = [one for one in (self.value if isinstance(self.value, list) else [self.value]) if is_number(one)]
        if not all(is_finite(float(number)) for number in given):
            raise ValueError("value is not finite")
        tolerances = [one for one in (self.abs_tol, self.rel_tol) if one is not None]
        if given and not tolerances:
            raise ValueError("abs_tol or rel_tol is missing")
        if any(not math.isfinite(one) or one < 0 for one in tolerances):
            raise ValueError("the tolerance is negative or not finite")
        return self


def read_expectations(path: Path) -> list[Expected]:
    """Known answers from the `[[expected]]` tables of a TOML file; its other tables are left alone.

    Raises
    ------
    UserError
        The file cannot be read, has no such table, or one that is malformed (names the entry and its line).
    """
    try:
        text = path.read_bytes().decode("utf-8")
        tables = tomllib.loads(text).get("expected")
    except OSError as error:
        raise UserError(
            f"Cannot read {path}: {error.strerror}.", "Name a TOML file with [[expected]] tables."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}.", "Correct it there.") from error
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply.", "Write plain [[expected]] tables.") from error
    if not isinstance(tables, list) or not tables:
        raise UserError(f"{path} has no {TABLE} table.", f"Write one {TABLE} table for each known answer.")
    starts = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith(TABLE)]
    places = starts if len(starts) == len(tables) else []
    expectations: list[Expected] = []
    for index, table in enumerate(tables):
        where = f"{path}, entry {index + 1} of {TABLE}" + (f" (line {places[index]})" if places else "")
        expectations.append(_read_one(table, where))
        if expectations[-1].key in {other.key for other in expectations[:-1]}:
            raise UserError(f"{where}: the key `{expectations[-1].key}` occurs twice.", "Remove one of them.")
    return expectations


def _read_one(table: Any, where: str) -> Expected:
    try:
        return Expected.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            fields = ", ".join(Expected.model_fields)
            raise UserError(f"{where}: unknown field `{field}`.", f"The fields are {fields}.") from None
        raise UserError(f"{where}: {field + ': ' if field else ''}{reason}.", "Correct the entry.") from None


def specs(expectations: Sequence[Expected]) -> list[ResultSpec]:
    """What may be told about known answers: key, type and unit, never a value."""
    return [ResultSpec(key=one.key, type=one.type, unit=one.unit) for one in expectations]


def check_expected(result: dict[str, Any], expectations: Sequence[Expected]) -> list[Finding]:
    """Results against known answers.

    A finding says which key is missing, wrong, or in another unit than asked; it holds neither the expected value nor
    the tolerance, nor how far off or in which direction the result is.
    """
    return [finding for one in expectations if (finding := _compare(result, one)) is not None]


def _compare(result: dict[str, Any], expected: Expected) -> Finding | None:
    key, asked = expected.key, in_unit(expected.unit)
    if key not in result:
        text, remedy = f"`{key}` is missing from result.json.", f"Write `{key}`{asked} into result.json."
        return Finding(gate="outcome", kind="output", rule="key-missing", key=key, message=text, remedy=remedy)
    value = result[key]
    if agrees(value, expected):
        return None
    if is_number(value) and is_number(expected.value) and not is_finite(value):
        text, remedy = f"`{key}` is NaN or infinite.", "Find out why it could not be computed."
        return Finding(gate="outcome", kind="output", rule="not-finite", key=key, message=text, remedy=remedy)
    if is_number(value) and in_another_unit(value, expected.value, expected.unit, _relative(expected)):
        text = f"`{key}` is in another unit or sign convention than asked."
        remedy = f"Give it{asked or ' as the request defines it'}; convert with Quantity.to_value."
        return Finding(gate="outcome", kind="wrong_value", rule="wrong-unit", key=key, message=text, remedy=remedy)
    text = f"`{key}` is wrong."
    remedy = "Compare each step and each number of the script with what the request says."
    return Finding(gate="outcome", kind="wrong_value", rule="wrong-value", key=key, message=text, remedy=remedy)


def agrees(value: Any, expected: Expected) -> bool:
    """Whether a result is the expected one: strings exactly, numbers within the tolerance, lists element by element."""
    if isinstance(expected.value, list):
        same_length = isinstance(value, list) and len(value) == len(expected.value)
        return same_length and all(
            _agrees(one, reference, expected) for one, reference in zip(value, expected.value, strict=True)
        )
    return _agrees(value, expected.value, expected)


def _agrees(value: Any, reference: Scalar, expected: Expected) -> bool:
    if isinstance(reference, str):
        return isinstance(value, str) and value.strip() == reference
    if not is_number(value) or not is_finite(value):
        return False
    tolerance = expected.abs_tol if expected.abs_tol is not None else (expected.rel_tol or 0.0) * abs(reference)
    return bool(abs(value - reference) <= tolerance + ROUNDING * abs(reference))


def _relative(expected: Expected) -> float:
    """The tolerance relative to the value."""
    if expected.abs_tol is None or not is_number(expected.value) or not expected.value:
        return expected.rel_tol or 0.0
    return expected.abs_tol / abs(expected.value)  # type: ignore[arg-type]
