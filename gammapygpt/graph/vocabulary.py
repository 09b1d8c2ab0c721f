"""What checkpoints are written in: our own vocabulary, with the version of its form; others are refused in a line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from langgraph.checkpoint.base import Checkpoint
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, TypeAdapter, ValidationError

from gammapygpt import __version__, state
from gammapygpt.errors import UserError

FORM = 1
"""Of the state in checkpoints; one more where a checkpoint of before can no longer be read. What is only added, with
a default, needs none."""
VOCABULARY = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]


def serializer() -> JsonPlusSerializer:
    """Packs the state; only our own vocabulary is ever unpacked."""
    return JsonPlusSerializer(allowed_msgpack_modules=VOCABULARY)


def check_form(saved: Checkpoint, metadata: Mapping[str, Any]) -> None:
    """Make sure that a checkpoint holds what this version takes it for.

    LangGraph unpacks a value that no longer fits its model without the checks of the model, or as a plain dictionary.

    Raises
    ------
    UserError
        It does not; says who wrote it.
    """
    if (form := metadata.get("form", FORM)) != FORM:
        raise unreadable(metadata, f"their form is number {form}, this version has number {FORM}")
    for name, kind in get_type_hints(state.RunState, include_extras=True).items():
        if name not in saved["channel_values"]:
            continue
        value = saved["channel_values"][name]
        try:
            read = _adapter(kind).validate_python(as_data(value))
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join([name, *map(str, first["loc"])])
            raise unreadable(metadata, f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}") from None
        if not alike(value, read):
            raise unreadable(metadata, f"{name}: this version has no such kind of value")


def unreadable(metadata: Mapping[str, Any], why: str) -> UserError:
    """What to say of a checkpoint that this version cannot go on from."""
    writer = f"version {metadata['version']}" if metadata.get("version") else "an older version"
    return UserError(
        f"the checkpoints of this run were written by {writer} of gammapygpt and cannot be read by {__version__}: "
        f"{why}.",
        "Go on with the version that wrote them, or start a new run.",
    )


def as_data(value: Any) -> Any:
    """Models as plain data, so that they are looked at again, whatever was unpacked without a look."""
    if isinstance(value, BaseModel):
        return {name: as_data(part) for name, part in vars(value).items()}
    if isinstance(value, Mapping):
        return {name: as_data(part) for name, part in value.items()}
    return [as_data(part) for part in value] if isinstance(value, list | tuple) else value


def alike(one: Any, other: Any) -> bool:
    """Whether models are where models belong; what this version has no model for comes as a dictionary."""
    if isinstance(other, BaseModel):
        mine, theirs = vars(one) if type(one) is type(other) else None, vars(other)
        return mine is not None and all(alike(mine.get(name), part) for name, part in theirs.items())
    if isinstance(other, dict):
        return isinstance(one, dict) and all(alike(one.get(name), part) for name, part in other.items())
    if isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return True


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """An annotation of the state may add how values are summed; that is not asked for here."""
    return TypeAdapter(get_args(kind)[0] if get_origin(kind) is Annotated else kind)
