"""Rows that agree with the log and contradict each other: what the product's own steps can't have made.

A decision before its screen was shown, an estimate after it, a read that is not on the list. Each look at a
table gives every row the first fault that it has, or none. What the log itself contradicts is not looked at
here: verification does, and asks these questions only where it found nothing.

What stands before what is told by time, which costs nothing, and then by the place in the log, which decides.
After a clock was set back time tells nothing, so that `every` pair is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Final

from hitl_review.store.connection import Store
from hitl_review.store.successions.learning import LEARNING
from hitl_review.store.successions.look import Look, sql_of
from hitl_review.store.successions.people import PEOPLE
from hitl_review.store.successions.reviewing import AUDITING, REVIEWING, SHOWN_FIRST
from hitl_review.store.successions.rows import (
    collections,
    drawn,
    gates,
    labels_by_origin,
    laid_down,
    moves,
    names_another_model,
    passed,
    place,
    projects,
    proposals,
    routings_set,
    seen_again,
    steps,
    waived,
    without_estimate,
)
from hitl_review.store.successions.studying import STUDYING

__all__ = [
    "LOOKS",
    "SHOWN_FIRST",
    "Asked",
    "Look",
    "collections",
    "drawn",
    "faults",
    "gates",
    "labels_by_origin",
    "laid_down",
    "moves",
    "names_another_model",
    "passed",
    "place",
    "projects",
    "proposals",
    "routings_set",
    "seen_again",
    "steps",
    "waived",
    "without_estimate",
]

LOOKS: Final = (*REVIEWING, *LEARNING, *AUDITING, *STUDYING, *PEOPLE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the project that is in force says of labels, reasons and signatures; of one that can't be read, nothing."""

    positive: str = ""
    """The label that counts as 1; empty where that is not known."""
    labels: str = "[]"
    """A JSON list of the labels there are; empty where they are not known."""
    effects: str = "{}"
    """A JSON object of what each reason means for training."""
    reasons: str = "[]"
    """A JSON list of answers with the reasons that they may have; empty where they are not known."""
    worded: str = "[]"
    """A JSON list of the reasons that ask for words."""
    threshold: float | None = None
    """From which probability on the positive label is said; None where that is not known."""
    meaning: str = ""
    """What a signature under a decision means; empty where that is not known."""
    proofs: str = "[]"
    """A JSON list of what may have proved who signed; empty where that is not known."""
    window: float | None = None
    """For how many minutes a proof holds; None where being signed in is enough, or time tells nothing."""


def faults(store: Store, asked: Asked, *, every: bool) -> Iterator[tuple[int | None, str]]:
    """Yield the event and the words of what can't have happened, a hundred of a look at most.

    `every` says that the clock was set back, so that time orders nothing.
    """
    given = {**asdict(asked), "every": every}
    for look in LOOKS:
        words = tuple(look.faults)
        for row in store.rows(sql_of(look), given):
            yield row[0], words[row[1]]
