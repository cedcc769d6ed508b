"""What a model is trained on: one label per case from the ledger, frozen as a manifest with a digest.

The hold-out is never in it. That is not left to a query alone: the finished set is compared with the
locked cases, and a training set that shares one with them is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hitl_review.domain.audit import canonical_json
from hitl_review.domain.case import Case, Purpose
from hitl_review.domain.label import LeftOut, ResolvedLabel, resolve
from hitl_review.errors import ModelError
from hitl_review.model.candidates import TrainingSet
from hitl_review.model.features import FeatureSpec, matrix
from hitl_review.store import cases, labels, models
from hitl_review.store.labels import label_id
from hitl_review.workflow.labelling import label_weights
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class LabelledCase:
    """One row of a training set: a case, its soft label, the outcome if known, and the labels it rests on."""

    case: Case
    label: float
    source: str = "outcome"
    weight: float = 1.0
    outcome: float | None = None
    rests_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Learnable:
    """What the ledger gives to learn from, and what it leaves out, with the reasons."""

    rows: tuple[LabelledCase, ...]
    left_out: tuple[LeftOut, ...]


def labelled_by_outcome(workspace: Workspace) -> list[LabelledCase]:
    """Return the training cases whose outcome is known, in order of arrival."""
    known = cases.outcomes_with_ids(workspace.store, Purpose.TRAINING)
    rows = [
        LabelledCase(
            case,
            float(known[case.case_id][1]),
            outcome=float(known[case.case_id][1]),
            rests_on=(label_id(f"outcome:{known[case.case_id][0]}"),),
        )
        for case in cases.of_purpose(workspace.store, Purpose.TRAINING)
        if case.case_id in known
    ]
    if not rows:
        raise ModelError(
            "There is nothing to train on: no training case has an outcome. Import cases with "
            "`--purpose training`, then their outcomes with `--outcomes`."
        )
    return rows


def learnable(workspace: Workspace) -> Learnable:
    """Return one row per case that the ledger knows something of: the best source of each case wins."""
    given = labels.everything(workspace.store)
    resolved, left_out = resolve(given, weights=label_weights(workspace.project))
    return Learnable(tuple(rows_of(workspace, resolved)), tuple(left_out))


def rows_of(workspace: Workspace, resolved: Iterable[ResolvedLabel]) -> list[LabelledCase]:
    """Return resolved labels beside their cases, in order of arrival. Raises ModelError at a hold-out case."""
    known = {each.case_id: each for each in resolved}
    check_locked(workspace, known)
    return [
        LabelledCase(
            case,
            known[case.case_id].label,
            known[case.case_id].source.value,
            known[case.case_id].weight,
            _number(known[case.case_id].outcome),
            known[case.case_id].rests_on,
        )
        for purpose in (Purpose.TRAINING, Purpose.QUEUE)
        for case in cases.of_purpose(workspace.store, purpose)
        if case.case_id in known and known[case.case_id].weight > 0
    ]


def _number(outcome: bool | None) -> float | None:
    return None if outcome is None else float(outcome)


def check_locked(workspace: Workspace, case_ids: Iterable[str]) -> None:
    """Raise ModelError if one of the cases belongs to the locked hold-out."""
    shared = cases.ids_of(workspace.store, Purpose.HOLDOUT).intersection(case_ids)
    if shared:
        raise ModelError(
            f"{len(shared)} cases of the locked hold-out are among the training cases, so nothing was trained or "
            "measured: a model that has seen the hold-out can't be judged on it."
        )


def manifest_body(workspace: Workspace, rows: Sequence[LabelledCase], *, parent: str | None = None) -> str:
    """Return the training manifest as canonical JSON: every row by case, snapshot, label, source and weight.

    `parent` is the model in use when a challenger was trained: its calibration and its place among the
    candidates depend on it.
    """
    body: dict[str, object] = {
        "project": workspace.project_digest,
        "rows": [
            {
                "case": row.case.case_id,
                "snapshot": row.case.snapshot.digest,
                "label": row.label,
                "outcome": row.outcome,
                "source": row.source,
                "weight": row.weight,
                "labels": list(row.rests_on),
            }
            for row in rows
        ],
    }
    return canonical_json(body if parent is None else {**body, "parent": parent})


def trained_on(workspace: Workspace, manifest: str) -> list[Mapping[str, object]]:
    """Return the rows of a training manifest."""
    rows: list[Mapping[str, object]] = json.loads(models.manifest(workspace.store, manifest))["rows"]
    return rows


def arrays(spec: FeatureSpec, rows: Sequence[LabelledCase], known_to_champion: Iterable[str]) -> TrainingSet:
    """Return the rows as arrays, with who of them the champion was fitted on."""
    known = set(known_to_champion)
    return TrainingSet(
        matrix(spec, [row.case.snapshot.values for row in rows]),
        np.array([row.label for row in rows], dtype=np.float64),
        np.array([np.nan if row.outcome is None else row.outcome for row in rows], dtype=np.float64),
        np.array([row.weight for row in rows], dtype=np.float64),
        np.array([row.case.case_id in known for row in rows], dtype=np.bool_),
    )
