"""What the monitor looks at: answers in their order, the random blind slice, recent cases. Only reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hitl_review.store.connection import Store


@dataclass(frozen=True, slots=True)
class Answered:
    """A first decision that made a call: the reader's own call before, the model's, the final one, and the outcome."""

    reader: str
    overridden: bool
    own: str | None
    advice: str
    final: str
    outcome: bool | None


_OUTCOME = "(SELECT value FROM outcomes o WHERE o.case_id = d.case_id ORDER BY outcome_id DESC LIMIT 1)"


def answers(store: Store, model: str | None = None) -> list[Answered]:
    """Return the calls that nobody superseded, in order; of one model, or of all."""
    rows = store.rows(
        "SELECT d.reader, d.answer = 'overridden' AS overridden, r.label AS own, p.label AS advice, d.label AS final,"
        f" {_OUTCOME} AS outcome FROM decisions d JOIN predictions p USING (prediction_id)"
        " LEFT JOIN reads r ON r.case_id = d.case_id AND r.reader = d.reader"
        " WHERE d.label IS NOT NULL AND (?1 IS NULL OR p.model = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM decisions later WHERE later.supersedes = d.decision_id) ORDER BY d.rowid",
        (model,),
    )
    return [
        Answered(
            row["reader"],
            bool(row["overridden"]),
            row["own"],
            row["advice"],
            row["final"],
            None if row["outcome"] is None else bool(row["outcome"]),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class RandomCase:
    """A case that was drawn at random and read blind: what the model says of it, and the outcome if known."""

    case_id: str
    probability: float
    outcome: bool | None


def random_blind(store: Store, model: str) -> list[RandomCase]:
    """Return the cases of the random slice that somebody read blind and that a model has judged, in order."""
    rows = store.rows(
        "SELECT d.case_id, p.probability, "
        f"{_OUTCOME} AS outcome FROM (SELECT case_id, min(rowid) AS place FROM labels WHERE source = 'blind'"
        " AND sampling_probability IS NOT NULL GROUP BY case_id) d JOIN cases c USING (case_id)"
        " JOIN predictions p ON p.case_id = d.case_id AND p.model = ? AND p.snapshot = c.snapshot ORDER BY d.place",
        (model,),
    )
    return [
        RandomCase(
            row["case_id"], row["probability"], None if row["outcome"] is None else bool(row["outcome"])
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Stated:
    """A reader's own call and the probability stated with it, before the model was shown.

    `outcome` is what happened, `consensus` what an adjudicator who is somebody else answered where readers
    disagreed; each None where it is not known.
    """

    reader: str
    case_id: str
    label: str
    probability: float
    outcome: bool | None
    consensus: str | None = None


_CONSENSUS = (
    "(SELECT r.label FROM resolutions r WHERE r.case_id = d.case_id AND r.by <> d.reader"
    " ORDER BY r.rowid DESC LIMIT 1)"
)


def stated(store: Store) -> list[Stated]:
    """Return every own estimate, in order."""
    rows = store.rows(
        f"SELECT d.reader, d.case_id, d.label, d.probability, {_OUTCOME} AS outcome, {_CONSENSUS} AS consensus"
        " FROM reads d WHERE d.modality = 'unaided' ORDER BY d.rowid"
    )
    return [
        Stated(
            row["reader"],
            row["case_id"],
            row["label"],
            row["probability"],
            None if row["outcome"] is None else bool(row["outcome"]),
            row["consensus"],
        )
        for row in rows
    ]


def recent_values(store: Store, *, limit: int) -> list[Mapping[str, Any]]:
    """Return the values of the cases that came to the queue last."""
    rows = store.rows(
        "SELECT s.body FROM cases c JOIN snapshots s ON s.digest = c.snapshot WHERE c.purpose = 'queue'"
        " ORDER BY c.position DESC LIMIT ?",
        (limit,),
    )
    return [json.loads(row["body"]) for row in rows]
