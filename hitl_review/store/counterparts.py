"""The rows that the log's events tell of, as verification reads them: beside their event, and left over.

Columns are compared by whoever calls; here is only the SQL. Nothing is made a domain value, because
an altered row may be none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from hitl_review.store.audit import BEYOND
from hitl_review.store.connection import Row, Store

HIGHEST_ROW: Final = 2**53
"""No table has so many rows, and rows are numbered one by one."""


def rows_beside(store: Store, table: str, key: str, event_id: str) -> list[Row]:
    """Return the rows of a table that one event tells of, with what the model said where it was shown."""
    return store.rows(_beside(table, key), (event_id,))


def columns_beside(store: Store, table: str, key: str) -> frozenset[str]:
    """Return the names of the columns that `rows_beside` returns, as they are in this file."""
    found = store.db.conn.execute(f"SELECT * FROM ({_beside(table, key)}) LIMIT 0", ("",))
    return frozenset(column[0] for column in found.description)


def rows_in_order(
    store: Store, table: str, key: str, event_id: str, columns: tuple[str, ...]
) -> Iterator[tuple[Any, ...]]:
    """Yield these columns of the row that one event tells of and of every later row, in the order of the rows.

    A walk along the log meets the rows in this order, and reads them in half of the time of looking each up.
    """
    return _tuples(store, _in_order(table, key, columns), (event_id,))


@cache
def _in_order(table: str, key: str, columns: tuple[str, ...]) -> str:
    beside = _beside(table, key).removesuffix(f"t.{key} = ?")
    from_there = f"t.rowid >= (SELECT rowid FROM {table} WHERE {key} = ?) ORDER BY t.rowid"
    return f"SELECT {', '.join(columns)} FROM ({beside}{from_there})"


@cache
def _beside(table: str, key: str) -> str:
    if table == "decisions":
        told = ", p.model, p.probability, p.threshold, p.label AS label_shown"
    else:
        told = ", p.model" if table == "reveals" else ""
    join = " LEFT JOIN predictions p USING (prediction_id)" if told else ""
    return f"SELECT t.*{told} FROM {table} t{join} WHERE t.{key} = ?"


def unlike(store: Store, table: str, event_id: str, expected: Mapping[str, object]) -> list[str]:
    """Return in which of some columns rows of a batch hold something else than their event tells of all of them."""
    differs = ", ".join(f"count(*) FILTER (WHERE {column} IS NOT ?)" for column in expected)
    found = store.rows(f"SELECT {differs} FROM {table} WHERE event_id = ?", (*expected.values(), event_id))[0]
    return [column for column, count in zip(expected, found, strict=True) if count]


def count(store: Store, table: str, where: str = "1") -> int:
    """Return how many rows a table holds, all of them or those of which a condition is true."""
    return int(store.rows(f"SELECT count(*) FROM {table} NOT INDEXED WHERE {where}")[0][0])


def has_case(store: Store, case_id: str) -> bool:
    """Tell whether there is a case with this id."""
    return store.row("SELECT 1 FROM cases WHERE case_id = ?", (case_id,)) is not None


def jobs_that_stand(store: Store) -> list[tuple[str, str, int, str | None]]:
    """Return each job with its state, its attempts, and when it was started last."""
    rows = store.rows("SELECT job_id, state, attempts, started_at FROM jobs ORDER BY rowid")
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def models_in_use(store: Store) -> list[tuple[int, str | None]]:
    """Return the place of each change of the model in use, and which was in use from then on, in order."""
    sql = "SELECT l.seq, m.model FROM promotions m CROSS JOIN audit_log l USING (event_id) ORDER BY l.seq"
    return [(row[0], row[1]) for row in store.rows(sql)]


def routings_set(store: Store) -> list[tuple[int, str, object]]:
    """Return the place and the event of each routing that was set, and the share that it draws, in order."""
    sql = (
        "SELECT l.seq, r.event_id, CASE WHEN json_valid(r.body) THEN json_extract(r.body, '$.random_share') END"
        " FROM routings r CROSS JOIN audit_log l USING (event_id) ORDER BY l.seq"
    )
    return [(row[0], row[1], row[2]) for row in store.rows(sql)]


def place_of_decision(store: Store, decision_id: str) -> int | None:
    """Return the number of the event that tells of a decision, or None where there is no such decision."""
    sql = "SELECT l.seq FROM decisions d CROSS JOIN audit_log l ON l.event_id = d.decision_id WHERE d.decision_id = ?"
    row = store.row(sql, (decision_id,))
    return None if row is None else int(row[0])


def accounts_since(store: Store) -> list[tuple[str, str, int]]:
    """Return each account with its role and the event since which it is there."""
    sql = "SELECT a.account_id, a.role, l.seq FROM accounts a JOIN audit_log l ON l.event_id = a.event_id"
    return [(row[0], row[1], row[2]) for row in store.rows(sql)]


def named_since(store: Store) -> list[tuple[str, str, int]]:
    """Return each account with its printed name and the event that made it, in the order of the log."""
    sql = "SELECT a.account_id, a.name, l.seq FROM accounts a CROSS JOIN audit_log l USING (event_id) ORDER BY l.seq"
    return [(row[0], row[1], row[2]) for row in store.rows(sql)]


def disabled_spans(store: Store) -> dict[str, list[tuple[int, int]]]:
    """Return between which events each account was disabled; the second is beyond the log for one that still is.

    A CROSS JOIN begins on the left: the few rows there are looked up in the log, and not the other way round.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    rows = store.rows(
        "SELECT s.account_id, s.enabled, l.seq FROM standings s CROSS JOIN audit_log l ON l.event_id = s.event_id"
        " ORDER BY l.seq"
    )
    for account, enabled, seq in rows:
        spans = found.setdefault(account, [])
        if spans and spans[-1][1] == BEYOND:
            spans[-1] = (spans[-1][0], seq)
        if not enabled:
            spans.append((seq, BEYOND))
    return found


def told_of(store: Store, table: str, key: str, actions: Iterable[str]) -> int:
    """Return how many events with one of the actions are about a row that a table holds; reads the whole log.

    The log is the one of this very view. Whoever walked it with a later one may have met a row that is here no more.
    """
    marks = ", ".join(f"'{action}'" for action in sorted(actions))
    told = "CASE WHEN json_valid(a.payload) THEN json_extract(a.payload, '$.{}') END"
    subject = told.format("subject")
    sql = (
        f"SELECT count(*) FROM audit_log a CROSS JOIN {table} t"
        f" ON t.{key} = substr({subject}, instr({subject}, ':') + 1)"
        f" WHERE {told.format('action')} IN ({marks})"
    )
    return int(store.rows(sql)[0][0])


def untold(store: Store, table: str, key: str, actions: Iterable[str]) -> list[str]:
    """Return the keys of up to three rows that no event with one of the actions tells of."""
    marks = ", ".join(f"'{action}'" for action in sorted(actions))
    rows = store.rows(
        f"SELECT t.{key} FROM {table} t LEFT JOIN audit_log a ON a.event_id = t.{key} AND"
        f" CASE WHEN json_valid(a.payload) THEN json_extract(a.payload, '$.action') END IN ({marks})"
        " WHERE a.seq IS NULL LIMIT 3"
    )
    return [str(row[0]) for row in rows]


def disordered(store: Store, table: str, key: str, order: str) -> int | None:
    """Return the first event whose row stands before a row of an earlier event, or None.

    "The latest" and "oldest first" follow the order of the rows, so that order is evidence too.
    """
    row = store.row(
        f"SELECT min(seq) FROM (SELECT a.seq, max(a.seq) OVER (ORDER BY t.{order}) AS highest"
        f" FROM {table} t JOIN audit_log a ON a.event_id = t.{key}) WHERE seq < highest"
    )
    return None if row is None else row[0]


def has_gaps(store: Store, table: str, column: str) -> bool:
    """Tell whether a column does not count 1, 2, 3 and so on."""
    row = store.rows(f"SELECT count(*), coalesce(min({column}), 1), coalesce(max({column}), 0) FROM {table}")[
        0
    ]
    return (row[1], row[2]) != (1, row[0])


def is_at_its_end(store: Store, table: str) -> bool:
    """Tell whether a row is numbered beyond any that was ever added.

    Behind the highest number there is, SQLite puts rows at random places, and the latest of an account is an old one.
    """
    return store.row(f"SELECT 1 FROM {table} WHERE rowid > {HIGHEST_ROW} LIMIT 1") is not None


_BYTES: Final = "CASE typeof(body) WHEN 'text' THEN CAST(body AS BLOB) END"


def stored_snapshots(store: Store) -> Iterator[tuple[Any, Any, bytes | None]]:
    """Yield digest, case id and body of every snapshot, the body as its bytes; none of what is no text."""
    return _tuples(store, f"SELECT digest, case_id, {_BYTES} FROM snapshots")


def stored_bodies(store: Store, table: str) -> Iterator[tuple[Any, bytes | None]]:
    """Yield digest and body of everything in `screens` or `manifests`, the body as above."""
    return _tuples(store, f"SELECT digest, {_BYTES} FROM {table}")


def stored_figures(store: Store, model: str) -> list[tuple[Any, Any, Any, Any]]:
    """Return name, digest, words and bytes of every picture of a model version."""
    return list(_tuples(store, "SELECT name, digest, alt, png FROM figures WHERE model = ?", (model,)))


def _tuples(store: Store, sql: str, parameters: tuple[Any, ...] = ()) -> Iterator[Any]:
    cursor = store.db.conn.cursor()
    cursor.row_factory = None
    return cursor.execute(sql, parameters)


_STRAYS: Final = {
    "snapshots": "SELECT count(*) FROM snapshots s WHERE NOT EXISTS"
    " (SELECT 1 FROM cases c WHERE c.case_id = s.case_id AND c.snapshot = s.digest)",
    "screens": "SELECT count(*) FROM (SELECT digest FROM screens EXCEPT SELECT screen FROM reveals"
    " EXCEPT SELECT screen FROM study_showings)",
    "manifests": "SELECT count(*) FROM (SELECT digest FROM manifests EXCEPT SELECT manifest FROM models)",
    "figures": "SELECT count(*) FROM figures WHERE model NOT IN (SELECT digest FROM models)",
}


def strays(store: Store, table: str) -> int:
    """Return how many rows of a table that events name by digest belong to nothing."""
    return int(store.rows(_STRAYS[table])[0][0])


def missing_manifests(store: Store) -> int:
    """Return how many model versions have no training manifest here."""
    sql = "SELECT count(*) FROM models WHERE manifest NOT IN (SELECT digest FROM manifests)"
    return int(store.rows(sql)[0][0])


def misfits(store: Store) -> list[int]:
    """Return the events of decisions that do not fit the screen they point at."""
    rows = store.rows(
        "SELECT a.seq FROM decisions d JOIN audit_log a ON a.event_id = d.decision_id"
        " LEFT JOIN reveals r USING (reveal_id)"
        " WHERE (d.case_id, d.reader, d.prediction_id, d.shown_digest, d.shown_at)"
        " IS NOT (r.case_id, r.reader, r.prediction_id, r.screen, r.shown_at) ORDER BY a.seq LIMIT 100"
    )
    return [row[0] for row in rows]


def worklist_faults(store: Store) -> list[str]:
    """Return where the worklist is not what cases and decisions make of it."""
    found = {words: int(store.rows(sql)[0][0]) for words, sql in _WORKLIST.items()}
    return [f"{count} {words}" for words, count in found.items() if count]


def printed_names(store: Store) -> dict[str, str]:
    """Return the printed name of every account."""
    return {row[0]: row[1] for row in store.rows("SELECT account_id, name FROM accounts")}


def resolved_by_readers(store: Store) -> list[int]:
    """Return the events in which somebody resolved a dispute about an own call."""
    return [row[0] for row in store.rows(_RESOLVED_BY_READERS)]


_RESOLVED_BY_READERS: Final = (
    "SELECT a.seq FROM resolutions r CROSS JOIN audit_log a ON a.event_id = r.event_id WHERE EXISTS"
    " (SELECT 1 FROM reads o JOIN audit_log b ON b.event_id = o.read_id"
    " WHERE o.case_id = r.case_id AND o.reader = r.by AND b.seq < a.seq) OR EXISTS"
    " (SELECT 1 FROM decisions d JOIN audit_log b ON b.event_id = d.decision_id"
    " WHERE d.case_id = r.case_id AND d.reader = r.by AND d.label IS NOT NULL AND b.seq < a.seq AND NOT EXISTS"
    " (SELECT 1 FROM decisions l JOIN audit_log c ON c.event_id = l.decision_id"
    " WHERE l.supersedes = d.decision_id AND c.seq < a.seq)) ORDER BY a.seq LIMIT 100"
)


_LATEST_ANSWERS: Final = (
    "SELECT d.case_id, d.answer, max(a.seq) FROM decisions d JOIN audit_log a ON a.event_id = d.decision_id"
    " GROUP BY d.case_id"
)
_WORKLIST: Final = {
    "cases of the queue are not in the worklist at their place": (
        "SELECT count(*) FROM (SELECT case_id, position FROM cases WHERE purpose = 'queue'"
        " EXCEPT SELECT case_id, position FROM worklist)"
    ),
    "rows of the worklist are no cases of the queue": (
        "SELECT count(*) FROM (SELECT case_id, position FROM worklist"
        " EXCEPT SELECT case_id, position FROM cases WHERE purpose = 'queue')"
    ),
    "cases of the worklist are in another state than their latest decision puts them in": (
        f"WITH latest AS ({_LATEST_ANSWERS})"
        " SELECT count(*) FROM worklist w LEFT JOIN latest l USING (case_id) WHERE w.state IS NOT CASE"
        " WHEN l.answer = 'deferred' THEN 'deferred' WHEN l.answer IS NOT NULL THEN 'decided'"
        " WHEN w.state = 'passed' AND w.case_id IN (SELECT case_id FROM passes WHERE audited = 0) THEN 'passed'"
        " ELSE 'open' END"
    ),
}


def holds(store: Store) -> list[tuple[str, str, str]]:
    """Return who holds which case until when."""
    rows = store.rows(
        "SELECT holder, case_id, held_until FROM worklist WHERE holder IS NOT NULL OR held_until IS NOT NULL"
    )
    return [(row["holder"], row["case_id"], row["held_until"]) for row in rows]
