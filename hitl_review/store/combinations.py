"""Joint estimates of reader and model: what they are fitted on, and every fit that was kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hitl_review.domain.audit import canonical_json, moment, stamp
from hitl_review.store.connection import Store


@dataclass(frozen=True, slots=True)
class PastRead:
    """A reader's own estimate, the model's probability shown after it, and what turned out to be true."""

    case_id: str
    reader: str
    own: float
    model: float
    outcome: bool


@dataclass(frozen=True, slots=True)
class KeptCombination:
    """A fit as it was kept: for which model, its parameters and check, when and by whom."""

    event_id: str
    model: str
    body: Mapping[str, Any]
    at: datetime
    by: str


def past_reads(store: Store, model: str) -> list[PastRead]:
    """Return the reads followed by this model's view whose outcome came to be known after it, in order.

    A case whose outcome was known before could have been trained on, so it would flatter the model.
    """
    rows = store.rows(
        "SELECT r.case_id, r.reader, r.probability AS own, p.probability AS model,"
        " (SELECT value FROM outcomes o WHERE o.case_id = r.case_id ORDER BY outcome_id DESC LIMIT 1) AS outcome"
        " FROM reads r JOIN reveals v ON v.case_id = r.case_id AND v.reader = r.reader"
        " JOIN predictions p ON p.prediction_id = v.prediction_id"
        " WHERE p.model = ? AND r.modality = 'unaided' AND r.committed_at <= v.shown_at"
        " AND (SELECT MIN(recorded_at) FROM outcomes o WHERE o.case_id = r.case_id) > v.shown_at"
        " GROUP BY r.read_id HAVING v.rowid = MIN(v.rowid) ORDER BY r.rowid",
        (model,),
    )
    return [
        PastRead(row["case_id"], row["reader"], row["own"], row["model"], bool(row["outcome"]))
        for row in rows
    ]


def add(store: Store, model: str, body: Mapping[str, Any], *, event_id: str) -> None:
    """Keep a fit; it is in force for its model from now on."""
    now, by = stamp(store.current().now), store.current().actor.account_id
    store.insert(
        "INSERT INTO combinations (event_id, model, body, at, by) VALUES (?, ?, ?, ?, ?)",
        (event_id, model, canonical_json(body), now, by),
    )


def in_force(store: Store, model: str) -> KeptCombination | None:
    """Return the fit in force for a model: the one kept last, or None."""
    row = store.row("SELECT * FROM combinations WHERE model = ? ORDER BY rowid DESC LIMIT 1", (model,))
    if row is None:
        return None
    return KeptCombination(
        row["event_id"], row["model"], json.loads(row["body"]), moment(row["at"]), row["by"]
    )
