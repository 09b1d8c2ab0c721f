"""A key that comes in, is pasted, is echoed: found in nothing that is written, printed or shown by a crash."""

from __future__ import annotations

import io
import os
import stat
from urllib.parse import quote

import pytest
from canary import canary, leaks, not_private, told
from faults import secrets
from faults.house import COUNTS, REQUEST, House, fenced
from rich.console import Console
from rich.traceback import Traceback

from gammapygpt.llm.wire import Wire
from gammapygpt.runs.export import exported
from gammapygpt.session import start
from gammapygpt.settings_loading import load_settings

SECRET = canary(8)


@pytest.fixture
def house(tmp_path, simulated_data, monkeypatch) -> House:
    house = House(tmp_path / "user", simulated_data, SECRET)
    monkeypatch.chdir(tmp_path / "user" / "work")
    monkeypatch.setenv("FARM", SECRET)
    return house


def test_a_run_under_an_open_umask_is_private_and_holds_no_key(house, scripted_server, capfd):
    script = f"# Bearer {SECRET}\n{COUNTS}print({SECRET!r}, {quote(SECRET, safe='')!r})\n"
    server = scripted_server({"text": f"Your key is {SECRET}.\n```python\n{script}```"})
    server.key = SECRET
    settings = load_settings(house.settings(server.url, 'api_key_env = "FARM"'))
    before = os.umask(0)
    try:
        run = start(f"{REQUEST} With {SECRET}.", settings)
        events = list(run.stream())
        made = exported(run.folder, "zip", house.place / "work" / "run.zip").path
    finally:
        os.umask(before)
    assert run.outcome.status == "passed"
    runs = run.folder.path.parent
    assert not not_private(runs, run.folder.path, *runs.glob("checkpoints.sqlite*"))
    assert stat.S_IMODE(made.stat().st_mode) == 0o666  # what is handed on is as the umask says
    assert "With [key]." in run.folder.manifest()["request"]["text"]
    printed = capfd.readouterr()
    assert not house.leaks() + told([SECRET], f"{events} {server.bodies} {printed.out} {printed.err}")


def test_a_crash_that_shows_local_variables_shows_no_key(house, scripted_server, monkeypatch):
    def mistake(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(Wire, "_charged", mistake)
    settings = load_settings(house.settings(scripted_server(fenced(COUNTS)).url, 'api_key_env = "FARM"'))
    with pytest.raises(ZeroDivisionError) as caught:
        list(start(REQUEST, settings).stream())
    shown = io.StringIO()
    every = Traceback.from_exception(
        caught.type,
        caught.value,
        caught.tb,
        show_locals=True,
        locals_max_string=None,
        locals_max_length=None,
        max_frames=0,
    )
    Console(file=shown, width=400).print(every)
    assert "SecretStr('**********')" in shown.getvalue()
    # the frames of this test know the secret, and are left out
    frames = shown.getvalue().split("gammapygpt/session.py")[-1].split("gammapygpt/run.py", 1)[-1]
    assert not told([SECRET], frames)
    assert not leaks([SECRET], house.runs)


@pytest.mark.slow
@pytest.mark.parametrize("fault", secrets.ways())
def test_every_way(fault, tmp_path, simulated_data):
    trial = secrets.tried(fault, secrets.ways()[fault], tmp_path / "user", simulated_data, seed=8)
    assert trial.survived, trial.detail
