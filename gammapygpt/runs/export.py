"""A run taken out of its folder: its script, notebook or report alone, or all of it in one package. Never the data."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from gammapygpt.errors import UserError
from gammapygpt.runs.final import report_anew
from gammapygpt.runs.folder import RunFolder, write_file
from gammapygpt.runs.provenance import public_manifest

SHARED = frozenset(
    [".py", ".json", ".png", ".svg", ".jpg", ".jpeg", ".pdf", ".html", ".ipynb", ".yaml", ".yml", ".ecsv", ".csv"]
)
"""Endings of scripts, numbers, figures and models; event lists, maps and all else may hold data that are not public."""


class Exported(NamedTuple):
    """What was written."""

    path: Path
    left_out: list[str]
    """Files of the answer that stay where they are."""


def exported(folder: RunFolder, form: str, out: Path | None) -> Exported:
    """Write a run as `script`, `notebook`, `report`, `zip` or `ro-crate`.

    Raises
    ------
    UserError
        The run has no such thing, or the place cannot be written to.
    """
    suffix, write = FORMS[form]
    place = out if out is not None else Path(f"{folder.name}{suffix}")
    if place.is_dir() and form != "ro-crate":
        place = place / f"{folder.name}{suffix}"
    try:
        return Exported(place, write(folder, place))
    except OSError as error:
        raise UserError(f"cannot write {place}: {error.strerror or error}.", "Name another place.") from error


def _script(folder: RunFolder, place: Path) -> list[str]:
    write_file(place, answer(folder, "script.py").read_text(encoding="utf-8"))
    return []


def _notebook(folder: RunFolder, place: Path) -> list[str]:
    write_file(place, answer(folder, "notebook.ipynb").read_text(encoding="utf-8"))
    return []


def _report(folder: RunFolder, place: Path) -> list[str]:
    write_file(place, report_anew(folder))
    return []


def _zip(folder: RunFolder, place: Path) -> list[str]:
    files, left_out = to_share(folder)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files.items():
            archive.write(path, f"{folder.name}/{name}")
        for name, text in made_here(folder).items():
            archive.writestr(f"{folder.name}/{name}", text.encode("utf-8", "backslashreplace"))
    return left_out


def _crate(folder: RunFolder, place: Path) -> list[str]:
    from gammapygpt.runs.crate import write_crate

    return write_crate(folder, place)


def answer(folder: RunFolder, name: str) -> Path:
    """A file of the answer.

    Raises
    ------
    UserError
        The run has no answer.
    """
    path = folder.final / name
    if not path.is_file():
        raise UserError(
            f"run {folder.name} has no {name}: no attempt has passed.", f"`gammapygpt runs show {folder.name}`."
        )
    return path


def to_share(folder: RunFolder) -> tuple[dict[str, Path], list[str]]:
    """The answer and all scripts by the names that they have in a package, and what of the answer it leaves out."""
    files: dict[str, Path] = {}
    left_out = []
    for path in _files(folder.final):
        name = path.relative_to(folder.final).as_posix()
        if path.suffix.lower() not in SHARED:
            left_out.append(name)
        elif name != "report.html":
            files[name] = path
    for path in sorted(folder.attempts.glob("*/script.py")):
        files[path.relative_to(folder.path).as_posix()] = path
    return files, left_out


def made_here(folder: RunFolder) -> dict[str, str]:
    """What a package holds besides: the report, and the manifest without secrets."""
    manifest = json.dumps(public_manifest(folder.manifest()), indent=1, ensure_ascii=False, default=str)
    return {"report.html": report_anew(folder), "manifest.json": manifest + "\n"}


def _files(final: Path) -> Iterator[Path]:
    return (path for path in sorted(final.rglob("*")) if path.is_file() and not path.is_symlink())


FORMS: dict[str, tuple[str, Callable[[RunFolder, Path], list[str]]]] = {
    "script": (".py", _script),
    "notebook": (".ipynb", _notebook),
    "report": (".html", _report),
    "zip": (".zip", _zip),
    "ro-crate": ("-crate", _crate),
}
