"""What rules alone read out of a request: the starting point of every plan, and the keys that must come out."""

from __future__ import annotations

from gammapygpt.cookbook.reader import read_request
from gammapygpt.llm.cookbook import plan_of
from gammapygpt.state import Plan, Request, ResultSpec


def plan_by_rules(request: Request) -> Plan:
    """The recipe that fits, with its constants; empty where none does."""
    plan, _ = plan_of(request)
    return plan or Plan()


def wanted_results(request: Request, plan: Plan | None) -> list[ResultSpec]:
    """The numbers that must come out: `--expect`'s, else those that the request spells out, else the plan's."""
    spelt_out = [
        ResultSpec(key=wanted.key, unit=wanted.unit, meaning=wanted.meaning) for wanted in read_request(request).wanted
    ]
    return request.results or spelt_out or (plan or plan_by_rules(request)).results
