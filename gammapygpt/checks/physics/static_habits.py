"""Rules on habits that hide what is wrong: silenced warnings, positions and observations by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gammapygpt.checks.physics.rules import Evidence, found
from gammapygpt.checks.physics.static_calls import argument, read_script
from gammapygpt.checks.selection import check_selection
from gammapygpt.state import Finding

SILENCERS = {"warnings.simplefilter": ("category", 1), "warnings.filterwarnings": ("message", 1)}
"""Functions that silence warnings, and the argument that says which."""


def silenced(evidence: Evidence) -> Iterator[Finding]:
    """Rule 46: all warnings, or the whole log, are switched off."""
    script = read_script(evidence.script)
    if script is None:
        return
    for name, call in script.calls:
        if name in SILENCERS and script.constant(argument(call, "action", 0)) == "ignore":
            which = argument(call, SILENCERS[name][0], SILENCERS[name][1]) or argument(call, "category", 2)
            if which is None and not argument(call, "module"):
                yield found("silenced-warnings", f"`{ast.unparse(call)[:60]}` hides every warning.", line=call.lineno)
        elif name == "logging.disable":
            yield found("silenced-warnings", "logging.disable() hides what Gammapy says.", line=call.lineno)


def resolved_names(evidence: Evidence) -> Iterator[Finding]:
    """Rule 42: a position that a server looks up."""
    script = read_script(evidence.script)
    for name, call in script.calls if script else ():
        if name.endswith("SkyCoord.from_name"):
            yield found("name-resolver", "SkyCoord.from_name looks the position up.", line=call.lineno)


def target_names(evidence: Evidence) -> Iterator[Finding]:
    """Rule 47: observations are chosen by a free text."""
    script = read_script(evidence.script)
    for one in check_selection(script.source) if script else ():
        yield found("target-name", "Observations are selected by TARGET_NAME or OBJECT.", line=one.line)
        return


RULES = (silenced, resolved_names, target_names)
