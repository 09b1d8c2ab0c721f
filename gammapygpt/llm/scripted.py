"""A backend that reads its replies from a file: for tests and demonstrations; no model, and not named like one."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gammapygpt.errors import UserError
from gammapygpt.llm.base import Fault, OnToken, OnWait, Question, Reply
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Role, Usage


class ScriptedReply(BaseModel):
    """One `[[reply]]` table of the file."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    role: Role | None = None
    """Who it is for; whoever asks next where not given."""
    content: str = ""
    """Raw text, read like a model's: a fenced block for a script, an object for JSON."""
    script: str = ""
    value: dict[str, Any] | None = Field(default=None, alias="json")
    lines: tuple[int, int] | None = None
    fault: Fault = ""
    usage: Usage = Usage()


class ScriptedBackend:
    """The replies of a file, in order; those of a role go to that role alone.

    Parameters
    ----------
    name : str
        As in the settings.
    settings : BackendSettings
        `replies` names the TOML file.
    completed : sequence of Role
        Who was answered earlier in this run, so that a resumed run goes on where it was.

    Raises
    ------
    UserError
        The file is missing or is not of the right form.
    """

    kind = "scripted"

    def __init__(self, name: str, settings: BackendSettings, completed: Sequence[Role] = ()) -> None:
        self.name = name
        able = settings.abilities
        self.abilities: frozenset[str] = frozenset() if able == "probe" else frozenset(able)
        self._file = Path(settings.replies)
        self._left = read_replies(name, settings.replies)
        for role in completed:
            self._next(role)

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """The next reply for this role.

        Raises
        ------
        UserError
            There is none left.
        """
        scripted = self._next(question.role)
        if scripted is None:
            raise UserError(
                f"Backend {self.name!r} has no reply left for the {question.role}.", f"Add a [[reply]] to {self._file}."
            )
        reply = _as_reply(scripted, question)
        if on_token and reply.text:
            on_token(reply.text)
        return reply

    def _next(self, role: Role) -> ScriptedReply | None:
        for place, reply in enumerate(self._left):
            if reply.role in (None, role):
                return self._left.pop(place)
        return None


def _as_reply(scripted: ScriptedReply, question: Question) -> Reply:
    from gammapygpt.llm.openai import read_json, read_script
    from gammapygpt.llm.stream import Answer

    usage = scripted.usage.model_copy(update={"calls": scripted.usage.calls or 1})
    if scripted.content and not scripted.fault:
        answer = Answer(text=scripted.content, finish="stop", usage=usage, model="scripted")
        if question.form == "script":
            return read_script(answer, question.patch_lines, question.base)
        return read_json(answer, question.json_schema or {})
    reply = Reply(text=scripted.content or scripted.script, usage=usage, model="scripted")
    if scripted.fault:
        reply.fault, reply.fault_message = scripted.fault, f"Scripted: {scripted.fault}."
    elif question.form == "script" and scripted.script:
        reply.script, reply.lines = scripted.script, scripted.lines
    elif question.form == "json" and scripted.value is not None:
        reply.value = scripted.value
    else:
        reply.fault, reply.fault_message = "malformed", f"The scripted reply is not of the form {question.form}."
    return reply


def read_replies(name: str, replies: str) -> list[ScriptedReply]:
    """The replies of a file.

    Raises
    ------
    UserError
        The file is missing or is not of the right form.
    """
    remedy = f"Set backends.{name}.replies to a TOML file with [[reply]] tables."
    if not replies:
        raise UserError(f"Backend {name!r} names no file with replies.", remedy)
    try:
        tables = tomllib.loads(Path(replies).read_text(encoding="utf-8"))
        return TypeAdapter(list[ScriptedReply]).validate_python(tables.get("reply", []))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"Backend {name!r}: {replies} cannot be read ({type(error).__name__}).", remedy) from None
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"Backend {name!r}: {replies} is no valid TOML ({error}).", remedy) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"Backend {name!r}: {replies} has a wrong [[reply]] ({where}: {first['msg']}).", remedy
        ) from None
