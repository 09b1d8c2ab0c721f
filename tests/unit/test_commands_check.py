"""What `check` makes of files: notebooks as scripts, findings as lines, JSON, SARIF and workflow commands."""

import ast
import json
from pathlib import Path

import pytest

from gammapygpt.commands import formats
from gammapygpt.commands.checked import Checked, Located, in_cells, named_files, notebook
from gammapygpt.commands.notebook_cells import Place, plain_python, script_of
from gammapygpt.errors import UserError
from gammapygpt.state import Finding

GONE = Finding(
    gate="api", kind="api", rule="missing-name", message="`maps` has no `Axis`.", remedy="Use MapAxis.", line=3
)
HINT = GONE.model_copy(update={"severity": "info", "rule": "hint", "line": None, "remedy": ""})


def cells(*code: str, **metadata: object) -> str:
    found = [{"cell_type": "code", "source": text.splitlines(keepends=True)} for text in code]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# Title"}, *found], "metadata": metadata})


# notebooks


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline\nimport numpy",
        "!pip install \\\n    gammapy\nx = 1",
        "if True:\n    %time fit.run()\nelse:\n    !ls",
        "files, n = !ls data \\\n   -l\nprint(files)",
        "result = %timeit -o f()\nresult.best",
        "?Map\nMapAxis.from_edges?\nx = 1",
        "%%time\nfit.run()",
        "%%bash\nfor f in *; do echo $f; done",
        "\n%%html\n<b>bold</b>",
        "",
    ],
)
def test_what_is_no_python_is_put_aside_line_by_line(cell):
    lines = plain_python(cell)
    assert len(lines) == len(cell.split("\n"))
    ast.parse("\n".join(lines))
    assert not any(line.strip().startswith(("%", "!", "?")) for line in lines)


def test_python_stays_as_it_is():
    cell = 'x = (7\n     %2)\ntext = """\n!no magic\n"""'
    assert plain_python(cell) == cell.split("\n")
    assert plain_python("%%time\nfit.run()")[1] == "fit.run()"


def test_lines_are_told_by_cell():
    read = script_of(cells("import os\n\nx = 1", "%pwd\ny = gone"))
    assert read.source.splitlines()[1:] == ["import os", "", "x = 1", "pass", "y = gone"]
    assert read.places[1:] == [Place(2, 1), Place(2, 2), Place(2, 3), Place(3, 1), Place(3, 2)]
    finding = GONE.model_copy(update={"line": 6})
    assert in_cells([finding], read) == [Located(finding.model_copy(update={"line": 2}), cell=3)]


def test_notebooks_of_format_3_are_read():
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1\n", "y = 2"]}]}]}
    assert script_of(json.dumps(old)).source.splitlines()[1:] == ["x = 1", "y = 2"]


def test_names_that_a_magic_may_bind_are_not_missed():
    missing = GONE.model_copy(update={"rule": "undefined-name"})
    assert in_cells([missing], script_of(cells("%pylab inline\nplot(x)"))) == []
    assert len(in_cells([missing], script_of(cells("%matplotlib inline\nplot(x)")))) == 1


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"cells": [1]}', cells("1", kernelspec={"language": "R"})])
def test_what_is_no_python_notebook_is_the_users_mistake(text):
    with pytest.raises(UserError, match="is no Python notebook"):
        notebook(Path("a.ipynb"), text)


# files


def test_folders_stand_for_their_scripts_each_once(tmp_path):
    for name in ("b.py", "a.py", "deep/c.py", ".venv/d.py", "lib/site-packages/e.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    found = named_files([tmp_path / "b.py", tmp_path, tmp_path / "nonesuch.py"])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["b.py", "a.py", "deep/c.py", "nonesuch.py"]


# formats


def test_a_workflow_command_cannot_be_broken_out_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    evil = GONE.model_copy(update={"message": "100 %\n::error::no,\r yes", "remedy": ""})
    (line,) = formats.github_lines(Checked(tmp_path / "a,b:c.py", [Located(evil)]))
    place, _, text = line.removeprefix("::").partition("::")
    assert place == "error file=a%2Cb%3Ac.py,line=3,title=gammapygpt missing-name"
    assert text == "100 %25%0A::error::no,%0D yes"
    (notice,) = formats.github_lines(Checked(Path("a.py"), [Located(HINT)]))
    assert notice.startswith("::notice file=a.py,line=1,")


def test_sarif_names_rule_level_and_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    elsewhere = Checked(Path("/else where/x.py"), [Located(HINT)])
    unread = Checked(Path("gone.py"), [], UserError("cannot read gone.py.", "Name a script."))
    log = formats.sarif([Checked(tmp_path / "sub dir" / "a.py", [Located(GONE)]), elsewhere, unread])
    assert log["version"] == "2.1.0"
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["hint", "missing-name"]
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("missing-name", 1, "error")
    assert first["message"]["text"] == "`maps` has no `Axis`. Use MapAxis."
    place = first["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]) == ("sub%20dir/a.py", {"startLine": 3})
    assert second["level"] == "note"
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///else%20where/x.py"
    assert not run["invocations"][0]["executionSuccessful"]
    assert "gone.py" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_a_cell_is_named_wherever_a_line_would_mislead():
    checked = Checked(Path("a.ipynb"), [Located(GONE, cell=4)])
    assert next(formats.text_lines(checked)).startswith("a.ipynb:cell 4 line 3: error:")
    assert "line=" not in next(formats.github_lines(checked)).partition(",title")[0]
    result = formats.sarif([checked])["runs"][0]["results"][0]
    assert "region" not in result["locations"][0]["physicalLocation"]
    assert result["message"]["text"].startswith("cell 4 line 3: ")
    assert formats.as_json(checked)["findings"][0]["cell"] == 4
