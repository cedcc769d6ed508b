"""The gate: a challenger is measured against the champion on cases that neither was trained on.

"The AUC went up" is a coin flip: on 200 cases it promotes a challenger that is truly 0.02 worse one time in
three. So a challenger must show more, all of it fixed beforehand in the project's gate policy: that its order
of patients is not worse (DeLong's non-inferiority), that its probabilities are better (paired log loss), that
they mean what they say (calibration slope), and that neither error rate and no subgroup pays for it.

The last two are guards on small parts of the cases, where a measured loss is often chance: twenty subgroups of
30 to 200 patients, each held to its measured figure, would refuse every other good challenger. So a guard fails
where the measured loss is over its margin and chance does not explain it (one-sided, 5 %); a loss that chance
explains is told, with its interval, to the person who signs. `tests/benchmarks/bench_gate.py` prints how often
harmful and good challengers pass, by this rule and by the measured figures alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.domain.gate import Churned, Criterion, GateReport, GateVerdict, ImportanceChange, SubgroupRow
from hitl_review.errors import ModelError
from hitl_review.model import evaluation
from hitl_review.model.gate_curves import net_benefit_curve, side_of
from hitl_review.project import GatePolicy

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

Z_95: Final = NormalDist().inv_cdf(0.975)
Z_GUARD: Final = NormalDist().inv_cdf(0.95)


@dataclass(frozen=True, slots=True)
class _Trial:
    """The gate cases: outcomes and both models' probabilities."""

    truth: Flags
    champion: Floats
    challenger: Floats
    threshold: float

    def only(self, chosen: Flags) -> _Trial:
        return _Trial(self.truth[chosen], self.champion[chosen], self.challenger[chosen], self.threshold)


@dataclass(frozen=True, slots=True)
class Difference:
    """Challenger minus champion with its standard error and 95 % interval."""

    value: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval, value plus and minus 1.96 standard errors."""
        return self.value - Z_95 * self.error, self.value + Z_95 * self.error

    def surely_negative(self) -> bool:
        """Tell whether chance does not explain a value below zero (one-sided, 5 %)."""
        return self.value < 0 and not self.value + Z_GUARD * self.error >= 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """The gate's decision: its criteria, the subgroups they rest on, the verdict and the words for it."""

    criteria: tuple[Criterion, ...]
    subgroups: tuple[SubgroupRow, ...]
    verdict: GateVerdict
    words: str


def compare(
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    *,
    policy: GatePolicy,
    threshold: float,
    case_ids: Sequence[str],
    subgroups: Mapping[str, Sequence[str | None]] | None = None,
    importance: tuple[Mapping[str, float], Mapping[str, float]] | None = None,
) -> GateReport:
    """Measure a challenger against the champion and say whether it may be put before a person.

    Parameters
    ----------
    champion, challenger : arrays of shape (n_cases,), calibrated probabilities of the same cases
    outcomes : array of shape (n_cases,), 0 or 1: the reference standard, never a reader's judgement
    policy : the project's limits
    threshold : the probability from which the positive label is shown
    case_ids : n_cases ids, for the list of patients whose label flips
    subgroups : column to each case's level, None where unknown
    importance : mean absolute contribution of each feature, in the champion and in the challenger

    Returns
    -------
    GateReport with the verdict `undecided` below `policy.minimum_cases` or where a criterion can't be measured,
    else `passed` if every criterion passed, else `failed`. A subgroup too small to judge decides nothing.
    """
    trial = _checked(champion, challenger, outcomes, threshold, case_ids)
    judged = _judged(trial, policy, subgroups or {})
    criteria, rows = judged.criteria, judged.subgroups
    return GateReport(
        verdict=judged.verdict,
        words=judged.words,
        cases=len(trial.truth),
        positives=int(trial.truth.sum()),
        threshold=threshold,
        criteria=criteria,
        champion=side_of(trial.truth, trial.champion, threshold=threshold),
        challenger=side_of(trial.truth, trial.challenger, threshold=threshold),
        net_benefit_of_all=net_benefit_curve(trial.truth, np.ones(len(trial.truth))),
        subgroups=rows,
        churn=_churn(trial, case_ids),
        importance=_importance(*importance) if importance else (),
    )


def judge(
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    *,
    policy: GatePolicy,
    threshold: float,
    subgroups: Mapping[str, Sequence[str | None]] | None = None,
) -> Judgement:
    """Return the criteria and the verdict alone, without curves: the gate's decision, and nothing to look at."""
    ids = [""] * len(np.asarray(outcomes))
    return _judged(_checked(champion, challenger, outcomes, threshold, ids), policy, subgroups or {})


def auc_difference(outcomes: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike) -> Difference:
    """Return the AUC of the second minus that of the first on the same cases, with DeLong's standard error.

    Notes
    -----
    Var = S(V10_2 - V10_1) / n1 + S(V01_2 - V01_1) / n0, sample variances of the paired differences of the
    placements, which is DeLong's covariance written out (Biometrics 1988;44:837).
    """
    of_first, of_second = (evaluation.placements(outcomes, scores) for scores in (first, second))
    changes = [after - before for before, after in zip(of_first, of_second, strict=True)]
    variance = sum(float(np.var(c, ddof=1)) / len(c) if len(c) > 1 else float("nan") for c in changes)
    return Difference(float(np.mean(changes[0])), sqrt(variance) if variance >= 0 else float("nan"))


def log_loss_gain(outcomes: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike) -> Difference:
    """Return how much smaller the second's mean log loss is, paired over cases; positive is better."""
    gains = evaluation.log_losses(outcomes, first) - evaluation.log_losses(outcomes, second)
    return Difference(float(np.mean(gains)), float(np.std(gains, ddof=1)) / sqrt(len(gains)))


def rate_difference(first_right: npt.ArrayLike, second_right: npt.ArrayLike) -> Difference:
    """Return the second's share right minus the first's on the same cases, with the paired standard error."""
    change = np.asarray(second_right, dtype=np.float64) - np.asarray(first_right, dtype=np.float64)
    spread = float(np.std(change, ddof=1)) if len(change) > 1 else float("nan")
    return Difference(float(np.mean(change)), spread / sqrt(len(change)))


def _judged(trial: _Trial, policy: GatePolicy, subgroups: Mapping[str, Sequence[str | None]]) -> Judgement:
    rows = _subgroup_rows(trial, subgroups, policy)
    criteria = (
        _auc(trial, policy),
        _log_loss(trial, policy),
        _slope(trial, policy),
        _rate("sensitivity", trial, policy),
        _rate("specificity", trial, policy),
        *(_of_subgroup(row, policy) for row in rows if row.passed is not None),
    )
    return Judgement(criteria, rows, *_verdict(criteria, len(trial.truth), policy))


def _checked(
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    threshold: float,
    case_ids: Sequence[str],
) -> _Trial:
    first, second = np.asarray(champion, dtype=np.float64), np.asarray(challenger, dtype=np.float64)
    values = np.asarray(outcomes)
    if not first.shape == second.shape == values.shape == (len(case_ids),):
        raise ModelError(
            "The gate needs one id, one outcome and two probabilities per case; it was given "
            f"{len(case_ids)} ids and arrays of the shapes {values.shape}, {first.shape} and {second.shape}."
        )
    if not np.isin(values, (0, 1)).all() or len(np.unique(values)) < 2:
        raise ModelError(
            "The gate needs outcomes of both kinds, 0 and 1, and nothing else. Import the hold-out's outcomes."
        )
    if not all(np.all((each >= 0) & (each <= 1)) for each in (first, second)):
        raise ModelError("The gate compares probabilities from 0 to 1. Give calibrated ones, not margins.")
    return _Trial(values == 1, first, second, threshold)


def _auc(trial: _Trial, policy: GatePolicy) -> Criterion:
    found = auc_difference(trial.truth, trial.champion, trial.challenger)
    measurable = isfinite(found.error)
    passed = found.interval[0] >= -policy.auc_margin if measurable else None
    words = (
        f"Orders patients no worse: AUC {found.value:+.3f}, 95 % interval {_span(found)}; "
        f"the lower end must not be below {-policy.auc_margin:+.3f}."
    )
    return Criterion("auc", words, found.value, _interval(found), (-policy.auc_margin, None), passed)


def _log_loss(trial: _Trial, policy: GatePolicy) -> Criterion:
    found = log_loss_gain(trial.truth, trial.champion, trial.challenger)
    z = found.value / found.error if found.error > 0 else 0.0
    words = (
        f"Better probabilities: log loss smaller by {found.value:.4f} ({_span(found, 4)}), z = {z:.2f}; "
        f"z must be more than {policy.log_loss_z:.3f}."
    )
    return Criterion("log_loss", words, z, None, (policy.log_loss_z, None), z > policy.log_loss_z)


def _slope(trial: _Trial, policy: GatePolicy) -> Criterion:
    slope = evaluation.calibration_line(trial.truth, trial.challenger).slope
    low, high = policy.slope_low, policy.slope_high
    if not isfinite(slope):
        words = "Probabilities mean what they say: the calibration slope can't be measured on these cases."
        return Criterion("calibration_slope", words, None, None, (low, high), None)
    words = (
        f"Probabilities mean what they say: calibration slope {slope:.2f} (1 is right); "
        f"it must lie from {low:g} to {high:g}."
    )
    return Criterion("calibration_slope", words, slope, None, (low, high), low <= slope <= high)


def _rate(name: str, trial: _Trial, policy: GatePolicy) -> Criterion:
    """Sensitivity or specificity at the threshold, on the cases it is a share of."""
    positive = name == "sensitivity"
    among = trial.truth if positive else ~trial.truth
    right = [(each[among] >= trial.threshold) == positive for each in (trial.champion, trial.challenger)]
    found = rate_difference(*right)
    words = (
        f"{name.capitalize()} at {trial.threshold:.0%}: {found.value:+.1%} ({_span(found, percent=True)}); "
        f"{_guard_words(found, policy.rate_margin, f'{policy.rate_margin:.0%}')}"
    )
    limit, passed = (-policy.rate_margin, None), _guard(found, policy.rate_margin)
    return Criterion(name, words, found.value, _interval(found), limit, passed)


def _guard(found: Difference, margin: float) -> bool:
    """Fails where the measured loss is over the margin and chance does not explain it."""
    return not (found.value < -margin and found.surely_negative())


def _guard_words(found: Difference, margin: float, shown: str) -> str:
    if found.value >= -margin:
        return f"not worse by more than {shown}."
    if _guard(found, margin):
        return f"worse by more than {shown}, which chance explains."
    return f"worse by more than {shown}, which chance does not explain."


def _subgroup_rows(
    trial: _Trial, subgroups: Mapping[str, Sequence[str | None]], policy: GatePolicy
) -> tuple[SubgroupRow, ...]:
    rows = []
    for column, levels in subgroups.items():
        if len(levels) != len(trial.truth):
            raise ModelError(
                f"The subgroup '{column}' has {len(levels)} entries for {len(trial.truth)} gate cases."
            )
        for level in sorted({level for level in levels if level is not None}):
            inside = np.array([each == level for each in levels])
            rows.append(_subgroup_row(column, level, trial.only(inside), policy))
    return tuple(rows)


def _subgroup_row(column: str, level: str, part: _Trial, policy: GatePolicy) -> SubgroupRow:
    cases, positives = len(part.truth), int(part.truth.sum())
    if cases < policy.subgroup_minimum or min(positives, cases - positives) < 2:
        words = f"{cases} cases, {positives} with the outcome: too few to judge."
        return SubgroupRow(column, level, cases, positives, None, None, None, None, None, words)
    champion, challenger = (
        evaluation.roc_auc_score(part.truth, scores) for scores in (part.champion, part.challenger)
    )
    found = auc_difference(part.truth, part.champion, part.challenger)
    words = (
        f"AUC {champion:.2f} before, {challenger:.2f} now: {found.value:+.3f} ({_span(found)}); "
        f"{_guard_words(found, policy.subgroup_margin, f'{policy.subgroup_margin:g}')}"
    )
    passed = _guard(found, policy.subgroup_margin)
    return SubgroupRow(
        column, level, cases, positives, champion, challenger, found.value, _interval(found), passed, words
    )


def _of_subgroup(row: SubgroupRow, policy: GatePolicy) -> Criterion:
    words = f"{row.column} {row.level}, {row.cases} cases: {row.words}"
    limit = (-policy.subgroup_margin, None)
    return Criterion(
        f"subgroup:{row.column}={row.level}", words, row.difference, row.interval, limit, row.passed
    )


def _verdict(criteria: Sequence[Criterion], cases: int, policy: GatePolicy) -> tuple[GateVerdict, str]:
    if cases < policy.minimum_cases:
        return GateVerdict.UNDECIDED, (
            f"Not enough evidence: {cases} gate cases, and the gate decides from {policy.minimum_cases}. "
            "A person must sign, or wait for more outcomes."
        )
    failed = [criterion.name for criterion in criteria if criterion.passed is False]
    if failed:
        return GateVerdict.FAILED, f"Not met: {', '.join(_names(failed))}."
    if any(criterion.passed is None for criterion in criteria):
        return (
            GateVerdict.UNDECIDED,
            "Not enough evidence: a criterion could not be measured. A person must sign.",
        )
    return GateVerdict.PASSED, f"Passed all {len(criteria)} criteria on {cases} cases."


_NAMES: Final = {
    "auc": "the order of patients (AUC)",
    "log_loss": "better probabilities (log loss)",
    "calibration_slope": "calibration",
}


def _names(failed: Sequence[str]) -> list[str]:
    """Return criteria in words, the subgroups among them as a number: each stands in its table."""
    groups = sum(name.startswith("subgroup:") for name in failed)
    named = [_NAMES.get(name, name.replace("_", " ")) for name in failed if not name.startswith("subgroup:")]
    return [*named, *([f"{groups} subgroup{'s' if groups > 1 else ''}"] if groups else [])]


def _churn(trial: _Trial, case_ids: Sequence[str]) -> tuple[Churned, ...]:
    before, after = trial.champion >= trial.threshold, trial.challenger >= trial.threshold
    return tuple(
        Churned(
            case_ids[i],
            float(trial.champion[i]),
            float(trial.challenger[i]),
            bool(trial.truth[i]),
            bool(after[i] == trial.truth[i]),
        )
        for i in np.flatnonzero(before != after).tolist()
    )


def _importance(
    champion: Mapping[str, float], challenger: Mapping[str, float]
) -> tuple[ImportanceChange, ...]:
    """Shares of all contributions, so that a model with larger margins does not look changed throughout."""
    totals = [sum(side.values()) or 1.0 for side in (champion, challenger)]
    changes = [
        ImportanceChange(name, champion.get(name, 0.0) / totals[0], challenger.get(name, 0.0) / totals[1])
        for name in sorted({*champion, *challenger})
    ]
    return tuple(sorted(changes, key=lambda each: -abs(each.challenger - each.champion)))


def _interval(found: Difference) -> tuple[float, float] | None:
    return found.interval if isfinite(found.error) else None


def _span(found: Difference, digits: int = 3, *, percent: bool = False) -> str:
    if not isfinite(found.error):
        return "interval not defined"
    low, high = found.interval
    return f"{low:+.1%} to {high:+.1%}" if percent else f"{low:+.{digits}f} to {high:+.{digits}f}"
