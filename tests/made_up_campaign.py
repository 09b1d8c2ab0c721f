"""Made-up tables of campaigns: cells drawn from known probabilities, the same for the same seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gammapygpt.evals.record import TABLE, AttemptRecord, Record
from gammapygpt.state import Usage

KINDS = ("api", "runtime", "output", "wrong_value")
EXCEPTIONS = {"api": "builtins.AttributeError", "runtime": "builtins.ValueError"}


def record(
    task: str = "t1", configuration: str = "full", epoch: int = 1, verdict: str = "right", **more: Any
) -> Record:
    """One cell that ended as told."""
    given = {"task_sha256": hashlib.sha256(task.encode()).hexdigest(), "passed_at": 1 if verdict == "right" else None}
    return Record(task=task, configuration=configuration, epoch=epoch, verdict=verdict, **{**given, **more})


def verdicts(told: Mapping[str, Sequence[str]], configuration: str = "full", **more: Any) -> list[Record]:
    """Cells by task, one letter an epoch: `{"t1": "RRW"}`; R right, W wrong, F failed, I infrastructure."""
    words = {"R": "right", "W": "wrong", "F": "failed", "I": "infrastructure"}
    return [
        record(task, configuration, epoch, words[letter], **more)
        for task, letters in told.items()
        for epoch, letter in enumerate(letters, 1)
    ]


def drawn(
    chances: Mapping[str, float],
    tasks: int = 12,
    epochs: int = 2,
    seed: int = 1,
    silent: float = 0.3,
    spread: float = 0.2,
    broken: float = 0.0,
    **more: Any,
) -> list[Record]:
    """A campaign in which each configuration is right with a known probability.

    Parameters
    ----------
    chances : mapping
        Mean probability of a right answer, by configuration; each task's own is drawn around it.
    silent : float
        Probability that an answer that is not right is called passed.
    spread : float
        Standard deviation of the tasks' probabilities.
    broken : float
        Probability of an infrastructure failure.
    """
    random = np.random.default_rng(seed)
    hardness = random.normal(0, spread, tasks)
    return [
        one_drawn(random, f"task-{number:02d}", name, epoch, chance + hardness[number], silent, broken, more)
        for epoch in range(1, epochs + 1)
        for name, chance in chances.items()
        for number in range(tasks)
    ]


def one_drawn(
    random: np.random.Generator,
    task: str,
    name: str,
    epoch: int,
    chance: float,
    silent: float,
    broken: float,
    more: Mapping[str, Any],
) -> Record:
    """One cell with three attempts at the most."""
    if random.random() < broken:
        return record(task, name, epoch, "infrastructure", reason="The model server does not answer.", **more)
    right = random.random() < chance
    verdict = "right" if right else "wrong" if random.random() < silent else "failed"
    number = int(random.integers(1, 4))
    kinds = [KINDS[random.integers(len(KINDS))] for _ in range(number if verdict == "failed" else number - 1)]
    attempts = [
        AttemptRecord(number=n, failure=kind, how="repair" if n > 1 else "first", exception=EXCEPTIONS.get(kind, ""))
        for n, kind in enumerate(kinds, 1)
    ]
    if verdict != "failed":
        attempts.append(AttemptRecord(number=number, right=right))
    tokens = int(random.integers(1000, 4000)) * number
    usage = Usage(calls=number, input_tokens=tokens, cached_tokens=tokens // 2, output_tokens=tokens // 4, cost=0.001)
    given = {
        "family": ("ObservationList", "ReflectedSpectrum", "other")[int(task[-2:]) % 3],
        "passed_at": number if right else None,
        "attempts": attempts,
        "backend": "test",
        "model": "made-up-7b",
        "usage": {"coder": usage} if name != "cookbook" else {},
        "cost": None,
        "seconds": float(60 * number + random.integers(1, 60)),
        "seconds_by_node": {"coder": 50.0 * number, "executor": 8.0 * number},
        "versions": {"gammapygpt": "0.1.0", "gammapy": "2.1"},
        "prompts": {"coder.md": "ab" * 32},
        "run": f"runs/{task}--{name}--{epoch}/2026-11-24-run",
    }
    return record(task, name, epoch, verdict, **{**given, **more})


def written(folder: Path, records: Sequence[Record], **about: Any) -> Path:
    """A campaign's folder with its table, and `campaign.json` where something is told about it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TABLE).write_text("".join(one.model_dump_json() + "\n" for one in records), encoding="utf-8")
    if about:
        (folder / "campaign.json").write_text(json.dumps(about), encoding="utf-8")
    return folder
