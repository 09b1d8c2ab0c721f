"""Which names a failed script is looked up by."""

import pytest

from gammapygpt.agents import lookup
from gammapygpt.state import Attempt, Execution, Finding


def crashed(message, failure="api"):
    execution = Execution(provider="test", exit_code=1, exception="SomeError", message=message)
    return Attempt(number=1, author="coder", script="x", failure=failure, execution=execution)


@pytest.mark.parametrize(
    ("message", "names"),
    [
        ("'FluxPoints' object has no attribute 'table'", ["FluxPoints", "table"]),
        ("type object 'Map' has no attribute 'make'", ["Map", "make"]),
        ("SpectrumDataset.create() got an unexpected keyword argument 'e_reco'", ["SpectrumDataset.create", "e_reco"]),
        ("No module named 'gammapy.spectrum'", ["gammapy.spectrum"]),
        (
            "cannot import name 'PowerLaw' from 'gammapy.modeling.models' (/usr/lib/python3/models.py)",
            ["PowerLaw", "gammapy.modeling.models"],
        ),
        ("'NoneType' object has no attribute 'stack'", ["stack"]),
        ("unsupported operand type(s) for +: 'int' and 'str'", []),
    ],
)
def test_names_in_pythons_own_messages(message, names):
    assert lookup.failing_names(crashed(message)) == names


def test_failures_of_other_kinds_name_nothing():
    assert lookup.failing_names(crashed("'FluxPoints' has no row 'a'", failure="runtime")) == []


def test_every_finding_about_names_has_a_query_of_its_own():
    findings = [
        Finding(gate="api", kind="api", message="`MapAxis` has no `edgs`.", remedy="There is: MapAxis.edges, name."),
        Finding(gate="contract", kind="contract", message="`plt.show()` shows nothing."),
        Finding(gate="api", kind="api", severity="warning", message="`Fit.old` is deprecated."),
        Finding(
            gate="contract", kind="import", message="There is no module `gammapy.cube`.", remedy="See gammapy.maps."
        ),
    ]
    attempt = Attempt(number=1, author="coder", script="x", failure="api", findings=findings)
    assert lookup.failing_names(attempt) == ["MapAxis", "edgs", "gammapy.cube"]
    assert lookup.queries(attempt) == ["MapAxis edgs MapAxis.edges", "gammapy.cube gammapy.maps"]


def test_names_that_were_looked_up_are_not_new():
    attempts = [crashed("'FluxPoints' object has no attribute 'table'")]
    assert lookup.new_names({"attempts": attempts, "looked_up": ["FluxPoints"]}) == ["table"]
    assert lookup.new_names({"attempts": attempts, "looked_up": ["FluxPoints", "table"]}) == []
    assert lookup.new_names({}) == []
