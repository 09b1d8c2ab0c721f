"""`gammapygpt config init/show/set/check`, as a user types them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gammapygpt import settings_file
from gammapygpt.commands import config
from gammapygpt.errors import UserError
from gammapygpt.settings_loading import load_settings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without settings, variables or keys."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("GAMMAPYGPT_CONFIG", "GAMMAPYGPT_DEBUG", "OPENAI_API_KEY", "BLABLADOR_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def type_in(*words: str) -> Result:
    return CliRunner().invoke(config.app, list(words))


def test_init_writes_the_presets_once_for_the_owner_alone(home: Path):
    path = home / "gammapygpt" / "config.toml"
    first = type_in("init")
    assert first.exit_code == 0
    assert str(path) in first.stdout
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("# mine\n")
    again = type_in("init")
    assert again.exit_code == 2
    assert again.stderr.startswith(f"gammapygpt: {path} is already there.")
    assert path.read_text() == "# mine\n"
    assert type_in("init", "--force").exit_code == 0
    assert path.read_text() == settings_file.template()


def test_show_prints_a_valid_settings_file_that_gives_the_same_settings(home: Path, monkeypatch: pytest.MonkeyPatch):
    type_in("init")
    monkeypatch.setenv("GAMMAPYGPT_SANDBOX__WALL_S", "60")
    shown = type_in("show", "--set", "budget.cost=2").stdout
    copy = home / "copy.toml"
    copy.write_text(shown)
    assert load_settings(copy, {}, {}) == load_settings(None, {"budget.cost": 2})
    assert "wall_s = 60.0 # environment variable GAMMAPYGPT_SANDBOX__WALL_S" in shown
    assert "cost = 2.0 # option budget.cost" in shown
    assert f'model = "alias-code" # {settings_file.shown(home)}/gammapygpt/config.toml:' in shown
    assert "cpu_s = 1200.0\n" in shown


def test_show_never_prints_a_secret(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-hidden")
    type_in("init")
    said = type_in("set", "backends.vllm.base_url", "https://me:hidden@farm.example.org/v1")
    assert (said.exit_code, "hidden" in said.output) == (2, False)
    text, as_json = type_in("show").stdout, type_in("show", "--json").stdout
    assert "hidden" not in text + as_json
    assert 'api_key_env = "OPENAI_API_KEY" # set; ' in text
    assert 'api_key_env = "BLABLADOR_API_KEY" # not set; ' in text
    assert json.loads(as_json)["keys"] == {"OPENAI_API_KEY": True, "BLABLADOR_API_KEY": False}


def test_set_changes_one_value_and_keeps_everything_else(home: Path):
    path = home / "gammapygpt" / "config.toml"
    type_in("init")
    before = path.read_text().splitlines()
    assert type_in("set", "backends.openai.model", "gpt-next").exit_code == 0
    after = path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.split("#")[0].strip() for _, new in changed] == ['model = "gpt-next"']
    assert changed[0][1].endswith("# or any other model that your account may use")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("key", "value", "where", "written"),
    [
        ("default_backend", "ollama", ("default_backend",), "ollama"),
        ("roles.coder", "vllm", ("roles", "coder"), "vllm"),
        ("sandbox.wall_s", "60", ("sandbox", "wall_s"), 60.0),
        ("budget.attempts", "3", ("budget", "attempts"), 3),
        ("budget.tokens", "none", ("budget", "tokens"), "none"),
        ("switches.optimiser", "true", ("switches", "optimiser"), True),
        (
            "backends.vllm.abilities",
            "json_schema,prefill",
            ("backends", "vllm", "abilities"),
            ["json_schema", "prefill"],
        ),
        ("backends.openai.prices.input", "1.25", ("backends", "openai", "prices", "input"), 1.25),
        ("validation.validators", "mine", ("validation", "validators"), ["mine"]),
    ],
)
def test_set_writes_the_type_that_the_key_has(
    home: Path, key: str, value: str, where: tuple[str, ...], written: object
):
    path = home / "gammapygpt" / "config.toml"
    assert type_in("set", key, value).exit_code == 0  # writes the presets first where there is no file
    found = tomllib.loads(path.read_text())
    for part in where:
        found = found[part]
    assert found == written
    assert "# Helmholtz Blablador" in path.read_text()


def test_set_adds_a_backend_only_when_it_is_complete(home: Path):
    path = home / "own.toml"
    path.write_text('[backends.farm]\nbase_url = "http://farm/v1"\n')
    refused = type_in("set", "backends.farm.temperature", "1", "--config", str(path))
    assert (refused.exit_code, "has no 'model'" in refused.stderr) == (2, True)
    assert type_in("set", "backends.farm.model", "qwen", "--config", str(path)).exit_code == 0
    assert load_settings(path, {}, {}).backends["farm"].model == "qwen"


FARM = 'model = "m"\nbase_url = "http://h/v1"\n'


@pytest.mark.parametrize(
    ("before", "key", "value", "after"),
    [
        ("[data]\n", "default_backend", "cookbook", 'default_backend = "cookbook"\n\n[data]\n'),
        ("sandbox.cpu_s = 3 # c\n", "sandbox.cpu_s", "4", "sandbox.cpu_s = 4.0 # c\n"),
        (
            "roles = { coder = 'a' }\n[backends.a]\n" + FARM,
            "roles.coder",
            "cookbook",
            'roles = { coder = "cookbook" }\n',
        ),
        (f"[backends.a]\n{FARM}[data]\n[backends.b]\n{FARM}", "backends.b.model", "x", '[backends.b]\nmodel = "x"\n'),
        (f"[backends.'x y']\n{FARM}", "backends.'x y'.model", "q", "[backends.'x y']\nmodel = \"q\"\n"),
        ('[data]\npath = """a\nb""" # c\n', "data.path", 'x"y\\z', 'path = "x\\"y\\\\z" # c\n'),
    ],
)
def test_set_keeps_the_way_in_which_a_file_is_written(home: Path, before: str, key: str, value: str, after: str):
    path = home / "own.toml"
    path.write_text(before)
    answer = type_in("set", key, value, "--config", str(path))
    assert answer.exit_code == 0, answer.stderr
    assert after in path.read_text()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("sandbox.wal_s", "60", "unknown key 'wal_s' in [sandbox]; did you mean 'wall_s'?"),
        ("sandbox.wall_s", "long", "wall_s in [sandbox] should be a valid number, not 'long'"),
        ("backends.vllm.base_url", "farm", "base_url in [backends.vllm] should be a web address"),
        ("default_backend", "nobody", "default_backend names backend 'nobody', which is not defined."),
        ("backends.openai.api_key", "sk-1", "unknown key 'api_key' in [backends.openai]; did you mean 'api_key_env'?"),
        ("sandbox", "60", "sandbox should be a table of keys"),
        ("Sandbox.wall_s", "60", "unknown key 'Sandbox' at the top level; did you mean 'sandbox'?"),
        ("sandbox.wall_s.x", "60", "wall_s in [sandbox] should be a valid number"),
        ("a b", "60", "'a b' is not a key."),
    ],
)
def test_set_writes_nothing_that_is_not_valid(home: Path, key: str, value: str, said: str):
    type_in("init")
    answer = type_in("set", key, value)
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert (home / "gammapygpt" / "config.toml").read_text() == settings_file.template()


def test_check_says_what_is_fine(home: Path):
    assert "the defaults hold" in type_in("check").stdout
    type_in("init")
    answer = type_in("check")
    assert answer.exit_code == 0
    assert "ok     backend cookbook: needs no key" in answer.stdout
    assert "unused backend openai: OPENAI_API_KEY is not set" in answer.stdout


def test_check_lists_all_mistakes_one_line_each(home: Path):
    path = home / "own.toml"
    path.write_text("[sandbox]\nwall_s = 0\nmemory = 1\n\n[roles]\ncoder = 5\n")
    answer = type_in("check", "--config", str(path))
    assert answer.exit_code == 2
    starts = [line.split(": ")[0] for line in answer.stdout.splitlines()]
    assert starts == [f"error  {path}:{line}" for line in (2, 3, 6)]


def test_check_wants_the_keys_of_the_backends_in_use(home: Path, monkeypatch: pytest.MonkeyPatch):
    type_in("set", "roles.coder", "blablador")
    missing = type_in("check")
    assert missing.exit_code == 2
    assert "the backend 'blablador' needs its key in the environment variable BLABLADOR_API_KEY" in missing.stdout
    monkeypatch.setenv("BLABLADOR_API_KEY", "hidden")
    answer = type_in("check")
    assert (answer.exit_code, "hidden" in answer.stdout) == (0, False)


def test_a_mistake_is_one_line_unless_debugging(home: Path, monkeypatch: pytest.MonkeyPatch):
    answer = type_in("show", "--config", str(home / "nowhere.toml"))
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("gammapygpt: there is no settings file")
    assert "Traceback" not in answer.stderr
    monkeypatch.setenv("GAMMAPYGPT_DEBUG", "1")
    assert isinstance(type_in("show", "--config", str(home / "nowhere.toml")).exception, UserError)
