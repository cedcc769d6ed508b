"""Studies of odd shape: each is answered with finite numbers or one sentence, never with NaN or a traceback."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.metrics import metric_named
from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import Reads
from hitl_review.study.results import MrmcResult
from hitl_review.study.summary import summary
from hitl_review.study.table import read_table
from hitl_review.study.ustatistics import auc_difference

KEYS = ["estimate", "se", "ci", "statistic", "df1", "df2", "p", "modalities", "components"]
METRICS = {"auc": None, "sensitivity": 0.5, "specificity": 0.5, "balanced_accuracy": 0.5, "partial_auc": None}
SETTINGS = [
    (metric, covariance, mode)
    for metric, covariance, mode in product(
        METRICS,
        ("jackknife", "delong", "unbiased"),
        (("random", "random"), ("fixed", "random"), ("random", "fixed")),
    )
    if covariance == "jackknife" or metric == "auc"
]
RANDOM = np.random.default_rng(3)


def by_chance(i: int, j: int, k: int, truth: int) -> float:
    """A rating that knows a little of the truth, with ties."""
    return float(np.round(RANDOM.normal(truth + 0.3 * i), 1))


def table(
    *,
    modalities: int = 2,
    readers: int = 4,
    cases: int = 24,
    positives: int = 10,
    rate: Callable[[int, int, int, int], Any] = by_chance,
    keep: Callable[[int, int, int], bool] = lambda i, j, k: True,
    case: Callable[[int, int, int], Any] = lambda i, j, k: f"c{k}",
    name: Callable[[int], Any] = lambda i: f"m{i}",
) -> dict[str, list[Any]]:
    """A study as a table, one row per read that is kept."""
    rows = [
        (f"r{j}", name(i), case(i, j, k), int(k < positives), rate(i, j, k, int(k < positives)))
        for i, j, k in product(range(modalities), range(readers), range(cases))
        if keep(i, j, k)
    ]
    columns = zip(*rows, strict=True)
    return dict(zip(("reader", "modality", "case", "truth", "rating"), map(list, columns), strict=True))


ODD: dict[str, dict[str, list[Any]]] = {
    "few positives": table(cases=50, positives=3),
    "one positive": table(positives=1),
    "two cases": table(cases=2, positives=1),
    "one case": table(cases=1, positives=1),
    "all positive": table(positives=24),
    "all negative": table(positives=0),
    "many ties": table(rate=lambda i, j, k, t: float(RANDOM.integers(1, 4))),
    "all the same": table(rate=lambda i, j, k, t: 5.0),
    "one reader says the same": table(rate=lambda i, j, k, t: 5.0 if j == 0 else by_chance(i, j, k, t)),
    "perfect": table(rate=lambda i, j, k, t: float(t)),
    "one modality perfect": table(rate=lambda i, j, k, t: float(t) if i else by_chance(i, j, k, t)),
    "modalities alike": table(rate=lambda i, j, k, t: float((k * 7 + j) % 5 + t)),
    "readers alike": table(rate=lambda i, j, k, t: float((k * 7 + i * 3) % 5 + t)),
    "calls": table(rate=lambda i, j, k, t: float(RANDOM.random() < 0.3 + 0.4 * t)),
    "huge": table(rate=lambda i, j, k, t: by_chance(i, j, k, t) * 1e300),
    "tiny": table(rate=lambda i, j, k, t: by_chance(i, j, k, t) * 1e-300),
    "one modality": table(modalities=1),
    "three modalities": table(modalities=3),
    "five modalities": table(modalities=5, readers=2),
    "one reader": table(readers=1),
    "one reader, one modality": table(readers=1, modalities=1),
    "cases in readers": table(case=lambda i, j, k: f"{j}-{k}"),
    "cases in modalities": table(case=lambda i, j, k: f"{i}-{k}"),
    "cases in both": table(case=lambda i, j, k: f"{i}-{j}-{k}"),
    "readers in modalities": table(readers=5, keep=lambda i, j, k: (j < 3) == (i == 0)),
    "readers in three modalities": table(modalities=3, readers=7, keep=lambda i, j, k: j % 3 == i),
    "one reader in each modality": table(readers=2, keep=lambda i, j, k: i == j),
    "readers and cases in modalities": table(
        readers=5, keep=lambda i, j, k: (j < 3) == (i == 0), case=lambda i, j, k: f"{i}-{k}"
    ),
    "a reader lacks a modality": table(keep=lambda i, j, k: (i, j) != (1, 0)),
    "a reader lacks a class": table(keep=lambda i, j, k: j > 0 or k >= 10),
    "a reader has one positive": table(keep=lambda i, j, k: j > 0 or k >= 9),
    "reads missing": table(keep=lambda i, j, k: RANDOM.random() > 0.1),
    "split-plot": table(keep=lambda i, j, k: (k + j) % 2 == 0),
    "split-plot by modality": table(keep=lambda i, j, k: (k + j + i) % 2 == 0),
    "empty ratings": table(rate=lambda i, j, k, t: float("nan") if k == 3 else by_chance(i, j, k, t)),
    "nothing read": table(rate=lambda i, j, k, t: float("nan")),
    "a modality not read": table(rate=lambda i, j, k, t: float("nan") if i else by_chance(i, j, k, t)),
    "odd names": table(name=lambda i: ('solo, "x"', "<b>\u00e9\u6e2c</b>")[i], case=lambda i, j, k: k + 0.5),
    "negative variance": table(readers=3, cases=12, positives=5, rate=lambda i, j, k, t: float(k * j % 3)),
}


def finite(values: Any) -> bool:
    """Whether every number in a JSON value is one; null is allowed, NaN is not."""
    try:
        json.dumps(values, allow_nan=False)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", ODD)
def test_an_odd_study_is_answered_in_numbers_or_in_words(name: str) -> None:
    """Under every metric, covariance and mode; what is not estimable is null in JSON and has its reason in text."""
    answered = 0
    for metric, covariance, (readers, cases) in SETTINGS:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                reads = read_table(ODD[name])
                result = analyse(
                    reads,
                    metric=metric_named(metric, threshold=METRICS[metric]),
                    covariance=covariance,
                    readers=readers,
                    cases=cases,
                )
                check(reads, result)
                answered += 1
            except StudyError as error:
                assert len(str(error)) > 30 and "\n" not in str(error) and "nan" not in str(error).split()
    silent = {"two cases", "one case", "all positive", "nothing read", "a modality not read"}
    assert answered or name in silent | {"a reader lacks a modality"}


def check(reads: Reads, result: MrmcResult) -> None:
    """The keys of the contract, finite; text without NaN; a reason wherever a number lacks."""
    found = result.as_json()
    assert list(found) == KEYS and finite(found) and found["estimate"] is not None
    assert list(found["components"]) == ["var", "cov1", "cov2", "cov3"]
    if found["se"] is None:
        assert result.main.reason and found["ci"] is None
    if found["p"] is None:
        assert result.test.reason
    else:
        assert 0 <= found["p"] <= 1
    check_text(reads, result)


def check_text(reads: Reads, result: MrmcResult) -> None:
    """What a person reads, with the cross-check where there is one."""
    several = len(reads.modalities) > 1 and result.metric.name == "auc"
    crossed = auc_difference(reads, *reads.modalities[:2]) if several else None
    assert " nan" not in summary(result, cross_check=crossed).lower()
    if crossed is not None and crossed.se is None:
        assert crossed.reason and crossed.p is None


def test_nested_readers_are_weighed_by_the_positive_coefficient() -> None:
    """3 + 2 readers stand as n0 = 5 - 13/5 = 2.4 readers behind the contrast; 3 + 2 + 2 as (7 - 17/7) / 2."""
    two = analyse(read_table(ODD["readers in modalities"]))
    three = analyse(read_table(ODD["readers in three modalities"]))
    assert two.mean_squares.readers_per_contrast == pytest.approx(2.4)
    assert three.mean_squares.readers_per_contrast == pytest.approx((7 - 17 / 7) / 2)
    squares, error = two.mean_squares, two.components
    term = squares.error + 2.4 * max(error.cov2 - error.cov3, 0)
    assert two.test.statistic == pytest.approx(squares.modality / term)
    assert two.test.df2 == pytest.approx(term**2 / (squares.error**2 / 3))
    assert two.se == pytest.approx(((1 / 3 + 1 / 2) * term) ** 0.5)
