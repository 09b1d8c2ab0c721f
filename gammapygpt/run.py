"""One run: go on until the end, tell what happens, lay out the answer, write the status last."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast, get_args

from gammapygpt import __version__
from gammapygpt.context import Context
from gammapygpt.disk import in_words
from gammapygpt.errors import GammapyGPTError, Stopped, UserError
from gammapygpt.keys import answer_without_keys
from gammapygpt.llm.local.server import kept as local_models
from gammapygpt.runs.changes import changed_data
from gammapygpt.runs.folder import RunFolder
from gammapygpt.sandbox import waiting
from gammapygpt.settings import Settings
from gammapygpt.state import Answer, Outcome, Question, Request, Role, RunState
from gammapygpt.tracing import reported

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.runtime import RunControl

    Compiled = CompiledStateGraph[Any, Any, Any, Any]

Event = dict[str, Any]
SILENT = frozenset({"token"})
"""Events that are shown and not kept."""


@dataclass
class Run:
    """One run: its folder, its switches, and how it ended once `stream` is exhausted."""

    folder: RunFolder
    settings: Settings
    context: Context
    outcome: Outcome | None = None
    question: Question | None = None
    """What the run waits for an answer to, if it does (`switches.approve`)."""
    told_to_stop: str = ""
    """Why, once somebody has."""
    _control: RunControl | None = None

    def stream(self, answer: Answer | None = None) -> Iterator[Event]:
        """Go on until the end, or until the user must be asked, and tell what happens.

        Parameters
        ----------
        answer : Answer, optional
            The user's answer to `question`, when the run waits for one.

        Yields
        ------
        dict
            One event; `event` names it.

        Raises
        ------
        UserError, InfrastructureError, Stopped
            The run stopped and can be resumed; or there is an answer, and nothing was asked.
        """
        self.question = None
        with in_words(self.folder.path), self.folder.lock(), local_models():
            self.folder.tidy()
            starting = warm_up(self.context)
            try:
                if answer is not None and not self.folder.manifest().get("question"):
                    raise UserError(f"run {self.folder.name} waits for no answer.", "Resume it without one.")
                yield from self._noted(self.request(), answer)
            finally:
                starting.join()
                waiting.discard(str(self.folder.path))

    def stop(self, reason: str) -> None:
        """Let the agent at work come to its end, and no other begin; from any thread, also from a signal's handler."""
        self.told_to_stop = reason
        if self._control is not None:
            self._control.request_drain(reason)

    def _noted(self, request: Request, answer: Answer | None) -> Iterator[Event]:
        try:
            with in_words(self.folder.path):
                yield from self._stream(request, answer)
        except GammapyGPTError as error:
            self.interrupted(self.told_to_stop or str(error))
            if self.told_to_stop and not isinstance(error, UserError):  # who told us may have told the sandbox, too
                raise self.stopped() from error
            raise
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            self.interrupted("stopped by the user")
            raise

    def _stream(self, request: Request, answer: Answer | None) -> Iterator[Event]:
        from langgraph.types import Command

        from gammapygpt.graph.build import build_graph
        from gammapygpt.graph.checkpoints import checkpoints, thread
        from gammapygpt.graph.routing import outcome, recursion_limit

        config = thread(self.folder)
        config["recursion_limit"] = recursion_limit(self.context)
        with checkpoints(self.folder) as saver:
            graph = build_graph().compile(checkpointer=saver)
            known = graph.get_state(config)
            self._has_its_beginning(known.values)
            feed: Any = None if known.values else {"request": request}
            if answer is not None:
                feed = Command(resume=answer_without_keys(answer, self.settings).model_dump())
            # `next` leaves out a node that was killed after its writes and before its checkpoint; `tasks` does not
            if feed is not None or known.tasks:
                self.folder.update_manifest(status="running", reason="", question=None)
                steps = self._steps(graph, feed, config)
                for event in reported(steps, asked=self.settings.runs.tracing):
                    yield self.tell(event)
            after = graph.get_state(config)
        if after.interrupts:
            yield self.tell(self.ask(Question.model_validate(after.interrupts[0].value)))
            return
        state = cast(RunState, after.values)
        yield self.tell(self.finish(outcome(state, self.context), state))

    def _has_its_beginning(self, values: dict[str, Any]) -> None:
        """A fork begins with the checkpoint of another run; one that was cut off before that can only go astray."""
        forked = self.folder.manifest().get("forked")
        if forked and not values:
            raise UserError(
                f"run {self.folder.name} is a fork of {forked['run']}, and does not have the checkpoint to begin with.",
                f"Fork again: `gammapygpt fork {forked['run']}`.",
            )

    def _steps(self, graph: Compiled, feed: Any, config: RunnableConfig) -> Iterator[Event]:
        """What the agents tell, until the end or the end of the one that was at work when told to stop."""
        from langgraph.errors import GraphDrained
        from langgraph.runtime import RunControl

        self._control = RunControl()
        if self.told_to_stop:
            self.stop(self.told_to_stop)
        how: dict[str, Any] = {"context": self.context, "stream_mode": "custom", "durability": "sync"}
        try:
            yield from graph.stream(feed, config, control=self._control, **how)
        except GraphDrained:
            raise self.stopped() from None

    def stopped(self) -> Stopped:
        """What a run ends with that was told to stop."""
        return Stopped(f"{self.told_to_stop}.", f"`gammapygpt resume {self.folder.name}` goes on with it.")

    def ask(self, question: Question) -> Event:
        """Stop where the user is to be asked; the question is kept with the run until it is answered."""
        self.question = question
        reason = f"waits for the user to approve the {question.about}"
        self.folder.update_manifest(status="interrupted", reason=reason, question=question.model_dump())
        return {"event": "question", "about": question.about, "number": question.number, "problem": question.problem}

    def tell(self, event: Event) -> Event:
        """Put an event into the run's record, unless it is one to be shown and forgotten."""
        if event.get("event") not in SILENT:
            self.folder.append_event(event)
        return event

    def request(self) -> Request:
        """The request with what the data folder holds; looked up once and kept, so that a change is noticed."""
        from gammapygpt.data import stores

        manifest = self.folder.manifest()
        asked = manifest["request"]
        data = stores.find_data(self.settings)
        found = stores.find_stores(data)
        seen = {store.path: store.checksum for store in found}
        if "data" not in manifest:
            self.folder.keep_stores([store.model_dump() for store in found])
            self.folder.update_manifest(data={"path": str(data), "index_checksums": seen})
        elif manifest["data"] != {"path": str(data), "index_checksums": seen}:
            changed = changed_data(manifest["data"], data, seen)
            raise UserError(
                f"the data of run {self.folder.name} have changed since it began: {changed}.", "Start a new run."
            )
        return Request(
            text=asked["text"],
            data_path=str(data),
            stores=found,
            results=asked["results"],
            expect_file=asked["expect_file"],
            earlier=asked.get("earlier"),
        )

    def finish(self, ended: Outcome, state: RunState) -> Event:
        """Write down how it ended, lay out the answer, then write the status, last."""
        from gammapygpt.runs.final import attempt_line, lay_out
        from gammapygpt.runs.followed import troubles
        from gammapygpt.runs.results import specs, units_of

        self.note_restated(state)
        self.folder.update_manifest(
            status="running",  # also of a run that had come to an end before: its answer is about to be laid out anew
            finished=now(),
            best=ended.best,
            plan=plan.model_dump() if (plan := state.get("plan")) else None,
            attempts=[attempt_line(attempt) for attempt in ended.attempts],
            usage=ended.usage.model_dump(),
            retrieval_troubles=troubles(self.folder.events()),
            result=ended.result,
            units=units_of(ended.result, specs(self.folder.manifest(), state)),
            **beside_the_numbers(ended, state),
            sandbox=sorted({a.execution.provider for a in ended.attempts if a.execution}),
            versions=versions(self.settings),
        )
        with ThreadPoolExecutor(max_workers=1) as pool:
            verifying = pool.submit(self.verified, ended, state)
            lay_out(self.folder, ended, state)
            believed = verifying.result()
        if believed.status != ended.status:
            lay_out(self.folder, believed, state)
        self.folder.update_manifest(
            status=believed.status, reason=believed.reason, best=believed.best, result=believed.result
        )
        self.outcome = believed
        return {"event": "finished", "status": believed.status, "reason": believed.reason}

    def note_restated(self, state: RunState) -> None:
        """Keep the request as the planner restated it, where a follow-up was not understood by the rules."""
        manifest, request = self.folder.manifest(), state["request"]
        if request.earlier is None or request.text == manifest["request"]["text"]:
            return
        follows = manifest.get("follows", {}) | {"changes": request.earlier.changes}
        restated = {"text": request.text, "begun": manifest["request"]["text"]}
        self.folder.update_manifest(request=manifest["request"] | restated, follows=follows)

    def verified(self, ended: Outcome, state: RunState) -> Outcome:
        """The outcome, once the script that passed in a warm worker has passed in a cold one too."""
        from gammapygpt.agents import gates

        best = ended.answer
        if best is None or best.execution is None or not (best.execution.warm and self.settings.sandbox.verify):
            return ended
        again = gates.verified_cold(
            best, state["request"], state.get("plan"), self.settings, skeptic=self.context.skeptic
        )
        spent = again.execution.wall_s if again.execution else None
        self.folder.update_manifest(verified={"passed": again.passed, "wall_s": spent, "summary": again.summary})
        if again.passed:
            return ended
        reason = f"attempt {best.number} passed, but not when it was run again from nothing: {again.summary}"
        return ended.model_copy(update={"status": "failed", "reason": reason, "best": None})

    def interrupted(self, reason: str) -> None:
        """Note that the run stopped where it can be taken up again, unless the disk refuses: then it shows anyway."""
        with suppress(OSError):
            self.folder.update_manifest(status="interrupted", reason=reason)


def beside_the_numbers(ended: Outcome, state: RunState) -> dict[str, Any]:
    """What an accepted result comes with: the analysis choices that were seen in its run, and the open warnings."""
    from gammapygpt.checks.choices import analysis_choices, open_warnings

    best = ended.answer
    if best is None or best.execution is None:
        return {"choices": [], "warnings": []}
    choices = analysis_choices(best.execution.facts, state.get("plan"))
    return {"choices": [choice.model_dump() for choice in choices], "warnings": open_warnings(best)}


def warm_up(context: Context) -> threading.Thread:
    """Start the sandbox of the first script and import what a run needs, while its data are looked at.

    Returns
    -------
    threading.Thread
        The one that starts the sandbox; what it got ready can be discarded once it has ended.
    """

    def start_sandbox() -> None:
        from gammapygpt.data.stores import find_data

        with suppress(GammapyGPTError):  # whoever needs it will say so
            waiting.prepare(context.run_folder, context.settings, str(find_data(context.settings)))

    def imports() -> None:
        import gammapygpt.graph.build
        import gammapygpt.graph.checkpoints  # noqa: F401

        if llm_is_asked(context):
            import langchain_openai  # noqa: F401

    threading.Thread(target=imports, daemon=True, name="imports").start()
    starting = threading.Thread(target=start_sandbox, daemon=True, name="start sandbox")
    starting.start()
    return starting


def llm_is_asked(context: Context) -> bool:
    """Whether an agent speaks through a server."""
    names = {context.backend_name(role) for role in get_args(Role)} & context.settings.backends.keys()
    return any(context.settings.backends[name].kind in ("openai", "local") for name in names)


def versions(settings: Settings) -> dict[str, str]:
    """What made the numbers: our version, and those of the analysis environment."""
    from gammapygpt.agents.workshop import environment

    return {"gammapygpt": __version__, **environment(settings).versions}


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
