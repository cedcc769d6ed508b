"""Times are compared as ratios."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.reading_time import time_ratio
from hitl_review.study.reads import Reads, as_reads


def times(ratio: float = 0.73, unit: float = 1.0) -> Reads:
    """Six readers, 40 cases; the second modality takes `ratio` of the first's time on the whole."""
    random = np.random.default_rng(3)
    base = np.exp(random.normal(4, 0.3, size=(1, 6, 1)) + random.normal(0, 0.4, size=(1, 1, 40)))
    noise = np.exp(random.normal(0, 0.2, size=(2, 6, 40)))
    factors = np.array([1, ratio])[:, None, None]
    return as_reads(unit * base * noise * factors, [0, 1] * 20, modalities=["solo", "aided"])


def test_the_ratio_that_was_put_in_comes_out_with_its_interval() -> None:
    """Alone over with the model: 1 / 0.73."""
    found = time_ratio(times())
    assert found.ci[0] < 1 / 0.73 < found.ci[1] and found.p < 0.001
    assert found.ratio == pytest.approx(found.geometric_means["solo"] / found.geometric_means["aided"])


def test_the_unit_does_not_matter() -> None:
    """Seconds or minutes: the same ratio, interval and p."""
    seconds, minutes = time_ratio(times()), time_ratio(times(unit=1 / 60))
    assert (seconds.ratio, seconds.p, *seconds.ci) == pytest.approx((minutes.ratio, minutes.p, *minutes.ci))


def test_a_time_of_zero_is_refused_and_one_modality_has_no_ratio() -> None:
    """There is no logarithm of nothing, and nothing to compare with."""
    cube = times().ratings.copy()
    cube[0, 0, 0] = 0
    with pytest.raises(StudyError, match="above zero"):
        time_ratio(as_reads(cube, [0, 1] * 20))
    with pytest.raises(StudyError, match="two modalities"):
        time_ratio(times().under("solo"))
