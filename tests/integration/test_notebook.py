"""The notebook of a whole analysis, run from top to bottom by a kernel: the same numbers, the figure in its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from gammapygpt.session import start
from gammapygpt.settings import Settings

nbclient = pytest.importorskip("nbclient", reason="needs gammapygpt[notebook] and nbclient")
pytest.importorskip("ipykernel", reason="needs gammapygpt[notebook]")


@pytest.mark.slow
def test_notebook_of_a_spectrum_gives_its_numbers_and_its_figure(simulated_data: Path, tmp_path: Path) -> None:
    import nbformat

    settings = Settings.model_validate(
        {
            "default_backend": "cookbook",
            "data": {"path": str(simulated_data)},
            "runs": {"folder": str(tmp_path / "runs")},
            "switches": {"retrieval": False},
        }
    )
    run = start("Spectrum of the Crab Nebula with reflected regions, power law", settings)
    list(run.stream())
    book = nbformat.read(run.folder.final / "notebook.ipynb", as_version=4)
    (tmp_path / "here").mkdir()
    nbclient.NotebookClient(book, timeout=600, resources={"metadata": {"path": str(tmp_path / "here")}}).execute()
    again = json.loads((tmp_path / "here" / "result.json").read_text())
    for key in ("index", "index_err", "amplitude", "n_on", "livetime_h"):
        assert_allclose(again[key], run.outcome.result[key], rtol=1e-6)
    figure = next(cell for cell in book.cells if "figure" in cell.metadata.get("tags", []))
    assert figure.outputs[0].data["image/png"]
    values = [one for cell in book.cells for one in cell.get("outputs", []) if one.output_type == "execute_result"]
    assert values == [], "no cell shows a value that nobody asked for"
