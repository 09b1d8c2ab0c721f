"""Settings: one TOML file, then the environment, then the command line. Holds names of secrets, never secrets."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gammapygpt.state import Role

Ability = Literal["tools", "json_schema", "prefill"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Prices(Section):
    """Per million tokens, in any one currency."""

    input: float = 0.0
    cached: float | None = None
    """Of cached input; the input price where not given."""
    output: float = 0.0


class BackendSettings(Section):
    """One named language model (or none: `cookbook`)."""

    kind: Literal["openai", "cookbook", "scripted"] = "openai"
    model: str = ""
    base_url: str = ""
    """OpenAI-compatible endpoint, up to and including `/v1`."""
    api_key_env: str = ""
    """Name of the environment variable with the key; empty where the server wants none."""
    embedding_model: str = ""
    reasoning_effort: Literal["", "minimal", "low", "medium", "high"] = ""
    temperature: float | None = 0.0
    """None leaves it to the server (some reasoning models refuse any)."""
    timeout_s: float = 300.0
    retries: int = Field(default=4, ge=0)
    """How often a request is repeated on 429, 5xx, a dropped connection or a timeout."""
    max_output_tokens: int = 4096
    abilities: list[Ability] | Literal["probe"] = "probe"
    """What the model can do beyond writing a fenced block; `probe` asks it once and remembers."""
    prices: Prices = Prices()
    replies: str = ""
    """File with the replies of a `scripted` backend."""


class AnalysisSettings(Section):
    """The interpreter in which generated scripts run."""

    python: str = ""
    """Any Python with Gammapy; empty means the one that runs gammapygpt."""


class DataSettings(Section):
    path: str = ""
    """Data folder; empty means PHOTON_STORAGE, then GAMMAPY_DATA."""
    hess_url: str = "https://www.mpi-hd.mpg.de/hfm/HESS/pages/dl3-dr1/"
    """Where `data fetch hess-dl3-dr1` finds the release."""


class SandboxSettings(Section):
    provider: Literal["auto", "bubblewrap", "landlock", "container", "unsafe-local"] = "auto"
    wall_s: float = Field(default=600.0, gt=0)
    cpu_s: float = Field(default=1200.0, gt=0)
    memory_mb: int = Field(default=4096, gt=0)
    """Of the whole process tree."""
    processes: int = Field(default=64, gt=0)
    file_mb: int = Field(default=256, gt=0)
    """Largest single file."""
    workspace_mb: int = Field(default=1024, gt=0)
    files: int = Field(default=2000, gt=0)
    """Number of files collected from the workspace."""
    output_kb: int = Field(default=256, gt=0)
    """Kept of each of stdout and stderr, head and tail."""


class RetrievalSettings(Section):
    snippets: int = Field(default=6, ge=0)
    """How many pieces of reference material a prompt may hold."""


class BudgetSettings(Section):
    """Where a run stops; None means no limit."""

    attempts: int = Field(default=5, ge=1)
    model_calls: int | None = 30
    tokens: int | None = 400_000
    cost: float | None = None
    wall_s: float | None = 7200.0


class SwitchSettings(Section):
    """Which agents take part: the ablation knobs."""

    retrieval: bool = True
    planner: bool = True
    critic: bool = True
    optimiser: bool = False
    preflight: bool = True
    """Gate 1 before each run."""
    approval: bool = False
    """Ask before a script is executed."""


class RunsSettings(Section):
    folder: str = "runs"
    """Run folders and the checkpoint database; relative to the current directory."""


class ValidationSettings(Section):
    validators: list[str] = Field(default_factory=list)
    """Names of entry points of the group `gammapygpt.validators`."""


class Settings(Section):
    default_backend: str = "cookbook"
    roles: dict[Role, str] = Field(default_factory=dict)
    """Backend of a role where it is not the default one."""
    backends: dict[str, BackendSettings] = Field(default_factory=lambda: {"cookbook": BackendSettings(kind="cookbook")})
    analysis: AnalysisSettings = AnalysisSettings()
    data: DataSettings = DataSettings()
    sandbox: SandboxSettings = SandboxSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    budget: BudgetSettings = BudgetSettings()
    switches: SwitchSettings = SwitchSettings()
    validation: ValidationSettings = ValidationSettings()
    runs: RunsSettings = RunsSettings()

    def backend_name(self, role: Role) -> str:
        """Name of the backend that speaks for a role."""
        return self.roles.get(role, self.default_backend)
