"""Fit a model from scratch: trees, then calibration and conformal limits on margins of cases left out.

Always from scratch, because continuing an earlier model was worse in every trial and can't be made again from
its labels. The same rows, labels, weights and settings give the same bytes on one build of XGBoost, whatever
the number of threads: so an auditor can train again and compare digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xgboost

from hitl_review.errors import ModelError
from hitl_review.model import calibration, evaluation, familiarity, uncertainty
from hitl_review.model.artifacts import TrainedModel, TrainingRecord, seal
from hitl_review.model.features import FeatureSpec, Matrix, dmatrix
from hitl_review.model.presets import Preset, parameters, preset_for
from hitl_review.project import TrainingPolicy

__all__ = ["Fitting", "TrainedModel", "fit", "measures", "out_of_fold", "train"]

Floats = npt.NDArray[np.float64]

LEAST_ROWS: Final = 10
MOST_FOLDS: Final = 10
ROWS_PER_THREAD: Final = 5000
"""With fewer rows a second thread costs more than it saves, on a busy machine twenty times more."""
FOLDS_OF_LARGE: Final = 5
"""Cross-validating 5,000 rows ten times over would take most of the time of a training."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    """Everything that decides the trees, besides the rows."""

    spec: FeatureSpec
    preset: Preset
    parameters: Mapping[str, Any]
    monotone: Mapping[str, int]
    threads: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """Training rows: labels are soft, in [0, 1]; `outcomes` are the reference standard, NaN where unknown."""

    values: Matrix
    labels: Floats
    weights: Floats
    outcomes: Floats

    @property
    def reference(self) -> npt.NDArray[np.bool_]:
        return ~np.isnan(self.outcomes)

    @property
    def mostly_stated(self) -> bool:
        """Whether most labels are what people said, and not the outcome itself."""
        return bool(np.mean(self.labels == self.outcomes) < 0.5)

    def only(self, chosen: npt.NDArray[np.bool_]) -> _Rows:
        return _Rows(self.values[chosen], self.labels[chosen], self.weights[chosen], self.outcomes[chosen])


@dataclass(frozen=True, slots=True)
class Fitting:
    """A model and each training row's margin from a model fitted without it, NaN where there is none."""

    model: TrainedModel
    out_of_fold: Floats


def train(values: Matrix, labels: npt.ArrayLike, **asked: Any) -> TrainedModel:
    """Fit a model on all rows and return it as it will be served; it takes what `fit` takes."""
    return fit(values, labels, **asked).model


def fit(
    values: Matrix,
    labels: npt.ArrayLike,
    *,
    spec: FeatureSpec,
    settings: TrainingPolicy,
    weights: npt.ArrayLike | None = None,
    reference: npt.ArrayLike | None = None,
    outcomes: npt.ArrayLike | None = None,
    monotone: Mapping[str, int] | None = None,
    preset: Preset | None = None,
    threshold: float = 0.5,
    manifest: str = "",
    threads: int = 0,
) -> Fitting:
    """Fit a model on all rows and return it as it will be served, with its out-of-fold margins.

    Parameters
    ----------
    values : matrix of shape (n_cases, n_features) from `features.matrix`
    labels : array of shape (n_cases,), 0 to 1; a probability is a soft label
    settings : the project's training policy
    weights : array of shape (n_cases,), how much each label counts; 1 if not given
    reference : array of bool, shape (n_cases,), whose labels are outcomes; all if not given. Calibration and
        conformal limits come from these alone: a decision may echo a model, so it can't judge one
    outcomes : array of shape (n_cases,), 0, 1 or NaN where unknown, in place of `reference` where labels are
        softened outcomes: what calibration, conformal limits and measures are taken from
    monotone : feature to 1 (raises) or -1 (lowers); see `features.directions`
    preset : how hard to fit, from tuning; by the number of rows if not given
    threshold : the probability from which the positive label is shown, kept with the model
    manifest : digest of the training manifest, kept with the model
    threads : how many to use; 0 is as many as pay for so many rows. The bytes are the same
    """
    rows = _checked(spec, values, labels, weights, reference, outcomes)
    recipe = _recipe(spec, settings, len(rows.labels), monotone or {}, threads, preset)
    margins = _out_of_fold(rows, recipe, seed=settings.seed)
    known = rows.reference & ~np.isnan(margins)
    judged, left_out = rows.only(known), margins[known]
    model = seal(
        _fitted(rows, recipe),
        spec=spec,
        calibration=_calibration(left_out, judged, settings, expected=rows.mostly_stated),
        conformal=uncertainty.conform(left_out, judged.outcomes, error=settings.conformal_error),
        familiarity=familiarity.learn(spec, rows.values),
        record=_record(rows, recipe, settings.seed, threshold, manifest, measures(judged.outcomes, left_out)),
    )
    return Fitting(model, margins)


def out_of_fold(
    values: Matrix,
    labels: npt.ArrayLike,
    *,
    spec: FeatureSpec,
    settings: TrainingPolicy,
    seed: int,
    weights: npt.ArrayLike | None = None,
    monotone: Mapping[str, int] | None = None,
    preset: Preset | None = None,
) -> Floats:
    """Return each case's margin from a model fitted without it, as `fit` finds them, for folds of another seed."""
    rows = _checked(spec, values, labels, weights, None, None)
    recipe = _recipe(spec, settings, len(rows.labels), monotone or {}, 0, preset)
    return _out_of_fold(rows, recipe, seed=seed)


def _recipe(
    spec: FeatureSpec,
    settings: TrainingPolicy,
    rows: int,
    monotone: Mapping[str, int],
    threads: int,
    asked: Preset | None,
) -> _Recipe:
    preset = asked or preset_for(rows, small_rows=settings.small_rows)
    numbers = parameters(preset, max_depth=settings.max_depth, seed=settings.seed)
    if monotone:
        numbers["monotone_constraints"] = _constraints(spec, monotone)
    return _Recipe(spec, preset, numbers, monotone, threads or (1 if rows < ROWS_PER_THREAD else 0))


def _constraints(spec: FeatureSpec, monotone: Mapping[str, int]) -> tuple[int, ...]:
    kinds = {column.name: column.kind for column in spec.columns}
    for name, sign in monotone.items():
        if kinds.get(name) not in ("number", "flag") or sign not in (-1, 0, 1):
            raise ModelError(f"'{name}' can't be held to a direction. Give a number or flag 1, -1 or 0.")
    return tuple(monotone.get(name, 0) for name in spec.names)


def _fitted(rows: _Rows, recipe: _Recipe) -> xgboost.Booster:
    data = dmatrix(recipe.spec, rows.values, labels=rows.labels, weights=rows.weights, threads=recipe.threads)
    running = {**recipe.parameters, "nthread": recipe.threads, "verbosity": 0}
    return xgboost.train(running, data, num_boost_round=recipe.preset.rounds)


def _out_of_fold(rows: _Rows, recipe: _Recipe, *, seed: int) -> Floats:
    """Each row's margin from a model fitted without it; NaN where a class is too small to leave one out."""
    margins = np.full(len(rows.labels), np.nan)
    fold, folds = _folds(rows.labels, seed=seed)
    for part in range(folds):
        inside = fold == part
        booster = _fitted(rows.only(~inside), recipe)
        data = dmatrix(recipe.spec, rows.values[inside], threads=recipe.threads)
        margins[inside] = booster.predict(data, output_margin=True)
    return margins


def _folds(labels: Floats, *, seed: int) -> tuple[npt.NDArray[np.intp], int]:
    """Deal the rows, sorted by label and shuffled among equals, to the folds in turn: each gets its share."""
    rarer = int(min(labels.sum(), (1 - labels).sum()))
    most = MOST_FOLDS if len(labels) < 2000 else FOLDS_OF_LARGE
    folds = min(most, rarer) if rarer >= 2 else 0
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    order = shuffled[np.argsort(labels[shuffled], kind="stable")]
    fold = np.empty(len(labels), dtype=np.intp)
    fold[order] = np.arange(len(labels)) % max(folds, 1)
    return fold, folds


def _calibration(
    margins: Floats, rows: _Rows, settings: TrainingPolicy, *, expected: bool
) -> calibration.Calibration:
    if settings.calibration == "none" or not len(margins):
        return calibration.NONE
    return calibration.choose(
        margins, rows.outcomes, weights=rows.weights, seed=settings.seed, expected=expected
    )


def _record(
    rows: _Rows,
    recipe: _Recipe,
    seed: int,
    threshold: float,
    manifest: str,
    measured: dict[str, float | None],
) -> TrainingRecord:
    truth = rows.outcomes[rows.reference] if rows.reference.any() else rows.labels
    return TrainingRecord(
        rows=len(rows.labels),
        positives=float(rows.labels.sum()),
        base_rate=float(truth.mean()),
        threshold=threshold,
        preset=recipe.preset.name,
        rounds=recipe.preset.rounds,
        parameters=recipe.parameters,
        monotone=recipe.monotone,
        seed=seed,
        manifest=manifest,
        data=_data_digest(recipe.spec, rows),
        versions={"numpy": np.__version__, "xgboost": xgboost.__version__},
        cross_validated=measured,
    )


def measures(labels: Floats, margins: Floats) -> dict[str, float | None]:
    """Return AUC, log loss, Brier score and calibration slope of margins before calibration; None if undefined."""
    hard = (labels == 0) | (labels == 1)
    truth, chance = labels[hard], calibration.apply(calibration.NONE, margins[hard])
    if len(np.unique(truth)) < 2:
        return {"auc": None, "log_loss": None, "brier": None, "calibration_slope": None}
    found = {
        "auc": evaluation.roc_auc_score(truth, chance),
        "log_loss": evaluation.log_loss(truth, chance),
        "brier": evaluation.brier_loss(truth, chance),
        "calibration_slope": evaluation.calibration_line(truth, chance).slope,
    }
    return {name: value if np.isfinite(value) else None for name, value in found.items()}


def _data_digest(spec: FeatureSpec, rows: _Rows) -> str:
    running = hashlib.sha256(spec.digest.encode())
    arrays = [rows.values, rows.labels, rows.weights, rows.reference]
    if not np.array_equal(rows.labels[rows.reference], rows.outcomes[rows.reference]):
        arrays.append(rows.outcomes)
    for array in arrays:
        running.update(np.ascontiguousarray(array).tobytes())
    return "sha256:" + running.hexdigest()


def _checked(
    spec: FeatureSpec,
    values: Matrix,
    labels: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    reference: npt.ArrayLike | None,
    outcomes: npt.ArrayLike | None,
) -> _Rows:
    truth = np.asarray(labels, dtype=np.float64)
    weight = np.ones_like(truth) if weights is None else np.asarray(weights, dtype=np.float64)
    if outcomes is not None:
        known = np.asarray(outcomes, dtype=np.float64)
    elif reference is not None:
        flags = np.asarray(reference, dtype=np.bool_)
        known = np.where(flags, truth, np.nan) if flags.shape == truth.shape else np.empty(0)
    else:
        known = truth.copy()
    rows = _Rows(np.ascontiguousarray(values, dtype=np.float32), truth, weight, known)
    _check_shapes(spec, rows)
    _check_labels(rows)
    return rows


def _check_shapes(spec: FeatureSpec, rows: _Rows) -> None:
    count = len(rows.labels)
    if rows.values.shape != (count, len(spec.columns)) or not (
        rows.labels.shape == rows.weights.shape == rows.outcomes.shape == (count,)
    ):
        raise ModelError(
            f"Training needs one row of {len(spec.columns)} values, one label and one weight per case; the "
            f"matrix has the shape {rows.values.shape} for {count} labels."
        )
    if count < LEAST_ROWS:
        raise ModelError(
            f"Training needs at least {LEAST_ROWS} labelled cases; there are {count}. Add cases."
        )


def _check_labels(rows: _Rows) -> None:
    if not ((rows.labels >= 0) & (rows.labels <= 1)).all():
        raise ModelError("Labels must be numbers from 0 to 1, one for each case. Leave unlabelled cases out.")
    if not (np.isfinite(rows.weights) & (rows.weights >= 0)).all():
        raise ModelError(
            "Weights must be finite numbers of at least 0. Correct them in the retraining policy."
        )
    for name, total in (("with", rows.labels), ("without", 1 - rows.labels)):
        if not float(np.sum(total * rows.weights)) > 0:
            raise ModelError(f"There is no training case {name} the outcome. Add cases of both classes.")
