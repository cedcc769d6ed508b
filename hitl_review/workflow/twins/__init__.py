"""For each table that the log tells of: which events tell of its rows, and the row that an event makes.

A row is written here from its event alone, which is why a changed row can be found and a lost one
could be made again. A new column must be told of in the event, or verification reports it.
"""

from __future__ import annotations

from typing import Final

from hitl_review.workflow.twins import auditing, learning, people, reviewing, studies
from hitl_review.workflow.twins.kinds import Batch, Changing, Told, Twin

__all__ = ["ABOUT", "BATCHES", "CHANGING", "TWINS", "UNTOLD", "Batch", "Changing", "Told", "Twin"]

TWINS: Final[tuple[Twin, ...]] = (
    *reviewing.TWINS,
    *people.TWINS,
    *learning.TWINS,
    *studies.TWINS,
    *auditing.TWINS,
)
BATCHES: Final[tuple[Batch, ...]] = (
    *reviewing.BATCHES,
    *people.BATCHES,
    *learning.BATCHES,
    *studies.BATCHES,
    *auditing.BATCHES,
)
CHANGING: Final[tuple[Changing, ...]] = (*people.CHANGING, *learning.CHANGING)
ABOUT: Final = {
    action: about
    for about, actions in {
        "account:": "account.created account.enabled account.disabled password.set identity.linked identity.unlinked",
        "batch:": "case.received outcome.recorded label.collected case.passed",
        "case:": "case.opened read.committed prediction.shown label.disputed label.resolved decision.accepted"
        " decision.overridden decision.deferred decision.amended",
        "decision:": "sample.reviewed receipt.issued",
        "job:": "job.queued job.started job.finished job.failed",
        "lamp:": "alarm.raised alarm.cleared",
        "log:decisions": "audit.sampled",
        "model:": "model.trained model.promoted model.rolled_back model.stopped model.proposed model.declined"
        " gate.passed gate.failed gate.undecided monitoring.made combination.fitted prediction.made",
        "project:": "project.configured",
        "queue:order": "case.sampled",
        "queue:routing": "routing.set",
        "session:": "session.opened session.closed",
        "study:": "study.drafted study.frozen study.started study.amended study.locked study.unsealed study.reported"
        " study.opened study.shown study.read study.washout_waived study.outputs_fixed study.scheduled study.sealed",
    }.items()
    for action in actions.split()
}
"""How the subject of an event begins whose rows are compared: what is listed of one case is found by it.
One without a colon at its end is the whole subject."""
UNTOLD: Final[dict[str, frozenset[str]]] = {
    "ui_sessions": frozenset({"seen_at", "ends_at", "proved_at", "proved_by"}),
    "wrong_tries": frozenset({"try_id", "kind", "key", "at"}),
    "jobs": frozenset(
        {"dedupe", "owner", "lease_until", "share", "words", "result"}
    ),
    "_sqlite_migrations": frozenset({"id", "migration_set", "applied_at"}),
}
"""Columns that no event tells of, so a change of them is not found: where sessions and jobs stand just now, the
wrong tries of the last minutes (each is an event as well), and when the schema was made. No evidence is in them."""
