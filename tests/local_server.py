"""A stand-in for the child process that serves a model: the same order on standard input, scripted replies.

    python tests/local_server.py replies.json [--fault FAULT]

FAULT is `broken` (it complains and ends) or `stuck` (it holds Python's lock, as llama.cpp does while it loads a model).
A reply with `kill = true` is not given: the process is killed instead, as by a machine that ran out of memory.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer

from gammapygpt.llm.local import server
from gammapygpt.llm.local.serve import end_with_the_pipe


def stand_in(patch: pytest.MonkeyPatch, folder: Path, *replies: dict, fault: str = "") -> Path:
    """Let this program serve models from now on; gives a file that can be named as a model."""
    answers = folder / "replies.json"
    answers.write_text(json.dumps(replies))
    command = (sys.executable, __file__, str(answers), "--fault", fault)
    patch.setattr(server, "PROGRAM", server.Program(command, needs=""))
    return gguf(folder / "small.gguf")


def gguf(path: Path, context: int = 8192) -> Path:
    """A file with the head of a small model: 2 layers, 4 heads of which 2 keep keys and values, 64 numbers wide."""
    numbers = {
        "tiny.context_length": context,
        "tiny.block_count": 2,
        "tiny.embedding_length": 64,
        "tiny.attention.head_count": 4,
        "tiny.attention.head_count_kv": 2,
    }
    head = _text("general.architecture") + struct.pack("<I", 8) + _text("tiny")
    head += b"".join(_text(name) + struct.pack("<II", 4, number) for name, number in numbers.items())
    head += _text("tokenizer.ggml.tokens") + b"a vocabulary that nobody reads"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, len(numbers) + 2) + head)
    return path


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


class Mortal(ScriptedServer):
    def take(self, request: dict[str, Any]) -> dict[str, Any]:
        reply = super().take(request)
        if reply.get("kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        return reply


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("replies", type=Path)
    parser.add_argument("--fault", default="")
    arguments = parser.parse_args()
    order = json.loads(sys.stdin.readline())
    print(f"loading {order['file']}", file=sys.stderr)
    if arguments.fault == "broken":
        sys.exit("0.00.008.891 E llama_model_load: tensor 'output' has the wrong shape")
    end_with_the_pipe()
    if arguments.fault == "stuck":
        ctypes.PyDLL(None).sleep(600)
    replies = json.loads(arguments.replies.read_text(encoding="utf-8"))
    with Mortal(replies, key=order["key"]) as scripted:
        print(json.dumps({"url": scripted.url.removesuffix("/v1")}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
