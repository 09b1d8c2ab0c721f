"""Was done what was asked? Every number of the request is looked for in what was seen of the run, with its meaning.

A number that the facts contradict, and that occurs nowhere in the script, is an error; where it occurs in the script
all the same the request may have been read wrongly, and the finding is a warning. What neither facts nor constants can
tell is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gammapygpt.checks.asked import energies, models, observations, regions, responses, wording
from gammapygpt.checks.asked.case import Case
from gammapygpt.checks.asking import reading
from gammapygpt.checks.physics.facts import read_facts
from gammapygpt.checks.physics.static_calls import read_script
from gammapygpt.state import Finding, Plan, Request

__all__ = ["check_asked"]

RULES = (*regions.RULES, *energies.RULES, *observations.RULES, *models.RULES, *responses.RULES, *wording.RULES)


def check_asked(
    result: Mapping[str, Any],
    request: Request | None,
    plan: Plan | None = None,
    *,
    facts: Mapping[str, Any] | None = None,
    script: str = "",
) -> list[Finding]:
    """What the run did, against what the user asked for.

    Parameters
    ----------
    result
        What `result.json` holds.
    request
        Its own numbers go before those of the plan, which a model may have made.
    plan
        Its parameters, by name of a recipe's constant.
    facts
        What was seen inside the run (`Execution.facts`).
    script
        The script that ran.
    """
    source = read_script(script)
    read = reading(request)
    if request is None or not read.text or source is None:
        return []
    planned = {name: value for name, value in (plan.parameters if plan else {}).items() if value is not None}
    case = Case(dict(result), request, read, {**planned, **read.values}, read_facts(facts or {}), source)
    found = [finding for rule in RULES for finding in rule(case)]
    if request.earlier and request.earlier.unread:
        # the text holds what was asked before and what was said since: which number is still meant is not known
        return [finding.model_copy(update={"severity": "warning"}) for finding in found]
    return found
