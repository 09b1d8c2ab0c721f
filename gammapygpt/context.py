"""Run-scoped switches: the ablation knobs. Kept with the run, so that a resumed run has the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from gammapygpt.settings import Settings
from gammapygpt.state import Role, Subject


def _described(default: Any, text: str) -> Any:
    return field(default=default, metadata={"description": text})


@dataclass(kw_only=True)
class Context:
    """What one run may use and where it stops; LangGraph Studio shows it, an experiment is a set of them."""

    planner_backend: str = _described("cookbook", "Backend that plans.")
    coder_backend: str = _described("cookbook", "Backend that writes the script.")
    critic_backend: str = _described("cookbook", "Backend that reads failures.")
    optimiser_backend: str = _described("cookbook", "Backend that looks for a better script.")
    retrieval: bool = _described(True, "Look up what the installed Gammapy offers.")
    planner: bool = _described(True, "Plan before writing.")
    drafts: bool = _described(True, "Start from the recipe that the plan fills in; off: recipes are examples alone.")
    critic: bool = _described(True, "Read a failure before the next draft, and the physics after a success.")
    optimiser: bool = _described(False, "Look for a faster or cleaner script once one has passed.")
    preflight: bool = _described(True, "Gate 1: check a script before it is run.")
    api_gate: bool = _described(True, "Gate 1 knows what the installed Gammapy offers; off: the contract alone.")
    skeptic: bool = _described(True, "Gate 3 doubts the physics and the origin of the numbers; off: their form alone.")
    approve: list[Subject] = field(
        default_factory=list,
        metadata={"description": "Ask the user before the plan is coded, before a script is run, or both."},
    )
    attempts: int = _described(5, "How many drafts at the most.")
    model_calls: int | None = _described(30, "How many model calls at the most; None: any.")
    tokens: int | None = _described(400_000, "How many tokens, in and out, at the most; None: any.")
    cost: float | None = _described(None, "What the model calls may cost; None: anything.")
    wall_s: float | None = _described(7200.0, "How long the run may take in s; None: any time.")
    run_folder: str = _described("", "Where this run keeps its files.")
    settings: Settings = field(default_factory=Settings, metadata={"description": "Everything behind the switches."})

    @classmethod
    def of(cls, settings: Settings, run_folder: Path) -> Context:
        """The context that a set of settings describes."""
        backends: dict[str, Any] = {f"{role}_backend": settings.backend_name(role) for role in get_args(Role)}
        return cls(
            **backends,
            **settings.switches.model_dump(),
            **settings.budget.model_dump(),
            run_folder=str(run_folder),
            settings=settings,
        )

    def backend_name(self, role: Role) -> str:
        """Name of the backend that speaks for a role in this run."""
        return str(getattr(self, f"{role}_backend"))

    def take_up(self, switches: Mapping[str, Any]) -> None:
        """Set the knobs as an earlier run had them; one that this version does not have is left out."""
        for name in switches.keys() & self.switches().keys():
            setattr(self, name, switches[name])

    def switches(self) -> dict[str, Any]:
        """The knobs as plain data, for the manifest."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("run_folder", "settings")}
