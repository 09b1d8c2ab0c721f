"""Workers that die: nothing is lost, and only what they were at is done again. Local processes, and a Dask cluster."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_campaign import bench, ran_apart, script, task_file  # noqa: F401
from worker_tasks import begun, work

from gammapygpt.errors import InfrastructureError, UserError
from gammapygpt.evals import cluster
from gammapygpt.evals.campaign import Campaign, cells
from gammapygpt.evals.configuration import configurations
from gammapygpt.evals.record import read_table
from gammapygpt.evals.task import read_tasks
from gammapygpt.evals.workers import Where, check_no_secrets, queue_options, workers

CANARY = "sk-canary-0123456789abcdef"
"""A key in the environment of the Dask workers, that a model server alone may see."""


def did(pool, folder: Path, *names: str) -> dict[str, object]:
    """Do the work of these names, and hand back what each came to; each must come once."""
    came = [(spec[1], what) for spec, what in pool.run(work, [(folder, name) for name in names])]
    assert sorted(name for name, _ in came) == sorted(names)
    return dict(came)


def gone(pid: int) -> bool:
    """Whether a process ends within half a minute."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def marked(text: str) -> list[int]:
    """Processes with this in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (place / "environ").read_bytes():
                found.append(int(place.name))
        except OSError:
            continue
    return found


# ---- processes on this machine


def test_a_process_that_is_killed_loses_nothing_and_disturbs_nobody(tmp_path):
    with workers(Where(workers=2)) as pool:
        came = did(pool, tmp_path, "a", "dies-once", "dies", "b", "raises", "c")
    assert came["dies-once"] == "DIES-ONCE"
    assert isinstance(came["dies"], InfrastructureError)
    assert "3 times" in str(came["dies"])
    assert "this cannot be done" in str(came["raises"])
    assert [came[name] for name in "abc"] == ["A", "B", "C"]
    times = {name: len(begun((tmp_path, name))) for name in came}
    assert times == {"a": 1, "b": 1, "c": 1, "raises": 1, "dies-once": 2, "dies": 3}
    pids = {pid for name in came for pid in begun((tmp_path, name))}
    assert os.getpid() not in pids, "also a single worker is a process of its own"
    assert all(gone(pid) for pid in pids)


def test_whoever_stops_half_way_leaves_no_process_behind(tmp_path):
    def stop_at_the_first() -> None:
        with workers(Where(workers=2)) as pool:
            for _ in pool.run(work, [(tmp_path, name) for name in ("lasts", "quick", "never")]):
                while not (tmp_path / "lasts").exists():
                    time.sleep(0.01)
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        stop_at_the_first()
    assert not (tmp_path / "never").exists()
    assert gone(begun((tmp_path, "lasts"))[0])


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        (signal.SIGTERM, 143, "stopped: 0 of 2 cells are on record; the same command goes on from there."),
        pytest.param(signal.SIGKILL, -9, "", marks=pytest.mark.slow),
    ],
)
def test_a_campaign_that_is_ended_takes_its_workers_along(bench, scripted_server, tmp_path, how, code, said):  # noqa: F811
    task_file(tmp_path / "tasks", "count", 4)
    task_file(tmp_path / "tasks", "other", 4)
    server = scripted_server({"text": script("2 + 2"), "delay": 300, "times": 9})
    environment, mark = {**os.environ, "TEST_MARK": str(tmp_path)}, f"TEST_MARK={tmp_path}"
    command = bench(server.url, "--baselines", "bare-loop", "--workers", "2")
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as driver:
        server.wait_for(2)
        found = [pid for pid in marked(mark) if pid != driver.pid]
        assert len(found) >= 2
        driver.send_signal(how)
        told = driver.communicate(timeout=120)[1]
    assert driver.returncode == code
    assert said in told
    assert "Traceback" not in told
    assert all(gone(pid) for pid in found)
    assert not marked(mark)


# ---- a Dask cluster


@pytest.fixture(scope="module")
def dask() -> Iterator[cluster.Client]:
    """A real scheduler and two worker processes, which are started again when they die."""
    from distributed import Client, LocalCluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_KEY", CANARY)
        with (
            LocalCluster(
                n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=50
            ) as running,
            Client(running, set_as_default=False) as client,
        ):
            yield client


@pytest.fixture
def dask_pool(dask, tmp_path):
    with workers(Where(scheduler=dask.scheduler.address, folder=tmp_path)) as pool:
        yield pool


def test_a_dask_worker_that_is_killed_loses_nothing(dask_pool, tmp_path):
    came = did(dask_pool, tmp_path, "a", "dies-once", "b", "c", "d")
    assert came == {name: name.upper() for name in ("a", "dies-once", "b", "c", "d")}
    assert len(begun((tmp_path, "dies-once"))) == 2


@pytest.mark.slow
def test_what_kills_every_dask_worker_is_given_up(dask_pool, tmp_path):
    came = did(dask_pool, tmp_path, "dies", "a")
    assert "died again and again" in str(came["dies"])
    assert came["a"] == "A"


def test_workers_must_have_the_same_versions_and_see_the_folder(dask, dask_pool, tmp_path, monkeypatch):
    with (
        workers(Where(scheduler=dask.scheduler.address, folder=tmp_path / "elsewhere")) as pool,
        pytest.raises(UserError, match=r"does not see .*shared file system"),
    ):
        did(pool, tmp_path, "a")
    monkeypatch.setattr(cluster, "software", lambda: "gammapygpt 0.0, Gammapy 2.1, Python 3.11")
    with pytest.raises(UserError, match=r"worker .* has gammapygpt .*; here it is gammapygpt 0\.0.*same installation"):
        did(dask_pool, tmp_path, "a")


def test_a_campaign_on_dask_with_a_killed_worker_and_no_secret_on_the_way(
    bench,  # noqa: F811
    dask,
    scripted_server,
    tmp_path,
    monkeypatch,
):
    for name in ("a", "b", "c"):
        task_file(tmp_path / "tasks", name, 4)
    server = scripted_server({"text": script("2 + 2"), "delay": 2, "times": 9})
    monkeypatch.setenv("TEST_KEY", CANARY)
    command = bench(server.url, "--baselines", "bare-loop", "--scheduler", dask.scheduler.address)
    text = (tmp_path / "config.toml").read_text().replace("retries = 0", 'retries = 0\napi_key_env = "TEST_KEY"', 1)
    (tmp_path / "config.toml").write_text(text)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as driver:
        server.wait_for(2)
        os.kill(min(dask.run(os.getpid).values()), signal.SIGKILL)
        told = driver.communicate(timeout=300)[1]
    assert driver.returncode == 0, told
    records = read_table(tmp_path / "campaign")
    assert [record.verdict for record in records] == ["right"] * 3
    assert len(server.requests) == 4, "three cells, and the call that was in flight at the kill once more"
    assert "3 cells, 0 to run" in ran_apart(command)
    assert len(server.requests) == 4
    specs = cells(
        Campaign(tmp_path / "campaign"),
        read_tasks([str(tmp_path / "tasks")]),
        configurations([], ["bare-loop"]),
        1,
        "blind",
        tmp_path / "config.toml",
        {},
    )
    logs = [dask.get_scheduler_logs(), dask.get_worker_logs(), (tmp_path / "campaign" / "campaign.json").read_text()]
    assert server.requests[0]["headers"]["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in str(logs) + told
    assert CANARY.encode() not in pickle.dumps(specs)


def test_what_may_be_a_secret_is_not_sent_to_a_scheduler():
    check_no_secrets({"budget.attempts": 3, "backends.x.base_url": "https://example.org/v1"})
    with pytest.raises(UserError, match="may hold a secret"):
        check_no_secrets({"backends.x.base_url": "https://me:word@example.org/v1"})


# ---- jobs in a queue


def test_a_queue_without_jobs_is_refused():
    with pytest.raises(UserError, match="no job of a queue"), workers(Where(workers=0, queue="slurm")):
        pass


def test_options_of_a_queue_are_read_as_json_where_they_are_it():
    pairs = ["cores=2", "walltime=08:00:00", 'job_extra_directives=["--qos=long"]', "memory=4GB"]
    assert queue_options(pairs) == {
        "cores": 2,
        "walltime": "08:00:00",
        "job_extra_directives": ["--qos=long"],
        "memory": "4GB",
    }
    with pytest.raises(UserError, match="not KEY=VALUE"):
        queue_options(["cores"])


SBATCH = """#!/bin/sh
echo "$@" >> {folder}/orders
cp "$1" {folder}/job.sh
setsid sh {folder}/job.sh > {folder}/job.log 2>&1 &
echo $! > {folder}/$!.pid
echo "Submitted batch job $!"
"""
SCANCEL = '#!/bin/sh\nkill -- -"$1"\n'


@pytest.mark.slow
def test_jobs_of_slurm_are_workers_that_speak_tls(tmp_path, monkeypatch):
    programs = {"sbatch": SBATCH.format(folder=tmp_path), "scancel": SCANCEL}
    for name, text in programs.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[1]}:{os.environ.get('PYTHONPATH', '')}")
    asked_for = {"walltime": "00:10:00", "interface": "lo"}
    with workers(Where(workers=1, queue="slurm", options=asked_for, folder=tmp_path)) as pool:
        assert did(pool, tmp_path, "a", "b") == {"a": "A", "b": "B"}
    job = (tmp_path / "job.sh").read_text()
    assert "#SBATCH -t 00:10:00" in job
    assert "tls://" in job
    assert all(gone(int(file.stem)) for file in tmp_path.glob("*.pid"))
    with pytest.raises(UserError, match="no queue 'slrum'"):
        did(workers(Where(queue="slrum")).__enter__(), tmp_path, "a")
