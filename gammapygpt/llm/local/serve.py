"""The child process: llama.cpp's own HTTP server over one GGUF file. A program by itself, it imports nothing of ours.

It reads one JSON line (see `server.Launch`) from standard input, and writes `{"url": ...}` to standard output once it
answers. It ends when standard input closes, which happens however the parent ends.
"""

import fcntl
import json
import os
import select
import signal
import sys


def main() -> None:
    order = json.loads(sys.stdin.readline())
    end_with_the_pipe()
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints goes to the log
    # OpenMP reads it when the library is loaded: threads that spin at barriers ruin a machine that has other work
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    import xllamacpp

    server = xllamacpp.Server(parameters(xllamacpp, order))  # returns when the model is loaded
    print(json.dumps({"url": server.listening_address}), file=report, flush=True)
    sys.stdin.read()
    os._exit(0)


def end_with_the_pipe() -> None:
    """Let the kernel end this process when the other end of standard input is closed.

    A thread that waits for it would not do: loading a model holds Python's lock, for minutes on a slow disk. SIGIO
    ends a process that has no handler for it.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([0], [], [], 0)[0]:  # closed already
        sys.exit(1)


def parameters(xllamacpp, order):  # type: ignore[no-untyped-def]
    """llama.cpp's parameters for an order."""
    chosen = xllamacpp.CommonParams()
    chosen.model.path = order["file"]
    chosen.model_alias = {order["model"]}
    chosen.hostnames, chosen.port = ["127.0.0.1"], 0
    chosen.api_keys = [order["key"]]
    chosen.offline, chosen.ui, chosen.endpoint_slots = True, False, False
    chosen.n_ctx = order["context"]
    chosen.n_parallel, chosen.cache_ram_mib = 1, order["cache_mb"]
    chosen.cpuparams.n_threads = chosen.cpuparams_batch.n_threads = order["threads"]
    chosen.n_gpu_layers = 0
    chosen.no_extra_bufts = not order["repack"]
    chosen.use_jinja = True
    # drafts copied from the prompt, as long as they match: no second model is needed to adapt a script faster
    chosen.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    chosen.speculative.ngram_simple.size_n, chosen.speculative.ngram_simple.size_m = 6, 24
    return chosen


if __name__ == "__main__":
    main()
