"""The models that are known by name: which file is meant, and where it can be had."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gammapygpt.errors import UserError


@dataclass(frozen=True)
class KnownModel:
    """One entry of `llm/models.toml`."""

    name: str
    title: str
    repository: str
    """On Hugging Face."""
    file: str
    sha256: str
    size: int
    """In bytes."""
    licence: str
    context: int
    """Longest prompt and reply together, in tokens."""
    url: str

    @property
    def shown_size(self) -> str:
        """The size for people."""
        return gigabytes(self.size)


def gigabytes(n_bytes: float) -> str:
    """A size for people, in GB."""
    return f"{n_bytes / 1e9:.1f} GB"


@cache
def known_models() -> dict[str, KnownModel]:
    """The known models by name; the first is the default."""
    table = tomllib.loads(files("gammapygpt.llm").joinpath("models.toml").read_text("utf-8"))
    return {
        name: KnownModel(name=name, url=table["address"].format(**entry), **entry)
        for name, entry in table["models"].items()
    }


def known_model(name: str) -> KnownModel:
    """The model of a name.

    Raises
    ------
    UserError
        There is none of this name.
    """
    models = known_models()
    if name not in models:
        raise UserError(
            f"there is no model {name!r}.", f"There is: {', '.join(models)}; or name the path of a GGUF file."
        )
    return models[name]
