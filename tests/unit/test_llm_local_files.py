"""The file of a local model: known by its sha256, fetched, resumed, refused; its head; what the machine has."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from file_server import FileServer, serving
from local_server import gguf
from typer.testing import CliRunner

from gammapygpt.cli import app
from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.llm.local import machine
from gammapygpt.llm.local.fetch import fetch
from gammapygpt.llm.local.files import find_file, find_known, models_folder, sha256
from gammapygpt.llm.local.gguf import read_head
from gammapygpt.llm.local.models import KnownModel, known_models

WEIGHTS = bytes(range(256)) * 4000
SMALL = KnownModel(
    name="small",
    title="A small model",
    repository="house/small",
    file="small-q4.gguf",
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    size=len(WEIGHTS),
    licence="Apache-2.0",
    context=4096,
    url="https://nowhere.invalid/small-q4.gguf",
)
NAME = "qwen2.5-coder-1.5b"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GAMMAPYGPT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


@pytest.fixture
def web() -> Iterator[FileServer]:
    with serving({SMALL.file: WEIGHTS}) as server:
        yield server


def test_the_known_models_have_all_that_a_download_needs():
    for model in known_models().values():
        assert len(model.sha256) == 64
        assert model.size > 10**8
        assert model.url == f"https://huggingface.co/{model.repository}/resolve/main/{model.file}"


def test_a_download_arrives_verified_and_is_found_from_then_on(cache: Path, web: FileServer):
    steps: list[tuple[int, int]] = []
    file = fetch(SMALL, f"{web.url}/{SMALL.file}", progress=lambda *step: steps.append(step))
    assert file == cache / SMALL.file
    assert file.read_bytes() == WEIGHTS
    assert steps[-1] == (SMALL.size, SMALL.size)
    assert find_known(SMALL, []) == file
    assert fetch(SMALL) == file  # nothing is asked for that is there: its own address leads nowhere


def test_a_cut_connection_is_resumed(web: FileServer):
    web.breaks[SMALL.file] = [300_000, 200_000]
    file = fetch(SMALL, f"{web.url}/{SMALL.file}", pause_s=0)
    assert file.read_bytes() == WEIGHTS
    assert web.asked_for(SMALL.file) == ["", "bytes=300000-", "bytes=500000-"]


def test_a_download_that_was_given_up_goes_on_where_it_was(web: FileServer):
    web.breaks[SMALL.file] = [700_000] + [0] * 9
    with pytest.raises(InfrastructureError, match="what has arrived is kept"):
        fetch(SMALL, f"{web.url}/{SMALL.file}", pause_s=0)
    assert find_known(SMALL, []) is None
    web.breaks.clear()
    assert fetch(SMALL, f"{web.url}/{SMALL.file}").read_bytes() == WEIGHTS
    assert web.asked_for(SMALL.file)[-1] == "bytes=700000-"


def test_a_file_with_another_hash_is_discarded(cache: Path, web: FileServer):
    web.files[SMALL.file] = b"x" + WEIGHTS[1:]
    with pytest.raises(InfrastructureError, match=r"wrong checksum and was discarded.*model fetch small --from FILE"):
        fetch(SMALL, f"{web.url}/{SMALL.file}", pause_s=0)
    assert not list(cache.glob("small*"))


def test_a_file_of_another_size_is_not_even_begun(web: FileServer):
    web.files[SMALL.file] = b"<html>please log in</html>"
    with pytest.raises(InfrastructureError, match=f"it has 26 bytes instead of {SMALL.size}"):
        fetch(SMALL, f"{web.url}/{SMALL.file}")
    assert web.asked_for(SMALL.file) == []


def test_without_a_network_it_says_at_once_what_to_do():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/small"
        with pytest.raises(InfrastructureError, match=r"cannot be reached .*Is there a network\? If you have the file"):
            fetch(SMALL, address, pause_s=1000)
    with pytest.raises(UserError, match="is not an address"):
        fetch(SMALL, "ftp://somewhere/small")


def test_a_missing_file_and_a_full_disk_are_said_plainly(web: FileServer):
    with pytest.raises(InfrastructureError, match=r"There is no .*404.*--from FILE"):
        fetch(SMALL, f"{web.url}/nothing")
    with pytest.raises(UserError, match=r"has no room for small: 1000000000\.0 GB needed"):
        fetch(replace(SMALL, size=10**18), f"{web.url}/{SMALL.file}")


def test_a_file_that_the_user_has_is_used_from_where_it_is(tmp_path: Path, cache: Path):
    mine = tmp_path / "downloads" / "model(1).bin"
    mine.parent.mkdir()
    mine.write_bytes(WEIGHTS)
    assert find_known(SMALL, []) is None
    assert fetch(SMALL, str(mine)) == mine
    assert find_known(SMALL, []) == mine
    assert not (cache / SMALL.file).exists()
    mine.unlink()
    assert find_known(SMALL, []) is None


def test_a_file_of_another_model_is_refused_with_what_differs(tmp_path: Path):
    other = tmp_path / "other.gguf"
    other.write_bytes(b"y" * SMALL.size)
    with pytest.raises(UserError, match=r"is not small: its sha256 is [0-9a-f]{64}.*backends.local.model="):
        fetch(SMALL, str(other))
    other.write_bytes(b"y")
    with pytest.raises(UserError, match="it has 1 bytes instead of"):
        fetch(SMALL, str(other))
    with pytest.raises(UserError, match="cannot be read"):
        fetch(SMALL, str(tmp_path / "nothing"))


def test_a_folder_is_searched_by_what_a_file_is_not_by_its_name(tmp_path: Path):
    blobs = tmp_path / "hub" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "aaaa").write_bytes(b"y" * SMALL.size)
    (blobs / "bbbb").write_bytes(WEIGHTS)
    (tmp_path / "hub" / "gone").symlink_to("nowhere")
    assert find_known(SMALL, [str(tmp_path / "hub")]) == blobs / "bbbb"
    assert find_known(SMALL, [str(tmp_path / "not there")]) == blobs / "bbbb"  # remembered


def test_a_file_is_read_through_once_and_again_when_it_changes(tmp_path: Path):
    file, said = tmp_path / "m.gguf", []
    file.write_bytes(WEIGHTS)
    assert sha256(file, said.append) == sha256(file, said.append) == SMALL.sha256
    assert said == [f"checking {file} (once)"]
    file.write_bytes(b"x" + WEIGHTS[1:])
    os.utime(file, ns=(1, 1))
    assert sha256(file, said.append) != SMALL.sha256
    (models_folder() / "verified.json").write_text("[torn")
    assert sha256(file, said.append) != SMALL.sha256
    assert len(said) == 3


def test_what_is_not_here_is_one_line_with_the_command_that_gets_it(tmp_path: Path):
    with pytest.raises(UserError, match=rf"{NAME} is not on this machine. `gammapygpt model fetch {NAME}`.*1\.1 GB"):
        find_file(NAME, str(tmp_path))
    with pytest.raises(UserError, match=f"there is no model 'gwen'. There is: {NAME}"):
        find_file("gwen", "")
    with pytest.raises(UserError, match=r"there is no file /nowhere/m\.gguf"):
        find_file("/nowhere/m.gguf", "")


def test_the_commands_list_and_refuse(tmp_path: Path):
    listed = CliRunner().invoke(app, ["model", "list"])
    assert listed.exit_code == 0
    assert f"not here; `gammapygpt model fetch {NAME}` gets it" in listed.stdout
    refused = CliRunner().invoke(app, ["model", "fetch", "--from", str(gguf(tmp_path / "other.gguf"))])
    assert refused.exit_code == 2
    assert f"is not {NAME}" in refused.stderr
    unknown = CliRunner().invoke(app, ["model", "fetch", "nothing"])
    assert (unknown.exit_code, unknown.stderr.count("\n")) == (2, 1)


def test_the_commands_fetch_with_progress(web: FileServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gammapygpt.llm.local.models.known_models", lambda: {"small": SMALL})
    done = CliRunner().invoke(app, ["model", "fetch", "small", "--from", f"{web.url}/{SMALL.file}"])
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"{models_folder() / SMALL.file} (sha256 verified)"
    assert "100 % of 0.0 GB" in done.stderr
    assert str(models_folder()) in CliRunner().invoke(app, ["model", "list"]).stdout


def test_the_head_of_a_file_tells_its_context_and_the_memory_of_a_token(tmp_path: Path):
    head = read_head(gguf(tmp_path / "m.gguf", context=4096))
    assert head.context == 4096
    assert head.token_bytes == 2 * 2 * (16 + 16) * 2  # layers, heads that keep, key and value, half precision
    for content in (b"", b"GGUF", b"<html>", b"GGUF" + b"\xff" * 90):
        (tmp_path / "bad.gguf").write_bytes(content)
        with pytest.raises(UserError, match="is no GGUF file"):
            read_head(tmp_path / "bad.gguf")


def test_cores_count_once_and_within_the_share_of_a_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "CPUS", tmp_path)
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.setattr(machine, "_allowed", lambda: {0, 1, 2, 3})
    for cpu in range(4):
        (tmp_path / f"cpu{cpu}" / "topology").mkdir(parents=True)
        (tmp_path / f"cpu{cpu}" / "topology" / "thread_siblings_list").write_text("0-1\n" if cpu < 2 else "2-3\n")
    assert machine.physical_cores() == 2
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert machine.physical_cores() == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.physical_cores() == 2
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    assert machine.free_memory() == 2_000_000
    assert machine.resident_memory(os.getpid()) > 10**7
