"""Nothing is said to be served where it can't be."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
import streamlit as st
from starlette.requests import HTTPConnection

from hitl_review.errors import WorkspaceError
from hitl_review.ui import guard, server, session


class Ran(Exception):
    """The server would have run."""


class App:
    """Stands where Streamlit would run."""

    def run(self, config: dict[str, object]) -> None:
        """Tell that it came so far."""
        raise Ran(config["server.port"], config["server.allowedHosts"])


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else's settings, nothing kept in the environment, and no server."""
    monkeypatch.setattr(server, "_others_settings", list)
    monkeypatch.setattr(server, "make_app", App)
    for name in ("HITL_WORKSPACE", server.KEPT, server.FORWARDERS):
        monkeypatch.setenv(name, "")  # so that it is put back to what it was
        monkeypatch.delenv(name)


@pytest.mark.parametrize("listens", [True, False])
def test_a_port_at_which_somebody_listens_is_refused_in_words(
    reviewed_folder: Path, capsys: pytest.CaptureFixture[str], listens: bool
) -> None:
    """Before anything is said to be served; one that is free again is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        if listens:
            with pytest.raises(WorkspaceError) as refused:
                server.serve(reviewed_folder, port=port)
            assert str(refused.value) == (
                f"The app was not served at port {port} of 127.0.0.1: Address already in use. "
                "Stop what listens there, or name another port with --port."
            )
            assert "serves" not in capsys.readouterr().out
    if not listens:
        with pytest.raises(Ran, match=str(port)):
            server.serve(reviewed_folder, port=port)
        assert f"serves {reviewed_folder} at http://127.0.0.1:{port}" in capsys.readouterr().out


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_the_app_answers_at_the_address_that_it_says_it_is_served_at(
    reviewed_folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """And beside a proxy with a public name it asks for no TLS there."""
    monkeypatch.setattr(server, "_check_port", lambda *_asked: None)  # not every machine that tests has IPv6
    with pytest.raises(Ran) as ran:
        server.serve(reviewed_folder, port=8501, address=address, public_url="https://review.example.org")
    monkeypatch.setattr(st, "get_option", lambda _name: ran.value.args[1])
    (named,) = re.findall(r"http://(\S+)", capsys.readouterr().out)

    def asked(host: str) -> HTTPConnection:
        return HTTPConnection({"type": "http", "path": "/", "headers": [(b"host", host.encode())]})

    assert guard.is_own_name(asked(named)) and not session.is_public(named)
    assert guard.is_own_name(asked("review.example.org")) and session.is_public("review.example.org")
    assert not guard.is_own_name(asked("127.0.0.3:8501"))


def found_at(*places: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a name stand for some addresses."""

    def look_up(_name: str, port: int, **_kind: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (place, port)) for place in places]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


NOT_OURS = "192.0.2.7"
"""An address for examples, which no machine has."""


@pytest.mark.parametrize("places", [(NOT_OURS, "127.0.0.1"), ("127.0.0.1", NOT_OURS)])
def test_one_address_of_a_name_is_enough_and_it_must_be_free(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, places: tuple[str, str]
) -> None:
    """A name may stand for an address that this machine has not."""
    found_at(*places, monkeypatch=monkeypatch)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(WorkspaceError, match="of localhost: Address already in use"):
            server.serve(reviewed_folder, port=port, address="localhost")
    with pytest.raises(Ran):
        server.serve(reviewed_folder, port=port, address="localhost")


def test_a_name_that_stands_for_no_address_of_this_machine_is_refused(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing could reach the app there."""
    found_at(NOT_OURS, monkeypatch=monkeypatch)
    with pytest.raises(WorkspaceError, match="of localhost: Cannot assign requested address"):
        server.serve(reviewed_folder, port=8501, address="localhost")


def test_a_name_that_nobody_knows_is_refused(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that stands for no address here."""

    def look_up(*_asked: object, **_kind: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(WorkspaceError, match="of localhost: Name or service not known"):
        server.serve(reviewed_folder, port=8501, address="localhost")
