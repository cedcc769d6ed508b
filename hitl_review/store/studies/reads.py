"""What readers of a study were shown, and what they said: rows are added, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.decision import Confidence, Modality
from hitl_review.domain.study import StudyRead
from hitl_review.store.connection import Row, Store


@dataclass(frozen=True, slots=True)
class Showing:
    """The record that the facts of a scheduled case, or the model's view of it, were shown."""

    showing_id: str
    study_id: str
    item: int
    reader: str
    stage: str
    """`facts` or `model`."""
    screen: str
    shown_at: datetime


def add_showing(store: Store, shown: Showing, *, screen_body: str) -> None:
    """Keep what was shown to a reader, whole, under its digest."""
    store.write(
        "INSERT INTO screens (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
        (shown.screen, screen_body),
    )
    store.insert(
        "INSERT INTO study_showings (showing_id, study_id, item, reader, stage, screen, shown_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            shown.showing_id,
            shown.study_id,
            shown.item,
            shown.reader,
            shown.stage,
            shown.screen,
            stamp(shown.shown_at),
        ),
    )


def showing(store: Store, study_id: str, item: int, stage: str) -> Showing | None:
    """Return the record that a stage of a scheduled case was shown, or None."""
    row = store.row(
        "SELECT * FROM study_showings WHERE study_id = ? AND item = ? AND stage = ?", (study_id, item, stage)
    )
    return None if row is None else _showing(row)


def add(store: Store, read: StudyRead) -> None:
    """Keep a read; the schema lets each scheduled one be made once per modality."""
    store.insert(
        "INSERT INTO study_reads (read_id, study_id, item, reader, case_id, modality, label, rating,"
        " confidence, shown_at, revealed_at, committed_at, seconds_active, model, displayed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            read.read_id,
            read.study_id,
            read.item,
            read.reader,
            read.case_id,
            read.modality.value,
            read.label,
            read.rating,
            None if read.confidence is None else read.confidence.value,
            stamp(read.shown_at),
            None if read.revealed_at is None else stamp(read.revealed_at),
            stamp(read.committed_at),
            read.seconds_active,
            read.model,
            read.displayed,
        ),
    )


def find(store: Store, read_id: str) -> StudyRead | None:
    """Return the read with this id, or None."""
    row = store.row("SELECT * FROM study_reads WHERE read_id = ?", (read_id,))
    return None if row is None else _read(row)


def of_item(store: Store, study_id: str, item: int) -> dict[Modality, StudyRead]:
    """Return the reads made of one scheduled case, by modality."""
    rows = store.rows("SELECT * FROM study_reads WHERE study_id = ? AND item = ?", (study_id, item))
    return {read.modality: read for read in map(_read, rows)}


def of_reader(store: Store, study_id: str, reader: str) -> list[StudyRead]:
    """Return one reader's reads, in the order they were made."""
    rows = store.rows(
        "SELECT * FROM study_reads WHERE study_id = ? AND reader = ? ORDER BY rowid", (study_id, reader)
    )
    return [_read(row) for row in rows]


def of_study(store: Store, study_id: str) -> list[StudyRead]:
    """Return all reads of a study, in the order they were made."""
    rows = store.rows("SELECT * FROM study_reads WHERE study_id = ? ORDER BY rowid", (study_id,))
    return [_read(row) for row in rows]


def _showing(row: Row) -> Showing:
    return Showing(
        row["showing_id"],
        row["study_id"],
        row["item"],
        row["reader"],
        row["stage"],
        row["screen"],
        moment(row["shown_at"]),
    )


def _read(row: Row) -> StudyRead:
    return StudyRead(
        row["read_id"],
        row["study_id"],
        row["item"],
        row["reader"],
        row["case_id"],
        Modality(row["modality"]),
        row["label"],
        row["rating"],
        None if row["confidence"] is None else Confidence(row["confidence"]),
        moment(row["shown_at"]),
        None if row["revealed_at"] is None else moment(row["revealed_at"]),
        moment(row["committed_at"]),
        row["seconds_active"],
        row["model"],
        row["displayed"],
    )
