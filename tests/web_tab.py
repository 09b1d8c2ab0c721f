"""A tab of a browser without the browser: Streamlit's own messages over its websocket, as many tabs as one likes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

MAIN = 0
"""The root container beside the side bar."""
TIMEOUT_S = 300.0
"""Of one drawing of the page; machines of tests are slow."""


class Tab:
    """One session of a page: what it shows, and what a user does to it.

    Parameters
    ----------
    port : int
        Of the page's server on this machine.
    query : str
        Of the address: `run=NAME`.
    """

    def __init__(self, port: int, query: str = "") -> None:
        self.query = query
        self.elements: dict[tuple[int, ...], Any] = {}
        """What the last drawing put where; numbers of containers from the root down."""
        self._known: dict[str, ForwardMsg] = {}
        self._connection = connect(
            f"ws://127.0.0.1:{port}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            open_timeout=TIMEOUT_S,
            compression=None,
        )

    def __enter__(self) -> Tab:
        self._socket = self._connection.__enter__()
        self.drawn({})
        return self

    def __exit__(self, *exception: Any) -> None:
        self._connection.__exit__(*exception)

    def drawn(self, widgets: Mapping[str, str | bool]) -> None:
        """Draw the page once more, with texts in its boxes (by their identifier), and buttons that were clicked."""
        message = BackMsg()
        message.rerun_script.query_string = self.query
        for identifier, value in widgets.items():
            state = message.rerun_script.widget_states.widgets.add(id=identifier)
            if isinstance(value, bool):
                state.trigger_value = value
            else:
                state.string_value = value
        self._socket.send(message.SerializeToString())
        while not self._take(self._next()):
            pass

    def _next(self) -> ForwardMsg:
        message = ForwardMsg()
        content = self._socket.recv(timeout=TIMEOUT_S)
        assert isinstance(content, bytes)
        message.ParseFromString(content)
        if message.WhichOneof("type") == "ref_hash":  # one that this session was sent before
            known = ForwardMsg()
            known.CopyFrom(self._known[message.ref_hash])
            known.metadata.CopyFrom(message.metadata)
            return known
        if message.hash:
            self._known[message.hash] = message
        return message

    def _take(self, message: ForwardMsg) -> bool:
        """Note what a message says; whether the page stands."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.elements = {}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self.elements[tuple(message.metadata.delta_path)] = message.delta.new_element
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        return kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY

    @property
    def main(self) -> str:
        """All that stands beside the side bar, as text."""
        return "\n".join(str(element) for path, element in self.elements.items() if path[0] == MAIN)

    def box(self, kind: str, label: str) -> str:
        """The identifier of a widget by kind and label: `text_area`, `Request`."""
        found = [
            getattr(element, kind).id
            for element in self.elements.values()
            if element.WhichOneof("type") == kind and getattr(element, kind).label == label
        ]
        assert len(found) == 1, f"{len(found)} of {kind} {label!r} in {self.main[-2000:]}"
        return str(found[0])

    def ask(self, text: str) -> str:
        """Type a request and press `Run`; the name of the run that the page goes to."""
        self.drawn({self.box("text_area", "Request"): text, self.box("button", "Run"): True})
        run = re.search(r"run=([\w-]+)", self.query)
        assert run, f"no run was begun: {self.main[-2000:]}"
        return run[1]

    def press(self, label: str) -> None:
        """Press a button."""
        self.drawn({self.box("button", label): True})
