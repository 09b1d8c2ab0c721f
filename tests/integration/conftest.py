"""Runs with scripted replies, the real graph and the real sandbox, on simulated data."""

from __future__ import annotations

import fcntl
import json
import pickle
from pathlib import Path

import pytest
from faults.kills import Stage, stage
from scripted_run import REQUEST

from gammapygpt.run import Run
from gammapygpt.session import start
from gammapygpt.settings import Settings


@pytest.fixture
def begin(tmp_path: Path, simulated_data: Path):
    """Start a run whose coder answers with these replies, each a script or the fields of a [[reply]].

    `able`: as a model that can call tools, which is trusted with more.
    """

    def begin(
        *replies: str | dict, expect: str = "", request: str = REQUEST, able: bool = False, **sections: dict
    ) -> Run:
        tables = []
        for reply in replies:
            fields = {"role": "coder", "script": reply} if isinstance(reply, str) else reply
            usage = {"input_tokens": 100, "output_tokens": 20}
            tables.append("[[reply]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in fields.items()))
            tables[-1] += "".join(f"usage.{k} = {v}\n" for k, v in usage.items())
        (tmp_path / "replies.toml").write_text("\n".join(tables))
        backend = {"kind": "scripted", "replies": str(tmp_path / "replies.toml")}
        settings = Settings.model_validate(
            {
                "default_backend": "scripted",
                "backends": {"scripted": backend | {"abilities": ["tools"] if able else []}},
                "data": {"path": str(simulated_data)},
                "runs": {"folder": str(tmp_path / "runs")} | sections.pop("runs", {}),
                "sandbox": {"warm": False} | sections.pop("sandbox", {}),
                "switches": {"planner": False, "critic": False, "retrieval": False} | sections.pop("switches", {}),
                **sections,
            }
        )
        known = None
        if expect:
            known = tmp_path / "expected.toml"
            known.write_text(expect)
        return start(request, settings, expect=known)

    return begin


@pytest.fixture(scope="session")
def undisturbed(shared_cache: Path, simulated_data: Path) -> Stage:
    """What a run comes to that nothing disturbs; made once per test run, whatever the number of workers."""
    common = shared_cache.parent
    kept = common / "undisturbed.pickle"
    with (common / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_file():
            kept.write_bytes(pickle.dumps(stage(common / "undisturbed", simulated_data, shared_cache)))
        return pickle.loads(kept.read_bytes())
