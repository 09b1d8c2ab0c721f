"""The peer: mini-swe-agent as published, with its own loop, prompts and limits on malformed replies.

What is ours is what makes the comparison fair: the same model through the same wire, and commands that run in the same
sandbox (no network, data read-only), with the time that our scripts have. Its model calls are bounded by those that
the budget of attempts stands for. Whatever lies in its working folder at the end as result.json is its answer; known
values judge it afterwards and are never told to it, also where they start the next attempt of others.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gammapygpt.agents import gates
from gammapygpt.errors import UserError
from gammapygpt.evals.baselines.stages import answered_by, keep
from gammapygpt.llm import backend_settings
from gammapygpt.run import Run
from gammapygpt.state import Attempt, Draft, Execution, Outcome, Request

if TYPE_CHECKING:
    from gammapygpt.evals.baselines.mini import SandboxedEnvironment

CALLS_AN_ATTEMPT = 4
"""Model calls that stand for one attempt: to look, to write, to run, to hand in."""
CONFIGURATION = "default"
"""The package's configuration of its default agent."""
TASK = (
    "{request}\n\nresult.json must lie in your working folder, where every command starts, when you submit; the "
    "environment variable GAMMAPY_DATA names the folder with the data."
)
LIMITS = ("LimitsExceeded", "TimeExceeded")


def solve(run: Run) -> None:
    """Answer a run; one that was killed goes on, and pays no call twice.

    Raises
    ------
    InfrastructureError
        The sandbox or the server broke.
    UserError
        The package is not installed, or the run's coder is no model behind an address.
    """
    prepare(run)
    from minisweagent.agents.default import DefaultAgent
    from minisweagent.config import get_config_from_spec

    from gammapygpt.evals.baselines.mini import SandboxedEnvironment, Speaker, SpokenModel
    from gammapygpt.llm.journal import JournaledBackend

    config = get_config_from_spec(CONFIGURATION)
    with answered_by(run, "peer", [str(config), TASK]):
        name = run.context.backend_name("coder")
        chosen = backend_settings(name, run.settings)
        if chosen.kind not in ("openai", "local"):
            raise UserError(f"the peer cannot speak to a backend of kind {chosen.kind}.", "Name one of kind openai.")
        request = run.request()
        recording = JournaledBackend(
            Speaker(name, chosen, run.settings.runs.limits_folder), run.folder.path, chosen.model
        )
        model = SpokenModel(run, request, recording, **config["model"])
        place = SandboxedEnvironment(run, request, run.folder.path / "peer", **config["environment"])
        agent = DefaultAgent(model, place, **{**config["agent"], "step_limit": most_calls(run)})
        ended = agent.run(TASK.format(request=request.text.strip()))
        attempt = answer(run, request, place, agent.messages, ended["exit_status"])
        run.tell(run.finish(outcome(attempt, ended["exit_status"], model.usage + place.usage), {"request": request}))


def prepare(run: Run) -> None:
    """See that the package is there, and keep it from writing into the user's home and onto the terminal."""
    if find_spec("minisweagent") is None:
        raise UserError("mini-swe-agent is not installed.", "pip install 'gammapygpt[peer]'")
    os.environ.setdefault("MSWEA_SILENT_STARTUP", "1")
    os.environ.setdefault("MSWEA_GLOBAL_CONFIG_DIR", str(run.folder.path / "peer"))
    logging.getLogger("minisweagent").setLevel(logging.WARNING)


def most_calls(run: Run) -> int:
    """Model calls at the most."""
    calls = CALLS_AN_ATTEMPT * run.context.attempts
    return calls if run.context.model_calls is None else min(calls, run.context.model_calls)


def answer(
    run: Run, request: Request, place: SandboxedEnvironment, messages: list[dict[str, Any]], ended: str
) -> Attempt:
    """All that the peer did, as one attempt: its files, its conversation, its last script."""
    script = last_script([one.command for one in place.commands], place.files)
    record = [{"role": message["role"], "content": message["content"]} for message in messages]
    run.folder.keep_draft(Draft(author="coder", number=1, script=script), record)
    workspace = run.folder.attempt(1) / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    if place.files is not None:
        shutil.copytree(place.files, workspace)
    attempt = Attempt(number=1, author="coder", script=script, summary=f"No command came ({ended}).")
    if place.commands:
        attempt.execution = together(place)
    attempt = gates.judge(attempt, request, request.results, workspace, run.settings, skeptic=False)
    keep(run, attempt)
    return attempt


def together(place: SandboxedEnvironment) -> Execution:
    """All commands as one execution, which has ended since the peer has."""
    ran = [one.execution for one in place.commands]
    return Execution(
        provider=ran[0].provider,
        exit_code=0,
        wall_s=round(sum(one.wall_s for one in ran), 3),
        cpu_s=round(sum(one.cpu_s or 0.0 for one in ran), 3),
        peak_mb=max(one.peak_mb or 0.0 for one in ran),
        stdout="\n".join(f"$ {one.command}\n{one.output['output']}" for one in place.commands),
    )


def last_script(commands: list[str], files: Path | None) -> str:
    """The Python that the peer wrote or ran last, in a file or in a here-document; empty where there is none."""
    there = {path.relative_to(files).as_posix(): path for path in files.rglob("*.py")} if files else {}
    for command in reversed(commands):
        if typed := re.search(r"python[\d.]*\s+(?:-\s*)?<<-?\s*['\"]?(\w+)['\"]?\n(.*?)\n\s*\1\b", command, re.DOTALL):
            return typed[2] + "\n"
        for name in reversed(re.findall(r"[\w./-]+\.py\b", command)):
            if path := there.get(name.removeprefix("./")):
                return path.read_text(encoding="utf-8", errors="replace")
    return ""


def outcome(attempt: Attempt, ended: str, usage: Any) -> Outcome:
    """How it ended: an answer of the right form stands, whether it was submitted or not."""
    reason = f"{attempt.summary} The peer ended with {ended}."
    status: Any = "passed" if attempt.passed else "budget" if ended in LIMITS else "failed"
    best = 1 if attempt.passed else None
    return Outcome(status=status, reason=reason, best=best, attempts=[attempt], usage=usage)
