"""The API gate: does a script use what the installed Gammapy offers? Static, on facts that were asked of it before.

Names, attributes, calls, enumerations and units are followed through the script as far as they can be known; of what
is not known nothing is said. A finding that is none would cost more trust than a missed one costs time.
"""

from __future__ import annotations

from gammapygpt.checks.api.flow import Flow
from gammapygpt.checks.api.guards import replaced_nodes, silent_nodes
from gammapygpt.checks.api.imports import check_imports, check_names
from gammapygpt.checks.api.report import Report
from gammapygpt.checks.api.submodules import check_submodules
from gammapygpt.checks.source import Source, parse
from gammapygpt.knowledge.facts import Facts
from gammapygpt.state import Environment, Finding


def check_api(script: str, environment: Environment, facts: Facts) -> list[Finding]:
    """Findings against the installed libraries, sorted by line; errors send the script back without running it.

    Parameters
    ----------
    script
        Source of one Python script; any text is judged, none raises. An empty one is in order.
    environment
        What can be imported where the script will run.
    facts
        What the objects of the installed Gammapy offer.
    """
    if not script.strip():
        return []
    source = parse(script)
    return [source] if isinstance(source, Finding) else check_source(source, environment, facts)


def check_source(source: Source, environment: Environment | None, facts: Facts) -> list[Finding]:
    """The same for a script that is parsed already; what is not known of the installation is not judged."""
    found = list(check_names(source))
    if environment is not None:
        version = f"Gammapy {environment.versions.get('gammapy', '')}".strip()
        report = Report(version, silent_nodes(source.tree), replaced_nodes(source.tree))
        found += check_imports(source, environment, report.silent)
        check_submodules(source, facts, report)
        Flow(source.tree, facts, environment, report).walk()
        found += report.findings.values()
    return sorted(found, key=lambda one: (one.line is None, one.line or 0))
