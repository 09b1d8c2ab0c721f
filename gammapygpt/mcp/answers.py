"""What the tools give back: plain, typed data, whose descriptions a client reads in the output schemas."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gammapygpt.state import Finding, Severity, Snippet

LONGEST_PIECE = 6000
"""Characters of one piece of reference material."""
TAIL = 4000
"""Characters kept of what a script printed, from its end."""


class Answer(BaseModel):
    """Text below a field is its description in the schema."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Piece(Answer):
    """One piece of reference material."""

    source: str
    """KIND:NAME, e.g. `api:gammapy.estimators.FluxPointsEstimator`, `tutorial:NAME`, `recipe:NAME`, `drift:OLD`."""
    title: str
    text: str
    score: float


class Found(Answer):
    """What a search found."""

    gammapy: str
    """Version of the installed Gammapy, which all pieces are about."""
    found: list[Piece]
    """The nearest first; empty if nothing is near enough."""
    notes: list[str]
    """What could not be looked up, and why."""


class Problem(Answer):
    """One thing that is wrong, or to be looked at, and what to do about it."""

    severity: Severity
    """`error` means that the script does not pass."""
    line: int | None
    message: str
    remedy: str
    """What to write instead; may be empty."""
    rule: str
    key: str
    """Key of result.json that it is about; empty for none."""


class Checked(Answer):
    """A script at gate 1; nothing was run."""

    passed: bool
    """No finding is an error."""
    gammapy: str
    """Version of the installed Gammapy that it was checked against."""
    findings: list[Problem]


class Explained(Answer):
    """What an error means in the installed Gammapy."""

    gammapy: str
    means: list[Piece]
    """What the message really says, and changes of the API that explain it: what to write instead. May be empty."""
    findings: list[Problem]
    """What is wrong with the names, calls and keywords of the script, if one was given."""
    material: list[Piece]
    """API and examples for the names that the error is about."""


class RecipeLine(Answer):
    """One recipe."""

    name: str
    answers: str
    """What it answers."""
    constants: dict[str, Any] = Field(default_factory=dict)
    """Values of its constants as the query asks for them; only with a query that the rules can read."""
    missing: list[str] = Field(default_factory=list)
    """Parts of the query that it does not do."""


class Recipes(Answer):
    """Tested scripts to start from."""

    recipes: list[RecipeLine]


class ConstantLine(Answer):
    """One constant at the top of a recipe."""

    value: Any
    meaning: str
    """Unit and meaning."""


class RecipeScript(Answer):
    """One recipe, ready to be run."""

    name: str
    answers: str
    constants: dict[str, ConstantLine]
    script: str


class Figure(Answer):
    """An image that a script saved."""

    name: str
    bytes: int
    shown: bool
    """Among the images of this answer; else it is the resource `run://RUN/figures/NAME`."""


class Job(Answer):
    """How a script or a request ended. Believe numbers only if the status is `passed`."""

    run: str
    """Its name, for `run://RUN/...`, `follow_up` and `resume`; empty for a script that was not run."""
    status: Literal["passed", "failed", "refused", "budget", "interrupted", "running"]
    """`refused`: it cannot be served, the reason says which part; `budget`: no attempt passed within it;
    `interrupted`: `resume` goes on."""
    reason: str
    result: dict[str, Any] = Field(default_factory=dict)
    """The numbers of the answer; empty where nothing passed."""
    units: dict[str, str] = Field(default_factory=dict)
    choices: list[dict[str, Any]] = Field(default_factory=list)
    """Analysis choices that were seen in the run: tell them with the numbers."""
    warnings: list[dict[str, Any]] = Field(default_factory=list)
    """What to look at before the numbers are believed: tell them too."""
    doubted: dict[str, Any] = Field(default_factory=dict)
    """Numbers that a script wrote and a gate does not believe; the findings say why."""
    script: str = ""
    """The one that passed, else the last one; empty where the client gave it."""
    findings: list[Problem] = Field(default_factory=list)
    """Of that script, at all gates."""
    hints: list[Piece] = Field(default_factory=list)
    """What its error means, and what to write instead."""
    traceback: str = ""
    stdout: str = ""
    """Its end."""
    stderr: str = ""
    """Its end."""
    seconds: float | None = None
    """Wall time of that script."""
    attempts: list[dict[str, Any]] = Field(default_factory=list)
    """Drafts so far."""
    usage: dict[str, Any] = Field(default_factory=dict)
    """Model calls and tokens."""
    figures: list[Figure] = Field(default_factory=list)
    question: dict[str, Any] | None = None
    """What the run waits for an answer to: show it to the user, then call `resume` with the decision."""
    folder: str
    """Where everything is kept."""


class RunLine(Answer):
    """One run."""

    run: str
    created: str
    """UTC."""
    status: str
    attempts: int
    backend: str
    request: str


class Runs(Answer):
    """The runs of this server's folder."""

    runs: list[RunLine]
    """The latest last."""


def pieces(snippets: list[Snippet]) -> list[Piece]:
    """Reference material, none of it endless."""
    return [Piece(**{**one.model_dump(), "text": one.text[:LONGEST_PIECE]}) for one in snippets]


def problems(findings: list[Finding]) -> list[Problem]:
    """Findings, the errors first."""
    ordered = sorted(findings, key=lambda finding: finding.severity != "error")
    return [Problem(**one.model_dump(include=set(Problem.model_fields))) for one in ordered]


def tail(text: str) -> str:
    """The end of a text."""
    return text if len(text) <= TAIL else f"[...]{text[-TAIL:]}"
