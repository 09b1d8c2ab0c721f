"""One streamed request to an OpenAI-compatible server: what goes out, what comes back, and what its errors mean."""

from __future__ import annotations

import threading
import time
import warnings
import weakref
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import SecretStr

from gammapygpt.errors import GammapyGPTError, InfrastructureError, UserError
from gammapygpt.keys import redacted
from gammapygpt.llm import retrying
from gammapygpt.llm.accounting import cost, roughly_tokens
from gammapygpt.llm.address import Screen, api_key, endpoint
from gammapygpt.llm.base import OnToken, OnWait
from gammapygpt.llm.faults import asks_to_wait, broke_off, is_too_long, not_an_endpoint, translated
from gammapygpt.llm.limits import Patience, limits
from gammapygpt.llm.stream import ENDLESS, Answer, Bounds, StreamBroke, collected
from gammapygpt.llm.transport import Tally, TooMuch, new_client, timeouts
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Usage
from gammapygpt.tracing import reported

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

FRESH_TEMPERATURE = 0.7


class NoTurn(BaseException):
    """The request may not be sent. Whatever is an Exception, the client takes for a connection that failed."""

    def __init__(self, reason: InfrastructureError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Sending(NamedTuple):
    """A request, however often it is sent."""

    messages: list[dict[str, str]]
    options: dict[str, Any]
    limit: int
    """Most output tokens."""
    key: SecretStr
    fresh: bool
    on_token: OnToken | None


class Wire:
    """The requests of one backend; its client is made at the first one."""

    def __init__(
        self, name: str, settings: BackendSettings, key: SecretStr | None = None, limits_folder: str = ""
    ) -> None:
        self.name = name
        self.settings = settings
        self._limits = limits(name, settings, limits_folder)
        self._key = key
        self._models: dict[tuple[SecretStr, bool], ChatOpenAI] = {}
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

        What fails for a reason that may pass is repeated, `retries` times at the most and while the question has time.

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
        limit = limit or self.settings.max_output_tokens
        options = self._options(limit, tool, response_format, stop)
        before = self._tally.patience.waited_s
        began = time.monotonic()
        with self._limits.place(self._tally.patience):
            answer = self._answer(Sending(messages, options, limit, key, fresh, on_token), where)
        answer.usage = self._charged(answer, messages, options)
        answer.usage.retries = max(self._tally.sent - 1, 0)
        answer.usage.waited_s = self._tally.patience.waited_s - before
        answer.usage.model_s = time.monotonic() - began - answer.usage.waited_s
        answer.model = answer.model or self.settings.model
        return answer

    def _answer(self, sending: Sending, where: str) -> Answer:
        self._tally.sent = 0
        for n_failed in range(self.settings.retries + 1):
            self._tally.begin(sending.limit)
            try:
                return self._streamed(sending)
            except GammapyGPTError:
                raise
            except NoTurn as no:
                raise no.reason from None
            except Exception as error:
                # what the client raises holds the request and its headers, so none of it goes on from here
                self._wait_after(error, n_failed, self._told(error, where, sending.key))
        raise AssertionError("the last try returns or raises")

    def _told(self, error: Exception, where: str, key: SecretStr) -> GammapyGPTError:
        if not isinstance(error, StreamBroke):
            return translated(error, self.name, self.settings, key)
        if "event-stream" not in self._tally.content_type:
            return not_an_endpoint(self.name, where)
        return broke_off(self.name, where, str(error), self._tally.sent)

    def _wait_after(self, error: Exception, n_failed: int, told: GammapyGPTError) -> None:
        """Return when the request may be repeated; raise what is to be told where it may not."""
        last = n_failed >= self.settings.retries
        if last or isinstance(told, UserError) or is_too_long(error) or not retrying.worth_repeating(error):
            raise told from None
        asked, patience = retrying.asked_for_s(error), self._tally.patience
        if asked and asked > min(retrying.LONGEST_ASKED_S, patience.left_s):
            raise asks_to_wait(told, asked) from None
        pause = asked or retrying.backoff_s(n_failed)
        if pause > patience.left_s:
            raise told from None
        asking = f", as it asks for {asked:.3g} s" if asked else ""
        patience.wait(pause, f"waiting to ask {self.name!r} again{asking} ({retrying.what_failed(error)})")

    def _streamed(self, sending: Sending) -> Answer:
        # a server that is slow, but at work, may go beyond the run's time as far as one that says nothing
        bounds = Bounds.of(sending.limit, self._tally.patience.left_s + self.settings.timeout_s)
        screen = Screen(sending.on_token, sending.key)
        try:
            with closing(self._chunks(sending)) as chunks:  # the server stops when we do
                answer = collected(chunks, screen, bounds, self._tally.alive)
        except TooMuch:
            answer = Answer(finish=ENDLESS)
        answer.text, answer.arguments = redacted(answer.text, sending.key), redacted(answer.arguments, sending.key)
        answer.refusal, answer.model = redacted(answer.refusal, sending.key), redacted(answer.model, sending.key)
        return answer

    def _chunks(self, sending: Sending) -> Generator[Any]:
        """As langchain yields them; a failure after the reply began is one of the stream, whoever raises it."""
        import httpx
        import openai

        model = self._model(sending.key, sending.fresh)
        try:
            yield from reported(model.stream(sending.messages, **sending.options))
        except TooMuch:
            raise
        except openai.APIError as error:
            # with a status: refused outright; without content type: no reply began
            if getattr(error, "status_code", None) or not self._tally.content_type or is_too_long(error):
                raise
            raise StreamBroke(" ".join(redacted(str(error), sending.key).split())[:200]) from None
        except httpx.TimeoutException:
            raise StreamBroke(f"it said nothing for {self.settings.timeout_s:g} s") from None
        except httpx.HTTPError:
            raise StreamBroke("the connection was lost") from None
        except Exception:
            # langchain says so of a stream without one chunk, the client of one that is no JSON or not in UTF-8
            raise StreamBroke("what it sent is no reply") from None

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

    def _model(self, key: SecretStr, fresh: bool) -> ChatOpenAI:
        with self._lock:
            if (key, fresh) not in self._models:
                self._models[key, fresh] = self._new_model(key, fresh)
            return self._models[key, fresh]

    def _new_model(self, key: SecretStr, fresh: bool) -> ChatOpenAI:
        from gammapygpt.llm.chat import StreamingChat

        if not self.settings.model:
            raise UserError(f"Backend {self.name!r} names no model.", f"Set backends.{self.name}.model.")
        parameters: dict[str, Any] = {}
        if self.settings.temperature is not None:
            warm = max(self.settings.temperature, FRESH_TEMPERATURE)
            parameters["temperature"] = warm if fresh else self.settings.temperature
        if self.settings.reasoning_effort:
            parameters["reasoning_effort"] = self.settings.reasoning_effort
        # what is odd in a chunk is read as it can be; nobody needs to be warned of it
        warnings.filterwarnings("ignore", "Pydantic serializer warnings")
        client = new_client(self.settings, self._tally, self._turn)
        weakref.finalize(self, client.close)
        return StreamingChat(
            model=self.settings.model,
            base_url=self.settings.base_url.rstrip("/"),
            api_key=key or SecretStr("none"),
            timeout=timeouts(self.settings),
            max_retries=0,
            stream_usage=True,
            use_responses_api=False,
            http_client=client,
            **parameters,
        )

    def _turn(self, request: Any) -> None:
        """Before each request, also one that is repeated."""
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
