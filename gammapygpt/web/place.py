"""Where a page looks: settings file, runs folder, data folder; as `gammapygpt web` was told, kept with each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gammapygpt.commands.common import assignments, overrides, runs_folder
from gammapygpt.private import private_folder
from gammapygpt.settings import Settings
from gammapygpt.settings_loading import load_settings

CONFIG = "config="


@dataclass(frozen=True)
class Place:
    """What all users of one server share."""

    config: Path | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """The same as arguments of the page's script."""
        told = [f"{CONFIG}{self.config}"] if self.config else []
        return told + [f"{key}={value}" for key, value in self.overrides.items()]

    def settings(self, chosen: Mapping[str, Any] | None = None) -> Settings:
        """The settings with what a user chose on the page.

        Raises
        ------
        UserError
            They are not valid.
        """
        return load_settings(self.config, {**self.overrides, **(chosen or {})})

    @property
    def runs(self) -> Path:
        """The folder of the runs."""
        return Path(self.overrides["runs.folder"])


def place_of(config: Path | None, runs: Path | None, data: Path | None) -> Place:
    """The place that options name; the folder of the runs is made, so that whatever is wrong shows at once.

    Raises
    ------
    UserError
        The settings are not valid, or the folder of the runs cannot be made.
    """
    from gammapygpt.errors import UserError

    where = runs_folder(runs, config)
    config = config.expanduser().resolve() if config else None
    place = Place(config, overrides(None, data=data, runs=where))
    place.settings()
    try:
        private_folder(where)
    except OSError as error:
        raise UserError(f"cannot make {where}: {error.strerror}.", "Name another folder with --runs.") from error
    return place


def place_told(arguments: Sequence[str]) -> Place:
    """The place that `Place.arguments` tells of."""
    config = next((told.removeprefix(CONFIG) for told in arguments if told.startswith(CONFIG)), "")
    return Place(
        Path(config) if config else None, assignments([told for told in arguments if not told.startswith(CONFIG)])
    )
