"""A model is fitted from scratch, the same every time, and judged on cases it was not fitted on."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from hitl_review.errors import ModelError
from hitl_review.model import evaluation
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.features import Column, FeatureSpec, Matrix, directions, feature_spec, matrix
from hitl_review.model.scoring import score
from hitl_review.model.training import fit, out_of_fold, train
from hitl_review.project import Project, TrainingPolicy

PLAIN = FeatureSpec((Column("dose", "number"), Column("arm", "category", ("a", "b"))))
SMALL = TrainingPolicy()


def doses(cases: int, *, seed: int = 0) -> Matrix:
    """A dose from 0 to 10 and one of two arms."""
    random = np.random.default_rng(seed)
    return matrix(
        PLAIN,
        [{"dose": float(d), "arm": str(random.choice(["a", "b"]))} for d in random.uniform(0, 10, cases)],
    )


def auc_of(model: TrainedModel) -> float:
    """The cross-validated AUC of a model's record."""
    auc = model.record.cross_validated["auc"]
    assert auc is not None
    return auc


def test_equal_inputs_give_equal_bytes_on_any_number_of_threads(
    ward: Any, spec: FeatureSpec, settings: TrainingPolicy
) -> None:
    """Chosen by us, one, two: the same digest, so an auditor can train again and compare."""
    models = [
        train(ward.values[:120], ward.labels[:120], spec=spec, settings=settings, threads=n)
        for n in (0, 1, 2)
    ]
    assert len({model.digest for model in models}) == 1
    assert models[0].data == models[2].data


def test_two_processes_give_equal_bytes() -> None:
    """Neither the hash seed nor anything else of a process gets into the model."""
    program = (
        "import numpy as np\n"
        "from hitl_review.model.features import *\n"
        "from hitl_review.model.training import fit, out_of_fold, train\n"
        "from hitl_review.project import TrainingPolicy\n"
        "spec = FeatureSpec((Column('x', 'number'), Column('c', 'category', ('a', 'b'))))\n"
        "x = np.random.default_rng(1).random((80, 2)).round().astype('f4')\n"
        "x[:, 0] = np.random.default_rng(2).random(80)\n"
        "print(train(x, x[:, 0] > 0.4, spec=spec, settings=TrainingPolicy(), monotone={'x': 1}).digest)"
    )
    digests = set()
    for seed, threads in (("1", "1"), ("2", "2")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        digests.add(run.stdout)
    assert len(digests) == 1
    assert digests.pop().startswith("sha256:")


def test_another_seed_label_weight_or_value_gives_another_model(
    model: TrainedModel, ward: Any, spec: FeatureSpec, settings: TrainingPolicy
) -> None:
    """Whatever a model was made from shows in its digest."""
    flipped, moved = ward.labels.copy(), ward.values.copy()
    flipped[0] = 1 - flipped[0]
    moved[0, 0] += 1
    others = [
        train(ward.values, ward.labels, spec=spec, settings=settings.model_copy(update={"seed": 1})),
        train(ward.values, flipped, spec=spec, settings=settings),
        train(moved, ward.labels, spec=spec, settings=settings),
        train(ward.values, ward.labels, spec=spec, settings=settings, weights=np.linspace(0.5, 1, 400)),
        train(ward.values, ward.labels, spec=spec, settings=settings, manifest="sha256:00"),
        train(ward.values, ward.labels, spec=spec, settings=settings, threshold=0.3),
    ]
    assert len({model.digest, *(other.digest for other in others)}) == 7


def test_a_model_orders_new_cases(model: TrainedModel, newcomers: Any) -> None:
    """Better than chance by far on patients it has not seen."""
    assert evaluation.roc_auc_score(newcomers.labels, score(model, newcomers.values).probabilities) > 0.75


def test_the_record_says_how_the_model_was_made(model: TrainedModel, ward: Any) -> None:
    """Rows, base rate, parameters, seed, versions and cross-validated measures are kept with the trees."""
    record = model.record
    assert (record.rows, record.preset, record.rounds) == (400, "small", 150)
    assert record.base_rate == pytest.approx(ward.labels.mean())
    assert record.parameters["objective"] == "binary:logistic"
    assert "nthread" not in record.parameters
    assert set(record.versions) == {"numpy", "xgboost"}
    assert 0.7 < auc_of(model) < 0.95
    assert record.data.startswith("sha256:")
    assert len(model.row_booster.get_dump()) == record.rounds


def test_cross_validated_measures_are_not_those_of_cases_seen(model: TrainedModel, ward: Any) -> None:
    """On its own training cases the model looks better than what the record claims."""
    seen = evaluation.roc_auc_score(ward.labels, score(model, ward.values).probabilities)
    assert auc_of(model) < seen - 0.02


def test_noise_is_not_learnt(spec: FeatureSpec, settings: TrainingPolicy) -> None:
    """With labels drawn by coin the record claims an AUC near one half."""
    random = np.random.default_rng(3)
    values = matrix(PLAIN, [{"dose": float(d), "arm": "a"} for d in random.random(300)])
    coin = (random.random(300) < 0.5).astype(float)
    found = train(values, coin, spec=PLAIN, settings=settings)
    assert 0.4 < auc_of(found) < 0.6


def test_probabilities_can_be_labels() -> None:
    """Soft labels of 0.2 in one arm and 0.8 in the other come back as such."""
    values = doses(400)
    soft = np.where(values[:, 1] == 0, 0.2, 0.8)
    found = score(train(values, soft, spec=PLAIN, settings=SMALL), values).probabilities
    assert found[values[:, 1] == 0] == pytest.approx(0.2, abs=0.05)
    assert found[values[:, 1] == 1] == pytest.approx(0.8, abs=0.05)


def test_weights_move_the_model() -> None:
    """Positives that count five times raise every probability."""
    values = doses(300)
    labels = (np.random.default_rng(1).random(300) < 0.3).astype(float)
    plain = train(values, labels, spec=PLAIN, settings=SMALL)
    heavy = train(values, labels, spec=PLAIN, settings=SMALL, weights=np.where(labels == 1, 5.0, 1.0))
    assert score(heavy, values).margins.mean() > score(plain, values).margins.mean() + 0.5


def test_rows_of_weight_zero_teach_nothing() -> None:
    """A decision that must never train weighs nothing: its label can be either."""
    values = doses(200)
    labels = (values[:, 0] > 5).astype(float)
    weights = np.where(np.arange(200) < 150, 1.0, 0.0)
    other = np.where(weights == 0, 1 - labels, labels)
    reference = weights > 0
    first, second = (
        train(values, y, spec=PLAIN, settings=SMALL, weights=weights, reference=reference)
        for y in (labels, other)
    )
    np.testing.assert_allclose(score(first, values).margins, score(second, values).margins, atol=0.35)
    assert evaluation.roc_auc_score(labels, score(second, values).margins) > 0.95


def test_only_outcomes_judge() -> None:
    """Calibration and conformal limits use the rows whose label is an outcome; decisions may echo a model."""
    values = doses(300)
    labels = (np.random.default_rng(2).random(300) < values[:, 0] / 10).astype(float)
    outcomes = np.arange(300) < 120
    found = train(values, labels, spec=PLAIN, settings=SMALL, reference=outcomes)
    assert found.conformal.positives + found.conformal.negatives == 120
    assert found.record.base_rate == pytest.approx(labels[outcomes].mean())
    assert found.record.rows == 300


def test_a_direction_holds_everywhere() -> None:
    """Held to "dose raises", no higher dose ever gets a lower margin, though the data wobble."""
    values = doses(300)
    labels = (np.random.default_rng(4).random(300) < 0.5 + 0.3 * np.sin(values[:, 0])).astype(float)
    grid = matrix(PLAIN, [{"dose": d, "arm": "a"} for d in np.linspace(0, 10, 200).tolist()])
    free, held = (train(values, labels, spec=PLAIN, settings=SMALL, monotone=m) for m in (None, {"dose": 1}))
    assert (np.diff(score(held, grid).margins) >= 0).all()
    assert (np.diff(score(free, grid).margins) < 0).any()
    assert held.record.monotone == {"dose": 1}


@pytest.mark.parametrize("monotone", [{"arm": 1}, {"weight": 1}, {"dose": 2}])
def test_a_direction_of_no_number_is_refused(monotone: dict[str, int]) -> None:
    """A category has no direction, and a name may be mistyped."""
    with pytest.raises(ModelError, match="can't be held to a direction"):
        train(doses(50), np.arange(50) % 2, spec=PLAIN, settings=SMALL, monotone=monotone)


def test_too_few_cases_of_a_class_still_train_but_promise_nothing() -> None:
    """With one positive no case can be left out, so there is no calibration, no verdict and no measure."""
    values = doses(40)
    found = train(values, (np.arange(40) == 7).astype(float), spec=PLAIN, settings=SMALL)
    assert found.calibration.method == "none"
    assert not found.conformal.available
    assert found.record.cross_validated["auc"] is None


@pytest.mark.parametrize(
    ("labels", "weights", "said"),
    [
        (np.ones(20), None, "no training case without the outcome"),
        (np.zeros(20), None, "no training case with the outcome"),
        (np.r_[np.zeros(19), 2], None, "from 0 to 1"),
        (np.r_[np.zeros(19), np.nan], None, "from 0 to 1"),
        (np.arange(19) % 2, None, "one row of 2 values"),
        (np.arange(20) % 2, np.full(20, -1.0), "at least 0"),
        (np.arange(20) % 2, np.full(20, np.inf), "at least 0"),
        (np.arange(20) % 2, np.r_[np.zeros(19), 1], "without the outcome"),
        (np.arange(20) % 2, np.ones(19), "one weight per case"),
    ],
)
def test_what_can_not_be_fitted_is_refused(labels: Any, weights: Any, said: str) -> None:
    """Each with what was found and what to do."""
    with pytest.raises(ModelError, match=said):
        train(doses(20), labels, spec=PLAIN, settings=SMALL, weights=weights)


def test_nine_cases_are_too_few() -> None:
    """The message says how many are needed and how many there are."""
    with pytest.raises(ModelError, match="at least 10 labelled cases; there are 9"):
        train(doses(9), np.arange(9) % 2, spec=PLAIN, settings=SMALL)


def test_a_feature_that_nobody_measured_and_one_that_never_varies_are_harmless() -> None:
    """Real tables have both."""
    values = doses(60)
    values[:, 0], values[:, 1] = np.nan, 1.0
    found = train(values, np.arange(60) % 2, spec=PLAIN, settings=SMALL)
    assert np.isfinite(score(found, values).margins).all()


def test_calibration_can_be_switched_off(ward: Any, spec: FeatureSpec) -> None:
    """`training.calibration = "none"` leaves the margins as they are."""
    policy = TrainingPolicy(calibration="none")
    assert train(ward.values, ward.labels, spec=spec, settings=policy).calibration.method == "none"


def test_real_patients_are_ordered_as_well_as_measured_before(champion: TrainedModel, patients: Any) -> None:
    """500 training cases of SUPPORT2 give an AUC above 0.69 and sound probabilities on 2,000 others."""
    holdout = patients["holdout"]
    chance = score(champion, holdout.values).probabilities
    assert evaluation.roc_auc_score(holdout.labels, chance) > 0.69
    assert evaluation.brier_loss(holdout.labels, chance) < 0.225
    assert 0.8 < evaluation.calibration_line(holdout.labels, chance).slope < 1.25


def test_both_classes_of_real_patients_are_covered(champion: TrainedModel, patients: Any) -> None:
    """One draw of about 240 calibration cases a class: nominal 90 %, at least 83 % of 2,000 others."""
    holdout = patients["holdout"]
    margins, limits = score(champion, holdout.values).margins, champion.conformal
    assert limits.lowest_positive is not None and limits.highest_negative is not None
    assert np.mean(margins[holdout.labels == 1] >= limits.lowest_positive) > 0.83
    assert np.mean(margins[holdout.labels == 0] <= limits.highest_negative) > 0.83


def test_a_clinicians_directions_do_no_harm(
    patients: Any, support2: Project, settings: TrainingPolicy
) -> None:
    """On SUPPORT2 the cross-validated AUC with the project's directions is not below the one without."""
    table, spec = patients["training"], feature_spec(support2)
    free, held = (
        train(table.values, table.labels, spec=spec, settings=settings, monotone=signs)
        for signs in (None, directions(support2))
    )
    assert auc_of(held) > auc_of(free) - 0.01


def test_the_digest_is_of_the_bytes(model: TrainedModel) -> None:
    """Anybody with sha256sum can check it."""
    assert model.digest == "sha256:" + hashlib.sha256(model.data).hexdigest()


def test_softened_outcomes_teach_and_the_outcomes_themselves_judge(
    ward: Any, spec: FeatureSpec, settings: TrainingPolicy
) -> None:
    """Measures and base rate are of the outcomes; unknown ones are left out of both."""
    outcomes = ward.labels.copy()
    outcomes[::4] = np.nan
    soft = 0.2 + 0.6 * ward.labels
    fitting = fit(ward.values, soft, spec=spec, settings=settings, outcomes=outcomes)
    known = ~np.isnan(outcomes)
    assert fitting.model.record.base_rate == pytest.approx(float(np.mean(outcomes[known])))
    chance = 1 / (1 + np.exp(-fitting.out_of_fold[known]))
    assert auc_of(fitting.model) == pytest.approx(evaluation.roc_auc_score(outcomes[known], chance))
    assert fitting.model.conformal.positives == outcomes[known].sum()


def test_outcomes_that_equal_the_labels_change_no_byte(
    ward: Any, spec: FeatureSpec, settings: TrainingPolicy
) -> None:
    """Saying the same in two ways is the same model; `out_of_fold` gives the margins of the same folds."""
    plain = fit(ward.values, ward.labels, spec=spec, settings=settings)
    said = fit(ward.values, ward.labels, spec=spec, settings=settings, outcomes=ward.labels)
    assert said.model.digest == plain.model.digest
    again = out_of_fold(ward.values, ward.labels, spec=spec, settings=settings, seed=settings.seed)
    assert np.array_equal(again, plain.out_of_fold)
