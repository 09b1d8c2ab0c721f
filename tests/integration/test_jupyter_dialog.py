"""A run that asks, is followed up, and is stopped, from the cells of a notebook: a real kernel, scripted replies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_run import REQUEST

from gammapygpt.runs.folder import RunFolder

pytest.importorskip("ipykernel", reason="needs gammapygpt[notebook]")

RIGHT = 'import json\njson.dump({"n_obs": 4}, open("result.json", "w"))\n'
SLOW = f"import time\ntime.sleep(600)\n{RIGHT}"
DRAWS = f"""\
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt

plt.plot([1, 2])
plt.savefig("line.png")
plt.close()

{RIGHT}"""


class Notebook:
    """A kernel to which cells are sent one by one, as a front end does."""

    def __init__(self, place: Path) -> None:
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(place))

    def run(self, cell: str, interrupt_at: str = "") -> dict[str, Any]:
        """What a cell prints and displays, its status and the cell that it wants below; interrupted at some words."""
        said: list[str] = []
        images = 0

        def hear(message: dict[str, Any]) -> None:
            nonlocal images, interrupt_at
            content = message["content"]
            data = content.get("data", {})
            said.append(content.get("text") or data.get("text/html") or data.get("text/plain") or "")
            images += "image/png" in data
            if interrupt_at and interrupt_at in said[-1]:
                interrupt_at = ""
                self.manager.interrupt_kernel()

        reply = self.client.execute_interactive(cell, output_hook=hear, timeout=600)["content"]
        inputs = [one["text"] for one in reply.get("payload", []) if one["source"] == "set_next_input"]
        return {"status": reply["status"], "text": "\n".join(said), "images": images, "next": "".join(inputs)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, simulated_data: Path) -> Path:
    """Where a notebook and its runs lie, with settings for each script that is to be written."""
    place = tmp_path_factory.mktemp("dialog")
    for name, script in {"right": RIGHT, "slow": SLOW, "draws": DRAWS}.items():
        (place / f"{name}-replies.toml").write_text(f'[[reply]]\nrole = "coder"\nscript = {json.dumps(script)}\n')
        (place / f"{name}.toml").write_text(
            f'default_backend = "s"\n[backends.s]\nkind = "scripted"\nreplies = "{place / name}-replies.toml"\n'
            f'[data]\npath = "{simulated_data}"\n[runs]\nfolder = "{place / "runs"}"\n[sandbox]\nwarm = false\n'
            "[switches]\nplanner = false\ncritic = false\nretrieval = false\n"
        )
    return place


@pytest.fixture(scope="module")
def notebook(place: Path, no_settings: None) -> Iterator[Notebook]:
    """A kernel without widgets, so that what is said can be read."""
    book = Notebook(place)
    book.run("import sys; sys.modules['ipywidgets'] = None\n%load_ext gammapygpt")
    yield book
    book.client.stop_channels()
    book.manager.shutdown_kernel(now=True)


def latest(place: Path) -> RunFolder:
    return RunFolder(max((place / "runs").glob("2*"), key=lambda path: RunFolder(path).manifest()["created"]))


@pytest.mark.slow
def test_script_is_approved_by_running_the_next_cell(notebook: Notebook, place: Path) -> None:
    asked = notebook.run(f"%%gammapy --config right.toml --approve script\n{REQUEST}")
    assert "waits for you to approve the script in the next cell" in asked["text"]
    assert asked["next"] == f"%%gammapy --answer runs/{latest(place).name}\n{RIGHT}"
    done = notebook.run(asked["next"])
    assert (done["status"], done["next"].endswith(RIGHT)) == ("ok", True)
    assert "executor: attempt 1 passed" in done["text"]
    assert latest(place).manifest()["status"] == "passed"


@pytest.mark.slow
def test_script_is_edited_in_the_next_cell_or_rejected(notebook: Notebook, place: Path) -> None:
    asked = notebook.run(f"%%gammapy --config right.toml --approve script\n{REQUEST}")
    done = notebook.run(asked["next"].replace('"n_obs": 4', '"n_obs": 5'))
    assert "<td>5</td>" in done["text"]
    notebook.run(f"%%gammapy --config right.toml --approve script\n{REQUEST}")
    empty = notebook.run("%%gammapy --answer\n\n")
    assert "there is no script below the first line" in empty["text"]
    refused = notebook.run("%gammapy --reject too bold by far")
    assert "too bold by far" in refused["text"]
    assert latest(place).manifest()["status"] == "refused"


@pytest.mark.slow
def test_follow_up_shows_its_figure_and_gives_its_parts(notebook: Notebook, place: Path) -> None:
    notebook.run(f"%%gammapy --config right.toml --quiet\n{REQUEST}")
    before = latest(place).name
    done = notebook.run("%%gammapy --follow --config draws.toml\nnow with a figure")
    assert (done["status"], done["images"]) == ("ok", 1)
    assert latest(place).manifest()["follows"]["run"] == before
    parts = notebook.run("print(_.figures[0].name, _.result, _.choices, _.report.is_file(), _)")
    assert parts["text"].strip().startswith("line.png {'n_obs': 4} [] True ")


@pytest.mark.slow
def test_interrupted_cell_leaves_a_run_that_can_be_resumed(notebook: Notebook, place: Path) -> None:
    stopped = notebook.run(f"%%gammapy --config slow.toml\n{REQUEST}", interrupt_at="executor: running attempt 1")
    run = latest(place)
    assert stopped["status"] == "error"
    assert f"stopped; `%gammapy --resume runs/{run.name}` goes on with it" in stopped["text"]
    assert "Traceback" not in stopped["text"]
    assert run.manifest()["status"] == "interrupted"
    assert notebook.run("1 + 1")["text"].strip() == "2"


@pytest.mark.slow
def test_interrupted_run_is_gone_on_with(notebook: Notebook, place: Path) -> None:
    notebook.run(f"%%gammapy --config slow.toml\n{REQUEST}", interrupt_at="executor: running attempt 1")
    stopped = latest(place)
    (stopped.path.parent.parent / "slow-replies.toml").write_text("")  # nobody is asked again
    again = notebook.run("%gammapy --resume", interrupt_at="executor: running attempt 1")
    assert f"run {stopped.name}" in again["text"]
    assert again["status"] == "error", "the same script runs again, and is interrupted again"


@pytest.mark.slow
def test_refused_request_says_why_and_gives_no_script(notebook: Notebook, place: Path, simulated_data: Path) -> None:
    options = f"--data {simulated_data} --set switches.retrieval=false"
    refused = notebook.run(f"%%gammapy {options}\nThe neutrino flux of the Sun, please.")
    assert "refused" in refused["text"]
    assert (refused["next"], refused["status"]) == ("", "ok")
    assert "Traceback" not in refused["text"]
