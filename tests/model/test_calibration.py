"""A calibrator is used only where it helps, and never turns the order of cases round."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_review.errors import ModelError
from hitl_review.model.calibration import NONE, Calibration, apply, choose, fit
from hitl_review.model.evaluation import log_loss

Floats = npt.NDArray[np.float64]


def outcomes(margins: Floats, true_margins: Floats, *, seed: int) -> Floats:
    """Draw what happens when the true log-odds are these."""
    chance = 1 / (1 + np.exp(-true_margins))
    return (np.random.default_rng(seed).random(len(margins)) < chance).astype(np.float64)


def test_no_calibration_is_the_sigmoid() -> None:
    """A margin of log 3 is 3 to 1."""
    assert apply(NONE, [0.0, np.log(3)]).tolist() == pytest.approx([0.5, 0.75])


def test_a_margin_far_out_stays_a_probability() -> None:
    """No overflow at either end."""
    assert apply(NONE, [-800.0, 800.0]).tolist() == [0.0, 1.0]
    assert np.isfinite(apply(Calibration("beta", 0.5, 2.0, -1.0), [-800.0, 800.0])).all()


@given(
    rise=st.floats(0.05, 20),
    fall=st.floats(0.05, 20),
    shift=st.floats(-10, 10),
    margins=st.lists(st.floats(-30, 30), min_size=2, max_size=20),
)
def test_a_higher_margin_never_gets_a_lower_probability(
    rise: float, fall: float, shift: float, margins: list[float]
) -> None:
    """Whatever the parameters a fit may return."""
    found = apply(Calibration("beta", rise, fall, shift), sorted(margins))
    assert (np.diff(found) >= -1e-12).all()
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize(
    "fitted", [NONE, Calibration("platt", 0.7, 0.7, 0.1), Calibration("beta", 0.3, 2.1, -0.4)]
)
def test_a_margin_has_the_same_probability_alone_and_among_others(fitted: Calibration) -> None:
    """To the last bit, so that a replay of one case gives what the batch gave."""
    margins = np.random.default_rng(0).normal(size=1000)
    assert apply(fitted, margins).tolist() == [apply(fitted, [margin])[0] for margin in margins]


def test_margins_twice_too_wide_are_repaired() -> None:
    """An overconfident model's log-odds are halved, and its log loss falls on other cases."""
    random = np.random.default_rng(1)
    true = random.normal(0, 1.2, 3000)
    labels = outcomes(true, true, seed=2)
    chosen = choose(2 * true[:2000], labels[:2000])
    assert chosen.method == "temperature"
    assert chosen.rise == pytest.approx(0.5, abs=0.05)
    assert log_loss(labels[2000:], apply(chosen, 2 * true[2000:])) < log_loss(
        labels[2000:], apply(NONE, 2 * true[2000:])
    )


def test_a_shift_of_all_margins_needs_platt() -> None:
    """Temperature alone can't move the middle, so the richer method must be taken."""
    true = np.random.default_rng(3).normal(0, 1.2, 3000)
    chosen = choose(true + 1.5, outcomes(true, true, seed=4))
    assert chosen.method == "platt"
    assert chosen.shift == pytest.approx(-1.5, abs=0.25)


def test_a_lopsided_curve_needs_beta() -> None:
    """Where the two ends are stretched differently only beta fits."""
    margins = np.random.default_rng(5).normal(0, 2.0, 6000)
    true = -0.3 * np.logaddexp(0, -margins) + 2.5 * np.logaddexp(0, margins) - 1.0
    chosen = choose(margins, outcomes(margins, true, seed=6))
    assert chosen.method == "beta"
    assert chosen.rise == pytest.approx(0.3, abs=0.15)
    assert chosen.fall == pytest.approx(2.5, abs=0.4)


@pytest.mark.parametrize("seed", range(5))
def test_a_calibrated_model_is_left_alone(seed: int) -> None:
    """Margins that are right already gain nothing beyond noise, so nothing is fitted onto them."""
    true = np.random.default_rng(seed).normal(0, 1.0, 1000)
    assert choose(true, outcomes(true, true, seed=100 + seed)) == NONE


def test_too_few_cases_of_a_class_are_left_alone() -> None:
    """Twenty positives can't show that margins are too wide, even if they are."""
    true = np.random.default_rng(7).normal(-3.5, 1.0, 600)
    labels = outcomes(true, true, seed=8)
    assert 5 < labels.sum() < 30
    assert choose(3 * true, labels) == NONE


def test_margins_that_are_known_to_be_off_need_no_evidence_but_cases() -> None:
    """Sixty cases of each class can't show a slope of 1.3, yet it is mended where it is expected."""
    true = np.random.default_rng(15).normal(0, 1.2, 140)
    labels = outcomes(true, true, seed=16)
    assert choose(true / 1.3, labels) == NONE
    expected = choose(true / 1.3, labels, expected=True)
    assert expected.method == "platt" and expected.rise > 1.1
    few = np.arange(140) < 50
    assert choose(true[few] / 1.3, labels[few], expected=True) == NONE


def test_a_model_that_is_worse_than_chance_is_not_turned_round() -> None:
    """A falling curve would hide that something is very wrong."""
    true = np.random.default_rng(9).normal(0, 1.5, 1000)
    labels = outcomes(true, -true, seed=10)
    assert fit("platt", true, labels) == NONE
    assert fit("temperature", true, labels) == NONE
    assert fit("beta", true, labels) == NONE


def test_separable_margins_give_finite_parameters() -> None:
    """The pull towards `none` keeps a perfect model from becoming infinitely sure."""
    margins = np.concatenate([np.linspace(-3, -1, 60), np.linspace(1, 3, 60)])
    fitted = fit("platt", margins, (margins > 0).astype(float))
    assert 1 < fitted.rise < 20


def test_soft_labels_and_weights_count() -> None:
    """A row of weight two is two rows, and a soft label is that share of each class."""
    true = np.random.default_rng(11).normal(0, 1.0, 200)
    labels = outcomes(true, true, seed=12)
    twice = fit("platt", np.concatenate([true, true]), np.concatenate([labels, labels]))
    weighted = fit("platt", true, labels, weights=np.full(200, 2.0))
    assert weighted.rise == pytest.approx(twice.rise)
    split = fit("platt", np.repeat(true, 2), np.tile([1.0, 0.0], 200), weights=np.tile([0.3, 0.7], 200))
    assert fit("platt", true, np.full(200, 0.3)).shift == pytest.approx(split.shift)


def test_the_choice_is_the_same_every_time() -> None:
    """The folds come from a stored seed."""
    true = np.random.default_rng(13).normal(0, 1.0, 800)
    labels = outcomes(true, true, seed=14)
    assert choose(1.6 * true, labels, seed=3) == choose(1.6 * true, labels, seed=3)


def test_an_unknown_method_is_refused_with_those_there_are() -> None:
    """A mistyped name gets an answer."""
    with pytest.raises(ModelError, match="temperature, platt, beta"):
        fit("isotonic", [0.0, 1.0], [0, 1])


@pytest.mark.parametrize(
    ("margins", "labels"), [([0.0], [0, 1]), ([np.nan, 0.0], [0, 1]), ([0.0, 0.0], [0, 2])]
)
def test_what_can_not_be_calibrated_is_refused(margins: list[float], labels: list[float]) -> None:
    """Other lengths, margins that are no numbers, labels outside 0 to 1."""
    with pytest.raises(ModelError, match="Calibration needs"):
        fit("platt", margins, labels)


def test_a_calibration_survives_storage() -> None:
    """The three numbers are kept exactly."""
    fitted = Calibration("beta", 0.1 + 0.2, 1 / 3, -2e-17)
    assert Calibration.from_json(fitted.as_json()) == fitted
