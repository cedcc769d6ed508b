"""The readers' lists, laid down before the first read, and the outputs that a study shows of the model."""

from __future__ import annotations

from collections.abc import Sequence

from hitl_review.domain.audit import stamp
from hitl_review.domain.study import Output, ScheduledRead, Showing, Use
from hitl_review.store.connection import Row, Store

_LINE = (
    'SELECT study_id AS study, item, reader, session, place, case_id AS "case", use, showing, read_order AS "order",'
    " no_reveal, expected FROM study_schedule"
)


def lay(store: Store, study_id: str, items: Sequence[ScheduledRead], *, event_id: str) -> None:
    """Keep the lists of all readers."""
    at = stamp(store.current().now)
    store.insert_many(
        "INSERT INTO study_schedule (study_id, item, reader, session, place, case_id, use, showing,"
        " read_order, no_reveal, expected, laid_at, event_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*schedule_line(study_id, each).values(), at, event_id) for each in items],
    )


def schedule_line(study_id: str, item: ScheduledRead) -> dict[str, object]:
    """Return how one scheduled read stands in the digest of the lists."""
    return {
        "study": study_id,
        "item": item.item,
        "reader": item.reader,
        "session": item.session,
        "place": item.place,
        "case": item.case_id,
        "use": item.use.value,
        "showing": item.showing.value,
        "order": item.order,
        "no_reveal": int(item.no_reveal),
        "expected": item.expected,
    }


def schedule_lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of the lists that were laid with one event, as the table has them."""
    return [dict(row) for row in store.rows(f"{_LINE} WHERE event_id = ? ORDER BY rowid", (event_id,))]


def schedule(store: Store, study_id: str) -> list[ScheduledRead]:
    """Return all lists of a study, reader by reader in their order."""
    rows = store.rows("SELECT * FROM study_schedule WHERE study_id = ? ORDER BY item", (study_id,))
    return [_item(row) for row in rows]


def of_reader(store: Store, study_id: str, reader: str) -> list[ScheduledRead]:
    """Return one reader's list, in its order."""
    rows = store.rows(
        "SELECT * FROM study_schedule WHERE study_id = ? AND reader = ? ORDER BY session, place",
        (study_id, reader),
    )
    return [_item(row) for row in rows]


def fix_outputs(store: Store, study_id: str, outputs: Sequence[Output], *, event_id: str) -> None:
    """Keep what the study will show of the model, case by case."""
    at = stamp(store.current().now)
    store.insert_many(
        "INSERT INTO study_outputs (study_id, case_id, prediction_id, margin, probability, label, verdict,"
        " replaced, fixed_at, event_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*output_line(study_id, each).values(), at, event_id) for each in outputs],
    )


def output_line(study_id: str, output: Output) -> dict[str, object]:
    """Return how one output stands in the digest of the outputs."""
    return {
        "study": study_id,
        "case": output.case_id,
        "prediction": output.prediction_id,
        "margin": output.margin,
        "probability": output.probability,
        "label": output.label,
        "verdict": output.verdict,
        "replaced": int(output.replaced),
    }


def output_lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of the outputs that were fixed with one event, as the table has them."""
    rows = store.rows(
        'SELECT study_id AS study, case_id AS "case", prediction_id AS prediction, margin, probability, label,'
        " verdict, replaced FROM study_outputs WHERE event_id = ? ORDER BY rowid",
        (event_id,),
    )
    return [dict(row) for row in rows]


def output(store: Store, study_id: str, case_id: str) -> Output | None:
    """Return what a study shows of the model for a case; None where it shows nothing."""
    row = store.row("SELECT * FROM study_outputs WHERE study_id = ? AND case_id = ?", (study_id, case_id))
    return None if row is None else _output(row)


def outputs(store: Store, study_id: str) -> dict[str, Output]:
    """Return what a study shows of the model, by case."""
    rows = store.rows("SELECT * FROM study_outputs WHERE study_id = ? ORDER BY rowid", (study_id,))
    return {row["case_id"]: _output(row) for row in rows}


def studies_showing(store: Store, case_id: str, reader: str) -> list[str]:
    """Return the studies in which a reader has a case on the list and that are not locked yet."""
    rows = store.rows(
        "SELECT DISTINCT study_id FROM study_schedule WHERE case_id = ? AND reader = ? AND study_id NOT IN"
        " (SELECT study_id FROM study_steps WHERE kind = 'locked')",
        (case_id, reader),
    )
    return [row["study_id"] for row in rows]


def not_unsealed(store: Store) -> frozenset[str]:
    """Return the cases of every study that was frozen and not unsealed yet: nobody is told what became of them."""
    rows = store.rows(
        "SELECT DISTINCT case_id FROM study_outputs WHERE study_id NOT IN"
        " (SELECT study_id FROM study_steps WHERE kind = 'unsealed')"
    )
    return frozenset(row["case_id"] for row in rows)


def _item(row: Row) -> ScheduledRead:
    return ScheduledRead(
        row["item"],
        row["reader"],
        row["session"],
        row["place"],
        row["case_id"],
        Use(row["use"]),
        Showing(row["showing"]),
        row["read_order"],
        bool(row["no_reveal"]),
        row["expected"],
    )


def _output(row: Row) -> Output:
    return Output(
        row["case_id"],
        row["prediction_id"],
        row["margin"],
        row["probability"],
        row["label"],
        row["verdict"],
        bool(row["replaced"]),
    )
