"""A model whose context is too short: the oldest attempts give way, then what was looked up; then the run stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scripted_run import REQUEST
from scripted_server import ScriptedServer

from faults.command import FENCED, RESULT, command_line, the_run
from gammapygpt.llm.journal import recorded_calls
from gammapygpt.replay import replay
from gammapygpt.runs.folder import RunFolder

ERRORS = ("[1, 2][5]", "{}['n']", "1 / 0")
"""Of three drafts, none the same as another."""


def draft(number: int) -> str:
    """A long script that fails, in a way of its own."""
    comments = "".join(f"# draft {number}, line {line}\n" for line in range(100))
    end = "json.dump({'n_obs': n}, open('result.json', 'w'))"
    return f"```python\nimport json\n{comments}n = {ERRORS[number - 1]}\n{end}\n```"


def outgrown(folder: Path, data: Path, environment: dict[str, str] | None = None) -> str:
    """What is wrong with a run whose fourth prompt does not fit; empty where all is well."""
    replies = [*({"text": draft(number)} for number in (1, 2, 3)), {"text": FENCED}]
    with ScriptedServer(replies) as server:
        line = at(server, folder / "long", data, environment)
        whole = json.loads(line("run", REQUEST, "--json").stdout)
        fourth = length(server.bodies[3])
    with ScriptedServer(replies) as server:
        server.longest = fourth - 1000
        ended = at(server, folder / "short", data, environment)("run", REQUEST, "--json")
        if ended.exit_code:
            return f"exit code {ended.exit_code}: {ended.output}"
        told = json.dumps(server.bodies[-1])
        requests = len(server.requests)
    outcome, run = json.loads(ended.stdout), the_run(folder / "short")
    found = {
        f"{requests} requests, not 5": requests != 5,
        "the oldest draft did not give way": "# draft 1," in told,
        "a younger draft gave way, too": "# draft 2," not in told or "# draft 3," not in told,
        f"failures {outcome['failures']}": outcome["failures"] != whole["failures"],
        f"result {outcome['result']}": outcome["result"] != RESULT,
        f"{outcome['usage']['calls']} calls charged": outcome["usage"]["calls"] != 4,
        "other calls recorded": len(recorded_calls(run)) != 4,
        "the run does not tell": "asking with 1 earlier" not in (run / "events.jsonl").read_text(),
        "a replay differs": replay(RunFolder(run)).difference is not None,
    }
    return "; ".join(wrong for wrong, there in found.items() if there)


def hopeless(folder: Path, data: Path, environment: dict[str, str] | None = None) -> str:
    """What is wrong with a run of which no prompt fits, and with its end once the model has a longer context."""
    with ScriptedServer([{"text": FENCED}]) as server:
        server.longest = 10
        line = at(server, folder, data, environment)
        stopped = line("run", REQUEST)
        said = stopped.stderr.strip()
        if stopped.exit_code != 3 or "\n" in said or "Nothing in it can be left out any more." not in said:
            return f"exit code {stopped.exit_code}: {said}"
        server.longest = None
        ended = line("resume", "--json")
        return "" if ended.exit_code == 0 else f"exit code {ended.exit_code}: {ended.output}"


def at(server: ScriptedServer, folder: Path, data: Path, environment: dict[str, str] | None) -> Any:
    """The command line with this server."""
    folder.mkdir(parents=True, exist_ok=True)
    backend = {"model": "scripted-model", "base_url": server.url, "abilities": [], "retries": 1}
    return command_line(folder, data, backend, environment)


def length(body: dict[str, Any]) -> int:
    """Characters of the messages of a request."""
    return sum(len(message["content"]) for message in body["messages"])
