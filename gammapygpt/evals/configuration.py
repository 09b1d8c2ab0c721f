"""A configuration: who answers the request, and with which switches. A campaign compares several of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from gammapygpt.errors import UserError
from gammapygpt.settings import Settings, SwitchSettings
from gammapygpt.state import Role

Agent = Literal["graph", "loop", "peer"]
"""`graph`: gammapygpt itself; `loop`: one model in a bare retry loop; `peer`: mini-swe-agent as published."""


class Configuration(BaseModel):
    """One arm of a campaign."""

    name: str
    agent: Agent = "graph"
    overrides: dict[str, Any] = Field(default_factory=dict)
    """Settings by their dotted key, laid over those of the campaign."""


PARTS = [name for name in SwitchSettings.model_fields if name != "approve"]
"""Switches of what answers a request; `approve` asks a user, and there is none."""
SWITCHES: dict[str, dict[str, Any]] = {name.replace("_", "-"): {f"switches.{name}": False} for name in PARTS}
"""What `--ablate` can take away."""
EVERYTHING = {f"switches.{name}": True for name in PARTS}
ALL_ROLES = {f"roles.{role}": "cookbook" for role in get_args(Role)}
BASELINES: dict[str, Configuration] = {
    one.name: one
    for one in (
        Configuration(name="single-shot", agent="loop", overrides={"budget.attempts": 1}),
        Configuration(name="bare-loop", agent="loop"),
        Configuration(name="cookbook", overrides={**EVERYTHING, "default_backend": "cookbook", **ALL_ROLES}),
        Configuration(name="peer", agent="peer"),
    )
}
"""What `--baselines` can add."""


def configurations(ablate: Sequence[str], baselines: Sequence[str], *, full: bool = True) -> list[Configuration]:
    """The arms of a campaign: everything on, each switch of `ablate` off alone, then the baselines.

    Raises
    ------
    UserError
        There is no such switch or baseline.
    """
    for name in [one for one in ablate if one not in SWITCHES]:
        raise UserError(f"there is nothing called `{name}` to ablate.", f"There are: {', '.join(SWITCHES)}.")
    for name in [one for one in baselines if one not in BASELINES]:
        raise UserError(f"there is no baseline `{name}`.", f"There are: {', '.join(BASELINES)}.")
    found = [Configuration(name="full", overrides=EVERYTHING)] if full else []
    found += [Configuration(name=f"no-{name}", overrides={**EVERYTHING, **SWITCHES[name]}) for name in ablate]
    return found + [BASELINES[name] for name in baselines]


def check_models(arms: Sequence[Configuration], settings: Settings) -> None:
    """See that the baselines that are a model have one.

    Raises
    ------
    UserError
        The coder's backend is the cookbook.
    """
    name = settings.backend_name("coder")
    backend = settings.backends.get(name)
    for arm in arms:
        if arm.agent != "graph" and backend and backend.kind == "cookbook":
            raise UserError(f"the baseline {arm.name} needs a model, and {name} is none.", "Name one with --backend.")
