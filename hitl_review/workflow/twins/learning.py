"""How the rows of `store.schema.learning` follow from the log's events."""

from __future__ import annotations

from typing import Final

from hitl_review.domain.audit import canonical_json, text_digest
from hitl_review.store import labels, routings
from hitl_review.workflow.twins.kinds import Batch, Changing, Told, Twin, id_of


def _dispute(told: Told) -> dict[str, object]:
    return {
        "event_id": told["event_id"],
        "case_id": id_of(told),
        "labels": canonical_json(told["detail"]["labels"]),
        "at": told["at"],
    }


def _resolution(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "event_id": told["event_id"],
        "case_id": id_of(told),
        **{name: detail[name] for name in ("dispute", "label", "probability", "comment")},
        "at": told["at"],
        "by": told["actor"],
    }


def _gate(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "event_id": told["event_id"],
        "challenger": id_of(told),
        "champion": detail["champion"],
        "verdict": told["action"].removeprefix("gate."),
        "protocol": detail["protocol"],
        "body": detail["report"],
        "at": told["at"],
        "by": told["actor"],
    }


def _proposal(told: Told) -> dict[str, object]:
    return {
        "event_id": told["event_id"],
        "model": id_of(told),
        "gate": told["detail"]["gate"],
        "answer": told["action"].removeprefix("model."),
        "comment": told["detail"]["comment"],
        "at": told["at"],
        "by": told["actor"],
    }


def _routing(told: Told) -> dict[str, object]:
    return {
        "event_id": told["event_id"],
        "body": canonical_json(told["detail"]),
        "at": told["at"],
        "by": told["actor"],
    }


def _monitoring(told: Told) -> dict[str, object]:
    return {
        "event_id": told["event_id"],
        "model": id_of(told),
        "body": told["detail"]["report"],
        "at": told["at"],
    }


def _combination(told: Told) -> dict[str, object]:
    body = canonical_json(told["detail"]["combination"])
    if told["detail"]["digest"] != text_digest(body):
        raise ValueError("it tells of another combination than the one it names")
    return {
        "event_id": told["event_id"],
        "model": id_of(told),
        "body": body,
        "at": told["at"],
        "by": told["actor"],
    }


def _alarm(told: Told) -> dict[str, object]:
    detail = told["detail"]
    return {
        "event_id": told["event_id"],
        "lamp": id_of(told),
        "state": told["action"].removeprefix("alarm."),
        **{name: detail[name] for name in ("words", "model", "monitoring")},
        "at": told["at"],
    }


def _queued(told: Told) -> dict[str, object]:
    return {
        "job_id": told["event_id"],
        **{name: told["detail"][name] for name in ("kind", "cause")},
        "asked_by": told["actor"],
        "queued_at": told["at"],
    }


def _ended(told: Told) -> dict[str, object]:
    state = "done" if told["action"] == "job.finished" else "failed"
    said = {name: told["detail"][name] for name in ("kind", "words")}
    return {"state": state, **said, "attempts": told["detail"]["attempt"], "ended_at": told["at"]}


_MEASURED: Final = frozenset({"gate.passed", "gate.failed", "gate.undecided"})
_BODY: Final = frozenset({"body"})

TWINS: Final[tuple[Twin, ...]] = (
    Twin("disputes", frozenset({"label.disputed"}), _dispute),
    Twin("resolutions", frozenset({"label.resolved"}), _resolution),
    Twin("gates", _MEASURED, _gate, digested=_BODY),
    Twin("proposals", frozenset({"model.proposed", "model.declined"}), _proposal),
    Twin("routings", frozenset({"routing.set"}), _routing),
    Twin("monitorings", frozenset({"monitoring.made"}), _monitoring, digested=_BODY),
    Twin("combinations", frozenset({"combination.fitted"}), _combination),
    Twin("alarms", frozenset({"alarm.raised", "alarm.cleared"}), _alarm),
)
BATCHES: Final[tuple[Batch, ...]] = (
    Batch("labels", "label.collected", labels.lines, "collected_at"),
    Batch("passes", "case.passed", routings.passed_lines, "passed_at"),
)
CHANGING: Final[tuple[Changing, ...]] = (
    Changing(
        table="jobs",
        key="job_id",
        begun="job.queued",
        begin=_queued,
        ended=frozenset({"job.finished", "job.failed"}),
        end=_ended,
        has_ended="state IN ('done', 'failed') OR ended_at IS NOT NULL",
        kept=True,
    ),
)
