"""How many readers and cases a study needs: power and sample size after Hillis 2011.

From the variance components of a pilot on K* cases: covariances shrink with cases as K*/K, the
reader variances do not. Source: Hillis, Obuchowski and Berbaum 2011, doi:10.1016/j.acra.2010.09.007.
Two modalities, every reader reading every case under both.

    >>> result = power(0.05, n_readers=5, n_cases=200, pilot=VAN_DYKE)
    >>> round(result.power, 4)
    0.7846
    >>> sample_size(0.05, n_readers=10, pilot=VAN_DYKE).n_cases
    119
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf

from scipy import stats

from hitl_review.errors import StudyError
from hitl_review.study.results import MrmcResult

MOST_CASES = 100_000


@dataclass(frozen=True, slots=True)
class Pilot:
    """Variance components to plan with.

    Attributes
    ----------
    name : str
        Where they come from, to be printed in the protocol.
    var, cov1, cov2, cov3 : float
        Error variance and covariances of one figure of merit, on `n_cases` cases.
    var_interaction : float
        Var(modality x reader); below zero it counts as zero.
    n_cases : int
        K*, the pilot's cases.
    """

    name: str
    var: float
    cov1: float
    cov2: float
    cov3: float
    var_interaction: float
    n_cases: int


@dataclass(frozen=True, slots=True)
class Power:
    """Power of one design and what it is made of: non-centrality, error df (inf: chi-square), critical F."""

    power: float
    n_readers: int
    n_cases: int
    effect: float
    noncentrality: float
    df2: float
    critical_value: float


VAN_DYKE = Pilot(
    name="Van Dyke 1993: 5 readers, 114 cases (45 with dissection), cine against spin-echo MRI, AUC",
    var=0.0008022882655721,
    cov1=0.0003466137094407,
    cov2=0.0003440748288609,
    cov3=0.0002390283708922,
    var_interaction=0.0002004025235815,
    n_cases=114,
)
FRANKEN = Pilot(
    name="Franken 1992: 4 readers, 100 cases (67 abnormal), digital against film chest radiographs, AUC",
    var=0.001525776249334,
    cov1=0.0007916821469505,
    cov2=0.0004836376726812,
    cov3=0.000512509147426,
    var_interaction=-0.0006838914609989,
    n_cases=100,
)
PRESETS = {"van dyke": VAN_DYKE, "franken": FRANKEN}


def pilot_from(result: MrmcResult, *, name: str = "pilot study") -> Pilot:
    """Components of an analysed study as a pilot, with Cov2 - Cov3 not below zero, as planning wants them."""
    squares, error = result.mean_squares, result.components
    if squares.error is None or squares.reader is None or len(result.modalities) != 2:
        raise StudyError(
            "A pilot must have two modalities, read by the same two or more readers; analyse such a study, "
            "or plan from a preset."
        )
    interaction = squares.error - error.var + error.cov1 + error.case_share
    return Pilot(name, error.var, error.cov1, error.cov2, error.cov3, interaction, result.n_cases)


def power(
    effect: float,
    *,
    n_readers: int,
    n_cases: int,
    pilot: Pilot,
    alpha: float = 0.05,
    readers: str = "random",
    cases: str = "random",
) -> Power:
    """Chance that a two-sided test at alpha finds a true difference of this size.

    non-centrality = effect^2 J / 2 / den. Readers and cases random: den = Var(TR) + e (Var - Cov1 +
    (J-1) d) with e = K*/K and d = max(Cov2 - Cov3, 0), F with df2 = den^2 / [(Var(TR) + e (Var - Cov1
    - d))^2 / (J-1)]. Readers fixed: Var(TR) left out, chi-square. Cases fixed: den = Var(TR) + e (Var
    - Cov1 - d), F with J-1.
    """
    _check_design(effect, n_readers, n_cases, alpha)
    denominator, df2 = _denominator(n_readers, n_cases, pilot, readers, cases)
    noncentrality = effect**2 * n_readers / 2 / denominator
    if isinf(df2):
        critical = float(stats.chi2.isf(alpha, 1))
        found = float(stats.ncx2.sf(critical, 1, noncentrality))
    else:
        critical = float(stats.f.isf(alpha, 1, df2))
        found = float(stats.ncf.sf(critical, 1, df2, noncentrality))
    return Power(min(found, 1.0), n_readers, n_cases, effect, noncentrality, df2, critical)


def sample_size(
    effect: float,
    *,
    n_readers: int,
    pilot: Pilot,
    target: float = 0.8,
    alpha: float = 0.05,
    readers: str = "random",
    cases: str = "random",
) -> Power:
    """The fewest cases with which these readers reach the target power; refuses where no number does."""

    def at(n_cases: int) -> Power:
        design = {"n_readers": n_readers, "n_cases": n_cases}
        return power(effect, pilot=pilot, alpha=alpha, readers=readers, cases=cases, **design)

    if at(MOST_CASES).power < target:
        raise StudyError(
            f"{n_readers} readers can't reach a power of {target:g} for a difference of {effect:g} with any "
            "number of cases; take more readers or a larger difference."
        )
    low, high = 1, MOST_CASES
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if at(middle).power >= target else (middle, high)
    return at(high)


def power_table(
    effect: float,
    *,
    readers_counts: Sequence[int],
    cases_counts: Sequence[int],
    pilot: Pilot,
    alpha: float = 0.05,
) -> list[Power]:
    """Power for every combination of numbers of readers and cases, both random."""
    return [
        power(effect, n_readers=n_readers, n_cases=n_cases, pilot=pilot, alpha=alpha)
        for n_readers in readers_counts
        for n_cases in cases_counts
    ]


def planning_warnings(n_readers: int, n_positive: int, n_negative: int) -> list[str]:
    """What to say about a plan that is formally possible but weak."""
    found = []
    if n_readers < 5:
        found.append(f"{n_readers} readers leave few degrees of freedom; plan at least 5.")
    if min(n_positive, n_negative) < 20:
        found.append(
            f"{n_positive} positive and {n_negative} negative cases: plan at least 20 of each class."
        )
    return found


def _denominator(n_readers: int, n_cases: int, pilot: Pilot, readers: str, cases: str) -> tuple[float, float]:
    """Variance behind a contrast and the df of its error term."""
    shrink = pilot.n_cases / n_cases
    shared = max(pilot.cov2 - pilot.cov3, 0.0)
    interaction = max(pilot.var_interaction, 0.0)
    alone = shrink * (pilot.var - pilot.cov1 - shared)
    together = shrink * (pilot.var - pilot.cov1 + (n_readers - 1) * shared)
    if readers == "fixed" and cases == "random":
        return _positive(together), inf
    if cases == "fixed" and readers == "random":
        return _positive(interaction + alone), float(n_readers - 1)
    if (readers, cases) != ("random", "random"):
        raise StudyError(
            f"Readers and cases must be 'random' or 'fixed', not both fixed; got {readers} and {cases}."
        )
    total = _positive(interaction + together)
    return total, total**2 / ((interaction + alone) ** 2 / (n_readers - 1))


def _positive(denominator: float) -> float:
    if denominator <= 0:
        raise StudyError(
            "These components give a variance of the difference that is not above zero; plan from a larger "
            "pilot or a preset."
        )
    return denominator


def _check_design(effect: float, n_readers: int, n_cases: int, alpha: float) -> None:
    if effect == 0 or n_readers < 2 or n_cases < 2 or not 0 < alpha < 1:
        raise StudyError(
            "Power needs an effect other than 0, two or more readers and cases and an alpha between 0 and "
            f"1, but got effect {effect:g}, {n_readers} readers, {n_cases} cases, alpha {alpha:g}."
        )
