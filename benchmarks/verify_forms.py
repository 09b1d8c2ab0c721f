"""Run every form of api_forms.toml: the old ones must fail as stated, at the line stated, and the new ones must run.

    GAMMAPY_DATA=... MPLBACKEND=Agg python benchmarks/verify_forms.py [ID ...] [--json FILE]

Scripts are executed one after another in this process, each in a namespace and a directory of its own, with Gammapy's
deprecation warnings as errors.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
import tomllib
import traceback
import warnings
from pathlib import Path
from typing import Any

FORMS = Path(__file__).with_name("api_forms.toml")
SCRIPT = "<form>"


def load_forms(path: Path = FORMS) -> list[dict[str, Any]]:
    """The forms, each with `lead`: the code of its preambles, which comes before `old` and before `new`."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    for form in content["form"]:
        form["lead"] = "".join(content["preambles"][name] + "\n" for name in form.get("preamble", []))
    return content["form"]


def run(script: str) -> tuple[BaseException | None, int]:
    """What a script raises when it is executed here (or None), and the line of the script that raises it."""
    import matplotlib.pyplot as plt
    from gammapy.utils.deprecation import GammapyDeprecationWarning

    home = Path.cwd()
    with tempfile.TemporaryDirectory() as directory, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", GammapyDeprecationWarning)
        os.chdir(directory)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(compile(script, SCRIPT, "exec"), {"__name__": "__main__"})
        except (Exception, SystemExit) as error:
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == SCRIPT]
            return error, (lines[-1] if lines else getattr(error, "lineno", None)) or 0
        finally:
            os.chdir(home)
            plt.close("all")
    return None, 0


def complaints(form: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """What is not as the form states, and what was seen: error, message and line within `old`, seconds."""
    wrong, start, lead = [], time.perf_counter(), form["lead"].count("\n")
    seen: dict[str, Any] = {}
    if "old" in form:
        error, line = run(form["lead"] + form["old"])
        seen = {"error": type(error).__name__, "message": str(error)[:300], "at": line - lead}
        names = [kind.__name__ for kind in type(error).__mro__] if error else []
        if form.get("error") and form["error"] not in names:
            wrong.append(f"old: {form['error']} expected, got {seen['error']} at {line - lead}: {seen['message']}")
        elif not form.get("error") and error:
            wrong.append(f"old: fails with {seen['error']} at {line - lead}: {seen['message']}")
        elif form.get("match", "") not in str(error):
            wrong.append(f"old: message expected to contain {form['match']!r}: {seen['message']}")
        elif error and form.get("at") != line - lead:
            wrong.append(f"old: fails at line {line - lead}, not {form.get('at')}: {seen['message']}")
    if "new" in form:
        error, line = run(form["lead"] + form["new"])
        if error is not None:
            wrong.append(f"new: {type(error).__name__} at {line - lead}: {str(error)[:300]}")
    return wrong, {**seen, "seconds": round(time.perf_counter() - start, 2)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", help="forms to run; all without it")
    parser.add_argument("--json", type=Path, help="write what was seen to this file")
    options = parser.parse_args()
    if "GAMMAPY_DATA" not in os.environ:
        parser.error("set GAMMAPY_DATA to the directory that holds hess-dl3-dr1")
    forms = [form for form in load_forms() if not options.ids or form["id"] in options.ids]
    record, failures = {}, 0
    for form in forms:
        wrong, record[form["id"]] = complaints(form)
        failures += bool(wrong)
        for line in wrong:
            print(f"{form['id']}: {line}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(f"{len(forms) - failures} of {len(forms)} forms are as stated")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
