"""Which failed requests are worth repeating, and after how long."""

from __future__ import annotations

import email.utils
import math
import random
import time
from typing import Any

from gammapygpt.llm.stream import StreamBroke

FIRST_S, LONGEST_S = 0.5, 8.0
"""Before the first repetition, and before any, where the server does not say when."""
LONGEST_ASKED_S = 600.0
"""A server that asks for more is not waited for: the run can be resumed."""


def worth_repeating(error: Exception) -> bool:
    """Whether the same request may well succeed a little later."""
    import openai

    status = getattr(error, "status_code", None)
    if status is None:
        return isinstance(error, StreamBroke | openai.APIConnectionError)
    if getattr(error, "code", "") == "insufficient_quota":
        return False
    return status in (408, 409, 429) or status >= 500


def asked_for_s(error: Exception) -> float | None:
    """How long the server asks to be left alone, in s; None where it does not say."""
    headers = getattr(getattr(error, "response", None), "headers", {})
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        said = str(headers.get(name, ""))
        seconds = _number(said) * unit or (_until(said) if name == "retry-after" else 0.0)
        if seconds > 0:
            return seconds
    return None


def backoff_s(n_failed: int) -> float:
    """Longer each time, in s, and not the same for all who were refused at once."""
    return min(FIRST_S * 2 ** min(n_failed, 10), LONGEST_S) * random.uniform(0.75, 1.0)


def what_failed(error: Exception) -> str:
    """In a few words, for whoever waits."""
    import openai

    if status := getattr(error, "status_code", None):
        return f"status {status}"
    if isinstance(error, StreamBroke):
        return f"its reply broke off: {error}"
    return "no answer" if isinstance(error, openai.APITimeoutError) else "no connection"


def _number(said: str) -> float:
    try:
        seconds = float(said)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0


def _until(said: str) -> float:
    try:
        date: Any = email.utils.parsedate_to_datetime(said)
        return date.timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return 0.0
