"""What is known by its name: operators, functions that give their argument in another form, units."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from gammapygpt.checks.provenance.origins import UNKNOWN

OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, power: float(base) ** float(power),
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda one, many: one in many,
    ast.NotIn: lambda one, many: one not in many,
}
SAME_VALUE: dict[str, Callable[..., Any]] = {"float": float, "int": int, "abs": abs, "round": round, "str": str}
"""Builtins whose result is their argument in another type."""
SAME_NUMBER = {
    *("float64", "float32", "int64", "int32", "asarray", "array", "squeeze", "atleast_1d", "ravel", "round", "around"),
    *("Quantity", "Decimal", "Fraction", "sqrt", "log", "log10", "exp", "power", "degrees", "radians", "abs", "fabs"),
    *("deg2rad", "rad2deg", "negative", "absolute", "asscalar", "full", "full_like"),
}
"""Functions of numpy, math and astropy that only convert numbers."""
SAME_NUMBER_METHODS = {
    *("to", "to_value", "item", "squeeze", "astype", "ravel", "flatten", "tolist", "copy", "round", "decompose"),
}
SAME_NUMBER_ATTRIBUTES = {"value", "si", "cgs", "real", "n", "nominal_value"}
OF_NUMBERS = ("numpy.", "math.", "astropy.units.", "decimal.", "fractions.", "builtins.")
TEXT_METHODS = {
    *(
        "removesuffix",
        "removeprefix",
        "strip",
        "lower",
        "upper",
        "replace",
        "startswith",
        "endswith",
        "format",
        "split",
    ),
    *("join", "partition", "rpartition", "title", "capitalize", "isdigit"),
}
UNITS = {
    "eV": 1e-12,
    "keV": 1e-9,
    "MeV": 1e-6,
    "GeV": 1e-3,
    "PeV": 1e3,
    "arcmin": 1 / 60,
    "arcsec": 1 / 3600,
    "min": 1 / 60,
    "minute": 1 / 60,
    "s": 1 / 3600,
    "d": 24.0,
    "day": 24.0,
}
LONGEST = 64
"""Parts of a list that are followed one by one."""


def same(value: Any) -> Any:
    """The same."""
    return value


def unfolded(*values: Any) -> Any:
    """An operator that is not worked out."""
    return UNKNOWN


def is_key(value: Any) -> bool:
    """Whether a constant can be the key of a dictionary."""
    return isinstance(value, str | int | float | bool | tuple | None)
