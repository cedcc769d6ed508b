"""The candidates of one training run: recalibrate only, refit, refit held to the clinicians' directions.

All are made from the same training set, from scratch, and one of them goes to the gate: the better of the new
trees on cases left out, unless the champion's trees with new calibration are within one standard error of it.
Models whose probabilities have merely slipped need no new trees: over years of updating, recalibration was the
steadiest (Davis et al., J Am Med Inform Assoc 2019;26:1448). Between two sets of new trees nothing is simpler;
directions win where rows are few. Choosing on the gate's cases instead would give each run three tries at it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import xgboost

from hitl_review.errors import ModelError
from hitl_review.model import calibration, evaluation, scoring, uncertainty
from hitl_review.model.artifacts import TrainedModel, seal
from hitl_review.model.features import FeatureSpec, Matrix, dmatrix
from hitl_review.model.presets import Preset
from hitl_review.model.training import fit, measures
from hitl_review.project import TrainingPolicy

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST_FRESH: Final = 100
"""So many cases the champion was not fitted on are needed to recalibrate it, or to judge it beside others."""


class Kind(StrEnum):
    """What a candidate changes of the champion, simplest first."""

    RECALIBRATED = "recalibrated"
    CONSTRAINED = "constrained"
    REFITTED = "refitted"

    @property
    def words(self) -> str:
        """The kind as people say it."""
        return {
            Kind.RECALIBRATED: "the champion's trees with new calibration",
            Kind.CONSTRAINED: "new trees, held to the clinicians' directions",
            Kind.REFITTED: "new trees",
        }[self]


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What one run learns from, one entry per case, in the order of the manifest.

    `labels` are soft (0 to 1), `outcomes` the reference standard (NaN where unknown), `known_to_champion`
    whether the champion was fitted on the case.
    """

    values: Matrix
    labels: Floats
    outcomes: Floats
    weights: Floats
    known_to_champion: Flags


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that could replace the champion; `log_loss` is from cases left out, None if there were too few."""

    kind: Kind
    model: TrainedModel
    log_loss: float | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of a run, the one that goes to the gate, and why that one."""

    made: tuple[Candidate, ...]
    chosen: Candidate
    words: str


def make_candidates(
    training: TrainingSet,
    *,
    spec: FeatureSpec,
    settings: TrainingPolicy,
    champion: TrainedModel | None = None,
    directions: Mapping[str, int] | None = None,
    preset: Preset | None = None,
    threshold: float = 0.5,
    manifest: str = "",
    threads: int = 0,
    progress: Callable[[str], None] = lambda words: None,
) -> Candidates:
    """Make every candidate that the training set allows, and choose the one for the gate.

    Parameters
    ----------
    champion : the model in use; without one there is nothing to recalibrate
    directions : each feature's direction from the project; where `settings.monotone` demands them, the
        unconstrained refit is not made
    preset : from tuning, for the refits; by the number of rows if not given

    Equal arguments give equal bytes.
    """
    made: list[Candidate] = []
    losses: list[Floats] = []
    judged, by_outcomes = _judged_on(training)

    def keep(kind: Kind, model: TrainedModel, margins: Floats) -> None:
        # What people said judges the trees as they were fitted to it: calibrated to outcomes they must miss it.
        curve = model.calibration if by_outcomes else calibration.NONE
        chance = calibration.apply(curve, margins[judged])
        known = ~np.isnan(chance)
        loss = evaluation.log_losses(_truth(training)[judged][known], chance[known])
        made.append(Candidate(kind, model, float(np.mean(loss)) if len(loss) >= LEAST_FRESH else None))
        losses.append(loss)

    if champion is not None and (renewed := _recalibrated(champion, training, settings, threshold, manifest)):
        progress("calibrating the champion anew")
        keep(Kind.RECALIBRATED, *renewed)
    for kind, held in _refits(settings, directions or {}):
        progress(f"fitting {kind.words} on {len(training.labels):,} cases")
        fitting = fit(
            training.values,
            training.labels,
            spec=spec,
            settings=settings,
            weights=training.weights,
            outcomes=training.outcomes,
            monotone=held,
            preset=preset,
            threshold=threshold,
            manifest=manifest,
            threads=threads,
        )
        keep(kind, fitting.model, fitting.out_of_fold)
    return _choice(made, losses)


def _refits(settings: TrainingPolicy, directions: Mapping[str, int]) -> list[tuple[Kind, Mapping[str, int]]]:
    refits: list[tuple[Kind, Mapping[str, int]]] = []
    if directions:
        refits.append((Kind.CONSTRAINED, directions))
    if not directions or not settings.monotone:
        refits.append((Kind.REFITTED, {}))
    return refits


def _judged_on(training: TrainingSet) -> tuple[Flags, bool]:
    """The cases that judge the candidates: none the champion knows; outcomes, unless they are too few."""
    fresh = ~training.known_to_champion
    with_outcome = fresh & ~np.isnan(training.outcomes)
    enough = bool(with_outcome.sum() >= LEAST_FRESH)
    return (with_outcome if enough else fresh), enough


def _truth(training: TrainingSet) -> Floats:
    return np.where(np.isnan(training.outcomes), training.labels, training.outcomes)


def _recalibrated(
    champion: TrainedModel, training: TrainingSet, settings: TrainingPolicy, threshold: float, manifest: str
) -> tuple[TrainedModel, Floats] | None:
    """The champion's trees with a curve from outcomes it was not fitted on; None if that changes nothing."""
    fresh = ~training.known_to_champion & ~np.isnan(training.outcomes)
    if fresh.sum() < LEAST_FRESH or settings.calibration == "none":
        return None
    margins = scoring.margins(champion, dmatrix(champion.spec, training.values))
    truth, weights = training.outcomes[fresh], training.weights[fresh]
    curve = calibration.choose(margins[fresh], truth, weights=weights, seed=settings.seed)
    if curve == champion.calibration:
        return None
    limits = uncertainty.conform(margins[fresh], truth, error=settings.conformal_error)
    record = replace(
        champion.record,
        base_rate=float(np.mean(truth)),
        threshold=threshold,
        manifest=manifest,
        parameters={**champion.record.parameters, "recalibrated_from": champion.digest},
        cross_validated=measures(truth, margins[fresh]),
    )
    model = seal(
        xgboost.Booster({"verbosity": 0}, model_file=bytearray(champion.data)),
        spec=champion.spec,
        calibration=curve,
        conformal=limits if limits.available else champion.conformal,
        familiarity=champion.familiarity,
        record=record,
    )
    return model, margins


def _choice(made: list[Candidate], losses: list[Floats]) -> Candidates:
    if not made:
        raise ModelError("No candidate could be made from these labels. Collect more of them.")
    if any(candidate.log_loss is None for candidate in made):
        chosen = made[-1]
        return Candidates(
            tuple(made), chosen, f"{chosen.kind.words.capitalize()}: too few cases to compare candidates on."
        )
    best = min(range(len(made)), key=lambda i: float(np.mean(losses[i])))
    kept = made[0].kind is Kind.RECALIBRATED and not evaluation.clearly_gains(losses[0] - losses[best])
    simplest = 0 if kept else best
    chosen = made[simplest]
    words = f"{chosen.kind.words.capitalize()}: log loss {chosen.log_loss:.4f} on {len(losses[0]):,} cases left out"
    if simplest != best:
        words += f", within one standard error of {made[best].kind.words} ({made[best].log_loss:.4f})"
    return Candidates(tuple(made), chosen, words + ".")
