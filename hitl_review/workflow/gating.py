"""A challenger is measured against the model in use on the locked hold-out, and the report is kept either way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import canonical_json, text_digest
from hitl_review.domain.case import Case, Purpose
from hitl_review.domain.gate import GateReport, as_json
from hitl_review.domain.registry import ModelVersion
from hitl_review.errors import ModelError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import score_and_explain
from hitl_review.model.features import matrix
from hitl_review.model.gating import compare
from hitl_review.project import Project
from hitl_review.store import audit, cases, gates, models
from hitl_review.store.gates import Gate
from hitl_review.workflow.promotion import protocol_digest
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.training_set import check_locked, trained_on
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Measured:
    """A gate report as it was kept."""

    gate: Gate
    report: GateReport


def measure(
    workspace: Workspace, challenger: ModelVersion, champion: ModelVersion, *, actor: Actor = SYSTEM
) -> Measured:
    """Measure a challenger on the locked hold-out and keep the report, whether it passes or fails.

    Raises ModelError where a model was trained on a hold-out case, or no outcomes are there to measure on.
    """
    require(actor, Permission.TRAIN)
    for version in (challenger, champion):
        check_locked(workspace, [str(row["case"]) for row in trained_on(workspace, version.manifest)])
    source = stored_model(workspace.store)
    report = measured(workspace, source(champion.digest), source(challenger.digest))
    return Measured(_kept(workspace, challenger, champion, report, actor), report)


def measured(workspace: Workspace, champion: TrainedModel, challenger: TrainedModel) -> GateReport:
    """Return the gate's report of two models on the hold-out, without keeping it."""
    known = cases.outcomes(workspace.store, Purpose.HOLDOUT)
    held = [case for case in cases.of_purpose(workspace.store, Purpose.HOLDOUT) if case.case_id in known]
    if not held:
        raise ModelError(
            "No hold-out case has an outcome, so the gate has nothing to measure on. Import cases with "
            "`--purpose holdout`, then their outcomes with `--outcomes`."
        )
    (before, was), (after, now) = (_answers(model, held) for model in (champion, challenger))
    return compare(
        before,
        after,
        [float(known[case.case_id]) for case in held],
        policy=workspace.project.gate,
        threshold=workspace.project.target.threshold,
        case_ids=[case.case_id for case in held],
        subgroups=subgroups_of(workspace.project, held),
        importance=(was, now),
    )


def _answers(
    model: TrainedModel, held: Sequence[Case]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], Mapping[str, float]]:
    """Return a model's probabilities and the mean absolute contribution of each feature."""
    scores, explanations = score_and_explain(
        model, matrix(model.spec, [case.snapshot.values for case in held])
    )
    importance = np.abs(explanations.contributions).mean(axis=0).tolist()
    return scores.probabilities, dict(zip(model.spec.names, importance, strict=True))


def subgroups_of(project: Project, held: Sequence[Case]) -> dict[str, list[str | None]]:
    """Return the level of each case in each grouping of the gate that is among its values."""
    return {
        name: [None if (value := case.snapshot.values.get(name)) is None else str(value) for case in held]
        for name in project.gate.subgroups
        if name in project.feature_names
    }


def _kept(
    workspace: Workspace, challenger: ModelVersion, champion: ModelVersion, report: GateReport, actor: Actor
) -> Gate:
    store, body = workspace.store, canonical_json(as_json(report))
    with store.transaction(actor) as transaction:
        detail = {
            "champion": champion.digest,
            "protocol": protocol_digest(workspace.project),
            "report": text_digest(body),
            "cases": report.cases,
            "words": report.words,
            "looks": len(gates.everything(store)) + 1,
        }
        event = audit.append(store, f"gate.{report.verdict.value}", f"model:{challenger.digest}", detail)
        gate = Gate(
            event.event_id,
            challenger.digest,
            champion.digest,
            report.verdict,
            protocol_digest(workspace.project),
            transaction.now,
            actor.account_id,
        )
        gates.add(store, gate, body=body)
    return gate


def gate_of(workspace: Workspace, challenger: str) -> Gate | None:
    """Return the newest report of a model against the one in use, or None."""
    champion = models.latest_in_use(workspace.store)
    return None if champion is None else gates.latest(workspace.store, challenger, champion)
