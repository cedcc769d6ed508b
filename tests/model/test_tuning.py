"""A search for how hard to fit: short, seeded, every trial kept, the smaller model preferred."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_review.errors import ModelError
from hitl_review.model.candidates import TrainingSet, make_candidates
from hitl_review.model.features import FeatureSpec
from hitl_review.model.presets import SMALL
from hitl_review.model.tuning import RANGES, Trial, Tuning, tune
from hitl_review.project import TrainingPolicy
from tests.model.conftest import Table, make_ward

POLICY = TrainingPolicy()


@pytest.fixture(scope="module")
def patients() -> TrainingSet:
    """A hundred and fifty patients with outcomes."""
    ward = make_ward(150, seed=3)
    count = len(ward.labels)
    return TrainingSet(ward.values, ward.labels, ward.labels, np.ones(count), np.zeros(count, dtype=np.bool_))


@pytest.fixture(scope="module")
def told() -> list[Trial]:
    """What the progress was told."""
    return []


@pytest.fixture(scope="module")
def found(patients: TrainingSet, spec: FeatureSpec, told: list[Trial]) -> Tuning:
    """A search of five trials."""
    return tune(patients, spec=spec, settings=POLICY, trials=5, progress=told.append)


def test_the_preset_is_the_first_trial_and_every_trial_is_told(found: Tuning, told: list[Trial]) -> None:
    """In order, as they are done, so that a killed search leaves its log."""
    assert found.trials[0].preset == SMALL
    assert tuple(told) == found.trials and len(told) == 5
    assert all(each.as_json()["preset"]["rounds"] == each.preset.rounds for each in found.trials)


def test_trials_stay_in_their_ranges(found: Tuning) -> None:
    """And no deeper than the project allows."""
    for trial in found.trials[1:]:
        assert all(low <= getattr(trial.preset, name) <= high for name, (low, high) in RANGES.items())
        assert trial.preset.max_depth <= POLICY.max_depth


def test_the_smallest_close_to_the_best_is_taken(found: Tuning) -> None:
    """No trial both smaller and at least as good was passed over."""
    chosen = found.chosen
    assert not any(each.size < chosen.size and each.log_loss <= chosen.log_loss for each in found.trials)
    assert chosen.preset.name in found.words


def test_the_same_patients_give_the_same_trials(
    found: Tuning, patients: TrainingSet, spec: FeatureSpec
) -> None:
    """The sampler and the folds are seeded by the project."""
    assert tune(patients, spec=spec, settings=POLICY, trials=5) == found


def test_a_tuned_preset_is_what_the_candidates_are_fitted_with(
    found: Tuning, patients: TrainingSet, spec: FeatureSpec
) -> None:
    """And stands in the model's record."""
    preset = found.trials[1].preset
    model = make_candidates(patients, spec=spec, settings=POLICY, preset=preset).chosen.model
    assert (model.record.preset, model.record.rounds) == (preset.name, preset.rounds)


@pytest.mark.parametrize("trials", [1, 41])
def test_a_search_is_neither_one_trial_nor_more_than_forty(
    trials: int, patients: TrainingSet, spec: FeatureSpec
) -> None:
    """Long searches find what fits the folds."""
    with pytest.raises(ModelError, match="2 to 40"):
        tune(patients, spec=spec, settings=POLICY, trials=trials)


def test_too_few_outcomes_are_left_to_the_presets(spec: FeatureSpec, ward: Table) -> None:
    """On small data a search loses."""
    few = TrainingSet(
        ward.values[:60], ward.labels[:60], ward.labels[:60], np.ones(60), np.zeros(60, dtype=np.bool_)
    )
    with pytest.raises(ModelError, match="presets"):
        tune(few, spec=spec, settings=POLICY, trials=5)
