"""How the next run is done: backend and roles, speed, agents, approval. Kept in the user's session alone."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st

from gammapygpt.settings import BackendSettings, Settings, without_secrets
from gammapygpt.state import Role
from gammapygpt.web.speeds import SPEEDS, budget_of, effort_of, in_words
from gammapygpt.web.words import plain

ROLES: dict[Role, str] = {
    "planner": "Plans the analysis",
    "coder": "Writes the script",
    "critic": "Reads failures and doubts results",
    "optimiser": "Looks for a faster script",
}
AGENTS = {
    "retrieval": ("Retrieval", "Look up tutorials, API and recipes of the installed Gammapy first."),
    "planner": ("Planner", "Plan before writing."),
    "critic": ("Critic", "Read a failure before the next draft, and the physics after a success."),
    "optimiser": ("Optimiser", "Look for a faster or cleaner script once one has passed."),
}
MORE = {
    "drafts": ("Drafts", "Start from the recipe that the plan fills in; off: recipes are examples alone."),
    "preflight": ("Check before a run", "Gate 1: is the script allowed, and does what it uses exist?"),
    "api_gate": ("API gate", "Gate 1 knows what the installed Gammapy offers; off: the contract alone."),
    "skeptic": ("Skeptic", "Gate 3 doubts the physics and the origin of the numbers; off: their form alone."),
}
KINDS = {
    "cookbook": "Recipes and rules, no language model: fast, free, and it refuses what no recipe answers.",
    "local": "A small code model on this machine; nothing leaves the house.",
    "scripted": "Replies from a file, for demonstrations and tests.",
}


def remembered(settings: Settings) -> None:
    """Begin a session with what the settings say, and keep the widgets' values while they are not on the page."""
    begun: dict[str, Any] = {
        "backend": settings.default_backend,
        "speed": "balanced",
        "approve": list(settings.switches.approve),
        "carry_on": True,
        **{f"role_{role}": settings.roles.get(role, "") for role in ROLES},
        **{name: getattr(settings.switches, name) for name in (*AGENTS, *MORE)},
    }
    for name, value in begun.items():
        st.session_state[name] = st.session_state.get(name, value)


def overrides(settings: Settings) -> dict[str, Any]:
    """What the user chose, as overrides of the settings."""
    state, speed = st.session_state, SPEEDS[st.session_state["speed"]]
    return {
        "default_backend": state["backend"],
        **{f"roles.{role}": backend_of(role) for role in get_args(Role)},
        **budget_of(speed),
        **effort_of(speed, settings.backends),
        **{f"switches.{name}": state[name] for name in (*AGENTS, *MORE)},
        "switches.approve": list(state["approve"]),
    }


def backend_of(role: Role) -> str:
    """The backend that is chosen for a role: its own, else the one for all."""
    return str(st.session_state[f"role_{role}"] or st.session_state["backend"])


def choices(settings: Settings) -> None:
    """The widgets."""
    known = list(settings.backends)
    options: list[str] = ["", *known]
    st.selectbox("Backend", known, key="backend", help="The language model behind all agents, or none: `cookbook`.")
    about_backend(settings)
    st.select_slider(
        "Speed",
        list(SPEEDS),
        key="speed",
        format_func=str.capitalize,
        on_change=set_agents,
        help="How many attempts, and how much effort. It sets critic and optimiser too; change them below as you like.",
    )
    st.caption(f"{in_words(SPEEDS[st.session_state['speed']])}.".capitalize())
    st.pills(
        "Ask me before",
        ["plan", "script"],
        key="approve",
        selection_mode="multi",
        format_func={"plan": "the plan is coded", "script": "a script is run"}.__getitem__,
        help="The run stops there and shows it; accept, edit or reject. It waits as long as it takes.",
    )
    with st.expander("Agents and models of their own"):
        for name, (label, says) in AGENTS.items():
            st.toggle(label, key=name, help=says)
        for role, says in ROLES.items():
            st.selectbox(
                f"{role.capitalize()}'s backend",
                options,
                key=f"role_{role}",
                format_func=named,
                help=f"{says}.",
            )
    with st.expander("More"):
        for name, (label, says) in MORE.items():
            st.toggle(label, key=name, help=says)


def set_agents() -> None:
    """The agents that a place of the slider means."""
    speed = SPEEDS[st.session_state["speed"]]
    st.session_state["critic"], st.session_state["optimiser"] = speed.critic, speed.optimiser


def about_backend(settings: Settings) -> None:
    """What is behind each backend that is chosen, and whether the environment has its key; never the key."""
    from gammapygpt.errors import UserError
    from gammapygpt.settings_loading import check_key

    for name in dict.fromkeys([st.session_state["backend"], *(backend_of(role) for role in ROLES)]):
        backend = settings.backends[name]
        st.caption(plain(described(backend)))
        try:
            check_key(settings, name)
        except UserError as error:
            missing = f"{backend.api_key_env} is not set where the page was started."
            st.warning(plain(missing if backend.api_key_env else str(error)), icon=":material/key_off:")


def described(backend: BackendSettings) -> str:
    """One line on a backend."""
    known = KINDS.get(backend.kind, "")
    named = backend.api_key_env or backend.api_key_file
    key = f"; key from {named}" if named else ""
    told = f"{backend.model} at {without_secrets(backend.base_url)}{key}" if backend.base_url else backend.model
    return " ".join(filter(None, (f"{told}." if told else "", known)))


def named(backend: str) -> str:
    """How an option is shown. It must not change with what else is chosen: the browser tells a choice by it."""
    return backend or "the one for all"
