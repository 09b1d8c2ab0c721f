"""The coder: exactly one script, new, repaired in a few lines, or written afresh."""

from __future__ import annotations

import ast
from typing import Any

from langgraph.runtime import Runtime

from gammapygpt import cookbook
from gammapygpt.agents.reading import plan_by_rules, wanted_results
from gammapygpt.agents.strategy import strategy
from gammapygpt.agents.workshop import ask, backend, conversation, folder, rules_alone, told
from gammapygpt.context import Context
from gammapygpt.errors import UserError
from gammapygpt.llm.base import Message, Reply
from gammapygpt.prompts import render
from gammapygpt.sandbox import waiting
from gammapygpt.state import Attempt, Draft, How, Plan, Request, RunState, Snippet, StoreInfo

AROUND = 3
"""Lines before and after a failing one that a repair turn offers."""


def write(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask for a script; a sandbox starts while the model writes."""
    attempts = state.get("attempts", [])
    number = len(attempts) + 1
    how = next_step(state)
    waiting.prepare(runtime.context.run_folder, runtime.context.settings, state["request"].data_path)
    plan, snippets = state.get("plan"), state.get("snippets", [])
    shown = example(plan, snippets) if runtime.context.retrieval else ""
    able = "tools" in backend("coder", runtime.context).abilities
    fits = how == "first" and recipe_fits(plan, state["request"], able=able)
    base, patch = shown, constants_of(shown) if fits else None
    brief = patch is not None and not able
    messages = conversation("coder", runtime.context, **task(state, shown, patch, brief=brief))
    if how == "repair":
        base, patch = attempts[-1].script, lines_to_offer(attempts[-1])
        messages += repair_turn(state, patch)
    elif attempts:
        messages[-1].content += "\n" + afresh(state)
    reply = ask(
        "coder",
        state,
        runtime,
        step=f"coder-{number}",
        form="script",
        messages=messages,
        fresh=how == "fresh" and bool(attempts),
        patch_lines=patch,
        base=base,
    )
    draft = draft_of(reply, base, number, how)
    record = [*(message.model_dump() for message in messages), {"role": "assistant", "content": reply.text}]
    folder(runtime.context).keep_draft(draft, record)
    runtime.stream_writer({"event": "drafted", "attempt": number, "how": draft.how, "fault": draft.fault})
    refused = draft.fault == "refused" and rules_alone(runtime.context)
    return {"draft": draft, "refusal": draft.fault_message if refused else "", "usage": reply.usage}


def next_step(state: RunState) -> How:
    """`first`, `repair` or `fresh`: as the critic says, but never the same again on the same error."""
    attempts, critique = state.get("attempts", []), state.get("critique")
    if not attempts:
        return "first"
    if not attempts[-1].script or strategy(attempts) != "repair":
        return "fresh"
    return "repair" if critique is None or critique.action == "repair" else "fresh"


def task(state: RunState, shown: str, patch: tuple[int, int] | None, *, brief: bool) -> dict[str, Any]:
    """What the task turn of the prompt is filled with.

    `brief` leaves out what is not needed to fill in constants: a small model reads 20 tokens a second, and the less it
    reads the less it strays.
    """
    request, plan = state["request"], state.get("plan")
    snippets = [] if brief else state.get("snippets", [])
    head = "\n".join(shown.splitlines()[: patch[1]]) if patch and brief else shown.rstrip("\n")
    return {
        "request": request.text,
        "stores": told(chosen_stores(request, plan)),
        "results": wanted_results(request, plan),
        "steps": plan.steps if plan else [],
        "assumptions": plan.assumptions if plan else [],
        "reference": [snippet for snippet in snippets if not snippet.source.startswith("recipe:")],
        "example": head,
        "brief": brief,
        "patch": {"first": patch[0], "last": patch[1]} if patch else None,
    }


def chosen_stores(request: Request, plan: Plan | None) -> list[StoreInfo]:
    """The data store that the plan names, or all there are: a small model takes any name that it sees."""
    named = plan.parameters.get("DATA_STORE") if plan else None
    return [store for store in request.stores if store.path == named] or request.stores


def example(plan: Plan | None, snippets: list[Snippet]) -> str:
    """The closest recipe: the plan's, with its constants filled, or the best that retrieval found."""
    found = [snippet.source.removeprefix("recipe:") for snippet in snippets if snippet.source.startswith("recipe:")]
    recipe = cookbook.recipes().get(plan.recipe if plan and plan.recipe else (found or [""])[0])
    if recipe is None:
        return ""
    try:
        return cookbook.fill(recipe, plan.parameters if plan and plan.recipe else {})
    except UserError:
        return recipe.source


def recipe_fits(plan: Plan | None, request: Request, *, able: bool) -> bool:
    """Whether other constants may be all that the planned recipe needs.

    A small model takes any recipe rather than none, so its choice counts only where the rules come to the same.
    """
    if plan is None or not plan.recipe:
        return False
    return able or plan.recipe == plan_by_rules(request).recipe


def constants_of(script: str) -> tuple[int, int] | None:
    """First and last line of a script's block of constants; None where there is none."""
    found = [
        node
        for node in (ast.parse(script).body if script else [])
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    ]
    return (found[0].lineno, found[-1].end_lineno or found[-1].lineno) if found else None


def lines_to_offer(attempt: Attempt) -> tuple[int, int] | None:
    """The failing line with a few around it; None where no one line is to blame."""
    blamed = [finding.line for finding in attempt.findings if finding.line and finding.severity == "error"]
    if attempt.execution and attempt.execution.line:
        blamed = [attempt.execution.line]
    last = len(attempt.script.splitlines())
    if not blamed or min(blamed) > last or max(blamed) - min(blamed) > 4 * AROUND:
        return None
    return max(1, min(blamed) - AROUND), min(last, max(blamed) + AROUND)


def repair_turn(state: RunState, patch: tuple[int, int] | None) -> list[Message]:
    """The failed script as the model's own last word, and what is wrong with it."""
    last, critique = state["attempts"][-1], state.get("critique")
    text = render(
        "coder",
        "repair",
        **failure(last),
        advice=critique.advice if critique else "",
        patch=offered(last.script, patch) if patch else None,
    )
    return [Message(role="assistant", content=f"```python\n{last.script}\n```"), Message(role="user", content=text)]


def failure(attempt: Attempt) -> dict[str, Any]:
    """What a prompt says of a failed attempt."""
    from gammapygpt.knowledge import drift_hints

    execution = attempt.execution
    findings = [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]
    error = f"{execution.exception}: {execution.message}" if execution and execution.exception else ""
    told_errors = "\n".join([error, *(finding.message for finding in findings)]).strip()
    return {
        "summary": attempt.summary,
        "findings": [finding for finding in findings if finding.severity == "error"],
        "traceback": execution.traceback if execution else "",
        "hints": drift_hints(told_errors, attempt.script)[:2] if told_errors else [],
    }


def offered(script: str, lines: tuple[int, int]) -> dict[str, Any]:
    """Lines of a script with their numbers."""
    first, last = lines
    shown = script.splitlines()[first - 1 : last]
    numbered = "\n".join(f"{number:4d}  {line}" for number, line in enumerate(shown, first))
    return {"first": first, "last": last, "numbered": numbered}


def afresh(state: RunState) -> str:
    """What went wrong so far, for a draft that must be another one."""
    critique = state.get("critique")
    failures = [{"number": attempt.number, "summary": attempt.summary} for attempt in state["attempts"]]
    return render("coder", "fresh", failures=failures, advice=critique.advice if critique else "")


def draft_of(reply: Reply, base: str, number: int, how: How) -> Draft:
    """The reply as a draft; replacement lines are put into the script that the prompt showed."""
    if reply.fault:
        said = reply.fault_message or reply.fault
        return Draft(author="coder", number=number, how=how, fault=reply.fault, fault_message=said)
    if reply.lines is None:
        return Draft(author="coder", number=number, how=how, script=reply.script)
    script = patched(base, reply.lines, reply.script)
    if script is None:
        said = "lines {}-{} are not in the script".format(*reply.lines)
        return Draft(author="coder", number=number, how=how, fault="malformed", fault_message=said)
    return Draft(author="coder", number=number, how="patch", script=script)


def patched(script: str, lines: tuple[int, int], replacement: str) -> str | None:
    """The script with some lines replaced, or None when it has no such lines."""
    old, (first, last) = script.splitlines(), lines
    if not 1 <= first <= last <= len(old):
        return None
    return "\n".join([*old[: first - 1], *replacement.rstrip("\n").splitlines(), *old[last:]]) + "\n"
