"""Provenance: was each number of `result.json` computed by the run? A constant is no measurement.

A small data-flow analysis of the script finds, for each key, whether its value can only be a constant that stands in
the script, or may be one that stands in where the computation failed. Numbers of the request and choices of the
analysis may be repeated in the result; of what is not understood nothing is said. What was computed is compared with
what its key says that it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gammapygpt.checks.asking import reading
from gammapygpt.checks.outcome import META
from gammapygpt.checks.provenance.expressions import Written
from gammapygpt.checks.provenance.meaning import check_meaning
from gammapygpt.checks.provenance.origins import Origin, Row, Table, Ways, Where, either
from gammapygpt.checks.provenance.statements import Trace
from gammapygpt.checks.provenance.verdict import Known, fallback, literal, numbers_of
from gammapygpt.checks.source import Source, parse
from gammapygpt.state import Finding, Request

__all__ = ["check_provenance", "trace", "uses_gammapy"]


def check_provenance(
    script: str, result: Mapping[str, Any] | None = None, request: Request | None = None
) -> list[Finding]:
    """Keys of `result.json` whose numbers were not computed; errors where that is certain.

    Parameters
    ----------
    script
        The script; what is no Python has no findings here.
    result
        What the run wrote: a constant that is not the number which came out was not used. Before the run: None, and
        only what can be nothing but a constant is an error.
    request
        What was asked: its numbers may be repeated, and it says what its keys mean.
    """
    traced = trace(script)
    if traced is None:
        return []
    asked = {one.key: one for one in reading(request).wanted}
    about = Known(result, request.text if request else "", frozenset(traced.used), frozenset(asked))
    found: list[Finding] = []
    for key, value in written_table(traced.results).items.items():
        if isinstance(key, str) and not key.startswith("_") and (result is None or key in result):
            found += judged(key, value, about)
            if isinstance(value, Origin) and value.computed:
                found += check_meaning(key, value, asked, selects(traced.source))
    return found


def trace(script: str) -> Trace | None:
    """The walk through a script; None where it cannot be walked through."""
    source = parse(script)
    if not isinstance(source, Source):
        return None
    walk = Trace(source)
    try:
        walk.walk()
    except RecursionError:
        return None
    return walk


def selects(source: Source) -> bool:
    """Whether observations are selected in an index table."""
    return any(getattr(call.func, "attr", "").startswith("select_") for call in source.calls())


def uses_gammapy(script: str) -> bool:
    """Whether a script imports Gammapy at all."""
    source = parse(script)
    return isinstance(source, Source) and any(name.split(".")[0] == "gammapy" for name in source.imports.values())


def written_table(results: Sequence[Written]) -> Table:
    """What goes into `result.json`: what certainly does, else whatever is written as JSON."""
    sure = [one for one in results if one.result] or list(results)
    tables = [one for one in sure if isinstance(one.value, Table)]
    branch = next((one.branch for one in tables if one.branch.instead), Ways())
    found = either([one.value for one in tables], branch)
    return found if isinstance(found, Table) else Table()


def judged(key: str, value: Where, about: Known) -> list[Finding]:
    """What is wrong with where one value comes from."""
    if isinstance(value, Row) and not value.more and value.parts:
        value = either(value.parts)
    if not isinstance(value, Origin) or key == META:
        return []
    hands = numbers_of(value.hands)
    if not hands:
        return []
    finding = literal(key, hands, about) if value.by_hand else fallback(key, hands, about)
    return [finding] if finding is not None else []
