"""A plan: as it is read, and as it is edited."""

from __future__ import annotations

import json

import streamlit as st
from pydantic import ValidationError

from gammapygpt.errors import UserError
from gammapygpt.state import Plan
from gammapygpt.web.words import html, joined, plain


def show(plan: Plan | None) -> None:
    """Steps, recipe, constants, assumptions, results."""
    if plan is None:
        st.caption("No plan: the planner is off, or has not been asked yet.")
        return
    steps, constants = st.columns([1.1, 1], gap="large")
    with steps:
        listed("Steps", plan.steps, ordered=True)
        listed("Assumed, because the request leaves it open", plan.assumptions)
        listed("No recipe does this; the coder writes it", plan.uncovered)
    with constants:
        st.caption(plain(f"Recipe: {plan.recipe}") if plan.recipe else "No recipe fits.")
        pairs = [(name, json.dumps(value, ensure_ascii=False)) for name, value in plan.parameters.items()]
        table("constant", "value", pairs)
        table(
            "result",
            "unit, meaning",
            [(one.key, ", ".join(filter(None, (one.unit, one.meaning)))) for one in plan.results],
        )


def listed(title: str, items: list[str], *, ordered: bool = False) -> None:
    """Some lines below a title, if there are any."""
    if items:
        st.caption(title)
        tag = "ol" if ordered else "ul"
        lines = joined([html("<li>{item}</li>", item=item) for item in items])
        st.html(html(f"<{tag} class='g-steps'>{{lines}}</{tag}>", lines=lines))


def table(left: str, right: str, pairs: list[tuple[str, str]]) -> None:
    """Two columns, if there is anything in them."""
    if pairs:
        rows = joined([html("<tr><td>{a}</td><td>{b}</td></tr>", a=a, b=b) for a, b in pairs])
        st.html(html("<table class='g-table'><tr><th>{left}</th><th>{right}</th></tr>{rows}</table>", **locals()))


def fields(plan: Plan, prefix: str) -> Plan | UserError:
    """Widgets to edit a plan with; gives the plan as it stands in them, or what is wrong with it."""
    steps = st.text_area("Steps, one a line", "\n".join(plan.steps), key=f"{prefix}_steps", height=180)
    written = json.dumps(plan.parameters, indent=1, ensure_ascii=False)
    constants = st.text_area("Constants of the recipe (JSON)", written, key=f"{prefix}_parameters", height=240)
    try:
        parameters = json.loads(constants or "{}")
        kept = [line.strip() for line in (steps or "").splitlines() if line.strip()]
        return Plan.model_validate({**plan.model_dump(), "steps": kept, "parameters": parameters})
    except json.JSONDecodeError as error:
        return UserError(
            f"the constants are no JSON: {error.msg} in line {error.lineno}.", 'Write {"NAME": value, ...}.'
        )
    except ValidationError as error:
        return UserError(f"that is no plan: {error.errors()[0]['msg']}.", "Constants are one object, { ... }.")
