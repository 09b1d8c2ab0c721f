"""Settings come from a file, the environment and the command line, in this order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gammapygpt import settings_file
from gammapygpt.errors import UserError
from gammapygpt.keys import read_key
from gammapygpt.llm.local.models import known_models
from gammapygpt.settings import Settings, public_settings
from gammapygpt.settings_loading import check_key, load_settings

FILE = """\
# my own
default_backend = "farm"

[backends.farm]
model = "qwen"
base_url = "http://farm.example.org:8000/v1"
api_key_env = "FARM_KEY"
prices = { input = 0.5, output = 1.5 }

[sandbox]
wall_s = 100
memory_mb = 2048

[budget]
tokens = "none"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(FILE)
    return path


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def broken(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **overrides: object) -> str:
    """The line that a user gets for a settings file."""
    with pytest.raises(UserError) as error:
        load_settings(written(tmp_path, text), overrides, environ or {})
    line = str(error.value)
    assert "\n" not in line
    return line.replace(f"{tmp_path}/", "")


def test_command_line_goes_before_environment_before_file_before_defaults(config: Path):
    environ = {"GAMMAPYGPT_SANDBOX__WALL_S": "60", "GAMMAPYGPT_SANDBOX__MEMORY_MB": "1024"}
    settings = load_settings(config, {"sandbox.wall_s": 30}, environ)
    assert (settings.sandbox.wall_s, settings.sandbox.memory_mb, settings.sandbox.cpu_s) == (30, 1024, 1200)
    assert load_settings(config, {}, environ).sandbox.wall_s == 60
    assert load_settings(config, {}, {}).sandbox.wall_s == 100


def test_each_value_knows_where_it_came_from(config: Path):
    settings = load_settings(config, {"budget.attempts": "3"}, {"GAMMAPYGPT_SANDBOX__WALL_S": "60"})
    assert settings.origin("default_backend") == f"{config}:2"
    assert settings.origin("backends", "farm", "prices", "output") == f"{config}:8"
    assert settings.origin("sandbox", "wall_s") == "environment variable GAMMAPYGPT_SANDBOX__WALL_S"
    assert settings.origin("budget", "attempts") == "option budget.attempts"
    assert settings.origin("sandbox", "cpu_s") == ""


def test_where_a_value_came_from_makes_no_difference(config: Path):
    assert load_settings(config, {}, {}) == load_settings(config, {"sandbox.wall_s": 100}, {})
    assert load_settings(config, {}, {}) != load_settings(config, {"sandbox.wall_s": 101}, {})


def test_the_cookbook_is_there_whatever_the_file_defines(config: Path):
    assert load_settings(config, {}, {}).backends["cookbook"].kind == "cookbook"
    assert list(Settings().backends) == ["cookbook", "local"]


def test_a_local_model_is_there_too_with_defaults_of_its_own(tmp_path: Path):
    local = load_settings(None, {}, {"GAMMAPYGPT_CONFIG": str(written(tmp_path, ""))}).backends["local"]
    assert (local.kind, local.model) == ("local", next(iter(known_models())))
    assert (local.abilities, local.timeout_s) == (["json_schema", "prefill"], 1800)
    text = '[backends.mine]\nkind = "local"\nmodel = "~/big.gguf"\nabilities = "probe"\nserving.threads = 4\n'
    mine = load_settings(written(tmp_path, text), {}, {}).backends["mine"]
    assert (mine.abilities, mine.retries, mine.serving.threads) == (["json_schema", "prefill"], 1, 4)
    again = type(mine).model_validate_json(mine.model_dump_json())
    assert again == mine


def test_a_server_that_somebody_called_local_stays_what_it_is(tmp_path: Path):
    text = '[backends.local]\nmodel = "m"\nbase_url = "http://127.0.0.1:8080/v1"\n'
    assert load_settings(written(tmp_path, text), {}, {}).backends["local"].kind == "openai"


def test_the_file_is_named_by_option_then_by_environment_then_by_the_platform(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    assert load_settings(environ={}) == Settings()
    settings_file.write(settings_file.default_path(), "[runs]\nfolder = 'mine'\n")
    assert load_settings(environ={}).runs.folder == "mine"
    assert load_settings(environ={"GAMMAPYGPT_CONFIG": str(config)}).default_backend == "farm"
    other = tmp_path / "other.toml"
    other.write_text("[runs]\nfolder = 'other'\n")
    assert load_settings(other, environ={"GAMMAPYGPT_CONFIG": str(config)}).runs.folder == "other"


@pytest.mark.parametrize(
    ("name", "text", "where", "value"),
    [
        ("GAMMAPYGPT_DEFAULT_BACKEND", "cookbook", ("default_backend",), "cookbook"),
        ("GAMMAPYGPT_ROLES__CODER", "farm", ("roles", "coder"), "farm"),
        ("GAMMAPYGPT_SWITCHES__OPTIMISER", "true", ("switches", "optimiser"), True),
        ("GAMMAPYGPT_BUDGET__COST", "2.5", ("budget", "cost"), 2.5),
        ("GAMMAPYGPT_BUDGET__WALL_S", "none", ("budget", "wall_s"), None),
        (
            "GAMMAPYGPT_BACKENDS__FARM__ABILITIES",
            "tools, prefill",
            ("backends", "farm", "abilities"),
            ["tools", "prefill"],
        ),
        ("GAMMAPYGPT_BACKENDS__FARM__ABILITIES", "probe", ("backends", "farm", "abilities"), "probe"),
        ("GAMMAPYGPT_BACKENDS__FARM__PRICES__INPUT", "3", ("backends", "farm", "prices", "input"), 3.0),
        ("GAMMAPYGPT_VALIDATION__VALIDATORS", "mine", ("validation", "validators"), ["mine"]),
    ],
)
def test_the_environment_can_set_anything(config: Path, name: str, text: str, where: tuple[str, ...], value: object):
    found = load_settings(config, {}, {name: text}).model_dump()
    for part in where:
        found = found[part]
    assert found == value


def test_the_environment_reaches_a_backend_with_hyphens_and_capitals(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text('[backends.My-Farm]\nmodel = "a"\nbase_url = "http://h/v1"\n')
    settings = load_settings(config, {}, {"GAMMAPYGPT_BACKENDS__MY_FARM__MODEL": "b"})
    assert settings.backends["My-Farm"].model == "b"


def test_empty_variables_and_those_with_another_meaning_set_nothing(config: Path):
    environ = {
        "GAMMAPYGPT_DEBUG": "1",
        "GAMMAPYGPT_CACHE": "/tmp",
        "GAMMAPYGPT_DEFAULT_BACKEND": "",
        "GAMMAPYGPTX": "1",
    }
    assert load_settings(config, {}, environ) == load_settings(config, {}, {})


BACKEND = '[backends.farm]\nmodel = "m"\nbase_url = "http://h/v1"\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            BACKEND + "temprature = 0.1\n",
            "config.toml:4: unknown key 'temprature' in [backends.farm]; did you mean 'temperature'?",
        ),
        ("\n\nzebra = 1\n", "config.toml:3: unknown key 'zebra' at the top level; known are default_backend, roles,"),
        ("[sandboxx.deep]\na = 1\n", "config.toml:1: unknown key 'sandboxx' at the top level; did you mean 'sandbox'?"),
        ("[sandbox]\n# c\nwall_s = -5\n", "config.toml:3: wall_s in [sandbox] should be greater than 0, not -5"),
        ("[sandbox]\nwall_s = 'long'\n", "config.toml:2: wall_s in [sandbox] should be a valid number, not 'long'"),
        ("sandbox = 3\n", "config.toml:1: sandbox should be a table of keys, not 3"),
        (
            "[sandbox]\nprovider = 'docker'\n",
            "config.toml:2: provider in [sandbox] should be 'auto', 'bubblewrap', 'landlock'",
        ),
        (
            "[roles]\nwriter = 'cookbook'\n",
            "config.toml:2: unknown role 'writer' in [roles]; known are planner, coder,",
        ),
        (
            BACKEND + "[roles]\ncoder = 'fram'\n",
            "config.toml:5: roles.coder names backend 'fram', which is not defined; did you mean 'farm'?",
        ),
        (
            "default_backend = 'blablador'\n",
            "config.toml:1: default_backend names backend 'blablador', which is not defined. It is one of the presets",
        ),
        ("[backends.farm]\nmodel = 'm'\n", "config.toml:1: the backend 'farm' has no 'base_url'."),
        ("[backends.farm.prices]\ninput = 1\n", "config.toml:1: the backend 'farm' has no 'model'."),
        (
            "[backends]\nfarm = { model = 'm',  base_url = 'http://h/v1', modle = 'x' }\n",
            "config.toml:2: unknown key 'modle'",
        ),
        ("[backends.cookbook]\nkind = 'openai'\n", "config.toml:1: backends at the top level should not give the name"),
        (
            BACKEND + "abilities = [\n 'tools',\n 'teleport']\n",
            "config.toml:4: abilities in [backends.farm] should be 'tools',",
        ),
        ("a = 1\nb = [1,\n", "config.toml:2: not valid TOML:"),
        ("a = 1\n\na = 2\n", "config.toml:3: not valid TOML: the key is already there"),
        ("[runs]\n[data]\n[runs]\n", "config.toml:3: not valid TOML: the table [runs] is already there"),
        (BACKEND + '[backends."farm"]\n', "config.toml:4: not valid TOML: the table [backends.farm] is already there"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_with_file_and_line(tmp_path: Path, text: str, line: str):
    assert broken(tmp_path, text).startswith(line)


@pytest.mark.parametrize(
    "url",
    [
        "farm.example.org/v1",
        "ftp://h/v1",
        "http:///v1",
        "http://h:port/v1",
        "http://h:99999/v1",
        "https://[::1",
        "http://a b",
    ],
)
def test_an_address_must_be_http_with_a_host(tmp_path: Path, url: str):
    line = broken(tmp_path, f'[backends.farm]\nmodel = "m"\nbase_url = "{url}"\n')
    assert line.startswith("config.toml:3: base_url in [backends.farm] should be a web address with a host")


@pytest.mark.parametrize("url", ["http://localhost:8000/v1", "https://h.example.org/v1/", "http://[::1]:8080/v1"])
def test_usual_addresses_are_fine(tmp_path: Path, url: str):
    config = tmp_path / "config.toml"
    config.write_text(f'[backends.farm]\nmodel = "m"\nbase_url = "{url}"\n')
    assert load_settings(config, {}, {}).backends["farm"].base_url == url


def test_a_mistake_in_the_environment_or_on_the_command_line_names_its_place(tmp_path: Path):
    line = broken(tmp_path, "", {"GAMMAPYGPT_SANDBOX__WALL": "3"})
    assert (
        line == "environment variable GAMMAPYGPT_SANDBOX__WALL: unknown key 'wall' in [sandbox]; did you mean 'wall_s'?"
    )
    line = broken(tmp_path, "", {"GAMMAPYGPT_BUDGET__ATTEMPTS": "many"})
    assert line.startswith(
        "environment variable GAMMAPYGPT_BUDGET__ATTEMPTS: attempts in [budget] should be a valid integer"
    )
    line = broken(tmp_path, "", default_backend="nobody")
    assert line.startswith("option default_backend: default_backend names backend 'nobody'")
    with pytest.raises(UserError, match="'a b' is not a key"):
        load_settings(None, {"a b": 1}, {})


def test_a_file_that_was_named_must_be_there_and_be_text(tmp_path: Path):
    with pytest.raises(UserError, match=r"no settings file .*nowhere\.toml"):
        load_settings(tmp_path / "nowhere.toml", {}, {})
    with pytest.raises(UserError, match="GAMMAPYGPT_CONFIG: there is no settings file"):
        load_settings(None, {}, {"GAMMAPYGPT_CONFIG": str(tmp_path / "nowhere.toml")})
    with pytest.raises(UserError, match="cannot be read"):
        load_settings(tmp_path, {}, {})
    (tmp_path / "latin.toml").write_bytes("# Grüße".encode("latin-1"))
    with pytest.raises(UserError, match="not text in UTF-8"):
        load_settings(tmp_path / "latin.toml", {}, {})


def test_a_missing_key_names_variable_backend_file_and_line(config: Path):
    settings = load_settings(config, {}, {})
    with pytest.raises(UserError) as error:
        check_key(settings, "farm", {"FARM_KEY": " "})
    assert str(error.value).startswith(
        f"{config}:7: the backend 'farm' needs its key in the environment variable FARM_KEY"
    )
    check_key(settings, "farm", {"FARM_KEY": "secret"})
    check_key(settings, "cookbook", {})
    with pytest.raises(UserError, match="there is no backend 'barn'"):
        check_key(settings, "barn", {})


SECRET = "sk-Proj7f3a9"


def test_no_message_and_no_dump_shows_a_secret(tmp_path: Path):
    for text in (f'api_key = "{SECRET}"', f'api_key_env = "{SECRET}"', f'base_url = "ftp://me:{SECRET}@h/v1"'):
        assert SECRET not in broken(tmp_path, f'[backends.farm]\nmodel = "m"\n{text}\n')
    for url in (f"https://me:{SECRET}@h.example.org/v1", f"https://{SECRET}@h/v1", f"http://h/v1?key={SECRET}"):
        line = broken(tmp_path, f'[backends.farm]\nmodel = "m"\nbase_url = "{url}"\n')
        assert line.startswith("config.toml:3: base_url in [backends.farm] should hold neither user and password nor")
        assert SECRET not in line
    unlucky = Settings.model_validate({"data": {"path": f"see https://me:{SECRET}@h.example.org/v1?key={SECRET}"}})
    assert public_settings(unlucky)["data"]["path"] == "see https://***@h.example.org/v1?***"


@pytest.mark.parametrize(
    "value",
    [
        "sk-proj-Ab3dEf6hIj9kLm2n",
        "glpat-x7Kd93bQzt5VnW2cY8rA",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl",
        "0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c",
    ],
)
def test_a_key_in_the_settings_is_refused_wherever_it_stands(tmp_path: Path, value: str):
    for text in (
        f'[backends.farm]\napi_key = "{value}"',
        f'[backends.farm]\nmodel = "m"\nbase_url = "http://h/v1"\napi_key_env = "{value}"',
        f'[backends.farm]\nmodel = "{value}"\nbase_url = "http://h/v1"',
        f'[backends."{value}"]\nmodel = "m"',
        f'[validation]\nvalidators = ["{value}"]',
    ):
        line = broken(tmp_path, text + "\n")
        assert "looks like a key, and none belongs into the settings" in line
        assert value not in line
    line = broken(tmp_path, "", {"GAMMAPYGPT_BACKENDS__FARM__MODEL": value})
    assert line.startswith("environment variable GAMMAPYGPT_BACKENDS__FARM__MODEL: the value of 'model' in [backends.")


@pytest.mark.parametrize("model", ["Qwen/Qwen2.5-Coder-7B-Instruct", "Ministral-3-14B-Instruct-2512-Q4_K_M", "gpt-5.4"])
def test_the_name_of_a_model_is_no_key(tmp_path: Path, model: str):
    config = tmp_path / "config.toml"
    config.write_text(f'[backends.farm]\nmodel = "{model}"\nbase_url = "http://h/v1"\n')
    assert load_settings(config, {}, {}).backends["farm"].model == model


def test_the_key_of_a_backend_can_be_a_file_that_nobody_else_reads(tmp_path: Path):
    config, key = tmp_path / "config.toml", tmp_path / "farm.key"
    config.write_text(f'[backends.farm]\nmodel = "m"\nbase_url = "http://h/v1"\napi_key_file = "{key}"\n')
    settings = load_settings(config, {}, {})
    with pytest.raises(UserError, match=r"farm.key, which cannot be read \(No such file"):
        check_key(settings, "farm")
    key.write_text("\n")
    key.chmod(0o600)
    with pytest.raises(UserError, match="is empty"):
        check_key(settings, "farm")
    key.write_text(f"{SECRET}\nthe key of the farm\n")
    check_key(settings, "farm")
    assert read_key("", str(key), "Backend 'farm'").get_secret_value() == SECRET
    key.chmod(0o644)
    with pytest.raises(UserError, match=rf"can be read by others. chmod 600 {key}$"):
        check_key(settings, "farm")
    both = f'[backends.farm]\nmodel = "m"\nbase_url = "http://h/v1"\napi_key_file = "{key}"\napi_key_env = "FARM_KEY"\n'
    assert "names both a variable and a file" in broken(tmp_path, both)
    assert "never the key itself" in broken(tmp_path, '[backends.farm]\napi_key_file = "hunter2"\n')


def test_lines_are_found_in_any_toml():
    text = '''# c = 1
a = 1 # x = 2
"b.c" = "x = [ \\" #"
'l'.m = { p = 1, q.r = [1, 2], s = { t = "}" } }
[x.y] # hey
z = """
no = 1
[not]
"""
w = [
  "a", # c = d
  { k = 1 },
]
v = \'\'\'a\\\'\'\'
[[many]]
n = 2024-01-01
e = 1'''
    lines = settings_file.parse(Path("t.toml"), text).lines
    assert lines == {
        ("a",): 2,
        ("b.c",): 3,
        ("l",): 4,
        ("l", "m"): 4,
        ("l", "m", "p"): 4,
        ("l", "m", "q"): 4,
        ("l", "m", "q", "r"): 4,
        ("l", "m", "s"): 4,
        ("l", "m", "s", "t"): 4,
        ("x",): 5,
        ("x", "y"): 5,
        ("x", "y", "z"): 6,
        ("x", "y", "w"): 10,
        ("x", "y", "w", "k"): 12,
        ("x", "y", "v"): 14,
        ("many",): 15,
        ("many", "n"): 16,
        ("many", "e"): 17,
    }


def test_the_presets_are_valid_and_hold_the_usual_servers(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text(settings_file.template())
    settings = load_settings(config, {}, {})
    assert set(settings.backends) == {"openai", "blablador", "ollama", "vllm", "llamacpp", "local", "cookbook"}
    assert settings.default_backend == "cookbook"
    assert settings.backends["blablador"].api_key_env == "BLABLADOR_API_KEY"
    assert settings.backends["openai"].temperature is None


def test_every_example_in_the_presets_is_valid_when_it_is_uncommented(tmp_path: Path):
    config = tmp_path / "config.toml"
    text, n_examples = re.subn(r"^# ([\w.]+ = )", r"\1", settings_file.template(), flags=re.MULTILINE)
    config.write_text(text)
    settings = load_settings(config, {}, {})
    assert n_examples > 20
    assert settings.roles["critic"] == "ollama"
    assert settings.backends["openai"].reasoning_effort == "low"
    assert settings.backends["openai"].requests_per_minute == 60
    assert settings.runs.folder == Settings().runs.folder
    for section in ("sandbox", "budget", "switches"):
        assert getattr(settings, section) == getattr(Settings(), section)  # the examples are the defaults


def test_a_written_file_is_private_and_a_link_stays_a_link(tmp_path: Path):
    real, link = tmp_path / "dotfiles" / "gpt.toml", tmp_path / "config.toml"
    settings_file.write(real, "a = 1\n")
    link.symlink_to(real)
    settings_file.write(link, "a = 2\n")
    assert link.is_symlink()
    assert real.read_text() == "a = 2\n"
    assert real.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in real.parent.iterdir()] == ["gpt.toml"]
    with pytest.raises(UserError, match="cannot be written"):
        settings_file.write(real / "config.toml", "")
