"""The calls of Gammapy that a script makes, with what is constant about their arguments. No rule in here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

from gammapygpt.checks.selection import last_part
from gammapygpt.checks.source import UNKNOWN, Source, parse
from gammapygpt.checks.strings import strings

ENERGIES = {"eV": 1e-12, "keV": 1e-9, "MeV": 1e-6, "GeV": 1e-3, "TeV": 1.0, "PeV": 1e3}
"""In TeV."""
ANGLES = {"deg": 1.0, "arcmin": 1 / 60, "arcsec": 1 / 3600, "rad": 57.29577951308232}
"""In deg."""
QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([A-Za-z]*)\s*$")
MOST = 8
"""Names that are followed one behind the other, and operations in one another."""


class Script:
    """A script as the rules read it."""

    def __init__(self, source: Source) -> None:
        self.source = source

    @cached_property
    def calls(self) -> list[tuple[str, ast.Call]]:
        """Every call that a run can come to, with its full name; of methods the last part behind a dot."""
        found = [call for call in self.source.calls() if id(call) in self.source.reached]
        return [(self.source.dotted(call.func) or f".{last_part(call.func)}", call) for call in found]

    def made(self, *names: str) -> list[ast.Call]:
        """Calls of classes or functions of Gammapy, astropy or regions by their last name, in the order of lines."""
        found = [
            call
            for name, call in self.calls
            if name.rpartition(".")[2] in names and name.startswith(("gammapy.", "astropy.", "regions."))
        ]
        return sorted(found, key=lambda call: (call.lineno, call.col_offset))

    def methods(self, *names: str) -> list[ast.Call]:
        """Calls of methods by name, whatever their object."""
        found = [call for _, call in self.calls if isinstance(call.func, ast.Attribute) and call.func.attr in names]
        return sorted(found, key=lambda call: (call.lineno, call.col_offset))

    def names(self) -> set[str]:
        """Every name, attribute, keyword and string that is used; what is only imported is not."""
        return set(self._names)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(word for node in self.source.nodes() for word in words(node))

    def value(self, node: ast.expr | None) -> ast.expr | None:
        """What an expression is behind names that have one value only."""
        for _ in range(MOST):
            if not isinstance(node, ast.Name):
                return node
            values = self.source.values(node.id)
            if len(values) != 1:
                return node
            node = values[0]
        return node

    def constant(self, node: ast.expr | None) -> Any:
        """The constant that an expression is; `...` where it is none."""
        node = self.value(node)
        return node.value if isinstance(node, ast.Constant) else ...

    def texts(self, node: ast.expr | None) -> set[str]:
        """Strings that an expression, or a list of them, may be; empty where that is not known."""
        node = self.value(node)
        parts = node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]
        found = [strings(self.source, part) for part in parts]
        known = {text for texts in found for text in texts}
        return set() if any(UNKNOWN in text for text in known) else known

    def number(self, node: ast.expr | None, depth: int = 0) -> float | None:
        """A plain number; None where it is not known."""
        node = self.value(node)
        if depth > MOST:
            return None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.number(node.operand, depth + 1)
            return -inner if inner is not None else None
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return float(node.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            left, right = self.number(node.left, depth + 1), self.number(node.right, depth + 1)
            if left is not None and right:
                return left * right if isinstance(node.op, ast.Mult) else left / right
        return None

    def quantity(self, node: ast.expr | None, scales: dict[str, float], bare: float | None = None) -> float | None:
        """A quantity in the unit of which `scales` has 1: `0.1 * u.deg`, `"6 arcmin"`, `Angle("0.1 deg")`.

        Parameters
        ----------
        node
            The expression.
        scales
            Factor by name of the unit.
        bare
            Factor of a number without a unit; None where such a number is not known to be one.
        """
        node = self.value(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return of_text(node.value, scales)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for number, unit in ((node.left, node.right), (node.right, node.left)):
                name = self.source.dotted(unit)
                if name.startswith("astropy.units.") and (value := self.number(number)) is not None:
                    scale = scales.get(name.rpartition(".")[2])
                    return value * scale if scale else None
        if isinstance(node, ast.Call) and last_part(node.func) in ("Quantity", "Angle") and node.args:
            unit = self.constant(argument(node, "unit", 1))
            value = self.number(node.args[0])
            if value is not None and isinstance(unit, str):
                return of_text(f"{value} {unit}", scales)
            inner = self.value(node.args[0])
            return self.quantity(inner, scales) if not isinstance(inner, ast.Call) else None
        value = self.number(node) if bare is not None else None
        return value * bare if value is not None and bare is not None else None

    def circle_deg(self, node: ast.expr | None) -> float | None:
        """Radius of a CircleSkyRegion in deg; None where an expression is none, or its radius is not known."""
        node = self.value(node)
        if isinstance(node, ast.Call) and last_part(node.func) == "CircleSkyRegion":
            return self.quantity(argument(node, "radius", 1), ANGLES)
        return None

    def assigned(self, attribute: str) -> list[ast.stmt]:
        """Assignments to an attribute: `x.models = ...`."""
        found = [node for node in self.source.nodes() if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign)]
        return [
            node
            for node in found
            if any(isinstance(target, ast.Attribute) and target.attr == attribute for target in targets(node))
        ]

    def makes_fluxes(self) -> bool:
        """Whether the exposure of a data set is used: a fit, flux points, a light curve, predicted counts."""
        estimators = ("FluxPointsEstimator", "LightCurveEstimator", "SensitivityEstimator", "FluxProfileEstimator")
        return bool(self.made("Fit", *estimators) or self.methods("npred", "npred_signal", "fake"))

    def reads_data(self) -> bool:
        """Whether observations are opened."""
        return bool(self.made("from_dir", "from_file", "from_events_files") or self.methods("get_observations", "obs"))


def of_text(text: str, scales: dict[str, float]) -> float | None:
    """A quantity that is written as a text: `0.11 deg`."""
    match = QUANTITY.match(text)
    scale = scales.get(match[2]) if match else None
    return float(match[1]) * scale if match and scale else None


def argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """An argument by keyword, or by its place; None where it is not given."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if place is not None and len(call.args) > place and not any(isinstance(one, ast.Starred) for one in call.args):
        return call.args[place]
    return None


def spread(call: ast.Call) -> bool:
    """Whether a call takes arguments that are not written out: `f(**settings)`."""
    starred = any(isinstance(one, ast.Starred) for one in call.args)
    return starred or any(keyword.arg is None for keyword in call.keywords)


def targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> list[ast.expr]:
    """What is assigned to."""
    return node.targets if isinstance(node, ast.Assign) else [node.target]


def words(node: ast.AST) -> Iterator[str]:
    """Names that a node holds by itself."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


@lru_cache(maxsize=4)
def read_script(text: str) -> Script | None:
    """A script to be read by rules; None where it is no Python."""
    source = parse(text)
    return Script(source) if isinstance(source, Source) else None
