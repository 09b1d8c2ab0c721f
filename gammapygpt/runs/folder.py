"""A run on disk: manifest, events, one folder an attempt. Files are renamed into place; the status is written last."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gammapygpt.errors import UserError
from gammapygpt.private import private_folder
from gammapygpt.state import Attempt, Draft

FILLER = frozenset(
    """a an and the of for from with using use in on to by at all that this please do make compute fit measure extract
    count get find take run select data gammapy within its it is are hess dl3 dr1""".split()  # noqa: SIM905 - words read as words
)
MANIFEST = "manifest.json"
STORES = "stores.json"
LOCK = ".lock"


def write_file(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text, never half of it.

    Half characters, which a script may print or put into its result, are written as escapes.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from error


def append_line(path: Path, line: str, *, sync: bool = False) -> None:
    """Add a line to a file; a last line that a kill or a full disk has torn stays alone, and spoils none that follow.

    Parameters
    ----------
    path, line
        The file, and what is added to it.
    sync
        Whether it is on the disk when this returns.
    """
    with path.open("a+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        torn = size > 0 and os.pread(file.fileno(), 1, size - 1) != b"\n"
        content = (b"\n" if torn else b"") + line.encode("utf-8", "backslashreplace") + b"\n"
        while content:
            content = content[file.write(content) :]
        if sync:
            os.fsync(file.fileno())


def write_json(path: Path, value: Any) -> None:
    """Write plain data as indented JSON, whole or not at all."""
    write_file(path, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where there is none."""
    value = _json(path)
    return value if isinstance(value, dict) else {}


def read_list(path: Path) -> list[dict[str, Any]]:
    """A JSON array of objects, or an empty one where there is none."""
    value = _json(path)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


@contextmanager
def one_process(path: Path, busy: UserError) -> Iterator[None]:
    """Hold a file's lock, which ends with the process, however it ends; raises `busy` where another has it."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise busy from error
        yield


def slug(text: str, words: int = 3) -> str:
    """The first telling words of a request, fit for a file name."""
    words_of = re.findall(r"[a-z0-9]+", text.lower())
    found = [word for word in words_of if len(word) > 1 and word not in FILLER and not word.isdigit()]
    return "-".join(found[:words])[:40] or "run"


class RunFolder:
    """One run's folder; knows where everything lies and nothing of what it means."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def new(cls, runs: Path, text: str) -> RunFolder:
        """Make a folder of its own below `runs`, named after the day and the request.

        Raises
        ------
        UserError
            The place cannot be written to.
        """
        day = datetime.now().astimezone().date().isoformat()
        try:
            private_folder(runs)
            while True:
                path = runs / f"{day}-{slug(text)}-{secrets.token_hex(2)}"
                try:
                    path.mkdir(0o700)
                except FileExistsError:
                    continue
                (path / "attempts").mkdir()
                return cls(path)
        except OSError as error:
            raise UserError(
                f"cannot make a run folder below {runs}: {error.strerror}.", "Name another one with --runs."
            ) from error

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def attempts(self) -> Path:
        return self.path / "attempts"

    @property
    def final(self) -> Path:
        return self.path / "final"

    def manifest(self) -> dict[str, Any]:
        """The manifest, or an empty one when the run died before it was written."""
        return read_json(self.path / MANIFEST)

    def config(self) -> Path | None:
        """The settings file that the run was begun with, if it was one."""
        kept = self.manifest().get("config")
        return Path(kept) if kept else None

    def update_manifest(self, **changes: Any) -> None:
        """Set some entries of the manifest and leave the others; one that cannot be read is never written over."""
        path = self.path / MANIFEST
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write_json(path, {**kept, **changes})

    def keep_stores(self, stores: list[dict[str, Any]]) -> None:
        """Write down what the data folder held when the run began, for those who have the run and not the data."""
        write_json(self.path / STORES, stores)

    def stores(self) -> list[dict[str, Any]]:
        """What the data folder held when the run began."""
        return read_list(self.path / STORES)

    def attempt(self, number: int) -> Path:
        """Folder of one attempt, made if need be."""
        path = self.attempts / f"{number:02d}"
        path.mkdir(parents=True, exist_ok=True)
        return path

    def keep_draft(self, draft: Draft, messages: list[dict[str, Any]]) -> None:
        """Write down what a model was asked, and the script that it gave."""
        folder = self.attempt(draft.number)
        write_json(folder / "messages.json", messages)
        self.keep_script(draft)

    def keep_script(self, draft: Draft) -> None:
        """Write down the script of a draft, if it has one."""
        if draft.script:
            write_file(self.attempt(draft.number) / "script.py", draft.script)

    def keep_attempt(self, attempt: Attempt) -> None:
        """Write down what became of a draft at the gates."""
        folder = self.attempt(attempt.number)
        if attempt.script:
            write_file(folder / "script.py", attempt.script)
        write_json(folder / "findings.json", [finding.model_dump() for finding in attempt.findings])
        if attempt.execution:
            write_file(folder / "stdout.txt", attempt.execution.stdout)
            write_file(folder / "stderr.txt", attempt.execution.stderr)
            write_json(folder / "execution.json", attempt.execution.model_dump(exclude={"stdout", "stderr"}))
        if attempt.validation:
            write_json(folder / "validation.json", attempt.validation.model_dump())

    def append_event(self, event: dict[str, Any]) -> None:
        """Add one line to the record of what happened when."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **event}, default=str)
        append_line(self.path / "events.jsonl", line)

    def tidy(self) -> None:
        """Remove what a process that was killed was writing aside; for whoever has the lock."""
        for left in [*self.path.glob(".*.tmp"), *self.attempts.glob("*/.*.tmp"), *self.final.glob(".*.tmp")]:
            writer = left.name.split(".")[-2]
            if writer == str(os.getpid()) or not Path(f"/proc/{writer}").exists():
                with suppress(OSError):
                    left.unlink()

    def events(self) -> list[dict[str, Any]]:
        """What happened so far; a line torn by a kill is left out."""
        path = self.path / "events.jsonl"
        if not path.is_file():
            return []
        found = []
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def copy_attempts(self, origin: RunFolder, numbers: Iterable[int]) -> None:
        """Take over attempts of another run, with all that they left."""
        for number in numbers:
            name = f"{number:02d}"
            shutil.copytree(origin.attempts / name, self.attempts / name, symlinks=True, dirs_exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep the run to one process; the lock ends with the process, however it ends.

        Raises
        ------
        UserError
            Another process has it.
        """
        busy = UserError(f"run {self.name} is under way in another process.", "Wait for it, or end it first.")
        with one_process(self.path / LOCK, busy):
            yield
