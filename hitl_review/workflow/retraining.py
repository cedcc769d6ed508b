"""Models are trained from labelled cases, measured on the locked hold-out, and kept with all that made them.

The first champion learns from recorded outcomes. Every challenger after it learns from the whole label
ledger, from scratch; overrides are never fitted alone, because the best label of every case is taken,
whatever its source. A challenger is not put in use here: the gate measures it, and people decide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import canonical_json, text_digest
from hitl_review.domain.case import Purpose
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.label import LeftOut
from hitl_review.domain.registry import Figure, ModelVersion
from hitl_review.errors import Conflict, ModelError
from hitl_review.model import artifacts
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.candidates import Candidates, make_candidates
from hitl_review.model.features import directions, feature_spec
from hitl_review.model.presets import Preset
from hitl_review.model.training import train
from hitl_review.store import audit, cases, models
from hitl_review.workflow.evaluating import hold_out_report
from hitl_review.workflow.gating import Measured, measure
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.picturing import pictures_of
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.searching import search
from hitl_review.workflow.training_set import (
    LabelledCase,
    arrays,
    labelled_by_outcome,
    learnable,
    manifest_body,
    trained_on,
)
from hitl_review.workflow.workspace import Workspace

__all__ = ["LabelledCase", "Retrained", "labelled_by_outcome", "retrain", "train_champion", "train_version"]

Told = Callable[[str], None]
Progress = Callable[[float, str], None]


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
    version = _kept_before(workspace, manifest_body(workspace, rows))
    version = version or train_version(workspace, rows, actor=actor, progress=progress)
    promote(workspace, version.digest, actor=SYSTEM)
    return version


def _kept_before(workspace: Workspace, body: str) -> ModelVersion | None:
    """Return the version that was trained from exactly this manifest already, if there is one."""
    manifest = text_digest(body)
    kept = [version for version in models.versions(workspace.store) if version.manifest == manifest]
    return kept[-1] if kept else None


def train_version(
    workspace: Workspace, rows: Sequence[LabelledCase], *, actor: Actor, progress: Told = lambda words: None
) -> ModelVersion:
    """Fit a model on labelled cases, measure it on the hold-out, and keep it; it is not put in use."""
    body = manifest_body(workspace, rows)
    progress(f"fitting on {len(rows)} cases")
    model = fit_rows(workspace, rows, manifest=text_digest(body))
    return _measured_and_kept(workspace, model, rows, body, {}, actor, progress)


def fit_rows(workspace: Workspace, rows: Sequence[LabelledCase], *, manifest: str = "") -> TrainedModel:
    """Fit a model on labelled cases from scratch; nothing is kept."""
    project = workspace.project
    spec = feature_spec(project)
    given = arrays(spec, rows, ())
    return train(
        given.values,
        given.labels,
        spec=spec,
        settings=project.training,
        weights=given.weights,
        outcomes=given.outcomes,
        monotone=directions(project) if project.training.monotone else None,
        threshold=project.target.threshold,
        manifest=manifest,
    )


@dataclass(frozen=True, slots=True)
class Retrained:
    """What came of a run: the challenger, its gate report, and what the ledger gave to learn from."""

    challenger: ModelVersion
    measured: Measured
    rows: int
    left_out: tuple[LeftOut, ...]
    chosen: str
    """Which candidate went to the gate, and why."""
    is_new: bool

    @property
    def words(self) -> str:
        """The run in a sentence."""
        verdict = {
            GateVerdict.PASSED: "passed the gate and waits to be proposed",
            GateVerdict.FAILED: "was refused by the gate",
            GateVerdict.UNDECIDED: "could not be decided by the gate",
        }[self.measured.report.verdict]
        return f"Model {self.challenger.name}, trained on {self.rows:,} cases, {verdict}."

    def as_json(self) -> dict[str, Any]:
        """Return the run as the job keeps it and the command line prints it."""
        return {
            "model": self.challenger.digest,
            "name": self.challenger.name,
            "gate": self.measured.gate.gate_id,
            "verdict": self.measured.report.verdict.value,
            "words": self.measured.report.words,
            "rows": self.rows,
            "left_out": len(self.left_out),
            "chosen": self.chosen,
            "new": self.is_new,
        }


def retrain(
    workspace: Workspace,
    *,
    actor: Actor = SYSTEM,
    progress: Progress = lambda share, words: None,
) -> Retrained:
    """Train a challenger from the whole label ledger and measure it against the model in use.

    The same ledger and the same model in use make the same manifest, and the same manifest the same bytes:
    a run that has nothing new to learn from returns the version it made before. Raises ModelError where
    nothing can be learned, or nothing measured.
    """
    require(actor, Permission.TRAIN)
    progress(0.05, "collecting labels")
    collect_labels(workspace, actor=actor)
    champion = _in_use(workspace)
    found = learnable(workspace)
    if not found.rows:
        raise ModelError("The ledger holds nothing to learn from yet: no outcomes and no decisions.")
    body = manifest_body(workspace, found.rows, parent=champion.digest)
    kept = _kept_before(workspace, body)
    challenger, chosen = (
        (kept, str(_trials(kept).get("chosen", "")))
        if kept is not None
        else _challenge(workspace, found.rows, body, champion, actor, progress)
    )
    progress(0.9, "measuring against the model in use")
    result = measure(workspace, challenger, champion, actor=actor)
    return Retrained(challenger, result, len(found.rows), found.left_out, chosen, kept is None)


def _in_use(workspace: Workspace) -> ModelVersion:
    digest = models.latest_in_use(workspace.store)
    return models.champion(workspace.store) if digest is None else models.version(workspace.store, digest)


def _trials(version: ModelVersion) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(version.card).get("candidates", {})
    return found


def _challenge(
    workspace: Workspace,
    rows: Sequence[LabelledCase],
    body: str,
    champion: ModelVersion,
    actor: Actor,
    progress: Progress,
) -> tuple[ModelVersion, str]:
    tuning = search(workspace, rows, progress=lambda words: progress(0.1, words))
    made = candidates_of(
        workspace,
        rows,
        champion,
        manifest=text_digest(body),
        preset=None if tuning is None else tuning.chosen.preset,
        progress=progress,
    )
    trials: dict[str, object] = {
        "chosen": made.words,
        "kind": made.chosen.kind.value,
        "parent": champion.digest,
        "made": [
            {"kind": each.kind.value, "digest": each.model.digest, "log_loss": each.log_loss}
            for each in made.made
        ],
    }
    version = _measured_and_kept(
        workspace,
        made.chosen.model,
        rows,
        body,
        {"candidates": trials} if tuning is None else {"candidates": trials, "tuning": tuning.as_json()},
        actor,
        lambda words: progress(0.7, words),
    )
    return version, made.words


def candidates_of(
    workspace: Workspace,
    rows: Sequence[LabelledCase],
    champion: ModelVersion,
    *,
    manifest: str,
    preset: Preset | None = None,
    progress: Progress = lambda share, words: None,
) -> Candidates:
    """Make the candidates of a run from labelled cases, and choose the one for the gate; nothing is kept."""
    project = workspace.project
    spec = feature_spec(project)
    known = [str(row["case"]) for row in trained_on(workspace, champion.manifest)]
    return make_candidates(
        arrays(spec, rows, known),
        spec=spec,
        settings=project.training,
        champion=stored_model(workspace.store)(champion.digest),
        directions=directions(project),
        preset=preset,
        threshold=project.target.threshold,
        manifest=manifest,
        progress=lambda words: progress(0.3, words),
    )


def _measured_and_kept(
    workspace: Workspace,
    model: TrainedModel,
    rows: Sequence[LabelledCase],
    body: str,
    more: Mapping[str, object],
    actor: Actor,
    progress: Told,
) -> ModelVersion:
    progress("measuring on the hold-out")
    held_out = cases.of_purpose(workspace.store, Purpose.HOLDOUT)
    report = hold_out_report(
        workspace.project, model, held_out, cases.outcomes(workspace.store, Purpose.HOLDOUT)
    )
    progress("drawing what the model has learned")
    figures = pictures_of(workspace.project, model, arrays(model.spec, rows, ()).values)
    sources = _sources(rows)
    card = {
        **artifacts.card(model),
        "hold_out": report,
        "project": workspace.project_digest,
        "sources": sources,
        **more,
    }
    return _keep(workspace, model, body, card, figures, actor)


def _sources(rows: Sequence[LabelledCase]) -> dict[str, int]:
    names, numbers = np.unique([row.source for row in rows], return_counts=True)
    return dict(zip(names.tolist(), numbers.tolist(), strict=True))


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
        for kept in models.versions(store):
            if kept.digest == model.digest:
                return kept  # somebody else made the very same meanwhile
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
