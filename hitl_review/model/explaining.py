"""Why the model says it: exact SHAP values, checked to add up to the margin before anybody sees them.

XGBoost computes them itself (`pred_contribs`), with missing values and categories, and checks the columns'
names; shap's TreeExplainer gives the same numbers but explains a frame with two columns swapped without
complaint. "Contributed to this model's score", never "caused": two equally good models agreed on the first
feature in half of the patients only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

import numpy as np
import numpy.typing as npt
import xgboost

from hitl_review.domain.prediction import Contribution, Explanation
from hitl_review.errors import ExplanationError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.features import Matrix
from hitl_review.model.scoring import Scores, booster_for, margins, scores_of, values_for

Floats = npt.NDArray[np.float64]

TOLERANCE: Final = 1e-4
"""Log-odds by which an explanation may miss the margin; by 32-bit rounding it misses it by 3e-5 at most."""
RELATIVE_TOLERANCE: Final = 1e-5


@dataclass(frozen=True, slots=True)
class Explanations(Sequence[Explanation]):
    """Explanations of many cases, kept as arrays; each becomes an Explanation when it is asked for.

    `base_values` and `margins` have shape (n_cases,), `contributions` (n_cases, n_features), all in log-odds.
    """

    feature_names: tuple[str, ...]
    base_values: npt.NDArray[np.float32]
    contributions: npt.NDArray[np.float32]
    margins: Floats

    def row(self, place: int) -> Explanation:
        """Return one case's explanation, features in the model's order."""
        amounts = self.contributions[place].tolist()
        pairs = zip(self.feature_names, amounts, strict=True)
        contributions = tuple(Contribution(name, amount) for name, amount in pairs)
        return Explanation(float(self.base_values[place]), contributions)

    def __len__(self) -> int:
        return len(self.margins)

    @overload
    def __getitem__(self, place: int) -> Explanation: ...
    @overload
    def __getitem__(self, place: slice) -> list[Explanation]: ...
    def __getitem__(self, place: int | slice) -> Explanation | list[Explanation]:
        if isinstance(place, slice):
            return [self.row(one) for one in range(*place.indices(len(self)))]
        return self.row(place)

    def __iter__(self) -> Iterator[Explanation]:
        return (self.row(place) for place in range(len(self)))


def explain(model: TrainedModel, values: Matrix) -> Explanations:
    """Return each case's explanation, or raise ExplanationError if one does not add up."""
    cases = values_for(model, values)
    return _explanations(model, cases, margins(model, cases))


def score_and_explain(model: TrainedModel, values: Matrix) -> tuple[Scores, Explanations]:
    """Return scores and explanations of a batch, the columns prepared and the margins computed once."""
    cases = values_for(model, values)
    found = margins(model, cases)
    return scores_of(model, values, found), _explanations(model, cases, found)


def check_additivity(explanations: Explanations) -> None:
    """Raise ExplanationError unless every base value plus contributions equals the margin, to 1e-4.

    The margin comes from a pass of its own, so this compares two computations and not one with itself.
    """
    total = explanations.contributions.sum(axis=1, dtype=np.float64) + explanations.base_values
    gaps = np.abs(total - explanations.margins)
    wrong = ~(gaps <= TOLERANCE + RELATIVE_TOLERANCE * np.abs(explanations.margins))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ExplanationError(
            f"{int(wrong.sum())} of {len(wrong)} explanations don't add up to the margin (first number "
            f"{first + 1}, off by {gaps[first]:.2g}), so none is shown. Load the model again, or retrain."
        )


def _explanations(model: TrainedModel, cases: xgboost.DMatrix, found: Floats) -> Explanations:
    """Contributions of the rounds that were trained: otherwise XGBoost explains every tree it has."""
    rounds = (0, model.record.rounds)
    amounts = booster_for(model, cases).predict(cases, pred_contribs=True, iteration_range=rounds)
    amounts = amounts.reshape(len(found), len(model.spec.names) + 1)
    answer = Explanations(model.spec.names, amounts[:, -1], amounts[:, :-1], found)
    check_additivity(answer)
    return answer
