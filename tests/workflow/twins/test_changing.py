"""What the first and the last event about a session or a job say of its row, column by column."""

from __future__ import annotations

import pytest

from hitl_review.domain.canonical import bytes_digest
from hitl_review.workflow.twins import CHANGING
from hitl_review.workflow.twins.kinds import compared

OF = {each.table: each for each in CHANGING}
AT = "2026-11-22T09:12:03.000001Z"


def test_a_session_begins_and_ends_as_its_events_tell() -> None:
    """Whose it is, how it began, and why it ended."""
    sessions = OF["ui_sessions"]
    opened = {
        "subject": "session:s-1",
        "actor": "rita",
        "at": AT,
        "detail": {"secret_digest": "sha256:5", "method": "password"},
    }
    assert sessions.begin(opened) == {
        "session_id": "s-1",
        "secret": "sha256:5",
        "account_id": "rita",
        "method": "password",
        "opened_at": AT,
    }
    closed = {"subject": "session:s-1", "detail": {"account": "rita", "why": "signed_out"}}
    assert sessions.end(closed) == {"account_id": "rita", "ended": "signed_out"}


def test_a_job_begins_as_it_was_asked_for() -> None:
    """What is to be done, why, by whom and when."""
    queued = {"event_id": "j-1", "actor": "sam", "at": AT, "detail": {"kind": "train", "cause": "asked"}}
    assert OF["jobs"].begin(queued) == {
        "job_id": "j-1",
        "kind": "train",
        "cause": "asked",
        "asked_by": "sam",
        "queued_at": AT,
    }


@pytest.mark.parametrize(("action", "state"), [("job.finished", "done"), ("job.failed", "failed")])
def test_a_job_ends_done_or_failed(action: str, state: str) -> None:
    """With the words that a person reads of it."""
    ended = {"action": action, "at": AT, "detail": {"kind": "train", "words": "It is over.", "attempt": 2}}
    found = OF["jobs"].end(ended)
    assert found == {"state": state, "kind": "train", "words": "It is over.", "attempts": 2, "ended_at": AT}


def test_a_damaged_text_has_the_digest_of_its_bytes() -> None:
    """One that is no UTF-8 any more is compared like any other, and differs."""
    assert compared({"a": "x\udcff", "b": "y", "c": b"z", "d": None}, frozenset({"a", "c", "d", "e"})) == {
        "a": bytes_digest(b"x\xff"),
        "b": "y",
        "c": bytes_digest(b"z"),
        "d": None,
    }
