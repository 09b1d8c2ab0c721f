"""Keeps the head and the tail of what a script prints, however much it prints."""

from __future__ import annotations

import os


class Capture:
    """Reads one pipe without ever blocking, keeps the first and last half of `capacity` bytes, counts the rest."""

    def __init__(self, fd: int, capacity: int = 256 << 10) -> None:
        self.fd = fd
        self.capacity = capacity
        self.total = 0
        self.open = True
        self._head = bytearray()
        self._tail = bytearray()
        os.set_blocking(fd, False)

    def read(self) -> None:
        """Take what is there; at most a few chunks, so that a flood cannot keep the caller from its watch."""
        for _ in range(16):
            try:
                chunk = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                return
            if not chunk:
                self.close()
                return
            self._keep(chunk)

    def _keep(self, chunk: bytes) -> None:
        self.total += len(chunk)
        half = self.capacity // 2
        room = max(0, half - len(self._head))
        self._head += chunk[:room]
        self._tail += chunk[room:]
        del self._tail[:-half]

    def forget(self) -> None:
        """What came so far was not the script's."""
        self.read()
        self.total = 0
        self._head.clear()
        self._tail.clear()

    def drain(self) -> None:
        """Everything that is still in the pipe of a process that has ended."""
        while self.open:
            before = self.total
            self.read()
            if self.total == before:
                return

    def text(self) -> str:
        """What was kept, with the gap named; bytes that are not UTF-8 are replaced."""
        gap = self.total - len(self._head) - len(self._tail)
        middle = f"\n[... {gap} bytes left out ...]\n".encode() if gap > 0 else b""
        return (bytes(self._head) + middle + bytes(self._tail)).decode("utf-8", "replace")

    def close(self) -> None:
        if self.open:
            self.open = False
            os.close(self.fd)
