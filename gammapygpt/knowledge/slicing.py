"""Which statements of a script another one needs."""

from __future__ import annotations

from collections.abc import Iterable

from gammapygpt.knowledge.statements import Statement


def with_shared_objects(statements: Iterable[Statement]) -> list[Statement]:
    """The same statements, where what happens to an object happens to those that share it.

    A fit changes the members of its datasets and their models; a change of a member changes its container.
    """
    found: list[Statement] = []
    parts: dict[str, set[str]] = {}
    wholes: dict[str, set[str]] = {}
    for one in statements:
        fitted = _with_all(one.fitted, parts)
        changes = one.changes | fitted
        changes = changes.union(*(wholes.get(name, set()) for name in changes))
        found.append(one._replace(changes=changes, fitted=fitted))
        for whole, part in one.modelled | one.held:
            parts.setdefault(whole, set()).add(part)
        for whole, part in one.held:
            wholes.setdefault(part, set()).add(whole)
    return found


def _with_all(names: frozenset[str], parts: dict[str, set[str]]) -> frozenset[str]:
    found, waiting = set(names), list(names)
    while waiting:
        new = parts.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return frozenset(found)


class Slices:
    """What each statement of one script needs of those before it; imports are no part of that."""

    def __init__(self, statements: Iterable[Statement], imported: Iterable[str]) -> None:
        self.statements = with_shared_objects(statements)
        self.imported = frozenset(imported)
        self._makers: dict[tuple[str, int], frozenset[int]] = {}
        self._needs: dict[int, frozenset[frozenset[int]]] = {}

    def needs(self, number: int) -> frozenset[frozenset[int]]:
        """What one statement needs directly: for each name, the statements that make it; those that write its files."""
        if number not in self._needs:
            one = self.statements[number]
            groups = {self.makers(name, number) for name in one.reads}
            self._needs[number] = frozenset((groups | {self._writers(number), self._folders(number)}) - {frozenset()})
        return self._needs[number]

    def closure(self, numbers: Iterable[int]) -> frozenset[int]:
        """These statements and all that they need."""
        found: set[int] = set()
        waiting = list(numbers)
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += frozenset().union(*self.needs(number)) - found
        return frozenset(found)

    def makers(self, name: str, before: int) -> frozenset[int]:
        """Statements that bind a name, and change it since, as it stands before a statement; none for one unknown."""
        if (name, before) not in self._makers:
            self._makers[name, before] = frozenset() if name in self.imported else self._found(name, before)
        return self._makers[name, before]

    def _found(self, name: str, before: int) -> frozenset[int]:
        found, bound, fitted = set(), False, False
        for number in range(before - 1, -1, -1):
            one = self.statements[number]
            if name in one.fitted and name not in one.binds:
                if not fitted:  # the last fit counts
                    found.add(number)
                fitted = True
            elif name in one.binds and not self._reads_back(name, number):
                found.add(number)
                bound = True
                if not one.compound:
                    break
            elif name in one.changes:
                found.add(number)
        return frozenset(found) if bound else frozenset()

    def _reads_back(self, name: str, number: int) -> bool:
        """The statement reads what was written before, under a name that was known then."""
        return bool(self._writers(number)) and any(name in one.binds for one in self.statements[:number])

    def _writers(self, number: int) -> frozenset[int]:
        """Statements that wrote a file which this one reads."""
        read = self.statements[number].files_read
        return frozenset(n for n in range(number) if read and self.statements[n].files_written & read)

    def _folders(self, number: int) -> frozenset[int]:
        """Statements that make folders, where this one writes a file."""
        writes = self.statements[number].files_written
        return frozenset(n for n in range(number) if writes and self.statements[n].makes_folder)
