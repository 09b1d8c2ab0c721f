"""The self-check of a task set: right answers pass, wrong ones do not, and nothing is left unsaid.

What it finds are problems of the tasks, one line each with what to do. Nothing here judges an agent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gammapygpt.checks.expected import Expected
from gammapygpt.checks.outcome import is_number
from gammapygpt.errors import UserError
from gammapygpt.evals.task import Task, read_task, wrong_keys
from gammapygpt.settings import Settings
from gammapygpt.state import Execution

HAS_A_UNIT = re.compile(
    r"(?i)flux|dnde|amplitude|livetime|ontime|significance|sqrt_ts|sensitivity|radius|(?<!_n)_(?:deg|h|s|tev|gev|m2|cm2|erg)$"
)
"""Keys of quantities that have a unit."""
PURE = re.compile(r"(?i)index|ratio|fraction|relative|percent|transmission")
OTHER_UNITS = ("sigma", "events", "percent")
"""Not astropy's, and clear all the same."""
AS_WRITTEN = 1e-6
"""Relative; a number nearer than this is the same one."""
SMALL = 100
"""Whole numbers below stand in many a prompt by chance."""


class Problem(NamedTuple):
    """What is wrong with a task, and what to do."""

    file: Path
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what} {self.remedy}"


class Ran(NamedTuple):
    """A reference script that was run, and what came of it."""

    task: Task
    execution: Execution
    problems: list[Problem]


def read_all(files: Iterable[Path]) -> tuple[list[Task], list[Problem]]:
    """The tasks that can be read, and why the others cannot; an id that is used twice is a problem."""
    tasks: dict[str, Task] = {}
    problems = []
    for file in dict.fromkeys(files):
        try:
            task = read_task(file)
        except UserError as error:
            problems.append(
                Problem(file, error.message.replace(f"{file}, ", "").replace(f"{file}: ", ""), error.remedy)
            )
            continue
        other = tasks.setdefault(task.id, task)
        if other.path != task.path:
            problems.append(Problem(file, f"its id `{task.id}` is that of {other.path}.", "Rename one of them."))
    return list(tasks.values()), problems


def check_task(task: Task) -> list[Problem]:
    """All that can be said of a task without running anything."""
    found = [*of_form(task), *of_prompt(task), *of_answers(task)]
    return [Problem(task.path, what, remedy) for what, remedy in found]


def count_checks(task: Task) -> int:
    """Answers that were compared with the expected values."""
    return len(task.accepted) + sum(max(1, len(wrong.rejected_by)) for wrong in task.wrong)


def of_form(task: Task) -> Iterator[tuple[str, str]]:
    """Id, reasons, units, the reference script's place."""
    if task.id != task.path.stem:
        yield f"its id is `{task.id}`.", f"An id is the name of the file: `{task.path.stem}`."
    for one in task.expected:
        if not one.why.strip():
            yield f"`{one.key}` has no why.", "Say where its tolerance comes from."
        if accepts_nothing_done(one):
            yield f"the tolerance of `{one.key}` lets 0 pass.", "Make it narrower."
        yield from of_unit(one)
    if task.silent and len(task.wrong) < 2:
        yield (
            "it is silent, with fewer than two wrong answers.",
            "Run the scripts that go wrong unseen; list the results.",
        )
    if not task.wrong:
        yield "it has no wrong answer.", "Run a common mistake, and list its result as [[wrong]]."
    if task.script is None:
        yield "it has no reference script.", "Name one as script in [reference]."
    elif not task.script.is_file():
        yield f"there is no {task.script}.", "Put the reference script there."


def accepts_nothing_done(one: Expected) -> bool:
    """Whether a script that measured nothing at all would pass."""
    if not is_number(one.value) or one.value == 0:
        return False
    width = one.abs_tol if one.abs_tol is not None else (one.rel_tol or 0.0) * abs(float(one.value))  # type: ignore[arg-type]
    return width >= abs(float(one.value))  # type: ignore[arg-type]


def of_unit(one: Expected) -> Iterator[tuple[str, str]]:
    """A quantity has a unit, and one that astropy knows."""
    if one.type in ("str", "int") and not one.unit:
        return
    if not one.unit:
        if HAS_A_UNIT.search(one.key) and not PURE.search(one.key):
            yield f"`{one.key}` has no unit.", "Give it as unit."
    elif one.unit not in OTHER_UNITS:
        import astropy.units as u

        try:
            u.Unit(one.unit)
        except ValueError:
            yield f"the unit `{one.unit}` of `{one.key}` is unknown.", "Write it as astropy does."


def of_prompt(task: Task) -> Iterator[tuple[str, str]]:
    """It names all keys and no answer; the data that it names are listed."""
    for one in task.expected:
        if not re.search(rf"(?<!\w){re.escape(one.key)}(?!\w)", task.prompt):
            yield f"its prompt does not name `{one.key}`.", "Name each key of result.json, with its unit."
        if given_away(one, task.prompt):
            yield f"its prompt holds the value of `{one.key}`.", "Ask for something that has to be worked out."
    for name in sorted(set(re.findall(r"\$GAMMAPY_DATA/([\w.-]*\w)", task.prompt)) - set(task.datasets)):
        yield f"`{name}` of its prompt is not among its datasets.", "List it there."


def given_away(one: Expected, prompt: str) -> bool:
    """Whether an answer stands in the prompt."""
    if isinstance(one.value, str):
        return one.value in prompt
    values = [value for value in (one.value if isinstance(one.value, list) else [one.value]) if is_number(value)]
    said = [float(number) for number in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]*\w)", prompt)]
    small = [value for value in values if float(value) == int(value) and abs(value) < SMALL]  # type: ignore[arg-type]
    telling = [float(value) for value in values if value not in small]
    return any(abs(value - number) <= AS_WRITTEN * abs(value) for value in telling for number in said)


def of_answers(task: Task) -> Iterator[tuple[str, str]]:
    """Accepted variants pass; wrong answers hold every key, and fail by each key that is said to reject them."""
    keys = {one.key for one in task.expected}
    for variant in task.accepted:
        if wrong := wrong_keys(variant.values, task.expected):
            yield (
                f"the accepted variant `{variant.label}` fails by {named(wrong)}.",
                "Widen the tolerance, or leave it out.",
            )
    for answer in task.wrong:
        label = f"the wrong answer `{answer.label}`"
        if missing := sorted(keys - answer.values.keys()):
            yield f"{label} lacks {named(missing)}.", "Give all keys, the untouched ones with their right values."
        if unknown := sorted(set(answer.rejected_by) - keys):
            yield f"{label} is rejected by {named(unknown)}, which nobody expects.", "Correct rejected_by."
        if not answer.rejected_by:
            yield f"{label} does not say what rejects it.", "List the keys as rejected_by."
        rejecting = wrong_keys(answer.values, task.expected)
        if passing := [key for key in answer.rejected_by if key in keys and key not in rejecting]:
            yield (
                f"{label} is not rejected by {named(passing)}.",
                "Make the tolerance narrower, or correct rejected_by.",
            )


def named(keys: Iterable[str]) -> str:
    """Keys in a sentence."""
    return ", ".join(f"`{key}`" for key in keys)


def check_place(task: Task, settings: Settings, data: Path | None) -> list[Problem]:
    """A task that lies where scripts can read it is no task.

    Parameters
    ----------
    task, settings
        The settings name the analysis interpreter, whose folders scripts see.
    data : Path, optional
        Data folder, which scripts see too.
    """
    from gammapygpt.sandbox.hidden import is_shown
    from gammapygpt.sandbox.interpreter import interpreter

    if not is_shown(task.path, interpreter(settings.analysis.python), str(data or "")):
        return []
    return [Problem(task.path, "it lies where scripts could read it.", "Keep tasks away from data and interpreters.")]


def check_script(task: Task, settings: Settings) -> list[Problem]:
    """Gate 1 on the reference script: it keeps the contract that every script has to keep."""
    from gammapygpt.agents.gates import preflight
    from gammapygpt.checks.expected import specs

    if task.script is None or not task.script.is_file():
        return []
    found = preflight(task.script.read_text(encoding="utf-8"), settings, specs(task.expected))
    return [
        Problem(task.script, f"line {finding.line or 1}: {finding.message}", finding.remedy)
        for finding in found
        if finding.severity == "error"
    ]


def run_script(task: Task, settings: Settings, data: Path) -> Ran:
    """The reference script in the sandbox, and whether its result passes.

    Raises
    ------
    InfrastructureError
        The sandbox broke.
    """
    from gammapygpt import sandbox
    from gammapygpt.agents import gates
    from gammapygpt.checks.outcome import load_result

    assert task.script is not None
    limits = sandbox.limits(settings)
    limits = limits.model_copy(update={"wall_s": max(limits.wall_s, task.timeout_s)})  # right, not fast, is asked here
    script = task.script.read_text(encoding="utf-8")
    with gates.run_cold(script, str(data), settings, limits) as (execution, workspace):
        result, faults = load_result(workspace)
    return Ran(task, execution, [Problem(task.script, *one) for one in of_run(task, execution, result, faults)])


def of_run(
    task: Task, execution: Execution, result: dict[str, Any], faults: Sequence[Any]
) -> Iterator[tuple[str, str]]:
    """It ended well, wrote a result in due form, and the result is right."""
    if execution.stopped_by:
        yield f"it was stopped by the limit on {execution.stopped_by}.", "Make it shorter, or raise timeout_s."
    elif not execution.completed:
        yield f"it ended with {execution.exception or execution.exit_code}: {execution.message}", "Mend it."
    elif faults:
        yield from ((fault.message, fault.remedy) for fault in faults)
    elif wrong := wrong_keys(result, task.expected):
        values = ", ".join(f"{key} = {result.get(key)}" for key in wrong)
        yield f"its result fails by {values}.", "Correct the script, or the expected value."
