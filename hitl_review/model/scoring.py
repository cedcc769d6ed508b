"""What a model says of cases: margin, calibrated probability, verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import xgboost

from hitl_review.domain.prediction import Verdict
from hitl_review.model import calibration
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.familiarity import Novelty, novelty
from hitl_review.model.features import Matrix, dmatrix
from hitl_review.model.uncertainty import verdicts

Floats = npt.NDArray[np.float64]

FEW_CASES: Final = 32
"""So few are answered sooner by one thread, whatever else the machine is doing."""


@dataclass(frozen=True, slots=True)
class Scores:
    """One entry per case, in the order of the matrix; margins are log-odds before calibration."""

    margins: Floats
    probabilities: Floats
    verdicts: list[Verdict]
    novelty: Novelty


def score(model: TrainedModel, values: Matrix) -> Scores:
    """Return the model's answer to each case; the same case gets the same margin alone and among others."""
    return scores_of(model, values, margins(model, values_for(model, values)))


def values_for(model: TrainedModel, values: Matrix) -> xgboost.DMatrix:
    """Return the cases as the model's trees read them; few on one thread, many on all."""
    return dmatrix(model.spec, values, threads=1 if len(values) <= FEW_CASES else 0)


def booster_for(model: TrainedModel, cases: xgboost.DMatrix) -> xgboost.Booster:
    """Return the booster that answers so many cases fastest."""
    return model.row_booster if cases.num_row() <= FEW_CASES else model.batch_booster


def margins(model: TrainedModel, cases: xgboost.DMatrix) -> Floats:
    """Return each case's log-odds from the rounds that were trained and no others, shape (n_cases,)."""
    answer = booster_for(model, cases).predict(
        cases, output_margin=True, iteration_range=(0, model.record.rounds)
    )
    # An empty batch is answered with the shape (0, 0).
    return answer.astype(np.float64).reshape(cases.num_row())


def scores_of(model: TrainedModel, values: Matrix, found: Floats) -> Scores:
    """Return the scores that go with margins already found."""
    new = novelty(model.familiarity, values)
    probabilities = calibration.apply(model.calibration, found)
    return Scores(found, probabilities, verdicts(model.conformal, found, unlike=new.unlike), new)
