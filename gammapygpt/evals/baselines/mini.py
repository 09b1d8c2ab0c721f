"""mini-swe-agent's model and environment: our wire and our sandbox behind the package's own agent and words.

Imports the package; nothing else imports this module but `peer.solve`.
"""

from __future__ import annotations

import base64
import json
import platform
import shutil
from pathlib import Path
from typing import Any

from minisweagent.environments.local import LocalEnvironment
from minisweagent.exceptions import FormatError, LimitsExceeded
from minisweagent.models.utils.actions_text import format_observation_messages, parse_regex_actions
from pydantic import BaseModel

from gammapygpt import sandbox
from gammapygpt.agents import gates
from gammapygpt.agents.workshop import time_left
from gammapygpt.evals.baselines import command
from gammapygpt.evals.baselines.stages import stage
from gammapygpt.graph.routing import over_budget
from gammapygpt.llm.base import Backend, Fault, Message, OnToken, OnWait, Question, Reply
from gammapygpt.llm.faults import PromptTooLong
from gammapygpt.llm.wire import Wire
from gammapygpt.run import Run
from gammapygpt.runs.folder import write_json
from gammapygpt.settings import BackendSettings
from gammapygpt.state import Execution, Request, Usage

MOST_BYTES = 16 << 20
"""Of the packed files that go from one command to the next."""
PACKING_S = 30.0
"""For unpacking and packing, beyond the time of a command."""
ACTION = r"```mswea_bash_command\s*\n(.*?)\n```"
"""The package's own, of `LitellmTextbasedModelConfig`, which cannot be had without litellm."""


class Speaker:
    """A model's plain words, as a backend whose calls can be recorded."""

    kind = "openai"
    abilities: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: BackendSettings, limits_folder: str = "") -> None:
        self.name = name
        self.settings = settings
        self._limits_folder = limits_folder

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """Answer; see `Backend.ask`."""
        sent = [{"role": message.role, "content": message.content} for message in question.messages]
        wire = self._wire(on_wait)
        with wire.waiting(on_wait, question.patience_s):
            answer = wire.send(sent, on_token=on_token)
        cut: Fault = "truncated" if answer.cut else ""
        return Reply(text=answer.text, fault=cut, usage=answer.usage, model=answer.model)

    def _wire(self, on_wait: OnWait | None) -> Wire:
        if self.settings.kind != "local":
            return Wire(self.name, self.settings, limits_folder=self._limits_folder)
        from gammapygpt.llm.local import server
        from gammapygpt.llm.local.backend import launch

        say = on_wait or (lambda line: None)
        serving = server.running(launch(self.settings, say), say)
        at = self.settings.model_copy(update={"base_url": serving.url, "model": serving.launch.model})
        return Wire(self.name, at, serving.key, self._limits_folder)


class ModelConfig(BaseModel):
    """What the package's configuration says of its model."""

    observation_template: str
    format_error_template: str
    multimodal_regex: str = ""


class SpokenModel:
    """The package's protocol `Model`, text-based, over a recorded backend; stops where the run's budget ends."""

    def __init__(self, run: Run, request: Request, backend: Backend, **config: Any) -> None:
        self.run, self.request, self.backend = run, request, backend
        self.config = ModelConfig(**config)
        self.usage = Usage()

    def query(self, messages: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        """One call; raises FormatError where there is not exactly one command in the reply."""
        if spent := over_budget({"usage": self.usage}, self.run.context, drafts=False):
            raise LimitsExceeded(leaving("LimitsExceeded", spent))
        asked = Question(
            role="coder",
            step=f"peer-{self.usage.calls + 1}",
            messages=[Message(role=one["role"], content=one["content"]) for one in messages],
            form="script",
            patience_s=time_left({"usage": self.usage}, self.run.context),
            request=self.request,
        )
        with stage(self.run, "coder") as spent_here:
            self.run.tell({"event": "asked", "agent": "coder", "backend": self.backend.name})
            try:
                reply = self.backend.ask(asked)
            except PromptTooLong as error:
                raise LimitsExceeded(leaving("ContextWindowExceeded", str(error))) from None
        self.usage += reply.usage + Usage(wall_s=max(spent_here.wall_s, reply.usage.model_s))
        told = reply.usage.model_dump(include={"calls", "input_tokens", "cached_tokens", "output_tokens", "model_s"})
        self.run.tell({"event": "answered", "agent": "coder", "model": reply.model, "fault": reply.fault, **told})
        return {"role": "assistant", "content": reply.text, "extra": {"actions": self._actions(reply)}}

    def _actions(self, reply: Reply) -> list[dict[str, Any]]:
        finish = "length" if reply.fault == "truncated" else "stop"
        template = self.config.format_error_template
        try:
            return parse_regex_actions(
                reply.text,
                action_regex=ACTION,
                format_error_template=template,
                template_kwargs={"finish_reason": finish},
            )
        except FormatError:
            self.run.tell({"event": "unreadable", "finish": finish})
            raise

    def format_message(self, **message: Any) -> dict[str, Any]:
        """As it is: text alone."""
        return message

    def format_observation_messages(
        self, message: dict[str, Any], outputs: list[dict[str, Any]], template_vars: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """What a command printed, in the package's words."""
        template = self.config.observation_template
        return format_observation_messages(outputs, observation_template=template, template_vars=template_vars)

    def get_template_vars(self, **_: Any) -> dict[str, Any]:
        """For the package's templates."""
        return self.config.model_dump()

    def serialize(self) -> dict[str, Any]:
        """For the package's own record."""
        return {"info": {"config": {"model": self.config.model_dump()}}}


def leaving(status: str, why: str) -> dict[str, Any]:
    """The message that ends the package's loop."""
    return {"role": "exit", "content": why, "extra": {"exit_status": status, "submission": ""}}


class Command(BaseModel):
    """A command and what became of it; kept, so that a killed run does not run it again."""

    command: str
    output: dict[str, Any]
    """In the package's form."""
    saved: bool = False
    """Its files were brought home."""
    execution: Execution


class SandboxedEnvironment(LocalEnvironment):
    """The package's environment with every command in a sandbox of its own, over the files of the earlier ones."""

    def __init__(self, run: Run, request: Request, folder: Path, **config: Any) -> None:
        super().__init__(**config)
        self.run, self.request, self.folder = run, request, folder
        self.commands: list[Command] = []
        self.files: Path | None = None
        """On this machine, what lies in the peer's working folder."""
        self.usage = Usage()

    def execute(self, action: dict[str, Any], cwd: str = "", *, timeout: int | None = None) -> dict[str, Any]:
        """Run one command; raises Submitted when it says that the task is done."""
        number, line = len(self.commands) + 1, action.get("command", "")
        record = self.folder / f"{number:02d}.json"
        with stage(self.run, "executor") as spent:
            done = recorded(record)
            if done is None or done.command != line:
                self.run.tell({"event": "command", "number": number, "command": line[:200]})
                done = self._in_sandbox(line, self.folder / f"{number:02d}")
                write_json(record, done.model_dump())
        self.usage += Usage(wall_s=max(spent.wall_s, done.execution.wall_s))
        self.commands.append(done)
        if done.saved:
            self.files = self.folder / f"{number:02d}" / command.WORK
        self._check_finished(done.output)
        return done.output

    def _in_sandbox(self, line: str, workspace: Path) -> Command:
        shutil.rmtree(workspace, ignore_errors=True)
        limits = sandbox.limits(self.run.settings)
        state = self.files.parent / command.STATE if self.files else None
        packed = base64.b64encode(state.read_bytes()).decode() if state else ""
        order = (line, limits.wall_s, packed, self.config.env)
        script = Path(command.__file__).read_text(encoding="utf-8") + "\n\nrun({!r}, {!r}, {!r}, {!r})\n".format(*order)
        place = sandbox.open_sandbox(self.run.settings, self.request.data_path, warm=False)
        longer = limits.model_copy(update={"wall_s": limits.wall_s + PACKING_S})
        execution = gates.run(place, script, longer, workspace)
        ended, packed_up = how_it_ended(workspace), workspace / command.STATE
        output = {"output": execution.stdout, "returncode": ended.get("returncode", -1), "exception_info": ""}
        saved = bool(ended) and packed_up.is_file() and packed_up.stat().st_size <= MOST_BYTES
        (workspace / command.WORK).mkdir(exist_ok=True)
        if ended.get("late"):
            output["exception_info"] = failed(f"it timed out after {limits.wall_s:g} seconds")
            output["returncode"] = -1
        elif not saved:
            why = f"the limit on {execution.stopped_by} was reached" if execution.stopped_by else "it ended everything"
            why = "it left too much" if ended else why
            output["exception_info"] = failed(f"{why}, and its files are not kept")
        return Command(command=line, output=output, saved=saved, execution=execution)

    def get_template_vars(self, **more: Any) -> dict[str, Any]:
        """For the package's templates: nothing of this machine but its kernel, which the sandbox shows anyway."""
        here = platform.uname()
        kernel = {"system": here.system, "release": here.release, "version": here.version, "machine": here.machine}
        return {**self.config.model_dump(), **kernel, **more}


def failed(why: str) -> str:
    """In the package's words."""
    return f"An error occurred while executing the command: {why}"


def how_it_ended(workspace: Path) -> dict[str, Any]:
    """What the program inside wrote last; empty when it did not come to that. Nothing of it is trusted."""
    try:
        told = json.loads((workspace / command.ENDED).read_text(encoding="utf-8"))
        return {"returncode": int(told["returncode"]), "late": bool(told["late"])}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def recorded(file: Path) -> Command | None:
    """A command that was run before a kill, if it was."""
    try:
        return Command.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
