"""How readers use the model's advice: too much, too little, or well. Exact definitions, with counts.

Per read: I the reader's own call before the advice, A the advice, F the final call, T the truth, all
0 or 1. RAIR, RSR and everything that starts from I need an answer committed BEFORE the advice: only
a sequential (blind-first) design has it. In a crossover give the reads without advice as `solo` and
use only the measures of F against A.

Sources: Schemmer et al. 2023, doi:10.1145/3581641.3584066 (RAIR, RSR); Goddard et al. 2012
(automation bias); Hemmer et al. 2025 (complementarity); Harvey and Fischer 1997 (weight of advice).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hitl_review.errors import StudyError
from hitl_review.study.accuracy import wilson_interval
from hitl_review.study.reads import BoolArray, as_truth


@dataclass(frozen=True, slots=True)
class Share:
    """A count out of its opportunities, with Wilson's interval; None and a reason where there was none."""

    count: int
    of: int
    value: float | None
    interval: tuple[float, float] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reliance:
    """Reliance on advice over a set of reads.

    Attributes
    ----------
    n : int
        Reads.
    initial_agreement, final_agreement : Share
        I = A; F = A; of all reads.
    switched : Share
        F = A, of reads where I != A.
    over_reliance : Share
        F = A, of reads where A != T.
    under_reliance : Share
        F != A, of reads where A = T.
    rair : Share
        Relative AI reliance: F = A, of reads where I != T and A = T.
    rsr : Share
        Relative self-reliance: F = I, of reads where I = T and A != T.
    automation_bias : Share
        F != T, of reads where I = T and A != T; 1 - RSR.
    aversion : Share
        F != T, of reads where I != T and A = T; 1 - RAIR.
    beneficial_flips, harmful_flips : Share
        I != T and F = T; I = T and F != T; of all reads. The discordant pair of McNemar's test.
    led_astray, led_right : Share
        Harmful flips towards wrong advice and beneficial ones towards right advice, of all reads.
    commission, omission : Share
        F = 1 of reads where T = 0 and A = 1; F = 0 of reads where T = 1 and A = 0.
    commission_solo, omission_solo : Share
        The same for the calls without advice, on the same reads.
    joint_errors : Share
        I != T and A != T, of all reads: nobody could have helped.
    accuracy_initial, accuracy_advice, accuracy_final : Share
    complementarity : Complementarity
    """

    n: int
    initial_agreement: Share
    final_agreement: Share
    switched: Share
    over_reliance: Share
    under_reliance: Share
    rair: Share
    rsr: Share
    automation_bias: Share
    aversion: Share
    beneficial_flips: Share
    harmful_flips: Share
    led_astray: Share
    led_right: Share
    commission: Share
    commission_solo: Share
    omission: Share
    omission_solo: Share
    joint_errors: Share
    accuracy_initial: Share
    accuracy_advice: Share
    accuracy_final: Share
    complementarity: Complementarity

    @property
    def extra_commission(self) -> float | None:
        """Commission errors beyond the solo rate on the same reads; None without such reads."""
        return _difference(self.commission, self.commission_solo)

    @property
    def extra_omission(self) -> float | None:
        """Omission errors beyond the solo rate on the same reads; None without such reads."""
        return _difference(self.omission, self.omission_solo)


@dataclass(frozen=True, slots=True)
class Complementarity:
    """Is the team better than the better of its members?

    Attributes
    ----------
    reached : bool
        Accuracy of F above both that of I and that of A.
    at_least_one_right : float
        The ceiling: share of reads where I or A was right.
    potential, effect : float
        Ceiling less the better member; F less the better member.
    realised : float or None
        effect / potential; None where there was no potential.
    """

    reached: bool
    at_least_one_right: float
    potential: float
    effect: float
    realised: float | None


@dataclass(frozen=True, slots=True)
class WeightOfAdvice:
    """How far readers moved towards the advice: (final - initial) / (advice - initial), 0 none, 1 all.

    Attributes
    ----------
    mean, median : float or None
        Of the values clipped to 0 to 1.
    n, excluded : int
        Reads used, and reads where advice and initial were too close to tell.
    clipped : float or None
        Share that was outside 0 to 1.
    reason : str
        Why there is no value.
    """

    mean: float | None
    median: float | None
    n: int
    excluded: int
    clipped: float | None
    reason: str = ""


def reliance(
    initial: ArrayLike,
    advice: ArrayLike,
    final: ArrayLike,
    truth: ArrayLike,
    *,
    solo: ArrayLike | None = None,
) -> Reliance:
    """Every measure of reliance over reads.

    Parameters
    ----------
    initial, advice, final, truth : arrays of 0 and 1, shape (reads,)
    solo : array of 0 and 1, shape (reads,), optional
        Calls without advice on the same reads, for the solo rates of commission and omission; `initial`
        if not given.
    """
    i, a, f, t = _aligned(initial, advice, final, truth)
    s = i if solo is None else _aligned(solo, advice, final, truth)[0]
    i_right, a_right, f_right = i == t, a == t, f == t
    everywhere = np.ones_like(t)
    return Reliance(
        n=len(t),
        initial_agreement=share(i == a, everywhere, "there are no reads"),
        final_agreement=share(f == a, everywhere, "there are no reads"),
        switched=share(f == a, i != a, "reader and advice never differed"),
        over_reliance=share(f == a, ~a_right, "the advice was never wrong"),
        under_reliance=share(f != a, a_right, "the advice was never right"),
        rair=share(f == a, ~i_right & a_right, "the reader was never wrong where the advice was right"),
        rsr=share(f == i, i_right & ~a_right, "the reader was never right where the advice was wrong"),
        automation_bias=share(
            ~f_right, i_right & ~a_right, "the reader was never right where the advice was wrong"
        ),
        aversion=share(~f_right, ~i_right & a_right, "the reader was never wrong where the advice was right"),
        beneficial_flips=share(~i_right & f_right, everywhere, "there are no reads"),
        harmful_flips=share(i_right & ~f_right, everywhere, "there are no reads"),
        led_astray=share(i_right & ~a_right & ~f_right, everywhere, "there are no reads"),
        led_right=share(~i_right & a_right & f_right, everywhere, "there are no reads"),
        commission=share(f, ~t & a, "the advice gave no false alarm"),
        commission_solo=share(s, ~t & a, "the advice gave no false alarm"),
        omission=share(~f, t & ~a, "the advice missed no positive"),
        omission_solo=share(~s, t & ~a, "the advice missed no positive"),
        joint_errors=share(~i_right & ~a_right, everywhere, "there are no reads"),
        accuracy_initial=share(i_right, everywhere, "there are no reads"),
        accuracy_advice=share(a_right, everywhere, "there are no reads"),
        accuracy_final=share(f_right, everywhere, "there are no reads"),
        complementarity=_complementarity(i_right, a_right, f_right),
    )


def weight_of_advice(
    initial: ArrayLike, advice: ArrayLike, final: ArrayLike, *, too_close: float = 0.05
) -> WeightOfAdvice:
    """Weight of advice from probabilities (0 to 1) over reads with |advice - initial| >= `too_close`."""
    before, said, after = (np.asarray(each, dtype=float) for each in (initial, advice, final))
    if not before.shape == said.shape == after.shape or before.ndim != 1:
        raise StudyError(
            "Weight of advice needs three lists of one length: initial, advice, final; give one per read."
        )
    distance = said - before
    used = np.abs(distance) >= too_close
    excluded = int((~used).sum())
    if not used.any():
        return WeightOfAdvice(
            None, None, 0, excluded, None, "the advice was never far enough from the reader's own"
        )
    weights = (after - before)[used] / distance[used]
    within = np.clip(weights, 0, 1)
    clipped = float((weights != within).mean())
    return WeightOfAdvice(float(within.mean()), float(np.median(within)), int(used.sum()), excluded, clipped)


def share(hits: BoolArray, among: BoolArray, reason: str) -> Share:
    """How many of `among` are hits; the reason says why there is no share if `among` is empty."""
    count, of = int((hits & among).sum()), int(among.sum())
    if not of:
        return Share(0, 0, None, None, f"not defined because {reason}")
    return Share(count, of, count / of, wilson_interval(count, of))


def _complementarity(i_right: BoolArray, a_right: BoolArray, f_right: BoolArray) -> Complementarity:
    best = max(float(i_right.mean()), float(a_right.mean()))
    ceiling, team = float((i_right | a_right).mean()), float(f_right.mean())
    potential, effect = ceiling - best, team - best
    return Complementarity(
        team > best, ceiling, potential, effect, effect / potential if potential > 0 else None
    )


def _difference(with_advice: Share, without: Share) -> float | None:
    if with_advice.value is None or without.value is None:
        return None
    return with_advice.value - without.value


def _aligned(*columns: ArrayLike) -> list[BoolArray]:
    arrays = [as_truth(column) for column in columns]
    if len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1 or not len(arrays[0]):
        raise StudyError(
            "Reliance needs lists of one length, with at least one read, but their shapes are "
            f"{[array.shape for array in arrays]}; give one call per read in each."
        )
    return arrays
