"""The speed of a run, as one slider: how many attempts, how much effort. Plain data, and what it means in words."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from gammapygpt.settings import BackendSettings
from gammapygpt.settings_file import dotted

Effort = Literal["low", "medium", "high"]


class Speed(NamedTuple):
    """What a place of the slider sets."""

    attempts: int
    model_calls: int
    tokens: int
    critic: bool
    optimiser: bool
    effort: Effort
    """Of a backend that has a `reasoning_effort`; others are left alone."""


SPEEDS = {
    "fast": Speed(1, 6, 60_000, critic=False, optimiser=False, effort="low"),
    "balanced": Speed(3, 15, 200_000, critic=True, optimiser=False, effort="medium"),
    "thorough": Speed(5, 30, 400_000, critic=True, optimiser=True, effort="high"),
}


def budget_of(speed: Speed) -> dict[str, Any]:
    """The budgets as overrides of the settings; those of cost and time stay as they are set there."""
    return {
        "budget.attempts": speed.attempts,
        "budget.model_calls": speed.model_calls,
        "budget.tokens": speed.tokens,
    }


def effort_of(speed: Speed, backends: dict[str, BackendSettings]) -> dict[str, Any]:
    """The reasoning effort of the backends that have one, as overrides."""
    thinking = [name for name, backend in backends.items() if backend.reasoning_effort]
    return {dotted(("backends", name, "reasoning_effort")): speed.effort for name in thinking}


def in_words(speed: Speed) -> str:
    """One line for the user."""
    attempts = "1 attempt" if speed.attempts == 1 else f"up to {speed.attempts} attempts"
    others = "critic and optimiser" if speed.optimiser else "critic, no optimiser" if speed.critic else "no critic"
    return f"{attempts}, {speed.model_calls} model calls, {speed.tokens // 1000} k tokens; {others}"
