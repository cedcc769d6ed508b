"""What a gate measured of a challenger against the champion: a report that is kept, pass or fail.

report.verdict          passed, failed or undecided
report.criteria         each with what was measured, its interval and its limit
as_json(report)         the report as JSON; from_json reads it back, equal
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

Pair = tuple[float, float]


class GateVerdict(StrEnum):
    """The gate's answer. A person promotes; the gate only says what the evidence allows."""

    PASSED = "passed"
    FAILED = "failed"
    UNDECIDED = "undecided"
    """Not enough evidence: too few gate cases. A person must sign for it, or nobody."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing a challenger must show.

    `limit` holds the lowest and the highest value that pass, None where that side is open. `passed` is
    None where it could not be measured; `words` says what was asked, found and decided, for a person.
    """

    name: str
    words: str
    measured: float | None
    interval: Pair | None
    limit: tuple[float | None, float | None]
    passed: bool | None


@dataclass(frozen=True, slots=True)
class Churned:
    """A hold-out patient whose answer the challenger changes."""

    case_id: str
    champion: float
    challenger: float
    """The two probabilities."""
    outcome: bool
    better: bool
    """Whether the challenger's answer is the right one."""


@dataclass(frozen=True, slots=True)
class CalibrationPoint:
    """Cases whose probabilities lie together: what was said and what happened, with Wilson's interval."""

    stated: float
    observed: float
    interval: Pair
    cases: int


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models on the gate cases: figures, and the points of its curves.

    `roc` holds (false positive rate, true positive rate), `net_benefit` (threshold, net benefit).
    Figures are None where they are not defined.
    """

    auc: float | None
    auc_interval: Pair | None
    log_loss: float
    brier: float
    calibration_slope: float | None
    calibration_intercept: float | None
    sensitivity: float | None
    specificity: float | None
    roc: tuple[Pair, ...]
    calibration: tuple[CalibrationPoint, ...]
    net_benefit: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class SubgroupRow:
    """One subgroup: AUCs of both and their difference (challenger minus champion) with its interval.

    `passed` is None where the subgroup is too small to judge, or holds one class only; `words` says so.
    """

    column: str
    level: str
    cases: int
    positives: int
    champion: float | None
    challenger: float | None
    difference: float | None
    interval: Pair | None
    passed: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class ImportanceChange:
    """A feature's share of all contributions (mean absolute SHAP value, adding up to 1) in both models."""

    feature: str
    champion: float
    challenger: float


@dataclass(frozen=True, slots=True)
class GateReport:
    """Everything a person needs to approve or refuse a challenger."""

    verdict: GateVerdict
    words: str
    cases: int
    positives: int
    threshold: float
    criteria: tuple[Criterion, ...]
    champion: Side
    challenger: Side
    net_benefit_of_all: tuple[Pair, ...]
    """(threshold, net benefit) of acting on every case; acting on none is 0."""
    subgroups: tuple[SubgroupRow, ...]
    churn: tuple[Churned, ...]
    importance: tuple[ImportanceChange, ...]
    """Largest change first; empty if explanations were not compared."""


def as_json(report: GateReport) -> dict[str, Any]:
    """Return a report as a JSON value."""
    return _plain(asdict(report))  # type: ignore[no-any-return]


def from_json(stored: Mapping[str, Any]) -> GateReport:
    """Read what `as_json` wrote; the report is equal to the first one."""
    return GateReport(
        verdict=GateVerdict(stored["verdict"]),
        words=stored["words"],
        cases=stored["cases"],
        positives=stored["positives"],
        threshold=float(stored["threshold"]),
        criteria=tuple(_criterion(each) for each in stored["criteria"]),
        champion=_side(stored["champion"]),
        challenger=_side(stored["challenger"]),
        net_benefit_of_all=_pairs(stored["net_benefit_of_all"]),
        subgroups=tuple(SubgroupRow(**_intervals(each)) for each in stored["subgroups"]),
        churn=tuple(Churned(**each) for each in stored["churn"]),
        importance=tuple(ImportanceChange(**each) for each in stored["importance"]),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, StrEnum) else value


def _criterion(stored: Mapping[str, Any]) -> Criterion:
    low, high = stored["limit"]
    return Criterion(**{**_intervals(stored), "limit": (low, high)})


def _side(stored: Mapping[str, Any]) -> Side:
    interval = stored["auc_interval"]
    return Side(
        **{
            **stored,
            "auc_interval": None if interval is None else _pair(interval),
            "roc": _pairs(stored["roc"]),
            "calibration": tuple(CalibrationPoint(**_intervals(each)) for each in stored["calibration"]),
            "net_benefit": _pairs(stored["net_benefit"]),
        }
    )


def _intervals(stored: Mapping[str, Any]) -> dict[str, Any]:
    interval = stored["interval"]
    return {**stored, "interval": None if interval is None else _pair(interval)}


def _pair(stored: Sequence[float]) -> Pair:
    return stored[0], stored[1]


def _pairs(stored: Sequence[Sequence[float]]) -> tuple[Pair, ...]:
    return tuple(_pair(each) for each in stored)
