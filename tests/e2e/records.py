"""What the database holds after a test: asked of the store, never of the page."""

from __future__ import annotations

from pathlib import Path

from hitl_review.domain.decision import Decision, Read
from hitl_review.store import audit, reviews
from hitl_review.store.connection import open_store
from hitl_review.workflow.auditing import verify


def decisions(folder: Path, reader: str) -> list[Decision]:
    """Return every decision of a reader, superseded ones too, oldest first."""
    with open_store(folder) as store:
        return [each for each in reviews.all_decisions(store) if each.reader == reader]


def reads(folder: Path, reader: str) -> list[Read]:
    """Return every own estimate of a reader, oldest first."""
    with open_store(folder) as store:
        return [each for each in reviews.all_reads(store) if each.reader == reader]


def acts(folder: Path, reader: str) -> list[tuple[str, str]]:
    """Return what the audit log tells of a reader, oldest first: the action, and the case it is about."""
    with open_store(folder) as store:
        told = [event.told for event in audit.events(store)]
    return [(each["action"], each["subject"].removeprefix("case:")) for each in told if each["actor"] == reader]


def assert_whole(folder: Path) -> None:
    """Hold the log and every row it tells of against each other, in both directions."""
    found = verify(folder)
    assert found.ok, found.as_lines()


def assert_seen_before_decided(folder: Path, reader: str) -> None:
    """Hold every decision of a reader against what was on that reader's screen before: nothing unseen is decided."""
    with open_store(folder) as store:
        shown = {each.reveal_id: each for each in reviews.all_reveals(store)}
    for decision in decisions(folder, reader):
        reveal = shown[decision.reveal_id]
        assert (reveal.reader, reveal.case_id, reveal.screen) == (reader, decision.case_id, decision.shown_digest)
        seconds = (decision.decided_at - reveal.shown_at).total_seconds()
        assert seconds >= 0.7, f"{decision.case_id} was decided {seconds:.2f} s after it was shown"
