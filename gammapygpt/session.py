"""The Python API that every face uses: start a run, resume it, listen to it.

>>> run = start("number of observations within 2 deg of the Crab Nebula", settings)  # doctest: +SKIP
>>> for event in run.stream():  # doctest: +SKIP
...     print(event)
>>> run.outcome.result  # doctest: +SKIP
{'n_obs': 4}
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast, get_args

from gammapygpt import __version__
from gammapygpt.context import Context
from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.runs.changes import changed_data, changed_settings, digest
from gammapygpt.runs.folder import RunFolder
from gammapygpt.sandbox import waiting
from gammapygpt.settings import Settings, public_settings
from gammapygpt.state import Attempt, Draft, Outcome, Request, Role, RunState

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
    question: dict[str, Any] | None = field(default=None)
    """What the run waits for an answer to, if it does (`approval`)."""

    def stream(self, answer: bool | None = None) -> Iterator[Event]:
        """Go on until the end, and tell what happens.

        Parameters
        ----------
        answer : bool, optional
            The user's answer to `question`, when the run waits for one.

        Yields
        ------
        dict
            One event; `event` names it.

        Raises
        ------
        UserError, InfrastructureError
            The run stopped and can be resumed.
        """
        with self.folder.lock():
            starting = warm_up(self.context)
            request = self.request()
            try:
                yield from self._stream(request, answer)
            except GammapyGPTError as error:
                self.interrupted(str(error))
                raise
            except (KeyboardInterrupt, GeneratorExit):
                self.interrupted("stopped by the user")
                raise
            finally:
                starting.join()
                waiting.discard(str(self.folder.path))

    def _stream(self, request: Request, answer: bool | None) -> Iterator[Event]:
        from langchain_core.runnables import RunnableConfig
        from langgraph.types import Command

        from gammapygpt.graph.build import build_graph
        from gammapygpt.graph.checkpoints import checkpoints
        from gammapygpt.graph.routing import outcome, recursion_limit

        config: RunnableConfig = {
            "configurable": {"thread_id": self.folder.name},
            "recursion_limit": recursion_limit(self.context),
        }
        with checkpoints(self.folder.path.parent) as saver:
            graph = build_graph().compile(checkpointer=saver)
            known = graph.get_state(config)
            feed: Any = None if known.values else {"request": request}
            if answer is not None:
                feed = Command(resume=answer)
            if feed is not None or known.next:
                self.folder.update_manifest(status="running", reason="")
                for event in graph.stream(feed, config, context=self.context, stream_mode="custom", durability="sync"):
                    yield self.tell(event)
            after = graph.get_state(config)
        if after.interrupts:
            self.question = dict(after.interrupts[0].value)
            self.folder.update_manifest(status="interrupted", reason="waits for the user's approval")
            return
        state = cast(RunState, after.values)
        yield self.tell(self.finish(outcome(state, self.context), state))

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
        )

    def finish(self, ended: Outcome, state: RunState) -> Event:
        """Write down how it ended, lay out the answer, then write the status, last."""
        from gammapygpt.runs.final import attempt_line, lay_out
        from gammapygpt.runs.results import specs, units_of

        self.folder.update_manifest(
            finished=now(),
            best=ended.best,
            attempts=[attempt_line(attempt) for attempt in ended.attempts],
            usage=ended.usage.model_dump(),
            result=ended.result,
            units=units_of(ended.result, specs(self.folder.manifest(), state)),
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

    def verified(self, ended: Outcome, state: RunState) -> Outcome:
        """The outcome, once the script that passed in a warm worker has passed in a cold one too."""
        from gammapygpt.agents import gates

        best = next((attempt for attempt in ended.attempts if attempt.number == ended.best), None)
        if best is None or best.execution is None or not (best.execution.warm and self.settings.sandbox.verify):
            return ended
        again = gates.verified_cold(best, state["request"], state.get("plan"), self.settings)
        spent = again.execution.wall_s if again.execution else None
        self.folder.update_manifest(verified={"passed": again.passed, "wall_s": spent, "summary": again.summary})
        if again.passed:
            return ended
        reason = f"attempt {best.number} passed, but not when it was run again from nothing: {again.summary}"
        return ended.model_copy(update={"status": "failed", "reason": reason, "best": None})

    def interrupted(self, reason: str) -> None:
        """Note that the run stopped where it can be taken up again."""
        self.folder.update_manifest(status="interrupted", reason=reason)


def start(
    text: str,
    settings: Settings,
    *,
    expect: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    config: Path | None = None,
) -> Run:
    """Lay out a new run; nothing is asked or executed before `Run.stream`.

    Parameters
    ----------
    text : str
        The request, in plain English.
    settings : Settings
        As loaded; kept in the manifest.
    expect : Path, optional
        TOML file with `[[expected]]` tables: the run passes only with these values.
    overrides, config : optional
        What the settings were loaded with beside the environment, so that `resume` can load them again.

    Raises
    ------
    UserError
        An empty request, an unknown backend, no data, an unreadable file of expected values.
    """
    if not text.strip():
        raise UserError("the request is empty.", 'Say what you want: gammapygpt run "spectrum of the Crab Nebula ..."')
    from gammapygpt.data.stores import find_data
    from gammapygpt.settings_loading import check_key

    for role in get_args(Role):
        check_key(settings, settings.backend_name(role))
    data = find_data(settings)
    request: dict[str, Any] = {"text": text, "results": [], "expect_file": "", "expect_sha256": ""}
    if expect is not None:
        request |= expected(expect, data)
    folder = RunFolder.new(Path(settings.runs.folder).expanduser().resolve(), text)
    context = Context.of(settings, folder.path)
    folder.update_manifest(
        run=folder.name,
        created=now(),
        status="running",
        request=request,
        settings=public_settings(settings),
        overrides=dict(overrides or {}),
        config=str(config) if config else "",
        switches=context.switches(),
        versions={"gammapygpt": __version__},
        prompts=_prompt_hashes(),
    )
    return Run(folder, settings, context)


def try_script(run: Run, script: str) -> Attempt:
    """Put a user's own script through the gates, as the one attempt of a run.

    Raises
    ------
    InfrastructureError
        The sandbox broke.
    """
    from gammapygpt.agents import executor

    with run.folder.lock():
        try:
            draft, request = Draft(author="coder", number=1, script=script), run.request()
            attempt = executor.tried(draft, {"request": request}, run.context, run.tell)
            run.folder.keep_attempt(attempt)
        except GammapyGPTError as error:
            run.interrupted(str(error))
            raise
        passed = attempt.passed
        ended = Outcome(
            status="passed" if passed else "failed",
            reason=attempt.summary,
            best=1 if passed else None,
            attempts=[attempt],
        )
        run.finish(ended, {"request": request})
    return attempt


def resume(folder: RunFolder, settings: Settings) -> Run:
    """A run as it was left, with the switches that it had; finished ones come with their outcome.

    Raises
    ------
    UserError
        The request, the settings or the expected values are not those that the run began with (the data are
        compared when it goes on).
    """
    manifest = folder.manifest()
    if changed := changed_settings(manifest["settings"], public_settings(settings)):
        raise UserError(
            f"settings have changed since run {folder.name} began: {', '.join(changed)}.",
            "Set them back, or start a new run.",
        )
    asked = manifest["request"]
    if asked["expect_file"] and digest(Path(asked["expect_file"])) != asked["expect_sha256"]:
        raise UserError(f"the expected values in {asked['expect_file']} have changed.", "Start a new run.")
    context = Context.of(settings, folder.path)
    for name, value in manifest["switches"].items():
        setattr(context, name, value)
    run = Run(folder, settings, context)
    _check_request(run, asked["text"])
    return run


def _check_request(run: Run, text: str) -> None:
    from gammapygpt.graph.checkpoints import checkpoints

    with checkpoints(run.folder.path.parent) as saver:
        saved = saver.get_tuple({"configurable": {"thread_id": run.folder.name}})
    values = saved.checkpoint["channel_values"] if saved else {}
    begun = values.get("request")
    if begun is not None and begun.text != text:
        raise UserError(f"the request of run {run.folder.name} has changed since it began.", "Start a new run.")


def expected(path: Path, data: Path) -> dict[str, Any]:
    """What a request may know of a file of expected values: names and units, never values.

    Raises
    ------
    UserError
        It cannot be read, or lies where scripts could read it.
    """
    from gammapygpt import checks

    path = path.expanduser().resolve()
    if path.is_relative_to(data):
        raise UserError(
            f"the expected values in {path} lie in the data folder, where scripts could read them.",
            "Move the file out of it.",
        )
    specs = checks.specs(checks.read_expectations(path))
    return {
        "results": [spec.model_dump() for spec in specs],
        "expect_file": str(path),
        "expect_sha256": digest(path),
    }


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

        if llm_is_remote(context):
            import langchain_openai  # noqa: F401

    threading.Thread(target=imports, daemon=True, name="imports").start()
    starting = threading.Thread(target=start_sandbox, daemon=True, name="start sandbox")
    starting.start()
    return starting


def llm_is_remote(context: Context) -> bool:
    """Whether an agent speaks through a server."""
    names = {context.backend_name(role) for role in get_args(Role)}
    return any(name in context.settings.backends and context.settings.backends[name].kind == "openai" for name in names)


def versions(settings: Settings) -> dict[str, str]:
    """What made the numbers: our version, and those of the analysis environment."""
    from gammapygpt.agents.workshop import environment

    return {"gammapygpt": __version__, **environment(settings).versions}


def now() -> str:
    """The time, in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _prompt_hashes() -> dict[str, str]:
    from gammapygpt.prompts import hashes

    return hashes()
