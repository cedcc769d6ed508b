"""Is reading faster with the model? Times compared as ratios, with readers and cases random.

Times are skewed, so the analysis is of their logarithm: the metric of a reader is the mean log time,
and a difference of modalities is the logarithm of a ratio. Give active time, idle time trimmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp

from hitl_review.errors import StudyError
from hitl_review.study.metrics import MEAN_LOG_TIME
from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import Reads


@dataclass(frozen=True, slots=True)
class TimeRatio:
    """Geometric mean time of the first modality over the second's, and that of each.

    A ratio of 0.73 means 27 % less time. `ci` and `p` are None if not estimable, with the `reason`.
    """

    first: str
    second: str
    ratio: float
    ci: tuple[float, float] | None
    p: float | None
    geometric_means: dict[str, float]
    reason: str = ""


def time_ratio(
    times: Reads, *, readers: str = "random", cases: str = "random", confidence: float = 0.95
) -> TimeRatio:
    """Compare reading times of the first two modalities.

    Parameters
    ----------
    times : Reads
        `ratings` are active times, in any unit, above zero; `truth` may be anything, it is not used.
    """
    if len(times.modalities) < 2:
        raise StudyError("A ratio of times needs two modalities, but there is one; give reads of both.")
    result = analyse(times, metric=MEAN_LOG_TIME, readers=readers, cases=cases, confidence=confidence)
    means = {each.modality: exp(each.estimate) for each in result.performances}
    contrast = result.differences[0]
    ci = None if contrast.ci is None else (exp(contrast.ci[0]), exp(contrast.ci[1]))
    return TimeRatio(
        contrast.first, contrast.second, exp(contrast.estimate), ci, contrast.p, means, contrast.reason
    )
