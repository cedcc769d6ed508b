"""How the rows of `store.schema.studies` follow from the log's events."""

from __future__ import annotations

from typing import Final

from hitl_review.store.studies import lists, sealed
from hitl_review.workflow.twins.kinds import Batch, Told, Twin, id_of

_STEPS: Final = ("drafted", "frozen", "started", "amended", "locked", "unsealed", "reported")
_TOLD_OF_READS: Final = (
    *("item", "modality", "label", "rating", "confidence", "shown_at", "revealed_at"),
    *("seconds_active", "model", "displayed"),
)


def _step(told: Told) -> dict[str, object]:
    return {
        "event_id": told["event_id"],
        "study_id": id_of(told),
        "kind": told["action"].removeprefix("study."),
        "document": told["detail"]["protocol"],
        "reason": told["detail"]["reason"],
        "at": told["at"],
        "by": told["actor"],
    }


def _showing(told: Told) -> dict[str, object]:
    return {
        "showing_id": told["event_id"],
        "study_id": id_of(told),
        "item": told["detail"]["item"],
        "reader": told["actor"],
        "stage": "model" if told["action"] == "study.shown" else "facts",
        "screen": told["detail"]["displayed"],
        "shown_at": told["at"],
    }


def _read(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "read_id": told["event_id"],
        "study_id": id_of(told),
        "reader": told["actor"],
        "case_id": detail["case"],
        "committed_at": told["at"],
        **{name: detail[name] for name in _TOLD_OF_READS},
    }


def _waiver(told: Told) -> dict[str, object]:
    return {
        "event_id": told["event_id"],
        "study_id": id_of(told),
        "reader": told["detail"]["reader"],
        "reason": told["detail"]["reason"],
        "at": told["at"],
        "by": told["actor"],
    }


TWINS: Final[tuple[Twin, ...]] = (
    Twin(
        "study_steps", frozenset(f"study.{kind}" for kind in _STEPS), _step, digested=frozenset({"document"})
    ),
    Twin("study_showings", frozenset({"study.opened", "study.shown"}), _showing, key="showing_id"),
    Twin("study_reads", frozenset({"study.read"}), _read, key="read_id"),
    Twin("study_waivers", frozenset({"study.washout_waived"}), _waiver),
)


def _study(told: Told) -> dict[str, object]:
    return {"study_id": id_of(told)}


BATCHES: Final[tuple[Batch, ...]] = (
    Batch("study_outputs", "study.outputs_fixed", lists.output_lines, "fixed_at", shared=_study),
    Batch("study_schedule", "study.scheduled", lists.schedule_lines, "laid_at", shared=_study),
    Batch("study_truth", "study.sealed", sealed.sealed_lines, "sealed_at", shared=_study),
)
