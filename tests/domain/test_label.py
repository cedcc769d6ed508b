"""The best source of a case wins, a probability beats a click, and what must not be learned is left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hitl_review.domain.label import (
    Effect,
    LabelMode,
    LabelSource,
    LabelWeights,
    LeftOut,
    ResolvedLabel,
    TrainingLabel,
    resolve,
    standing,
)
from hitl_review.errors import ModelError

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
_MODES = {
    LabelSource.OUTCOME: LabelMode.OUTCOME,
    LabelSource.CONSENSUS: LabelMode.SECOND_READ,
    LabelSource.BLIND: LabelMode.BLIND,
}


def label(source: LabelSource, probability: float, *, minutes: int = 0, **more: Any) -> TrainingLabel:
    """A label of one case; its id is its source and time unless given."""
    values = {"label_id": f"{source.value}-{minutes}", "case_id": "C-1", **more}
    mode = _MODES.get(source, LabelMode.SEEN)
    return TrainingLabel(
        source=source, probability=probability, mode=mode, at=NOON + timedelta(minutes=minutes), **values
    )


def only(*labels: TrainingLabel, weights: LabelWeights | None = None) -> ResolvedLabel:
    """The one resolved label of one case."""
    kept, left_out = resolve(labels, weights=weights)
    assert not left_out
    (found,) = kept
    return found


def why(*labels: TrainingLabel) -> str:
    """Why the one case is left out."""
    kept, left_out = resolve(labels)
    assert not kept
    (found,) = left_out
    assert isinstance(found, LeftOut)
    return found.why


ORDER = [
    (LabelSource.OUTCOME, 1.0),
    (LabelSource.CONSENSUS, 0.0),
    (LabelSource.BLIND, 0.8),
    (LabelSource.OVERRIDE, 0.0),
    (LabelSource.ACCEPTANCE, 1.0),
]


@pytest.mark.parametrize("best", range(1, len(ORDER)))
def test_the_best_source_wins_whatever_the_order_they_came_in(best: int) -> None:
    """Outcome, consensus, blind estimate, seen override, seen acceptance."""
    labels = [label(source, p, minutes=n) for n, (source, p) in enumerate(ORDER[best:])]
    for given in (labels, labels[::-1]):
        found = only(*given)
        assert found.source is ORDER[best][0]
        assert found.label == ORDER[best][1]
        assert found.outcome is None


def test_an_outcome_is_softened_by_what_readers_stated_before_they_saw_the_model() -> None:
    """The mean of outcome and stated probability, and the outcome itself beside it."""
    found = only(
        label(LabelSource.BLIND, 0.6),
        label(LabelSource.BLIND, 0.2, label_id="other"),
        label(LabelSource.OUTCOME, 1.0),
    )
    assert found.label == pytest.approx(0.5 * 1.0 + 0.5 * 0.4)
    assert found.outcome is True
    assert set(found.rests_on) == {"outcome-0", "blind-0", "other"}


def test_a_click_does_not_soften_an_outcome() -> None:
    """An acceptance may only echo the model, and an override says yes or no: neither knows a probability."""
    found = only(label(LabelSource.ACCEPTANCE, 0.0), label(LabelSource.OUTCOME, 1.0))
    assert found.label == 1.0
    assert only(label(LabelSource.OVERRIDE, 0.0), label(LabelSource.OUTCOME, 1.0)).label == 1.0


def test_the_latest_outcome_counts() -> None:
    """An outcome that was corrected later is in force; the earlier one stays in the ledger."""
    found = only(label(LabelSource.OUTCOME, 0.0), label(LabelSource.OUTCOME, 1.0, minutes=5))
    assert found.outcome is True


def test_a_seen_acceptance_weighs_what_the_policy_says() -> None:
    """Half by default, beside everything else at one."""
    assert only(label(LabelSource.ACCEPTANCE, 1.0)).weight == 0.5
    assert only(label(LabelSource.ACCEPTANCE, 1.0), weights=LabelWeights(seen_acceptance=0.3)).weight == 0.3
    assert only(label(LabelSource.OVERRIDE, 1.0)).weight == 1.0
    assert only(label(LabelSource.BLIND, 0.3, weight=0.7)).weight == 0.7


def test_a_superseded_label_counts_for_nothing() -> None:
    """A change of mind is a new label that names the old one."""
    first = label(LabelSource.BLIND, 0.9)
    second = label(LabelSource.BLIND, 0.2, minutes=1, supersedes="blind-0")
    assert only(first, second).label == 0.2
    assert standing([first, second]) == [second]


def test_a_case_outside_the_models_scope_is_left_out_even_with_an_outcome() -> None:
    """`exclude` speaks of the case, not of one label."""
    excluded = label(LabelSource.OVERRIDE, 1.0, effect=Effect.EXCLUDE)
    assert "scope" in why(excluded, label(LabelSource.OUTCOME, 1.0, minutes=9))


def test_a_wrong_record_is_left_out_until_a_later_read_finds_it_mended() -> None:
    """A later outcome does not mend a record; a later read does."""
    wrong = label(LabelSource.OVERRIDE, 1.0, effect=Effect.FIX_RECORD)
    assert "record" in why(wrong, label(LabelSource.OUTCOME, 1.0, minutes=9))
    assert only(wrong, label(LabelSource.BLIND, 0.3, minutes=9)).label == 0.3
    assert "record" in why(
        label(LabelSource.BLIND, 0.3), label(LabelSource.OVERRIDE, 1.0, minutes=9, effect=Effect.FIX_RECORD)
    )


def test_a_decision_about_treatment_is_never_trained_on_but_the_outcome_is() -> None:
    """`never_train` speaks of the label, not of the case."""
    treated = label(LabelSource.OVERRIDE, 1.0, effect=Effect.NEVER_TRAIN)
    assert "nothing to learn" in why(treated)
    assert only(treated, label(LabelSource.OUTCOME, 0.0)).label == 0.0


def test_a_deferral_is_no_label() -> None:
    """Whatever its reason says of training, nobody answered."""
    assert "nothing to learn" in why(label(LabelSource.DEFERRAL, 0.5))
    assert "nothing to learn" in why(label(LabelSource.DEFERRAL, 0.5, effect=Effect.NONE))


def test_a_disputed_case_waits_for_a_consensus_or_an_outcome() -> None:
    """Two readers against each other teach nothing until somebody settles it."""
    disputed = [
        label(LabelSource.BLIND, 0.9, disputed=True),
        label(LabelSource.BLIND, 0.1, label_id="other", disputed=True),
    ]
    assert "disagree" in why(*disputed)
    assert only(*disputed, label(LabelSource.CONSENSUS, 1.0)).source is LabelSource.CONSENSUS


def test_cases_stand_in_the_order_in_which_they_were_first_named() -> None:
    """So that the same ledger gives the same manifest."""
    kept, _ = resolve(
        [label(LabelSource.BLIND, 0.5, case_id=name, label_id=name) for name in ("B", "A", "C")]
    )
    assert [each.case_id for each in kept] == ["B", "A", "C"]


@pytest.mark.parametrize("wrong", [{"probability": 1.2}, {"probability": float("nan")}, {"weight": -1.0}])
def test_a_label_that_is_no_probability_is_refused(wrong: dict[str, float]) -> None:
    """At its source, not in the trainer."""
    values = {"probability": 0.5, **wrong}
    with pytest.raises(ModelError, match="C-1"):
        label(LabelSource.BLIND, values.pop("probability"), **values)
