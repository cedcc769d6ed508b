"""The points of a gate report's curves, on arrays that fit on a page."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_review.model.gate_curves import (
    MOST_POINTS,
    calibration_points,
    net_benefit_curve,
    roc_points,
    side_of,
)

TRUTH = np.array([True, False, True, False])
CHANCE = np.array([0.9, 0.6, 0.6, 0.2])


def test_the_roc_goes_through_every_cut_ties_together() -> None:
    """One positive first, then a positive and a negative at once, then the last negative."""
    assert roc_points(TRUTH, CHANCE) == ((0.0, 0.0), (0.0, 0.5), (0.5, 1.0), (1.0, 1.0))


def test_a_long_roc_is_thinned_and_keeps_its_ends() -> None:
    """More points than a screen can show are no use."""
    random = np.random.default_rng(1)
    points = roc_points(random.random(5_000) < 0.3, random.random(5_000))
    assert len(points) <= MOST_POINTS + 1
    assert points[0] == (0.0, 0.0) and points[-1] == (1.0, 1.0)


def test_net_benefit_is_hits_less_false_alarms_at_the_thresholds_price() -> None:
    """At 51 %: two hits and one false alarm of four, at 51 to 49."""
    found = dict(net_benefit_curve(TRUTH, CHANCE))
    assert found[0.51] == pytest.approx(2 / 4 - 1 / 4 * 0.51 / 0.49)
    assert found[0.95] == 0.0


def test_calibration_points_hold_equal_numbers_of_cases() -> None:
    """Two bins of two: what was said and what happened."""
    low, high = calibration_points(TRUTH, CHANCE, bins=2)
    assert (low.stated, low.observed, low.cases) == (pytest.approx(0.4), 0.0, 2)
    assert (high.stated, high.observed, high.cases) == (pytest.approx(0.75), 1.0, 2)
    assert high.interval[0] < 1.0


def test_figures_that_are_not_defined_are_none() -> None:
    """Classes that separate without a fault have no slope, and no interval of the AUC."""
    side = side_of(TRUTH, np.array([0.9, 0.2, 0.8, 0.1]), threshold=0.5)
    assert side.auc == 1.0
    assert side.auc_interval is None and side.calibration_slope is None
