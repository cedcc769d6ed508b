"""The model in use, measured on the random part; and what readers make of it."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_review.errors import ModelError
from hitl_review.model.blind_slice import blind_slice, use_of_model


def cases(count: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated probabilities and their outcomes."""
    random = np.random.default_rng(seed)
    chance = random.beta(2, 2, count)
    return chance, (random.random(count) < chance).astype(float)


def test_a_model_that_is_as_it_was_raises_no_alarm() -> None:
    """With intervals, and the share of outcomes that have come in."""
    chance, truth = cases(400)
    truth[100:] = np.nan
    found = blind_slice(chance, truth, promoted_auc=0.75)
    assert (found.cases, found.matured, found.matured_share) == (400, 100, 0.25)
    assert not found.alarm
    for figure in (found.auc, found.calibration_slope, found.observed):
        assert figure.value is not None and figure.interval is not None
        assert figure.interval[0] < figure.value < figure.interval[1]
        assert figure.cases == 100
    assert found.expected == pytest.approx(float(np.mean(chance[:100])))


def test_probabilities_that_are_too_sure_raise_an_alarm() -> None:
    """Log-odds three times too large."""
    chance, truth = cases(400)
    margin = 3 * np.log(chance / (1 - chance))
    found = blind_slice(1 / (1 + np.exp(-margin)), truth)
    assert found.alarm and "too far from the middle" in found.words


def test_an_outcome_that_comes_more_often_than_said_raises_an_alarm() -> None:
    """Half of it was said."""
    chance, truth = cases(400)
    found = blind_slice(chance / 2, truth)
    assert found.alarm and "the model said" in found.words


def test_an_order_that_has_been_lost_raises_an_alarm() -> None:
    """An interval that lies below what it was promoted with."""
    chance, truth = cases(400)
    found = blind_slice(np.random.default_rng(4).permutation(chance), truth, promoted_auc=0.75)
    assert found.alarm and "promoted with" in found.words


def test_what_is_not_defined_says_because_of_what() -> None:
    """No outcome yet, or too few of the rarer one: no number, and a reason."""
    nothing = blind_slice([0.5] * 30, [np.nan] * 30)
    assert nothing.auc.value is None and "only 0 cases" in nothing.auc.reason
    assert nothing.observed.reason and not nothing.alarm and nothing.expected is None
    rare = blind_slice(np.linspace(0.01, 0.2, 60), [1.0] * 3 + [0.0] * 57)
    assert rare.calibration_slope.value is None and "only 3" in rare.calibration_slope.reason
    assert blind_slice([], []).matured_share is None


def test_automation_bias_and_beneficial_overrides_are_counted_over_their_own_opportunities() -> None:
    """Six reads by hand."""
    #        misled  stood  model right  override wrong  override right  both wrong
    own = [1, 1, 0, 1, 1, 0]
    model = [0, 0, 0, 1, 0, 0]
    final = [0, 1, 0, 0, 1, 0]
    truth = [1, 1, 0, 1, 1, 1]
    found = use_of_model(own, model, final, truth)
    assert (found.automation_bias.value, found.automation_bias.cases) == (pytest.approx(1 / 3), 3)
    assert (found.beneficial_overrides.value, found.beneficial_overrides.cases) == (pytest.approx(2 / 3), 3)


def test_a_rate_without_opportunity_is_not_defined() -> None:
    """The model was never wrong, nothing was overridden."""
    found = use_of_model([1], [1], [1], [1])
    assert found.automation_bias.value is None and found.automation_bias.reason.startswith(
        "not defined because"
    )
    assert found.beneficial_overrides.value is None


def test_lists_of_unequal_length_are_refused() -> None:
    """One outcome for each probability."""
    with pytest.raises(ModelError, match="one outcome"):
        blind_slice([0.5, 0.5], [1.0])
