"""Run the graph of a run again, answered from its record, and say where it goes another way.

What a model said is read from the record; what became of its scripts too, unless they are to be run again. Everything
between is done anew: retrieval, prompts, gates, routing. So a replay tells what a change of the program, of a prompt or
of Gammapy would have changed, without a model, without data and without the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple, cast, get_args

from gammapygpt.checks.asking import NO_REQUEST
from gammapygpt.context import Context
from gammapygpt.errors import Difference, UserError
from gammapygpt.runs.changes import of_this_version
from gammapygpt.runs.folder import STORES, RunFolder, write_file
from gammapygpt.runs.record import attempts_of
from gammapygpt.settings import Settings
from gammapygpt.state import Answer, Attempt, Draft, Question, Request, Role, RunState, StoreInfo

if TYPE_CHECKING:
    from gammapygpt.llm.replay import ReplayBackend


class Replayed(NamedTuple):
    """What a replay came to."""

    calls: int
    """Model calls that were answered from the record."""
    attempts: int
    """Attempts that were compared."""
    difference: Difference | None
    """The first one, if there is one."""


def replay(folder: RunFolder, *, run_scripts: bool = False, accept: bool = False) -> Replayed:
    """Replay a run that has ended, in a folder of its own that is removed again.

    Parameters
    ----------
    folder : RunFolder
        The run.
    run_scripts : bool
        Run the scripts in the sandbox, on the data of the run, instead of reading what became of them. Then numbers
        may differ by 1e-3, and the words of the gates are not compared.
    accept : bool
        The words of prompts and gates may be others, and are taken into the record, if nothing else is different;
        without it, the run is only read.

    Raises
    ------
    UserError
        The run has not ended, or its record does not hold all that a replay needs.
    """
    from gammapygpt.sandbox import waiting
    from gammapygpt.sandbox.recorded import RecordedSandbox

    manifest = folder.manifest()
    check(folder, manifest)
    before = attempts_of(folder, manifest, folder.events())
    with TemporaryDirectory(prefix="gammapygpt-") as place, ExitStack() as instead:
        context = context_of(folder, manifest, Path(place))
        if not run_scripts:
            sandbox = RecordedSandbox(before, folder.attempts)
            instead.enter_context(waiting.instead(context.run_folder, sandbox))
        backends, done, difference = records(context), list[Attempt](), None
        for backend in backends:
            backend.any_words = accept
        try:
            for changes in changes_made(folder, manifest, context):
                if "script" not in context.approve and changes.get("draft"):
                    same_script(changes["draft"], before)
                for attempt in changes.get("attempts", []):
                    done.append(attempt)
                    compare(attempt, before, words=not (run_scripts or accept))
            nothing_left(backends, done, before)
            same_end(manifest, changes["ended"])
        except Difference as found:
            difference = found
        if accept and difference is None:
            take_over(folder, RunFolder(Path(context.run_folder)), backends)
        return Replayed(sum(len(backend.given) for backend in backends), len(done), difference)


def records(context: Context) -> list[ReplayBackend]:
    """The backends that answer from the record."""
    from gammapygpt.agents.workshop import backend
    from gammapygpt.llm.replay import ReplayBackend

    speakers = {context.backend_name(role): backend(role, context) for role in get_args(Role)}
    return [one for one in speakers.values() if isinstance(one, ReplayBackend)]


def check(folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Whether the record of a run can be replayed.

    Raises
    ------
    UserError
        It cannot.
    """
    if "studio" in manifest:
        raise UserError(f"run {folder.name} was made in LangGraph Studio.", "Replay one of `gammapygpt run`.")
    if "forked" in manifest:
        origin = manifest["forked"]["run"]
        raise UserError(f"run {folder.name} is a fork: it has no beginning of its own.", f"Replay {origin}.")
    if "finished" not in manifest:
        raise UserError(f"run {folder.name} has not ended.", f"`gammapygpt resume {folder.name}`.")
    if NO_REQUEST.fullmatch(manifest["request"]["text"]):
        raise UserError(
            f"run {folder.name} tried a script of yours: no agent spoke.", "Replay one of `gammapygpt run`."
        )


def context_of(folder: RunFolder, manifest: dict[str, Any], place: Path) -> Context:
    """The switches of the run, with its record in the place of its models; any wall time, as none is spent.

    Raises
    ------
    UserError
        This version cannot read its settings.
    """
    try:
        settings = Settings.model_validate(of_this_version(manifest["settings"])[0])
    except ValueError as error:
        raise UserError(f"this version cannot read the settings of run {folder.name}.", "Take its own.") from error
    backends = {
        name: one if one.kind == "cookbook" else one.model_copy(update={"kind": "replay", "replies": str(folder.path)})
        for name, one in settings.backends.items()
    }
    context = Context.of(settings.model_copy(update={"backends": backends}), place / folder.name)
    context.take_up(manifest["switches"])
    context.wall_s = None
    return context


def request_of(folder: RunFolder, manifest: dict[str, Any]) -> Request:
    """The request as the run began with it.

    Raises
    ------
    UserError
        The run does not tell what its data folder held.
    """
    if not (folder.path / STORES).is_file():
        raise UserError(f"run {folder.name} does not tell what its data folder held.", "A newer run does.")
    said = manifest["request"]
    return Request(
        text=said.get("begun", said["text"]),
        data_path=manifest["data"]["path"],
        stores=[StoreInfo.model_validate(store) for store in folder.stores()],
        results=said["results"],
        expect_file=said["expect_file"],
        earlier=said.get("earlier"),
    )


def changes_made(folder: RunFolder, manifest: dict[str, Any], context: Context) -> Iterator[dict[str, Any]]:
    """Go through the graph, and give what each node changes, then how it `ended`; the user answers as he did then.

    Raises
    ------
    Difference
        A model or the user is asked something else, or another script is to be run.
    """
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.memory import InMemorySaver
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.types import Command

    from gammapygpt.graph.build import build_graph
    from gammapygpt.graph.routing import outcome, recursion_limit
    from gammapygpt.graph.vocabulary import VOCABULARY

    config: RunnableConfig = {
        "configurable": {"thread_id": folder.name},
        "recursion_limit": recursion_limit(context),
    }
    serde = JsonPlusSerializer(allowed_msgpack_modules=VOCABULARY)
    graph = build_graph().compile(checkpointer=InMemorySaver(serde=serde))
    feed: Any = {"request": request_of(folder, manifest)}
    while feed is not None:
        for update in graph.stream(feed, config, context=context, stream_mode="updates"):
            yield from (changes for changes in update.values() if isinstance(changes, dict))
        after = graph.get_state(config)
        waits = after.interrupts
        feed = Command(resume=answer_of(folder, Question.model_validate(waits[0].value))) if waits else None
    yield {"ended": outcome(cast(RunState, after.values), context).status}


def answer_of(folder: RunFolder, question: Question) -> dict[str, Any]:
    """What the user answered then.

    Raises
    ------
    Difference
        He was not asked.
    """
    said = [
        event
        for event in folder.events()
        if (event.get("event"), event.get("about"), event.get("number")) == ("decided", question.about, question.number)
    ]
    if not said:
        number = f" {question.number}" if question.number else ""
        raise Difference(f"question to the user about {question.about}{number}", "it was not asked in the run")
    return {name: said[-1][name] for name in Answer.model_fields if name in said[-1]}


def same_script(made: Draft | Attempt, before: list[Attempt]) -> None:
    """Whether a script is that of then.

    Raises
    ------
    Difference
        It is another one.
    """
    was = next((one for one in before if one.number == made.number), None)
    if was is not None and was.script != made.script:
        raise Difference(f"attempt {made.number}", "another script", was.script, made.script)


def compare(attempt: Attempt, before: list[Attempt], *, words: bool) -> None:
    """Whether an attempt is what it was.

    Raises
    ------
    Difference
        It is another one.
    """
    where = f"attempt {attempt.number}"
    was = next((one for one in before if one.number == attempt.number), None)
    if was is None:
        raise Difference(where, "it was not made in the run", now=attempt.script)
    same_script(attempt, before)
    if attempt.failure != was.failure:
        fate = f"{was.failure or 'passed'} then, {attempt.failure or 'passed'} now"
        raise Difference(where, fate, *said(was, attempt))
    if words and (differs := said(was, attempt))[0] != differs[1]:
        raise Difference(where, "the gates say something else", *differs)
    results = [one.validation.result if one.validation else {} for one in (was, attempt)]
    if keys := differing(*results):
        raise Difference(where, f"other numbers: {', '.join(keys)}", *(listed(result) for result in results))


def differing(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Keys of two results whose values differ, as between two runs of the same analysis."""
    from gammapygpt.agents.executor import differences

    return sorted({*differences(was, now), *differences(now, was)})


def said(*attempts: Attempt) -> tuple[str, ...]:
    """What the gates found, a line each."""
    return tuple(
        "".join(
            f"{finding.severity} {finding.rule or finding.kind} line {finding.line}: {finding.message}\n"
            for finding in [*attempt.findings, *(attempt.validation.findings if attempt.validation else [])]
        )
        for attempt in attempts
    )


def listed(result: dict[str, Any]) -> str:
    """A result, a line a key."""
    return "".join(f"{key} = {value}\n" for key, value in sorted(result.items()))


def nothing_left(backends: list[ReplayBackend], done: list[Attempt], before: list[Attempt]) -> None:
    """Whether all attempts and all calls of the run were made again.

    Raises
    ------
    Difference
        They were not.
    """
    if len(done) < len(before):
        raise Difference(f"attempt {before[len(done)].number}", "it is not made any more", before[len(done)].script)
    for call in (call for backend in backends for call in backend.left()):
        raise Difference(f"question {call.step or call.role}", "it is not asked any more")


def same_end(manifest: dict[str, Any], now: str) -> None:
    """Whether the graph ended as it did; the last word, of the run in a cold sandbox, is not the graph's.

    Raises
    ------
    Difference
        It did not.
    """
    then = "passed" if manifest.get("verified", {}).get("passed") is False else manifest["status"]
    if now != then:
        raise Difference("the end", f"{then} then, {now} now")


def take_over(folder: RunFolder, again: RunFolder, backends: list[ReplayBackend]) -> None:
    """Put the words of prompts and gates, as they are now, into the record of a run."""
    from gammapygpt.llm.journal import FILE, recorded_calls

    now = {(call.backend, call.role, call.step): call for backend in backends for call in backend.given}
    calls = [now.get((call.backend, call.role, call.step), call) for call in recorded_calls(folder.path)]
    if calls:
        write_file(folder.path / FILE, "".join(call.model_dump_json() + "\n" for call in calls))
    for name in ("messages.json", "findings.json", "validation.json"):
        for file in again.attempts.glob(f"*/{name}"):
            write_file(folder.attempts / file.parent.name / name, file.read_text(encoding="utf-8"))
