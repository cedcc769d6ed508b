"""Tests beyond "are they different": non-inferiority, equivalence, beating both, several endpoints.

All take an estimate with its standard error and degrees of freedom, from any analysis of this
package (`MrmcResult.main`, `ModelAgainstReaders`, `UStatistic`), for a metric where more is better.
Margins and alpha are fixed before the study, or the p values mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

from hitl_review.errors import StudyError
from hitl_review.study import distributions


class Estimated(Protocol):
    """Anything with an estimate, a standard error and degrees of freedom."""

    @property
    def estimate(self) -> float: ...

    @property
    def se(self) -> float | None: ...

    @property
    def df(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """One hypothesis tested.

    Attributes
    ----------
    claim : str
        What is shown if it is shown, in words.
    shown : bool
        Whether p <= alpha; False where there is no p.
    statistic, p : float or None
        One-sided.
    alpha : float
    reason : str
        Why there is no p; empty where there is one.
    """

    claim: str
    shown: bool
    statistic: float | None
    p: float | None
    alpha: float
    reason: str = ""


def superiority(
    result: Estimated, *, alpha: float = 0.025, claim: str = "first is better than second"
) -> Verdict:
    """One-sided test that the estimate is above zero: t = estimate / SE."""
    return _above(result, 0.0, alpha, claim)


def noninferiority(
    result: Estimated, *, margin: float, alpha: float = 0.025, claim: str = "first is not inferior to second"
) -> Verdict:
    """One-sided test that the estimate is above -margin: t = (estimate + margin) / SE (Chen et al. 2012).

    It is shown exactly if the lower limit of the (1 - 2 alpha) interval lies above -margin.
    """
    _check_margin(margin)
    return _above(result, -margin, alpha, claim)


def equivalence(result: Estimated, *, margin: float, alpha: float = 0.05) -> Verdict:
    """Two one-sided tests that the estimate lies between -margin and +margin; p is the larger of the two."""
    _check_margin(margin)
    claim = f"the two differ by less than {margin:g}"
    from_below = _above(result, -margin, alpha, claim)
    from_above = _above(_Negated(result), -margin, alpha, claim)
    if from_below.p is None or from_above.p is None:
        return from_below
    return from_below if from_below.p >= from_above.p else from_above


def complementarity(against_solo: Estimated, against_model: Estimated, *, alpha: float = 0.025) -> Verdict:
    """Is the team better than both? Intersection-union test: p is the larger of two one-sided p values.

    Parameters
    ----------
    against_solo : readers with the model minus readers alone (from `analyse`, readers random)
    against_model : readers with the model minus the model alone (from `readers_against_model`)

    Notes
    -----
    Both must be shown, so each is tested at alpha without a correction (Berger 1982).
    """
    claim = "readers with the model are better than readers alone and than the model alone"
    parts = superiority(against_solo, alpha=alpha), superiority(against_model, alpha=alpha)
    for part, what in zip(parts, ("against readers alone", "against the model alone"), strict=True):
        if part.p is None:
            return Verdict(claim, False, None, None, alpha, f"{what}: {part.reason}")
    weakest = max(parts, key=lambda part: 0.0 if part.p is None else part.p)
    return Verdict(claim, weakest.shown, weakest.statistic, weakest.p, alpha)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p values, which keep the chance of any false claim at alpha (Holm 1979).

    >>> holm({"auc": 0.01, "sensitivity": 0.04, "specificity": 0.03})
    {'auc': 0.03, 'sensitivity': 0.06, 'specificity': 0.06}
    """
    ordered = sorted(p_values, key=lambda name: p_values[name])
    adjusted, largest = {}, 0.0
    for rank, name in enumerate(ordered):
        largest = max(largest, min(1.0, (len(ordered) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def fixed_sequence(p_values: Sequence[tuple[str, float]], *, alpha: float = 0.05) -> list[str]:
    """Endpoints shown when tested in the declared order, each at alpha, stopping at the first that fails.

    >>> fixed_sequence([("auc", 0.01), ("sensitivity", 0.2), ("specificity", 0.001)])
    ['auc']
    """
    shown = []
    for name, p in p_values:
        if p > alpha:
            break
        shown.append(name)
    return shown


@dataclass(frozen=True, slots=True)
class _Negated:
    """The same estimate seen from the other side."""

    result: Estimated

    @property
    def estimate(self) -> float:
        return -self.result.estimate

    @property
    def se(self) -> float | None:
        return self.result.se

    @property
    def df(self) -> float | None:
        return self.result.df


def _above(result: Estimated, bound: float, alpha: float, claim: str) -> Verdict:
    if not 0 < alpha < 0.5:
        raise StudyError(f"A one-sided alpha must lie between 0 and 0.5, but is {alpha}; 0.025 is usual.")
    if result.se is None or result.df is None:
        reason = getattr(result, "reason", "") or "the standard error is not estimable"
        return Verdict(claim, False, None, None, alpha, reason)
    if result.se <= 0:
        return Verdict(claim, False, None, None, alpha, "the standard error is zero")
    statistic = (result.estimate - bound) / result.se
    p = distributions.t_upper(statistic, result.df)
    return Verdict(claim, p <= alpha, statistic, p, alpha)


def _check_margin(margin: float) -> None:
    if not 0 < margin < inf:
        raise StudyError(
            f"A margin must be above zero, but is {margin}; give the smallest difference that matters."
        )
