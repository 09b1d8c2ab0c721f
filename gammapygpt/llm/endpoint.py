"""Is a backend there? For `doctor` and `config check`; asks for nothing that costs anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gammapygpt.errors import UserError
from gammapygpt.keys import redacted
from gammapygpt.llm.address import api_key, endpoint, is_loopback, key_remedy
from gammapygpt.settings import BackendSettings, Settings
from gammapygpt.settings_loading import no_such_backend

TIMEOUT_S = 5.0


def check_endpoint(name: str, settings: Settings) -> tuple[bool, str, str]:
    """Whether a backend answers and has its model.

    Returns
    -------
    ok : bool
        It can be used.
    detail : str
        What was found, one line.
    remedy : str
        What to do; empty where all is well. Of one that can be used: what may go wrong.
    """
    try:
        chosen = backend_settings(name, settings)
        if chosen.kind == "cookbook":
            return True, "recipes, no language model", ""
        if chosen.kind == "scripted":
            return _check_replies(name, chosen)
        if chosen.kind == "local":
            from gammapygpt.llm.local.speed import check_local

            return check_local(chosen)
        return _check_models(name, chosen)
    except UserError as error:
        return False, error.message, error.remedy


def backend_settings(name: str, settings: Settings) -> BackendSettings:
    """The settings of a backend.

    Raises
    ------
    UserError
        There is none of this name; the message lists those there are.
    """
    if name not in settings.backends:
        raise no_such_backend(name, settings.backends)
    return settings.backends[name]


def _check_replies(name: str, settings: BackendSettings) -> tuple[bool, str, str]:
    from gammapygpt.llm.scripted import read_replies

    n_replies = len(read_replies(name, settings.replies))
    remedy = "" if n_replies else f"Add [[reply]] tables to {settings.replies}."
    return n_replies > 0, f"{n_replies} scripted replies in {Path(settings.replies).name}", remedy


def _check_models(name: str, settings: BackendSettings) -> tuple[bool, str, str]:
    import httpx

    where, key = endpoint(name, settings), api_key(name, settings)
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    address_remedy = f"Check backends.{name}.base_url (it usually ends in /v1)."
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=not is_loopback(settings)) as client:
            response = client.get(settings.base_url.rstrip("/") + "/models", headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError) as error:
        kind = "does not answer in time" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        return False, f"{where} {kind}", f"Start the server, or check backends.{name}.base_url."
    if response.status_code in (401, 403):
        return False, f"{where} refuses the key (status {response.status_code})", key_remedy(name, settings)
    if response.status_code in (404, 405, 501):
        return False, f"{where} has no list of models at this address (status {response.status_code})", address_remedy
    if response.status_code != 200:
        return False, f"{where} answers with status {response.status_code}", "Look at the server's log."
    models = _models(response)
    if models is None:
        return False, f"{where} answers, but not as an OpenAI-compatible endpoint", address_remedy
    ok, detail, remedy = _has_model(name, settings, where, models)
    return ok, redacted(detail, key), redacted(remedy, key)


def _models(response: Any) -> list[dict[str, Any]] | None:
    try:
        models = response.json()["data"]
    except (ValueError, KeyError, TypeError):
        return None
    return [model for model in models if isinstance(model, dict)] if isinstance(models, list) else None


def _has_model(name: str, settings: BackendSettings, where: str, models: list[dict[str, Any]]) -> tuple[bool, str, str]:
    ids = [str(model.get("id", "")) for model in models]
    if not settings.model:
        return False, f"{where} answers; no model is chosen", f"Set backends.{name}.model, e.g. {', '.join(ids[:5])}."
    # a llama.cpp server has one model and answers under whatever name it is asked
    if settings.model in ids or any(model.get("owned_by") == "llamacpp" for model in models):
        return True, f"{settings.model} at {where}", ""
    offered = ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")
    return (
        False,
        f"{where} does not list the model {settings.model!r}",
        f"Set backends.{name}.model to one of: {offered}.",
    )
