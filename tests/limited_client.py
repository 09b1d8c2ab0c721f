"""A process that asks a server some times, within limits that it shares with others; a minute has 2 s for it.

python tests/limited_client.py URL FOLDER N PER_MINUTE PARALLEL
"""

from __future__ import annotations

import sys
from pathlib import Path

from gammapygpt.llm.limits import Limits
from gammapygpt.llm.wire import Wire
from gammapygpt.settings import BackendSettings


def ask(url: str, folder: Path, n: int, per_minute: int, parallel: int) -> None:
    """Ask `n` times; what the server refuses is repeated by the client itself."""
    client = Wire("test", BackendSettings(model="m", base_url=url, retries=3))
    client._limits = Limits("test", folder, per_minute, parallel, window_s=2.0, margin_s=1.0)
    for _ in range(n):
        client.send([{"role": "user", "content": "hello"}])


if __name__ == "__main__":
    ask(sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:]))
