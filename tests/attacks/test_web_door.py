"""What comes through the web door beside the pages: faults, tabs that nobody sits at, settings, two people. G9, G14."""

from __future__ import annotations

import asyncio
import io
import logging
from pathlib import Path

import pytest

from hitl_review.ui import server, verify_process

CANARY = "ZZPHI-4711"


# what the terminal tells


def broken() -> None:
    """A fault of ours whose words hold what somebody wrote, behind another one."""
    try:
        int(CANARY)
    except ValueError as fault:
        raise KeyError(CANARY) from fault


def served(caplog: pytest.LogCaptureFixture) -> str:
    """What the log tells of such faults while the app is served."""

    async def serve() -> None:
        async with server._warmed(server.make_app()):
            try:
                broken()
            except KeyError as fault:
                logging.getLogger("streamlit").error("Uncaught app execution", exc_info=fault)
                logging.getLogger("uvicorn").warning("Failed: %s", fault)
                logging.getLogger("uvicorn").warning(fault)

    caplog.handler.setFormatter(logging.Formatter())
    with caplog.at_level(logging.DEBUG):
        for name in ("streamlit", "uvicorn"):
            logging.getLogger(name).addHandler(caplog.handler)
        try:
            asyncio.run(serve())
        finally:
            for name in ("streamlit", "uvicorn"):
                logging.getLogger(name).removeHandler(caplog.handler)
    return caplog.text


def test_a_fault_of_a_page_is_told_without_its_words(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as a value that is sent where a number is asked for: its kind and place are told, and what led to it."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    told = served(caplog)
    assert CANARY not in told
    assert "in broken" in told and "ValueError" in told and "KeyError" in told
    assert logging.getLogRecordFactory() is logging.LogRecord, "afterwards, logs are what they were"
    monkeypatch.setenv("HITL_DEBUG", "1")
    assert CANARY in served(caplog)


def test_a_fault_of_a_check_beside_a_page_is_told_without_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs in a process of its own, whose last words go to the same terminal."""
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    monkeypatch.setattr(verify_process, "verify", lambda *_args, **_named: broken())
    assert verify_process.main(tmp_path) == 2
    told = capsys.readouterr()
    assert CANARY not in told.out + told.err
    assert "KeyError" in told.err
