"""What an exception of the OpenAI client means to the user: whose mistake it is, and what to do next."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import SecretStr

from gammapygpt.errors import GammapyGPTError, InfrastructureError, UserError
from gammapygpt.keys import redacted
from gammapygpt.llm.address import endpoint, key_remedy
from gammapygpt.settings import BackendSettings

_CONTEXT = re.compile(
    r"context_length_exceeded|maximum context length|context (?:size|window|length)|exceed_context|prompt is too long"
    r"|too many (?:input )?tokens|input is too long|request too large|token count.{0,40}exceeds",
    re.IGNORECASE,
)


LONGER = "Give the server a longer context, or choose another model."


class RefusedRequest(UserError):
    """The server understood who asks and which model, and wants no such request: a parameter or a form of reply."""


class ServerFault(InfrastructureError):
    """The server answered with an error of its own (5xx), retries included."""


class PromptTooLong(InfrastructureError):
    """The messages do not fit into the model's context."""


def is_too_long(error: Exception) -> bool:
    """Whether the server says that the messages do not fit into the model's context."""
    too_large = getattr(error, "status_code", None) == 413
    return too_large or bool(_CONTEXT.search(f"{getattr(error, 'code', '')} {error}"))


def not_an_endpoint(name: str, where: str) -> UserError:
    """A web page, say, instead of a reply."""
    return UserError(
        f"Backend {name!r}: {where} answers, but not as an OpenAI-compatible endpoint.",
        f"Check backends.{name}.base_url; it usually ends in /v1.",
    )


def broke_off(name: str, where: str, how: str, n_sent: int) -> InfrastructureError:
    """A reply that began, every time, and did not come to its end."""
    times = f"{n_sent} times in all" if n_sent > 1 else "once"
    return InfrastructureError(
        f"Backend {name!r}: {where} broke off its reply, {times} ({how}).",
        "Look at the server, then `gammapygpt resume`.",
    )


def asks_to_wait(told: GammapyGPTError, seconds: float) -> InfrastructureError:
    """A server that asks to be left alone for longer than a run waits."""
    hours = f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds:.3g} s"
    return InfrastructureError(f"{told.message} It asks to be left alone for {hours}.", told.remedy)


def translated(error: Exception, name: str, settings: BackendSettings, key: SecretStr) -> GammapyGPTError:
    """What an exception of the client means to the user, in one line and without secrets."""
    import openai

    who = f"Backend {name!r}: {endpoint(name, settings)}"
    status = getattr(error, "status_code", None)
    said = " ".join(redacted(message(error), key).split())[:300]
    if is_too_long(error):
        return PromptTooLong(
            f"{who} says that the prompt is longer than the model's context ({said}).",
            f"Raise backends.{name}.serving.context." if settings.kind == "local" else LONGER,
        )
    if status in (401, 403):
        return UserError(f"{who} refuses the key (status {status}).", key_remedy(name, settings))
    if status == 404:
        return UserError(
            f"{who} knows no model {settings.model!r} at this address.",
            f"Check backends.{name}.model and base_url (it usually ends in /v1).",
        )
    if status is not None and 300 <= status < 400:
        return UserError(
            f"{who} sends us on to {redirected(error)}.", f"Set backends.{name}.base_url to the address that answers."
        )
    if status == 402 or getattr(error, "code", "") == "insufficient_quota":
        return InfrastructureError(
            f"{who} says that the account is spent (status {status}: {said}).", "Fill it up, then `gammapygpt resume`."
        )
    if status == 429:
        return InfrastructureError(
            f"{who} is overloaded or the quota is spent (status 429: {said}).", "Wait, then `gammapygpt resume`."
        )
    if status is not None and (status == 408 or status >= 500) and status != 501:
        return ServerFault(f"{who} went on failing (status {status}: {said}).", "Wait, then `gammapygpt resume`.")
    if status is not None and status >= 400:
        return RefusedRequest(
            f"{who} refuses the request (status {status}: {said}).",
            f"Check model, temperature, reasoning_effort and abilities of backends.{name}.",
        )
    if isinstance(error, openai.APITimeoutError):
        return InfrastructureError(
            f"{who} did not answer within {settings.timeout_s:g} s.",
            f"Look at the server or raise backends.{name}.timeout_s.",
        )
    if isinstance(error, openai.APIConnectionError):
        return InfrastructureError(
            f"{who} cannot be reached.", f"Is the server running? Else check backends.{name}.base_url."
        )
    return InfrastructureError(f"{who} failed ({said}).", "Look at the server's log, then `gammapygpt resume`.")


def message(error: Exception) -> str:
    """What the server says, without the JSON around it."""
    body = getattr(error, "body", None)
    said = body.get("message") if isinstance(body, dict) else None
    return said if isinstance(said, str) and said else str(getattr(error, "message", error))


def redirected(error: Exception) -> str:
    """Where a server sends us on to, without what may be secret in it."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    try:
        parts = urlsplit(str(headers.get("location", "")))
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "another path"
    except ValueError:
        return "another address"
