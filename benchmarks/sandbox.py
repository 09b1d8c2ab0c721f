"""What isolation costs, and what a warm worker saves: bare Python, cold sandbox and warm worker in interleaved series.

    python benchmarks/sandbox.py [--data FOLDER] [--repeat 7] [--out benchmarks/sandbox.json]
    python benchmarks/sandbox.py --leaks 200

FOLDER holds hess-dl3-dr1; without it, the scripts that need data are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from gammapygpt.sandbox import Limits, open_sandbox
from gammapygpt.sandbox.processes import cpu_seconds, proportional_mb, tree
from gammapygpt.sandbox.single_use import SingleUseSandbox
from gammapygpt.settings import Settings

OBSERVATIONS = """
import json, os
from gammapy.data import DataStore
store = DataStore.from_dir(os.environ["PHOTON_STORAGE"] + "/hess-dl3-dr1")
table = store.obs_table
json.dump({"n_observations": len(table)}, open("result.json", "w"))
print(len(table))
"""

FIT = """
import os
import astropy.units as u
from astropy.coordinates import SkyCoord
from gammapy.data import DataStore
from gammapy.datasets import Datasets, SpectrumDataset
from gammapy.makers import ReflectedRegionsBackgroundMaker, SafeMaskMaker, SpectrumDatasetMaker
from gammapy.maps import MapAxis, RegionGeom
from gammapy.modeling import Fit
from gammapy.modeling.models import PowerLawSpectralModel, SkyModel
from regions import CircleSkyRegion
store = DataStore.from_dir(os.environ["PHOTON_STORAGE"] + "/hess-dl3-dr1")
region = CircleSkyRegion(SkyCoord(83.633, 22.0145, unit="deg"), 0.11 * u.deg)
reco = MapAxis.from_energy_bounds("0.5 TeV", "40 TeV", nbin=20)
true = MapAxis.from_energy_bounds("0.1 TeV", "100 TeV", nbin=40, name="energy_true")
empty = SpectrumDataset.create(geom=RegionGeom.create(region, axes=[reco]), energy_axis_true=true)
maker = SpectrumDatasetMaker(containment_correction=True, selection=["counts", "exposure", "edisp"])
background, mask = ReflectedRegionsBackgroundMaker(), SafeMaskMaker(methods=["aeff-max"], aeff_percent=10)
datasets = Datasets()
for observation in store.get_observations([23523, 23526, 23559, 23592]):
    dataset = maker.run(empty.copy(name=str(observation.obs_id)), observation)
    datasets.append(mask.run(background.run(dataset, observation), observation))
datasets.models = [SkyModel(PowerLawSpectralModel(reference="1 TeV"), name="crab")]
result = Fit().run(datasets)
model = datasets.models[0].spectral_model
print(repr(model.index.value), repr(model.index.error), repr(model.amplitude.value), repr(result.total_stat))
"""

LIMITS = Limits(wall_s=300, cpu_s=300)


def bare(script: str, data: str) -> tuple[float, str]:
    """Seconds and output of `python script.py` with nothing around it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "script.py").write_text(script)
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        env = {**os.environ, **threads, "PHOTON_STORAGE": data, "GAMMAPY_DATA": data, "MPLBACKEND": "Agg"}
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "script.py"], cwd=folder, env=env, capture_output=True, text=True, check=True
        )
        return time.perf_counter() - start, done.stdout


def inside(sandbox: SingleUseSandbox, script: str) -> tuple[float, str]:
    """Seconds from submission to result, and output; a warm worker is ready before the clock starts."""
    if sandbox.warm:
        sandbox.prepare()
        assert sandbox._worker is not None
        sandbox._worker.wait_ready()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        execution = sandbox.run(script, LIMITS, Path(folder))
        seconds = time.perf_counter() - start
    assert execution.completed, execution.stderr
    return seconds, execution.stdout


def series(data: str, repeat: int) -> dict[str, dict[str, object]]:
    """Medians, in turn so that the load of the machine falls on all alike."""
    cold, warm = (open_sandbox(Settings(), data, warm=hot) for hot in (False, True))
    ways: dict[str, Callable[[str], tuple[float, str]]] = {
        "bare": lambda script: bare(script, data),
        "cold": lambda script: inside(cold, script),
        "warm": lambda script: inside(warm, script),
    }
    scripts = {"empty": "", **({"observations": OBSERVATIONS, "fit": FIT} if data else {})}
    answers: dict[str, dict[str, object]] = {}
    for name, script in scripts.items():
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        outputs = set()
        for _ in range(repeat):
            for way, run in ways.items():
                took, output = run(script)
                seconds[way].append(took)
                outputs.add(output)
        answers[name] = {
            way: {"median_s": round(statistics.median(took), 3), "min_s": round(min(took), 3)}
            for way, took in seconds.items()
        }
        answers[name]["same_output"] = len(outputs) == 1
        print(name, answers[name], flush=True)
    return answers


def idle_worker(data: str, repeat: int) -> dict[str, float]:
    """Seconds until a warm worker is ready, and what it then holds."""
    sandbox = open_sandbox(Settings(), data)
    ready, prepare = [], []
    memory = cpu = 0.0
    for _ in range(repeat):
        start = time.perf_counter()
        sandbox.prepare()
        prepare.append(time.perf_counter() - start)
        assert sandbox._worker is not None
        sandbox._worker.wait_ready()
        ready.append(time.perf_counter() - start)
        pids, _ = tree(sandbox._worker.process.pid)
        memory, cpu = proportional_mb(pids), cpu_seconds(pids)
        sandbox.discard()
    return {
        "prepare_s": round(statistics.median(prepare), 4),
        "ready_s": round(statistics.median(ready), 2),
        "memory_mb": round(memory, 1),
        "cpu_s": round(cpu, 2),
    }


def footprint() -> dict[str, int]:
    """What could leak: descriptors, child processes, temporary folders; and the peak memory in kB."""
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "processes": len(tree(os.getpid())[0]),
        "folders": len([name for name in os.listdir(tempfile.gettempdir()) if name.startswith("gammapygpt-")]),
        "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def leaks(runs: int) -> dict[str, dict[str, int]]:
    """One after another, then 8 at once; before, between and after."""
    small = Limits(wall_s=60, memory_mb=256, workspace_mb=16, files=20)

    def one(number: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            sandbox = open_sandbox(Settings(), "", warm=False)
            assert sandbox.run(f"print({number})", small, Path(folder)).stdout == f"{number}\n"

    one(0)
    found = {"before": footprint()}
    for number in range(runs):
        one(number)
    found["one after another"] = footprint()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(runs)))
    found["8 at once"] = footprint()
    return found


def machine() -> dict[str, object]:
    return {
        "kernel": platform.release(),
        "python": platform.python_version(),
        "gammapy": version("gammapy"),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "sandbox": open_sandbox(Settings(), "").name,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("PHOTON_STORAGE", ""))
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--leaks", type=int, default=0, metavar="RUNS")
    parser.add_argument("--out", default="")
    arguments = parser.parse_args()
    asked = f"--leaks {arguments.leaks}" if arguments.leaks else f"--data FOLDER --repeat {arguments.repeat}"
    results: dict[str, object] = {"machine": machine(), "command": f"python benchmarks/sandbox.py {asked}"}
    if arguments.leaks:
        results["leaks"] = leaks(arguments.leaks)
    else:
        results["idle_worker"] = idle_worker(arguments.data, arguments.repeat)
        results["seconds"] = series(arguments.data, arguments.repeat)
    results["load_after"] = os.getloadavg()[0]
    text = json.dumps(results, indent=2)
    print(text)
    if arguments.out:
        Path(arguments.out).write_text(text + "\n")


if __name__ == "__main__":
    main()
