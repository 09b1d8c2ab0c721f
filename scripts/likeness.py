"""How alike two names, functions or classes are: enough to say that one took the place of the other?"""

from __future__ import annotations

import difflib
import re

from read_source import Class, Function

ALIKE, SAME_BODY, ENOUGH = 0.85, 0.75, 8
"""Likeness of two names, of the words in two bodies, and the number of words from which bodies can be compared."""

CLASS_ALIKE = 0.9
"""The same of class names, which are long."""

QUALIFIERS = {"ul", "err", "errn", "errp", "min", "max", "lo", "hi", "read", "write", "start", "figsize"}
"""Words that make another thing of a name."""


def the_best(scores: dict[str, float]) -> str:
    """The highest of some likenesses, if high enough and above all others."""
    ranked = sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ranked or ranked[0][1] < ALIKE or (len(ranked) > 1 and ranked[1][1] == ranked[0][1]):
        return ""
    return ranked[0][0]


def likeness(old: Function, new: Function) -> float:
    """Likeness of two functions: 1 for the same body under a name that has a part in common."""
    old_name, new_name = old.qualname.rpartition(".")[2], new.qualname.rpartition(".")[2]
    score = name_likeness(old_name, new_name)
    if len(old.words) >= ENOUGH and set(old_name.split("_")) & set(new_name.split("_")):
        score = max(score, float(overlap(old.words, new.words) >= SAME_BODY) * (0.9 + score / 10))
    return score


def class_likeness(old: Class, new: Class) -> float:
    """Likeness of two classes: by name, or by members where they share a part of the name."""
    score, shared = name_likeness(old.name, new.name), set(camel(old.name)) & set(camel(new.name))
    score = score if score > CLASS_ALIKE else 0.0
    if shared and len(old.members) >= ENOUGH and overlap(old.members, new.members) >= SAME_BODY:
        score = max(score, 0.9 + score / 10)
    return score


def name_likeness(old: str, new: str) -> float:
    """Likeness of two names: 1 for the same parts in another order, 0 where only one has a word like `min`."""
    parts = set(camel(old)), set(camel(new))
    if QUALIFIERS & (parts[0] ^ parts[1]):
        return 0.0
    return 1.0 if parts[0] == parts[1] else difflib.SequenceMatcher(None, old.lower(), new.lower()).ratio()


def camel(name: str) -> list[str]:
    """Parts of a name in either style, in lower case."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def overlap(old: frozenset[str] | set[str], new: frozenset[str] | set[str]) -> float:
    """Share of words in common, of all words in either."""
    return len(old & new) / max(len(old | new), 1)


def argument_likeness(old: str, new: str) -> float:
    """Likeness of two arguments: `sigma` is like `n_sigma`, but a method `to_table_psf` is not like `to_table`."""
    parts = set(camel(old)), set(camel(new))
    within = (parts[0] < parts[1] or parts[1] < parts[0]) and len(parts[0] ^ parts[1]) == 1
    score = name_likeness(old, new)
    return max(score, ALIKE + score / 10) if score and within else score


def same_use(before: Function, after: Function, old: str, new: str) -> bool:
    """Whether two arguments share a part of their names, or one does in the body what the other did."""
    if QUALIFIERS & (set(camel(old)) ^ set(camel(new))):
        return False
    if set(camel(old)) & set(camel(new)):
        return True
    words = (before.words - {old}) | {new}
    return len(words) >= ENOUGH and old in before.words and overlap(words, after.words) >= SAME_BODY
