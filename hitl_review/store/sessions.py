"""Who is signed in now, and the wrong tries of the last minutes. Both change in place; the log keeps what happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hitl_review.domain.access import Ended, UiSession
from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.signature import ProofMethod
from hitl_review.store.connection import Row, Store


def add(store: Store, session: UiSession, *, secret_digest: str) -> None:
    """Keep a new ui session under the digest of what the browser holds."""
    store.insert(
        "INSERT INTO ui_sessions (session_id, secret, account_id, method, opened_at, seen_at, ends_at, proved_at,"
        " proved_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session.session_id,
            secret_digest,
            session.account_id,
            session.method.value,
            stamp(session.opened_at),
            stamp(session.seen_at),
            stamp(session.ends_at),
            stamp(session.proved_at),
            session.proved_by.value,
        ),
    )


def by_secret(store: Store, secret_digest: str) -> UiSession | None:
    """Return the ui session of a secret, ended or not, or None."""
    row = store.row("SELECT * FROM ui_sessions WHERE secret = ?", (secret_digest,))
    return None if row is None else _session(row)


def by_id(store: Store, session_id: str) -> UiSession | None:
    """Return a ui session by its public id, ended or not, or None."""
    row = store.row("SELECT * FROM ui_sessions WHERE session_id = ?", (session_id,))
    return None if row is None else _session(row)


def open_of(store: Store, account_id: str) -> list[UiSession]:
    """Return the ui sessions of an account that were not ended."""
    rows = store.rows("SELECT * FROM ui_sessions WHERE account_id = ? AND ended IS NULL", (account_id,))
    return [_session(row) for row in rows]


def mark_seen(store: Store, session_id: str) -> None:
    """Note that somebody was at a session just now."""
    store.write(
        "UPDATE ui_sessions SET seen_at = ? WHERE session_id = ?", (stamp(store.current().now), session_id)
    )


def mark_proved(store: Store, session_id: str) -> None:
    """Note that the password was given again in a session just now."""
    now = stamp(store.current().now)
    store.write(
        "UPDATE ui_sessions SET proved_at = ?, proved_by = ?, seen_at = ? WHERE session_id = ?",
        (now, ProofMethod.PASSWORD.value, now, session_id),
    )


def mark_ended(store: Store, session_id: str, why: Ended) -> None:
    """Note that a session is over; it never begins again."""
    store.write(
        "UPDATE ui_sessions SET ended = ? WHERE session_id = ? AND ended IS NULL", (why.value, session_id)
    )


def forget_ended(store: Store, *, before: datetime) -> None:
    """Drop the rows of sessions that can't go on and ended long ago; the log keeps that they were."""
    store.write("DELETE FROM ui_sessions WHERE ends_at < ?", (stamp(before),))


def add_try(store: Store, keys: Sequence[tuple[str, str]]) -> list[int]:
    """Count one wrong try under each (kind, key), and return the ids of the rows."""
    made = []
    for kind, key in keys:
        store.insert(
            "INSERT INTO wrong_tries (kind, key, at) VALUES (?, ?, ?)",
            (kind, key, stamp(store.current().now)),
        )
        made.append(int(store.rows("SELECT last_insert_rowid()")[0][0]))
    return made


def count_tries(store: Store, kind: str, key: str, *, since: datetime) -> int:
    """Return how many wrong tries there were since a moment."""
    sql = "SELECT count(*) FROM wrong_tries WHERE kind = ? AND key = ? AND at > ?"
    return int(store.rows(sql, (kind, key, stamp(since)))[0][0])


def forget_tries(store: Store, ids: Sequence[int], *, account_key: str | None = None) -> None:
    """Take back tries that turned out right, and with an account's key all the wrong ones of the account."""
    for each in ids:
        store.write("DELETE FROM wrong_tries WHERE try_id = ?", (each,))
    if account_key is not None:
        store.write("DELETE FROM wrong_tries WHERE kind = 'account' AND key = ?", (account_key,))


def forget_old_tries(store: Store, *, before: datetime, after: datetime) -> None:
    """Drop tries that count no more, and those of a clock that was far ahead, which would count for years."""
    store.write("DELETE FROM wrong_tries WHERE at <= ? OR at > ?", (stamp(before), stamp(after)))


def _session(row: Row) -> UiSession:
    return UiSession(
        row["session_id"],
        row["account_id"],
        ProofMethod(row["method"]),
        moment(row["opened_at"]),
        moment(row["seen_at"]),
        moment(row["ends_at"]),
        moment(row["proved_at"]),
        ProofMethod(row["proved_by"]),
        None if row["ended"] is None else Ended(row["ended"]),
    )
