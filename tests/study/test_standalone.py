"""The model alone against readers: the same answer as the two-modality form, and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study.metrics import metric_named
from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import Reads, as_reads
from hitl_review.study.simulation import HIGH_HIGH, simulate
from hitl_review.study.standalone import readers_against_model


def readers_and_model(seed: int = 1) -> tuple[Reads, Any]:
    """Five readers under one modality, and a sixth who plays the model."""
    drawn = simulate(HIGH_HIGH, n_readers=6, n_negative=30, n_positive=30, separations=(1.2,), seed=seed)
    return as_reads(drawn.ratings[:, :5], drawn.truth, modalities=["aided"]), drawn.ratings[0, 5]


def test_it_equals_the_two_modality_form_with_the_model_copied() -> None:
    """Copying the model for every reader gives the same t, df and p, because copies add nothing."""
    readers, model = readers_and_model()
    found = readers_against_model(readers, model)
    copied = np.concatenate([readers.ratings, np.broadcast_to(model, readers.ratings.shape)])
    expected = analyse(as_reads(copied, readers.truth))
    assert found.estimate == pytest.approx(expected.estimate) and found.se == pytest.approx(expected.se)
    assert (found.df, found.p) == pytest.approx((expected.df, expected.test.p))


def test_with_cases_fixed_it_is_a_one_sample_t_test() -> None:
    """Only the readers' values against one number."""
    readers, model = readers_and_model(2)
    found = readers_against_model(readers, model, cases="fixed")
    expected = stats.ttest_1samp(found.reader_values, found.model)
    assert (found.statistic, found.p, found.df) == pytest.approx((expected.statistic, expected.pvalue, 4))
    assert found.cov2 is None and found.var_error is None


def test_it_takes_one_modality_of_several_and_any_metric(sim_assist: Any) -> None:
    """Assisted readers against the model, by AUC and by sensitivity at a threshold."""
    by_auc = readers_against_model(sim_assist.ratings, sim_assist.model, modality="assisted")
    assert by_auc.modality == "assisted" and by_auc.model == pytest.approx(0.8666087962962962)
    calls = readers_against_model(
        sim_assist.calls, sim_assist.model >= 0.5, modality="assisted", metric=metric_named("sensitivity")
    )
    assert calls.model == pytest.approx(0.7916666666666666)


def test_readers_who_equal_the_model_are_not_estimable() -> None:
    """No variance: None and a reason."""
    readers, model = readers_and_model()
    copied = as_reads(np.broadcast_to(model, readers.ratings.shape), readers.truth)
    found = readers_against_model(copied, model)
    assert found.estimate == pytest.approx(0) and found.se is None and found.p is None and found.reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r, m: readers_against_model(r, m[:-1]), "one rating per case, 60, but 59"),
        (lambda r, m: readers_against_model(r, np.where(m > 1, np.nan, m)), "no rating for some case"),
        (lambda r, m: readers_against_model(r.by("reader 1"), m), "at least two readers"),
        (lambda r, m: readers_against_model(r, m, cases="all"), "'random' or 'fixed'"),
    ],
)
def test_what_cannot_be_compared_is_refused(change: Any, words: str) -> None:
    """A rating per case, two readers, a known setting."""
    with pytest.raises(StudyError, match=words):
        change(*readers_and_model())


def test_with_several_modalities_one_must_be_named(sim_assist: Any) -> None:
    """Which readers are meant is not guessed."""
    with pytest.raises(StudyError, match="Say which modality"):
        readers_against_model(sim_assist.ratings, sim_assist.model)
