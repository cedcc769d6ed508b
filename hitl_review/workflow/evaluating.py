"""How good a model is on the locked hold-out: outcomes of cases that nothing was ever trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np

from hitl_review.domain.case import Case
from hitl_review.model import evaluation
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import score_and_explain
from hitl_review.model.features import matrix
from hitl_review.project import Project


def hold_out_report(
    project: Project, model: TrainedModel, cases: Sequence[Case], outcomes: Mapping[str, bool]
) -> dict[str, Any] | None:
    """Return the model's measures on hold-out cases with an outcome, as JSON; None where there are too few.

    Overall: AUC with its interval, log loss, Brier score, calibration, sensitivity and specificity at
    the project's threshold. For each level of the grouping features: cases, sensitivity, predictive value.
    """
    known = [case for case in cases if case.case_id in outcomes]
    labels = np.array([outcomes[case.case_id] for case in known], dtype=np.float64)
    if len(set(labels.tolist())) < 2:
        return None
    scores, explanations = score_and_explain(
        model, matrix(model.spec, [case.snapshot.values for case in known])
    )
    chance, threshold = scores.probabilities, project.target.threshold
    area = evaluation.area_under_curve(labels, chance)
    line = evaluation.calibration_line(labels, chance)
    point = evaluation.operating_point(labels, chance, threshold=threshold)
    importance = np.abs(explanations.contributions).mean(axis=0).tolist()
    return {
        "cases": len(known),
        "positives": int(labels.sum()),
        "auc": _numbers(area.value, area.low, area.high),
        "log_loss": _finite(evaluation.log_loss(labels, chance)),
        "brier": _finite(evaluation.brier_loss(labels, chance)),
        "calibration": {"slope": _finite(line.slope), "intercept": _finite(line.intercept)},
        "expected_calibration_error": _finite(evaluation.expected_calibration_error(labels, chance)),
        "threshold": threshold,
        "sensitivity": _interval(point.sensitivity),
        "specificity": _interval(point.specificity),
        "calibration_bins": _bins(labels, chance),
        "importance": dict(zip(model.spec.names, importance, strict=True)),
        "verdicts": {name: scores.verdicts.count(name) for name in sorted(set(scores.verdicts))},
        "subgroups": {
            name: _subgroups(known, labels, chance, name, threshold)
            for name in project.gate.subgroups
            if name in model.spec.names
        },
    }


def _subgroups(
    cases: Sequence[Case],
    labels: np.ndarray[Any, Any],
    chance: np.ndarray[Any, Any],
    name: str,
    threshold: float,
) -> dict[str, Any]:
    groups = [_level(case, name) for case in cases]
    found = evaluation.subgroup_reliability(labels, chance, groups, threshold=threshold)
    return {
        level: {
            "cases": group.cases,
            "positives": group.positives,
            "sensitivity": _interval(group.sensitivity),
            "positive_predictive_value": _interval(group.positive_predictive_value),
        }
        for level, group in found.items()
    }


def _level(case: Case, name: str) -> str | None:
    value = case.snapshot.values.get(name)
    return None if value is None else str(value)


def _bins(
    labels: np.ndarray[Any, Any], chance: np.ndarray[Any, Any], count: int = 10
) -> list[dict[str, Any]]:
    """Tenths of the cases by predicted probability: what was predicted, what was found."""
    order = np.argsort(chance, kind="stable")
    return [
        {"cases": len(part), "predicted": float(chance[part].mean()), "observed": float(labels[part].mean())}
        for part in np.array_split(order, count)
        if len(part)
    ]


def _interval(interval: evaluation.Interval) -> dict[str, float | int | None]:
    return {**_numbers(interval.value, interval.low, interval.high), "cases": interval.cases}


def _numbers(value: float, low: float, high: float) -> dict[str, float | int | None]:
    return {"value": _finite(value), "low": _finite(low), "high": _finite(high)}


def _finite(number: float) -> float | None:
    return float(number) if isfinite(number) else None
