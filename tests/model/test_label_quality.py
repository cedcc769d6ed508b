"""Labels for a second look, and readers who stand apart: flagged with figures, never dropped."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_review.errors import ModelError
from hitl_review.model.features import FeatureSpec
from hitl_review.model.label_quality import Comparison, readers_apart, second_look
from hitl_review.model.training import fit
from hitl_review.project import TrainingPolicy
from tests.model.conftest import make_ward


def comparisons(reader: str, agreed: int, of: int, **more: str) -> list[Comparison]:
    """So many labels of a reader, so many of which agree."""
    return [Comparison(reader, number < agreed, **more) for number in range(of)]


def test_labels_that_were_turned_round_are_found_among_the_most_doubtful(
    spec: FeatureSpec, settings: TrainingPolicy
) -> None:
    """Of thirty flipped among three hundred, more than twice as many as chance would put in the first sixty."""
    ward = make_ward(300, seed=5)
    flipped = np.random.default_rng(1).choice(300, 30, replace=False)
    labels = ward.labels.copy()
    labels[flipped] = 1 - labels[flipped]
    margins = fit(ward.values, labels, spec=spec, settings=settings).out_of_fold
    doubts = second_look(labels, 1 / (1 + np.exp(-margins)), most=60)
    assert len(set(flipped.tolist()) & {each.position for each in doubts}) >= 13
    assert doubts[0].words.startswith("Labelled ")


def test_the_threshold_is_the_mean_of_each_answer() -> None:
    """By hand: yes-cases average .7, no-cases .3; the yes-case at .2 and the no-case at .8 are contradicted."""
    labels = [1, 1, 1, 0, 0, 0]
    left_out = [0.9, 0.95, 0.2, 0.1, 0.05, 0.8]
    found = second_look(labels, left_out)
    assert {each.position for each in found} == {2, 5}


def test_labels_without_a_left_out_answer_are_not_doubted() -> None:
    """Nor are labels of one kind only."""
    assert second_look([1, 0, 1], [np.nan, np.nan, np.nan]) == []
    assert second_look([1, 1], [0.1, 0.2]) == []
    with pytest.raises(ModelError, match="out-of-fold"):
        second_look([1, 0], [0.5])


def test_a_reader_who_turns_a_third_of_the_labels_round_is_pointed_out() -> None:
    """And the others are not."""
    found = readers_apart(
        [*comparisons("anna", 170, 200), *comparisons("ben", 166, 200), *comparisons("cara", 118, 200)]
    )
    assert [each.reader for each in found if each.stands_apart] == ["cara"]
    cara = found[-1]
    assert "59%" in cara.words and "the others in 84%" in cara.words
    assert cara.interval[0] < 118 / 200 < cara.interval[1]


def test_a_reader_a_little_below_the_others_is_not_pointed_out() -> None:
    """Neither within the tolerance nor within chance."""
    found = readers_apart([*comparisons("anna", 850, 1_000), *comparisons("ben", 820, 1_000)])
    assert not any(each.stands_apart for each in found)


def test_a_few_labels_say_nothing_of_a_reader() -> None:
    """Nineteen wrong of nineteen are too few, and one reader alone has no others."""
    found = readers_apart([*comparisons("anna", 170, 200), *comparisons("new", 0, 19)])
    assert not any(each.stands_apart for each in found)
    alone = readers_apart(comparisons("anna", 10, 200))
    assert alone[0].others_compared == 0 and not alone[0].stands_apart


def test_kinds_of_comparison_are_not_mixed() -> None:
    """Agreement with outcomes and with second readers have other levels."""
    found = readers_apart(
        [
            *comparisons("anna", 60, 100),
            *comparisons("ben", 62, 100),
            *comparisons("anna", 95, 100, against="a second reader"),
        ]
    )
    assert not any(each.stands_apart for each in found)
    assert len(found) == 3


def test_the_same_labels_give_the_same_answer() -> None:
    """The posterior's draws are seeded."""
    given = [*comparisons("anna", 150, 200), *comparisons("ben", 120, 200)]
    assert readers_apart(given) == readers_apart(given)


def test_honest_readers_are_hardly_ever_pointed_out() -> None:
    """Of a hundred groups of four equally good readers, three at the most (one is meant)."""
    random = np.random.default_rng(8)
    rang = 0
    for _ in range(100):
        group = [comparisons(name, int(random.binomial(100, 0.8)), 100) for name in "abcd"]
        rang += any(each.stands_apart for each in readers_apart([one for part in group for one in part]))
    assert rang <= 3
