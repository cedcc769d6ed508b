"""How the rows of `store.schema.people` follow from the log's events."""

from __future__ import annotations

from typing import Final

from hitl_review.workflow.twins.kinds import Batch, Twin

TWINS: Final[tuple[Twin, ...]] = ()
BATCHES: Final[tuple[Batch, ...]] = ()
