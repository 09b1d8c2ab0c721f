"""Gammapy's high-level configuration: which settings there are, and what they take."""

from __future__ import annotations

import ast

from gammapygpt.checks.api.dimensions import readable
from gammapygpt.checks.api.kinds import Kind, Mapping, Value, is_bare, literal
from gammapygpt.checks.api.report import Report, chosen, instead, listed
from gammapygpt.knowledge.facts import Facts


def check_field(facts: Facts, report: Report, target: ast.AST, name: str, cls: str, kind: Kind) -> None:
    """`config.section.name = value`: the setting exists, and the value is one that it takes; sections as dictionaries
    too.
    """
    owner, fields = facts.name(cls), facts.classes[cls]["fields"]
    if name not in fields["of"]:
        if not fields["open"] and facts.member(cls, name) is None:
            remedy = instead("attribute", facts.names(cls), name, fields["of"], f"It has: {listed(fields['of'])}.")
            report.add(target, "no-setting", f"`{owner}` has no setting `{name}` in {report.version}.", remedy)
        return
    field, value = fields["of"][name], literal(kind)
    if "class" in field and isinstance(kind, Mapping):
        for key, inner in kind.items:
            check_field(facts, report, target, key, field["class"], inner)
    if "choices" in field and isinstance(value, str) and value not in field["choices"]:
        remedy = chosen([owner], value, field["choices"])
        report.add(target, "no-choice", f"`{owner}.{name}` does not take {value!r}.", remedy)
    if "dimension" in field and isinstance(kind, Value) and is_bare(kind):
        message = f"`{owner}.{name}` must be {readable(field['dimension'])}, and is a number without a unit."
        report.add(target, "units", message, 'Give it with its unit, e.g. "5 deg".')
    if field.get("kind") in ("int", "float") and isinstance(value, str) and not is_number(value):
        report.add(target, "no-choice", f"`{owner}.{name}` takes a number, and not {value!r}.", "Give a number.")


def is_number(text: str) -> bool:
    """Whether text can be read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
