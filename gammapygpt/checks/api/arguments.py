"""The arguments of a call beside the parameters of what is called: too many, missing, given twice."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from gammapygpt.checks.api.kinds import Kind
from gammapygpt.checks.api.report import listed
from gammapygpt.knowledge.facts import Facts, Parameter


@dataclass
class Arguments:
    """A call as it is written, with what is known of each argument."""

    node: ast.Call
    positional: list[Kind]
    keywords: dict[str, Kind]

    @property
    def spread(self) -> bool:
        """Whether `*args` or `**kwargs` hide what is given."""
        starred = any(isinstance(one, ast.Starred) for one in self.node.args)
        return starred or any(one.arg is None for one in self.node.keywords)


@dataclass(frozen=True)
class Misfit:
    """One way in which the arguments do not fit."""

    rule: str
    what: str
    """Continues a sentence that begins with the name of the call."""
    remedy: str
    names: tuple[str, ...] = ()
    """Parameters that it is about."""


def misfits(facts: Facts, number: int, given: Arguments, unbound: bool) -> list[Misfit]:
    """Everything that is wrong with the number of arguments, for one of the calls that may be meant.

    Parameters
    ----------
    unbound
        A method is called through its class: the first argument is the object.
    """
    parameters = facts.parameters(number)
    if parameters is None:
        return []
    places = [one for one in parameters if one.kind in ("", "p")]
    if unbound:
        places.insert(0, Parameter("self", "p", required=True))
    surplus = len(given.positional) - len(places)
    found = []
    if surplus > 0 and not any(one.kind == "*" for one in parameters):
        names = listed((one.name for one in places), 20) or "none"
        what = f"takes {len(places)} positional arguments, not {len(given.positional)}"
        found.append(Misfit("too-many-arguments", what, f"Its arguments are: {names}."))
    for one in places[: len(given.positional)]:
        if one.kind == "" and one.name in given.keywords:
            what = f"is given `{one.name}` twice: by its place and by its name"
            found.append(Misfit("argument-twice", what, "Give it once.", (one.name,)))
    if lacking := missing(facts, number, parameters, places[len(given.positional) :], given):
        what = f"lacks the argument{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}"
        found.append(Misfit("missing-argument", what, f"Give {', '.join(lacking)}.", lacking))
    return found


def missing(
    facts: Facts, number: int, parameters: tuple[Parameter, ...], later: list[Parameter], given: Arguments
) -> tuple[str, ...]:
    """Required parameters that get nothing, not even under a name that is deprecated."""
    renamed = facts.calls[number].get("renamed", {})
    known = {*given.keywords, *(renamed.get(keyword) for keyword in given.keywords)}
    wanted = [*later, *(one for one in parameters if one.kind == "k")]
    return tuple(one.name for one in wanted if one.required and one.name not in known)
