"""What a model came from and what it led to; only reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hitl_review.store.connection import Store


@dataclass(frozen=True, slots=True)
class Uses:
    """How far a model version went: predictions it made, screens that showed it, decisions that answered it."""

    predictions: int
    shown: int
    decisions: int


def uses_of(store: Store, model: str) -> Uses:
    """Return what became of a model version's answers."""
    row = store.rows(
        "SELECT (SELECT count(*) FROM predictions WHERE model = ?1),"
        " (SELECT count(*) FROM reveals JOIN predictions USING (prediction_id) WHERE model = ?1),"
        " (SELECT count(*) FROM decisions JOIN predictions USING (prediction_id) WHERE model = ?1)",
        (model,),
    )[0]
    return Uses(row[0], row[1], row[2])


def trained_with(store: Store, label_ids: Sequence[str]) -> list[str]:
    """Return the digests of the model versions whose training manifest names one of the labels, oldest first."""
    found = []
    for row in store.rows(
        "SELECT m.digest, f.body FROM models m JOIN manifests f ON f.digest = m.manifest ORDER BY m.rowid"
    ):
        if any(f'"{label}"' in row["body"] for label in label_ids):
            found.append(str(row["digest"]))
    return found


def origins(store: Store, label_ids: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return the origin of labels, as `decision:ID`, `read:ID`, `outcome:ID` or `resolution:ID`, and who gave each."""
    known: list[tuple[str, str | None]] = []
    for start in range(0, len(label_ids), 500):
        part = label_ids[start : start + 500]
        marks = ", ".join("?" * len(part))
        rows = store.rows(f"SELECT origin, reader FROM labels WHERE label_id IN ({marks})", tuple(part))
        known += [(row["origin"], row["reader"]) for row in rows]
    return known
