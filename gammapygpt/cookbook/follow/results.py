"""Keys of `result.json` in a request: which a change of model makes meaningless, and how others are added."""

from __future__ import annotations

import re
from typing import NamedTuple

from gammapygpt.cookbook.follow.edits import Edit, key_energies
from gammapygpt.cookbook.follow.reading import Read
from gammapygpt.cookbook.keys import Quantity

PARAMETERS = {
    "index": r"(?:photon_|spectral_)?(?:index|gamma|slope)",
    "alpha": r"alpha",
    "beta": r"(?:beta|curvature)",
    "cutoff": r"(?:e_?c(?:ut)?(?:_?off)?|cut_?off(?:_energy)?|lambda_?)(?:_TeV-?1?|_per_TeV)?",
    "sigma": r"(?:sigma|width|extension|size)(?:_deg)?",
    "radius": r"(?:disk_)?(?:radius|r_?0|extension|size)(?:_deg)?",
}
"""Keys of parameters that not every model has."""
ERROR = r"(?:_(?:stat_)?(?:err(?:or)?|unc(?:ertainty)?))?"
OF_MODEL = {
    "pl": {"index": "index"},
    "ecpl": {"index": "index", "cutoff": "cutoff_TeV"},
    "lp": {"alpha": "alpha", "beta": "beta"},
    "point": {},
    "gauss": {"sigma": "sigma_deg"},
    "disk": {"radius": "radius_deg"},
}
"""By tag of a model, the keys that its own parameters get."""


MEANINGS = {
    "index": "photon index",
    "alpha": "index at the reference energy",
    "beta": "curvature",
    "cutoff_TeV": "TeV",
    "sigma_deg": "deg",
    "radius_deg": "deg",
}
"""What is said of the last of new keys, so that words about the next one are not taken for its own."""


class Key(NamedTuple):
    """One key where it stands in a text."""

    name: str
    quote: str
    start: int
    end_of_meaning: int
    """Behind what stands in parentheses about it."""


def find_key(text: str, key: str) -> Key | None:
    """Where a key stands: in quotes, or else behind `result.json`, or anywhere."""
    meaning = r"(?:\s*\([^()]*(?:\([^()]*\)[^()]*)*\))?"
    word = rf"(?<![\w$/.{{])(?P<quote>[\"'`]?)(?P<key>{re.escape(key)})(?P=quote)(?!\w){meaning}"
    quoted = word.replace("]?)", "])", 1)
    behind = text.find("result.json") + 1
    match = re.search(quoted, text) or re.compile(word).search(text, behind) or re.search(word, text)
    return Key(match["key"], match["quote"], match.start(), match.end()) if match else None


def keys_of(read: Read) -> list[str]:
    """The keys that a request names; words without quotes and underscores behind `result.json` are keys, too."""
    named = [one.key for one in read.reading.wanted]
    plain = re.search(r"result\.json\b(.*)", read.text, re.S)
    if plain and not named:
        every = "|".join(PARAMETERS.values())
        named = [match.group() for match in re.finditer(rf"(?<!\w)(?:{every}){ERROR}(?!\w)", plain.group(1))]
    return list(dict.fromkeys(named))


def for_model(read: Read, old: str, new: str) -> tuple[list[Edit], dict[str, list[str]]]:
    """Edits that give a request the keys of another model, and which key becomes which.

    Parameters
    ----------
    read
        The request.
    old, new
        Tags of the models: `pl`, `ecpl`, `lp`, or of spatial ones.
    """
    edits: list[Edit] = []
    became: dict[str, list[str]] = {}
    owned = [(name, *_parameter(name, old)) for name in keys_of(read)]
    for errors in (False, True):
        mine = {parameter: name for name, parameter, suffix in owned if parameter and bool(suffix) == errors}
        if not mine:
            continue
        suffix = next(suffix for name, parameter, suffix in owned if parameter and bool(suffix) == errors)
        plain = not read.reading.wanted
        names = {one: re.sub(r"_(?:TeV|deg)$", "", key) if plain else key for one, key in OF_MODEL[new].items()}
        fresh = [mine.get(one) or key + suffix for one, key in names.items()]
        first, *others = mine.values()
        became |= {first: fresh} | {other: [] for other in others}
    for name, to in became.items():
        key = find_key(read.text, name)
        if key is None or to == [name]:
            continue
        quoted = [f"{key.quote}{one}{key.quote}" for one in to]
        if key.quote and to and to[-1] != name:
            quoted[-1] += f" ({MEANINGS.get(to[-1], '1 sigma')})"
        if name in to:
            rest = quoted[1:]
            edits.append((key.end_of_meaning, key.end_of_meaning, "".join(f", {one}" for one in rest)))
        else:
            edits.append((*around_key(read.text, key, empty=not to), ", ".join(quoted)))
    return edits, {name: to for name, to in became.items() if to != [name]}


def _parameter(key: str, model: str) -> tuple[str, str]:
    """The parameter of a model that a key is of, and how it says that it is the error; empty where of none."""
    for parameter in (*OF_MODEL[model], *(["index"] if model == "lp" else [])):
        if match := re.fullmatch(rf"(?:{PARAMETERS[parameter]})(?P<error>{ERROR})", key, re.I):
            return ("alpha" if (model, parameter) == ("lp", "index") else parameter), match["error"]
    return "", ""


def around_key(text: str, key: Key, *, empty: bool) -> tuple[int, int]:
    """A key with its meaning; with the comma or `and` beside it where nothing takes its place."""
    start, end = key.start, key.end_of_meaning
    if not empty:
        return start, end
    if before := re.search(r"(?:\s*,\s*(?:and\s+)?|\s+and\s+)$", text[:start]):
        return before.start(), end
    after = re.match(r"\s*,\s*(?:and\s+)?|\s+and\s+", text[end:])
    return start, end + (after.end() if after else 0)


def key_for(found: Quantity) -> str:
    """A key for a quantity: its name, its energies, its unit where that is short."""
    error = "_err" if found.name.endswith("_error") else ""
    stem = found.name.removesuffix("_error")
    words = [str(one).strip("_") for one in found.arguments if isinstance(one, str)]
    energies = tuple(float(one) for one in found.arguments if isinstance(one, int | float))
    name = "_".join(words or [stem])
    if energies:
        return f"{name}_{key_energies(energies)}{error}"
    unit = f"_{found.unit}" if found.unit in ("TeV", "deg", "h") else ""
    return f"{name}{unit}{error}"


def with_keys(read: Read, added: list[str]) -> str:
    """A sentence that asks for further keys; those that came by themselves are then named as well."""
    if read.reading.wanted:
        return f"Also report {', '.join(added)}"
    own = [explained(one.key, "", one.unit) for one in read.choice.results]
    verb = "Report" if "result.json" in read.text else "Write result.json with"
    return f"{verb} {', '.join([*own, *added])}"


def explained(key: str, meaning: str, unit: str) -> str:
    """A key in quotes with what it means."""
    about = ", ".join(part for part in (meaning, unit) if part and part != key)
    return f'"{key}" ({about})' if about else f'"{key}"'
