"""Never the same way twice on the same error."""

import pytest

from gammapygpt.agents.strategy import same_script, signature, strategy
from gammapygpt.state import Attempt


def attempt(sign):
    return Attempt(number=1, author="coder", signature=sign)


def test_the_same_signature_twice_changes_the_strategy():
    one, other = attempt("api: a"), attempt("data: b")
    assert strategy([]) == "fresh"
    assert strategy([one]) == "repair"
    assert strategy([one, other]) == "repair"
    assert strategy([one, other, one]) == "fresh"
    assert strategy([one, one, one]) == "replan"


def test_signature_overlooks_numbers_and_addresses():
    first = signature("runtime", "ValueError", "shape (3, 4) at 0x7f10 does not fit 12.5")
    second = signature("runtime", "ValueError", "shape (5, 6) at 0x9a20 does not fit 3")
    assert first == second
    assert signature("runtime", "KeyError", "a") != signature("runtime", "KeyError", "b")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1\n", "x = 1  # a comment\n\n", True),
        ('"""One."""\nx = 1\n', "x = 1\n", True),
        ("x = 1\n", "x = 2\n", False),
        ("def broken(:\n", "def broken(:", True),
        ("def broken(:\n", "def broken[:", False),
    ],
)
def test_scripts_are_compared_by_what_they_do(one, other, same):
    assert same_script(one, other) is same
