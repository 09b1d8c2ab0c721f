"""The session shown in the README: `python scripts/terminal_session.py` types the commands and writes docs/session.svg.

The commands really run, on simulated data. The model of the second run is scripted, so that its first draft fails:
it uses an attribute that Gammapy lost. Progress is plain lines here; on a terminal a last line says who is at work.
"""

from __future__ import annotations

import io
import os
import pty
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "session.svg"
WIDTH = 104
SHOWN = 4
"""Analysis choices that are shown of each run; how many are left out is said."""

COMMANDS = [
    'gammapygpt run "Extract the spectrum of the Crab Nebula with reflected regions and fit a power law"',
    'gammapygpt follow-up "now with a log-parabola" --quiet',
    'gammapygpt run "Mean zenith angle of the four runs, as mean_zenith_deg" --no-planner --no-drafts',
]
DRAFT = """\
import json
import os
import numpy as np
from gammapy.data import DataStore

store = DataStore.from_dir(os.environ["GAMMAPY_DATA"] + "/dl3-simulated")
zenith = [observation.pointing_zen.deg for observation in store.get_observations()]
json.dump({"mean_zenith_deg": float(np.mean(zenith))}, open("result.json", "w"))
"""
REPAIRED = DRAFT.replace("observation.pointing_zen.deg", "observation.get_pointing_altaz(observation.tmid).zen.deg")
SETTINGS = """\
[roles]
coder = "demo"

[backends.demo]
kind = "scripted"
replies = "replies.toml"
"""

THEME = TerminalTheme(
    (24, 26, 31),
    (208, 212, 220),
    [
        *[(60, 64, 72), (224, 108, 117), (152, 195, 121), (229, 192, 123)],
        *[(97, 175, 239), (198, 120, 221), (86, 182, 194), (208, 212, 220)],
    ],
)
FRAME = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own frame without the fonts that it loads from the network."""


def session(folder: Path) -> list[tuple[str, str]]:
    """Each command, and what it printed, with the colours that a terminal shows."""
    from gammapygpt.data.simulate import simulate

    data = simulate(folder / "data")
    config = folder / "config.toml"
    config.write_text(SETTINGS, encoding="utf-8")
    replies = "".join(f"[[reply]]\nrole = \"coder\"\nscript = '''\n{script}'''\n" for script in (DRAFT, REPAIRED))
    (folder / "replies.toml").write_text(replies, encoding="utf-8")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PHOTON_STORAGE": str(data),
        "COLUMNS": str(WIDTH),
        "TERM": "xterm-256color",
    }
    told = []
    for command in COMMANDS:
        chosen = config if "--no-planner" in command else os.devnull
        told.append((command, typed(shlex.split(command), folder, {**environment, "GAMMAPYGPT_CONFIG": str(chosen)})))
    return told


def typed(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """What a command prints: progress, which is plain in a pipe, then the outcome as on a terminal."""
    ours, theirs = pty.openpty()
    progress = folder / "progress.txt"
    with progress.open("w") as errors, os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=theirs, stderr=errors, text=True)
        os.close(theirs)
        printed = b"".join(pieces(screen))
        if process.wait() != 0:
            raise SystemExit(f"{shlex.join(command)} failed:\n{progress.read_text()}{printed.decode()}")
    return progress.read_text() + printed.decode().replace("\r\n", "\n")


def pieces(screen: BinaryIO) -> Iterator[bytes]:
    """What arrives at a terminal until nobody is there any more."""
    while True:
        try:
            piece = screen.read(65536)
        except OSError:  # so Linux says that the other end is closed
            return
        if not piece:
            return
        yield piece


def picture(told: list[tuple[str, str]]) -> str:
    """The session as an SVG that needs nothing from the network."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for command, printed in told:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        lines = Text.from_ansi(printed.rstrip()).split("\n")
        console.print(*shortened(lines), "", sep="\n")
    return console.export_svg(title="gammapygpt", theme=THEME, code_format=FRAME, unique_id="session")


def shortened(lines: list[Text]) -> list[Text]:
    """The same without most of the analysis choices, and without empty lines."""
    filled = [line for line in lines if line.plain.strip()]
    head = next((n for n, line in enumerate(filled) if line.plain.startswith(" analysis choice")), len(filled))
    tail = next((n for n, line in enumerate(filled) if n > head and not line.plain.startswith(" ")), len(filled))
    first = head + 2 + SHOWN  # its name and a line stand above a table
    if tail <= first:
        return filled
    return [*filled[:first], Text(f" ... {tail - first} more ...", "dim"), *filled[tail:]]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(picture(session(Path(folder))), encoding="utf-8")
    print(PICTURE)
