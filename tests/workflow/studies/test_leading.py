"""The lead's acts: start, amend, lock; each in its state, by its role, with its reason; and no result on the way."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.study import State
from hitl_review.errors import Conflict, NotFound, NotPermitted, StudyError
from hitl_review.store import audit
from hitl_review.workflow.studies.leading import amend_study, lock_study, start_study, waive_washout
from hitl_review.workflow.studies.progress import progress_of
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.studies.unsealing import mark_reported, unseal_study
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock
from tests.ward_study import LEAD, RITA, ROLF, read_all, read_next


def test_an_amendment_keeps_what_was_frozen_and_says_what_changed_and_why(ward: Workspace) -> None:
    """The first digest stays known; seals are untouched; each amendment lists old and new."""
    before = study_of(ward, "ward-1")
    after = amend_study(ward, "ward-1", {"alpha": 0.01, "margin": 0}, reason="The board asked.", actor=LEAD)
    (amendment,) = after.amendments
    assert amendment.changes == {"alpha": (0.05, 0.01)}
    assert (amendment.reason, amendment.by) == ("The board asked.", "lead-1")
    assert after.frozen_digest == before.digest != after.digest == amendment.digest
    assert after.seals == before.seals
    assert after.protocol.alpha == 0.01


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"cases": ["C-1"]}, "why", "can't be amended"),
        ({"seed": 9}, "why", "can't be amended"),
        ({"alpha": 2}, "why", "alpha lies between"),
        ({"alpha": 0.05}, "why", "changes nothing"),
        ({"alpha": 0.01}, "  ", "say why"),
        ({"hypothesis": "equivalence"}, "why", "margin above 0"),
        ({"hypothesis": "sideways"}, "why", "can't be read"),
    ],
)
def test_an_amendment_that_can_not_stand_is_refused(
    ward: Workspace, changes: dict[str, object], reason: str, words: str
) -> None:
    """What was laid down with the freeze stays; a change needs a reason and a sound protocol."""
    with pytest.raises(StudyError, match=words):
        amend_study(ward, "ward-1", changes, reason=reason, actor=LEAD)
    assert study_of(ward, "ward-1").amendments == ()


def test_a_study_with_missing_reads_is_locked_only_with_the_reason_why(ward: Workspace, clock: Clock) -> None:
    """Missing reads are told in number, and the reason is kept with the lock."""
    read_all(ward, RITA, clock)
    with pytest.raises(StudyError, match="reads of study 'ward-1' are missing"):
        lock_study(ward, "ward-1", actor=LEAD)
    study = lock_study(ward, "ward-1", actor=LEAD, reason="Rolf left.")
    assert study.state is State.LOCKED
    assert study.steps[-1].reason == "Rolf left."


def test_the_states_follow_each_other_and_none_is_skipped_or_repeated(ward: Workspace, clock: Clock) -> None:
    """Running, locked, unsealed, reported; a report may be made again, everything else is once."""
    with pytest.raises(Conflict):
        start_study(ward, "ward-1", actor=LEAD)
    with pytest.raises(Conflict):
        mark_reported(ward, "ward-1", report="sha256:0", actor=LEAD)
    for reader in (RITA, ROLF):
        read_all(ward, reader, clock)
    lock_study(ward, "ward-1", actor=LEAD)
    for act in (
        lambda: lock_study(ward, "ward-1", actor=LEAD),
        lambda: amend_study(ward, "ward-1", {"alpha": 0.01}, reason="late", actor=LEAD),
        lambda: waive_washout(ward, "ward-1", "reader-1", reason="late", actor=LEAD),
    ):
        with pytest.raises(Conflict, match="is locked"):
            act()
    unseal_study(ward, "ward-1", actor=LEAD)
    for _ in range(2):
        assert mark_reported(ward, "ward-1", report="sha256:0", actor=LEAD).state is State.REPORTED
    told = [
        event.told["action"] for event in audit.events(ward.store) if event.told["subject"] == "study:ward-1"
    ]
    assert [action for action in told if action not in {"study.read", "study.opened", "study.shown"}] == [
        *("study.drafted", "study.outputs_fixed", "study.scheduled", "study.sealed", "study.frozen"),
        *("study.started", "study.locked", "study.unsealed", "study.reported", "study.reported"),
    ]


def test_nobody_but_a_lead_leads(ward: Workspace) -> None:
    """Readers, auditors, stewards, approvers and admins are refused each act."""
    for role in set(Role) - {Role.STUDY_LEAD, Role.SYSTEM}:
        actor = Actor("somebody", "Somebody", role)
        for act in (
            lambda actor=actor: start_study(ward, "ward-1", actor=actor),
            lambda actor=actor: lock_study(ward, "ward-1", actor=actor, reason="x"),
            lambda actor=actor: unseal_study(ward, "ward-1", actor=actor),
            lambda actor=actor: amend_study(ward, "ward-1", {"alpha": 0.01}, reason="x", actor=actor),
            lambda actor=actor: waive_washout(ward, "ward-1", "reader-1", reason="x", actor=actor),
            lambda actor=actor: progress_of(ward, "ward-1", actor=actor),
        ):
            with pytest.raises(NotPermitted):
                act()


def test_an_unknown_study_is_named_with_those_there_are(ward: Workspace) -> None:
    """One sentence that helps."""
    with pytest.raises(NotFound, match=r"no study 'ward-9'.*ward-1"):
        study_of(ward, "ward-9")


def test_progress_tells_how_far_and_nothing_of_how_well(ward: Workspace, clock: Clock) -> None:
    """Cases done, session, times; no call, rating, truth or model."""
    for _ in range(3):
        read_next(ward, RITA, clock)
    first, second = progress_of(ward, "ward-1", actor=LEAD)
    assert (first.reader, first.done, second.done) == ("reader-1", 1, 0)
    assert first.last_read_at is not None
    assert second.last_read_at is None
    assert set(asdict(first)) == {
        *("reader", "name", "done", "total", "session", "sessions"),
        *("last_read_at", "may_read_from", "overdue", "waived"),
    }
