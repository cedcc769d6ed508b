"""Calibration of stated probabilities and of confidence."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from hitl_review.errors import StudyError
from hitl_review.study.calibration import (
    confidence_calibration,
    expected_calibration_error,
    recalibration,
    reliability_bins,
)


def drawn(slope: float = 1.0, shift: float = 0.0, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Truth drawn from probabilities, and what is stated: the logit bent by slope and shift."""
    random = np.random.default_rng(1)
    margin = random.normal(size=n)
    return random.random(n) < expit(slope * margin + shift), expit(margin)


def test_slope_and_intercept_are_those_of_a_logistic_fit() -> None:
    """scikit-learn without a penalty finds the same; the slope that was put in comes out."""
    truth, stated = drawn(slope=0.6, shift=-0.3)
    found = recalibration(truth, stated)
    margin = np.log(stated / (1 - stated))
    fit = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(margin[:, None], truth)
    assert found.slope == pytest.approx(fit.coef_[0, 0], rel=1e-5)
    assert found.intercept == pytest.approx(fit.intercept_[0], rel=1e-4)
    assert found.slope == pytest.approx(0.6, abs=0.1)


def test_in_the_large_balances_what_was_said_and_what_happened() -> None:
    """Shifting every logit by it makes the mean probability equal the share of positives."""
    truth, stated = drawn(shift=0.5)
    margin = np.log(stated / (1 - stated))
    shift = recalibration(truth, stated).in_the_large
    assert expit(margin + shift).mean() == pytest.approx(truth.mean()) and shift == pytest.approx(
        0.5, abs=0.1
    )


def test_bins_count_every_case_once() -> None:
    """The upper edge belongs to the next bin and 1 to the last; empty bins are left out."""
    bins = reliability_bins([0, 0, 1, 1], [0.0, 0.1, 0.95, 1.0], n_bins=10)
    assert [(each.low, each.n, each.observed) for each in bins] == [
        (0.0, 1, 0.0),
        (0.1, 1, 0.0),
        (0.9, 2, 1.0),
    ]
    assert bins[2].mean_stated == pytest.approx(0.975) and bins[2].interval[1] == 1.0


def test_the_calibration_error_weighs_bins_by_their_cases() -> None:
    """Half of the cases are off by 0.2, half by 0.1; well calibrated statements are off by next to nothing."""
    truth, stated = [1, 1, 0, 0], [0.8, 0.8, 0.1, 0.1]
    assert expected_calibration_error(truth, stated, n_bins=5) == pytest.approx(0.15)
    assert expected_calibration_error(*drawn()) < 0.03


def test_what_cannot_be_fitted_says_why() -> None:
    """One class, classes that separate, one stated value."""
    assert "one truth" in recalibration([1, 1], [0.2, 0.7]).reason
    assert "separate" in recalibration([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]).reason
    flat = recalibration([0, 1, 1, 1], [0.5] * 4)
    assert flat.slope is None and flat.in_the_large == pytest.approx(np.log(3)) and flat.reason


def test_confidence_is_set_against_being_right() -> None:
    """Surer than right, and surer when right than when wrong."""
    found = confidence_calibration([1, 1, 0, 0], [0.9, 0.8, 0.7, 0.8])
    assert found.overconfidence == pytest.approx(0.3) and found.discrimination == pytest.approx(3.5 / 4)
    always = confidence_calibration([1, 1], [0.9, 0.8])
    assert always.discrimination is None and always.reason == "every answer was right"


def test_what_is_no_probability_is_refused() -> None:
    """From 0 to 1, one per case."""
    with pytest.raises(StudyError, match="from 0 to 1"):
        reliability_bins([0, 1], [0.1, 90])
    with pytest.raises(StudyError, match="one probability per case"):
        recalibration([0, 1], [0.1])
    with pytest.raises(StudyError, match="at least one bin"):
        reliability_bins([0, 1], [0.1, 0.9], n_bins=0)
