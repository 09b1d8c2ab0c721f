"""Tutorials as steps: what each shows, what it brings along of the steps before, and that it can be run."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from pyflakes.checker import Checker
from pyflakes.messages import UndefinedName

from gammapygpt.knowledge.document import LENGTH, LINES, Document, code_of_others
from gammapygpt.knowledge.headless import code
from gammapygpt.knowledge.tutorials import tutorial_documents

SPECTRUM = '''"""
Made-up spectrum
================

Fit `~math.pi` to nothing. It is short.

Prerequisites
-------------

-  Being able to read long sentences about what should have been read before, which is of no help at all, and is
   nevertheless repeated at the beginning of every tutorial, so that it should not be found by anybody.

Context
-------

The context says why one would want to do this, in so many words that they are worth a document of their own: a
background estimated from reflected regions is a measurement, too, and has its own fluctuations in every energy bin.

"""

import math
from pathlib import Path

# %matplotlib inline
from statistics import mean, median
from IPython.display import display

######################################################################
# Load data
# ---------
#
# First, we load some numbers. We then look at them.
#

path = Path("numbers")
path.mkdir(exist_ok=True)
numbers = [1.0, 4.0, 9.0]
unused = median(numbers)
display(numbers)

# %%
numbers

######################################################################
# Reduce data
# ~~~~~~~~~~~
#
# Roots are taken.

roots = []
for number in numbers:
    # the square root
    roots.append(math.sqrt(number))

######################################################################
# Peek at the data
# ----------------

numbers.peek()
plt.show()

######################################################################
# Compute the mean
# ----------------

result = mean(roots)
print(result)

(path / "result.txt").write_text(str(result))

######################################################################
# A second look. We read it back.

# sphinx_gallery_thumbnail_number = 5
print((path / "result.txt").read_text())
'''


def written(folder: Path, source: str, name: str = "analysis-1d/made_up") -> dict[str, Document]:
    """Documents of one tutorial by the part of their source behind the `#`."""
    path = folder / "examples" / "tutorials" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    found, notes = tutorial_documents(folder, "9.9")
    assert notes == []
    return {document.snippet.source.partition("#")[2]: document for document in found}


def run(script: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_tutorial_becomes_one_document_a_section(tmp_path: Path) -> None:
    found = written(tmp_path, SPECTRUM)
    assert [(document.kind, anchor) for anchor, document in found.items()] == [
        ("guide", "context"),
        ("tutorial", "load-data"),
        ("tutorial", "reduce-data"),
        ("tutorial", "compute-the-mean"),
    ]
    assert found["reduce-data"].snippet.source == "tutorial:analysis-1d/made_up#reduce-data"
    assert found["reduce-data"].snippet.title == "Made-up spectrum > Load data > Reduce data"


def test_a_step_cites_its_version_and_tutorial_and_says_what_it_does(tmp_path: Path) -> None:
    lines = written(tmp_path, SPECTRUM)["load-data"].snippet.text.splitlines()
    assert lines[0] == '# Gammapy 9.9, tutorial "Made-up spectrum": Load data'
    assert lines[1] == "# First, we load some numbers. We then look at them."


def test_a_step_runs_with_what_it_needs_of_earlier_ones_and_no_more(tmp_path: Path) -> None:
    step = written(tmp_path, SPECTRUM)["compute-the-mean"].snippet.text
    assert "earlier step" not in step
    assert "import math\n" in step
    assert "from statistics import mean\n" in step
    assert "unused" not in step
    assert run(step, tmp_path) == "2.0\n2.0\n"


def test_what_a_notebook_shows_is_printed_and_magics_go(tmp_path: Path) -> None:
    found = written(tmp_path, SPECTRUM)
    text = "".join(document.snippet.text for document in found.values())
    for furniture in ("%matplotlib", "IPython", "display(", "peek(", "plt.show", "sphinx_gallery", "####", "%%"):
        assert furniture not in text
    assert run(found["load-data"].snippet.text, tmp_path) == "[1.0, 4.0, 9.0]\n" * 2


def test_comments_and_later_prose_stay_with_their_code(tmp_path: Path) -> None:
    found = written(tmp_path, SPECTRUM)
    assert "    # the square root\n" in found["reduce-data"].snippet.text
    assert '# A second look.\nprint((path / "result.txt").read_text())' in found["compute-the-mean"].snippet.text


def test_what_is_too_long_to_bring_along_is_named_with_its_step(tmp_path: Path) -> None:
    table = "table = {\n" + "".join(f'    "run {n}": {n},\n' for n in range(100)) + "}\n"
    source = f'"""\nLong\n====\n"""\n\n# %%\n# Table\n# -----\n\n{table}\n# %%\n# Use\n# ---\n\nprint(len(table))\n'
    step = written(tmp_path, source)["use"].snippet.text
    assert "# `table` comes from an earlier step (Table): table = {" in step
    assert ast.parse(step).body[0].lineno == len(step.splitlines())


def test_a_name_half_made_is_said_to_come_from_an_earlier_step(tmp_path: Path) -> None:
    """`datasets = Datasets()` without the loop that fills it would run, and mislead."""
    fill = "for n in range(3):\n" + "".join(f"    datasets.append(n + {i})\n" for i in range(80))
    source = (
        f'"""\nLong\n====\n"""\n\n# %%\n# Make\n# ----\n\ndatasets = list()\n{fill}\n'
        "# %%\n# Use\n# ---\n\nprint(len(datasets))\n"
    )
    step = written(tmp_path, source)["use"].snippet.text
    assert "`datasets` comes from an earlier step (Make)" in step
    assert "datasets = list()\n" not in step.replace("(Make): datasets = list()", "")


def test_models_come_as_the_fit_left_them(tmp_path: Path) -> None:
    source = '''"""
Fits
====
"""

# %%
# Fit
# ---

class Fit:
    def run(self, datasets):
        for dataset in datasets:
            dataset.models[0]["index"] = 2.6


class Dataset:
    pass


model = {"index": 2}
dataset = Dataset()
datasets = [dataset]
dataset.models = [model]
fit = Fit()
fit.run(datasets)

# %%
# Use
# ---

print(model["index"])

# %%
# Changed later
# -------------

model["index"] = 3
'''
    step = written(tmp_path, source)["use"].snippet.text
    assert run(step, tmp_path) == "2.6\n"
    assert "= 3" not in step


def test_figures_are_saved_under_names_of_their_own_and_loops_keep_a_body() -> None:
    source = (
        "for ax in axes:\n    ax.peek()\n\nfig = draw()\nplt.show()\nobs.peek()\nplt.show()\nfig = draw()\nplt.show()"
    )
    assert code(source, "flux") == (
        "for ax in axes:\n    pass\n\nfig = draw()\n"
        'plt.savefig("flux_1.png")\nplt.close()\nfig = draw()\nplt.savefig("flux_3.png")\nplt.close()'
    )


def test_a_script_about_one_model_stays_in_one_piece(tmp_path: Path) -> None:
    source = '"""\n.. _pwl:\n\nPower law\n=========\n\nIt is a line.\n"""\n\n'
    source += "# %%\n# Plot\n# ----\n\nx = 1\n\n# %%\n# YAML\n# ----\n\nprint(x)\n"
    path = tmp_path / "examples" / "models" / "spectral" / "plot_pwl.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    (document,), _ = tutorial_documents(tmp_path, "9.9")
    assert document.snippet.source == "tutorial:models/spectral/plot_pwl#power-law"
    assert document.snippet.text.startswith('# Gammapy 9.9, tutorial "Power law"\n# It is a line.\n')
    assert run(document.snippet.text, tmp_path) == "1\n"


def test_a_tutorial_that_does_not_parse_is_left_out_by_name(tmp_path: Path) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "broken.py").write_text("def f(:\n")
    found, notes = tutorial_documents(tmp_path, "9.9")
    assert found == []
    assert len(notes) == 1
    assert notes[0].startswith("tutorial broken was left out:")


def test_every_step_of_the_installed_version_is_complete(gammapy_sources: Path) -> None:
    """Each parses, shows no display, and makes or explains each name that it reads; nearly all are short."""
    found, notes = tutorial_documents(gammapy_sources, "2.1")
    steps = [document.snippet for document in found if document.kind == "tutorial"]
    assert notes == []
    assert len(steps) > 300
    assert len({step.source for step in steps}) == len(steps)
    undefined = {}
    for step in steps:
        told = {line.split("`")[1] for line in step.text.splitlines() if line.startswith("# `")}
        with code_of_others():
            messages = Checker(ast.parse(step.text)).messages
        names = {message.message_args[0] for message in messages if isinstance(message, UndefinedName)}
        undefined |= {step.source: names - told} if names - told else {}
        assert "plt.show()" not in step.text
    assert undefined == {}
    long = [step.source for step in steps if len(step.text) > LENGTH or step.text.count("\n") > LINES]
    assert len(long) < 0.05 * len(steps)
    alone = [step for step in steps if "comes from an earlier step" not in step.text]
    assert len(alone) > 0.6 * len(steps)


@pytest.mark.hess
def test_a_step_of_the_installed_version_runs(
    gammapy_sources: Path, hess_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder of whoever asks, with data that lie elsewhere."""
    monkeypatch.setenv("GAMMAPY_DATA", str(hess_data))
    found, _ = tutorial_documents(gammapy_sources, "2.1")
    step = next(one.snippet.text for one in found if one.snippet.source == "tutorial:data/hess#dl3-dr1")
    assert "DataStore.from_dir" in step
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert "OBS_ID" in run(step, tmp_path)
    assert list(tmp_path.glob("hess_*.png"))
