"""The label ledger: what is known of cases, from whom, append-only; and what is not collected yet.

A label's id follows from its origin (a decision, a read, an outcome or a resolution), so collecting
twice stores once. The rows that are not collected are found by asking for origins without a label:
none can be missed, whoever wrote it and whenever.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from hitl_review.domain.audit import canonical_json, digest, moment, stamp
from hitl_review.domain.label import Effect, LabelMode, LabelSource, TrainingLabel
from hitl_review.errors import NotFound
from hitl_review.store.connection import Row, Store

_COLUMNS: Final = (
    "label_id",
    "origin",
    "case_id",
    "source",
    "probability",
    "mode",
    "at",
    "effect",
    "reader",
    "reason",
    "model",
    "shown_probability",
    "sampling_probability",
    "weight",
    "disputed",
    "supersedes",
    "decision_id",
)
_UNCOLLECTED: Final = {
    "read": "SELECT rowid FROM reads r WHERE NOT EXISTS (SELECT 1 FROM labels WHERE origin = 'read:' || r.read_id)",
    "decision": "SELECT rowid FROM decisions d WHERE NOT EXISTS"
    " (SELECT 1 FROM labels WHERE origin = 'decision:' || d.decision_id)",
    "outcome": "SELECT outcome_id FROM outcomes o JOIN cases c USING (case_id) WHERE c.purpose <> 'holdout'"
    " AND NOT EXISTS (SELECT 1 FROM labels WHERE origin = 'outcome:' || o.outcome_id)",
    "resolution": "SELECT rowid FROM resolutions r WHERE NOT EXISTS"
    " (SELECT 1 FROM labels WHERE origin = 'resolution:' || r.event_id)",
}


def label_id(origin: str) -> str:
    """Return the id of the label that comes from a decision, read, outcome or resolution."""
    return "L-" + digest({"origin": origin}).removeprefix("sha256:")[:24]


def uncollected(store: Store) -> int:
    """Return how many decisions, reads, outcomes and resolutions have no label yet."""
    counts = (store.rows(f"SELECT count(*) FROM ({sql})")[0][0] for sql in _UNCOLLECTED.values())
    return sum(int(count) for count in counts)


def uncollected_rows(store: Store, kind: str, *, limit: int) -> list[Row]:
    """Return what has no label yet, whole and in order, of one kind: `read`, `decision`, `outcome`, `resolution`."""
    found = f"({_UNCOLLECTED[kind]} ORDER BY 1 LIMIT {limit})"
    if kind == "decision":
        return store.rows(
            "SELECT d.*, p.model, p.probability AS shown_probability FROM decisions d"
            f" JOIN predictions p USING (prediction_id) WHERE d.rowid IN {found} ORDER BY d.rowid"
        )
    table, key = {
        "read": ("reads", "rowid"),
        "outcome": ("outcomes", "outcome_id"),
        "resolution": ("resolutions", "rowid"),
    }[kind]
    return store.rows(f"SELECT * FROM {table} WHERE {key} IN {found} ORDER BY {key}")


@dataclass(frozen=True, slots=True)
class Collected:
    """A label with where it came from."""

    label: TrainingLabel
    origin: str

    @property
    def values(self) -> tuple[object, ...]:
        """The row's columns, in order."""
        each = self.label
        return (
            *(each.label_id, self.origin, each.case_id, each.source.value, each.probability),
            *(each.mode.value, stamp(each.at), each.effect.value, each.reader, each.reason, each.model),
            *(each.shown_probability, each.sampling_probability, each.weight, int(each.disputed)),
            *(each.supersedes, each.decision_id),
        )

    @property
    def line(self) -> dict[str, object]:
        """How the label stands in its batch's digest."""
        return dict(zip(_COLUMNS, self.values, strict=True))


def add(store: Store, collected: Sequence[Collected], *, event_id: str) -> None:
    """Keep new labels; nothing recorded earlier is changed."""
    now = stamp(store.current().now)
    marks = ", ".join("?" * (len(_COLUMNS) + 2))
    store.insert_many(
        f"INSERT INTO labels ({', '.join(_COLUMNS)}, collected_at, event_id) VALUES ({marks})",
        [(*each.values, now, event_id) for each in collected],
    )


def lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of all labels that came with one event, in order, as the table has them."""
    rows = store.rows(
        f"SELECT {', '.join(_COLUMNS)} FROM labels WHERE event_id = ? ORDER BY rowid", (event_id,)
    )
    return [dict(row) for row in rows]


def everything(store: Store) -> list[TrainingLabel]:
    """Return the whole ledger in order, with the disputes that nobody resolved marked on it."""
    disputed = {each.case_id for each in open_disputes(store)}
    return [_label(row, disputed) for row in store.rows("SELECT * FROM labels ORDER BY rowid")]


def of_case(store: Store, case_id: str) -> list[TrainingLabel]:
    """Return the labels of one case, superseded ones too, in order."""
    disputed = {each.case_id for each in open_disputes(store)}
    rows = store.rows("SELECT * FROM labels WHERE case_id = ? ORDER BY rowid", (case_id,))
    return [_label(row, disputed) for row in rows]


def of_decision(store: Store, decision_id: str) -> list[str]:
    """Return the ids of the labels that rest on a decision: its own, and that of the estimate before it."""
    rows = store.rows(
        "SELECT label_id FROM labels WHERE decision_id = ?1 OR origin = 'read:' || (SELECT r.read_id FROM reads r"
        " JOIN decisions d ON d.case_id = r.case_id AND d.reader = r.reader WHERE d.decision_id = ?1)",
        (decision_id,),
    )
    return [str(row[0]) for row in rows]


def counts(store: Store) -> list[tuple[str, str, int]]:
    """Return how many labels there are by source and training effect."""
    rows = store.rows("SELECT source, effect, count(*) FROM labels GROUP BY source, effect ORDER BY 1, 2")
    return [(row[0], row[1], row[2]) for row in rows]


def count_since(store: Store, at: datetime | None) -> int:
    """Return how many labels stand in the ledger that were given after a moment."""
    row = store.rows("SELECT count(*) FROM labels WHERE at > ?", ("" if at is None else stamp(at),))[0]
    return int(row[0])


@dataclass(frozen=True, slots=True)
class Dispute:
    """A case on which readers disagree."""

    dispute_id: str
    case_id: str
    labels: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Resolution:
    """An adjudicator's answer to a dispute."""

    event_id: str
    dispute: str
    label: str
    probability: float
    comment: str
    at: datetime
    by: str


def add_dispute(store: Store, case_id: str, labels: Sequence[str], *, event_id: str) -> None:
    """Keep that readers disagree on a case."""
    store.insert(
        "INSERT INTO disputes (event_id, case_id, labels, at) VALUES (?, ?, ?, ?)",
        (event_id, case_id, canonical_json(list(labels)), stamp(store.current().now)),
    )


def open_disputes(store: Store) -> list[Dispute]:
    """Return the disputes that no adjudicator resolved, the oldest first."""
    rows = store.rows(
        "SELECT * FROM disputes d WHERE NOT EXISTS (SELECT 1 FROM resolutions r WHERE r.dispute = d.event_id)"
        " ORDER BY rowid"
    )
    return [_dispute(row) for row in rows]


def disputes_of_case(store: Store, case_id: str) -> list[Dispute]:
    """Return the disputes about a case, resolved ones too, the oldest first."""
    return [
        _dispute(row)
        for row in store.rows("SELECT * FROM disputes WHERE case_id = ? ORDER BY rowid", (case_id,))
    ]


def resolutions_of_case(store: Store, case_id: str) -> list[Resolution]:
    """Return the answers to the disputes about a case, the oldest first."""
    rows = store.rows(
        "SELECT event_id, dispute, label, probability, comment, at, by FROM resolutions WHERE case_id = ?"
        " ORDER BY rowid",
        (case_id,),
    )
    return [
        Resolution(
            *(row["event_id"], row["dispute"], row["label"], row["probability"], row["comment"]),
            at=moment(row["at"]),
            by=row["by"],
        )
        for row in rows
    ]


def disputed_cases(store: Store) -> set[str]:
    """Return the cases that ever were in dispute: readers are asked once, adjudicators settle it."""
    return {row[0] for row in store.rows("SELECT case_id FROM disputes")}


def dispute(store: Store, dispute_id: str) -> Dispute:
    """Return a dispute; NotFound if there is none with this id."""
    row = store.row("SELECT * FROM disputes WHERE event_id = ?", (dispute_id,))
    if row is None:
        raise NotFound("There is no dispute with this id. Pick one from the list.")
    return _dispute(row)


def is_resolved(store: Store, dispute_id: str) -> bool:
    """Tell whether an adjudicator resolved a dispute."""
    return store.row("SELECT 1 FROM resolutions WHERE dispute = ?", (dispute_id,)) is not None


def add_resolution(
    store: Store, resolved: Dispute, *, label: str, probability: float, comment: str, event_id: str
) -> None:
    """Keep an adjudicator's answer to a dispute; there is one per dispute."""
    now, by = store.current().now, store.current().actor.account_id
    store.insert(
        "INSERT INTO resolutions (event_id, dispute, case_id, label, probability, comment, at, by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (event_id, resolved.dispute_id, resolved.case_id, label, probability, comment, stamp(now), by),
    )


def calls(store: Store, case_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Return, for each case, each reader's present call: the decision in force, or else the own estimate's."""
    marks = ", ".join("?" * len(case_ids))
    found: dict[str, dict[str, str]] = {}
    for sql in (
        f"SELECT case_id, reader, label FROM reads WHERE case_id IN ({marks})",
        f"SELECT case_id, reader, label FROM decisions d WHERE label IS NOT NULL AND case_id IN ({marks})"
        " AND NOT EXISTS (SELECT 1 FROM decisions later WHERE later.supersedes = d.decision_id)",
    ):
        for case_id, reader, label in store.rows(sql, tuple(case_ids)):
            found.setdefault(case_id, {})[reader] = label
    return found


def _dispute(row: Row) -> Dispute:
    return Dispute(row["event_id"], row["case_id"], tuple(json.loads(row["labels"])), moment(row["at"]))


def _label(row: Row, disputed: set[str]) -> TrainingLabel:
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS if name != "origin"}
    return TrainingLabel(
        **{
            **values,
            "source": LabelSource(row["source"]),
            "mode": LabelMode(row["mode"]),
            "at": moment(row["at"]),
            "effect": Effect(row["effect"]),
            "disputed": row["case_id"] in disputed,
        }
    )
