"""The models behind the agents: who answers a role's questions in a run, and whether he is there."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from gammapygpt.llm.base import Backend
from gammapygpt.llm.endpoint import backend_settings, check_endpoint
from gammapygpt.settings import BackendSettings, Settings
from gammapygpt.state import Role

__all__ = ["backend", "backend_settings", "check_endpoint"]


def backend(settings: Settings, role: Role, run_folder: Path | None) -> Backend:
    """The backend that speaks for a role; made once for each run folder.

    Parameters
    ----------
    settings : Settings
        Name the backends and the roles.
    role : Role
        Who asks.
    run_folder : Path or None
        Where completed calls are recorded and found again; without one nothing is recorded.

    Raises
    ------
    UserError
        The settings name no such backend, or its file of replies is unusable.
    """
    name = settings.backend_name(role)
    chosen, meeting = backend_settings(name, settings).model_dump_json(), settings.runs.limits_folder
    if run_folder is None:
        return _made(name, chosen, meeting)
    return _journaled(name, chosen, meeting, run_folder.resolve())


@lru_cache(maxsize=32)
def _made(name: str, chosen: str, limits_folder: str) -> Backend:
    settings = BackendSettings.model_validate_json(chosen)
    if settings.kind == "cookbook":
        from gammapygpt.llm.cookbook import CookbookBackend

        return CookbookBackend(name)
    if settings.kind == "scripted":
        from gammapygpt.llm.scripted import ScriptedBackend

        return ScriptedBackend(name, settings)
    if settings.kind == "local":
        from gammapygpt.llm.local.backend import LocalBackend

        return LocalBackend(name, settings, limits_folder)
    from gammapygpt.llm.openai import OpenAIBackend

    return OpenAIBackend(name, settings, limits_folder=limits_folder)


@lru_cache(maxsize=32)
def _journaled(name: str, chosen: str, limits_folder: str, folder: Path) -> Backend:
    from gammapygpt.llm.journal import JournaledBackend, recorded_calls

    settings = BackendSettings.model_validate_json(chosen)
    if settings.kind == "cookbook":
        # the same question always has the same answer there, and costs nothing
        return _made(name, chosen, limits_folder)
    if settings.kind == "replay":
        from gammapygpt.llm.replay import ReplayBackend

        return ReplayBackend(name, Path(settings.replies))
    if settings.kind == "scripted":
        from gammapygpt.llm.scripted import ScriptedBackend

        completed = [call.role for call in recorded_calls(folder) if call.backend == name]
        return JournaledBackend(ScriptedBackend(name, settings, completed), folder, settings.model)
    return JournaledBackend(_made(name, chosen, limits_folder), folder, settings.model)
