"""Is a local model ready to be used, how much memory does it take, and how fast is it? For `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gammapygpt.errors import InfrastructureError
from gammapygpt.llm.local import server
from gammapygpt.llm.local.backend import launch
from gammapygpt.llm.local.files import is_path
from gammapygpt.llm.local.gguf import read_head
from gammapygpt.llm.local.machine import free_memory, resident_memory
from gammapygpt.llm.local.models import gigabytes
from gammapygpt.settings import BackendSettings

LIBRARY = 200 * 2**20
"""Of llama.cpp itself and its work space, in bytes; measured with the 1.5B model."""
QUESTION = """\
Write a Python function that does what this one does, for any number of axes, and nothing else:

def separation(lon_1, lat_1, lon_2, lat_2):
    \"\"\"Angular separation of two positions on the sphere, all in rad (Vincenty), stable at all distances.\"\"\"
    from math import atan2, cos, hypot, sin

    difference = lon_2 - lon_1
    east = cos(lat_2) * sin(difference)
    north = cos(lat_1) * sin(lat_2) - sin(lat_1) * cos(lat_2) * cos(difference)
    along = sin(lat_1) * sin(lat_2) + cos(lat_1) * cos(lat_2) * cos(difference)
    return atan2(hypot(east, north), along)
"""
ANSWER_TOKENS = 48


@dataclass(frozen=True)
class Speed:
    """What was measured, once."""

    load_s: float
    """Starting the server and loading the model, in s."""
    read: float
    """Of a prompt, in tokens per second."""
    written: float
    """In tokens per second."""
    memory: int
    """Held by the server, mapped weights included, in bytes."""
    threads: int


def check_local(settings: BackendSettings) -> tuple[bool, str, str]:
    """Whether a local model can be used; see `check_endpoint`. Nothing is loaded.

    Raises
    ------
    UserError
        It cannot, and why.
    """
    server.check_installed()
    chosen = launch(settings)
    need, free = memory_needed(chosen), free_memory()
    verified = "" if is_path(settings.model) else ", sha256 verified"
    detail = (
        f"{_library()}; {chosen.model} in {chosen.file}{verified}; "
        f"needs {gigabytes(need)} of memory for {chosen.context} tokens, {gigabytes(free)} are free"
    )
    if need <= free:
        return True, detail, ""
    return True, detail, "It may be slow or fail: lower serving.context and serving.cache_mb of the backend."


def memory_needed(chosen: server.Launch) -> int:
    """Memory that a server may come to take, in bytes: weights, context, earlier prompts, the library."""
    file = Path(chosen.file)
    earlier = chosen.cache_mb * 2**20
    return file.stat().st_size + chosen.context * read_head(file).token_bytes + earlier + LIBRARY


def measured(settings: BackendSettings) -> Speed:
    """Load a local model and ask it once, for its speed as of now: other work on the machine counts.

    Raises
    ------
    UserError, InfrastructureError
        It cannot be used.
    """
    import httpx

    server.check_installed()
    chosen = launch(settings)
    with server.kept():
        serving = server.running(chosen, lambda line: None)
        with httpx.Client(timeout=settings.timeout_s, trust_env=False) as client:
            answer = client.post(
                f"{serving.url}/chat/completions",
                headers={"Authorization": f"Bearer {serving.key.get_secret_value()}"},
                json={
                    "messages": [{"role": "user", "content": QUESTION}],
                    "max_tokens": ANSWER_TOKENS,
                    "temperature": 0,
                    "cache_prompt": False,
                },
            )
        try:
            timings = answer.json()["timings"]
            read, written = float(timings["prompt_per_second"]), float(timings["predicted_per_second"])
        except (ValueError, KeyError, TypeError):
            raise InfrastructureError(f"{chosen.model} does not answer.", f"Its log is {serving.log}.") from None
        return Speed(serving.load_s, read, written, resident_memory(serving.process.pid), chosen.threads)


def _library() -> str:
    try:
        return f"{server.PROGRAM.needs} {version(server.PROGRAM.needs)}"
    except (PackageNotFoundError, ValueError):
        return "served by a program of its own"
