"""A key that comes in by every way there is, and must be found nowhere: runs that pass, fail, break off and crash."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from canary import canary, descendants, processes_with
from postgres_server import PostgresServer, can_serve
from scripted_server import ScriptedServer

from faults.house import COUNTS, REQUEST, House, fenced, served_by_mcp, unlike
from faults.trial import Trial
from gammapygpt.data.simulate import simulate
from gammapygpt.detached import go_on
from gammapygpt.state import Answer

BY_VARIABLE = 'api_key_env = "FARM"'
CRASHES = (
    "gammapygpt.settings_loading:merge",
    "gammapygpt.keys:_sendable",
    "gammapygpt.llm.wire:Wire._charged",
    "gammapygpt.llm.journal:_append",
    "gammapygpt.agents.executor:begun",
)
"""Functions that are made to raise what nobody expects."""
LOOKS = """\
import glob, json, os
seen = dict(os.environ)
for path in [*glob.glob("/proc/*/environ"), *glob.glob("/proc/*/cmdline"), *PLACES]:
    try:
        seen[path] = open(path, errors="replace").read()
    except OSError as error:
        seen[path] = str(error)
print(json.dumps(seen))
"""
WAITS = "import json, time\n\ntime.sleep(8)\nn_obs = 4\njson.dump({'n_obs': n_obs}, open('result.json', 'w'))\n"

Way = Callable[[House], Iterator[str]]


def trials(place: Path, seed: int, tries: int) -> Iterator[Trial]:
    """Each way once; `tries` makes no difference, as nothing here is left to chance."""
    data = simulate(place / "data")
    for number, (fault, way) in enumerate(ways().items()):
        yield tried(fault, way, place / f"{number:02d}", data, seed)


def tried(fault: str, way: Way, place: Path, data: Path, seed: int) -> Trial:
    """One way: what should have happened did, and the key is nowhere."""
    house = House(place, data, canary(seed, fault))
    wrong = [*way(house), *house.leaks()]
    return Trial(f"key: {fault}", not wrong, "; ".join([*wrong[:5], house.printed[-500:]] if wrong else []))


def ways() -> dict[str, Way]:
    """How a key comes in, or is tempted out."""
    database = {"password of the database of checkpoints": of_the_database} if can_serve() else {}
    return {
        "in a variable, the run passes and is exported": in_a_variable,
        "in a file, the run fails": in_a_file,
        "echoed in a reply": echoed_in_a_reply,
        "echoed in a refusal": echoed_in_a_refusal,
        **{f"echoed in an error {status}": echoed_in_an_error(status) for status in (400, 401, 404, 429, 500)},
        "in a redirect to elsewhere": in_a_redirect,
        "in the settings": in_the_settings,
        "pasted into a request, a follow-up, a script": pasted,
        "in a reason and an edited script": in_an_answer,
        "of other programs, and of a proxy": of_others,
        "looked for by a script": looked_for,
        "in processes at work": in_processes,
        **{f"crash in {function}, with local variables": crash_in(function) for function in CRASHES},
        "kill -9 while the reply comes": killed,
        "in a campaign, its table and its report": in_a_campaign,
        "over MCP, in requests, scripts and replies": over_mcp,
        **database,
    }


def in_a_variable(house: House) -> Iterator[str]:
    with ScriptedServer([fenced(COUNTS)], key=house.secret) as server:
        house.settings(server.url, BY_VARIABLE)
        yield from unlike(exit_code=(house.gammapygpt("run", REQUEST, FARM=house.secret), 0))
        for form in ("script", "notebook", "report", "zip", "ro-crate"):
            yield from unlike(exit_code=(house.gammapygpt("export", "--to", form, FARM=house.secret), 0))
        house.gammapygpt("report", FARM=house.secret)
        house.gammapygpt("config", "show", "--json", FARM=house.secret)
        house.gammapygpt("config", "check", FARM=house.secret)


def in_a_file(house: House) -> Iterator[str]:
    with ScriptedServer(
        [fenced("import json\n1 / 0\njson.dump({}, open('result.json', 'w'))\n")], key=house.secret
    ) as server:
        house.settings(server.url, f'api_key_file = "{house.given("key", house.secret)}"')
        yield from unlike(
            exit_code=(house.gammapygpt("run", REQUEST, "--attempts", "1"), 1), requests=(len(server.requests), 1)
        )


def echoed_in_a_reply(house: House) -> Iterator[str]:
    script = f"# Bearer {house.secret}\n{COUNTS}print({house.secret!r}, {quote(house.secret, safe='')!r})\n"
    with ScriptedServer([{"text": f"Your key is {house.secret}.\n```python\n{script}```"}]) as server:
        house.settings(server.url, BY_VARIABLE)
        yield from unlike(exit_code=(house.gammapygpt("run", REQUEST, FARM=house.secret), 0))


def echoed_in_a_refusal(house: House) -> Iterator[str]:
    with ScriptedServer([{"refusal": f"Not for {house.secret}.", "times": 9}]) as server:
        house.settings(server.url, BY_VARIABLE)
        yield from unlike(exit_code=(house.gammapygpt("run", REQUEST, "--attempts", "1", FARM=house.secret), 1))


def echoed_in_an_error(status: int) -> Way:
    def way(house: House) -> Iterator[str]:
        said = f"no: Authorization: Bearer {house.secret}, or {quote(house.secret, safe='')}"
        with ScriptedServer(
            [{"status": status, "error": said, "headers": {"X-Key": house.secret}, "times": 9}]
        ) as server:
            house.settings(server.url, BY_VARIABLE)
            code = house.gammapygpt("run", REQUEST, FARM=house.secret)
        yield from unlike(status=(house.status(), "interrupted"), known_error=(code in (2, 3), True))

    return way


def in_a_redirect(house: House) -> Iterator[str]:
    with ScriptedServer([fenced(COUNTS)]) as elsewhere, ScriptedServer() as server:
        to = f"{elsewhere.url}/chat/completions?key={quote(house.secret, safe='')}"
        server.add({"status": 307, "headers": {"Location": to}, "times": 9})
        house.settings(server.url, BY_VARIABLE)
        code = house.gammapygpt("run", REQUEST, FARM=house.secret)
    yield from unlike(exit_code=(code, 2), requests_elsewhere=(len(elsewhere.requests), 0))


def in_the_settings(house: House) -> Iterator[str]:
    """Refused wherever it stands, before anything is begun."""
    address, query = f"http://me:{quote(house.secret, safe='')}@h/v1", f"http://h/v1?key={house.secret}"
    for url in (address, query):
        house.settings(url)
        yield from unlike(exit_code=(house.gammapygpt("run", REQUEST), 2))
    house.settings("http://127.0.0.1:9/v1", f'api_key = "{house.secret}"')
    yield from unlike(exit_code=(house.gammapygpt("run", REQUEST), 2))
    house.settings("http://127.0.0.1:9/v1")
    for option in (
        f"backends.test.base_url={address}",
        f"retrieval.store={query}",
        f"backends.test.api_key={house.secret}",
    ):
        yield from unlike(exit_code=(house.gammapygpt("run", REQUEST, "--set", option), 2))
    yield from unlike(exit_code=(house.gammapygpt("run", REQUEST, GAMMAPYGPT_BACKENDS__TEST__BASE_URL=address), 2))
    yield from unlike(runs=(list(house.runs.glob("2*")), []))


def pasted(house: House) -> Iterator[str]:
    with ScriptedServer([fenced(COUNTS)]) as server:
        house.settings(server.url, BY_VARIABLE)
        asked = f"{REQUEST} My key is {house.secret}, or Bearer {house.secret}."
        yield from unlike(exit_code=(house.gammapygpt("run", asked, FARM=house.secret), 0))
        yield from unlike(
            sent=(house.secret in str(server.bodies), False), redacted=("[key]" in str(server.bodies), True)
        )
        house.gammapygpt("follow-up", f"the same with {house.secret}", FARM=house.secret)
        script = house.given("mine.py", f"KEY = {house.secret!r}\n{COUNTS}")
        yield from unlike(exit_code=(house.gammapygpt("exec", str(script), FARM=house.secret), 0))


def in_an_answer(house: House) -> Iterator[str]:
    with ScriptedServer([fenced(COUNTS)]) as server:
        house.settings(server.url, BY_VARIABLE)
        edited = f"# {house.secret}\n{COUNTS}"
        for answer in (
            ["--reject", "--because", f"it lacks {house.secret}"],
            ["--edit", str(house.given("e.py", edited))],
        ):
            house.gammapygpt("run", REQUEST, "--approve", "script", FARM=house.secret)
            house.gammapygpt("resume", *answer, FARM=house.secret)
        yield from unlike(status=(house.status(), "passed"))
        house.gammapygpt("run", REQUEST, "--approve", "script", FARM=house.secret)
        process = detached(house, Answer(decision="edit", script=edited))
        yield from unlike(exit_code=(process, 0), status=(house.status(), "passed"))


def detached(house: House, answer: Answer) -> int:
    """An answer as the web page and Jupyter give it: the run goes on in a process of its own."""
    import pytest

    with pytest.MonkeyPatch.context() as patch:
        for name, value in house.environment({"FARM": house.secret}).items():
            patch.setenv(name, value)
        return go_on(house.last_run(), answer).wait()


def of_others(house: House) -> Iterator[str]:
    """Keys and passwords of whatever else the user uses; the server is reached through a proxy that wants one."""
    others = dict.fromkeys(("PGPASSWORD", "HF_TOKEN", "LANGSMITH_API_KEY", "AWS_SECRET_ACCESS_KEY"), house.secret)
    (house.place / "home" / ".netrc").symlink_to(house.given("netrc", f"machine h login me password {house.secret}\n"))
    with ScriptedServer([fenced(COUNTS)]) as proxy:
        address = f"http://me:{quote(house.secret, safe='')}@127.0.0.1:{proxy.port}"
        house.settings("http://models.example.org/v1")
        yield from unlike(exit_code=(house.gammapygpt("run", REQUEST, http_proxy=address, **others), 0))
        yield from unlike(through_the_proxy=(len(proxy.requests), 1))
    code = house.gammapygpt("run", REQUEST, http_proxy=address, **others)
    yield from unlike(exit_code=(code, 3))


def looked_for(house: House) -> Iterator[str]:
    key, netrc = house.given("key", house.secret), house.place / "home" / ".netrc"
    netrc.symlink_to(house.given("netrc", house.secret))
    script = LOOKS.replace("*PLACES", f"{str(key)!r}, {str(netrc)!r}") + COUNTS
    with ScriptedServer([fenced(script)]) as server:
        house.settings(server.url, f'api_key_file = "{key}"')
        code = house.gammapygpt("run", REQUEST, "--no-preflight", ANOTHER_KEY=house.secret)
    yield from unlike(exit_code=(code, 0))


def in_processes(house: House) -> Iterator[str]:
    with ScriptedServer([fenced(WAITS)]) as server:
        house.settings(server.url, BY_VARIABLE)
        process = house.begun("run", REQUEST, "--no-preflight", FARM=house.secret)
        seen: set[int] = set()
        before: set[str] = set()
        while process.poll() is None:
            at_work = descendants(process.pid)
            seen.update(at_work)
            found = set(processes_with([house.secret], at_work))
            yield from found & before  # between fork and exec each child has what its parent has
            before = found
            time.sleep(0.1)
        assert process.stdout is not None
        house.printed += process.stdout.read()
    yield from unlike(exit_code=(process.returncode, 0), sandbox_seen=(bool(seen), True))


def crash_in(function: str) -> Way:
    def way(house: House) -> Iterator[str]:
        with ScriptedServer([fenced(COUNTS)]) as server:
            house.settings(server.url, BY_VARIABLE)
            yield from crashed(house, function)

    return way


def crashed(house: House, function: str) -> Iterator[str]:
    """A run in which this function raises what nobody expects."""
    program = [sys.executable, "-P", str(Path(__file__).with_name("crash.py")), function, "run", REQUEST]
    before = len(house.printed)
    house.gammapygpt(program=program, FARM=house.secret, GAMMAPYGPT_DEBUG="1")
    if "a mistake of ours" not in house.printed[before:] or "locals" not in house.printed[before:]:
        yield "there is no traceback with local variables"


def killed(house: House) -> Iterator[str]:
    with ScriptedServer([{**fenced(f"# {house.secret}\n{COUNTS}"), "delay": 1}]) as server:
        house.settings(server.url, BY_VARIABLE)
        process = house.begun("run", REQUEST, FARM=house.secret)
        server.wait_for(1)
        process.send_signal(signal.SIGKILL)
        house.printed += process.communicate()[0]
        server.add(fenced(COUNTS))
        yield from unlike(exit_code=(house.gammapygpt("resume", FARM=house.secret), 0))


def in_a_campaign(house: House) -> Iterator[str]:
    """Pasted into a task, and in a script that the model echoes it in and that fails with it."""
    tasks = house.task(f"{REQUEST} With {house.secret}.")
    fails = f"{COUNTS}raise ValueError({house.secret!r})\n"
    with ScriptedServer([fenced(fails)], key=house.secret) as server:
        house.settings(server.url, BY_VARIABLE)
        line = ["bench", "run", "--tasks", str(tasks), "--out", "campaign", "--attempts", "1", "--workers", "1"]
        code = house.gammapygpt(*line, "--baselines", "single-shot", "--ablate", "planner", FARM=house.secret)
    yield from unlike(exit_code=(code, 0), report=(house.gammapygpt("bench", "report", "campaign"), 0))
    table = (house.place / "work" / "campaign" / "table.jsonl").read_text()
    kinds = [attempt["failure"] for row in table.splitlines() for attempt in json.loads(row)["attempts"]]
    yield from unlike(failures=(kinds, ["runtime"] * 3), masked=("[key]" in table, True))


def over_mcp(house: House) -> Iterator[str]:
    """What clients are told, and what the process writes beside it."""
    with ScriptedServer([fenced(f"# {house.secret}\n{COUNTS}")], key=house.secret) as server:
        house.settings(server.url, BY_VARIABLE)
        with served_by_mcp(house, FARM=house.secret) as (talk, _):
            ran = talk.call("generate", request=f"{REQUEST} With {house.secret}.")
            told = [ran, talk.call("run_script", script=f"print({house.secret!r})\n{COUNTS}")]
            told += [talk.fault("generate", request=f"{REQUEST} {house.secret}", backend="nobody")]
            told += [talk.read(f"run://{ran['run']}/manifest").text, *talk.progress]
        house.printed += json.dumps(told)
    yield from unlike(status=(ran["status"], "passed"))


def of_the_database(house: House) -> Iterator[str]:
    """A password that is let in, one that is not, and crashes of those who hold it."""
    with PostgresServer() as postgres, ScriptedServer([fenced(COUNTS)]) as server:
        for user, code, says in (("runs", 0, "passed"), ("guarded", 3, "password authentication failed")):
            runs = f'[runs]\ncheckpoints = "{postgres.database(user)}"\npassword_env = "FARM"'
            house.settings(server.url, BY_VARIABLE, runs)
            yield from unlike(exit_code=(house.gammapygpt("run", REQUEST, FARM=house.secret), code))
            yield from unlike(said=(says in house.printed, True))
        house.settings(server.url, BY_VARIABLE, runs.replace("guarded@", "runs@"))
        for function in ("gammapygpt.graph.postgres:conninfo_to_dict", "gammapygpt.graph.postgres:Saver._is_set_up"):
            yield from crashed(house, function)
