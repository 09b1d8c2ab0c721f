"""The switches of `Context` as a form: what a user may set, with the defaults of the user's own settings."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from gammapygpt.context import Context
from gammapygpt.settings import BudgetSettings, Settings

NOT_ASKED = frozenset({"run_folder", "settings"})
"""What each run gets from its thread and from the settings file."""
UNTOUCHED: Any = object()
"""In the place of what a user left as it was: the default is shown, but it is for the run to say what it has."""


def form(settings: Settings) -> type:
    """A dataclass with the fields of `Context` that a user may set; its defaults are what these settings say.

    Backends are an enumeration of those that there are.
    """
    here, kinds = Context.of(settings, Path()), get_type_hints(Context)
    made: list[Any] = []
    for one in fields(Context):
        if one.name not in NOT_ASKED:
            shown: dict[str, Any] = {"default": getattr(here, one.name)}
            if one.name.endswith("_backend"):
                shown["enum"] = sorted(settings.backends)
            described = {**one.metadata, "json_schema_extra": shown}
            made.append((one.name, kinds[one.name], field(default_factory=lambda: UNTOUCHED, metadata=described)))
    return make_dataclass("Switches", made, kw_only=True, namespace={"__doc__": "What a run may use; its limits."})


def filled_in(given: Any) -> dict[str, Any]:
    """What a user filled in, as `load_settings` takes it: values by dotted keys."""
    if given is None:
        return {}
    values = {one.name: getattr(given, one.name) for one in fields(given)}
    return {key(name): value for name, value in values.items() if value is not UNTOUCHED}


def key(name: str) -> str:
    """The setting behind a switch, as a dotted key."""
    if name.endswith("_backend"):
        return f"roles.{name.removesuffix('_backend')}"
    return f"budget.{name}" if name in BudgetSettings.model_fields else f"switches.{name}"
