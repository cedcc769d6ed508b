"""How a client without a browser signs in: the one place to change when that changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Entry:
    """What a session brings along: the address line's query, and headers for the websocket."""

    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def sign_in(address: str, account_id: str) -> Entry:
    """Sign in at a served workspace: until accounts have passwords, the address names the reader."""
    return Entry(urlencode({"reader": account_id}))
