"""What an analysis says: the overall test, contrasts of modalities, performances, and the whole result.

A number that can't be estimated is None with a `reason` in words; NaN never leaves this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Any

from hitl_review.study import distributions
from hitl_review.study.components import Components, MeanSquares
from hitl_review.study.metrics import Metric
from hitl_review.study.reads import FloatArray, Nesting

NO_VARIANCE = "the estimated variance is not above zero"
ONE_READER = "the variance between readers needs at least two readers"


@dataclass(frozen=True, slots=True)
class Test:
    """The overall test of "all modalities are equal".

    Attributes
    ----------
    kind : "F", "X2" or ""
        F where readers are random, chi-square where they are fixed.
    statistic, p : float or None
    df1, df2 : float
        df2 is infinite for a chi-square.
    reason : str
        Why there is no test; empty where there is one.
    """

    kind: str
    statistic: float | None
    df1: float | None
    df2: float | None
    p: float | None
    reason: str = ""

    @classmethod
    def not_defined(cls, reason: str) -> Test:
        return cls("", None, None, None, None, reason)


@dataclass(frozen=True, slots=True)
class Contrast:
    """First modality minus second, with its standard error, test and interval.

    `statistic` is a t with `df` degrees of freedom, a z where `df` is infinite. `reader` is empty
    for the average over readers.
    """

    first: str
    second: str
    estimate: float
    se: float | None
    df: float | None
    statistic: float | None
    p: float | None
    ci: tuple[float, float] | None
    reader: str = ""
    reason: str = ""

    @classmethod
    def of(
        cls,
        first: str,
        second: str,
        estimate: float,
        variance: float | None,
        df: float,
        confidence: float,
        *,
        reader: str = "",
    ) -> Contrast:
        """The contrast from its variance; without one, "not estimable" and why."""
        value = float(estimate)
        if variance is None or variance <= 0:
            return cls(first, second, value, None, None, None, None, None, reader, NO_VARIANCE)
        se = sqrt(variance)
        p = distributions.t_two_sided(value / se, df)
        ci = distributions.interval(value, se, df, confidence=confidence)
        return cls(first, second, value, se, df, value / se, p, ci, reader)


@dataclass(frozen=True, slots=True)
class Performance:
    """One modality's figure of merit, averaged over readers or of one `reader`, with its interval."""

    modality: str
    estimate: float
    se: float | None
    df: float | None
    ci: tuple[float, float] | None
    components: Components | None = None
    reader: str = ""
    reason: str = ""

    @classmethod
    def of(
        cls,
        modality: str,
        estimate: float,
        variance: float | None,
        df: float,
        *,
        confidence: float,
        bounds: tuple[float, float] | None,
        components: Components | None = None,
        reader: str = "",
    ) -> Performance:
        """The performance from its variance, the interval cut at the metric's bounds."""
        if variance is None or variance <= 1e-14:
            reason = ONE_READER if variance is None else NO_VARIANCE
            return cls(modality, estimate, None, None, None, components, reader, reason)
        se = sqrt(variance)
        low, high = distributions.interval(estimate, se, df, confidence=confidence)
        if bounds is not None:
            low, high = max(low, bounds[0]), min(high, bounds[1])
        return cls(modality, estimate, se, df, (low, high), components, reader)


@dataclass(frozen=True, slots=True, eq=False)
class MrmcResult:
    """Everything the analysis of one study on one metric found.

    The properties `estimate`, `se`, `ci` are those of the first modality minus the second; with one
    modality, of that modality itself. `statistic`, `df1`, `df2`, `p` are the overall test's.
    """

    metric: Metric
    covariance: str
    readers: str
    cases: str
    confidence: float
    nesting: Nesting
    modalities: tuple[str, ...]
    reader_names: tuple[str, ...]
    n_cases: int
    n_positive: int
    missing_reads: int
    figures_of_merit: FloatArray
    covariance_matrix: FloatArray
    components: Components
    var_reader: float | None
    var_interaction: float | None
    mean_squares: MeanSquares
    test: Test
    performances: tuple[Performance, ...]
    differences: tuple[Contrast, ...]
    reader_performances: tuple[Performance, ...]
    reader_differences: tuple[Contrast, ...]
    notes: tuple[str, ...]

    @property
    def main(self) -> Contrast | Performance:
        """First modality minus second, or the only modality."""
        return self.differences[0] if self.differences else self.performances[0]

    @property
    def estimate(self) -> float:
        return self.main.estimate

    @property
    def se(self) -> float | None:
        return self.main.se

    @property
    def df(self) -> float | None:
        return self.main.df

    @property
    def ci(self) -> tuple[float, float] | None:
        return self.main.ci

    def difference(self, first: str, second: str) -> Contrast:
        """The contrast of two modalities by name, in either order."""
        for contrast in self.differences:
            if (contrast.first, contrast.second) == (first, second):
                return contrast
            if (contrast.first, contrast.second) == (second, first):
                return reverse(contrast)
        raise KeyError(f"{first} - {second}")

    def as_json(self) -> dict[str, Any]:
        """The result in the command line's keys; null stands for infinite and for not estimable."""
        ci = None if self.ci is None else [finite(limit) for limit in self.ci]
        return {
            "estimate": finite(self.estimate),
            "se": finite(self.se),
            "ci": ci,
            "statistic": finite(self.test.statistic),
            "df1": finite(self.test.df1),
            "df2": finite(self.test.df2),
            "p": finite(self.test.p),
            "modalities": list(self.modalities),
            "components": {
                "var": self.components.var,
                "cov1": self.components.cov1,
                "cov2": self.components.cov2,
                "cov3": self.components.cov3,
            },
        }


def reverse(contrast: Contrast) -> Contrast:
    """The same contrast, second minus first."""
    ci = None if contrast.ci is None else (-contrast.ci[1], -contrast.ci[0])
    statistic = None if contrast.statistic is None else -contrast.statistic
    return Contrast(
        first=contrast.second,
        second=contrast.first,
        estimate=-contrast.estimate,
        se=contrast.se,
        df=contrast.df,
        statistic=statistic,
        p=contrast.p,
        ci=ci,
        reader=contrast.reader,
        reason=contrast.reason,
    )


def finite(value: float | None) -> float | None:
    """A number that JSON can hold; None for what is infinite (a chi-square's second df) or not estimable."""
    return float(value) if value is not None and isfinite(value) else None


def is_normal(df: float | None) -> bool:
    """Whether degrees of freedom stand for the normal distribution."""
    return df == inf
