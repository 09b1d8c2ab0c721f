"""What a follow-up knows of the run before it: request, plan, script, numbers, and what failed there."""

from __future__ import annotations

from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder, read_json, read_list
from gammapygpt.state import Earlier, Plan

MOST_LESSONS = 8


def earlier(folder: RunFolder, asked: str) -> Earlier:
    """The run that a follow-up goes on from.

    Raises
    ------
    UserError
        It has not ended.
    """
    manifest = folder.manifest()
    if "finished" not in manifest:
        raise UserError(
            f"run {folder.name} has not ended, there is nothing to follow up.", f"`gammapygpt resume {folder.name}`."
        )
    numbers = [attempt["number"] for attempt in manifest["attempts"]]
    standing = manifest["best"] or max(numbers, default=0)
    script = folder.attempts / f"{standing:02d}" / "script.py"
    return Earlier(
        run=folder.name,
        text=manifest["request"]["text"],
        asked=asked,
        plan=Plan.model_validate(manifest["plan"]) if manifest["plan"] else None,
        script=script.read_text(encoding="utf-8") if script.is_file() else "",
        result=manifest["result"],
        lessons=lessons(folder, numbers),
    )


def forgotten(before: Earlier) -> Earlier:
    """The run before a request of its own: it is in the same conversation, and nothing of it is taken over."""
    return before.model_copy(update={"plan": None, "script": "", "result": {}, "lessons": []})


def lessons(folder: RunFolder, numbers: list[int]) -> list[str]:
    """What the gates found wrong with the scripts of a run, and the remedies; each once, the latest last."""
    said: dict[str, None] = {}
    for number in numbers:
        place = folder.attempts / f"{number:02d}"
        found = [*read_list(place / "findings.json"), *read_json(place / "validation.json").get("findings", [])]
        for finding in found:
            if finding["severity"] == "error":
                said[f"{finding['message']} {finding['remedy']}".strip()] = None
        execution = read_json(place / "execution.json")
        if execution.get("exception"):
            said[f"{execution['exception']}: {execution['message']}"] = None
    return list(said)[-MOST_LESSONS:]
