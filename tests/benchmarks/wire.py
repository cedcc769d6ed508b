"""A reader without a browser: Streamlit's own messages over one websocket, so that twenty fit beside a server.

The messages are Streamlit's private protobufs, which is why its version is pinned; a page that changes
shows up here as a button that is not found.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from types import TracebackType

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from tests.benchmarks.signing_in import Entry

ANSWER_SECONDS = 60.0


@dataclass
class WireReader:
    """One session: the buttons that stand on its page by key, the page's texts, and how long each rerun took."""

    address: str
    entry: Entry
    buttons: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    reruns: list[float] = field(default_factory=list)
    query: str = ""
    page: str = ""
    _socket: ClientConnection | None = None

    async def __aenter__(self) -> WireReader:
        url = self.address.replace("http", "ws") + "/_stcore/stream"
        self._socket = await connect(
            url,
            subprotocols=["streamlit"],  # type: ignore[list-item]
            max_size=None,
            additional_headers=self.entry.headers,
            origin=self.address,  # type: ignore[arg-type]
        )
        self.query = self.entry.query
        await self.rerun()
        self.reruns.clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: object, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def press(self, key: str) -> None:
        """Press the button of the page whose key begins with a word, and wait until the rerun is done."""
        ids = [each for each in self.buttons if self.buttons[each].startswith(key)]
        if not ids:
            raise RuntimeError(
                f"no button {key!r} on the page: {sorted(self.buttons.values())}; {self.texts}"
            )
        await self.rerun(ids[0])

    async def rerun(self, button: str | None = None) -> None:
        """Ask for a rerun, pressing a button if one is named, and read until the script is finished."""
        assert self._socket is not None
        asked = BackMsg()
        asked.rerun_script.query_string = self.query
        asked.rerun_script.page_script_hash = self.page
        if button is not None:
            state = asked.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = button, True
        began = time.perf_counter()
        await self._socket.send(asked.SerializeToString())
        self.buttons, self.texts = {}, []
        async with asyncio.timeout(ANSWER_SECONDS):
            while not self._heard(await self._socket.recv()):
                pass
        self.reruns.append(1000 * (time.perf_counter() - began))

    def _heard(self, data: str | bytes) -> bool:
        """Take in one message, and tell whether it was the last one of a run."""
        message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.page = message.new_session.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._see(message.delta.new_element)
        return kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY

    def _see(self, element: object) -> None:
        kind = element.WhichOneof("type")  # type: ignore[attr-defined]
        part = getattr(element, kind)
        if kind == "button":
            self.buttons[part.id] = re.sub(r"^\$\$ID-[0-9a-f]+-", "", part.id)
        elif kind in ("html", "alert", "text"):
            self.texts.append(part.body)
