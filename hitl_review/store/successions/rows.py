"""Rows with their places in the log, for those questions that SQL alone does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hitl_review.store.connection import Row, Store
from hitl_review.store.successions.look import place_of


def moves(store: Store) -> list[Row]:
    """Return every change of the model in use with its place, and what its event tells that no row holds."""
    return store.rows(
        "SELECT m.*, a.seq, v.name AS name_of_model, b.seq AS trained,"
        " json_extract(a.payload, '$.detail.previous') AS previous,"
        " json_extract(a.payload, '$.detail.name') AS name, json_extract(a.payload, '$.subject') AS subject"
        " FROM promotions m CROSS JOIN audit_log a ON a.event_id = m.event_id LEFT JOIN models v ON v.digest = m.model"
        " LEFT JOIN audit_log b ON b.event_id = v.event_id ORDER BY a.seq"
    )


def projects(store: Store) -> list[Row]:
    """Return all project texts with their places, the first one first."""
    return store.rows("SELECT p.text, a.seq FROM projects p CROSS JOIN audit_log a USING (event_id) ORDER BY a.seq")


def gates(store: Store) -> list[Row]:
    """Return the heads of all gate reports with their places."""
    return store.rows(
        "SELECT g.event_id, g.challenger, g.champion, g.verdict, g.protocol, a.seq"
        " FROM gates g CROSS JOIN audit_log a USING (event_id) ORDER BY a.seq"
    )


def proposals(store: Store) -> list[Row]:
    """Return all answers about challengers with their places, and the verdict that their events tell."""
    return store.rows(
        "SELECT p.*, a.seq, json_extract(a.payload, '$.detail.verdict') AS verdict"
        " FROM proposals p CROSS JOIN audit_log a USING (event_id) ORDER BY a.seq"
    )


def steps(store: Store) -> list[Row]:
    """Return all steps of all studies with their places, in the order of the log."""
    return store.rows(
        "SELECT t.*, a.seq FROM study_steps t CROSS JOIN audit_log a USING (event_id) ORDER BY a.seq"
    )


def laid_down(store: Store, table: str) -> dict[str, int]:
    """Return for each study the last event that laid down rows of `study_outputs`, `_schedule` or `_truth`."""
    sql = f"SELECT t.study_id, max(a.seq) FROM {table} t CROSS JOIN audit_log a USING (event_id) GROUP BY t.study_id"
    return {row[0]: row[1] for row in store.rows(sql)}


def seen_again(store: Store) -> list[Row]:
    """Return the showings of cases that their readers read in an earlier session: place, time, and the last read."""
    return store.rows(
        "SELECT a.seq, g.study_id, g.reader, g.shown_at, (SELECT max(r.committed_at) FROM study_reads r"
        " JOIN study_schedule e USING (study_id, item) WHERE (r.study_id, r.reader, r.case_id) ="
        " (s.study_id, s.reader, s.case_id) AND e.session < s.session) AS read_at"
        " FROM study_showings g JOIN study_schedule s USING (study_id, item)"
        " JOIN audit_log a ON a.event_id = g.showing_id"
        " WHERE g.stage = 'facts' AND s.session > 1 AND read_at IS NOT NULL ORDER BY a.seq"
    )


def waived(store: Store) -> dict[tuple[str, str], int]:
    """Return for each study and reader the event in which a washout was waived first."""
    rows = store.rows(
        "SELECT w.study_id, w.reader, min(a.seq) FROM study_waivers w CROSS JOIN audit_log a USING (event_id)"
        " GROUP BY w.study_id, w.reader"
    )
    return {(row[0], row[1]): row[2] for row in rows}


def names_another_model(store: Store, study: str, model: str) -> bool:
    """Tell whether a study holds reads that were made with another model than the one given."""
    return (
        store.row("SELECT 1 FROM study_reads WHERE study_id = ? AND model <> ? LIMIT 1", (study, model))
        is not None
    )


def drawn(store: Store) -> list[str]:
    """Return the ids of all samples, in their order."""
    return [row[0] for row in store.rows("SELECT sample_id FROM samples ORDER BY rowid")]


def without_estimate(store: Store) -> Iterator[tuple[str, str, str]]:
    """Yield event, case and reader of each view that was shown to somebody who had given no own estimate at all."""
    rows: Iterator[Any] = store.db.conn.execute(
        "SELECT v.reveal_id, v.case_id, v.reader FROM reveals v WHERE NOT EXISTS (SELECT 1 FROM reads r"
        " WHERE r.case_id = v.case_id AND r.reader = v.reader AND r.modality = 'unaided')"
    )
    yield from ((row[0], row[1], row[2]) for row in rows)


def place(store: Store, event_id: str) -> int | None:
    """Return the number of an event, or None."""
    row = store.row(f"SELECT {place_of('?')}", (event_id,))
    return None if row is None else row[0]


def routings_set(store: Store) -> list[Row]:
    """Return every routing with its place, the oldest first."""
    sql = "SELECT r.body, r.at, a.seq FROM routings r CROSS JOIN audit_log a USING (event_id) ORDER BY r.rowid"
    return store.rows(sql)


def passed(store: Store) -> list[Row]:
    """Return every case that passed with its place, and the share of audits that its routing sets."""
    return store.rows(
        "SELECT o.case_id, o.audited, o.audit_share, o.event_id, a.seq,"
        " json_extract(r.body, '$.audit_share') AS share_set FROM passes o CROSS JOIN audit_log a USING (event_id)"
        " JOIN routings r ON r.event_id = o.routing ORDER BY o.rowid"
    )


def collections(store: Store) -> list[tuple[str, int]]:
    """Return the event of each batch of labels with its place."""
    sql = "SELECT l.event_id, a.seq FROM (SELECT DISTINCT event_id FROM labels) l CROSS JOIN audit_log a"
    return [(row[0], row[1]) for row in store.rows(f"{sql} USING (event_id)")]


def labels_by_origin(store: Store) -> Iterator[Any]:
    """Yield id, origin, case, time, chance of having been drawn, and event of every label, in their order."""
    cursor = store.db.conn.cursor()
    cursor.row_factory = None
    return cursor.execute(
        "SELECT label_id, origin, case_id, at, sampling_probability, event_id FROM labels ORDER BY rowid"
    )
