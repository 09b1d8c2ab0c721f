"""The bare loop: one model, its script is run, the error is fed back. The design of arXiv:2509.26110 and no more.

No retrieval, plan, recipe, gate before the run, hint, replacement of single lines, critic or doubt about the physics.
A single shot is the same with a budget of one attempt. Scripts run in the same sandbox as all, cold: what passes has
passed from nothing. A script that was tried before counts as an attempt and is not run again.
"""

from __future__ import annotations

import shutil

from langgraph.runtime import Runtime

from gammapygpt import sandbox
from gammapygpt.agents import gates
from gammapygpt.agents.coder import CONVERSATION, draft_of
from gammapygpt.agents.executor import without_a_run
from gammapygpt.agents.material import fence, tokens
from gammapygpt.agents.workshop import ask, backend, gammapy_version
from gammapygpt.errors import UserError
from gammapygpt.evals.baselines.stages import answered_by, keep, kept, stage
from gammapygpt.graph.routing import outcome, over_budget
from gammapygpt.llm.base import Message, Reply
from gammapygpt.run import Event, Run
from gammapygpt.state import Attempt, Draft, RunState, Usage

SYSTEM = (
    "You write Python scripts for gamma-ray astronomy with Gammapy {gammapy}. Write one complete Python script that "
    "does what the user asks. The data are in the folder that the environment variable GAMMAPY_DATA names. The script "
    "writes its results to result.json in the current folder."
)
FAILED = "The script failed:\n\n{fence}\n{error}\n{fence}\n\nCorrect it, and give the whole script again."
WRONG = "The script ran to its end, but:\n\n{findings}\n\nCorrect it, and give the whole script again."
NO_SCRIPT = "{summary}\n\nGive one complete Python script."
TAIL = 2000
"""Characters of the error output that are fed back."""


def solve(run: Run) -> None:
    """Answer a run; one that was killed goes on, and pays no call twice.

    Raises
    ------
    InfrastructureError
        The sandbox or the server broke.
    UserError
        The run's coder is no model.
    """
    with answered_by(run, "loop", [SYSTEM, FAILED, WRONG, NO_SCRIPT]):
        if backend("coder", run.context).kind == "cookbook":
            raise UserError("the bare loop needs a model.", "Name a backend with a model for the coder.")
        state: RunState = {"request": run.request(), "attempts": [], "usage": Usage()}
        talk = begin(run, state)
        while not over_budget(state, run.context):
            attempt, said = one_more(run, state, talk)
            state["attempts"].append(attempt)
            if attempt.passed:
                break
            talk += [Message(role="assistant", content=said), Message(role="user", content=feedback(state["attempts"]))]
        run.tell(run.finish(outcome(state, run.context), state))


def begin(run: Run, state: RunState) -> list[Message]:
    """The first two turns: what this is, and the request word for word."""
    system = SYSTEM.format(gammapy=gammapy_version(run.settings))
    return [Message(role="system", content=system), Message(role="user", content=state["request"].text.strip())]


def one_more(run: Run, state: RunState, talk: list[Message]) -> tuple[Attempt, str]:
    """Ask for a script and try it; the attempt, and the model's turn as it stays in the conversation."""
    number = len(state["attempts"]) + 1
    with stage(run, "coder") as spent:
        reply, draft = written(run, state, bounded(run, talk), number)
    # a reply that was recorded before a kill took its time then
    wall_s = max(spent.wall_s, reply.usage.model_s)
    state["usage"] = state["usage"] + reply.usage + Usage(wall_s=wall_s)
    with stage(run, "executor") as spent:
        attempt = kept(run, number)
        if attempt is None:
            attempt = tried(run, state, draft)
            keep(run, attempt)
    ran_s = attempt.execution.wall_s if attempt.execution else 0.0
    state["usage"] = state["usage"] + Usage(wall_s=max(spent.wall_s, ran_s))
    said = f"```python\n{draft.script.rstrip()}\n```" if draft.script else reply.text.strip()
    return attempt, said or "(no reply)"


def bounded(run: Run, talk: list[Message]) -> list[Message]:
    """The whole conversation while it is short enough; then its beginning and the last exchange."""
    most = CONVERSATION["tools" in backend("coder", run.context).abilities]
    if sum(tokens(message.content) for message in talk) <= most:
        return talk
    return [*talk[:2], *talk[2:][-2:]]


def written(run: Run, state: RunState, talk: list[Message], number: int) -> tuple[Reply, Draft]:
    """The model's reply, and the draft in it."""

    def tell(event: Event) -> None:
        run.tell(event)

    runtime = Runtime(context=run.context, stream_writer=tell)
    reply = ask("coder", {"request": state["request"]}, runtime, step=f"loop-{number}", form="script", messages=talk)
    draft = draft_of(reply, "", number, "repair" if state["attempts"] else "first")
    record = [message.model_dump(include={"role", "content"}) for message in talk]
    run.folder.keep_draft(draft, [*record, {"role": "assistant", "content": reply.text}])
    run.tell({"event": "drafted", "attempt": number, "how": draft.how, "fault": draft.fault})
    return reply, draft


def tried(run: Run, state: RunState, draft: Draft) -> Attempt:
    """The draft, run as it is; its result is looked at for its form, and for the known values where they are given."""
    attempt = Attempt(number=draft.number, author="coder", how=draft.how, script=draft.script)
    if known := without_a_run(attempt, draft, state["attempts"]):
        return known
    request, context = state["request"], run.context
    workspace = run.folder.attempt(draft.number) / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)  # what a killed run left half collected
    place = sandbox.open_sandbox(run.settings, request.data_path, warm=False)
    run.tell({"event": "running", "attempt": draft.number, "sandbox": place.name})
    left = None if context.wall_s is None else context.wall_s - state["usage"].wall_s
    attempt.execution = gates.run(place, draft.script, gates.limits_for(run.settings, left), workspace)
    return gates.judge(attempt, request, request.results, workspace, run.settings, skeptic=False)


def feedback(attempts: list[Attempt]) -> str:
    """What the model is told of its last script; of one that it gave before, the same again."""
    last = attempts[-1]
    if last.repeat_of is not None:
        last = attempts[last.repeat_of - 1]
    if last.execution is None:
        return NO_SCRIPT.format(summary=last.summary)
    if last.validation is not None:
        wrong = [finding for finding in last.validation.findings if finding.severity == "error"]
        said = "\n".join(f"- {finding.message} {finding.remedy}".rstrip() for finding in wrong)
        return WRONG.format(findings=said or "- There is no number in result.json.")
    error = last.execution.stderr.strip()[-TAIL:]
    if last.execution.stopped_by or not error:
        error = f"{error}\n{last.summary}".strip()
    return FAILED.format(error=error, fence=fence(error))
