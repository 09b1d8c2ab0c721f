"""What rules alone read out of a request: the starting point of every plan, and the keys that must come out."""

from __future__ import annotations

from gammapygpt.cookbook.reader import read_request
from gammapygpt.llm.cookbook import plans_of
from gammapygpt.state import Plan, Request, ResultSpec


def plan_by_rules(request: Request) -> Plan:
    """The recipe that fits best, with its constants; empty where none has to do with the request."""
    return next(iter(plans_of(request)), Plan())


def wanted_results(request: Request, plan: Plan | None) -> list[ResultSpec]:
    """The numbers that must come out: `--expect`'s, else those that the request spells out, else the plan's."""
    if request.results:
        return request.results
    if wanted := read_request(request).wanted:
        return [ResultSpec(key=one.key, unit=one.unit, meaning=one.meaning) for one in wanted]
    rules = plan or plan_by_rules(request)
    return rules.results if plan or rules.covers else []
