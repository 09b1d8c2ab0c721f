"""A campaign as logs of Inspect AI, one for each configuration, for its viewer and its data frames.

The known values are not in the logs: `target` is empty, and what was right and what was not is in the scores.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt import __version__
from gammapygpt.errors import UserError
from gammapygpt.evals.evidence import Evidence
from gammapygpt.evals.export.conversation import answer_of, conversation, request_of
from gammapygpt.evals.record import Record, Scoring
from gammapygpt.evals.report.numbers import without_places
from gammapygpt.evals.statistics.campaign import Arm, statistics
from gammapygpt.evals.statistics.cells import by_configuration, by_scoring, by_task, judged, once
from gammapygpt.state import Usage

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.model import ModelUsage

SCORER = "known_values"


def write_logs(evidence: Evidence, out: Path) -> list[Path]:
    """Write one `.eval` file for each configuration of each scoring; their paths.

    Raises
    ------
    UserError
        Inspect AI is not installed, there is no cell, or the folder cannot be written.
    """
    try:
        from inspect_ai.log import write_eval_log
    except ImportError as error:
        raise UserError("Inspect AI is not installed.", "Install it with: pip install 'gammapygpt[inspect]'") from error
    if not evidence.records:
        raise UserError(f"the campaign {evidence.name} has no cell yet.", "Run it first.")
    written = []
    tables = {table.scoring: table for table in statistics(evidence.records)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for scoring, cells in by_scoring(once(evidence.records)).items():
            arms = {arm.name: arm for arm in tables[scoring].arms}
            for name, records in by_configuration(cells).items():
                file = out / f"{file_name(name)}{'' if scoring == 'blind' else '-' + scoring}.eval"
                write_eval_log(eval_log(evidence, arms[name], records, scoring), str(file))
                written.append(file)
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}.", "Name another folder.") from error
    return written


def file_name(name: str) -> str:
    """A configuration's name, fit for a file."""
    return re.sub(r"[^\w.-]", "-", name)


def eval_log(evidence: Evidence, arm: Arm, records: list[Record], scoring: Scoring) -> EvalLog:
    """One configuration: its cells as samples, a task's epochs as epochs."""
    from inspect_ai.log import EvalConfig, EvalDataset, EvalLog, EvalSpec, EvalStats

    tasks = list(by_task(records))
    key = f"{evidence.name}/{scoring}/{arm.name}"
    started = min((one.started for one in records if one.started), default="")
    finished = max((one.finished for one in records if one.finished), default="")
    missing = sum(f"--{arm.name}--" in cell for cell in evidence.missing)
    return EvalLog(
        status="cancelled" if missing else "success",
        eval=EvalSpec(
            eval_id=identity(key, "eval"),
            run_id=identity(evidence.name, "run"),
            task_id=identity(key, "task"),
            created=started or "1970-01-01T00:00:00+00:00",
            task=f"{evidence.name}/{arm.name}",
            solver=arm.name,
            dataset=EvalDataset(name=evidence.name, samples=len(tasks), sample_ids=tasks),
            model=model_name(records),
            config=EvalConfig(epochs=max(1, arm.epochs)),
            packages={"gammapygpt": __version__},
            tags=[scoring],
            metadata={
                "command": without_places(str(evidence.about.get("command", ""))),
                "machine": str(evidence.about.get("machine", "")),
                "scoring": scoring,
                "cells_missing": missing,
            },
        ),
        results=results(arm, len(records)),
        stats=EvalStats(
            started_at=started,
            completed_at=finished,
            model_usage=by_model(records),
            role_usage=by_role(records),
        ),
        samples=[sample(one, evidence.folder) for one in records],
    )


def identity(key: str, what: str) -> str:
    """The same name for the same thing, whenever it is exported."""
    return hashlib.sha256(f"{what}:{key}".encode()).hexdigest()[:22]


def model_name(records: Iterable[Record]) -> str:
    """The models of some cells in Inspect's form, `backend/model`."""
    names = sorted({f"{one.backend}/{one.model or 'none'}" for one in records if one.backend})
    return names[0] if len(names) == 1 else f"none/{'+'.join(names).replace('/', '-') or 'none'}"


def results(arm: Arm, logged: int) -> Any:
    """The rates of a configuration; of judged cells only."""
    from inspect_ai.log import EvalMetric, EvalResults, EvalScore

    told = {
        "accuracy": arm.passed.value,
        "called_passed_but_wrong": arm.wrong_of_called.value,
        **{f"pass_at_{one.k}": one.any_right for one in arm.over_epochs},
        **{f"pass_all_{one.k}": one.all_right for one in arm.over_epochs},
    }
    for name, interval in (("wilson", arm.passed.wilson), ("tasks", arm.passed.clustered)):
        if interval:
            told |= {f"low_{name}": interval.low, f"high_{name}": interval.high}
    metrics = {name: EvalMetric(name=name, value=value) for name, value in told.items() if value is not None}
    score = EvalScore(
        name=SCORER,
        scorer=SCORER,
        scored_samples=arm.cells,
        unscored_samples=arm.infrastructure,
        metrics=metrics,
    )
    return EvalResults(total_samples=logged, completed_samples=arm.cells, scores=[score])


def sample(record: Record, campaign: Path) -> EvalSample:
    """One cell; where the infrastructure failed, with an error and without a score."""
    from inspect_ai.log import EvalError, EvalSample
    from inspect_ai.scorer import Score

    answer = answer_of(record, campaign)
    failed = record.verdict == "infrastructure"
    reason, wrong = without_places(record.reason), ", ".join(record.wrong_keys)
    about = record.model_dump(
        include={"verdict", "passed_at", "wrong_keys", "family", "difficulty", "silent", "recipe", "seconds_by_node"}
    )
    score = Score(
        value="C" if record.passed else "I",
        answer=json.dumps(answer, ensure_ascii=False, default=str) if answer else None,
        explanation=f"{record.verdict}: {reason}" + (f" (wrong: {wrong})" if wrong else ""),
        metadata={"verdict": record.verdict, "wrong_keys": record.wrong_keys, "passed_at": record.passed_at},
    )
    return EvalSample(
        id=record.task,
        epoch=record.epoch,
        input=request_of(record, campaign),
        target="",
        messages=chat(record, campaign),
        scores=None if failed else {SCORER: score},
        metadata={**about, "attempts": [one.model_dump(exclude={"traceback_tail"}) for one in record.attempts]},
        model_usage=by_model([record]),
        role_usage=by_role([record]),
        started_at=record.started or None,
        completed_at=record.finished or None,
        total_time=record.seconds,
        uuid=identity(f"{record.scoring}/{record.cell}/{record.started}", "sample"),
        error=EvalError(message=reason, traceback=reason, traceback_ansi=reason) if failed else None,
    )


def chat(record: Record, campaign: Path) -> list[Any]:
    """The conversation in Inspect's messages; what became of an attempt is a user's turn in square brackets."""
    from inspect_ai.model import ChatMessageAssistant, ChatMessageSystem, ChatMessageUser

    forms = {"system": ChatMessageSystem, "assistant": ChatMessageAssistant}
    return [
        forms.get(turn.role, ChatMessageUser)(
            id=identity(f"{record.cell}/{number}/{turn.text}", "message"),
            content=without_places(turn.text) if turn.role == "outcome" else turn.text,
        )
        for number, turn in enumerate(conversation(record, campaign))
    ]


def by_model(records: Iterable[Record]) -> dict[str, ModelUsage]:
    """Tokens of each model."""
    found: dict[str, list[Record]] = {}
    for one in judged(records):
        if one.usage:
            found.setdefault(model_name([one]), []).append(one)
    return {name: tokens(sum((one.spent for one in cells), Usage()), cells) for name, cells in found.items()}


def by_role(records: Iterable[Record]) -> dict[str, ModelUsage]:
    """Tokens of each agent."""
    found: dict[str, Usage] = {}
    for one in judged(records):
        for role, usage in one.usage.items():
            found[role] = found.get(role, Usage()) + usage
    return {role: tokens(usage) for role, usage in found.items()}


def tokens(used: Usage, cells: Iterable[Record] = ()) -> ModelUsage:
    """In Inspect's words: its input tokens are those that were not cached."""
    from inspect_ai.model import ModelUsage

    costs = [one.cost for one in cells]
    return ModelUsage(
        input_tokens=used.input_tokens - used.cached_tokens,
        input_tokens_cache_read=used.cached_tokens,
        output_tokens=used.output_tokens,
        reasoning_tokens=used.reasoning_tokens,
        total_tokens=used.tokens,
        total_cost=None if not costs or None in costs else sum(cost for cost in costs if cost is not None),
    )
