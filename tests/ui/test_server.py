"""Nothing is said to be served where it can't be."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from hitl_review.errors import WorkspaceError
from hitl_review.ui import server


class Ran(Exception):
    """The server would have run."""


class App:
    """Stands where Streamlit would run."""

    def run(self, config: dict[str, object]) -> None:
        """Tell that it came so far."""
        raise Ran(config["server.port"])


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
