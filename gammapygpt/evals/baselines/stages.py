"""What the baselines share: a run that is held while it is answered, its stages timed, its attempts kept whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from time import monotonic

from pydantic import ValidationError

from gammapygpt.agents.executor import attempted
from gammapygpt.errors import GammapyGPTError
from gammapygpt.llm.local.server import kept as local_models
from gammapygpt.run import Run
from gammapygpt.runs.folder import write_file
from gammapygpt.settings import SwitchSettings
from gammapygpt.state import Attempt, Usage

ATTEMPT = "attempt.json"


@contextmanager
def answered_by(run: Run, name: str, prompts: Sequence[str]) -> Iterator[None]:
    """Hold the run with all of ours switched off; what stops it is noted, so that it can be taken up again.

    Parameters
    ----------
    run : Run
        Whose switches and manifest are changed.
    name : str
        Of the baseline.
    prompts : sequence of str
        All fixed text that its model is given, for the manifest.
    """
    with run.folder.lock(), local_models():
        for switch in SwitchSettings.model_fields:  # all of which a baseline has not
            setattr(run.context, switch, False)
        said = sha256("\0".join(prompts).encode()).hexdigest()
        run.folder.update_manifest(
            status="running", reason="", switches=run.context.switches(), prompts={name: said}, answered_by=name
        )
        try:
            yield
        except GammapyGPTError as error:
            run.interrupted(str(error))
            raise
        except KeyboardInterrupt:
            run.interrupted("stopped by the user")
            raise


@contextmanager
def stage(run: Run, name: str) -> Iterator[Usage]:
    """Tell of the beginning and the end of a stage; the usage that it yields has its wall time afterwards."""
    run.tell({"event": "agent", "agent": name})
    spent, began = Usage(), monotonic()
    yield spent
    spent.wall_s = monotonic() - began
    run.tell({"event": "took", "agent": name, "seconds": round(spent.wall_s, 3)})


def keep(run: Run, attempt: Attempt) -> None:
    """Write an attempt down as every run does, then whole: what a killed run finished is not run again."""
    run.folder.keep_attempt(attempt)
    write_file(run.folder.attempt(attempt.number) / ATTEMPT, attempt.model_dump_json() + "\n")
    run.tell(attempted(attempt))


def kept(run: Run, number: int) -> Attempt | None:
    """The attempt that a killed run has finished, if it has."""
    try:
        return Attempt.model_validate_json((run.folder.attempt(number) / ATTEMPT).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None
