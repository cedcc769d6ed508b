"""How the rows of `store.schema.auditing` follow from the log's events."""

from __future__ import annotations

from typing import Final

from hitl_review.domain.canonical import canonical_json
from hitl_review.workflow.twins.kinds import Batch, Told, Twin, id_of


def _sample(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "sample_id": told["event_id"],
        "seed": detail["seed"],
        "upto": detail["upto"],
        "of": detail["of"],
        "decisions": canonical_json(detail["decisions"]),
        "at": told["at"],
        "by": told["actor"],
    }


def _finding(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "finding_id": told["event_id"],
        "sample": detail["sample"],
        "decision_id": id_of(told),
        "verdict": detail["verdict"],
        "comment": detail["comment"],
        "at": told["at"],
        "by": told["actor"],
    }


TWINS: Final[tuple[Twin, ...]] = (
    Twin("samples", frozenset({"audit.sampled"}), _sample, key="sample_id"),
    Twin("findings", frozenset({"sample.reviewed"}), _finding, key="finding_id"),
)
BATCHES: Final[tuple[Batch, ...]] = ()
