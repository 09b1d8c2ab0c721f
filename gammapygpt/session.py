"""The Python API that every face uses: start a run, resume it, follow it up, fork it, listen to it.

>>> run = start("number of observations within 2 deg of the Crab Nebula", settings)  # doctest: +SKIP
>>> for event in run.stream():  # doctest: +SKIP
...     print(event)
>>> run.outcome.result  # doctest: +SKIP
{'n_obs': 4}
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from gammapygpt import __version__
from gammapygpt.context import Context
from gammapygpt.disk import in_words
from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.keys import without_keys
from gammapygpt.run import Run, now
from gammapygpt.runs.changes import changed_settings, digest
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.place import new_place, place_in
from gammapygpt.settings import Settings, public_settings
from gammapygpt.state import Attempt, Draft, Outcome, Plan, Role

if TYPE_CHECKING:
    from gammapygpt.graph.checkpoints import Step


def start(
    text: str,
    settings: Settings,
    *,
    expect: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    config: Path | None = None,
    **noted: Any,
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
    **noted
        Further entries of the manifest.

    Raises
    ------
    UserError
        An empty request, an unknown backend, a key or password that is not set, no data, an unreadable file of
        expected values.
    """
    if not text.strip():
        raise UserError("the request is empty.", 'Say what you want: gammapygpt run "spectrum of the Crab Nebula ..."')
    from gammapygpt.data.stores import find_data
    from gammapygpt.settings_loading import check_key

    text = without_keys(text, settings)
    for role in get_args(Role):
        check_key(settings, settings.backend_name(role))
    place_in(settings.runs).password()
    data = find_data(settings)
    request: dict[str, Any] = {"text": text, "results": [], "expect_file": "", "expect_sha256": ""}
    if expect is not None:
        request |= expected(expect, data)
    request |= noted.pop("request", {})
    folder = RunFolder.new(Path(settings.runs.folder).expanduser().resolve(), text)
    context = Context.of(settings, folder.path)
    with in_words(folder.path), _or_no_folder(folder):
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
            checkpoints=new_place(folder, settings.runs).model_dump(),
            **{"thread": folder.name, **noted},
        )
    return Run(folder, settings, context)


@contextmanager
def _or_no_folder(folder: RunFolder) -> Iterator[None]:
    """Leave no folder of a run that cannot be begun."""
    try:
        yield
    except OSError:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def follow_up(folder: RunFolder, said: str, settings: Settings, **how: Any) -> Run:
    """Lay out a run that goes on from another one: `now with a log-parabola`, `same for MSH 15-52`.

    It is a run of its own, with a folder of its own, in the same conversation (`thread` in the manifest). Its request
    is the earlier one with the changes made in it; its agents know the plan, the script, the numbers and the failures
    of then.

    Parameters
    ----------
    folder : RunFolder
        The run before it, which has ended.
    said : str
        What is to be different, in plain English.
    settings : Settings
        As loaded; they need not be those of the run before.
    **how
        `overrides` and `config`, as `start` takes them.

    Raises
    ------
    UserError
        As `start`; and a run that has not ended.
    """
    from gammapygpt.cookbook.follow import rewrite
    from gammapygpt.data.stores import find_data, find_stores
    from gammapygpt.runs.earlier import earlier, forgotten

    if not said.strip():
        raise UserError("the follow-up is empty.", "Say what is to be different: now with a log-parabola.")
    said = without_keys(said.strip(), settings)
    before = earlier(folder, said)
    rewriting = rewrite(before.text, before.asked, find_stores(find_data(settings)))
    read = {"changes": rewriting.changes, "unread": "; ".join(rewriting.unread)}
    before = (forgotten(before) if rewriting.alone else before).model_copy(update=read)
    follows = {"run": folder.name, "text": said, "changes": before.changes}
    thread = folder.manifest().get("thread", folder.name)
    return start(
        rewriting.text, settings, request={"earlier": before.model_dump()}, follows=follows, thread=thread, **how
    )


def fork(
    folder: RunFolder,
    settings: Settings,
    *,
    checkpoint: str = "",
    plan: Plan | None = None,
    script: str = "",
    **how: Any,
) -> Run:
    """Lay out a run that begins at a checkpoint of another one, and goes another way from there.

    Parameters
    ----------
    folder : RunFolder
        The run to begin in; it is left as it is.
    settings : Settings
        With another backend, for instance.
    checkpoint : str, optional
        One of `checkpoints_of(folder)`, or the beginning of its name. Else the last one before an edited script would
        be run, before an edited plan would be coded, or before the first agent that a model speaks for.
    plan, script : optional
        What is to be coded or run instead.
    **how
        `overrides` and `config`, as `start` takes them.

    Raises
    ------
    UserError
        There is no such checkpoint, or none where the edited plan or script could come in.
    """
    from gammapygpt import forking
    from gammapygpt.graph import checkpoints as kept

    asked = folder.manifest()["request"]
    if folder.manifest().get("pruned"):
        raise UserError(
            f"`runs prune` has dropped the checkpoints of run {folder.name} where it could be forked.",
            f"Follow it up: `gammapygpt follow-up {folder.name} ...`, or start a new run.",
        )
    step = forking.place_to_fork(checkpoints_of(folder), folder.name, checkpoint, plan=plan, script=script)
    script = without_keys(script, settings)
    changes = forking.edits(step, plan=plan, script=script)
    edited = "script" if script else "plan" if plan else ""
    run = start(
        asked["text"],
        settings,
        request={key: value for key, value in asked.items() if key != "text"},
        forked={"run": folder.name, "checkpoint": step.checkpoint, "next": step.next, "edited": edited},
        thread=folder.manifest().get("thread", folder.name),
        **how,
    )
    with in_words(run.folder.path), _or_no_folder(run.folder):
        run.folder.copy_attempts(folder, [attempt.number for attempt in step.values.get("attempts", [])])
    kept.copy(folder, step.checkpoint, run.folder, changes)
    return run


def checkpoints_of(folder: RunFolder) -> list[Step]:
    """Where a run can be forked, oldest first."""
    from gammapygpt.graph.checkpoints import steps

    return steps(folder)


def try_script(run: Run, script: str) -> Attempt:
    """Put a user's own script through the gates, as the one attempt of a run.

    Raises
    ------
    InfrastructureError
        The sandbox broke.
    """
    from gammapygpt.agents import executor

    with in_words(run.folder.path), run.folder.lock():
        try:
            draft, request = Draft(author="coder", number=1, script=without_keys(script, run.settings)), run.request()
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
        compared when it goes on), nor are its checkpoints where the settings say; a run that LangGraph Studio has.
    InfrastructureError
        The database of its checkpoints is damaged, or not there.
    """
    from gammapygpt.graph.checkpoints import follow_settings

    manifest = folder.manifest()
    if "studio" in manifest:
        raise UserError(
            f"run {folder.name} goes on in LangGraph Studio alone, in the thread {manifest['studio']['thread']}.",
            "Start `gammapygpt studio` where it was begun.",
        )
    if changed := changed_settings(manifest["settings"], public_settings(settings)):
        raise UserError(
            f"settings have changed since run {folder.name} began: {', '.join(changed)}.",
            "Set them back, or start a new run.",
        )
    asked = manifest["request"]
    if asked["expect_file"] and digest(Path(asked["expect_file"])) != asked["expect_sha256"]:
        raise UserError(f"the expected values in {asked['expect_file']} have changed.", "Start a new run.")
    follow_settings(folder, settings.runs)
    context = Context.of(settings, folder.path)
    context.take_up(manifest["switches"])
    run = Run(folder, settings, context)
    _check_request(run, asked)
    return run


def _check_request(run: Run, asked: Mapping[str, Any]) -> None:
    """Whether the checkpoints of a run are of its request; a follow-up that a planner restated is the same still."""
    from gammapygpt.graph.checkpoints import checkpoints, thread

    with in_words(run.folder.path.parent), checkpoints(run.folder) as saver:
        saved = saver.get_tuple(thread(run.folder))
    values = saved.checkpoint["channel_values"] if saved else {}
    begun = values.get("request")
    if begun is None and run.folder.manifest().get("pruned"):
        raise UserError(
            f"run {run.folder.name} has ended, and `runs prune` has dropped its checkpoints.",
            f"`gammapygpt runs show {run.folder.name}` shows how it ended.",
        )
    if begun is None:
        return
    kept, follows = (begun.text, asked["text"]), asked.get("earlier")
    if begun.earlier is not None and follows:
        kept = (begun.earlier.text + begun.earlier.asked, follows["text"] + follows["asked"])
    if kept[0] != kept[1]:
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


def _prompt_hashes() -> dict[str, str]:
    from gammapygpt.prompts import hashes

    return hashes()
