"""A run as an RO-Crate: a folder (or zip) whose metadata say which script made which numbers out of which data.

After the profile Process Run Crate 0.5 (https://w3id.org/ro/wfrun/process/0.5): one action wrote the script, another
ran it. The data are named with their checksums and stay where they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gammapygpt.errors import UserError
from gammapygpt.runs.acknowledge import acknowledged
from gammapygpt.runs.export import made_here, to_share
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.provenance import versions
from gammapygpt.runs.record import record_of
from gammapygpt.runs.results import one_line
from gammapygpt.state import Attempt
from gammapygpt.temporary import temporary_folder

if TYPE_CHECKING:
    from rocrate.model import ContextEntity, Entity
    from rocrate.rocrate import ROCrate

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
KINDS = {
    ".py": ("text/x-python", ["File", "SoftwareSourceCode"]),
    ".json": ("application/json", "File"),
    ".png": ("image/png", ["File", "ImageObject"]),
    ".html": ("text/html", "File"),
    ".ipynb": ("application/x-ipynb+json", "File"),
}
"""Media type and type of entity by ending."""
PAGES = {"gammapygpt": "https://arxiv.org/abs/2509.26110", "gammapy": "https://gammapy.org"}


def write_crate(folder: RunFolder, place: Path) -> list[str]:
    """Write a run as an RO-Crate, as a zip file where the place ends so; gives the files that were left out.

    Raises
    ------
    UserError
        The library is not installed, or the folder is there and not empty.
    """
    try:
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise UserError("RO-Crates need an extra.", "pip install 'gammapygpt[export]'") from error
    if place.is_dir() and any(place.iterdir()):
        raise UserError(f"{place} is not empty.", "Name a folder that is not there yet, or a zip file.")
    files, left_out = to_share(folder)
    with temporary_folder() as made:
        for name, text in made_here(folder).items():
            (files := {**files, name: made / name})[name].write_text(text, "utf-8", "backslashreplace")
        crate = ROCrate()
        describe(crate, folder, {name: _file(crate, name, path) for name, path in files.items()})
        if place.suffix == ".zip":
            crate.write_zip(place)
        else:
            crate.write(place)
    return left_out


def describe(crate: ROCrate, folder: RunFolder, files: Mapping[str, Entity]) -> None:
    """Say what a run was: its request, the two actions, the software, the data and the numbers."""
    manifest, (outcome, _) = folder.manifest(), record_of(folder)
    script = files.get("script.py")
    answer = outcome.answer
    software = [
        _entity(crate, "SoftwareApplication", n, name=n, softwareVersion=v, url=PAGES.get(n))
        for n, v in versions(manifest)
    ]
    request = _entity(
        crate, "CreativeWork", "request", name="request", text=manifest.get("request", {}).get("text", "")
    )
    data = _data(crate, manifest.get("data", {}), answer)
    told = {"startTime": manifest.get("created"), "endTime": manifest.get("finished")}
    written = _entity(
        crate,
        "CreateAction",
        "writing",
        name="gammapygpt wrote the script from the request",
        instrument=[one for one in software if one["name"] == "gammapygpt"],
        object=[request],
        result=[entity for name, entity in files.items() if name.endswith("script.py")],
        actionStatus=_status(done=script is not None),
        description=outcome.reason or None,
        **told,
    )
    actions = [written]
    if script is not None:
        script["softwareRequirements"] = [one for one in software if one["name"] != "gammapygpt"]
        script["programmingLanguage"] = "Python"
        made = [
            entity
            for name, entity in files.items()
            if "/" not in name and name.endswith((".png", "result.json", ".ecsv"))
        ]
        actions.append(
            _entity(
                crate,
                "CreateAction",
                "running",
                name="the script was run in a sandbox",
                instrument=script,
                object=data,
                result=made,
                actionStatus=_status(done=True),
                **told,
            )
        )
        crate.mainEntity = script
    crate.name = f"Gammapy analysis {folder.name}"
    crate.description = one_line(manifest.get("request", {}).get("text", "") or folder.name, 2000)
    root = crate.root_dataset
    profile = _entity(crate, "CreativeWork", PROFILE, name="Process Run Crate", version="0.5")
    for name, value in (
        ("conformsTo", [profile]),
        ("mentions", actions),
        ("isBasedOn", data),
        ("variableMeasured", _numbers(crate, outcome.result, manifest.get("units", {}))),
        ("citation", _citations(crate, answer, manifest.get("data", {}))),
    ):
        if value:
            root[name] = value


def _file(crate: ROCrate, name: str, path: Path) -> Entity:
    media, kind = KINDS.get(path.suffix.lower(), (None, "File"))
    known = {"name": name, "@type": kind, "encodingFormat": media, "contentSize": path.stat().st_size}
    return crate.add_file(path, name, properties={key: value for key, value in known.items() if value is not None})


def _entity(crate: ROCrate, kind: str, what: str, /, **properties: Any) -> ContextEntity:
    from rocrate.model import ContextEntity

    identifier = what if what.startswith("https://") else f"#{quote(what)}"
    known = {key: value for key, value in properties.items() if value not in (None, "", [])}
    plain = {key: value for key, value in known.items() if isinstance(value, str | int | float)}
    entity = crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **plain}))
    for key in known.keys() - plain.keys():
        entity[key] = known[key]
    return entity


def _status(*, done: bool) -> str:
    return f"http://schema.org/{'Completed' if done else 'Failed'}ActionStatus"


def _data(crate: ROCrate, data: Mapping[str, Any], answer: Attempt | None) -> list[ContextEntity]:
    """The data stores of the data folder that the script names; all where it names none."""
    stores = data.get("index_checksums", {})
    named = {store: digest for store, digest in stores.items() if answer and store in answer.script}
    return [
        _entity(crate, "Dataset", f"data/{store}", name=store, identifier=f"sha256 of the index tables: {digest}")
        for store, digest in (named or stores).items()
    ]


def _numbers(crate: ROCrate, result: Mapping[str, Any], units: Mapping[str, str]) -> list[ContextEntity]:
    found = []
    for key, value in result.items():
        if not key.startswith("_"):
            shown = value if isinstance(value, str | int | float) else json.dumps(value, default=str)
            unit = units.get(key.removesuffix("_err")) or None
            found.append(_entity(crate, "PropertyValue", f"result/{key}", name=key, value=shown, unitText=unit))
    return found


def _citations(crate: ROCrate, answer: Attempt | None, data: Mapping[str, Any]) -> list[ContextEntity]:
    gammapy = "https://doi.org/10.1051/0004-6361/202346488"
    found = [_entity(crate, "ScholarlyArticle", gammapy, name="Donath et al. 2023, A&A 678, A157")] if answer else []
    for source in acknowledged(answer, data):
        identifier = source.links[0] if source.links and source.links[0].startswith("https://") else source.name
        found.append(
            _entity(
                crate, "CreativeWork", identifier, name=source.name, text=source.text, usageInfo=source.terms or None
            )
        )
    return found
