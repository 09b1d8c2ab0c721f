"""Write a drawn task: its TOML file and its reference script."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt.evals.draw.truth import described

if TYPE_CHECKING:
    from tomlkit.items import AoT

    from gammapygpt.data.observe import Field
    from gammapygpt.evals.draw.draft import Draft
    from gammapygpt.evals.draw.judging import Answers


def write_task(folder: Path, name: str, kind: str, draft: Draft, found: Answers, field: Field) -> Path:
    """Write `folder/NAME.toml` and `folder/reference/NAME.py`."""
    import tomlkit

    script = folder / "reference" / f"{name}.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(draft.source(), encoding="utf-8")
    document = tomlkit.document()
    heading = {"id": name, "title": draft.title, "kind": kind, "family": draft.family, "split": "drawn"}
    for key, value in {**heading, "difficulty": draft.difficulty, "silent": True}.items():
        document.add(key, value)
    document.add("datasets", [draft.constants["DATA_STORE"]])
    document.add("prompt", tomlkit.string(f"\n{draft.prompt}\n", literal=True, multiline=True))
    document.add("timeout_s", 300.0)
    document.add("truth", tomlkit.item(truth(draft, found, field)))
    document.add("reference", tomlkit.item({"script": f"reference/{name}.py", "gammapy": version("gammapy")}))
    document.add("expected", tables([one.model_dump(exclude_none=True) for one in found.expected]))
    if found.accepted:
        document.add("accepted", tables([one.model_dump() for one in found.accepted]))
    document.add("wrong", tables([one.model_dump() for one in found.wrong]))
    path = folder / f"{name}.toml"
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
    return path


def truth(draft: Draft, found: Answers, field: Field) -> dict[str, Any]:
    """What the data were made with, and how far from it the reference is."""
    known = {one.key: one.truth for one in draft.asked if one.truth is not None}
    values = {key: value if isinstance(value, int) else float(f"{value:.6g}") for key, value in known.items()}
    return described(field) | {"values": values, "reference_off_by_sigma": found.sigmas}


def tables(entries: list[dict[str, Any]]) -> AoT:
    """An array of tables; the dicts in them stay on one line."""
    import tomlkit

    made = tomlkit.aot()
    for entry in entries:
        table = tomlkit.table()
        for key, value in entry.items():
            if isinstance(value, dict):
                inline = tomlkit.inline_table()
                inline.update(value)
                value = inline
            table.add(key, value)
        made.append(table)
    return made
