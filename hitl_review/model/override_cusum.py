"""Do readers override the model more often than they used to? A Bernoulli CUSUM, overall and per reader.

Each decision moves the chart: an override up, an acceptance a little down, never below zero. The limit is
computed for the usual override rate, so that with nothing changed it rings once in 1,500 decisions or less.
At a usual rate of 12 % a doubling is found after about 64 decisions; the rarer overrides are, the longer it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, log
from typing import Final

import numpy as np

from hitl_review.errors import ModelError

FALSE_ALARM_EVERY: Final = 1_500
"""Decisions between false alarms, on average, at the least."""
TIMES: Final = 2.0
"""The rise the chart is tuned to find: a doubling."""
_TO_SPARE: Final = 1.1
"""The computed run length is good to a few per cent, so a tenth is put on top of what is promised."""
_STEPS: Final = 40
"""States of the chart per step of an override, in the exact computation of its run lengths."""


@dataclass(frozen=True, slots=True)
class OverrideCusum:
    """A chart tuned to a usual rate: how far an override and an acceptance move it, and where it rings."""

    usual_rate: float
    raised_rate: float
    up: float
    down: float
    limit: float
    false_alarm_every: float
    """Decisions between alarms, on average, while overrides come at the usual rate."""
    found_after: float
    """Decisions until it rings, on average, from the moment that the rate is raised."""


@dataclass(frozen=True, slots=True)
class CusumRun:
    """A chart drawn over decisions: its height after each, and at which of them (from 0) it rang.

    After an alarm the chart starts again from zero. `alarm` is whether it rang within the last
    `recent` decisions given to `watch`.
    """

    chart: OverrideCusum
    heights: tuple[float, ...]
    alarms: tuple[int, ...]
    overrides: int
    decisions: int
    alarm: bool
    words: str


def cusum(
    usual_rate: float, *, times: float = TIMES, false_alarm_every: float = FALSE_ALARM_EVERY
) -> OverrideCusum:
    """Return the chart for a usual override rate, with the lowest limit that keeps false alarms so rare.

    Raises ModelError where the raised rate would not be below 1.
    """
    if not 0 < usual_rate < 1 or not usual_rate * times < 1:
        raise ModelError(
            f"A chart for overrides needs a usual rate above 0 that can grow {times:g} times; "
            f"{usual_rate:.0%} can't."
        )
    return _tuned(round(usual_rate, 4), times, _TO_SPARE * false_alarm_every)


def watch(
    overrides: Sequence[bool], *, chart: OverrideCusum, recent: int = 200, reader: str | None = None
) -> CusumRun:
    """Draw the chart over decisions in the order they were made; True is an override."""
    height, heights, alarms = 0.0, [], []
    for number, overridden in enumerate(overrides):
        height = max(0.0, height + (chart.up if overridden else -chart.down))
        heights.append(height)
        if height >= chart.limit:
            alarms.append(number)
            height = 0.0
    count = int(sum(overrides))
    rang = bool(alarms) and alarms[-1] >= len(overrides) - recent
    words = _words(chart, count, len(overrides), rang, alarms, reader)
    return CusumRun(chart, tuple(heights), tuple(alarms), count, len(overrides), rang, words)


def _words(
    chart: OverrideCusum, count: int, of: int, rang: bool, alarms: Sequence[int], reader: str | None
) -> str:
    who = f"{reader}: " if reader else ""
    if not of:
        return f"{who}no decisions yet."
    share = f"{count} of {of} predictions were overridden ({count / of:.0%}; usual is {chart.usual_rate:.0%})"
    if rang:
        return f"{who}{share}. Overrides have become more frequent than chance explains, by decision {alarms[-1] + 1}."
    return f"{who}{share}. No more than chance explains."


@lru_cache(maxsize=64)
def _tuned(rate: float, times: float, every: float) -> OverrideCusum:
    raised = rate * times
    up, down = log(times), log((1 - rate) / (1 - raised))
    unit = up / _STEPS
    low, high = 1, _STEPS
    while _run_length(rate, up, down, high * unit, unit) < every:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if _run_length(rate, up, down, middle * unit, unit) < every:
            low = middle
        else:
            high = middle
    limit = high * unit
    return OverrideCusum(
        rate,
        raised,
        up,
        down,
        limit,
        _run_length(rate, up, down, limit, unit),
        _run_length(raised, up, down, limit, unit),
    )


def _run_length(rate: float, up: float, down: float, limit: float, unit: float) -> float:
    """Mean decisions from zero to the limit, solved on a grid (Brook and Evans, Biometrika 1972;59:539).

    A state between two grid points is shared between them, so that heights keep their mean.
    """
    states = ceil(limit / unit - 1e-9)
    matrix = np.zeros((states, states))
    for state in range(states):
        for step, chance in ((up, rate), (-down, 1 - rate)):
            place = max(0.0, state + step / unit)
            lower = int(place)
            for target, share in ((lower, 1 - (place - lower)), (lower + 1, place - lower)):
                if target < states:
                    matrix[state, target] += chance * share
    return float(np.linalg.solve(np.eye(states) - matrix, np.ones(states))[0])
