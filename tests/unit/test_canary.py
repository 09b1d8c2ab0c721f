"""The search for secrets finds them wherever they hide; else a test that finds none says nothing."""

from __future__ import annotations

import base64
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path
from urllib.parse import quote

import pytest
from canary import canary, descendants, leaks, processes_with, told

SECRET = canary(1)


@pytest.mark.parametrize("before", ["", "a", "ab"])
def test_base64_is_found_wherever_the_secret_begins(tmp_path: Path, before: str):
    (tmp_path / "log").write_bytes(base64.b64encode(f"{before}{SECRET} and more".encode()))
    assert leaks([SECRET], tmp_path)


@pytest.mark.parametrize("write", [str, quote, json.dumps, lambda text: text.encode().hex(), lambda text: text[::-1]])
def test_texts_are_found_however_they_are_written(tmp_path: Path, write):
    (tmp_path / "log").write_text(f"key={write(SECRET)}&more")
    assert leaks([SECRET], tmp_path)
    assert told([SECRET], f"refused: {write(SECRET)}")


def test_what_is_packed_is_found(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/manifest.json.gz", gzip.compress(f"{SECRET} {'x' * 100}".encode()))
    assert "(run/manifest.json.gz)(gzip)" in leaks([SECRET], tmp_path)[0]


def test_a_cell_that_is_spread_over_pages_is_found(tmp_path: Path):
    database = sqlite3.connect(tmp_path / "checkpoints.sqlite")
    database.execute("CREATE TABLE writes (value BLOB)")
    for offset in range(3900, 4100, 7):  # a page has 4096 bytes
        database.execute("INSERT INTO writes VALUES (?)", (b"x" * offset + SECRET.encode() + b"x" * 9000,))
    database.commit()
    database.close()
    assert sum("(table writes)" in one and "as it is" in one for one in leaks([SECRET], tmp_path)) == 29


def test_names_and_processes_are_looked_at(tmp_path: Path):
    (tmp_path / SECRET.replace("/", "_").lower()).mkdir()
    assert not leaks([SECRET], tmp_path)
    (tmp_path / quote(SECRET, safe="")).mkdir()
    assert leaks([SECRET], tmp_path)
    program = [sys.executable, "-c", "print(flush=True); input()", SECRET]
    with subprocess.Popen(program, env={"KEY": SECRET}, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()  # before, the system has not yet laid out its command line
        found = processes_with([SECRET], descendants(os.getpid()))
        child.communicate(b"\n")
    assert {one.split(" of ")[0] for one in found} == {"cmdline", "environ"}
