"""Observations: those that were asked for, each once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gammapygpt.checks.asked.case import Case, any_same, asked_finding, listed
from gammapygpt.checks.outcome import is_number
from gammapygpt.cookbook.about import About
from gammapygpt.cookbook.keys import quantity
from gammapygpt.cookbook.observations import FIELD_OF_VIEW
from gammapygpt.cookbook.runs import near
from gammapygpt.state import Finding, StoreInfo

COUNTING = About(vocabulary=["counts", "lists"])
SOME = re.compile(
    r"(?i)\b(?:first|last|any|some|few|subset|single|best|longest)\b[^.;,]{0,20}\b(?:runs?|observations?)\b"
    r"|\bone (?:run|observation)\b"
    r"|\bzenith\b[^.;]{0,20}(?:below|above|under|over|than|<|>|between)|\bquality\b|\btelescopes\b"
    r"|\blive ?time\b[^.;]{0,15}(?:above|over|longer|more|>)|\blonger than\b"
)
"""Words by which not all observations within a cone are asked for."""
COUNTED = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
NUMBERED = re.compile(rf"(?i)\b({'|'.join(COUNTED)}|\d{{1,3}})\s+(?:[A-Z]\w*\s+)?(?:runs|observations)\b")
SECONDS = {"h": 3600.0, "min": 60.0, "s": 1.0}
PER_RUN = re.compile(
    r"(?i)\brun-?\s?wise\b|\b(?:one )?(?:point|bin|flux) (?:per|for each|for every) (?:run|observation)\b"
)


def store_of(case: Case) -> StoreInfo | None:
    """The data store that the request names; the only one that has its observations, where it names none."""
    name = str(case.values.get("DATA_STORE", "")).strip("/")
    stores = [one for one in case.request.stores if one.path.strip("/") == name]
    if not stores and not name and case.read.runs is not None:
        ids = set(case.read.runs.ids)
        stores = [one for one in case.request.stores if ids and ids <= set(one.obs_ids)]
    return stores[0] if len(stores) == 1 else None


def wanted_ids(case: Case) -> list[int]:
    """Ids that were asked for, one by one or by position; empty where that is not certain."""
    store = store_of(case)
    if store is None or case.values.get("DATES"):
        return []
    ra, dec = case.asked("TARGET_RA"), case.asked("TARGET_DEC")
    left_out = set(case.read.left_out.resolve(store.obs_ids)) if case.read.left_out is not None else set()
    if case.read.runs is not None:
        around = near(store, ra, dec, FIELD_OF_VIEW) if ra is not None and dec is not None else store.obs_ids
        return [one for one in case.read.runs.resolve(around) if one not in left_out]
    radius = case.asked("SELECTION_RADIUS")
    if radius is None or ra is None or dec is None or not certain_cone(case, radius) or SOME.search(case.read.text):
        return []
    found = [one for one in near(store, ra, dec, radius) if one not in left_out]
    counts = [COUNTED.get(word.lower()) or int(word) for word in NUMBERED.findall(case.read.text)]
    return found if all(count == len(found) for count in counts) else []


def certain_cone(case: Case, radius: float) -> bool:
    """Whether an angle of the request is that of the selection: the run selected with it, or has no such number."""
    return any_same(radius, (one.radius_deg for one in case.facts.cones)) or not case.occurs(radius)


def used_ids(case: Case) -> list[int]:
    """Ids that entered the answer: what makers reduced, else what was got, else nothing is known."""
    reduced = [one.obs_id for one in case.facts.observations if one.used]
    got = [one for selection in case.facts.selections for one in selection.got]
    return [int(one) for one in (reduced or got) if str(one).isdigit()]


def observations(case: Case) -> Iterator[Finding]:
    """No observation of those asked for is missing, none was added, none counts twice."""
    wanted = wanted_ids(case)
    if not wanted or not case.facts.seen or case.facts.left_out:
        return
    used = used_ids(case)
    looked = bool(case.facts.makings or case.facts.selections)
    missing = sorted(set(wanted) - set(used))
    written = {int(number) for number in re.findall(r"\d{2,9}", case.read.text)}
    more = sorted(set(used) - set(wanted) - written)
    explicit = case.read.runs is not None
    if looked and missing:
        text = f"{len(missing)} of the {len(wanted)} runs asked for are not used: {listed(missing)}"
        remedy = "Use all of them, or say which were left out and why."
        yield asked_finding("asked-observations", text, remedy, fact=f"runs used: {listed(sorted(used)) or 'none'}")
    if looked and more:
        text = f"Runs are used that were not asked for: {listed(more)}"
        remedy = "Use the runs of the request."
        yield asked_finding("asked-observations", text, remedy, "error" if explicit else "warning")
    yield from counted(case, len(wanted))


def counted(case: Case, number: int) -> Iterator[Finding]:
    """A number of observations in the result, against the number that there is."""
    for one in case.read.wanted:
        value = case.result.get(one.key)
        try:
            meant = quantity(one.key, one.meaning, one.unit, COUNTING)
        except ValueError:
            continue
        if meant is not None and meant.name == "n_obs" and is_number(value) and value != number:
            text = f"`{one.key}` is {value}, and {number} runs are asked for"
            yield asked_finding("asked-observations", text, "Count the runs of the selection.", key=one.key)


def livetime(case: Case) -> Iterator[Finding]:
    """A livetime in the result, against those of the observations that were got."""
    known = [one for one in case.facts.observations if one.livetime_s and one.ontime_s]
    got = {int(one.obs_id) for one in known if str(one.obs_id).isdigit()}
    wanted = set(wanted_ids(case))
    if not known or len(known) != len(case.facts.observations) or (wanted and not wanted <= got):
        return
    asked = [one for one in known if not wanted or (str(one.obs_id).isdigit() and int(one.obs_id) in wanted)]
    sums = [sum(one.livetime_s or 0.0 for one in some) for some in (asked, known, [one for one in known if one.used])]
    ontime = sum(one.ontime_s or 0.0 for one in asked)
    for one in case.read.wanted:
        value = case.result.get(one.key)
        try:
            meant = quantity(one.key, one.meaning, one.unit, COUNTING)
        except ValueError:
            continue
        if meant is None or meant.name != "livetime" or not isinstance(value, int | float) or meant.unit not in SECONDS:
            continue
        seconds = value * SECONDS[meant.unit]
        if not any_same(seconds, [*sums, *(one.livetime_s for one in known)]):
            what = ", which is the ontime" if any_same(seconds, [ontime], 1e-3) else ""
            told = sums[0] / SECONDS[meant.unit]
            text = f"`{one.key}` is {value:.4g} {meant.unit}{what}; the runs have {told:.4g} {meant.unit} of livetime"
            remedy = "Sum observation_live_time_duration of the runs, or their LIVETIME."
            yield asked_finding("asked-livetime", text, remedy, "error" if wanted == got else "warning", key=one.key)


def each_run(case: Case) -> Iterator[Finding]:
    """A light curve with one point per run has as many points as there are runs."""
    curves = [one for one in case.facts.points if one.type == "LightCurveEstimator"]
    wanted = wanted_ids(case) or used_ids(case)
    if not curves or not wanted or not PER_RUN.search(case.read.text):
        return
    most = max(len(one.times) or one.n for one in curves)
    if most < len(wanted):
        text = f"The light curve has {most} points for {len(wanted)} runs, and one per run was asked for"
        remedy = "Leave time_intervals out, or take one from each observation."
        yield asked_finding("asked-observations", text, remedy, fact=f"{most} time bins")


RULES = (observations, livetime, each_run)
