"""The forms in which a reply is asked for: a tool call, an object of a schema, a fenced block; not how it is read."""

from __future__ import annotations

import json
import re
from typing import Any

from gammapygpt.llm import patching

PREFILL = "```python\n"
STOP = "\n```"


def script_schema(offered: tuple[int, int] | None) -> dict[str, Any]:
    """Schema of the coder's reply; with lines only where lines are offered for replacement."""
    code = "The complete Python script."
    properties: dict[str, Any] = {"code": {"type": "string", "description": code}}
    if offered:
        properties["code"]["description"] = f"{code[:-1]}, or only the lines that replace first_line to last_line."
        line = {"type": ["integer", "null"]}
        properties["first_line"] = {
            **line,
            "description": "First line that the code replaces; null for a whole script.",
        }
        properties["last_line"] = {**line, "description": "Last line that the code replaces; null for a whole script."}
    return {
        "title": "return_python",
        "description": "Hand over the Python code.",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def tool(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as a function that the model must call."""
    parameters = {key: value for key, value in schema.items() if key not in ("title", "description")}
    return {"name": _name(schema), "description": schema.get("description", "Reply."), "parameters": parameters}


def response_format(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as the form of the whole reply; strict where OpenAI's rules for that allow it."""
    return {
        "type": "json_schema",
        "json_schema": {"name": _name(schema), "schema": schema, "strict": _may_be_strict(schema)},
    }


def _name(schema: dict[str, Any]) -> str:
    return re.sub(r"[^\w-]", "_", str(schema.get("title") or "reply"), flags=re.ASCII)[:64]


def _may_be_strict(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(_may_be_strict(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", [])) != set(properties):
            return False
    return "default" not in schema and all(_may_be_strict(part) for part in schema.values())


def json_instruction(schema: dict[str, Any]) -> str:
    """What to say where the model cannot call a tool."""
    # also where the server enforces the schema: llama.cpp and vLLM do so without showing it to the model
    return (
        f"Answer with one JSON object that conforms to this JSON schema, and with nothing else:\n{json.dumps(schema)}"
    )


def script_instruction(offered: tuple[int, int] | None) -> str:
    """What to say where the script comes as a field of an object."""
    return json_instruction(script_schema(offered))


def fence_instruction(offered: tuple[int, int] | None) -> str:
    """What to say where the script comes as text; with the lines that may be replaced, if any are offered."""
    if offered is None:
        return "Reply with one fenced block, ```python ... ```, that holds the complete script, and nothing else."
    return (
        "Reply with one fenced block, ```python ... ```, and nothing else: either only the lines that replace lines "
        f"{offered[0]} to {offered[1]}, below the comment `{patching.marker(offered).strip()}`, or the complete script."
    )
