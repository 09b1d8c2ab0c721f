"""langchain's chat model, and refusals in a stream. Imported only when a request is sent (it takes 2 s)."""

from __future__ import annotations

from typing import Any

from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI


class StreamingChat(ChatOpenAI):
    """Keeps `delta.refusal`, which langchain drops from streams, in `additional_kwargs`."""

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict, default_chunk_class: type, base_generation_info: dict | None
    ) -> ChatGenerationChunk | None:
        generation = super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)
        choices: list[dict[str, Any]] = chunk.get("choices") or []
        delta = (choices[0].get("delta") if choices else None) or {}
        if generation is not None and delta.get("refusal"):
            generation.message.additional_kwargs["refusal"] = delta["refusal"]
        return generation
