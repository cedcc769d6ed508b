"""Reliance: the hand-made table, the references, and the identities that hold for every set of reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_review.errors import StudyError
from hitl_review.study.reliance import Reliance, reliance, weight_of_advice

reads = st.lists(st.tuples(*[st.integers(0, 1)] * 4), min_size=1, max_size=40)


def compared(found: Reliance) -> dict[str, Any]:
    """Our measures under the reference's names."""
    team = found.complementarity
    return {
        "n": found.n,
        "agreement_fraction": found.final_agreement.value,
        "initial_agreement": found.initial_agreement.value,
        "switch_fraction": found.switched.value,
        "over_reliance_final": found.over_reliance.value,
        "under_reliance_final": found.under_reliance.value,
        "RAIR": found.rair.value,
        "RSR": found.rsr.value,
        "n_RAIR_opportunities": found.rair.of,
        "n_RSR_opportunities": found.rsr.of,
        "automation_bias_rate_neg_consult": found.automation_bias.value,
        "algorithm_aversion_rate": found.aversion.value,
        "beneficial_flips": found.beneficial_flips.count,
        "harmful_flips": found.harmful_flips.count,
        "negative_consultation_rate": found.harmful_flips.value,
        "positive_consultation_rate": found.beneficial_flips.value,
        "commission_error": found.commission.value,
        "omission_error": found.omission.value,
        "both_wrong_agreeing": found.joint_errors.count,
        "acc_initial": found.accuracy_initial.value,
        "acc_AI": found.accuracy_advice.value,
        "acc_final": found.accuracy_final.value,
        "oracle_team_acc": team.at_least_one_right,
        "CTP": team.reached,
        "complementarity_potential": team.potential,
        "complementarity_effect": team.effect,
    }


def test_the_hand_made_table_counts_as_by_hand(
    reliance_fixture: Any, agreement_expected: dict[str, Any]
) -> None:
    """24 reads: RAIR 5/8, RSR 3/5, over 4/7, under 3/17, switched 7/13, five good flips and two bad ones."""
    found = reliance(*(reliance_fixture[name] for name in ("initial", "advice", "final", "truth")))
    counts = [
        (each.count, each.of) for each in (found.rair, found.rsr, found.over_reliance, found.under_reliance)
    ]
    assert counts == [(5, 8), (3, 5), (4, 7), (3, 17)]
    assert (found.switched.count, found.switched.of) == (7, 13)
    assert (found.beneficial_flips.count, found.harmful_flips.count) == (5, 2)
    assert not found.complementarity.reached and found.complementarity.potential == pytest.approx(5 / 24)
    assert compared(found) == pytest.approx(agreement_expected["reliance/fixture24"], rel=1e-8, abs=1e-12)


def test_every_reader_and_the_pool_agree_with_the_references(
    sim_assist: Any, agreement_expected: dict[str, Any]
) -> None:
    """All 26 measures, for the six simulated readers and for all their reads together."""
    (initial, final), truth = sim_assist.calls.ratings, sim_assist.truth
    advice = np.broadcast_to(sim_assist.model >= 0.5, initial.shape)
    for j, reader in enumerate(sim_assist.calls.readers):
        expected = agreement_expected[f"reliance/sim_assist/{reader}"]
        found = compared(reliance(initial[j], advice[j], final[j], truth))
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-12)
    pool = [each.ravel() for each in (initial, advice, final, np.broadcast_to(truth, initial.shape))]
    expected = agreement_expected["reliance/sim_assist_pooled"]
    assert compared(reliance(*pool)) == pytest.approx(expected, rel=1e-8, abs=1e-12)


@given(reads)
@settings(deadline=None)
def test_identities_that_hold_for_all_reads(rows: list[tuple[int, int, int, int]]) -> None:
    """Automation bias is 1 - RSR, aversion 1 - RAIR; flips are the change of accuracy; no share leaves 0 to 1."""
    found = reliance(*(list(column) for column in zip(*rows, strict=True)))
    for one, other in ((found.automation_bias, found.rsr), (found.aversion, found.rair)):
        if one.value is not None:
            assert one.value == pytest.approx(1 - other.value) and one.of == other.of
        else:
            assert other.value is None and other.reason.startswith("not defined because")
    gained = found.beneficial_flips.value - found.harmful_flips.value
    assert found.accuracy_final.value - found.accuracy_initial.value == pytest.approx(gained)
    assert found.joint_errors.value == pytest.approx(1 - found.complementarity.at_least_one_right)
    assert found.complementarity.effect <= found.complementarity.potential + found.joint_errors.value + 1e-12


def test_commission_and_omission_are_set_against_the_solo_rate_on_the_same_reads() -> None:
    """Two false alarms of the model: both followed, one made alone as well; so one in two more."""
    truth, advice = [0, 0, 1, 1], [1, 1, 0, 1]
    found = reliance([1, 0, 1, 1], advice, [1, 1, 0, 1], truth)
    assert (found.commission.value, found.commission_solo.value, found.extra_commission) == (1.0, 0.5, 0.5)
    assert found.extra_omission == pytest.approx(1.0)
    other = reliance([1, 0, 1, 1], advice, [1, 1, 0, 1], truth, solo=[1, 1, 0, 1])
    assert other.extra_commission == 0 and other.extra_omission == 0
    assert reliance([1], [1], [1], [1]).extra_commission is None


def test_weight_of_advice_agrees_with_the_reference(
    sim_assist: Any, agreement_expected: dict[str, Any]
) -> None:
    """Mean of the clipped weights, their median, how many reads were left out."""
    solo, aided = (each.ravel() / 100 for each in sim_assist.ratings.ratings)
    advice = np.broadcast_to(sim_assist.model, (6, 120)).ravel()
    found, expected = weight_of_advice(solo, advice, aided), agreement_expected["woa/sim_assist"]
    assert found.mean == pytest.approx(expected["mean_clipped01_|adv-init|>=0.05"], rel=1e-8)
    assert found.median == pytest.approx(expected["median"], rel=1e-8)
    assert (found.n, found.excluded) == (expected["n"], expected["n_excluded"])


def test_weight_of_advice_says_what_it_clipped_and_when_it_has_none() -> None:
    """Moving away from the advice counts 0, overshooting 1; advice like one's own says nothing."""
    found = weight_of_advice([0.2, 0.2, 0.2], [0.6, 0.6, 0.6], [0.1, 0.4, 0.9])
    assert (found.mean, found.median, found.clipped) == pytest.approx((0.5, 0.5, 2 / 3))
    none = weight_of_advice([0.5], [0.52], [0.5])
    assert none.mean is None and none.excluded == 1 and "never far enough" in none.reason


def test_reads_must_line_up() -> None:
    """One call per read in each list, each 0 or 1."""
    with pytest.raises(StudyError, match="one length"):
        reliance([1, 0], [1], [1], [1])
    with pytest.raises(StudyError, match="0 or 1"):
        reliance([0.4], [1], [1], [1])
    with pytest.raises(StudyError, match="three lists"):
        weight_of_advice([0.1, 0.2], [0.1], [0.1])
