"""Planted names and comments come out where they belong, and in no message, log line or temporary file. G14."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import HitlError
from hitl_review.store import audit, reviews
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.auditing import line_of, verify
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.diagnosing import diagnose
from hitl_review.workflow.log_exports import export_log
from hitl_review.workflow.workspace import Workspace
from tests.tampering import tamper
from tests.ward import Clock

CANARY = "ZZPHI-4711"


def refused(act: Callable[[], object]) -> str:
    """The sentence of a refusal."""
    with pytest.raises(HitlError) as told:
        act()
    return str(told.value)


def test_a_planted_comment_and_name_leave_no_trace_outside_the_records(
    reviewed: Workspace,
    clock: Clock,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through deciding, refusals, exports, verification of an altered log, and the doctor."""
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    add_account(reviewed, "reader-9", f"Dr {CANARY}", Role.READER)
    reader = Actor("reader-1", "Rita Reader", Role.READER)
    latest = reviews.decision_in_force(reviewed.store, "C-2", "reader-1")
    assert latest is not None
    clock.advance(60)

    def decide(token: str, supersedes: str | None, reason: str | None, comment: str) -> object:
        return record_decision(
            reviewed,
            latest.reveal_id,
            Choice(Answer.OVERRIDDEN, reason=reason, comment=comment),
            actor=reader,
            token=token,
            seconds_active=9,
            seconds_on_screen=9,
            supersedes=supersedes,
        )

    decide("canary-0001", latest.decision_id, "seen_patient", f"He said {CANARY}")
    messages = [
        refused(lambda: decide("canary-0001", latest.decision_id, "seen_patient", f"{CANARY} again")),
        refused(lambda: decide("canary-0002", None, "seen_patient", CANARY)),
        refused(lambda: decide("canary-0004", "canary-0001", "seen_patient", CANARY * 1_000)),
        refused(lambda: add_account(reviewed, "reader-9", f"Dr {CANARY}", Role.READER)),
    ]
    publish_checkpoint(reviewed)
    export_log(reviewed, tmp_path / "log.csv", form="csv")
    assert CANARY in (tmp_path / "log.csv").read_text(encoding="utf-8"), "the record itself must hold it"
    lines = [
        line_of(event) for event in audit.events(reviewed.store) if event.told["action"] != "account.created"
    ]
    tamper(reviewed.folder, f"UPDATE decisions SET comment = 'x {CANARY}' WHERE decision_id = 'canary-0001'")
    found = verify(reviewed.folder)
    assert not found.ok
    checks = [f"{each.found} {each.advice}" for each in diagnose(reviewed.folder)]
    out = capfd.readouterr()
    told = [*messages, *lines, *found.as_lines(), *checks, caplog.text, out.out, out.err]
    assert not [each for each in told if CANARY in each]
    assert not list((tmp_path / "temporary").rglob("*"))
