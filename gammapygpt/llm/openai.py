"""Any OpenAI-compatible endpoint. Asks in the best form that the model can do, and reads the reply leniently."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from gammapygpt.llm import abilities, forms, patching, reading
from gammapygpt.llm.base import Fault, OnToken, OnWait, Question, Reply
from gammapygpt.llm.stream import Answer
from gammapygpt.llm.wire import Wire
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Usage


class OpenAIBackend:
    """A chat model behind an address.

    Parameters
    ----------
    name : str
        As in the settings; messages and the journal use it.
    settings : BackendSettings
        Of this backend.
    key : SecretStr, optional
        Of a server that nobody else knows; else that which the settings name.
    limits_folder : str
        Where processes meet that keep the limits together; see `limits`.
    """

    kind = "openai"

    def __init__(
        self, name: str, settings: BackendSettings, key: SecretStr | None = None, limits_folder: str = ""
    ) -> None:
        self.name = name
        self.settings = settings
        self._wire = Wire(name, settings, key, limits_folder)
        self._abilities: frozenset[str] | None = None

    @property
    def abilities(self) -> frozenset[str]:
        """What the model can do, as far as it is known without asking it."""
        if self._abilities is None:
            self._abilities = abilities.known(self.settings)
        return self._abilities or frozenset()

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """Answer; the first question may be preceded by the probe of what the model can do, which is charged with it.

        Raises
        ------
        InfrastructureError, UserError
            See `Backend.ask`.
        """
        with self._wire.waiting(on_wait, question.patience_s):
            can, probing = self.abilities, Usage()
            if self._abilities is None:
                self._abilities, probing = abilities.probed(self._wire)
                can = self._abilities
            answer = self._script if question.form == "script" else self._json
            reply = answer(question, can, on_token)
        reply.usage = probing + reply.usage
        return reply

    def _script(self, question: Question, can: frozenset[str], on_token: OnToken | None) -> Reply:
        # a 1.5B model writes better code, and fewer tokens, into a prefilled block than into a JSON string
        if "tools" in can or ("json_schema" in can and "prefill" not in can):
            schema = forms.script_schema(question.patch_lines)
            messages = plain(question) if "tools" in can else instructed(question, forms.script_instruction)
            answer = self._structured(messages, schema, question, can, on_token)
        else:
            messages = instructed(question, forms.fence_instruction)
            begun = forms.PREFILL + (patching.marker(question.patch_lines) if question.patch_lines else "")
            answer = self._fenced(messages, begun if "prefill" in can else "", question.fresh, on_token)
        return read_script(answer, question.patch_lines, question.base)

    def _fenced(self, messages: list[dict[str, str]], begun: str, fresh: bool, on_token: OnToken | None) -> Answer:
        # a reply that is begun for it below `# lines A-B` keeps a small model from copying the whole script
        if not begun:
            return self._wire.send(messages, fresh=fresh, on_token=on_token)
        asked = [*messages, {"role": "assistant", "content": begun}]
        answer = self._wire.send(asked, fresh=fresh, stop=[forms.STOP], on_token=on_token)
        if answer.text.strip() and not reading.without_thoughts(answer.text).lstrip().startswith("```"):
            answer.text = begun + answer.text + ("" if answer.cut else forms.STOP)
        return answer

    def _json(self, question: Question, can: frozenset[str], on_token: OnToken | None) -> Reply:
        messages = plain(question)
        schema = question.json_schema or {"title": "reply", "type": "object"}
        if "tools" not in can:
            messages[-1]["content"] += "\n\n" + forms.json_instruction(schema)
        return read_json(self._structured(messages, schema, question, can, on_token), schema)

    def _structured(
        self,
        messages: list[dict[str, str]],
        schema: dict[str, Any],
        question: Question,
        can: frozenset[str],
        on_token: OnToken | None,
    ) -> Answer:
        form: dict[str, Any] = {}
        if "tools" in can:
            form["tool"] = forms.tool(schema)
        elif "json_schema" in can:
            form["response_format"] = forms.response_format(schema)
        answer = self._wire.send(messages, fresh=question.fresh, on_token=on_token, **form)
        answer.other_tool = "tool" in form and answer.tool not in ("", form["tool"]["name"])
        return answer


def plain(question: Question) -> list[dict[str, str]]:
    """The messages as they are sent."""
    return [{"role": message.role, "content": message.content} for message in question.messages]


def instructed(question: Question, instruction: Callable[[tuple[int, int] | None], str]) -> list[dict[str, str]]:
    """The messages with the form of the reply below each turn that asks; an earlier turn as it was sent then.

    So a server that keeps what it has read and written reads the new turn alone.
    """
    sent, offered = plain(question), [message.patch_lines for message in question.messages]
    offered[-1] = question.patch_lines
    for message, lines in zip(sent, offered, strict=True):
        if message["role"] == "user":
            message["content"] += "\n\n" + instruction(lines)
    return sent


def read_script(answer: Answer, offered: tuple[int, int] | None, script: str = "") -> Reply:
    """The script in a reply, in whichever form it came; or why there is none.

    Parameters
    ----------
    answer : Answer
        What the model sent.
    offered : tuple of int or None
        Lines offered for replacement.
    script : str
        The script that they belong to.
    """
    reply = _begun(answer)
    if reply.fault:
        return reply
    code, lines = None, None
    for text in written(answer):
        code, lines = _code_in(text, offered, cut=answer.cut)
        if code is not None:
            break
    if code is None:
        return _without(reply, answer, "script", "There is no Python script in the reply.")
    if not code.strip():
        return _faulty(reply, "empty", "The script is empty.")
    if lines and script:
        code, lines = patching.fitted(code, lines, script)
    reply.script, reply.lines = code.rstrip() + "\n", lines
    return reply


def _code_in(text: str, offered: tuple[int, int] | None, *, cut: bool) -> tuple[str | None, tuple[int, int] | None]:
    """The script in a text and the lines that it replaces, if it does; None where there is no script."""
    fields = reading.first_object(text, ["code"]) if text.lstrip().startswith("{") else None
    block = reading.longest_python(text)
    if fields is not None and isinstance(fields["code"], str):
        return _placed(fields, offered)
    if block is not None and (block.closed or not cut):
        return patching.replaced_lines(block.code, offered)
    if not cut and reading.is_python(text):
        return patching.replaced_lines(text, offered)
    return None, None


def read_json(answer: Answer, schema: dict[str, Any]) -> Reply:
    """The JSON object in a reply, with the keys that the schema requires; or why there is none."""
    reply = _begun(answer)
    if reply.fault:
        return reply
    required = list(schema.get("required", []))
    for text in written(answer):
        reply.value = reading.first_object(text, required)
        if reply.value is not None:
            return reply
    needs = f" with the keys {', '.join(required)}" if required else ""
    return _without(reply, answer, "JSON object", f"There is no JSON object{needs} in the reply.")


def written(answer: Answer) -> list[str]:
    """Where an answer may stand: in the call of a tool, whatever its name, else in the text beside it."""
    return [text for text in (answer.arguments, reading.without_thoughts(answer.text)) if text.strip()]


def _without(reply: Reply, answer: Answer, what: str, message: str) -> Reply:
    if answer.cut:
        return _faulty(reply, "truncated", f"{answer.why_cut} before the {what} was complete.")
    if not written(answer):
        return _faulty(reply, "empty", "The reply is empty.")
    called = f" It calls {answer.tool!r}, a tool that was not asked for." if answer.other_tool else ""
    return _faulty(reply, "malformed", message + called)


def _placed(fields: dict[str, Any], offered: tuple[int, int] | None) -> tuple[str, tuple[int, int] | None]:
    code = reading.bare_code(fields["code"])
    first, last = fields.get("first_line"), fields.get("last_line")
    whole = "result.json" in code and "import" in code
    if offered and not whole and isinstance(first, int) and first >= 1:
        return code, (first, last if isinstance(last, int) and last >= first else first)
    return patching.replaced_lines(code, offered)


def _begun(answer: Answer) -> Reply:
    reply = Reply(text=answer.arguments or answer.text, usage=answer.usage, model=answer.model)
    if answer.refusal or answer.finish == "content_filter":
        why = answer.refusal or "The server's content filter stopped the reply."
        return _faulty(reply, "refused", " ".join(why.split())[:300])
    return reply


def _faulty(reply: Reply, fault: Fault, message: str) -> Reply:
    reply.fault, reply.fault_message = fault, message
    return reply
