"""Planning: the check values of the literature, monotone in what should help, honest where nothing helps."""

from __future__ import annotations

from typing import Any

import pytest

from hitl_review.errors import StudyError
from hitl_review.study.mrmc import analyse
from hitl_review.study.power import (
    FRANKEN,
    PRESETS,
    VAN_DYKE,
    Pilot,
    pilot_from,
    planning_warnings,
    power,
    power_table,
    sample_size,
)
from hitl_review.study.simulation import HIGH_HIGH, simulate


@pytest.mark.parametrize(
    ("readers", "cases", "expected"), [(5, 100, 0.5733), (5, 200, 0.7846), (10, 200, 0.9353)]
)
def test_power_of_the_van_dyke_components(readers: int, cases: int, expected: float) -> None:
    """Hillis 2011: an effect of 0.05 at alpha 0.05."""
    assert power(0.05, n_readers=readers, n_cases=cases, pilot=VAN_DYKE).power == pytest.approx(
        expected, abs=5e-5
    )


@pytest.mark.parametrize(("readers", "cases"), [(6, 170), (10, 119), (15, 102)])
def test_cases_for_80_percent(readers: int, cases: int) -> None:
    """One case fewer is not enough."""
    found = sample_size(0.05, n_readers=readers, pilot=VAN_DYKE)
    assert found.n_cases == cases and found.power >= 0.8
    assert power(0.05, n_readers=readers, n_cases=cases - 1, pilot=VAN_DYKE).power < 0.8


def test_more_readers_cases_and_effect_never_hurt() -> None:
    """The table grows along both its sides, and with the effect."""
    table = power_table(0.04, readers_counts=(4, 6, 8), cases_counts=(60, 120), pilot=VAN_DYKE)
    values = {(each.n_readers, each.n_cases): each.power for each in table}
    assert len(values) == 6 and all(values[j, 60] < values[j, 120] for j in (4, 6, 8))
    assert values[4, 60] < values[6, 60] < values[8, 60]
    assert power(0.06, n_readers=4, n_cases=60, pilot=VAN_DYKE).power > values[4, 60]
    assert power(-0.04, n_readers=4, n_cases=60, pilot=VAN_DYKE).power == values[4, 60]


def test_some_targets_are_out_of_reach() -> None:
    """With two readers no number of cases finds a small difference, and that is said."""
    with pytest.raises(StudyError, match="2 readers can't reach a power"):
        sample_size(0.02, n_readers=2, pilot=VAN_DYKE)


def test_an_analysed_study_can_be_the_pilot() -> None:
    """Its components, with Cov2 - Cov3 not below zero and its number of cases."""
    result = analyse(simulate(HIGH_HIGH, n_readers=5, n_negative=40, n_positive=40, seed=3))
    pilot = pilot_from(result, name="ours")
    assert (pilot.var, pilot.n_cases, pilot.name) == (result.components.var, 80, "ours")
    part, squares = result.components, result.mean_squares
    assert pilot.var_interaction == pytest.approx(squares.error - part.var + part.cov1 + part.case_share)
    assert 0 < power(0.05, n_readers=5, n_cases=80, pilot=pilot).power < 1


def test_the_presets_say_where_they_come_from() -> None:
    """Names to print in a protocol."""
    assert set(PRESETS.values()) == {VAN_DYKE, FRANKEN} and all(
        "readers" in each.name for each in PRESETS.values()
    )


def test_weak_plans_are_warned_about() -> None:
    """Fewer than 5 readers, fewer than 20 cases of a class."""
    assert len(planning_warnings(4, 19, 50)) == 2 and planning_warnings(5, 20, 20) == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: power(0, n_readers=5, n_cases=50, pilot=VAN_DYKE), "effect other than 0"),
        (lambda: power(0.05, n_readers=1, n_cases=50, pilot=VAN_DYKE), "two or more readers"),
        (
            lambda: power(0.05, n_readers=5, n_cases=50, pilot=VAN_DYKE, readers="fixed", cases="fixed"),
            "not both fixed",
        ),
        (
            lambda: power(0.05, n_readers=5, n_cases=50, pilot=Pilot("odd", 1, 2, 0, 0, 0, 50)),
            "not above zero",
        ),
        (
            lambda: pilot_from(analyse(simulate(HIGH_HIGH, n_readers=1, n_negative=9, n_positive=9, seed=1))),
            "pilot",
        ),
    ],
)
def test_plans_that_mean_nothing_are_refused(call: Any, words: str) -> None:
    """Each with a sentence."""
    with pytest.raises(StudyError, match=words):
        call()
