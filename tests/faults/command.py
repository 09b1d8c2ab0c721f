"""`gammapygpt` in this process, with settings of its own, for runs whose coder alone speaks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from gammapygpt.cli import app

SCRIPT = "import json\n\njson.dump({'n_obs': 4}, open('result.json', 'w'))\n"
FENCED = f"```python\n{SCRIPT}```\n"
RESULT = {"n_obs": 4}


def command_line(
    folder: Path, data: Path, backend: dict[str, Any], environment: dict[str, str] | None, *, looks_up: bool = False
) -> Callable[..., Result]:
    """`gammapygpt` with settings of its own; only the coder speaks."""
    config = folder / "config.toml"
    config.write_text(
        "\n".join(
            [
                'default_backend = "test"',
                "[backends.test]",
                *(f"{name} = {json.dumps(value)}" for name, value in backend.items()),
                f'[data]\npath = "{data}"\n[runs]\nfolder = "{folder / "runs"}"',
                f"[switches]\nretrieval = {str(looks_up).lower()}\nplanner = false\ncritic = false",
                "[sandbox]\nwarm = false\nverify = false",
            ]
        )
    )

    def line(*words: str) -> Result:
        quiet = ["--quiet"] if words[0] in ("run", "resume") else []
        return CliRunner().invoke(app, [*words, "--config", str(config), *quiet], env=environment)

    return line


def the_run(folder: Path) -> Path:
    """The one run folder that there is."""
    (run,) = (path for path in (folder / "runs").iterdir() if path.is_dir())
    return run
