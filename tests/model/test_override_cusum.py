"""A chart that rings when readers override the model more often than they used to."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from hitl_review.errors import ModelError
from hitl_review.model.override_cusum import cusum, watch


def decisions(rate: float, count: int, *, seed: int = 1) -> list[bool]:
    """Overrides drawn at a rate."""
    return (np.random.default_rng(seed).random(count) < rate).tolist()


def test_at_the_usual_twelve_per_cent_the_limit_is_four() -> None:
    """As measured elsewhere: about one false alarm in 1,500, a doubling after about 64 decisions."""
    chart = cusum(0.12)
    assert chart.limit == pytest.approx(4.0, abs=0.1)
    assert chart.false_alarm_every >= 1_500
    assert chart.found_after <= 80


def test_steps_are_the_log_likelihood_ratio_of_a_doubling() -> None:
    """Up by log 2, down by what an acceptance says against it."""
    chart = cusum(0.2)
    assert chart.up == pytest.approx(log(2))
    assert chart.down == pytest.approx(log(0.8 / 0.6))


def test_the_chart_never_falls_below_zero_and_starts_again_after_an_alarm() -> None:
    """By hand: nothing but overrides rings at the sixth, and at every sixth."""
    chart = cusum(0.12)
    run = watch([False] * 5 + [True] * 12, chart=chart)
    assert run.heights[:5] == (0.0,) * 5
    assert run.alarms == (10, 16)
    assert run.alarm and "more frequent than chance" in run.words


def test_the_usual_rate_is_quiet_and_a_doubling_is_not() -> None:
    """Five hundred decisions at 12 %, then a hundred and fifty at 24 %."""
    chart = cusum(0.12)
    quiet = decisions(0.12, 500, seed=2)
    assert not watch(quiet, chart=chart).alarm
    run = watch(quiet + decisions(0.24, 150), chart=chart, reader="Anna Berg")
    assert run.alarm and run.alarms[0] >= 500
    assert run.words.startswith("Anna Berg: ")


def test_an_old_alarm_is_no_alarm_today() -> None:
    """It stands in the list; the lamp looks at recent decisions."""
    run = watch([True] * 20 + [False] * 300, chart=cusum(0.12), recent=200)
    assert run.alarms and not run.alarm


def test_no_decisions_are_no_alarm() -> None:
    """And no division by nothing."""
    run = watch([], chart=cusum(0.12))
    assert not run.alarm and "no decisions" in run.words


@pytest.mark.parametrize("rate", [0.0, 0.5, 1.0, -0.1])
def test_a_rate_that_cannot_double_is_refused(rate: float) -> None:
    """Nor one that is none."""
    with pytest.raises(ModelError, match="usual rate"):
        cusum(rate)


@pytest.mark.slow
def test_run_lengths_are_what_the_chart_says_of_itself() -> None:
    """Simulated: false alarms within 10 % of the computed rarity, a doubling within 10 % of the computed delay."""
    chart = cusum(0.12)
    random = np.random.default_rng(2)
    for rate, said in ((0.12, chart.false_alarm_every), (0.24, chart.found_after)):
        lengths = []
        for _ in range(1_500):
            height, count = 0.0, 0
            while height < chart.limit:
                count += 1
                height = max(0.0, height + (chart.up if random.random() < rate else -chart.down))
            lengths.append(count)
        assert np.mean(lengths) == pytest.approx(said, rel=0.1)
