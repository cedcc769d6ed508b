"""The two ways in which rows follow from events: a row for each, or a batch with a digest over its lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hitl_review.domain.canonical import bytes_digest, lines_digest
from hitl_review.errors import AuditError
from hitl_review.store.connection import Store

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Twin:
    """A table with one row per event: how the row follows from the event."""

    table: str
    actions: frozenset[str]
    row_of: Callable[[Told], dict[str, object]]
    key: str = "event_id"
    digested: frozenset[str] = frozenset()
    """Columns of which the event tells the digest."""
    order: str = "rowid"

    def comparable(self, row: dict[str, object]) -> dict[str, object]:
        """Return a stored row with digests in the place of what is told by digest."""
        return compared(row, self.digested)


@dataclass(frozen=True, slots=True)
class Batch:
    """A table with many rows per event: the lines that the event's digest covers."""

    table: str
    action: str
    lines: Callable[[Store, str], list[object]]
    time: str
    order: str = "rowid"
    key: str = "event_id"
    shared: Callable[[Told], dict[str, object]] = lambda told: {}
    """Columns, besides the time, that the event tells of all its rows at once."""

    @property
    def actions(self) -> frozenset[str]:
        """The one action that tells of the rows."""
        return frozenset({self.action})


@dataclass(frozen=True, slots=True)
class Changing:
    """A table whose rows change in place: what the first and the last event about a row say of it for good."""

    table: str
    key: str
    begun: str
    """The action with which a row comes."""
    begin: Callable[[Told], dict[str, object]]
    """The columns that the first event tells of."""
    ended: frozenset[str]
    """The actions after which nothing about a row changes."""
    end: Callable[[Told], dict[str, object]]
    """The columns that the last event tells of."""
    has_ended: str
    """What is true of a row from then on, in SQL."""
    kept: bool
    """Whether rows stay for ever; others are dropped when they are of no use."""
    digested: frozenset[str] = frozenset()
    """Columns of which the event tells the digest."""

    @property
    def when_ended(self) -> str:
        """The name under which the rows are counted that an event says to have ended."""
        return f"{self.table} that ended"


def compared(row: dict[str, object], digested: frozenset[str]) -> dict[str, object]:
    """Return a stored row with digests in the place of what is told by digest."""
    return {**row, **{name: _digested(row[name]) for name in digested & row.keys()}} if digested else row


def _digested(value: object) -> object:
    if isinstance(value, str):
        value = value.encode(errors="surrogateescape")
    return bytes_digest(value) if isinstance(value, bytes) else value


def id_of(told: Told) -> str:
    """Return the id of what an event is about: of `case:C-0042`, `C-0042`."""
    return str(told["subject"].partition(":")[2])


def digest_of(lines: list[object]) -> str | None:
    """Return the digest of a batch's lines; None, which is no digest, where an altered row is no JSON."""
    try:
        return lines_digest(lines)
    except AuditError:
        return None
