"""What was seen of a run so far: bounded lists and tables of plain facts.

Runs inside the sandbox, in the script's own process: standard library only, Python 3.9 and newer.
"""

from __future__ import annotations

import collections
import weakref
from typing import Any

import facts_data as data  # type: ignore[import-not-found]
import wrapping  # type: ignore[import-not-found]

MOST = {"observations": data.LONGEST_LIST, "makings": 300, "datasets": 300, "evaluations": 80}
LAST = {
    "selections": 60,
    "cones": 60,
    "logged": 60,
    "fits": 150,
    "nested": 60,
    "points": 100,
    "background_models": 200,
    "simulations": 20,
    "figures": 40,
    "lookups": 60,
    "catalogue": 60,
}
FIRST_TO_GO = ("figures", "lookups", "evaluations", "models", "logged", "points", "observations", "makings", "datasets")


class Record:
    """Facts by kind. Data sets have numbers, by which the other facts refer to them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Nothing was seen yet."""
        self.budget = wrapping.Budget()
        self.lists: dict[str, Any] = {name: collections.deque(maxlen=most) for name, most in LAST.items()}
        self.tables: dict[str, dict[Any, dict[str, Any]]] = {name: {} for name in MOST}
        self.numbers: dict[int, tuple[Any, int]] = {}
        self.settings: dict[int, tuple[Any, dict[str, Any]]] = {}
        self.first: dict[str, Any] = {}
        """The first observation that each kind of maker got."""
        self.count = {"datasets": 0, "fits": 0, "failed_fits": 0}

    def append(self, name: str, facts: Any) -> None:
        """Add to a list, which keeps the last ones."""
        self.lists[name].append(facts)

    def row(self, name: str, key: Any, **first: Any) -> dict[str, Any]:
        """The row of a table, made if need be; one that leads nowhere when the table is full."""
        table = self.tables[name]
        if key not in table and len(table) >= MOST[name]:
            if name != "datasets":
                return first
            table.pop(next(iter(table)))
        return table.setdefault(key, first)

    def observation(self, obs_id: Any) -> dict[str, Any]:
        """The row of one observation."""
        return self.row("observations", obs_id, obs_id=obs_id)

    def number_of(self, dataset: Any) -> int:
        """A number for each data set, the same for the same one."""
        reference, number = self.numbers.get(id(dataset), (None, 0))
        if reference is None or reference() is not dataset:
            self.count["datasets"] = number = self.count["datasets"] + 1
            self.numbers[id(dataset)] = (weakref.ref(dataset), number)
        return number

    def settings_of(self, maker: Any) -> dict[str, Any]:
        """What a maker was told, looked up once."""
        reference, settings = self.settings.get(id(maker), (None, {}))
        if reference is None or reference() is not maker:
            settings = data.settings_of(maker)
            self.settings[id(maker)] = (weakref.ref(maker), settings)
        return settings

    def use(self, number: int, use: str, members: Any = ()) -> dict[str, Any]:
        """Note what is done with a data set, and of which others it is the stack."""
        row = self.row("datasets", number, number=number, uses=[], members=[])
        if use not in row["uses"]:
            row["uses"].append(use)
        row["members"] += [one for one in members if len(row["members"]) < data.LONGEST_LIST]
        return row

    def see(self, dataset: Any, use: str) -> int:
        """Note a data set as it is now, and what is done with it."""
        number = self.number_of(dataset)
        row = self.use(number, use)
        if self.budget.left() or "type" not in row:
            row.update(data.dataset_facts(dataset))
        return number

    def facts(self) -> dict[str, Any]:
        """All of it; data sets that were made and never used are left out."""
        found = {name: list(kept) for name, kept in self.lists.items()}
        found.update({name: list(kept.values()) for name, kept in self.tables.items()})
        found["datasets"] = [row for row in found["datasets"] if "type" in row]
        return {**found, "n_fits": self.count["fits"], "n_failed_fits": self.count["failed_fits"]}
