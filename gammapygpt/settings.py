"""Settings: what may be set, with types and defaults. Holds names of secrets, never secrets. Not how they are read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from gammapygpt.keys import SHAPES
from gammapygpt.state import Role, Subject

Ability = Literal["tools", "json_schema", "prefill"]


def _web_address(url: str) -> str:
    if url:
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:  # a port that is no port, half an IPv6 address
            parts, valid = urlsplit(""), False
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                "should hold neither user and password nor a query: name the key's variable or file instead of the key"
            )
        if not valid or re.search(r"[\s\x00-\x1f]", url):
            raise ValueError("should be a web address with a host, such as https://example.org/v1")
    return url


def _variable_name(name: str) -> str:
    if name and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", name):
        raise ValueError("should be the NAME of an environment variable, in capitals, never the key itself")
    return name


def _key_file(path: str) -> str:
    if path and not re.match(r"[/~]", path):
        raise ValueError("should be the path of a file, from / or ~, never the key itself")
    return path


def _store(place: str) -> str:
    if "://" in place:
        return _web_address(place)
    if place not in ("disk", "memory") and not re.match(r"[/~.]|[A-Za-z]:", place):
        raise ValueError("should be disk, memory, the address of a Qdrant server, or a folder such as /data/index")
    return place


def _checkpoint_store(address: str) -> str:
    """Nothing that is refused may hold a password in its message."""
    if not address:
        return address
    scheme, _, rest = address.partition("://")
    if scheme not in ("postgresql", "postgres") or not rest or re.search(r"[\s\x00-\x1f]", address):
        raise ValueError("should be empty, or an address such as postgresql://user@host/database")
    place, _, options = rest.partition("?")
    user, at, _ = place.rpartition("@")
    named = {name.lower() for name, _ in parse_qsl(options, keep_blank_values=True)}
    if named & {"password", "sslpassword"} or ":" in user or (at and "/" in user) or "@" in options:
        raise ValueError(
            "should hold no password: put the NAME of an environment variable into runs.password_env, or use "
            "PGPASSWORD, ~/.pgpass or a service file"
        )
    return address


WebAddress = Annotated[str, AfterValidator(_web_address)]
CheckpointStore = Annotated[str, AfterValidator(_checkpoint_store)]
Store = Annotated[str, AfterValidator(_store)]
VariableName = Annotated[str, AfterValidator(_variable_name)]
KeyFile = Annotated[str, AfterValidator(_key_file)]


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _read_words(cls, values: Any) -> Any:
        """What TOML and the environment cannot write otherwise: "none", and lists as words between commas."""
        if not isinstance(values, dict):
            return values
        read = dict(values)
        for name, field in cls.model_fields.items():
            value, kinds = read.get(name), get_args(field.annotation) or (field.annotation,)
            if not isinstance(value, str):
                continue
            if value.lower() == "none" and type(None) in kinds:
                read[name] = None
            elif list in (get_origin(field.annotation), *map(get_origin, kinds)) and not any(
                value in get_args(kind) for kind in kinds if get_origin(kind) is Literal
            ):
                read[name] = [word.strip() for word in value.split(",") if word.strip()]
        return read


class Origins(dict[tuple[str, ...], str]):
    """Where each value that is not a default came from. Two settings do not differ by that."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origins)

    __hash__ = None


class Prices(Section):
    """Per million tokens, in any one currency."""

    input: float = 0.0
    """Of what is sent."""
    cached: float | None = None
    """Of cached input; the input price where not given."""
    output: float = 0.0
    """Of what comes back."""


class ServingSettings(Section):
    """How a `local` model is served."""

    folder: str = ""
    """Where you keep model files: searched for one with the right sha256, whatever its name."""
    threads: int | None = Field(default=None, gt=0)
    """None means the physical cores."""
    context: int = Field(default=16384, ge=1024)
    """Prompt and reply together, in tokens; costs memory (the 1.5B model: 29 kB a token)."""
    cache_mb: int = Field(default=2048, ge=0)
    """For what was read of earlier prompts, beyond the last one; filled as they come."""
    repack: bool = False
    """Rearrange the weights in memory: some processors are faster then, but two runs no longer share them."""


LOCAL = {"model": "qwen2.5-coder-1.5b", "abilities": ["json_schema", "prefill"], "timeout_s": 1800.0, "retries": 1}
"""What a `local` backend has by default. llama.cpp enforces schemas and goes on with a reply whatever the model; small
models cannot call tools. One that does not answer is thinking, on a slow machine."""


class BackendSettings(Section):
    """One named language model (or none: `cookbook`)."""

    kind: Literal["openai", "local", "cookbook", "scripted", "replay"] = "openai"
    """A server that speaks as OpenAI's, a model on this machine, no model, replies from a file, or of another run."""
    model: str = ""
    """Of a `local` one: a name that `gammapygpt model list` shows, or a GGUF file."""
    base_url: WebAddress = ""
    """OpenAI-compatible endpoint, up to and including `/v1`."""
    api_key_env: VariableName = ""
    """Name of the environment variable with the key; empty where the server wants none."""
    api_key_file: KeyFile = ""
    """File whose first line is the key, instead of a variable; a file of yours that others can read is refused."""
    embedding_model: str = ""
    """The model of this server that `retrieval.embeddings` uses."""
    reasoning_effort: Literal["", "none", "minimal", "low", "medium", "high", "xhigh"] = ""
    """Empty leaves it to the server."""
    temperature: float | None = 0.0
    """None leaves it to the server (some reasoning models refuse any)."""
    timeout_s: float = Field(default=300.0, gt=0)
    """How long a server may say nothing, in s."""
    retries: int = Field(default=4, ge=0)
    """How often a request is repeated on 429, 5xx, a dropped connection or a timeout."""
    requests_per_minute: int | None = Field(default=None, gt=0)
    """Requests sent in any minute, repeated ones too, by all processes together; None means any number."""
    parallel_requests: int | None = Field(default=None, gt=0)
    """Requests under way at once, by all processes together; None means any number."""
    max_output_tokens: int = Field(default=4096, gt=0)
    """Of one reply."""
    abilities: list[Ability] | Literal["probe"] = "probe"
    """What the model can do beyond writing a fenced block; `probe` asks it once and remembers (not a `local` one)."""
    serving: ServingSettings = ServingSettings()
    """Of a `local` one."""
    prices: Prices = Prices()
    """For the cost of a run, and `budget.cost`."""
    replies: str = ""
    """File with the replies of a `scripted` backend; run folder of a `replay` one."""

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("kind") != "local":
            return values
        return {**LOCAL, **{key: value for key, value in values.items() if (key, value) != ("abilities", "probe")}}


class AnalysisSettings(Section):
    """The interpreter in which generated scripts run."""

    python: str = ""
    """Any Python with Gammapy; empty means the one that runs gammapygpt."""


class DataSettings(Section):
    path: str = ""
    """Data folder; empty means PHOTON_STORAGE, then GAMMAPY_DATA."""
    hess_url: WebAddress = "https://raw.githubusercontent.com/gammapy/gammapy-data/main/hess-dl3-dr1/"
    """Where `data fetch hess-dl3-dr1` finds the release."""


class SandboxSettings(Section):
    provider: Literal["auto", "bubblewrap", "landlock", "container", "unsafe-local"] = "auto"
    """`auto`: the first that works here; `unsafe-local` is none at all."""
    wall_s: float = Field(default=600.0, gt=0)
    """Of one script, in s."""
    cpu_s: float = Field(default=1200.0, gt=0)
    """Computing time of one script, in s."""
    memory_mb: int = Field(default=4096, gt=0)
    """Of the whole process tree."""
    processes: int = Field(default=64, gt=0)
    """Processes and threads of a script at once."""
    file_mb: int = Field(default=256, gt=0)
    """Largest single file."""
    workspace_mb: int = Field(default=1024, gt=0)
    """What a script may write in all."""
    files: int = Field(default=2000, gt=0)
    """Number of files collected from the workspace."""
    output_kb: int = Field(default=256, gt=0)
    """Kept of each of stdout and stderr, head and tail."""
    warm: bool = True
    """Import Gammapy into the sandbox that waits for a script; costs about 190 MB while a model writes."""
    verify: bool = True
    """Run the script that passed once more, where nothing was imported beforehand."""


class RetrievalSettings(Section):
    snippets: int = Field(default=6, ge=0)
    """How many pieces of reference material a prompt may hold."""
    store: Store = "disk"
    """Where the vectors live: `disk` (files in the cache folder), a folder, `memory`, or a Qdrant server's address."""
    store_key_env: VariableName = ""
    """Name of the environment variable with the key of the Qdrant server; empty where it wants none."""
    store_key_file: KeyFile = ""
    """File whose first line is that key, instead of a variable."""
    required: bool = True
    """A Qdrant server that does not answer, or an index that cannot be kept, stops the run; if false, it goes on."""
    embeddings: str = ""
    """Backend whose `embedding_model` adds dense vectors; empty means words alone."""
    threshold: float = Field(default=0.12, ge=0, lt=1)
    """Least part of a query's words, weighted by how rare they are, that a piece must cover."""
    gammapy_source: str = ""
    """Source tree, checkout or .tar.gz of the installed Gammapy, for its tutorials; empty means fetched once by pip."""
    documents: str = ""
    """Folder with documents of the user's own."""
    successes: bool = False
    """The user's own runs that passed are material too."""


class BudgetSettings(Section):
    """Where a run stops; None means no limit."""

    attempts: int = Field(default=5, ge=1)
    """Drafts."""
    model_calls: int | None = Field(default=30, ge=0)
    """Questions to a language model."""
    tokens: int | None = Field(default=400_000, ge=0)
    """In and out."""
    cost: float | None = Field(default=None, ge=0)
    """In the currency of the prices."""
    wall_s: float | None = Field(default=7200.0, gt=0)
    """Of the whole run, in s."""


class SwitchSettings(Section):
    """Which agents take part: the ablation knobs."""

    retrieval: bool = True
    """Look up what the installed Gammapy offers."""
    planner: bool = True
    """Plan before writing."""
    drafts: bool = True
    """Start from the recipe that the plan fills in, and ask a model only for what the recipe does not do."""
    critic: bool = True
    """Read a failure before the next draft, and the physics after a success."""
    optimiser: bool = False
    """Look for a faster or cleaner script once one has passed."""
    preflight: bool = True
    """Gate 1 before each run."""
    api_gate: bool = True
    """Gate 1 knows what the installed Gammapy offers; if false, it checks the contract alone."""
    skeptic: bool = True
    """Gate 3 doubts the physics and the origin of the numbers; if false, it looks at their form alone."""
    approve: list[Subject] = Field(default_factory=list)
    """What the user is asked about before it goes on: the plan before it is coded, the script before it is run."""

    @field_validator("approve", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A text names them with commas, as environment and command line do."""
        return [word.strip() for word in value.split(",") if word.strip()] if isinstance(value, str) else value


class RunsSettings(Section):
    folder: str = "runs"
    """Run folders and, unless `checkpoints` says otherwise, their checkpoints; relative to the current directory."""
    checkpoints: CheckpointStore = ""
    """Address of a Postgres database, without password: postgresql://user@host/database. Empty: SQLite beside the
    runs, which is for one machine; Postgres serves many."""
    password_env: VariableName = ""
    """Name of the environment variable with its password; empty leaves it to PGPASSWORD, ~/.pgpass, a service file."""
    tracing: bool = False
    """LangSmith is told of runs where LANGSMITH_TRACING is set. If false, nobody is told anything."""
    limits_folder: str = ""
    """Where processes meet that keep the limits of a backend together. Empty: all of the user's on this machine; a
    campaign on several machines: its own folder. On one that all machines share, the limits hold for all."""


class ValidationSettings(Section):
    validators: list[str] = Field(default_factory=list)
    """Names of entry points of the group `gammapygpt.validators`."""


BUILT_IN = ("cookbook", "local")
"""Backends that are there without a settings file."""


class Settings(Section):
    default_backend: str = "cookbook"
    """Name of the backend of all roles that have none of their own."""
    roles: dict[Role, str] = Field(default_factory=dict)
    """Backend of a role where it is not the default one."""
    backends: dict[str, BackendSettings] = Field(
        default_factory=lambda: {
            "cookbook": BackendSettings(kind="cookbook"),
            "local": BackendSettings(kind="local"),
        }
    )
    analysis: AnalysisSettings = AnalysisSettings()
    data: DataSettings = DataSettings()
    sandbox: SandboxSettings = SandboxSettings()
    retrieval: RetrievalSettings = RetrievalSettings()
    budget: BudgetSettings = BudgetSettings()
    switches: SwitchSettings = SwitchSettings()
    validation: ValidationSettings = ValidationSettings()
    runs: RunsSettings = RunsSettings()

    _origins: Origins = PrivateAttr(default_factory=Origins)

    @field_validator("backends", mode="before")
    @classmethod
    def _with_the_built_in(cls, backends: Any) -> Any:
        """The cookbook is there whatever a file defines, and `local` unless a file gives the name to another server."""
        if not isinstance(backends, dict):
            return backends
        built_in = {}
        for name in BUILT_IN:
            given = backends.get(name, {})
            elsewhere = isinstance(given, dict) and name == "local" and given.get("base_url")
            built_in[name] = {"kind": name, **given} if isinstance(given, dict) and not elsewhere else given
        return {**backends, **built_in}

    @field_validator("backends")
    @classmethod
    def _cookbook_stays(cls, backends: dict[str, BackendSettings]) -> dict[str, BackendSettings]:
        if backends["cookbook"].kind != "cookbook":
            raise ValueError("should not give the name 'cookbook' to another kind: it is the built-in one")
        return backends

    def backend_name(self, role: Role) -> str:
        """Name of the backend that speaks for a role."""
        return self.roles.get(role, self.default_backend)

    def origin(self, *key: str) -> str:
        """Where a value came from: `config.toml:14`, `environment variable ...`, `option ...`; empty for a default."""
        return self._origins.get(key, "")

    def origin_near(self, *key: str) -> str:
        """The same for the value or, where nobody wrote it, the table that it is missing from."""
        return next((self._origins[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self._origins), "")


def public_settings(settings: Settings) -> dict[str, Any]:
    """The settings as plain data that may be printed and kept: passwords and queries in addresses are masked."""

    def masked(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: masked(item) for key, item in value.items()}
        if isinstance(value, list):
            return [masked(item) for item in value]
        return without_secrets(value) if isinstance(value, str) else value

    return masked(settings.model_dump(mode="json"))


def without_secrets(text: str) -> str:
    """A text with `user:password@` and the query of every web address in it masked, and what looks like a key."""
    text = SHAPES.sub("***", text)
    text = re.sub(r"(\w+://)[^/\s]*@", r"\1***@", text)
    return re.sub(r"(\w+://[^\s?'\"]+)\?[^\s'\"]+", r"\1?***", text)
