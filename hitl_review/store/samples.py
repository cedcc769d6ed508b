"""Samples of decisions that auditors drew, and what they found: append-only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hitl_review.domain.canonical import canonical_json
from hitl_review.store.connection import Row, Store


@dataclass(frozen=True, slots=True)
class Sample:
    """Decisions drawn at random: from how many, up to which event of the log, by which seed."""

    sample_id: str
    seed: str
    upto: int
    of: int
    decisions: tuple[str, ...]
    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What an auditor found of one decision: `in_order`, `remark` or `serious`, and why."""

    finding_id: str
    sample: str
    decision_id: str
    verdict: str
    comment: str
    at: str
    by: str


def decision_ids(store: Store, *, upto: int) -> list[str]:
    """Return the ids of all decisions that stand in the first events of the log, in the log's order.

    Rows stand in the order of their events, so the last one of them is found by halving.
    """
    row = store.row("SELECT max(rowid) AS last FROM decisions")
    low, high = 0, 0 if row is None or row["last"] is None else int(row["last"])
    while low < high:
        middle = (low + high + 1) // 2
        found = store.row(
            "SELECT a.seq FROM decisions d JOIN audit_log a ON a.event_id = d.decision_id WHERE d.rowid = ?",
            (middle,),
        )
        if found is not None and found["seq"] <= upto:
            low = middle
        else:
            high = middle - 1
    rows = store.rows("SELECT decision_id AS id FROM decisions WHERE rowid <= ? ORDER BY rowid", (low,))
    return [row["id"] for row in rows]


def add_sample(store: Store, sample: Sample) -> None:
    """Keep a sample."""
    store.insert(
        "INSERT INTO samples (sample_id, seed, upto, of, decisions, at, by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            sample.sample_id,
            sample.seed,
            sample.upto,
            sample.of,
            canonical_json(list(sample.decisions)),
            sample.at,
            sample.by,
        ),
    )


def add_finding(store: Store, finding: Finding) -> None:
    """Keep a finding; the newest of a decision in a sample is the one in force."""
    store.insert(
        "INSERT INTO findings (finding_id, sample, decision_id, verdict, comment, at, by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            finding.finding_id,
            finding.sample,
            finding.decision_id,
            finding.verdict,
            finding.comment,
            finding.at,
            finding.by,
        ),
    )


def find(store: Store, sample_id: str) -> Sample | None:
    """Return a sample, or None."""
    row = store.row("SELECT * FROM samples WHERE sample_id = ?", (sample_id,))
    return None if row is None else _sample(row)


def newest(store: Store) -> list[Sample]:
    """Return every sample that was drawn, the newest first: none is hidden by those that were drawn after it."""
    return [_sample(row) for row in store.rows("SELECT * FROM samples ORDER BY rowid DESC")]


def findings_of(store: Store, sample_id: str) -> Sequence[Finding]:
    """Return every finding of a sample, oldest first."""
    rows = store.rows("SELECT * FROM findings WHERE sample = ? ORDER BY rowid", (sample_id,))
    return [_finding(row) for row in rows]


def findings_of_decision(store: Store, decision_id: str) -> Sequence[Finding]:
    """Return every finding of a decision, in whichever sample, oldest first."""
    rows = store.rows("SELECT * FROM findings WHERE decision_id = ? ORDER BY rowid", (decision_id,))
    return [_finding(row) for row in rows]


def _finding(row: Row) -> Finding:
    return Finding(*(row[name] for name in Finding.__slots__))


def _sample(row: Row) -> Sample:
    decisions = tuple(json.loads(row["decisions"]))
    return Sample(row["sample_id"], row["seed"], row["upto"], row["of"], decisions, row["at"], row["by"])
