"""What a model wrote, and what is made of it."""

import pytest

from gammapygpt.llm import patching, reading
from gammapygpt.llm.forms import response_format, script_schema, tool
from gammapygpt.llm.openai import read_json, read_script
from gammapygpt.llm.stream import Answer

SCRIPT = """import json
from gammapy.data import DataStore

store = DataStore.from_dir("hess-dl3-dr1")
with open("result.json", "w") as file:
    json.dump({"n_obs": len(store.obs_ids)}, file)
"""


def fenced(code, language="python", closed=True):
    return f"```{language}\n{code}" + ("```\n" if closed else "")


@pytest.mark.parametrize(
    "text",
    [
        fenced(SCRIPT),
        f"Here you are:\n\n{fenced(SCRIPT)}\nIt counts observations.",
        fenced(SCRIPT, closed=False),
        fenced(SCRIPT, language=""),
        fenced("pip install gammapy\n", language="bash") + fenced(SCRIPT),
        fenced("import json\n") + "or rather\n" + fenced(SCRIPT),
        f"<think>\nFirst ```python\nwrong()\n``` no.\n</think>\n{fenced(SCRIPT)}",
        f"no opening tag, the template wrote it\n</think>\n\n{fenced(SCRIPT)}",
        SCRIPT,
    ],
    ids=["bare", "prose", "unclosed", "untagged", "shell-first", "longest", "think", "think-end-only", "plain-python"],
)
def test_a_script_is_found_in_whatever_surrounds_it(text):
    reply = read_script(Answer(text=text, finish="stop"), None)
    assert (reply.script, reply.lines, reply.fault) == (SCRIPT, None, "")
    assert reply.text == text


def test_a_docstring_with_a_tagged_fence_does_not_end_the_block():
    code = '"""Use\n```python\nx\n"""\nimport json\n'
    assert reading.fenced_blocks(fenced(code))[0].code == code.rstrip("\n")


@pytest.mark.parametrize(
    ("text", "finish", "fault"),
    [
        (fenced(SCRIPT, closed=False), "length", "truncated"),
        (SCRIPT, "length", "truncated"),
        ("<think>endless", "length", "truncated"),
        (fenced(SCRIPT) + "And now I expl", "length", ""),
        ("", "stop", "empty"),
        ("<think>only thoughts</think>", "stop", "empty"),
        ("```python\n```", "stop", "malformed"),
        ("I cannot do that.", "stop", "malformed"),
        ("Sure", "stop", "malformed"),
        ("", "content_filter", "refused"),
    ],
)
def test_no_script_has_a_reason(text, finish, fault):
    reply = read_script(Answer(text=text, finish=finish), None)
    assert reply.fault == fault
    assert bool(reply.fault_message) == bool(fault)
    assert bool(reply.script) == (not fault)


LONG = "\n".join(f"x{i} = {i}" for i in range(40))


@pytest.mark.parametrize(
    ("code", "offered", "lines"),
    [
        ("# lines 12-14\nmodel.index.value\n", (11, 15), (12, 14)),
        ("# line 12\nmodel.index.value\n", None, (12, 12)),
        ("# Lines 12 to 14:\nmodel.index.value\n", (11, 15), (12, 14)),
        ("model.index.value\n", (12, 14), (12, 14)),
        ("    table = obs.events.table\n", (12, 12), (12, 12)),
        ("from gammapy.estimators import FluxPointsEstimator\n", (3, 3), (3, 3)),
        ("model.index.value\n", None, None),
        (SCRIPT, (3, 5), None),
        (SCRIPT, (1, 6), None),
        (LONG, (12, 14), None),
        ("import json\n" + LONG, (1, 3), None),
        ("# lines 14-12\nimport json\n" + LONG, None, None),
        ("# lines 3-3\n" + SCRIPT, (3, 3), None),
    ],
)
def test_replacement_lines_are_told_from_a_whole_script(code, offered, lines):
    assert patching.replaced_lines(code, offered)[1] == lines


def test_the_marker_is_taken_off():
    reply = read_script(Answer(text=fenced("# lines 4-4\n    x = 1\n"), finish="stop"), (3, 5))
    assert (reply.script, reply.lines) == ("    x = 1\n", (4, 4))


@pytest.mark.parametrize(
    ("arguments", "offered", "script", "lines"),
    [
        ('{"code": "x = 1\\ny = 2", "first_line": 4, "last_line": 5}', (3, 6), "x = 1\ny = 2\n", (4, 5)),
        ('{"code": "x = 1", "first_line": 4, "last_line": null}', (3, 6), "x = 1\n", (4, 4)),
        ('{"code": "x = 1", "first_line": null, "last_line": null}', (3, 6), "x = 1\n", (3, 6)),
        ('{"code": "x = 1\ny = 2"}', None, "x = 1\ny = 2\n", None),
        ('{"code": "x = 1\\\\ny = 2"}', None, "x = 1\ny = 2\n", None),
        ('{"code": "print(1, \\"a\\\\nb\\")"}', None, 'print(1, "a\\nb")\n', None),
        ('{"code": "```python\\nx = 1\\n```"}', None, "x = 1\n", None),
        ("```python\nx = 1\n```", None, "x = 1\n", None),
    ],
)
def test_tool_arguments_are_read_leniently(arguments, offered, script, lines):
    reply = read_script(Answer(arguments=arguments, finish="tool_calls"), offered)
    assert (reply.script, reply.lines, reply.fault) == (script, lines, "")


def test_a_whole_script_is_one_whatever_line_numbers_come_with_it():
    import json

    arguments = json.dumps({"code": SCRIPT, "first_line": 3, "last_line": 5})
    reply = read_script(Answer(arguments=arguments, finish="tool_calls"), (3, 5))
    assert (reply.script, reply.lines) == (SCRIPT, None)


def test_cut_tool_arguments_are_truncated_not_malformed():
    assert read_script(Answer(arguments='{"code": "import js', finish="length"), None).fault == "truncated"
    assert read_script(Answer(arguments='{"code": "import js', finish="tool_calls"), None).fault == "malformed"


SCHEMA = {"title": "Plan", "type": "object", "required": ["steps"], "properties": {"steps": {"type": "array"}}}


@pytest.mark.parametrize(
    ("text", "finish", "value", "fault"),
    [
        ('{"steps": ["a"]}', "stop", {"steps": ["a"]}, ""),
        ('Of course: {"note": 1} and {"steps": []} done', "stop", {"steps": []}, ""),
        ('```json\n{"steps": ["a {b}"]}\n```', "stop", {"steps": ["a {b}"]}, ""),
        ('{"other": 1}', "stop", None, "malformed"),
        ('{"steps": ["a"', "length", None, "truncated"),
        ("", "stop", None, "empty"),
        ("[1, 2]", "stop", None, "malformed"),
    ],
)
def test_a_json_object_with_its_required_keys(text, finish, value, fault):
    reply = read_json(Answer(text=text, finish=finish), SCHEMA)
    assert (reply.value, reply.fault) == (value, fault)


def test_lines_are_asked_for_only_where_they_are_offered():
    assert set(script_schema(None)["properties"]) == {"code"}
    assert set(script_schema((3, 5))["properties"]) == {"code", "first_line", "last_line"}


def test_a_schema_is_strict_only_where_openai_accepts_it():
    assert response_format(script_schema((3, 5)))["json_schema"]["strict"] is True
    assert response_format(SCHEMA)["json_schema"]["strict"] is False
    assert tool({**SCHEMA, "title": "A plan!"})["name"] == "A_plan_"


BROKEN = """import json

total = 0
for number in (1, 2, 3):
    value = number.foo()
    total += value
with open("result.json", "w") as file:
    json.dump({"total": total}, file)
"""


@pytest.mark.parametrize(
    ("code", "lines", "script", "placed"),
    [
        ("    value = number", (5, 5), "    value = number", (5, 5)),
        ("value = number", (5, 5), "    value = number", (5, 5)),
        ("    value = number", (3, 7), "    value = number", (5, 5)),
        ("value = number", (3, 7), "    value = number", (5, 5)),
        (
            "for number in (1, 2, 3):\n    value = number",
            (5, 5),
            "for number in (1, 2, 3):\n    value = number",
            (4, 5),
        ),
        ("    value = number\n    total += value", (5, 5), "    value = number\n    total += value", (5, 6)),
        ("   5      value = number", (5, 5), "    value = number", (5, 5)),
        ("total = sum((1, 2, 3))", (3, 6), "total = sum((1, 2, 3))", (3, 6)),
        (
            "total = 0\nfor n in (1, 2, 3):\n    total += n",
            (3, 6),
            "total = 0\nfor n in (1, 2, 3):\n    total += n",
            (3, 6),
        ),
        ("if (", (5, 5), "if (", (5, 5)),
        ("x = 1", (7, 99), "x = 1", (7, 99)),
    ],
    ids=[
        "as-asked",
        "indentation-forgotten",
        "one-of-five",
        "one-of-five-dedented",
        "line-before-repeated",
        "line-after-repeated",
        "numbers-copied",
        "four-merged-into-one",
        "fewer-lines-whole-range",
        "no-python",
        "no-such-lines",
    ],
)
def test_replacement_lines_are_put_where_they_belong(code, lines, script, placed):
    fitted_code, fitted_lines = patching.fitted(code, lines, BROKEN)
    assert (fitted_code.rstrip("\n"), fitted_lines) == (script, placed)
