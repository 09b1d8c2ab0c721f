"""Quantities: what comes of numbers, units and their products, as far as dimensions go."""

from __future__ import annotations

from gammapygpt.checks.api.arguments import Arguments
from gammapygpt.checks.api.dimensions import multiplied, of_unit
from gammapygpt.checks.api.kinds import Kind, Quantity, Unit, Value, dimension_of, is_bare


def product(left: Kind, right: Kind, power: float) -> Kind:
    """`left * right**power` of numbers, units and quantities; None where one side is not known."""
    if isinstance(left, Unit) and isinstance(right, Unit):
        return Unit(multiplied(left.dimension, right.dimension, power))
    if is_bare(left) and is_bare(right):
        return None
    sides = ["" if is_bare(kind) else dimension_of(kind) for kind in (left, right)]
    if sides[0] is None or sides[1] is None:
        return None
    return Quantity(multiplied(sides[0], sides[1], power))


def quantity(name: str, given: Arguments, units: dict[str, str]) -> Kind:
    """`u.Quantity(...)`, `Angle(...)`: by the class's name."""
    if name != "Quantity":
        return Quantity("rad1")
    unit = given.positional[1] if len(given.positional) > 1 else given.keywords.get("unit")
    dimension = dimension_of(unit)
    if isinstance(unit, Value) and isinstance(unit.value, str):
        dimension = of_unit(unit.value, units)
    return Quantity(dimension) if dimension is not None else None
