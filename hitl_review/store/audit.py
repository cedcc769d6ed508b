"""The audit log in SQLite: append, find, read. There is no update and no delete.

An append joins the open transaction, so an event is kept if and only if the change it tells of is
kept. After the insert the row is read back: a trigger that swallowed it would otherwise go unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from secrets import token_hex

import orjson

from hitl_review.domain.account import SYSTEM, Actor
from hitl_review.domain.audit import Event, Head, chain_hash, moment, next_event, stamp
from hitl_review.errors import AuditError
from hitl_review.store import accounts
from hitl_review.store.connection import Store

_COLUMNS = "seq, event_id, prev_hash, payload, hash"
_LAST = "SELECT seq, prev_hash, payload, hash FROM audit_log ORDER BY seq DESC LIMIT 1"
_INSERT = f"INSERT INTO audit_log ({_COLUMNS}) VALUES (?, ?, ?, ?, ?)"
_ENDS_IN = (
    "SELECT 1 FROM audit_log WHERE seq = ? AND event_id = ? AND prev_hash = ? AND payload = ? AND hash = ?"
    " AND seq = (SELECT max(seq) FROM audit_log)"
)
REFUSED = "signature.refused"
REGRESSED = "clock.regressed"
BEYOND = 2**63 - 1
"""A seq that no event has."""


def new_token() -> str:
    """Return a fresh event id."""
    return token_hex(16)


def head(store: Store) -> Head:
    """Return the end of the log."""
    known = store.newest
    if known is not None and store.row(_ENDS_IN, known[0]) is not None:
        return known[1]  # just as this connection wrote it; hashing and reading it anew tells nothing more
    row = store.row(_LAST)
    if row is None:
        return Head()
    seq, prev_hash, payload, stored_hash = row
    if stored_hash != chain_hash(prev_hash, payload):
        raise AuditError(
            f"The last event of the log, {seq}, was altered, so nothing more is written. "
            "Run `hitl-review audit verify`."
        )
    try:
        return Head(seq, stored_hash, moment(orjson.loads(payload)["at"]))
    except (ValueError, TypeError, KeyError) as error:
        raise AuditError(
            f"The last event of the log, {seq}, is not told as it must be, so nothing more is written. "
            "Run `hitl-review audit verify`."
        ) from error


def head_to_follow(store: Store, *, by: Actor | None = None) -> Head:
    """Return the end of the log that the next event of the open transaction will follow.

    Whoever tells of the head in that event asks here: that a clock went back is told before, and moves it. It is
    told in the name of who acts, unless by another.
    """
    end, now = head(store), store.current().now
    if end.at is None or now >= end.at:
        return end
    append(store, REGRESSED, "log:clock", {"previous_at": stamp(end.at), "at": stamp(now)}, actor=by)
    return head(store)


def append(
    store: Store,
    action: str,
    subject: str,
    detail: Mapping[str, object],
    *,
    event_id: str | None = None,
    actor: Actor | None = None,
) -> Event:
    """Add an event to the end of the log, at the transaction's time and by its actor, unless another is named.

    A clock that went back is told in an event of its own first (`clock.regressed`), because
    events are in the order of their writing, whatever the clock says. NotPermitted for whoever was disabled
    meanwhile: whatever was under way is undone, and only that it was refused is told in their name.
    """
    refusal = action == REFUSED or (action == REGRESSED and actor is SYSTEM)
    if store.added == (0, 0) and not refusal and store.current().actor is not SYSTEM:
        accounts.check_standing(store, store.current().actor.account_id)
    end = head(store) if action == REGRESSED else head_to_follow(store, by=SYSTEM if action == REFUSED else None)
    transaction = store.current()
    actor = actor or transaction.actor
    event = next_event(
        end,
        event_id=new_token() if event_id is None else event_id,
        at=transaction.now,
        actor=actor.account_id,
        role=actor.role.value,
        action=action,
        subject=subject,
        detail=detail,
    )
    _insert(store, event)
    return event


def _insert(store: Store, event: Event) -> None:
    values = (event.seq, event.event_id, event.prev_hash, event.payload, event.hash)
    changed = store.db.conn.execute(_INSERT, values).rowcount
    if changed != 1 or store.row(_ENDS_IN, values) is None:
        raise AuditError("The event was not found in the log after it was written, so nothing was stored.")
    store.added = (store.added[0] or event.seq, event.seq)
    store.newest = (values, Head(event.seq, event.hash, store.current().now))


def find(store: Store, event_id: str) -> Event | None:
    """Return the event with this id, or None."""
    row = store.row(f"SELECT {_COLUMNS} FROM audit_log WHERE event_id = ?", (event_id,))
    return None if row is None else Event(*row)


def events(store: Store, *, after: int = 0, upto: int = BEYOND) -> Iterator[Event]:
    """Yield all events after a seq and up to another, oldest first, without holding them all in memory."""
    sql = f"SELECT {_COLUMNS} FROM audit_log WHERE seq > ? AND seq <= ? ORDER BY seq"
    for row in store.db.execute(sql, (after, upto)):
        yield Event(*row)


def hashes(store: Store, *, upto: int) -> list[str]:
    """Return the hashes of the first events, in order."""
    return [
        row["hash"] for row in store.rows("SELECT hash FROM audit_log WHERE seq <= ? ORDER BY seq", (upto,))
    ]


def of_action(store: Store, action: str, *, upto: int = BEYOND) -> list[Event]:
    """Return every event of a rare action up to a seq, oldest first; reads the whole log."""
    rows = store.rows(
        f"SELECT {_COLUMNS} FROM audit_log WHERE json_extract(payload, '$.action') = ? AND seq <= ? ORDER BY seq",
        (action, upto),
    )
    return [Event(*row) for row in rows]


def latest(
    store: Store,
    *,
    limit: int,
    before: int | None = None,
    after: int = 0,
    subject: str | None = None,
    action: str | None = None,
    actor: str | None = None,
    model: str | None = None,
    outcome: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> list[Event]:
    """Return the newest events first, at most `limit`, between the seqs `after` and `before`, filtered if asked.

    The bounds are plain comparisons, so that only the events between them are looked at, however long
    the log is; a filter has to read the payload of each of these (about 2 microseconds an event).
    """
    rows = store.rows(
        f"SELECT {_COLUMNS} FROM audit_log WHERE seq < ?1 AND seq > ?2"
        " AND (?3 IS NULL OR json_extract(payload, '$.subject') = ?3)"
        " AND (?4 IS NULL OR json_extract(payload, '$.action') LIKE ?4)"
        " AND (?5 IS NULL OR json_extract(payload, '$.actor') = ?5)"
        " AND (?6 IS NULL OR json_extract(payload, '$.detail.model') = ?6"
        " OR json_extract(payload, '$.subject') = 'model:' || ?6)"
        " AND (?7 IS NULL OR json_extract(payload, '$.detail.outcome') = ?7)"
        " AND (?8 IS NULL OR json_extract(payload, '$.at') >= ?8)"
        " AND (?9 IS NULL OR json_extract(payload, '$.at') < ?9)"
        " ORDER BY seq DESC LIMIT ?10",
        (
            *(BEYOND if before is None else before, after, subject, action, actor),
            *(model, outcome, since, until, limit),
        ),
    )
    return [Event(*row) for row in rows]
