"""A model is trained from labelled cases, measured on the locked hold-out, and kept with all that made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import canonical_json, text_digest
from hitl_review.domain.case import Case, Purpose
from hitl_review.domain.registry import Figure, ModelVersion
from hitl_review.errors import Conflict, ModelError
from hitl_review.model import artifacts
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.features import FeatureSpec, Matrix, directions, feature_spec, matrix
from hitl_review.model.training import train
from hitl_review.store import audit, cases, models
from hitl_review.workflow.evaluating import hold_out_report
from hitl_review.workflow.picturing import pictures_of
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.workspace import Workspace

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LabelledCase:
    """One row of a training set: a case, its label, and where the label came from."""

    case: Case
    label: float
    source: str = "outcome"
    weight: float = 1.0


def train_champion(
    workspace: Workspace, *, actor: Actor = SYSTEM, progress: Told = lambda words: None
) -> ModelVersion:
    """Train the first champion from the training cases with an outcome, keep it, and put it in use.

    A run that was killed between the two goes on with the version it kept: the same rows would only
    make the same bytes again. Raises ModelError when there are no such cases, and Conflict when a
    champion is in use already: replacing one is a challenger's way, through the gate.
    """
    require(actor, Permission.TRAIN)
    newest = models.newest_move(workspace.store)
    if newest is not None:
        raise Conflict(
            "There is a champion already. A successor has to come through retraining and the gate."
        )
    progress("collecting training cases")
    rows = labelled_by_outcome(workspace)
    version = _kept_before(workspace, rows) or train_version(workspace, rows, actor=actor, progress=progress)
    promote(workspace, version.digest, actor=SYSTEM)
    return version


def labelled_by_outcome(workspace: Workspace) -> list[LabelledCase]:
    """Return the training cases whose outcome is known, in order of arrival."""
    known = cases.outcomes(workspace.store, Purpose.TRAINING)
    rows = [
        LabelledCase(case, float(known[case.case_id]))
        for case in cases.of_purpose(workspace.store, Purpose.TRAINING)
        if case.case_id in known
    ]
    if not rows:
        raise ModelError(
            "There is nothing to train on: no training case has an outcome. Import cases with "
            "`--purpose training`, then their outcomes with `--outcomes`."
        )
    return rows


def _kept_before(workspace: Workspace, rows: Sequence[LabelledCase]) -> ModelVersion | None:
    """Return the version that was trained on exactly these rows already, if there is one."""
    manifest = text_digest(manifest_body(workspace, rows))
    kept = [version for version in models.versions(workspace.store) if version.manifest == manifest]
    return kept[-1] if kept else None


def manifest_body(workspace: Workspace, rows: Sequence[LabelledCase]) -> str:
    """Return the training manifest as canonical JSON: every row by case, snapshot, label, source and weight."""
    return canonical_json(
        {
            "project": workspace.project_digest,
            "rows": [
                {
                    "case": row.case.case_id,
                    "snapshot": row.case.snapshot.digest,
                    "label": row.label,
                    "source": row.source,
                    "weight": row.weight,
                }
                for row in rows
            ],
        }
    )


def train_version(
    workspace: Workspace, rows: Sequence[LabelledCase], *, actor: Actor, progress: Told = lambda words: None
) -> ModelVersion:
    """Fit a model on labelled cases, measure it on the hold-out, and keep it; it is not put in use."""
    body = manifest_body(workspace, rows)
    progress(f"fitting on {len(rows)} cases")
    model = _fit(workspace, rows, manifest=text_digest(body))
    progress("measuring on the hold-out")
    held_out = cases.of_purpose(workspace.store, Purpose.HOLDOUT)
    report = hold_out_report(
        workspace.project, model, held_out, cases.outcomes(workspace.store, Purpose.HOLDOUT)
    )
    progress("drawing what the model has learned")
    figures = pictures_of(workspace.project, model, _values(model.spec, rows))
    card = {**artifacts.card(model), "hold_out": report, "project": workspace.project_digest}
    return _keep(workspace, model, body, card, figures, actor)


def _fit(workspace: Workspace, rows: Sequence[LabelledCase], *, manifest: str) -> TrainedModel:
    project = workspace.project
    spec = feature_spec(project)
    return train(
        _values(spec, rows),
        [row.label for row in rows],
        spec=spec,
        settings=project.training,
        weights=[row.weight for row in rows],
        reference=[row.source == "outcome" for row in rows],
        monotone=directions(project) if project.training.monotone else None,
        threshold=project.target.threshold,
        manifest=manifest,
    )


def _keep(
    workspace: Workspace,
    model: TrainedModel,
    body: str,
    card: Mapping[str, object],
    figures: Sequence[Figure],
    actor: Actor,
) -> ModelVersion:
    store, card_text = workspace.store, canonical_json(card)
    with store.transaction(actor) as transaction:
        version = ModelVersion(
            model.digest,
            models.next_name(store),
            transaction.now,
            actor.account_id,
            text_digest(body),
            card_text,
        )
        detail = {
            "name": version.name,
            "manifest": version.manifest,
            "card_digest": text_digest(card_text),
            "rows": model.record.rows,
            "seed": model.record.seed,
            "figures": {figure.name: figure.digest for figure in figures},
        }
        event = audit.append(store, "model.trained", f"model:{model.digest}", detail)
        models.add(
            store, version, artefact=artifacts.save(model), manifest_body=body, event_id=event.event_id
        )
        models.add_figures(store, model.digest, figures)
    return version


def _values(spec: FeatureSpec, rows: Sequence[LabelledCase]) -> Matrix:
    return matrix(spec, [row.case.snapshot.values for row in rows])
