"""One streamed request to an OpenAI-compatible server: what goes out, what comes back, and what its errors mean."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gammapygpt.errors import GammapyGPTError, InfrastructureError, UserError
from gammapygpt.llm.accounting import cost, roughly_tokens, told_usage
from gammapygpt.llm.address import Screen, api_key, endpoint, is_loopback, redacted
from gammapygpt.llm.base import OnToken, OnWait
from gammapygpt.llm.faults import is_too_long, not_an_endpoint, translated
from gammapygpt.llm.limits import Patience, limits
from gammapygpt.llm.repetition import Circles
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Usage

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

CONNECT_S = 10.0
"""Patience for the connection alone, in s; `timeout_s` is for a server that is thinking."""
FRESH_TEMPERATURE = 0.7
CIRCLES = "circles"
"""Why we stopped reading, beside the reasons that servers give: see `repetition.py`."""


@dataclass
class Answer:
    """A whole reply, put together from its stream."""

    text: str = ""
    arguments: str = ""
    """Of the first tool call, raw JSON."""
    finish: str = ""
    """`stop`, `length`, `tool_calls`, `content_filter`, or `CIRCLES`."""
    refusal: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)

    @property
    def cut(self) -> bool:
        """It ended before its end."""
        return self.finish in ("length", CIRCLES)

    @property
    def why_cut(self) -> str:
        """What cut it off."""
        if self.finish == CIRCLES:
            return "The reply was cut off because it said the same over and over,"
        return "The token limit cut the reply off"


class StreamBroke(Exception):
    """The connection ended before the reply did."""


class NoTurn(BaseException):
    """The request may not be sent. Whatever is an Exception, the client takes for a connection that failed."""

    def __init__(self, reason: InfrastructureError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Tally(threading.local):
    """What the HTTP client of this thread sent and got, seen by its hooks: its own retries are not told otherwise."""

    sent = 0
    content_type = ""
    """Of the last reply; empty as long as there is none."""

    def __init__(self) -> None:
        self.patience = Patience()
        """Of the question that is being asked."""

    def count(self, request: Any) -> None:
        self.sent += 1

    def note(self, response: Any) -> None:
        self.content_type = response.headers.get("content-type", "")


class Wire:
    """The requests of one backend; its client is made at the first one."""

    def __init__(self, name: str, settings: BackendSettings, key: str = "", limits_folder: str = "") -> None:
        self.name = name
        self.settings = settings
        self._limits = limits(name, settings, limits_folder)
        self._key = key
        self._models: dict[tuple[str, bool], ChatOpenAI] = {}
        self._tally = Tally()
        self._lock = threading.Lock()

    @contextmanager
    def waiting(self, say: OnWait | None, longest_s: float | None = None) -> Iterator[None]:
        """What is sent inside may wait so long in all, in s, for the limits of the backend, and says so."""
        before, self._tally.patience = self._tally.patience, Patience(say, longest_s)
        try:
            yield
        finally:
            self._tally.patience = before

    def send(
        self,
        messages: list[dict[str, str]],
        *,
        limit: int | None = None,
        fresh: bool = False,
        tool: dict[str, Any] | None = None,
        response_format: dict[str, Any] | None = None,
        stop: list[str] | None = None,
        on_token: OnToken | None = None,
    ) -> Answer:
        """Ask, and put the streamed reply together.

        The client repeats what fails before the reply begins; a stream that breaks off is repeated here, within the
        same number of retries.

        Parameters
        ----------
        messages : list of dict
            With `role` and `content`.
        limit : int, optional
            Most output tokens; `max_output_tokens` of the settings by default.
        fresh : bool
            Warmer, where the settings name a temperature at all.
        tool : dict, optional
            The one function (name, description, parameters) that the model must call.
        response_format : dict, optional
            As in the OpenAI API.
        stop : list of str, optional
            Where the server stops generating.
        on_token : callable, optional
            Called with each piece of text.

        Raises
        ------
        InfrastructureError, UserError
            As `Backend.ask`; `RefusedRequest` and `ServerFault` among them.
        """
        where = endpoint(self.name, self.settings)
        key = self._key or api_key(self.name, self.settings)
        options = self._options(limit or self.settings.max_output_tokens, tool, response_format, stop)
        before = self._tally.patience.waited_s
        began = time.monotonic()
        with self._limits.place(self._tally.patience):
            answer = self._answer(messages, options, where, key, fresh, on_token)
        answer.usage = self._charged(answer, messages, options)
        answer.usage.retries = max(self._tally.sent - 1, 0)
        answer.usage.waited_s = self._tally.patience.waited_s - before
        answer.usage.model_s = time.monotonic() - began - answer.usage.waited_s
        answer.model = answer.model or self.settings.model
        return answer

    def _answer(
        self,
        messages: list[dict[str, str]],
        options: dict[str, Any],
        where: str,
        key: str,
        fresh: bool,
        on_token: OnToken | None,
    ) -> Answer:
        self._tally.sent = 0
        for left in range(self.settings.retries, -1, -1):
            self._tally.content_type = ""
            try:
                return self._streamed(messages, options, key, fresh, on_token)
            except StreamBroke:
                if "event-stream" not in self._tally.content_type:
                    raise not_an_endpoint(self.name, where) from None
                if not left or self._tally.sent > self.settings.retries:
                    raise InfrastructureError(
                        f"Backend {self.name!r}: {where} broke off its reply, {self._tally.sent} times in all.",
                        "Try again with `gammapygpt resume`, or look at the server.",
                    ) from None
                time.sleep(min(0.5 * 2 ** (self.settings.retries - left), 8.0))
            except GammapyGPTError:
                raise
            except NoTurn as no:
                raise no.reason from None
            except Exception as error:
                # what the client raises holds the request and its headers, so none of it goes on from here
                raise translated(error, self.name, self.settings, key) from None
        raise AssertionError("the last try returns or raises")

    def _streamed(
        self, messages: list[dict[str, str]], options: dict[str, Any], key: str, fresh: bool, on_token: OnToken | None
    ) -> Answer:
        import openai

        try:
            with closing(self._chunks(messages, options, key, fresh)) as chunks:  # the server stops when we do
                answer = _collected(chunks, Screen(on_token, key))
        except openai.APIError as error:
            # with a status: refused outright; without content type: no reply began, and the client has tried enough
            if getattr(error, "status_code", None) or not self._tally.content_type or is_too_long(error):
                raise
            raise StreamBroke from None
        except (StopIteration, ValueError):
            # langchain says so of a stream without one chunk, and the client of a chunk that is no JSON
            raise StreamBroke from None
        if not answer.finish:
            raise StreamBroke
        answer.text, answer.arguments = redacted(answer.text, key), redacted(answer.arguments, key)
        answer.refusal = redacted(answer.refusal, key)
        return answer

    def _chunks(self, messages: list[dict[str, str]], options: dict[str, Any], key: str, fresh: bool) -> Generator[Any]:
        yield from self._model(key, fresh).stream(messages, **options)

    def _options(
        self, limit: int, tool: dict[str, Any] | None, response_format: dict[str, Any] | None, stop: list[str] | None
    ) -> dict[str, Any]:
        options: dict[str, Any] = {}
        # in the body as such: langchain renames the limit and turns to another client method for a response format,
        # which raises on a cut reply and loses its usage
        body: dict[str, Any] = {limit_name(self.settings): limit}
        if response_format:
            body["response_format"] = response_format
        if tool:
            options["tools"] = [{"type": "function", "function": tool}]
            options["tool_choice"] = {"type": "function", "function": {"name": tool["name"]}}
        if stop:
            options["stop"] = stop
        return {**options, "extra_body": body}

    def _model(self, key: str, fresh: bool) -> ChatOpenAI:
        with self._lock:
            if (key, fresh) not in self._models:
                self._models[key, fresh] = self._new_model(key, fresh)
            return self._models[key, fresh]

    def _new_model(self, key: str, fresh: bool) -> ChatOpenAI:
        import openai
        from pydantic import SecretStr

        from gammapygpt.llm.chat import StreamingChat

        if not self.settings.model:
            raise UserError(f"Backend {self.name!r} names no model.", f"Set backends.{self.name}.model.")
        parameters: dict[str, Any] = {}
        if self.settings.temperature is not None:
            warm = max(self.settings.temperature, FRESH_TEMPERATURE)
            parameters["temperature"] = warm if fresh else self.settings.temperature
        if self.settings.reasoning_effort:
            parameters["reasoning_effort"] = self.settings.reasoning_effort
        timeout = openai.Timeout(self.settings.timeout_s, connect=min(CONNECT_S, self.settings.timeout_s))
        client = openai.DefaultHttpxClient(
            timeout=timeout,
            trust_env=not is_loopback(self.settings),
            event_hooks={"request": [self._turn, self._tally.count], "response": [self._tally.note]},
        )
        weakref.finalize(self, client.close)
        return StreamingChat(
            model=self.settings.model,
            base_url=self.settings.base_url.rstrip("/"),
            api_key=SecretStr(key or "none"),
            timeout=timeout,
            max_retries=self.settings.retries,
            stream_usage=True,
            use_responses_api=False,
            http_client=client,
            **parameters,
        )

    def _turn(self, request: Any) -> None:
        """Before each request, also those that the client repeats by itself."""
        try:
            self._limits.turn(self._tally.patience)
        except InfrastructureError as error:
            raise NoTurn(error) from None

    def _charged(self, answer: Answer, messages: list[dict[str, str]], options: dict[str, Any]) -> Usage:
        usage = answer.usage
        if not usage.tokens:
            asked = sum(len(message["content"]) for message in messages) + len(str(options.get("tools", "")))
            written = len(answer.text) + len(answer.arguments)
            usage = Usage(input_tokens=roughly_tokens(asked), output_tokens=roughly_tokens(written), estimated=True)
        usage.calls = 1
        usage.cost = cost(usage, self.settings)
        return usage


def limit_name(settings: BackendSettings) -> str:
    """How the endpoint calls the most output tokens."""
    # OpenAI's reasoning models know the new name only, local servers the old one (llama.cpp and vLLM both)
    host = urlsplit(settings.base_url).hostname or ""
    openai_itself = host == "api.openai.com" or host.endswith((".api.openai.com", ".openai.azure.com"))
    return "max_completion_tokens" if openai_itself else "max_tokens"


def _collected(chunks: Iterable[Any], screen: Screen) -> Answer:
    answer, call, circles = Answer(), None, Circles()
    for chunk in chunks:
        for part in getattr(chunk, "tool_call_chunks", None) or []:
            call = part["index"] if call is None else call
            if part["index"] == call:
                answer.arguments += part["args"] or ""
            screen.show(part["args"] or "")
        if isinstance(chunk.content, str) and chunk.content:
            answer.text += chunk.content
            screen.show(chunk.content)
        answer.refusal += chunk.additional_kwargs.get("refusal") or ""
        answer.finish = chunk.response_metadata.get("finish_reason") or answer.finish
        answer.model = chunk.response_metadata.get("model_name") or answer.model
        # some servers repeat a running total in every chunk: the last one counts, not their sum
        answer.usage = told_usage(getattr(chunk, "usage_metadata", None)) or answer.usage
        if circles.seen_in(answer.text):
            answer.finish = CIRCLES
            break
    screen.end()
    return answer
