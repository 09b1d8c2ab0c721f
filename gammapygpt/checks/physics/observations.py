"""Rules about observations: found, read, near enough, none lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gammapygpt.checks.physics.facts import Facts
from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.seen import answered_from, named, reductions, with_members
from gammapygpt.state import Finding

ASKED = ("OBS_IDS", "obs_ids")
"""Parameters of a plan that name the observations to use."""
FARTHEST = 2.5
"""deg; beyond, the response of today's Cherenkov telescopes is small."""
DEADEST = 0.3
HIGHEST_ZENITH = 60.0


def got(evidence: Evidence) -> Iterator[Finding]:
    """Observations that were asked for and not got; those got in a later attempt are no matter."""
    facts = evidence.facts
    had = {str(obs_id) for selection in facts.selections for obs_id in selection.got}
    wanted = {str(obs_id) for selection in facts.selections for obs_id in selection.asked or []}
    whole_store = any(selection.asked is None for selection in facts.selections)
    if reduced_ids(facts) and not had:
        return  # they came another way, such as from single files
    if not had and (wanted or whole_store):
        why = "They lack a required IRF." if any("missing HDU" in line for line in facts.logged) else ""
        yield found("no-observations", f"None of the observations was got. {why}".strip())
    elif missing := sorted(wanted - had):
        if demanded := sorted(set(missing) & demanded_ids(evidence)):
            yield found("no-observations", f"The request names observations that were not got: {named(demanded)}.")
        else:
            yield found("runs-dropped", f"Observations were selected and not got: {named(missing)}.")


def demanded_ids(evidence: Evidence) -> set[str]:
    """Observation ids that the plan or the words of the request name."""
    parameters = evidence.plan.parameters if evidence.plan is not None else {}
    listed: list[object] = next((parameters[name] for name in ASKED if isinstance(parameters.get(name), list)), [])
    words = evidence.request.text if evidence.request is not None else ""
    return {str(one) for one in listed} | set(re.findall(r"\b\d{2,}\b", words))


def nothing_reduced(evidence: Evidence) -> Iterator[Finding]:
    """A selection that found nothing, and numbers from empty data sets all the same."""
    facts = evidence.facts
    empty_search = any(cone.n == 0 for cone in facts.cones) or any(not one.got for one in facts.selections)
    if not empty_search or any(selection.got for selection in facts.selections) or reductions(facts):
        return
    empty = [one for one in answered_from(facts) if not one.counts and not one.livetime_s]
    if empty and not facts.simulations:
        yield found("no-observations", "No observation was found, and the numbers come from empty data sets.")


def responses(evidence: Evidence) -> Iterator[Finding]:
    """IRFs that Gammapy did not find."""
    lines = [line for line in evidence.facts.logged if "HDU" in line]
    if lines:
        yield found("irf-missing", f"Gammapy says: {named(lines, 2)}.".replace("..", "."))


def offsets(evidence: Evidence) -> Iterator[Finding]:
    """Targets far from the pointing."""
    far = {
        obs_id: offset
        for making in reductions(evidence.facts)
        for obs_id, offset in zip(making.obs_ids, making.offsets_deg, strict=False)
        if offset is not None and offset > FARTHEST
    }
    if far:
        text = f"The target is up to {max(far.values()):.1f} deg from the pointing (observations {named(far)})."
        yield found("large-offset", text)


def times(evidence: Evidence) -> Iterator[Finding]:
    """Livetimes and dead times that cannot be."""
    for one in evidence.facts.observations:
        if one.livetime_s is not None and one.ontime_s is not None and one.livetime_s > one.ontime_s * (1 + 1e-6):
            yield found("livetime-implausible", f"The livetime of observation {one.obs_id} exceeds its ontime.")
            return
    dead = [one.obs_id for one in evidence.facts.observations if (one.dead_time_fraction or 0) > DEADEST]
    if dead:
        yield found("livetime-implausible", f"The dead time is above 30 % in {named(dead)}.")


def zenith_angles(evidence: Evidence) -> Iterator[Finding]:
    """Observations near the horizon."""
    facts = evidence.facts
    low = [one.obs_id for one in facts.observations if one.used and (one.zenith_deg or 0) > HIGHEST_ZENITH]
    if low:
        yield found("large-zenith-angle", f"Observations beyond 60 deg of zenith angle: {named(low)}.")


def lost(evidence: Evidence) -> Iterator[Finding]:
    """Observations that fell by the wayside between selection and result, or count twice."""
    facts = evidence.facts
    reduced = reduced_ids(facts)
    if not reduced:
        return
    idle = [str(obs_id) for one in facts.selections for obs_id in one.got if str(obs_id) not in reduced]
    if idle:
        yield found("runs-dropped", f"Observations were got and not used: {named(dict.fromkeys(idle))}.")
    final = answered_from(facts)
    kept = [str(obs_id) for one in with_members(facts, final) for obs_id in one.obs_ids]
    if kept and (dropped := [obs_id for obs_id in reduced if obs_id not in kept]) and "datasets" not in facts.left_out:
        yield found("runs-dropped", f"Observations were reduced, and are in no final data set: {named(dropped)}.")
    for dataset in final:
        ids = [str(obs_id) for obs_id in dataset.obs_ids]
        if twice := sorted({obs_id for obs_id in ids if ids.count(obs_id) > 1 and obs_id != "0"}):
            yield found("runs-dropped", f"`{dataset.name}` counts observations twice: {named(twice)}.")


def reduced_ids(facts: Facts) -> dict[str, None]:
    """Ids of the observations that became data sets."""
    return dict.fromkeys(str(obs_id) for making in reductions(facts) for obs_id in making.obs_ids)


RULES = (got, nothing_reduced, responses, offsets, times, zenith_angles, lost)
