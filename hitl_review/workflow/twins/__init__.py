"""For each table that the log tells of: which events tell of its rows, and the row that an event makes.

A row is written here from its event alone, which is why a changed row can be found and a lost one
could be made again. A new column must be told of in the event, or verification reports it.
"""

from __future__ import annotations

from typing import Final

from hitl_review.workflow.twins import auditing, learning, people, reviewing, studies
from hitl_review.workflow.twins.kinds import Batch, Changing, Told, Twin

__all__ = ["BATCHES", "CHANGING", "TWINS", "UNTOLD", "Batch", "Changing", "Told", "Twin"]

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
UNTOLD: Final[dict[str, frozenset[str]]] = {
    "ui_sessions": frozenset({"seen_at", "ends_at", "proved_at", "proved_by"}),
    "wrong_tries": frozenset({"try_id", "kind", "key", "at"}),
    "jobs": frozenset(
        {"dedupe", "attempts", "owner", "lease_until", "share", "words", "result", "started_at"}
    ),
    "_sqlite_migrations": frozenset({"id", "migration_set", "applied_at"}),
}
"""Columns that no event tells of, so a change of them is not found: where sessions and jobs stand just now, the
wrong tries of the last minutes (each is an event as well), and when the schema was made. No evidence is in them."""
