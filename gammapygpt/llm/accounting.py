"""Tokens and their price: as the server tells, else counted roughly."""

from __future__ import annotations

from typing import Any, TypeGuard

from gammapygpt.settings import BackendSettings
from gammapygpt.state import Usage

MOST_TOKENS = 10**9
"""No request has more: a number beyond is none."""
DETAILS = {"prompt_tokens_details": "cached_tokens", "completion_tokens_details": "reasoning_tokens"}


def credible(told: Any) -> dict[str, Any] | None:
    """What of a server's `usage` can be true: counts of tokens; None where those in and out are none."""
    if not isinstance(told, dict):
        return None
    counts = {name: told.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")}
    if not all(map(is_count, counts.values())):
        return None
    usage: dict[str, Any] = {**counts, "total_tokens": sum(counts.values())}
    for (name, part), most in zip(DETAILS.items(), counts.values(), strict=True):
        details = told.get(name)
        count = details.get(part) if isinstance(details, dict) else None
        usage[name] = {part: min(count, most)} if is_count(count) else None
    return usage


def is_count(value: Any) -> TypeGuard[int]:
    """Whether this can be a number of tokens."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS


def told_usage(metadata: Any) -> Usage | None:
    """The usage of a langchain message; None where the server told nothing."""
    if not metadata or not metadata["input_tokens"] + metadata["output_tokens"]:
        return None
    of_input, of_output = metadata.get("input_token_details") or {}, metadata.get("output_token_details") or {}
    return Usage(
        input_tokens=metadata["input_tokens"],
        cached_tokens=of_input.get("cache_read") or 0,
        output_tokens=metadata["output_tokens"],
        reasoning_tokens=of_output.get("reasoning") or 0,
    )


def roughly_tokens(characters: int) -> int:
    """Tokens in so many characters of English and Python: four to one."""
    return -(-characters // 4)


def cost(usage: Usage, settings: BackendSettings) -> float:
    """Price of the tokens, in the currency of the settings' prices (which are per million tokens)."""
    prices = settings.prices
    cached_price = prices.input if prices.cached is None else prices.cached
    new = usage.input_tokens - usage.cached_tokens
    return (new * prices.input + usage.cached_tokens * cached_price + usage.output_tokens * prices.output) / 1e6
