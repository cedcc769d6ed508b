"""Scores are the same alone and in a batch, and hold for every case a hospital may send."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hitl_review.domain.prediction import Verdict
from hitl_review.errors import ModelError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.features import dmatrix, matrix
from hitl_review.model.scoring import score


def test_a_case_has_the_same_score_alone_and_among_others(champion: TrainedModel, patients: Any) -> None:
    """One thread for one case, all threads for many: not a bit of difference, so a replay is exact."""
    values = patients["holdout"].values[:300]
    together = score(champion, values)
    for place in range(0, 300, 11):
        alone = score(champion, values[[place]])
        assert alone.margins[0] == together.margins[place]
        assert alone.probabilities[0] == together.probabilities[place]
        assert alone.verdicts[0] == together.verdicts[place]


def test_probabilities_follow_margins(model: TrainedModel, newcomers: Any) -> None:
    """Calibration keeps the order, and probabilities are probabilities."""
    scores = score(model, newcomers.values)
    order = np.argsort(scores.margins)
    assert (np.diff(scores.probabilities[order]) >= 0).all()
    assert ((scores.probabilities > 0) & (scores.probabilities < 1)).all()


def test_missing_values_are_scored(model: TrainedModel) -> None:
    """Each value missing in turn, and all of them: finite margins."""
    case = {"age": 70.0, "creatinine": 1.2, "dementia": 0.0, "ward": "d"}
    rows = [{**case, name: None} for name in case] + [dict.fromkeys(case)]
    assert np.isfinite(score(model, matrix(model.spec, rows)).margins).all()


def test_no_cases_are_no_error(model: TrainedModel) -> None:
    """An empty batch has empty scores."""
    scores = score(model, matrix(model.spec, []))
    assert scores.margins.shape == (0,)
    assert scores.verdicts == []


def test_verdicts_come_from_the_models_own_limits(model: TrainedModel, newcomers: Any) -> None:
    """Likely above the negatives' limit, unlikely below the positives', unsure between."""
    scores, limits = score(model, newcomers.values), model.conformal
    assert limits.highest_negative is not None and limits.lowest_positive is not None
    for margin, verdict in zip(scores.margins, scores.verdicts, strict=True):
        if verdict == Verdict.LIKELY:
            assert margin > limits.highest_negative
        elif verdict == Verdict.UNLIKELY:
            assert margin < limits.lowest_positive
    assert {Verdict.LIKELY, Verdict.UNLIKELY, Verdict.UNSURE} <= set(scores.verdicts)


def test_only_the_rounds_of_the_record_count(model: TrainedModel, newcomers: Any) -> None:
    """A booster with trees beyond the recorded rounds (early stopping) is read up to them."""
    stopped = replace(model, record=replace(model.record, rounds=40))
    cases = dmatrix(model.spec, newcomers.values)
    expected = model.batch_booster[:40].predict(cases, output_margin=True)
    np.testing.assert_allclose(score(stopped, newcomers.values).margins, expected, atol=1e-6)


def test_many_threads_may_ask_one_model(model: TrainedModel, newcomers: Any) -> None:
    """Twenty readers at once get what one gets."""
    alone = [score(model, newcomers.values[[i]]).margins[0] for i in range(100)]
    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(lambda i: score(model, newcomers.values[[i % 100]]).margins[0], range(400)))
    assert asked == alone * 4


def test_a_matrix_of_another_model_is_refused(model: TrainedModel, patients: Any) -> None:
    """Other features, other model."""
    with pytest.raises(ModelError, match="reads 4 columns"):
        score(model, patients["holdout"].values)
