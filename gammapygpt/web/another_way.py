"""Fork: go back to a step of a run, and go another way from there. The run itself stays as it is."""

from __future__ import annotations

from typing import Any

import streamlit as st

from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.record import attempts_of, plan_of
from gammapygpt.runs.results import counted
from gammapygpt.settings import Settings
from gammapygpt.state import Plan
from gammapygpt.web.place import Place
from gammapygpt.web.plans import fields
from gammapygpt.web.words import errors_told, local

WAYS = {
    "backend": "Another backend",
    "plan": "An edited plan",
    "script": "An edited script",
}


def another_way(place: Place, folder: RunFolder, manifest: dict[str, Any], settings: Settings) -> None:
    """The form of a fork."""
    plan = plan_of(manifest, folder.events())
    drafts = [one for one in attempts_of(folder, manifest, folder.events()) if one.script]
    ways = [way for way in WAYS if {"backend": True, "plan": plan, "script": drafts}[way]]
    st.caption(
        "A run of its own that begins where this one was, with something else from there on; this one stays as it is."
    )
    way = st.segmented_control(
        "Try", ways, format_func=WAYS.__getitem__, default="backend", key="fork_way", required=True
    )
    backends = list(settings.backends)
    used = manifest.get("switches", {}).get("coder_backend", settings.default_backend)
    changed: Plan | UserError | None = None
    script = ""
    if way == "plan" and plan:
        changed = fields(plan, "fork")
    elif way == "script":
        script = st.text_area("Script", drafts[-1].script, key="fork_script", height=420) or ""
    backend = st.selectbox(
        "Backend from there on", backends, index=backends.index(used) if used in backends else 0, key="fork_backend"
    )
    step = checkpoint(folder) if way == "backend" else ""
    if st.button("Fork", icon=":material/fork_right:", type="primary"):
        with errors_told():
            if isinstance(changed, UserError):
                raise changed
            if way == "script" and not script.strip():
                raise UserError("the edited script is empty.", "Give the whole script.")
            fork(place, folder, {"checkpoint": step, "plan": changed, "script": script}, backend)


def checkpoint(folder: RunFolder) -> str:
    """The step to go back to, as the user picks it."""
    if not st.toggle("Choose the step to go back to", key="fork_chooses"):
        return ""  # and nothing heavy is imported for it
    from gammapygpt.session import checkpoints_of

    steps = {one.checkpoint: one for one in checkpoints_of(folder) if one.next and one.next != "__start__"}

    def told(name: str) -> str:
        if not name:
            return "Where the first agent was about to be asked"
        step = steps[name]
        tried = counted(len(step.values.get("attempts", [])), "attempt")
        return f"before the {step.next.replace('_', ' ')}, after {tried} ({local(step.created, '%H:%M:%S')})"

    return str(st.selectbox("Go back to", ["", *steps], format_func=told, key="fork_step"))


def fork(place: Place, folder: RunFolder, edits: dict[str, Any], backend: str) -> None:
    """Begin the other way, and go to it.

    Raises
    ------
    UserError
        What `session.fork` refuses.
    """
    from gammapygpt import detached, session

    manifest = folder.manifest()
    roles = {f"roles.{role}": backend for role in ("planner", "coder", "critic", "optimiser")}
    laid_over = {**manifest.get("overrides", {}), **place.overrides, "default_backend": backend, **roles}
    run = session.fork(folder, place.settings(laid_over), **edits, overrides=laid_over, config=place.config)
    detached.go_on(run.folder)
    st.query_params["run"] = run.folder.name
    st.rerun()
