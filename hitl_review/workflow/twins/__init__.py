"""For each table that the log tells of: which events tell of its rows, and the row that an event makes.

A row is written here from its event alone, which is why a changed row can be found and a lost one
could be made again. A new column must be told of in the event, or verification reports it.
"""

from __future__ import annotations

from typing import Final

from hitl_review.workflow.twins import auditing, learning, people, reviewing, studies
from hitl_review.workflow.twins.kinds import Batch, Told, Twin

__all__ = ["BATCHES", "TWINS", "Batch", "Told", "Twin"]

TWINS: Final[tuple[Twin, ...]] = (
    *reviewing.TWINS,
    *people.TWINS,
    *learning.TWINS,
    *studies.TWINS,
    *auditing.TWINS,
)
BATCHES: Final[tuple[Batch, ...]] = (
    *reviewing.BATCHES,
    *people.BATCHES,
    *learning.BATCHES,
    *studies.BATCHES,
    *auditing.BATCHES,
)
