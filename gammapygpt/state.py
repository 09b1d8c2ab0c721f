"""The vocabulary: plain, typed data that the agents pass on and that checkpoints keep. Imports nothing of ours."""

from __future__ import annotations

import operator
from typing import Annotated, Any, Literal, TypedDict

from pydantic import BaseModel, Field

Role = Literal["planner", "coder", "critic", "optimiser"]
FailureKind = Literal[
    "format",
    "contract",
    "syntax",
    "import",
    "api",
    "data",
    "runtime",
    "timeout",
    "memory",
    "output",
    "wrong_value",
    "physics",
    "infrastructure",
    "budget",
]
"""What went wrong; `infrastructure` and `budget` are not the script's fault."""

Severity = Literal["error", "warning", "info"]
StoppedBy = Literal["wall", "cpu", "memory", "processes", "output", "disk", "files"]
Status = Literal["running", "passed", "failed", "refused", "budget", "interrupted"]
ResultType = Literal["int", "float", "str", "list"]
Subject = Literal["plan", "script"]
"""What a user may be asked to approve."""


class ResultSpec(BaseModel):
    """One number that `result.json` must hold."""

    key: str
    type: ResultType | None = None
    unit: str = ""
    meaning: str = ""


class StoreInfo(BaseModel):
    """What may be told about one DL3 data store: numbers only, no free text out of its headers."""

    path: str
    """Relative to the data folder, `.` for the folder itself."""
    n_observations: int
    obs_ids: list[int]
    ra_deg: list[float]
    """Pointing right ascension (ICRS) of each observation, in deg; NaN where the table has none."""
    dec_deg: list[float]
    checksum: str
    """sha256 over both index tables."""


class Plan(BaseModel):
    """How the request will be answered. The planner's structured reply."""

    steps: list[str] = Field(default_factory=list)
    recipe: str = ""
    """Name of the closest recipe of the cookbook, or empty."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Values for the recipe's constants, in the constants' own units."""
    results: list[ResultSpec] = Field(default_factory=list)
    assumptions: list[str] = Field(default_factory=list)
    """Analysis choices that the request left open."""
    uncovered: list[str] = Field(default_factory=list)
    """Parts of the request that the recipe does not do; somebody has to write them."""
    edited: bool = False
    """The user changed it: where it differs from the request, it counts."""

    @property
    def covers(self) -> bool:
        """The recipe with these parameters answers the whole request."""
        return bool(self.recipe) and not self.uncovered


class Earlier(BaseModel):
    """The request that a follow-up goes on from, and what was learned there."""

    run: str
    text: str
    """What was asked then, whole."""
    asked: str
    """What the user says now: `now with a log-parabola`."""
    changes: list[str] = Field(default_factory=list)
    """How the rules read that as changes of the earlier request."""
    unread: str = ""
    """What of it no rule could read."""
    plan: Plan | None = None
    script: str = ""
    """The script that passed, or the last one that was tried."""
    result: dict[str, Any] = Field(default_factory=dict)
    """Numbers of the earlier answer."""
    lessons: list[str] = Field(default_factory=list)
    """What failed there and how it was remedied, one line each."""


class Request(BaseModel):
    """What the user asks, and where the answer is to be looked for."""

    text: str
    """The whole request; of a follow-up, the earlier request with the changes made in it."""
    earlier: Earlier | None = None
    data_path: str = ""
    """Folder that scripts see as PHOTON_STORAGE and GAMMAPY_DATA."""
    stores: list[StoreInfo] = Field(default_factory=list)
    results: list[ResultSpec] = Field(default_factory=list)
    """Keys that must come out whatever the planner thinks: from `--expect` (names and units, never values)."""
    expect_file: str = ""
    """Path alone; the values are read by the validator and by nobody else."""


class Snippet(BaseModel):
    """One piece of reference material from the installed Gammapy or the cookbook."""

    source: str
    """`KIND:NAME`, e.g. `recipe:reflected_spectrum`, `api:QUALIFIED.NAME`, `tutorial:NAME`, `drift:OLD`."""
    title: str
    text: str
    score: float = 0.0


class Environment(BaseModel):
    """What the analysis environment offers, seen from inside it."""

    python: str = ""
    """Version of its interpreter."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Installed version by distribution name."""
    modules: list[str] = Field(default_factory=list)
    """Importable dotted names: every top-level module, and the submodules of Gammapy and its companions."""
    names: dict[str, list[str]] = Field(default_factory=dict)
    """Public attributes by module, of Gammapy and its companions."""


class Finding(BaseModel):
    """One thing that a gate found: where, why, and what to do. Holds nothing secret: a model may read all of it."""

    gate: Literal["contract", "api", "outcome", "physics", "validator"]
    kind: FailureKind
    severity: Severity = "error"
    rule: str = ""
    """Stable short name, e.g. `bare-except`."""
    message: str
    remedy: str = ""
    line: int | None = None
    key: str = ""
    """The key of `result.json` that it is about, if any."""
    fact: str = ""
    """What was seen of the run that it rests on, if any: `ON region of 0.2 deg`."""


class Artefact(BaseModel):
    """A file that a script left in its workspace."""

    name: str
    """Relative path below the workspace, escaped for display."""
    bytes: int


class Execution(BaseModel):
    """One run of one script in a sandbox."""

    provider: str
    warm: bool = False
    exit_code: int | None = None
    stopped_by: StoppedBy | None = None
    wall_s: float = 0.0
    cpu_s: float | None = None
    peak_mb: float | None = None
    stdout: str = ""
    stderr: str = ""
    exception: str = ""
    """Qualified class name of the exception that ended the script, or empty."""
    message: str = ""
    traceback: str = ""
    """User frames only."""
    line: int | None = None
    """Line of the script where the exception left it."""
    warnings: list[str] = Field(default_factory=list)
    """Deprecation warnings of Gammapy, one line each."""
    artefacts: list[Artefact] = Field(default_factory=list)
    facts: dict[str, Any] = Field(default_factory=dict)
    """What was seen inside the run of data sets, masks and fits; see `checks/physics/facts.py`."""

    @property
    def completed(self) -> bool:
        """The script reached its end; says nothing about what it did."""
        return self.exit_code == 0 and self.stopped_by is None and not self.exception


class Validation(BaseModel):
    """Gate 3: is it right?"""

    passed: bool
    result: dict[str, Any] = Field(default_factory=dict)
    findings: list[Finding] = Field(default_factory=list)


class Usage(BaseModel):
    """What was spent. Sums with `+`."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    """Part of `input_tokens` that the server had in its prefix cache."""
    output_tokens: int = 0
    reasoning_tokens: int = 0
    """Part of `output_tokens`."""
    cost: float = 0.0
    """In the currency of the backend's prices; 0 where no price is known."""
    retries: int = 0
    """Requests repeated because the server hiccuped."""
    model_s: float = 0.0
    waited_s: float = 0.0
    """For the limits of a backend, before requests were sent; no part of `model_s`."""
    wall_s: float = 0.0
    """Time that the nodes took, model calls and executions included."""
    estimated: bool = False
    """Some tokens were counted by us because the server did not tell."""

    def __add__(self, other: Usage) -> Usage:
        numbers = {
            name: getattr(self, name) + getattr(other, name) for name in Usage.model_fields if name != "estimated"
        }
        return Usage(**numbers, estimated=self.estimated or other.estimated)

    @property
    def tokens(self) -> int:
        """Input plus output tokens."""
        return self.input_tokens + self.output_tokens


How = Literal["recipe", "first", "repair", "patch", "fresh", "candidate", "edited"]
"""How a draft came about."""


class Draft(BaseModel):
    """A script on its way to the executor, or the reason why there is none."""

    author: Literal["coder", "optimiser"]
    number: int
    """Of the attempt that it will be, from 1."""
    script: str = ""
    fault: Literal["", "truncated", "malformed", "empty", "refused"] = ""
    fault_message: str = ""
    how: How = "first"


class Attempt(BaseModel):
    """One draft and what became of it at the three gates."""

    number: int
    author: Literal["coder", "optimiser"]
    how: How = "first"
    script: str = ""
    findings: list[Finding] = Field(default_factory=list)
    execution: Execution | None = None
    validation: Validation | None = None
    failure: FailureKind | None = None
    signature: str = ""
    """Identifies the error whatever the numbers in it: the same signature twice means a change of strategy."""
    summary: str = ""
    """One line: what happened."""
    repeat_of: int | None = None
    """The earlier attempt with the same script; such a draft is not run again."""
    declined: str = ""
    """Why the optimiser's candidate is not kept although it passed, or empty."""

    @property
    def passed(self) -> bool:
        """All three gates let it through."""
        return self.failure is None and not self.declined and self.validation is not None and self.validation.passed


class Question(BaseModel):
    """What a run waits for its user to approve."""

    about: Subject
    number: int = 0
    """Of the draft."""
    plan: Plan | None = None
    script: str = ""
    findings: list[Finding] = Field(default_factory=list)
    """What gate 1 says of the script."""
    problem: str = ""
    """What is wrong with the last answer, when the question is put again."""


class Answer(BaseModel):
    """What the user says to a question."""

    decision: Literal["accept", "edit", "reject"]
    plan: Plan | None = None
    script: str = ""
    reason: str = ""
    """Of a rejection."""


class Critique(BaseModel):
    """What the critic makes of the last attempt. Its structured reply."""

    kind: FailureKind | None = None
    diagnosis: str = ""
    action: Literal["repair", "fresh", "replan", "give_up", "accept"] = "repair"
    advice: str = ""
    concerns: list[str] = Field(default_factory=list)
    """On success: what the user should look at before believing the numbers."""


class RunInput(TypedDict):
    """What a graph is started with."""

    request: Request


class RunState(TypedDict, total=False):
    """Everything that a checkpoint keeps."""

    request: Request
    snippets: list[Snippet]
    """What was found for the request."""
    looked_up: list[str]
    """Names that were looked up after a failure: never the same twice."""
    found: list[Snippet]
    """What was found for the names that the last attempt failed on; empty once the coder was told."""
    conversation: list[dict[str, Any]]
    """The coder's last messages; a repair is asked for below them."""
    plan: Plan | None
    draft: Draft | None
    attempts: Annotated[list[Attempt], operator.add]
    critique: Critique | None
    objections: dict[int, str]
    """By number of an attempt that passed all gates, why the critic does not take it for an answer."""
    refusal: str
    """Why an agent says that the request cannot be served, or empty."""
    usage: Annotated[Usage, operator.add]


class Outcome(BaseModel):
    """How a run ended."""

    status: Status
    reason: str = ""
    best: int | None = None
    """Number of the attempt that stands as the answer."""
    attempts: list[Attempt] = Field(default_factory=list)
    usage: Usage = Field(default_factory=Usage)

    @property
    def answer(self) -> Attempt | None:
        """The attempt that stands, if one does."""
        return next((attempt for attempt in self.attempts if attempt.number == self.best), None)

    @property
    def result(self) -> dict[str, Any]:
        """The numbers of the answer; empty when there is none."""
        return self.answer.validation.result if self.answer and self.answer.validation else {}
