"""The gate: what passes, what does not, and what it says of either."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.gate import Criterion, GateReport, GateVerdict, as_json, from_json
from hitl_review.errors import ModelError
from hitl_review.model import evaluation
from hitl_review.model.gating import auc_difference, compare, judge, log_loss_gain, rate_difference
from hitl_review.project import GatePolicy

Floats = npt.NDArray[np.float64]
POLICY = GatePolicy()


def chance(margin: Floats) -> Floats:
    """Log-odds as probabilities."""
    return 1 / (1 + np.exp(-margin))


def ward(cases: int, *, noise: float, seed: int = 1) -> tuple[Floats, Floats, Floats]:
    """Outcomes, the true risk, and the risk seen through noise and shrunk so that it stays calibrated."""
    random = np.random.default_rng(seed)
    margin = random.normal(0, 1.5, cases)
    kept = 1.5**2 / (1.5**2 + noise**2)
    blurred = kept * (margin + random.normal(0, noise, cases))
    blurred /= np.sqrt(1 + np.pi * 1.5**2 * (1 - kept) / 8)
    truth = (random.random(cases) < chance(margin)).astype(np.float64)
    return truth, chance(margin), chance(blurred)


def gate(champion: Floats, challenger: Floats, truth: Floats, **more: Any) -> GateReport:
    """The gate at one half."""
    ids = [f"C-{number}" for number in range(len(truth))]
    return compare(
        champion, challenger, truth, **{"policy": POLICY, "threshold": 0.5, "case_ids": ids, **more}
    )


def named(report: GateReport, name: str) -> Criterion:
    """One criterion."""
    return next(each for each in report.criteria if each.name == name)


def test_a_better_challenger_passes_every_criterion() -> None:
    """The true risk against a blurred one, on 1,000 cases."""
    truth, sharp, blurred = ward(1_000, noise=1.5)
    report = gate(blurred, sharp, truth, subgroups={"sex": ["f", "m"] * 500})
    assert report.verdict is GateVerdict.PASSED
    assert all(each.passed for each in report.criteria)
    assert {each.name for each in report.criteria} == {
        *("auc", "log_loss", "calibration_slope", "sensitivity", "specificity"),
        *("subgroup:sex=f", "subgroup:sex=m"),
    }


def test_a_worse_challenger_fails_and_the_words_say_on_what() -> None:
    """The same two the other way round."""
    truth, sharp, blurred = ward(1_000, noise=1.5)
    report = gate(sharp, blurred, truth)
    assert report.verdict is GateVerdict.FAILED
    assert named(report, "auc").passed is False
    assert named(report, "log_loss").passed is False
    assert report.words.startswith("Not met: the order of patients (AUC), better probabilities (log loss)")


def test_the_same_model_again_does_not_pass() -> None:
    """Being no worse is not enough: a change has to be worth its risk."""
    truth, sharp, _ = ward(400, noise=1.0)
    report = gate(sharp, sharp, truth)
    assert report.verdict is GateVerdict.FAILED
    assert named(report, "auc").passed is True
    assert named(report, "log_loss").passed is False
    assert report.churn == ()


def test_a_challenger_that_orders_well_but_is_too_sure_fails_on_its_probabilities() -> None:
    """AUC up by as much as can be, log-odds three times too large."""
    truth, sharp, blurred = ward(800, noise=1.5)
    margin = np.log(sharp / (1 - sharp))
    report = gate(blurred, chance(3 * margin), truth)
    assert report.verdict is GateVerdict.FAILED
    assert named(report, "auc").passed is True
    assert named(report, "calibration_slope").passed is False


def test_under_two_hundred_cases_there_is_not_enough_evidence_either_way() -> None:
    """Neither a promotion nor a refusal: a person must sign."""
    truth, sharp, blurred = ward(199, noise=2.0)
    for first, second in ((blurred, sharp), (sharp, blurred)):
        report = gate(first, second, truth)
        assert report.verdict is GateVerdict.UNDECIDED
        assert report.words.startswith("Not enough evidence")
        assert "199" in report.words and "200" in report.words


def test_the_difference_of_two_areas_is_delongs_by_hand() -> None:
    """Two positives, three negatives, ties: placements worked out on paper."""
    truth = [1, 1, 0, 0, 0]
    first, second = [3, 1, 2, 0, 0], [3, 2, 2, 0, 1]
    # Positives beat, of three negatives: first (1, 2/3), second (1, 2.5/3).
    # Negatives lose, of two positives: first (1/2, 1, 1), second (3/4, 1, 1).
    found = auc_difference(truth, first, second)
    assert found.value == pytest.approx((1 + 2.5 / 3) / 2 - (1 + 2 / 3) / 2)
    positives = np.var([0, 0.5 / 3], ddof=1) / 2
    negatives = np.var([0.25, 0, 0], ddof=1) / 3
    assert found.error == pytest.approx(np.sqrt(positives + negatives))


def test_the_gain_in_log_loss_is_paired_over_cases() -> None:
    """Mean and standard error of the differences, by their definition."""
    truth, first, second = [1, 0, 1], [0.5, 0.5, 0.5], [0.8, 0.4, 0.6]
    gains = np.log([0.8 / 0.5, 0.6 / 0.5, 0.6 / 0.5])
    found = log_loss_gain(truth, first, second)
    assert found.value == pytest.approx(gains.mean())
    assert found.error == pytest.approx(gains.std(ddof=1) / np.sqrt(3))


def with_flips(worse: int, better: int, *, among: int = 200) -> tuple[Floats, Floats, Floats]:
    """Half positives; of these the champion finds all but `better`, the challenger misses `worse` of the rest.

    Apart from the flips the challenger is sharper, so that only the guard on sensitivity is at stake.
    """
    random = np.random.default_rng(4)
    truth = np.repeat([1.0, 0.0], among)
    champion = np.where(truth == 1, 0.6, 0.4) + random.uniform(-0.05, 0.05, 2 * among)
    challenger = np.where(truth == 1, 0.8, 0.2) + random.uniform(-0.15, 0.15, 2 * among)
    challenger[:worse] = 0.49
    champion[worse : worse + better] = 0.49
    return truth, champion, challenger


@pytest.mark.parametrize(
    ("worse", "better", "passed", "words"),
    [
        (3, 0, True, "not worse by more than 2%"),
        (10, 0, False, "chance does not explain"),
        (15, 9, True, "which chance explains"),
        (40, 9, False, "chance does not explain"),
    ],
)
def test_a_guard_fails_where_the_loss_is_over_its_margin_and_chance_does_not_explain_it(
    worse: int, better: int, passed: bool, words: str
) -> None:
    """Of 200 positives: 3 lost is within two points; 10 lost and none won is not; 15 against 9 may be chance."""
    truth, champion, challenger = with_flips(worse, better)
    found = named(gate(champion, challenger, truth), "sensitivity")
    assert found.passed is passed
    assert found.measured == pytest.approx((better - worse) / 200)
    assert words in found.words
    assert found.interval is not None and found.interval[0] < found.measured < found.interval[1]


def test_a_rate_is_compared_on_the_same_cases() -> None:
    """One of four lost: a quarter less, with the paired standard error."""
    found = rate_difference([1, 1, 1, 0], [1, 1, 0, 0])
    assert found.value == -0.25
    assert found.error == pytest.approx(0.5 / 2)


def test_a_harmed_subgroup_fails_a_challenger_that_is_better_on_the_whole() -> None:
    """Women are scored at random by the challenger, men perfectly."""
    truth, _, blurred = ward(1_200, noise=1.0)
    women = np.arange(1_200) % 5 == 0
    challenger = np.where(truth == 1, 0.9, 0.1) * 0.9 + 0.05
    challenger[women] = np.random.default_rng(2).permutation(blurred[women])
    sexes = np.where(women, "f", "m").tolist()
    report = gate(blurred, challenger, truth, subgroups={"sex": sexes})
    assert named(report, "subgroup:sex=f").passed is False
    assert named(report, "subgroup:sex=m").passed is True
    assert report.verdict is GateVerdict.FAILED


def test_a_subgroup_too_small_to_judge_is_told_and_decides_nothing() -> None:
    """Under 30 cases, or one class only; a case of no subgroup belongs to none."""
    truth, sharp, blurred = ward(1_000, noise=1.5)
    levels: list[str | None] = ["rare"] * 29 + [None] + ["common"] * 970
    report = gate(blurred, sharp, truth, subgroups={"origin": levels})
    rare = next(row for row in report.subgroups if row.level == "rare")
    assert rare.passed is None and "too few to judge" in rare.words
    assert {row.cases for row in report.subgroups} == {29, 970}
    assert not any(each.name == "subgroup:origin=rare" for each in report.criteria)
    assert report.verdict is GateVerdict.PASSED


def test_every_patient_whose_label_flips_is_listed_with_who_was_right() -> None:
    """Two flips, one of them right."""
    truth, sharp, _ = ward(300, noise=1.0)
    champion = np.where(sharp >= 0.5, 0.7, 0.3)
    challenger = champion.copy()
    right, wrong = (
        int(np.flatnonzero((champion < 0.5) & (truth == 1))[0]),
        int(np.flatnonzero((champion < 0.5) & (truth == 0))[0]),
    )
    challenger[[right, wrong]] = 0.8
    churn = {each.case_id: each for each in gate(champion, challenger, truth).churn}
    assert set(churn) == {f"C-{right}", f"C-{wrong}"}
    assert churn[f"C-{right}"].better and not churn[f"C-{wrong}"].better
    assert churn[f"C-{right}"].champion == 0.3 and churn[f"C-{right}"].challenger == 0.8


def test_the_change_of_the_global_explanation_is_in_shares_largest_first() -> None:
    """A model with larger margins throughout has not changed its mind."""
    truth, sharp, blurred = ward(300, noise=1.0)
    report = gate(
        blurred, sharp, truth, importance=({"age": 1.0, "sex": 1.0}, {"age": 9.0, "bmi": 1.0, "sex": 10.0})
    )
    assert [each.feature for each in report.importance][-1] in {"age", "bmi", "sex"}
    assert {each.feature: each.challenger for each in report.importance} == {
        "age": 0.45,
        "bmi": 0.05,
        "sex": 0.5,
    }


def test_a_report_survives_being_kept_as_canonical_json() -> None:
    """What is read back is equal, curves and all."""
    truth, sharp, blurred = ward(250, noise=1.0)
    report = gate(
        blurred, sharp, truth, subgroups={"sex": ["f", "m"] * 125}, importance=({"age": 2.0}, {"age": 1.0})
    )
    assert from_json(json.loads(canonical_json(as_json(report)))) == report


def test_the_decision_alone_is_the_reports_decision() -> None:
    """The benchmark asks for it without curves."""
    truth, sharp, blurred = ward(300, noise=1.0)
    report = gate(blurred, sharp, truth)
    found = judge(blurred, sharp, truth, policy=POLICY, threshold=0.5)
    assert (found.criteria, found.verdict, found.words) == (report.criteria, report.verdict, report.words)


def test_the_sides_carry_figures_that_evaluation_gives() -> None:
    """Curves and figures are of the model they stand beside."""
    truth, sharp, blurred = ward(300, noise=1.0)
    report = gate(blurred, sharp, truth)
    assert report.champion.auc == evaluation.roc_auc_score(truth, blurred)
    assert report.challenger.brier == evaluation.brier_loss(truth, sharp)
    assert report.challenger.roc[0] == (0.0, 0.0) and report.challenger.roc[-1] == (1.0, 1.0)
    assert sum(point.cases for point in report.champion.calibration) == 300


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"case_ids": ["C-1"]}, "one id"),
        ({"outcomes": np.ones(300)}, "outcomes of both kinds"),
        ({"outcomes": np.full(300, 0.5)}, "outcomes of both kinds"),
        ({"challenger": np.linspace(-3, 3, 300)}, "probabilities from 0 to 1"),
        ({"subgroups": {"sex": ["f"]}}, "sex"),
    ],
)
def test_what_the_gate_cannot_compare_is_refused_in_a_sentence(change: dict[str, Any], said: str) -> None:
    """Never a report on half the cases."""
    truth, sharp, blurred = ward(300, noise=1.0)
    asked: dict[str, Any] = {"champion": blurred, "challenger": sharp, "outcomes": truth, **change}
    first, second, third = (asked.pop(name) for name in ("champion", "challenger", "outcomes"))
    with pytest.raises(ModelError, match=said):
        gate(first, second, third, **asked)
