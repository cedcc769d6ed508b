"""What models said of cases: margins, probabilities, labels, verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from hitl_review.domain.audit import canonical_json, moment, stamp
from hitl_review.domain.prediction import Prediction, Verdict
from hitl_review.errors import NotFound
from hitl_review.store.connection import Row, Store


def add(store: Store, predictions: Sequence[Prediction], *, event_id: str) -> None:
    """Keep new predictions; earlier ones of the same cases stay."""
    store.insert_many(
        "INSERT INTO predictions (prediction_id, case_id, model, snapshot, margin, probability, threshold,"
        " label, verdict, made_at, event_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                each.prediction_id,
                each.case_id,
                each.model,
                each.snapshot,
                each.margin,
                each.probability,
                each.threshold,
                each.label,
                each.verdict.value,
                stamp(each.made_at),
                event_id,
            )
            for each in predictions
        ],
    )


def known(store: Store, ids: Sequence[str]) -> set[str]:
    """Return which of some predictions were made already."""
    sql = "SELECT prediction_id FROM predictions WHERE prediction_id IN (SELECT value FROM json_each(?))"
    return {row[0] for row in store.rows(sql, (canonical_json(list(ids)),))}


def made_line(prediction: Prediction) -> dict[str, object]:
    """Return how one prediction stands in its batch's digest."""
    return {
        "prediction": prediction.prediction_id,
        "case": prediction.case_id,
        "model": prediction.model,
        "snapshot": prediction.snapshot,
        "margin": prediction.margin,
        "probability": prediction.probability,
        "threshold": prediction.threshold,
        "label": prediction.label,
        "verdict": prediction.verdict.value,
    }


def made_lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of all predictions that came with one event, in order, as the table has them."""
    rows = store.rows(
        'SELECT prediction_id AS prediction, case_id AS "case", model, snapshot, margin, probability,'
        " threshold, label, verdict FROM predictions WHERE event_id = ? ORDER BY rowid",
        (event_id,),
    )
    return [dict(row) for row in rows]


def find(store: Store, case_id: str, *, model: str, snapshot: str) -> Prediction | None:
    """Return what a model said of a snapshot, or None if it was not asked yet."""
    row = store.row(
        "SELECT * FROM predictions WHERE case_id = ? AND model = ? AND snapshot = ?",
        (case_id, model, snapshot),
    )
    return None if row is None else _prediction(row)


def of_case(store: Store, case_id: str) -> list[tuple[Prediction, str]]:
    """Return what every model said of a case, and the event that told of it, oldest first."""
    rows = store.rows("SELECT * FROM predictions WHERE case_id = ? ORDER BY rowid", (case_id,))
    return [(_prediction(row), row["event_id"]) for row in rows]


def get(store: Store, prediction_id: str) -> Prediction:
    """Return a prediction; NotFound if there is none with this id."""
    row = store.row("SELECT * FROM predictions WHERE prediction_id = ?", (prediction_id,))
    if row is None:
        raise NotFound("There is no prediction with this id in the workspace.")
    return _prediction(row)


def _prediction(row: Row) -> Prediction:
    return Prediction(
        row["prediction_id"],
        row["case_id"],
        row["model"],
        row["snapshot"],
        row["margin"],
        row["probability"],
        row["threshold"],
        row["label"],
        Verdict(row["verdict"]),
        moment(row["made_at"]),
    )
