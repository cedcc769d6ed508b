"""Contributions are shap's, they add up, and an explanation that doesn't is never shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shap
import xgboost

from hitl_review.domain.prediction import Explanation
from hitl_review.errors import ExplanationError
from hitl_review.model import explaining, scoring
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import Explanations, check_additivity, explain, score_and_explain
from hitl_review.model.features import dmatrix, matrix


def test_contributions_are_those_of_shap(model: TrainedModel, newcomers: Any) -> None:
    """shap's TreeExplainer on the same trees, with missing values and a category, gives equal numbers."""
    cases = dmatrix(model.spec, newcomers.values)
    oracle = shap.TreeExplainer(model.batch_booster, feature_perturbation="tree_path_dependent")
    found = explain(model, newcomers.values)
    np.testing.assert_allclose(found.contributions, oracle.shap_values(cases), atol=1e-6, rtol=0)


def test_contributions_of_real_patients_are_those_of_shap(champion: TrainedModel, patients: Any) -> None:
    """The same on SUPPORT2, base value included."""
    values = patients["holdout"].values[:200]
    found = explain(champion, values)
    oracle = shap.TreeExplainer(champion.batch_booster, feature_perturbation="tree_path_dependent")
    expected = oracle.shap_values(dmatrix(champion.spec, values))
    np.testing.assert_allclose(found.contributions, expected, atol=1e-6, rtol=0)
    np.testing.assert_allclose(found.base_values, found.margins - expected.sum(axis=1), atol=1e-5)


def test_every_explanation_adds_up_to_its_margin(champion: TrainedModel, patients: Any) -> None:
    """Also as the tuple of contributions that is shown and stored."""
    found = explain(champion, patients["holdout"].values)
    for place in range(0, 2000, 97):
        assert found[place].total == pytest.approx(found.margins[place], abs=1e-5)


def test_an_explanation_is_the_same_alone_and_among_others(champion: TrainedModel, patients: Any) -> None:
    """So what was stored with a decision can be computed again."""
    values = patients["holdout"].values[:60]
    together = explain(champion, values)
    assert [explain(champion, values[[i]])[0] for i in range(60)] == list(together)


def test_rows_become_domain_values_when_asked(model: TrainedModel, newcomers: Any) -> None:
    """A sequence like any other: index, slice, negative index, length, iteration."""
    found = explain(model, newcomers.values[:5])
    assert len(found) == 5
    assert isinstance(found[0], Explanation)
    assert [part.feature for part in found[0].contributions] == list(model.spec.names)
    assert found[1:3] == [found.row(1), found.row(2)]
    assert found[-1] == list(found)[4]


def tampered(model: TrainedModel, values: Any, *, by: float) -> Explanations:
    """Explanations of which one contribution was changed."""
    found = explain(model, values)
    amounts = found.contributions.copy()
    amounts[3, 1] += by
    return replace(found, contributions=amounts)


@pytest.mark.parametrize("by", [0.001, -0.5, np.nan, np.inf])
def test_an_explanation_that_does_not_add_up_is_refused(
    model: TrainedModel, newcomers: Any, by: float
) -> None:
    """One contribution of one case changed: the case is named by its place, and none is shown."""
    with pytest.raises(ExplanationError, match=r"1 of 300 explanations don't add up .* number 4"):
        check_additivity(tampered(model, newcomers.values, by=by))


def test_rounding_is_not_refused(model: TrainedModel, newcomers: Any) -> None:
    """A difference below 1e-4 is that of 32-bit sums."""
    check_additivity(tampered(model, newcomers.values, by=5e-5))


@pytest.mark.parametrize("ask", [explain, score_and_explain])
def test_the_check_is_made_on_every_path(
    model: TrainedModel, newcomers: Any, monkeypatch: pytest.MonkeyPatch, ask: Any
) -> None:
    """A margin that the contributions don't explain (a base margin, other trees) stops both functions."""
    honest = scoring.margins
    monkeypatch.setattr(explaining, "margins", lambda *asked: honest(*asked) + 0.01)
    with pytest.raises(ExplanationError, match="300 of 300"):
        ask(model, newcomers.values)


def test_a_base_margin_would_be_caught(model: TrainedModel, newcomers: Any) -> None:
    """A margin that had a base margin added is not the one that is explained."""
    cases = xgboost.DMatrix(
        newcomers.values,
        base_margin=np.full(300, 1.5),
        feature_names=list(model.spec.names),
        feature_types=model.spec.xgboost_types,
        enable_categorical=True,
    )
    shifted = model.batch_booster.predict(cases, output_margin=True).astype(np.float64)
    with pytest.raises(ExplanationError):
        check_additivity(replace(explain(model, newcomers.values), margins=shifted))


def test_only_the_rounds_of_the_record_are_explained(model: TrainedModel, newcomers: Any) -> None:
    """After early stopping raw XGBoost explains all trees and predicts with some; here both use the same."""
    stopped = replace(model, record=replace(model.record, rounds=40))
    found = explain(stopped, newcomers.values)
    expected = model.batch_booster[:40].predict(dmatrix(model.spec, newcomers.values), pred_contribs=True)
    np.testing.assert_allclose(found.contributions, expected[:, :-1], atol=1e-6)


def test_missing_values_and_empty_cases_are_explained(model: TrainedModel) -> None:
    """A value that was not measured has its own contribution; a case without any adds up too."""
    case = {"age": 70.0, "creatinine": None, "dementia": 0.0, "ward": "d"}
    found = explain(model, matrix(model.spec, [case, dict.fromkeys(case)]))
    assert found[0].contributions[1].feature == "creatinine"
    assert found[0].contributions[1].amount != 0
    assert found[1].total == pytest.approx(found.margins[1], abs=1e-5)


def test_no_cases_have_no_explanations(model: TrainedModel) -> None:
    """An empty batch is no error."""
    assert list(explain(model, matrix(model.spec, []))) == []


def test_score_and_explain_is_score_and_explain(champion: TrainedModel, patients: Any) -> None:
    """Together they give what each gives alone."""
    values = patients["holdout"].values[:100]
    scores, explanations = score_and_explain(champion, values)
    alone = scoring.score(champion, values)
    np.testing.assert_array_equal(scores.margins, alone.margins)
    assert scores.verdicts == alone.verdicts
    np.testing.assert_array_equal(explanations.contributions, explain(champion, values).contributions)


def test_shap_itself_explains_swapped_columns_without_complaint(
    champion: TrainedModel, patients: Any
) -> None:
    """Why the serving path does not use it: on a frame in another order its numbers are wrong and silent."""
    numbers = [c.name for c in champion.spec.columns if c.kind == "number"][:4]
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(200, 4)), columns=numbers)
    fitted = xgboost.train(
        {"seed": 1}, xgboost.DMatrix(frame, label=2 * frame[numbers[0]] + frame[numbers[3]]), 20
    )
    explainer = shap.TreeExplainer(fitted)
    swapped = frame[numbers[::-1]]
    assert not np.allclose(explainer.shap_values(frame), explainer.shap_values(swapped)[:, ::-1], atol=0.01)
    with pytest.raises(ValueError, match="feature_names mismatch"):
        fitted.predict(xgboost.DMatrix(swapped), pred_contribs=True)
