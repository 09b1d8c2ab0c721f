"""Limits of a backend: kept by processes together, released by the kernel, told, and no part of the model's time."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import limited_client
import pytest
from scripted_server import ScriptedServer

from gammapygpt import llm
from gammapygpt.errors import InfrastructureError
from gammapygpt.llm.base import Message, Question
from gammapygpt.llm.limits import Limits, Patience, limits
from gammapygpt.settings import BackendSettings, Settings
from gammapygpt.state import Request


class Watched(ScriptedServer):
    """A server that notes when requests arrive, and how many of them it has at once."""

    def __init__(self, replies: list[dict]) -> None:
        super().__init__(replies)
        self.arrived: list[float] = []
        self.most_at_once = self._at_once = 0
        self._counting = threading.Lock()

    def take(self, request: dict) -> dict:
        with self._counting:
            self.arrived.append(time.monotonic())
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(0.1)
        with self._counting:
            self._at_once -= 1
        return super().take(request)


def in_threads(*given: object) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: limited_client.ask(*given), range(3)))


def in_processes(*given: object) -> None:
    command = [sys.executable, limited_client.__file__, *map(str, given)]
    clients = [subprocess.Popen(command) for _ in range(3)]
    assert [client.wait(timeout=300) for client in clients] == [0, 0, 0]


@pytest.mark.parametrize("three", [in_threads, pytest.param(in_processes, marks=pytest.mark.slow)])
def test_three_clients_together_keep_to_the_limits_also_with_what_is_repeated(three, tmp_path):
    busy = {"status": 429, "headers": {"retry-after": "0"}}
    with Watched([busy, {"text": "hello", "times": 2}, busy, {"text": "hello", "times": 99}]) as server:
        three(server.url, tmp_path, 4, 5, 2)
        times = server.arrived
    assert len(times) == 14, "twelve, and the two that were refused once"
    assert server.most_at_once <= 2
    assert min(later - earlier for earlier, later in zip(times, times[5:], strict=False)) > 2.0


HOLDER = """
import sys, time
from pathlib import Path
from gammapygpt.llm.limits import Limits, Patience
with Limits("test", Path(sys.argv[1]), parallel=1).place(Patience()):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_place_is_free_when_its_holder_is_killed(tmp_path):
    places = Limits("test", tmp_path, parallel=1)
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        told: list[str] = []
        with (
            pytest.raises(InfrastructureError, match=r"no time left.*budget\.wall_s"),
            places.place(Patience(told.append, longest_s=0.2)),
        ):
            pass
        assert told == ["waiting for one of the 1 requests of 'test' that are under way"]
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with places.place(Patience(longest_s=0.0)):
        pass


def test_starts_that_cannot_be_read_or_lie_in_the_future_do_not_block_for_ever(tmp_path):
    minute = Limits("test", tmp_path, per_minute=1, window_s=0.2, margin_s=0.0)
    for text in ("{torn", f"[{time.time() + 1e6}]"):
        (tmp_path / "starts").write_text(text)
        patience = Patience(longest_s=5.0)
        minute.turn(patience)
        assert patience.waited_s >= 0.2


@pytest.fixture
def ask(tmp_path, scripted_server):
    """Ask a server of one request a minute through the backend that agents speak to, twice as patient or not."""
    server = scripted_server({"text": '{"a": 1}', "times": 9})

    def ask(told: list[str], patience_s: float | None = None, **chosen: int):
        backend = BackendSettings(model="m", base_url=server.url, abilities=[], **chosen)
        settings = Settings(default_backend="test", backends={"test": backend}, runs={"limits_folder": str(tmp_path)})
        question = Question(
            role="critic",
            form="json",
            messages=[Message(role="user", content="?")],
            patience_s=patience_s,
            request=Request(text="", data_path="", stores=[]),
        )
        return llm.backend(settings, "critic", None).ask(question, on_wait=told.append), server

    return ask


def test_a_backend_waits_no_longer_than_the_run_may_take_and_sends_nothing_then(ask, tmp_path):
    told: list[str] = []
    reply, server = ask(told, requests_per_minute=1)
    assert reply.value == {"a": 1}
    assert reply.usage.waited_s == 0.0
    assert not told
    with pytest.raises(InfrastructureError, match="no time left: waiting, as 'test' may be asked 1 times a minute"):
        ask(told, patience_s=0.0, requests_per_minute=1)
    assert len(server.requests) == 1
    assert told == ["waiting, as 'test' may be asked 1 times a minute"]
    assert [file.name for file in tmp_path.glob("*/*")] == ["starts"]


def test_a_wait_is_told_apart_from_the_time_of_the_model(ask, tmp_path):
    reply, server = ask([], parallel_requests=1)
    settings = BackendSettings(model="m", base_url=server.url, parallel_requests=1)
    places = limits("test", settings, str(tmp_path))
    told = threading.Event()
    answers = []

    def asking() -> None:
        answers.append(ask(Told(told), parallel_requests=1)[0])

    thread = threading.Thread(target=asking)
    with places.place(Patience()):
        thread.start()
        assert told.wait(30)
    thread.join()
    assert answers[0].usage.waited_s > 0
    assert reply.usage.waited_s == 0


class Told(list):
    """Lines, and an event at the first."""

    def __init__(self, event: threading.Event) -> None:
        super().__init__()
        self.append = lambda line: event.set()  # type: ignore[method-assign]


def test_limits_are_kept_apart_by_name_and_address_and_not_kept_where_there_are_none(tmp_path):
    one = BackendSettings(model="m", base_url="https://one.example.org/v1")
    other = BackendSettings(model="m", base_url="https://other.example.org/v1")
    folders = {limits(name, backend, str(tmp_path)).folder for name in "ab" for backend in (one, other)}
    assert len(folders) == 4
    with limits("a", one, str(tmp_path)).place(Patience(longest_s=0.0)):
        limits("a", one, str(tmp_path)).turn(Patience(longest_s=0.0))
    assert not list(Path(tmp_path).iterdir())
