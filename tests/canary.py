"""A secret that must be found nowhere, and a search that finds it in everything a program leaves: however written.

Looked through are names of files and folders, bytes of files, members of archives, cells of databases, compressed
streams, and what processes have on their command line and in their environment. In each a secret is looked for as
such, as addresses, JSON and HTML write it, in base64 wherever it begins, and in hexadecimal digits.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import os
import random
import sqlite3
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

DEEPEST = 4
"""Archives within archives that are opened."""


def canary(seed: int, what: str = "key") -> str:
    """A secret that nobody has seen before, without a form that gives keys away, with characters that are escaped."""
    letters = random.Random(f"{seed} {what}").choices("abcdefghjkmnpqrstuvwxyz", k=18)
    return f"Canary.{''.join(letters[:9])}/+{''.join(letters[9:])}=="


def forms(secret: str) -> dict[str, bytes]:
    """How a secret may be written, by the name of the way; what base64 makes of it depends on where it begins."""
    plain = secret.encode()
    written = {
        "as it is": plain,
        "in an address": quote(secret, safe="").encode(),
        "in a path": quote(secret).encode(),
        "in JSON": json.dumps(secret)[1:-1].encode(),
        "in JSON of JavaScript": secret.replace("/", r"\/").encode(),
        "in HTML": html.escape(secret).encode(),
        "backwards": plain[::-1],
        "hexadecimal": plain.hex().encode(),
        "UTF-16": secret.encode("utf-16-le"),
    }
    for shift in range(3):
        # only the characters that do not depend on what stands before and after
        whole = base64.b64encode(b"\0" * shift + plain + b"\0" * (-(shift + len(plain)) % 3))
        first, last = -(-shift * 8 // 6), (shift + len(plain)) * 8 // 6
        written[f"base64, {shift}"] = whole[first:last]
        written[f"base64 of addresses, {shift}"] = whole[first:last].translate(bytes.maketrans(b"+/", b"-_"))
    return written


def leaks(secrets: Iterable[str], *places: Path) -> list[str]:
    """Where any of these secrets is, one line a place; empty where nothing leaked."""
    looked_for = [forms(secret) for secret in secrets]
    found = []
    for path in sorted(walked(places)):
        parts = [("the name of", str(path).encode()), *contents(path)]
        found += [f"{part} {path}: {how}" for part, content in parts for how in hits(content, looked_for)]
    return found


def hits(content: bytes, looked_for: list[dict[str, bytes]]) -> list[str]:
    """The ways in which secrets are written in some bytes."""
    return [how for written in looked_for for how, form in written.items() if form in content]


def told(secrets: Iterable[str], text: str) -> list[str]:
    """The ways in which secrets are written in what was printed."""
    return hits(text.encode(), [forms(secret) for secret in secrets])


def walked(places: Iterable[Path]) -> Iterator[Path]:
    """The places, and all files and folders in them; links are not followed."""
    for place in places:
        yield place
        for folder, below, files in os.walk(place):
            yield from (Path(folder) / name for name in [*below, *files])


def contents(path: Path) -> list[tuple[str, bytes]]:
    """What a file holds: its bytes, and what is packed into them."""
    if path.is_symlink():
        return [("the target of", os.readlink(path).encode())]
    if not path.is_file():
        return []
    try:
        found = list(unpacked(path.read_bytes(), "", DEEPEST))
        log = path.with_name(f"{path.name}-wal")
        return [*found, *cells(path.read_bytes(), "", log.read_bytes())] if log.is_file() else found
    except FileNotFoundError:  # one that came and went
        return []


def unpacked(content: bytes, name: str, deep: int) -> Iterator[tuple[str, bytes]]:
    """Bytes, and those that a known form of packing hides in them."""
    yield name or "the bytes of", content
    if not deep:
        return
    if content.startswith(b"\x1f\x8b"):
        yield from unpacked(gzip.decompress(content), f"{name}(gzip)", deep - 1)
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from unpacked(archive.read(member), f"{name}({member})", deep - 1)
    elif content.startswith(b"SQLite format 3\0"):
        yield from cells(content, name)
    elif content[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for one in archive:
                if file := archive.extractfile(one):
                    yield from unpacked(file.read(), f"{name}({one.name})", deep - 1)
    elif content[:1] == b"\x78" and content[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
        try:
            yield f"{name}(zlib)", zlib.decompress(content)
        except zlib.error:
            return


def cells(content: bytes, name: str, log: bytes = b"") -> Iterator[tuple[str, bytes]]:
    """Each cell of a database, with what its log adds, put together from the pages that it may be spread over."""
    with tempfile.TemporaryDirectory(prefix="canary-") as folder:
        Path(folder, "copy").write_bytes(content)
        Path(folder, "copy-wal").write_bytes(log)
        database = sqlite3.connect(f"{folder}/copy")
        database.text_factory = bytes
        tables = [row[0].decode() for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, bytes):
                        yield from unpacked(cell, f"{name}(table {table})", 1)
        database.close()


def processes_with(secrets: Iterable[str], pids: Iterable[int]) -> list[str]:
    """Which of these processes have a secret on their command line or in their environment, and where."""
    looked_for = [forms(secret) for secret in secrets]
    found = []
    for pid in pids:
        for file in ("cmdline", "environ", "comm"):
            try:
                content = Path(f"/proc/{pid}/{file}").read_bytes()
            except OSError:  # it has ended, or is another user's
                continue
            found += [f"{file} of process {pid} ({command(pid)}): {how}" for how in hits(content, looked_for)]
    return found


def command(pid: int) -> str:
    """The program of a process, for messages."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "ended"


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [*children, *(grand for child in children for grand in descendants(child))]


def not_private(*places: Path) -> list[str]:
    """Which of these folders and files others could enter or read, with their rights in octal digits."""
    rights = {place: place.stat().st_mode & 0o777 for place in places}
    return [f"{place}: {mode:o}" for place, mode in rights.items() if mode & 0o077]
