"""Instrument responses and simulations: the offset, the livetime, cuts on offset and effective area."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gammapygpt.checks.asked.case import Case, any_same, asked_finding, differs, listed
from gammapygpt.checks.physics.static_calls import ANGLES, argument
from gammapygpt.state import Finding

LOOKUPS = ("evaluate", "containment", "containment_radius", "to_edisp_kernel", "get_psf_kernel", "to_psf3d")


def offset(case: Case) -> Iterator[Finding]:
    """Responses are taken at the offset that was asked for."""
    wanted = case.asked("OFFSET")
    if wanted is None:
        return
    simulated = not case.facts.selections
    seen = [one for making in case.facts.makings for one in making.offsets_deg if simulated and one is not None]
    given = [argument(call, "offset") for call in case.script.methods(*LOOKUPS)]
    seen += [value for one in given if (value := case.script.quantity(one, ANGLES)) is not None]
    if seen and not any(abs(one - wanted) < 0.02 for one in seen):
        on_axis = ", on axis" if max(seen) < 0.02 else ""
        text = f"The response is that at an offset of {listed([round(one, 3) for one in seen], 'deg')}{on_axis}"
        text += f"; asked was {wanted:g} deg"
        yield differs(case, "asked-offset", "OFFSET", text, "Use the offset of the request.", fact=text)


def livetime(case: Case) -> Iterator[Finding]:
    """A simulated observation lasts as long as was asked for."""
    wanted = case.asked("LIVETIME")
    seen = [one.livetime_s / 3600 for one in case.facts.observations if one.livetime_s]
    if wanted is None or case.facts.selections or not seen:
        return
    if not any_same(wanted, [*seen, sum(seen)]):
        text = f"{listed(seen, 'h')} of livetime are simulated, asked were {wanted:g} h"
        yield differs(case, "asked-livetime", "LIVETIME", text, "Use the livetime of the request.", certain=True)


def cuts(case: Case) -> Iterator[Finding]:
    """The largest offset of events, and the threshold in effective area."""
    safe = [one.settings for one in case.facts.makings if one.maker == "SafeMaskMaker"]
    for name, setting, unit in (("OFFSET_MAX", "offset_max", "deg"), ("AEFF_MAX_PERCENT", "aeff_percent", "%")):
        wanted = case.asked(name)
        seen = [value for one in safe if (value := leading(one.get(setting))) is not None]
        if wanted and seen and not any_same(wanted, seen):
            text = f"The safe mask has {setting} = {listed(seen, unit)}, asked was {wanted:g} {unit}"
            yield differs(case, "asked-safe-mask", name, text, "Set it as the request says.")
    if case.asked("AEFF_MAX_PERCENT") == 0:
        narrowed = [one for one in case.facts.datasets if one.safe_fraction is not None and one.safe_fraction < 1]
        methods = {str(method) for one in safe for method in one.get("methods") or [] if str(method) != "offset-max"}
        if narrowed and methods:
            text = f"No further energy threshold was asked for, and {listed(sorted(methods))} takes bins away"
            yield asked_finding("asked-safe-mask", text, "Leave the safe mask out, or say why not.", "warning")


def leading(value: object) -> float | None:
    """The number of `2.0 deg`, or of a plain number."""
    match = re.match(r"\s*([-+]?\d+(?:\.\d+)?)", str(value))
    return float(match[1]) if match else None


RULES = (offset, livetime, cuts)
