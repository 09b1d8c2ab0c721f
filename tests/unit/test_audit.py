"""What is installed for the tests is what constraints.txt pins, and no two pins contradict each other."""

import sys
from importlib.metadata import distributions
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import audit


def test_what_is_installed_is_pinned(monkeypatch):
    assert list(audit.off_the_pins()) == []
    known = audit.pins()
    monkeypatch.setattr(audit, "pins", lambda: {**known, "numpy": "0.1"} | {"pydantic": known.pop("pydantic")})
    found = list(audit.off_the_pins())
    assert len(found) == 1
    assert found[0].endswith("constraints.txt says 0.1")


def test_the_list_of_licences_has_what_is_installed():
    rows = [line.split(" | ") for line in audit.LICENCES.read_text().splitlines() if line.startswith("| ")]
    listed = {(row[0].removeprefix("| "), row[1]) for row in rows}
    installed = {(audit.normal(one.name), one.version) for one in distributions()}
    assert {one for one in installed if one[0] not in audit.OURS} <= listed
