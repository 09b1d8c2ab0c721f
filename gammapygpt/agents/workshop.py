"""What all agents use: the run's folder, the analysis environment, a question with its costs told."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from langgraph.runtime import Runtime

from gammapygpt import llm
from gammapygpt.context import Context
from gammapygpt.llm.base import Backend, Message, Question, Reply
from gammapygpt.prompts import render
from gammapygpt.runs.folder import RunFolder
from gammapygpt.sandbox.collect import escape
from gammapygpt.settings import Settings
from gammapygpt.state import Environment, Role, RunState, StoreInfo, Usage


def folder(context: Context) -> RunFolder:
    """Where this run keeps its files."""
    return RunFolder(Path(context.run_folder))


def environment(settings: Settings) -> Environment:
    """The analysis environment: what can be imported there, and which versions."""
    from gammapygpt import knowledge

    return knowledge.environment(settings)


def gammapy_version(settings: Settings) -> str:
    """Gammapy's version in the analysis environment."""
    return environment(settings).versions.get("gammapy", "") if settings.analysis.python else version("gammapy")


def conversation(role: Role, context: Context, **values: Any) -> list[Message]:
    """System and task turn of a role's prompt; the part that never changes comes first."""
    return [system_turn(role, context), Message(role="user", content=render(role, "task", **values))]


def system_turn(role: Role, context: Context) -> Message:
    """The part of a role's prompt that never changes."""
    return Message(role="system", content=render(role, "system", gammapy=gammapy_version(context.settings)))


def told(stores: list[StoreInfo]) -> list[dict[str, Any]]:
    """What a prompt may say of the data: folder names and counts.

    A name is one line of a list, whatever it holds, written as in a Python string.
    """
    return [{"path": escape(store.path), "n_observations": store.n_observations} for store in stores]


def backend(role: Role, context: Context) -> Backend:
    """Who speaks for a role in this run."""
    settings = context.settings.model_copy(update={"roles": {role: context.backend_name(role)}})
    return llm.backend(settings, role, Path(context.run_folder))


def rules_alone(context: Context) -> bool:
    """Whether scripts come from the cookbook: its refusal is the last word, where a model can be asked again."""
    return backend("coder", context).kind == "cookbook"


def ask(role: Role, state: RunState, runtime: Runtime[Context], step: str, **question: Any) -> Reply:
    """Put a question to the backend of a role, and tell whoever listens what it cost.

    `step` names the question within the run: a resumed run that comes to the same step with the same question
    gets the recorded reply.
    """
    context = runtime.context
    speaker = backend(role, context)
    runtime.stream_writer({"event": "asked", "agent": role, "backend": speaker.name})

    def on_token(text: str) -> None:
        runtime.stream_writer({"event": "token", "agent": role, "text": text})

    def on_wait(line: str) -> None:
        runtime.stream_writer({"event": "waiting", "agent": role, "line": line})

    asked = Question(
        role=role,
        step=step,
        request=state["request"],
        plan=state.get("plan"),
        attempts=state.get("attempts", []),
        patience_s=time_left(state, context),
        **question,
    )
    reply = speaker.ask(asked, on_token, on_wait)
    spent = reply.usage.model_dump(include={"calls", "input_tokens", "cached_tokens", "output_tokens", "model_s"})
    runtime.stream_writer({"event": "answered", "agent": role, "model": reply.model, "fault": reply.fault, **spent})
    return reply


def time_left(state: RunState, context: Context) -> float | None:
    """What is left of the run's wall time, in s; None: any."""
    used = state.get("usage", Usage()).wall_s
    return None if context.wall_s is None else max(context.wall_s - used, 0.0)
