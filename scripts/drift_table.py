"""Write the drift table: what the newest release of Gammapy no longer accepts, and what to write instead.

    python scripts/drift_table.py FOLDER [--releases 0.13 ... 2.2]

FOLDER keeps the source distributions; those that are missing are downloaded by pip. Releases up to 0.17 need an old
Python for that (3.8 with setuptools<58, cython<3, numpy<1.20, extension-helpers, jinja2<3.1): name it with --python.
For a new release, add it to RELEASES, or give the list, and run the script again. Rows that were measured or written
by hand (drift_measured.tsv, beside this file) come first and win over generated ones.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tarfile
from pathlib import Path

from api_changes import Row, rows
from change_keys import keys
from public_api import Release

from gammapygpt.knowledge.changes import REMOVED

HERE = Path(__file__).parent
TABLE = HERE.parent / "gammapygpt" / "knowledge" / "drift.tsv"
RELEASES = [
    *("0.13", "0.14", "0.15", "0.16", "0.17", "0.18.2", "0.19", "0.20.1"),
    *("1.0.2", "1.1", "1.2", "1.3", "2.0", "2.1"),
]


def main() -> None:
    """Read the command line, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where source distributions are kept")
    parser.add_argument("--releases", nargs="+", default=RELEASES, help="oldest first")
    parser.add_argument("--package", default="gammapy")
    parser.add_argument("--python", default=sys.executable, help="whose pip downloads")
    parser.add_argument("--measured", type=Path, default=HERE / "drift_measured.tsv")
    parser.add_argument("--table", type=Path, default=TABLE, help="the file to write")
    given = parser.parse_args()
    folders = [unpacked(given.folder, given.package, version, given.python) for version in given.releases]
    releases = [Release(version, folder) for version, folder in zip(given.releases, folders, strict=True)]
    known = measured(given.measured)
    table = known + unknown(rows(releases), known)
    write(table, given.table)
    print(f"{given.table}: {len(known)} rows measured or by hand, {len(table) - len(known)} generated")


def unpacked(folder: Path, package: str, version: str, python: str) -> Path:
    """The package's own folder in its unpacked source distribution; downloaded where it is not there yet."""
    base = folder / f"{package}-{version}"
    if not base.is_dir():
        archive = folder / f"{package}-{version}.tar.gz"
        if not archive.is_file():
            wanted = ["--no-deps", "--no-binary", package, f"{package}=={version}", "--dest", str(folder)]
            done = subprocess.run([python, "-m", "pip", "download", "--quiet", *wanted], check=False)
            if done.returncode:
                sys.exit(f"pip cannot download {package} {version}: try another Python with --python (see --help).")
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
    found = [path for path in (base / package, base / "src" / package) if path.is_dir()]
    if not found:
        sys.exit(f"{base} holds no folder {package}: delete it and run this again.")
    return found[0]


def measured(path: Path) -> list[Row]:
    """Rows that were found by running code, or written by hand."""
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(table)
        return [Row(*row) for row in table]


def unknown(generated: list[Row], known: list[Row]) -> list[Row]:
    """Generated rows that say nothing of what is known, nor that a name has no successor where another class's has."""
    said = {key for row in known for key in keys(row.old, row.how_it_fails)}
    succeeded = {(kind, name) for kind, _, name in said}
    rest = []
    for row in generated:
        own = keys(row.old, row.how_it_fails)
        lost = row.new == REMOVED and any((kind, name) in succeeded for kind, _, name in own)
        if not said & set(own) and not lost:
            rest.append(row)
    return rest


def write(table: list[Row], path: Path) -> None:
    """The table as tab-separated values with a head line; the last column holds the keys of the look-up."""
    lines = ["\t".join([*Row._fields, "missing"])]
    for row in table:
        missing = " ".join("|".join(key) for key in keys(row.old, row.how_it_fails))
        lines.append("\t".join([*row, missing]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
