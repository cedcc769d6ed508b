"""How a client without a browser signs in: the one place to change when that changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from hitl_review.domain.password import DEMO_PASSWORD


@dataclass(frozen=True, slots=True)
class Entry:
    """What a session brings along: the address line's query, and headers for the websocket."""

    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def sign_in(address: str, account_id: str) -> Entry:
    """Sign in at a served workspace by the form's own route, and return the cookie that stands for it."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
    form = urlencode({"account": account_id, "password": DEMO_PASSWORD})
    headers = {"origin": address, "content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/auth/sign-in", form, headers)
    answer = connection.getresponse()
    cookie = answer.getheader("set-cookie", "").partition(";")[0]
    connection.close()
    if answer.status != 303 or not cookie:
        raise RuntimeError(f"{account_id} was refused at the sign-in ({answer.status})")
    return Entry(headers={"cookie": cookie})
