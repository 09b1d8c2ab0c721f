"""The rules of physics: the table is whole, and each rule by examples of what was seen in a run."""

from __future__ import annotations

from gammapygpt.checks.physics import Evidence, checks, found, read_facts, rules


def test_the_table_is_whole() -> None:
    table = rules()
    assert [rule.number for rule in table.values()][:48] == list(range(1, 49))
    assert {rule.number for rule in table.values() if rule.severity == "error"} == {5, 9, 14, 20, 21, 23, 24}
    for rule in table.values():
        assert rule.explanation.endswith("."), rule.name
        assert rule.remedy.endswith("."), rule.name
        assert not rule.title.endswith("."), rule.name


def test_a_finding_says_what_why_and_what_to_do() -> None:
    finding = found("no-off-region", "Observation 23526 has none.")
    assert finding.message.startswith("Observation 23526 has none. Without counts_off")
    assert (finding.gate, finding.kind, finding.severity) == ("physics", "physics", "error")
    assert finding.remedy


def test_nothing_is_found_where_nothing_is_known() -> None:
    assert [finding for check in checks() for finding in check(Evidence())] == []


def test_facts_are_read_item_by_item() -> None:
    """They come out of the sandbox: what is malformed is left out and told, the rest stays."""
    facts = read_facts({"seen": True, "fits": [{"success": "no idea"}], "datasets": [{"name": "crab", "new": 1}]})
    assert facts.seen
    assert facts.fits == []
    assert facts.datasets[0].name == "crab"
    assert facts.left_out == ["fits"]
