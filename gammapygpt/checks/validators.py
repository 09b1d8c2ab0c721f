"""A user's own validators: callables of the entry point group `gammapygpt.validators`, named in the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.state import Finding, Plan, Request

GROUP = "gammapygpt.validators"


@dataclass(frozen=True)
class ValidatorContext:
    """What a validator may look at beside the result."""

    workspace: Path
    """Folder with the files that the script left."""
    request: Request | None = None
    plan: Plan | None = None


Validator = Callable[[dict[str, Any], ValidatorContext], Iterable[str | Finding]]
"""Says what is wrong with a result; a plain string is an error. A model reads it: put no expected value into it."""


def load_validators(names: Sequence[str]) -> dict[str, Validator]:
    """Validators by the name of their entry point.

    Raises
    ------
    UserError
        No installed package offers one of that name, or it cannot be imported.
    """
    installed = {entry.name: entry for entry in entry_points(group=GROUP)} if names else {}
    found: dict[str, Validator] = {}
    for name in names:
        if name not in installed:
            known = ", ".join(sorted(installed)) or "none"
            raise UserError(f"There is no validator `{name}`.", f"Installed: {known} (entry point group {GROUP}).")
        try:
            found[name] = installed[name].load()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UserError(f"The validator `{name}` cannot be loaded ({reason}).", "Repair its package.") from error
    return found


def run_validators(
    validators: dict[str, Validator], result: dict[str, Any], context: ValidatorContext
) -> list[Finding]:
    """What the user's validators find.

    Raises
    ------
    InfrastructureError
        A validator itself broke: never the script's fault.
    """
    findings = []
    for name, validator in validators.items():
        try:
            findings += [_finding(name, one) for one in validator(dict(result), context)]
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise InfrastructureError(f"The validator `{name}` broke ({reason}).", "Repair or remove it.") from error
    return findings


def _finding(name: str, said: str | Finding) -> Finding:
    if isinstance(said, Finding):
        return said
    if not isinstance(said, str):
        raise TypeError(f"it gave a {type(said).__name__}, not a string or a Finding")
    return Finding(gate="validator", kind="wrong_value", rule=name, message=said)
