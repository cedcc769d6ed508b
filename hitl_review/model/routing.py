"""Which cases people read, in which order, and which may pass without one.

The order is 80 % most uncertain and 20 % random. The random fifth costs nothing in what the model learns
and is the only part of the reads that measures it without bias. Who belongs to it is decided by a hash of
the case's id, so nobody can choose it, and asking again gives the same answer.

Letting cases pass needs a promise that holds: "of those that pass, at most 5 % are wrong". A threshold at
which the known cases happened to have 5 % errors broke that promise in 30 to 70 % of trials; the exact
binomial bound, tested from the surest cases downwards until it fails, in 0 to 10 %. Where the known cases
are too few for the promise, the answer says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, log
from typing import Final

import numpy as np
import numpy.typing as npt

from hitl_review.domain.case import Value
from hitl_review.errors import ModelError
from hitl_review.project import InclusionRule

Floats = npt.NDArray[np.float64]

RANDOM_SHARE: Final = 0.2
AUDIT_SHARE: Final = 0.05
CUTOFF_STEP: Final = 0.01
"""Cutoffs are tried at fixed steps of sureness: chosen from the outcomes they would bend the promise."""


class Why(StrEnum):
    """Why a case stands where it stands in the queue."""

    UNCERTAIN = "uncertain"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Place:
    """A case's place in the queue: why, how unsure the model is, and its chance to be in the random part.

    `sampling_probability` is the chance with which the hash puts any case into the random part; for
    the others it is None, because the model chose them.
    """

    case_id: str
    why: Why
    uncertainty: float
    sampling_probability: float | None


@dataclass(frozen=True, slots=True)
class Promise:
    """Cases at least this sure may pass: with the stated confidence at most `target` of them are wrong.

    `sureness` is the cutoff (see `sureness`); `coverage` the share of known cases that pass; `cases` and
    `errors` what the promise rests on; `bound` the exact upper limit of the error rate among them.
    """

    sureness: float
    target: float
    confidence: float
    coverage: float
    cases: int
    errors: int
    bound: float
    words: str

    def passes(self, probability: float, *, threshold: float) -> bool:
        """Tell whether a case with this probability may pass without a reader."""
        return float(sureness([probability], threshold=threshold)[0]) >= self.sureness


@dataclass(frozen=True, slots=True)
class NoPromise:
    """No cutoff can be promised; `words` say why, and how many cases it would take at the least."""

    target: float
    confidence: float
    cases: int
    least_cases: int
    words: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a day's reads cover: which cases, and how many wrong answers are expected among those unread."""

    reads: tuple[Place, ...]
    left_unread: int
    expected_errors_unread: float
    words: str


def sureness(probabilities: npt.ArrayLike, *, threshold: float) -> Floats:
    """Return how far each probability is from the threshold: 0 at it, 1 at the end of its own side.

    >>> sureness([0.5, 0.25, 1.0], threshold=0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    chance = np.asarray(probabilities, dtype=np.float64)
    if not 0 < threshold < 1 or not np.all((chance >= 0) & (chance <= 1)):
        raise ModelError("Routing needs probabilities from 0 to 1 and a threshold between them.")
    above = (chance - threshold) / (1 - threshold)
    below = (threshold - chance) / threshold
    found: Floats = np.where(chance >= threshold, above, below)
    return found


def uncertainty(probabilities: npt.ArrayLike, *, threshold: float) -> Floats:
    """Return 1 minus sureness: 1 at the threshold, 0 where the model has no doubt."""
    return 1.0 - sureness(probabilities, threshold=threshold)


def hash_share(case_id: str, *, salt: str) -> float:
    """Return a number from 0 to 1 that is fixed by case and salt and, over cases, as good as random."""
    found = hashlib.sha256(f"{salt}\n{case_id}".encode()).digest()
    return int.from_bytes(found[:7]) / 2**56


def in_random_part(case_id: str, *, salt: str, share: float = RANDOM_SHARE) -> bool:
    """Tell whether a case belongs to the random part, whatever any model says of it."""
    return hash_share(case_id, salt=f"order:{salt}") < share


def order(
    case_ids: Sequence[str],
    probabilities: npt.ArrayLike,
    *,
    threshold: float,
    salt: str,
    random_share: float = RANDOM_SHARE,
) -> list[Place]:
    """Return the cases in the order of reading: of every five, four most uncertain and one random.

    The random part is read in the order of its hash, so that what has been read of it is at any moment
    a simple random sample of the queue; the rest is read most uncertain first. Where one part is used
    up, the other follows.
    """
    doubt = uncertainty(probabilities, threshold=threshold)
    if doubt.shape != (len(case_ids),):
        raise ModelError(f"Routing needs one probability per case; {doubt.size} for {len(case_ids)} cases.")
    drawn = [hash_share(case_id, salt=f"order:{salt}") for case_id in case_ids]
    random = sorted((i for i, u in enumerate(drawn) if u < random_share), key=drawn.__getitem__)
    others = sorted(
        (i for i, u in enumerate(drawn) if u >= random_share), key=lambda i: (-doubt[i], case_ids[i])
    )
    chosen = set(random)
    return [
        Place(
            case_ids[i],
            Why.RANDOM if i in chosen else Why.UNCERTAIN,
            float(doubt[i]),
            random_share if i in chosen else None,
        )
        for i in _interleaved(others, random, random_share)
    ]


def threshold_for_error(
    probabilities: npt.ArrayLike,
    outcomes: npt.ArrayLike,
    *,
    target: float,
    threshold: float,
    confidence: float = 0.95,
) -> Promise | NoPromise:
    """Find the lowest sureness from which cases may pass with at most `target` of them wrong.

    Parameters
    ----------
    probabilities, outcomes : arrays of shape (n_cases,): cases the model was not trained on, drawn like those
        it will be used on (the random part with outcomes, or the hold-out)
    target : the largest error rate among cases that pass, for instance 0.05
    threshold : from which probability on the positive label is given
    confidence : in how many of a hundred repetitions the promise holds, at the least

    Notes
    -----
    Fixed-sequence testing (Maurer, Hothorn and Lehmacher 1995; "learn then test", Angelopoulos et al. 2021): at
    each cutoff the hypothesis "error > target" is tested with the exact binomial (Clopper and Pearson 1934) at
    level 1 - confidence; the first that can't be rejected ends the walk. Cutoffs lie at fixed steps; those with
    fewer cases than an errorless sample would need are passed over, which looks at no outcome.
    """
    sure, truth = sureness(probabilities, threshold=threshold), np.asarray(outcomes)
    if sure.shape != truth.shape or not np.isin(truth, (0, 1)).all():
        raise ModelError("A promise on errors needs one outcome, 0 or 1, for each probability.")
    if not (0 < target < 1 and 0 < confidence < 1):
        raise ModelError("A target error and a confidence lie between 0 and 1, for instance 0.05 and 0.95.")
    wrong = (np.asarray(probabilities, dtype=np.float64) >= threshold) != (truth == 1)
    least = least_cases(target, confidence=confidence)
    best: Promise | None = None
    for cutoff in _cutoffs():
        inside = sure >= cutoff
        cases, errors = int(inside.sum()), int(wrong[inside].sum())
        if cases < least:
            continue
        bound = error_bound(errors, cases, confidence=confidence)
        if bound > target:
            break
        best = _promise(cutoff, target, confidence, cases, errors, bound, len(sure))
    return best or _no_promise(target, confidence, len(sure), least)


def least_cases(target: float, *, confidence: float) -> int:
    """Return how many cases without one error it takes to promise an error rate.

    >>> least_cases(0.05, confidence=0.95)
    59
    """
    return ceil(log(1 - confidence) / log(1 - target))


def error_bound(errors: int, cases: int, *, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper limit of an error rate (Clopper and Pearson 1934).

    >>> round(error_bound(0, 60), 3)
    0.049
    """
    from scipy.special import betaincinv

    return 1.0 if errors >= cases else float(betaincinv(errors + 1, cases - errors, confidence))


def by_capacity(
    case_ids: Sequence[str],
    probabilities: npt.ArrayLike,
    *,
    reads: int,
    threshold: float,
    salt: str,
    random_share: float = RANDOM_SHARE,
) -> Capacity:
    """Answer "I can read 40 a day": which 40, and what is expected to go wrong among the rest.

    The expected errors take the model's probabilities at their word: sum of min(p, 1 - p)-like chances that
    the shown label is wrong. They are as good as the model's calibration.
    """
    if reads < 0:
        raise ModelError(f"A day's reads can't be {reads}. Give 0 or more.")
    places = order(case_ids, probabilities, threshold=threshold, salt=salt, random_share=random_share)
    chosen = tuple(places[:reads])
    chance = np.asarray(probabilities, dtype=np.float64)
    read = {place.case_id for place in chosen}
    unread = np.array([case_id not in read for case_id in case_ids], dtype=np.bool_)
    wrong = np.where(chance >= threshold, 1 - chance, chance)
    expected = float(np.sum(wrong[unread])) if len(chance) else 0.0
    left = len(case_ids) - len(chosen)
    words = (
        f"{len(chosen):,} of {len(case_ids):,} cases are read. Of the {left:,} left, the model is expected "
        f"to be wrong in about {expected:.0f}, if its probabilities mean what they say."
    )
    return Capacity(chosen, left, expected, words)


def by_rule(
    rows: Sequence[Mapping[str, Value]], rules: Sequence[InclusionRule]
) -> list[InclusionRule | None]:
    """Return, for each case, the first rule that sends it to a person, None where none does."""
    return [next((rule for rule in rules if rule.admits(row.get(rule.feature))), None) for row in rows]


def audited(case_id: str, *, salt: str, share: float = AUDIT_SHARE) -> bool:
    """Tell whether a case that passed is read all the same: a fixed, random share of them, never none."""
    if not 0 < share <= 1:
        raise ModelError("A share of passed cases must be read, for instance 0.05. It can't be zero.")
    return hash_share(case_id, salt=f"audit:{salt}") < share


def _interleaved(others: Sequence[int], random: Sequence[int], share: float) -> list[int]:
    """Merge so that after n reads about n * share are random, as long as both last."""
    keys = [(k + 1) / (1 - share) if share < 1 else k + 1.0 for k in range(len(others))]
    merged = [(key, 0, i) for key, i in zip(keys, others, strict=True)]
    merged += [((k + 1) / share, 1, i) for k, i in enumerate(random)]
    return [i for _, _, i in sorted(merged, key=lambda each: each[:2])]


def _cutoffs() -> list[float]:
    """Sureness from just under 1 down to 0, in fixed steps; finer near 1, where few cases are left."""
    fine = [1 - k / 1000 for k in range(1, 50)]
    return [*fine, *(round(0.95 - CUTOFF_STEP * k, 4) for k in range(96))]


def _promise(
    cutoff: float, target: float, confidence: float, cases: int, errors: int, bound: float, known: int
) -> Promise:
    share = cases / known
    words = (
        f"{share:.0%} of cases may pass without a reader: of {cases:,} known ones as sure, {errors} were wrong; "
        f"with {confidence:.0%} confidence at most {bound:.1%}, and {target:.0%} was asked."
    )
    return Promise(cutoff, target, confidence, share, cases, errors, bound, words)


def _no_promise(target: float, confidence: float, known: int, least: int) -> NoPromise:
    asked = f"At most {target:.0%} errors can't be promised"
    if known < least:
        words = (
            f"{asked} with so few cases: {known:,} have an outcome, and it takes at least {least:,}, all of them "
            "right. Every case goes to a reader."
        )
    else:
        words = (
            f"{asked}: even among the surest of the {known:,} cases with an outcome the model is wrong too often "
            "to be sure of it. Every case goes to a reader; a higher target or more outcomes may help."
        )
    return NoPromise(target, confidence, known, least, words)
