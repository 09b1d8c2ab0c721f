"""Which values calls take: enumerations, units, high-level configuration; and what is deprecated.

Part of `introspect.py`. Where it can be, a rule is measured: the call is made, and what it raises is recorded.
"""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

from api_sources import keywords  # type: ignore[import-not-found]

REGISTRIES = ("available_methods", "available_selection", "_available_selection_optional")
"""Class attributes of makers and estimators that list what a keyword takes."""
KEYWORD_OF = {
    "available_methods": ("methods", "method"),
    "available_selection": ("selection",),
    "_available_selection_optional": ("selection_optional",),
}


def choices(cls: type) -> dict[str, list]:
    """Keyword of the constructor -> strings that it takes, as the class itself lists them."""
    found: dict[str, list] = {}
    parameters = keywords(getattr(cls, "__init__", None), cls)[0]
    for attribute in REGISTRIES:
        listed = getattr(cls, attribute, None)
        if (
            isinstance(listed, (list, tuple, set, frozenset, dict))
            and listed
            and all(isinstance(v, str) for v in listed)
        ):
            for keyword in KEYWORD_OF[attribute]:
                if keyword in parameters:
                    extra = ["all"] if keyword in ("selection_optional", "methods") else []
                    found[keyword] = sorted({*listed, *extra})
    return found


def shared_choices() -> dict[str, Any]:
    """Enumerations that many calls share: flux types, IRF requirements, frames of the sky, backends of the fit."""
    found: dict[str, Any] = {}
    core: Any = sys.modules.get("gammapy.estimators.map.core") or sys.modules.get("gammapy.estimators.core")
    if hasattr(core, "REQUIRED_MAPS"):
        found["sed_type"] = sorted({*core.REQUIRED_MAPS, *getattr(core, "DEFAULT_UNIT", ())})  # plots take `norm` too
    store: Any = sys.modules.get("gammapy.data.data_store")
    if hasattr(store, "REQUIRED_IRFS"):
        found["required_irf"] = sorted({*store.REQUIRED_IRFS, *store.ALL_IRFS})
    registry = getattr(sys.modules.get("gammapy.modeling.fit"), "registry", None)
    if registry is not None:
        found["backend"] = sorted({name for task in registry.register.values() for name in task})
    coordinates = sys.modules.get("astropy.coordinates")
    if coordinates is not None:
        found["frame"] = sorted(coordinates.frame_transform_graph.get_names())
    absorption: Any = sys.modules.get("gammapy.modeling.models.spectral")
    if hasattr(absorption, "EBL_DATA_BUILTIN"):
        found["EBLAbsorptionNormSpectralModel.read_builtin(reference)"] = sorted(absorption.EBL_DATA_BUILTIN)
    found["<matplotlib>"] = plot_keywords()
    style = sys.modules.get("matplotlib.style")
    if style is not None:
        found["style"] = sorted({*style.available, "default"})
    return found


def plot_keywords() -> list:
    """Every keyword that some artist or some method of Matplotlib's axes takes."""
    artists: Any = sys.modules.get("matplotlib.artist")
    axes: Any = sys.modules.get("matplotlib.axes")
    if artists is None or axes is None:
        return []
    found, waiting = {"cmap", "norm", "data", "xunits", "yunits"}, [artists.Artist]
    while waiting:
        cls = waiting.pop()
        waiting.extend(type.__subclasses__(cls))
        inspector = artists.ArtistInspector(cls)
        found.update(inspector.get_setters(), *inspector.aliasd.values(), _parameter_names(cls.__init__))
    for owner in (axes.Axes, sys.modules["matplotlib.figure"].Figure, sys.modules["matplotlib.pyplot"]):
        for name in dir(owner):
            found.update(_parameter_names(getattr(owner, name, None)))
    return sorted(found)


def _parameter_names(function: Any) -> set:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return set()


def model_parameters(cls: type) -> dict[str, Any] | None:
    """Parameters of a model: name -> dimension, and whether a bare number is taken; None for what is no model."""
    defaults = getattr(cls, "default_parameters", None)
    if defaults is None or not hasattr(defaults, "names"):
        return None
    return {one.name: [dimension(one.unit), _takes(cls, {one.name: 1.0}) is None] for one in defaults}


def _takes(cls: type, arguments: dict[str, Any]) -> str | None:
    """None if a call with these keywords goes well (or fails for a reason of its own), else the error of units."""
    try:
        cls(**arguments)
    except Exception as error:
        return str(error) if type(error).__name__ == "UnitConversionError" else None
    return None


def measured(cls: type) -> dict[str, str]:
    """Constructor keyword -> dimension that a value must have, from the descriptors of a region's attributes."""
    found = {}
    for base in cls.__mro__:
        for name, value in vars(base).items():
            if type(value).__module__ == "regions.core.attributes" and "Angle" in type(value).__name__:
                found[name] = dimension_of("deg")
    return found


def dimension_of(text: str) -> str:
    """Dimension of a unit given as a string."""
    import astropy.units as u

    return dimension(u.Unit(text))


def dimension(unit: Any) -> str:
    """A unit's physical dimension as text: `cm-2 s-1 TeV-1` is `kg-1 m-4 s1`; angles keep their `rad`."""
    plain = unit.decompose()
    return " ".join(sorted(f"{base}{float(power):g}" for base, power in zip(plain.bases, plain.powers)))


def units() -> dict[str, str]:
    """Dimension of every unit of Astropy by name, prefixed ones included; logarithmic ones are left out."""
    u: Any = sys.modules.get("astropy.units")
    found = {}
    for name in dir(u) if u is not None else ():
        unit = getattr(u, name)
        if isinstance(unit, u.UnitBase) and not name.startswith("_"):
            found[name] = dimension(unit)
    return found


def fields(cls: type, identity: Any) -> dict[str, Any] | None:
    """Fields of a configuration class: what each takes; None for a class without."""
    declared = getattr(cls, "model_fields", None)
    if not isinstance(declared, dict) or not hasattr(cls, "model_config"):
        return None
    extra = cls.model_config.get("extra", "ignore")
    described = {name: _field(one.annotation, identity) or _probed(cls, name) for name, one in declared.items()}
    return {"open": extra == "allow", "of": described}


def _probed(cls: Any, name: str) -> dict[str, Any]:
    """A field that refuses a bare number and takes it with a unit: the dimension of that unit."""
    validate = getattr(getattr(cls, "__pydantic_validator__", None), "validate_assignment", None)
    if validate is None or _accepted(validate, cls, name, "word"):
        return {}
    for unit in ("deg", "TeV", "s"):
        if _accepted(validate, cls, name, f"5 {unit}"):
            return {} if _accepted(validate, cls, name, 5.0) else {"dimension": dimension_of(unit)}
    return {}


def _accepted(validate: Any, cls: Any, name: str, value: Any) -> bool:
    try:
        validate(cls.model_construct(), name, value)
    except Exception:
        return False
    return True


def _field(annotation: Any, identity: Any) -> dict[str, Any]:
    inner = [one for one in getattr(annotation, "__args__", ()) if one is not type(None)]
    if inner and type(None) in annotation.__args__ and len(inner) == 1:
        annotation = inner[0]
    if not inspect.isclass(annotation):
        return {}
    if hasattr(annotation, "model_fields"):
        return {"class": identity(annotation)}
    if hasattr(annotation, "__members__"):
        return {"choices": sorted(str(one.value) for one in annotation.__members__.values())}
    return {"kind": annotation.__name__} if annotation in (int, float, bool) else {}


def _closure(function: Any, *names: str) -> dict[str, Any] | None:
    """Variables that a wrapper closes over, if it has all of these."""
    code, cells = getattr(function, "__code__", None), getattr(function, "__closure__", None)
    if code is None or not cells or not set(names) <= set(code.co_freevars):
        return None
    values = dict(zip(code.co_freevars, cells))
    return {name: values[name].cell_contents for name in names}


def deprecated_arguments(function: Any) -> dict[str, str]:
    """Old keyword -> new one (empty for none), of a function that still takes the old one with a warning."""
    found: dict[str, str] = {}
    function = getattr(function, "__func__", function)
    while function is not None:
        renamed = _closure(function, "old_name", "new_name")
        if renamed is not None:
            old, new = renamed["old_name"], renamed["new_name"]
            pairs = zip(old, new) if isinstance(old, (list, tuple)) else [(old, new)]
            found.update({one: other or "" for one, other in pairs})
        function = getattr(function, "__wrapped__", None)
    return found


def deprecation(obj: Any) -> str:
    """What a deprecated class or function says of itself, on one line; empty for one that is not."""
    text = inspect.getdoc(getattr(obj, "__func__", obj)) or ""
    found = re.search(r"\.\. deprecated:: *(\S+)\s*\n(.*?)(?:\n\n|\Z)", text, re.DOTALL)
    return "" if found is None else f"Deprecated since {found.group(1)}. {' '.join(found.group(2).split())}".strip()
