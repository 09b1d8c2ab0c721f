"""Requests in the cells of a notebook: a real kernel, the rules of the cookbook, simulated data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="needs gammapygpt[notebook] and nbclient")
pytest.importorskip("ipykernel", reason="needs gammapygpt[notebook]")

REQUEST = "How many observations point within 2 deg of the Crab Nebula? Write n_obs to result.json."


class Executed:
    """The cells of a notebook after a kernel has run them, with what it wants in the next cell."""

    def __init__(self, cells: list[str], place: Path) -> None:
        from nbformat.v4 import new_code_cell, new_notebook

        self.book = new_notebook(cells=[new_code_cell(cell) for cell in cells])
        self.replies: dict[int, dict[str, Any]] = {}
        client = nbclient.NotebookClient(
            self.book,
            timeout=600,
            kernel_name="python3",
            allow_errors=True,
            resources={"metadata": {"path": str(place)}},
            on_cell_executed=self._keep,
        )
        client.execute()

    def _keep(self, cell: Any, cell_index: int, execute_reply: dict[str, Any]) -> None:
        self.replies[cell_index] = execute_reply["content"]

    def next_input(self, number: int) -> str:
        """What a cell puts below itself."""
        payload = self.replies[number].get("payload", [])
        return next((one["text"] for one in payload if one["source"] == "set_next_input"), "")

    def text(self, number: int) -> str:
        """What a cell printed and displayed, as plain text."""
        outputs = self.book.cells[number].outputs
        return "\n".join(one.get("text") or one.get("data", {}).get("text/plain", "") for one in outputs)

    def shown(self, number: int, kind: str) -> list[str]:
        """The outputs of a cell in one media type."""
        return [one.data[kind] for one in self.book.cells[number].outputs if kind in one.get("data", {})]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def executed(place: Path, simulated_data: Path, no_settings: None) -> Executed:
    """A notebook with a request, what comes after it, and mistakes."""
    options = f"--data {simulated_data} --set switches.retrieval=false --set sandbox.warm=false"
    cells = [
        "%load_ext gammapygpt",
        f"%%gammapy {options}\n{REQUEST}",
        "answer = _\nimport json",
        "print(json.dumps([answer.status, answer.result['n_obs'], answer.script[:9], str(answer.folder)]))",
        "%gammapy --last",
        f"%%gammapy {options}\n\n  \n",
        f"%%gammapy --attempts many\n{REQUEST}",
        "%%gammapy --data /nowhere\nspectrum of the Crab Nebula",
        "%gammapy --answer",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMMAPY_DATA", "/nowhere")
        patch.delenv("PHOTON_STORAGE", raising=False)
        return Executed(cells, place)


def test_answer_is_a_table_and_an_object(executed: Executed) -> None:
    assert "n_obs" in executed.text(1)
    html = executed.shown(1, "text/html")
    assert any("<td>4</td>" in text and "Analysis choices" in text for text in html), html
    status, number, script, folder = json.loads(executed.text(3))
    assert (status, number, script) == ("passed", 4, '"""Observ')
    assert Path(folder).parent.name == "runs"


def test_script_is_put_into_the_next_cell_and_runs_there(executed: Executed, place: Path, simulated_data: Path) -> None:
    cell = executed.next_input(1)
    assert f"os.environ['GAMMAPY_DATA'] = '{simulated_data}'\n" in cell
    compile(cell, "cell", "exec")


def test_progress_is_shown(executed: Executed) -> None:
    assert executed.shown(1, "application/vnd.jupyter.widget-view+json"), "a widget, as ipywidgets is installed"


def test_notebook_of_the_run_gives_the_same_numbers_from_top_to_bottom(executed: Executed, tmp_path: Path) -> None:
    import nbformat

    final = Path(json.loads(executed.text(3))[3]) / "final"
    book = nbformat.read(final / "notebook.ipynb", as_version=4)
    headings = [cell.source for cell in book.cells if cell.source.startswith("#") and cell.cell_type == "markdown"]
    assert headings[0].startswith(f"# {REQUEST.split('?')[0]}?")
    assert headings[1:4] == ["## Imports", "## Configuration", "## Select observations"]
    before = [cell.outputs for cell in book.cells if "result" in cell.metadata.get("tags", [])]
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    after = [cell.outputs for cell in book.cells if "result" in cell.metadata.get("tags", [])]
    assert json.loads(after[0][0].text)["n_obs"] == json.loads(before[0][0].text)["n_obs"] == 4
    assert json.loads((tmp_path / "result.json").read_text()) == json.loads((final / "result.json").read_text())


def test_last_run_is_at_hand(executed: Executed) -> None:
    assert "n_obs" in executed.text(4)


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (5, "the request is empty. Write what you want below the first line"),
        (6, "argument --attempts: invalid int value: 'many'"),
        (7, "/nowhere, which is not a folder"),
        (8, "waits for no answer"),
    ],
)
def test_mistake_is_one_clear_line(executed: Executed, number: int, line: str) -> None:
    text = executed.text(number)
    assert line in text
    assert "Traceback" not in text
    assert len(text.strip().splitlines()) == 1
    assert executed.replies[number]["status"] == "error", "what stands below is not run by `Run all`"
