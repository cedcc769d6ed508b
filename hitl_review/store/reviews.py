"""Reads, reveals and decisions: what readers judged, saw and answered. An override is recorded here.

All three are append-only. A decision's place in the chain of changes of mind is its `supersedes`;
the one nobody superseded is in force.
"""

from __future__ import annotations

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.decision import Answer, Confidence, Decision, Modality, Read, Reveal
from hitl_review.errors import NotFound
from hitl_review.store import signatures
from hitl_review.store.connection import Row, Store

_IN_FORCE = "NOT EXISTS (SELECT 1 FROM decisions later WHERE later.supersedes = d.decision_id)"


def add_read(store: Store, read: Read) -> None:
    """Keep a reader's own estimate; one per case, reader and modality."""
    store.insert(
        "INSERT INTO reads (read_id, case_id, reader, modality, label, probability, opened_at, committed_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            read.read_id,
            read.case_id,
            read.reader,
            read.modality.value,
            read.label,
            read.probability,
            stamp(read.opened_at),
            stamp(read.committed_at),
        ),
    )


def read_of(store: Store, case_id: str, reader: str) -> Read | None:
    """Return a reader's own estimate of a case, made before the model was shown, or None."""
    row = store.row(
        "SELECT * FROM reads WHERE case_id = ? AND reader = ? AND modality = 'unaided'", (case_id, reader)
    )
    return None if row is None else _read(row)


def reads_of_case(store: Store, case_id: str) -> list[Read]:
    """Return every read of a case, whoever made it, oldest first."""
    return [
        _read(row) for row in store.rows("SELECT * FROM reads WHERE case_id = ? ORDER BY rowid", (case_id,))
    ]


def all_reads(store: Store) -> list[Read]:
    """Return every read, in the order of the log."""
    return [_read(row) for row in store.rows("SELECT * FROM reads ORDER BY rowid")]


def add_reveal(store: Store, reveal: Reveal, *, screen_body: str) -> None:
    """Keep what was shown to a reader, whole, under its digest."""
    store.write(
        "INSERT INTO screens (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
        (reveal.screen, screen_body),
    )
    store.insert(
        "INSERT INTO reveals (reveal_id, case_id, reader, prediction_id, screen, shown_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            reveal.reveal_id,
            reveal.case_id,
            reveal.reader,
            reveal.prediction_id,
            reveal.screen,
            stamp(reveal.shown_at),
        ),
    )


def reveal(store: Store, reveal_id: str) -> Reveal:
    """Return what was shown under this id."""
    row = store.row("SELECT * FROM reveals WHERE reveal_id = ?", (reveal_id,))
    if row is None:
        raise NotFound("Nothing was shown under this id. Open the case again.")
    return _reveal(row)


def find_reveal(store: Store, case_id: str, reader: str, screen: str) -> Reveal | None:
    """Return the record that a reader was shown this very screen, or None."""
    row = store.row(
        "SELECT * FROM reveals WHERE case_id = ? AND reader = ? AND screen = ?", (case_id, reader, screen)
    )
    return None if row is None else _reveal(row)


def latest_reveal(store: Store, case_id: str, reader: str) -> Reveal | None:
    """Return the last screen of a case that a reader was shown, or None."""
    row = store.row(
        "SELECT * FROM reveals WHERE case_id = ? AND reader = ? ORDER BY rowid DESC LIMIT 1",
        (case_id, reader),
    )
    return None if row is None else _reveal(row)


def reveals_of_case(store: Store, case_id: str) -> list[Reveal]:
    """Return everything that was shown of a case, to whomever, oldest first."""
    return [
        _reveal(row)
        for row in store.rows("SELECT * FROM reveals WHERE case_id = ? ORDER BY rowid", (case_id,))
    ]


def all_reveals(store: Store) -> list[Reveal]:
    """Return every reveal, in the order of the log."""
    return [_reveal(row) for row in store.rows("SELECT * FROM reveals ORDER BY rowid")]


def screen_body(store: Store, digest: str) -> str:
    """Return the canonical JSON of a screen that was shown."""
    row = store.row("SELECT body FROM screens WHERE digest = ?", (digest,))
    if row is None:
        raise NotFound("The screen with this digest is not in the workspace.")
    return str(row["body"])


def add_decision(store: Store, decision: Decision) -> None:
    """Keep a decision; the schema lets one decision be superseded once, and a first one be made once."""
    store.insert(
        "INSERT INTO decisions (decision_id, case_id, reader, reveal_id, prediction_id, answer, label,"
        " reason, comment, confidence, own_probability, shown_digest, shown_at, decided_at, seconds_active,"
        f" {signatures.COLUMNS}, supersedes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            decision.decision_id,
            decision.case_id,
            decision.reader,
            decision.reveal_id,
            decision.prediction_id,
            decision.answer.value,
            decision.label,
            decision.reason,
            decision.comment,
            decision.confidence and decision.confidence.value,
            decision.own_probability,
            decision.shown_digest,
            stamp(decision.shown_at),
            stamp(decision.decided_at),
            decision.seconds_active,
            *signatures.columns_of(decision.signature),
            decision.supersedes,
        ),
    )


def find_decision(store: Store, decision_id: str) -> Decision | None:
    """Return the decision with this id, or None."""
    row = store.row("SELECT * FROM decisions WHERE decision_id = ?", (decision_id,))
    return None if row is None else _decision(row)


def decision_in_force(store: Store, case_id: str, reader: str) -> Decision | None:
    """Return a reader's decision of a case that nothing superseded, or None."""
    row = store.row(
        f"SELECT * FROM decisions d WHERE case_id = ? AND reader = ? AND {_IN_FORCE}", (case_id, reader)
    )
    return None if row is None else _decision(row)


def latest_decision(store: Store, reader: str) -> Decision | None:
    """Return what a reader saved last, or None."""
    row = store.row(
        "SELECT * FROM decisions WHERE reader = ? ORDER BY decided_at DESC, rowid DESC LIMIT 1", (reader,)
    )
    return None if row is None else _decision(row)


def decisions_of_case(store: Store, case_id: str) -> list[Decision]:
    """Return every decision of a case, superseded ones too, oldest first."""
    rows = store.rows("SELECT * FROM decisions WHERE case_id = ? ORDER BY rowid", (case_id,))
    return [_decision(row) for row in rows]


def recent_decisions(store: Store, reader: str, *, limit: int) -> list[Decision]:
    """Return a reader's decisions in force, newest first."""
    rows = store.rows(
        f"SELECT * FROM decisions d WHERE reader = ? AND {_IN_FORCE}"
        " ORDER BY decided_at DESC, rowid DESC LIMIT ?",
        (reader, limit),
    )
    return [_decision(row) for row in rows]


def all_decisions(store: Store) -> list[Decision]:
    """Return every decision, superseded ones too, in the order of the log."""
    return [_decision(row) for row in store.rows("SELECT * FROM decisions ORDER BY rowid")]


def _read(row: Row) -> Read:
    return Read(
        row["read_id"],
        row["case_id"],
        row["reader"],
        Modality(row["modality"]),
        row["label"],
        row["probability"],
        moment(row["opened_at"]),
        moment(row["committed_at"]),
    )


def _reveal(row: Row) -> Reveal:
    return Reveal(
        row["reveal_id"],
        row["case_id"],
        row["reader"],
        row["prediction_id"],
        row["screen"],
        moment(row["shown_at"]),
    )


def _decision(row: Row) -> Decision:
    return Decision(
        row["decision_id"],
        row["case_id"],
        row["reader"],
        row["reveal_id"],
        row["prediction_id"],
        Answer(row["answer"]),
        row["label"],
        row["reason"],
        row["comment"],
        None if row["confidence"] is None else Confidence(row["confidence"]),
        row["own_probability"],
        row["shown_digest"],
        moment(row["shown_at"]),
        moment(row["decided_at"]),
        row["seconds_active"],
        signatures.signature_in(row),
        row["supersedes"],
    )
