"""langchain's chat model, made to read what servers really send. Imported only to send a request (it takes 2 s)."""

from __future__ import annotations

from typing import Any

from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI

from gammapygpt.llm.accounting import credible


class StreamingChat(ChatOpenAI):
    """Keeps `delta.refusal`, which langchain drops from streams, and how much a chunk says, in `additional_kwargs`.

    A usage that cannot be one is left out, as if the server told none: langchain raises on it. It drops tool calls
    without a number, too.
    """

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict, default_chunk_class: type, base_generation_info: dict | None
    ) -> ChatGenerationChunk | None:
        choices: list[dict[str, Any]] = chunk.get("choices") or []
        delta = (choices[0].get("delta") if choices else None) or {}
        for call in delta.get("tool_calls") or []:
            call.setdefault("index", None)
        chunk = {**chunk, "choices": choices, "usage": credible(chunk.get("usage"))}
        generation = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        if generation is not None:
            generation.message.additional_kwargs["characters"] = characters(delta)
            if delta.get("refusal"):
                generation.message.additional_kwargs["refusal"] = delta["refusal"]
        return generation


def characters(said: Any) -> int:
    """Characters in all that a delta says, thoughts included; its role says nothing."""
    if isinstance(said, str):
        return len(said)
    if isinstance(said, dict):
        return sum(characters(value) for name, value in said.items() if name != "role")
    return sum(map(characters, said)) if isinstance(said, list) else 0
