"""A reader who types what a page shows, in a folder of his own, and compares what he sees."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from doc_blocks import ROOT, Block
from scripted_server import ScriptedServer

from gammapygpt.settings_loading import load_settings

END = "~~ ended with"
PRESETS = ROOT / "gammapygpt" / "presets.toml"
"""What `config init` writes."""
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass
class Step:
    """One command, and what it is said to print; None where nothing is shown."""

    command: str
    shown: str | None = None


@dataclass
class Reader:
    """Where he works, and what his shell knows.

    Attributes
    ----------
    folder : Path
        His current folder.
    environment : dict
        Variables of his shell.
    serve : callable
        Starts a scripted server that stands in for one of another house.
    """

    folder: Path
    environment: dict[str, str]
    serve: Callable[..., ScriptedServer]

    @property
    def settings_file(self) -> Path:
        """The one that is read where none is named."""
        return Path(self.environment["XDG_CONFIG_HOME"]) / "gammapygpt" / "config.toml"

    def does(self, block: Block) -> None:
        """What the page says, and sees whether it comes out as shown.

        A TOML block that is no named file is the settings file from then on.
        """
        if "not run" in block.marks:
            return
        if name := block.marks.get("file"):
            self.keeps(self.folder / name, block.source)
        elif command := block.marks.get("instead"):
            self.types(block, [Step(command)])
        elif block.language == "toml":
            self.keeps(self.settings_file, block.source)
            load_settings(self.settings_file, {}, {})
        elif block.language == "python":
            self.types(block, [Step(f"python - <<'END'\n{block.source}\nEND")])
        elif block.language in ("console", "bash"):
            self.types(block, steps(block))
        elif block.language == "diff":
            self.types(block, [Step(f"git apply - <<'END'\n{block.source}END")])

    def keeps(self, file: Path, text: str) -> None:
        """A file with this text."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def types(self, block: Block, todo: list[Step]) -> None:
        """Commands, one after the other in one shell."""
        script = "\n".join(f'{{ {step.command}\n}} </dev/null\ncode=$?; echo; echo "{END} $code"' for step in todo)
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment | self.servers(block),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        said = re.split(rf"^{END} (\d+)\n", done.stdout, flags=re.MULTILINE)
        assert len(said) == 2 * len(todo) + 1, f"{block}: the shell ended early: {done.stdout}"
        for number, step in enumerate(todo):
            output, code = said[2 * number], int(said[2 * number + 1])
            last = number == len(todo) - 1
            wanted = int(block.marks.get("exit", 0)) if last else 0
            assert code == wanted, f"{block}: `{step.command}` left with {code}, not {wanted}:\n{output}"
            if step.shown is not None:
                same = doctest.OutputChecker().check_output(step.shown, output, FLAGS)
                assert same, f"{block}: `{step.command}` printed\n{output}\nand not\n{step.shown}"

    def servers(self, block: Block) -> dict[str, str]:
        """Variables that lead the backends that a block marks to scripted servers."""
        file = self.settings_file if self.settings_file.is_file() else PRESETS
        found = {}
        for name in block.marks.get("served", "").split():
            server = self.serve({"text": "```python\nprint(7)\n```", "times": 1000})
            server.models = [load_settings(file, {}, {}).backends[name].model]
            found[f"GAMMAPYGPT_BACKENDS__{name.upper()}__BASE_URL"] = server.url
        return found


def steps(block: Block) -> list[Step]:
    """The commands of a block: those behind `$` with what they print, or a whole script."""
    if block.language == "bash":
        return [Step(block.source)]
    found: list[Step] = []
    for line in block.source.splitlines():
        if line.startswith("$ "):
            found.append(Step(line.removeprefix("$ ")))
        elif line.startswith("> ") and found[-1].shown is None:
            found[-1].command += "\n" + line.removeprefix("> ")
        else:
            found[-1].shown = (found[-1].shown or "") + line + "\n"
    return found


def shell(folder: Path, data: Path) -> dict[str, str]:
    """The variables of a reader who has installed the program, and has data."""
    kept = {name: value for name, value in os.environ.items() if name not in ("GAMMAPY_DATA", "GAMMAPYGPT_CONFIG")}
    (folder / ".config" / "astropy").mkdir(parents=True)  # astropy warns where it is missing
    return kept | {
        "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        "XDG_CONFIG_HOME": str(folder / ".config"),
        "PHOTON_STORAGE": str(data),
        "GAMMAPYGPT_SANDBOX__WARM": "false",  # half the computing time
        "COLUMNS": "120",
    }
