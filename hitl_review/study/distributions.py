"""Tails and quantiles of the t, F and chi-square distributions, with infinite degrees of freedom allowed.

The tests of this package drift smoothly from t to normal and from F to chi-square as the error
term becomes known exactly; scipy's F does not take an infinite second degree of freedom.
"""

from __future__ import annotations

from math import inf, isinf

from scipy import stats


def t_quantile(confidence: float, df: float) -> float:
    """Two-sided quantile of Student's t at a confidence level; the normal one where df is infinite."""
    tail = (1 + confidence) / 2
    return float(stats.norm.ppf(tail) if isinf(df) else stats.t.ppf(tail, df))


def t_upper(statistic: float, df: float = inf) -> float:
    """One-sided p: the chance of a t at least this large."""
    return float(stats.norm.sf(statistic) if isinf(df) else stats.t.sf(statistic, df))


def t_two_sided(statistic: float, df: float = inf) -> float:
    """Two-sided p of a t statistic; of a z where df is infinite."""
    return 2 * t_upper(abs(statistic), df)


def f_upper(statistic: float, df1: float, df2: float = inf) -> float:
    """p of an F statistic; of the chi-square df1 * F where df2 is infinite."""
    if isinf(df2):
        return float(stats.chi2.sf(statistic * df1, df1))
    return float(stats.f.sf(statistic, df1, df2))


def interval(estimate: float, se: float, df: float = inf, *, confidence: float = 0.95) -> tuple[float, float]:
    """Estimate -/+ quantile times standard error."""
    half = t_quantile(confidence, df) * se
    return estimate - half, estimate + half
