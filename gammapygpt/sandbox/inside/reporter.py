"""Looks inside a run: its observations, masks, regions, data sets, fits and points, without the script's help.

Runs inside the sandbox, in the script's own process: standard library only, Python 3.9 and newer. It listens to
Gammapy's makers, fits and estimators, and looks at what is alive when the script has ended. It never raises, prints
or warns, and it takes a bounded time.

What it promises: nothing that a script prints, writes or leaves in result.json can pass for a fact; the facts travel
over the control socket, in the one report that bears the mark of this run, and are told by functions that were bound
before the script's first line. What it does not promise: a script that goes looking for this module in its own process,
through frames or the garbage collector, can alter what is told, since there is no wall within a process. Facts are
therefore good evidence of mistakes, and none of good faith.
"""

from __future__ import annotations

import functools
import itertools
import json
import logging
import sys
import time
from typing import Any

import facts_data as data  # type: ignore[import-not-found]
import facts_fit as fit  # type: ignore[import-not-found]
import notes  # type: ignore[import-not-found]
import wrapping  # type: ignore[import-not-found]
from record import FIRST_TO_GO, Record  # type: ignore[import-not-found]

MOST_BYTES = 240 << 10
LAST_S = 0.6
"""For the look at the end."""
MOST_ALIVE, MOST_IN_ONE = 300, 500
LOGGERS = ("data.data_store", "utils.fits", "makers.background.reflected", "makers.background.fov", "makers.safe")
LIVING = (("gammapy.datasets", "Dataset"), ("gammapy.modeling.models", "ModelBase"))
"""Classes of what is looked at in the end."""

_dumps, _clock = json.dumps, time.perf_counter


class Reporter:
    """Listens from the import of Gammapy on, and tells in the end."""

    def __init__(self) -> None:
        self.record = Record()
        self.watched: list[tuple[Any, str, Any]] = []

    def watch(self) -> None:
        """Wait for the modules to be imported."""
        acts = {
            "gammapy.data": self.watch_data,
            "gammapy.makers": lambda module: self.each_class(module, "run", notes.made, but=("DatasetsMaker",)),
            "gammapy.modeling": self.watch_fits,
            "gammapy.modeling.models": self.watch_models,
            "gammapy.datasets": self.watch_datasets,
            "gammapy.estimators": lambda module: self.each_class(module, "run", notes.estimated),
            "gammapy.irf": self.watch_irfs,
            "gammapy.catalog": lambda module: self.around(module.SourceCatalog, "__getitem__", notes.took_source),
            "matplotlib.figure": lambda module: self.around(module.Figure, "savefig", notes.saved_figure),
        }
        for name, act in acts.items():
            wrapping.when_imported(name, functools.partial(wrapping.quietly, self.record.budget, act))
        for name in LOGGERS:
            logging.getLogger(f"gammapy.{name}").addFilter(self.note_log)

    def forget(self) -> None:
        """What happened until now was no script's doing."""
        self.record.begin()

    def around(self, owner: Any, name: str, note: Any) -> None:
        """Listen to one method."""
        if wrapping.around(owner, name, functools.partial(note, self.record), self.record):
            self.watched.append((owner, name, vars(owner)[name]))

    def each_class(self, module: Any, name: str, note: Any, but: tuple[str, ...] = ()) -> None:
        """Listen to a method of every class of a package that defines it, and of what those are made from."""
        classes = [thing for thing in vars(module).values() if isinstance(thing, type)]
        for owner in notes.unique(base for one in classes for base in one.__mro__):
            if owner.__module__.startswith("gammapy.") and owner.__name__ not in but:
                self.around(owner, name, note)

    def watch_data(self, module: Any) -> None:
        """Observations that are selected and got."""
        self.around(module.DataStore, "get_observations", notes.got_observations)
        self.around(module.DataStore, "obs", notes.got_observations)
        self.around(module.ObservationTable, "select_sky_circle", notes.selected_in_cone)

    def watch_fits(self, module: Any) -> None:
        """Fits, and the comparison of nested models."""
        for name in ("run", "optimize", "covariance"):
            self.around(module.Fit, name, notes.fitted)
        nested = getattr(sys.modules.get("gammapy.modeling.selection"), "TestStatisticNested", None)
        if nested is not None:
            self.around(nested, "run", notes.compared)

    def watch_models(self, module: Any) -> None:
        """Background models that are made, and spectra that are evaluated."""
        self.around(module.FoVBackgroundModel, "__init__", notes.made_background_model)
        for name in ("integral", "energy_flux", "integral_error", "energy_flux_error", "evaluate_error", "__call__"):
            self.each_class(module, name, notes.evaluated(name))

    def watch_datasets(self, module: Any) -> None:
        """What is done with data sets."""
        for name in ("stack_reduce", "info_table"):
            self.around(module.Datasets, name, notes.put_together)
        listened = {
            "stack": notes.stacked,
            "info_dict": notes.informed,
            "fake": notes.simulated,
            "run": notes.simulated,
        }
        for name, note in listened.items():
            self.each_class(module, name, note)

    def watch_irfs(self, module: Any) -> None:
        """Look-ups in instrument responses."""
        for name in ("evaluate", "containment", "containment_radius", "to_edisp_kernel"):
            self.each_class(module, name, notes.looked_up(name))

    def note_log(self, record: logging.LogRecord) -> bool:
        """A warning of Gammapy about observations, regions or masks; it is shown as ever."""
        if record.levelno >= logging.WARNING and not wrapping.observing():
            wrapping.quietly(self.record.budget, lambda: self.record.append("logged", record.getMessage()[:300]))
        return True

    def collect(self, namespace: dict[str, Any]) -> dict[str, Any]:
        """The facts, after a look at what is alive; they fit into JSON of a bounded length."""
        gammapy: Any = sys.modules.get("gammapy")
        if gammapy is None:
            return {"seen": True}
        end, budget = _clock() + LAST_S, self.record.budget
        wrapping.quietly(budget, self.look_at_the_living, namespace, end)
        for key, observation in self.record.first.items():
            if _clock() < end:
                wrapping.quietly(budget, self.add_containment, self.record.tables["makings"].get(key, {}), observation)
        facts = self.record.facts()
        facts.update({"seen": True, "gammapy": data.name_of(getattr(gammapy, "__version__", "unknown"))})
        facts["failures"], facts["seconds"] = budget.failures, round(budget.spent, 4)
        facts["left_out"] = [] if budget.left() and _clock() < end else ["time"]
        replaced = [(owner, name) for owner, name, ours in self.watched if vars(owner).get(name) is not ours]
        facts["replaced"] = [f"{owner.__name__}.{name}" for owner, name in replaced]
        return bounded(facts)

    def look_at_the_living(self, namespace: dict[str, Any], end: float) -> None:
        """Data sets and models among the script's own names."""
        dataset, model = (getattr(sys.modules.get(name), kind, ()) for name, kind in LIVING)
        found: list[Any] = []
        gather(list(namespace.values())[:2000], found, (dataset, model))
        for thing in found:
            if isinstance(thing, dataset) and _clock() < end:
                self.record.see(thing, "alive")
        models = notes.unique(thing for thing in found if isinstance(thing, model))
        self.record.lists["models"] = fit.parameters_of(models)

    def add_containment(self, making: dict[str, Any], observation: Any) -> None:
        """How much of the PSF the ON region holds at 1 TeV: one look-up for each way of making data sets."""
        radius = (making.get("region") or {}).get("radius_deg")
        if radius is None or making["maker"] != "SpectrumDatasetMaker" or "psf" not in observation.available_irfs:
            return
        u: Any = sys.modules["astropy.units"]
        where = {"offset": making["offsets_deg"][0] * u.deg, "energy_true": 1 * u.TeV}
        inside = observation.psf.containment(rad=radius * u.deg, **where)
        making["containment"] = data.number(getattr(inside, "value", inside).item())


def gather(things: list[Any], found: list[Any], kinds: Any, depth: int = 0) -> None:
    """Things of these kinds among some others, also in lists and tables of them."""
    for thing in things:
        if len(found) >= MOST_ALIVE:
            return
        if isinstance(thing, kinds):
            found.append(thing)
        elif depth < 2 and (type(thing) in (list, tuple, dict) or type(thing).__module__ in CONTAINERS):
            inner = thing.values() if type(thing) is dict else thing
            gather(list(itertools.islice(inner, MOST_IN_ONE)), found, kinds, depth + 1)


CONTAINERS = ("gammapy.datasets.core", "gammapy.modeling.models.core")
"""Modules whose Datasets and Models are lists of what is looked for."""


def bounded(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts that are shortened where they are too long as JSON: what matters least goes first."""
    size = len(_dumps(facts))
    for name in FIRST_TO_GO:
        if size <= MOST_BYTES:
            return facts
        facts["left_out"].append(name)
        facts[name] = facts[name][-20:] if len(_dumps(facts[name][-20:])) < MOST_BYTES // 8 else []
        size = len(_dumps(facts))
    return facts if size <= MOST_BYTES else {"seen": True, "left_out": ["everything"]}
