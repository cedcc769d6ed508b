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
    """So many calls of a reader, so many of which agree, as many among patients of either kind."""
    made = []
    for number in range(of):
        truth = number % 2 == 0
        call = truth if number < agreed else not truth
        made.append(Comparison(reader, call, float(call), truth, **more))
    return made


def estimates(
    reader: str, of: int, random: np.random.Generator, *, apart: float = 1.14, turned: float = 0.0
) -> list[Comparison]:
    """Estimates in steps of a tenth; patients of the two kinds lie `apart` deviations apart (1.14: AUC .79)."""
    truth = random.random(of) < 0.45
    seen = random.normal(size=of) + apart * truth
    stated = np.round(1 / (1 + np.exp(-apart * (seen - apart / 2))), 1)
    stated = np.where(random.random(of) < turned, 1 - stated, stated)
    return [Comparison(reader, p >= 0.5, p, t) for p, t in zip(stated.tolist(), truth.tolist(), strict=True)]


def apart_of(*groups: list[Comparison]) -> list[str]:
    """Who stands apart."""
    return [
        each.reader for each in readers_apart([one for group in groups for one in group]) if each.stands_apart
    ]


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


def test_the_order_of_patients_gives_away_who_turns_three_in_ten_labels_round() -> None:
    """At 750 reads in nearly every group, though without it this reader would agree in 71 % only."""
    random = np.random.default_rng(5)
    groups = [
        [estimates(name, 750, random, turned=0.3 if name == "a" else 0.0) for name in "abcd"]
        for _ in range(40)
    ]
    assert sum(apart_of(*group) == ["a"] for group in groups) >= 39
    (check, *others) = readers_apart([one for part in groups[0] for one in part])
    assert check.ordered == pytest.approx(0.62, abs=0.05) and check.others_ordered == pytest.approx(
        0.79, abs=0.02
    )
    assert check.ordered_interval[0] < check.ordered < check.ordered_interval[1]  # type: ignore[index,operator]
    assert f"orders two patients as the outcome does in {check.ordered:.0%}, the others in" in check.words
    assert "Talk to them" in check.words
    assert not any("Talk to them" in each.words for each in others)


def test_the_order_of_calls_alone_is_the_mean_of_sensitivity_and_specificity() -> None:
    """By hand: 30 of 40 with the outcome called, 45 of 60 without it passed: 75 % each."""
    called = [Comparison("a", n < 30, float(n < 30), True) for n in range(40)]
    passed = [Comparison("a", n >= 45, float(n >= 45), False) for n in range(60)]
    (check,) = readers_apart([*called, *passed])
    assert check.ordered == pytest.approx(0.75) and check.agreed == 75
    assert check.others_ordered is None and "the others" not in check.words


def test_a_reader_who_is_somewhat_weaker_is_told_by_figures_only() -> None:
    """AUC .75 beside .79, each from 750 reads: inside the tolerance."""
    random = np.random.default_rng(6)
    found = [
        apart_of(*(estimates(name, 750, random, apart=0.95 if name == "a" else 1.14) for name in "abcd"))
        for _ in range(40)
    ]
    assert found == [[]] * 40


def test_who_calls_far_too_few_stands_apart_though_the_order_is_right() -> None:
    """Estimates divided by three order patients as well as before, but the calls are wrong: agreement tells."""
    random = np.random.default_rng(7)
    shy = [
        Comparison("a", one.stated / 3 >= 0.5, one.stated / 3, one.truth)
        for one in estimates("a", 750, random)
    ]
    assert apart_of(shy, *(estimates(name, 750, random) for name in "bcd")) == ["a"]


def test_too_few_patients_of_either_kind_have_no_order() -> None:
    """Nine with the outcome among a hundred: agreement is compared, the order is not."""
    rare = [Comparison("a", False, 0.1 * (n % 4), n < 9) for n in range(100)]
    (check,) = readers_apart(rare)
    assert check.ordered is None and check.ordered_interval is None and "orders" not in check.words


def test_honest_readers_are_hardly_ever_pointed_out() -> None:
    """Of a hundred groups of four equally good readers, one at the most, at 40 reads each as at 400."""
    random = np.random.default_rng(8)
    for reads in (40, 400):
        rang = sum(bool(apart_of(*(estimates(name, reads, random) for name in "abcd"))) for _ in range(100))
        assert rang <= 1
