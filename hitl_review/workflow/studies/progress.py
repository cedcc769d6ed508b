"""How far a running study is, for its lead: reads done and washouts, never how well anybody reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hitl_review.domain.account import Actor
from hitl_review.domain.study import ScheduledRead, Study, StudyRead
from hitl_review.store import accounts
from hitl_review.store.studies import lists, reads, steps
from hitl_review.workflow.studies.reading import washed_out_at
from hitl_review.workflow.studies.stepping import lead
from hitl_review.workflow.workspace import Workspace

OVERDUE_AFTER: Final = timedelta(days=7)
"""A reader who has not come back so long after the washout is worth a call."""


@dataclass(frozen=True, slots=True)
class ReaderProgress:
    """How far one reader is: cases done, and the session the next one is in."""

    reader: str
    name: str
    done: int
    total: int
    session: int
    sessions: int
    last_read_at: datetime | None
    may_read_from: datetime | None
    """When the washout before the next case ends, or ended; None where there is none to wait for."""
    overdue: bool
    waived: bool


def progress_of(workspace: Workspace, study_id: str, *, actor: Actor) -> list[ReaderProgress]:
    """Return how far each reader of a frozen or later study is, in the protocol's order."""
    lead(actor)
    study = steps.study(workspace.store, study_id)
    names = {each.account_id: each.name for each in accounts.everyone(workspace.store)}
    waived = {row["reader"] for row in steps.waivers(workspace.store, study_id)}
    return [
        _of_reader(workspace, study, reader, names.get(reader, reader), reader in waived)
        for reader in study.protocol.readers
    ]


def _of_reader(workspace: Workspace, study: Study, reader: str, name: str, waived: bool) -> ReaderProgress:
    own = lists.of_reader(workspace.store, study.study_id, reader)
    made = reads.of_reader(workspace.store, study.study_id, reader)
    left = _left(own, made)
    now = workspace.store.clock()
    until = washed_out_at(workspace, study, left[0], own) if left else None
    return ReaderProgress(
        reader,
        name,
        len(own) - len(left),
        len(own),
        left[0].session if left else max((item.session for item in own), default=1),
        max((item.session for item in own), default=1),
        made[-1].committed_at if made else None,
        until,
        until is not None and now > until + OVERDUE_AFTER,
        waived,
    )


def _left(own: list[ScheduledRead], made: list[StudyRead]) -> list[ScheduledRead]:
    count = Counter(read.item for read in made)
    return [item for item in own if count[item.item] < len(item.modalities)]
