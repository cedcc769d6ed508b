"""Events of the log as FHIR R4 `AuditEvent` resources, in the shape that IHE's Basic Audit (BALP) gives them.

Each resource has the client and the server as agents, the person where there is one, the record as
entity and the patient where the event is about a case; the event's hash stands in the entity's details, so
that a resource found elsewhere leads back to the log. The comment does not leave this way: take the bundle.
BALP asks for the network address of both machines; the log knows that of who signs in and no other, so that
elsewhere it is said to be unknown.

    HL7 FHIR R4 AuditEvent; IHE ITI Basic Audit Log Patterns 1.1
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from hitl_review.domain.audit import Event

_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
TYPES: Final = f"{_TERMINOLOGY}/audit-event-type"
INTERACTIONS: Final = "http://hl7.org/fhir/restful-interaction"
PARTICIPATION: Final = f"{_TERMINOLOGY}/v3-ParticipationType"
ENTITY_TYPES: Final = f"{_TERMINOLOGY}/audit-entity-type"
OBJECT_ROLES: Final = f"{_TERMINOLOGY}/object-role"
SOURCE_ROLE, DESTINATION_ROLE = "110153", "110152"
ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


@dataclass(frozen=True, slots=True)
class Pattern:
    """How one kind of event is told: coded type and subtype, action letter, what the person is in it."""

    type: tuple[str, str]
    subtype: tuple[str, str]
    action: str
    person: str


_CREATE: Final = Pattern((TYPES, "rest"), (INTERACTIONS, "create"), "C", "AUT")
_UPDATE: Final = Pattern((TYPES, "rest"), (INTERACTIONS, "update"), "U", "AUT")
_READ: Final = Pattern((TYPES, "rest"), (INTERACTIONS, "read"), "R", "IRCP")
_EXECUTE: Final = Pattern((TYPES, "rest"), (INTERACTIONS, "operation"), "E", "AUT")
_EXPORT: Final = Pattern((DICOM, "110106"), (DICOM, "110106"), "R", "IRCP")
_LOGIN: Final = Pattern((DICOM, "110114"), (DICOM, "110122"), "E", "IRCP")
_LOGOUT: Final = Pattern((DICOM, "110114"), (DICOM, "110123"), "E", "IRCP")

_PATTERNS: Final[Mapping[str, Pattern]] = {
    **dict.fromkeys(("case.opened", "prediction.shown", "audit.viewed", "audit.sampled"), _READ),
    **dict.fromkeys(
        ("audit.exported", "data.exported", "backup.made", "receipt.issued", "study.exported"), _EXPORT
    ),
    **dict.fromkeys(("session.opened", "session.refused"), _LOGIN),
    "session.closed": _LOGOUT,
    **dict.fromkeys(("account.disabled", "account.enabled", "account.changed", "password.set"), _UPDATE),
    **dict.fromkeys(
        (
            "read.committed",
            "decision.accepted",
            "decision.overridden",
            "decision.deferred",
            "decision.amended",
            "case.received",
            "outcome.recorded",
            "prediction.made",
            "account.created",
        ),
        _CREATE,
    ),
}
"""What is not named here was carried out: `operation`, E."""
_REFUSED: Final = frozenset(
    {"session.refused", "signature.refused", "backup.failed", "job.failed", "gate.failed"}
)
_TOLD: Final = (
    "outcome",
    "label",
    "label_shown",
    "reason",
    "model",
    "supersedes",
    "shown_digest",
    "purpose",
    "count",
)
"""What of an event's detail is told beside its hash, where it is there."""


def audit_event(event: Event, *, origin: str, people: Mapping[str, str]) -> dict[str, Any]:
    """Return an event as an AuditEvent; `origin` is the log's id, `people` the printed names by account."""
    told = event.told
    pattern = _PATTERNS.get(told["action"], _EXECUTE)
    return {
        "resourceType": "AuditEvent",
        "id": f"event-{event.seq}",
        "type": _coding(*pattern.type),
        "subtype": [_coding(*pattern.subtype)],
        "action": pattern.action,
        "recorded": told["at"],
        "outcome": "4" if told["action"] in _REFUSED else "0",
        "outcomeDesc": told["action"],
        "agent": _agents(told, pattern, people),
        "source": {"site": origin, "observer": {"display": "hitl-review"}},
        "entity": _entities(event, told),
    }


def _coding(system: str, code: str) -> dict[str, str]:
    return {"system": system, "code": code}


def _agents(told: Mapping[str, Any], pattern: Pattern, people: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return who took part. Where something is read, the server is the source and the client the destination."""
    client, server = (DESTINATION_ROLE, SOURCE_ROLE) if pattern.action == "R" else (SOURCE_ROLE, DESTINATION_ROLE)
    person = told["actor"] != "system"
    agents = [
        {**_machine("hitl-review pages", client, requestor=False), "network": _network(told["detail"])},
        {**_machine("hitl-review server", server, requestor=not person), "network": _network({})},
    ]
    if person:
        agents.append(
            {
                "type": {"coding": [_coding(PARTICIPATION, pattern.person)]},
                "role": [{"text": told["role"]}],
                "who": {"identifier": {"value": told["actor"]}},
                "name": people.get(told["actor"], told["actor"]),
                "requestor": True,
            }
        )
    return agents


def _machine(name: str, role: str, *, requestor: bool) -> dict[str, Any]:
    return {"type": {"coding": [_coding(DICOM, role)]}, "who": {"display": name}, "requestor": requestor}


def _network(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the address (type 2: IP) that an event's detail tells; where it tells none, that it is unknown."""
    try:
        return {"address": str(ip_address(str(detail.get("address")))), "type": "2"}
    except ValueError:
        return {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}


def _entities(event: Event, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    kind, _, name = str(told["subject"]).partition(":")
    record = {
        "what": {"identifier": {"value": event.event_id if kind == "case" else told["subject"]}},
        "type": _coding(ENTITY_TYPES, "2"),
        "role": _coding(OBJECT_ROLES, "4"),
        "detail": _details(event, told["detail"]),
    }
    if kind != "case":
        return [record]
    patient = {
        "what": {"identifier": {"value": name}},
        "type": _coding(ENTITY_TYPES, "1"),
        "role": _coding(OBJECT_ROLES, "1"),
    }
    return [record, patient]


def _details(event: Event, detail: Mapping[str, Any]) -> list[dict[str, str]]:
    told = {
        "seq": event.seq,
        "event_id": event.event_id,
        "audit_hash": event.hash,
        "prev_hash": event.prev_hash,
    }
    kept = {
        name: detail[name] for name in _TOLD if isinstance(detail.get(name), str | int) and detail[name] != ""
    }
    signature = detail.get("signature")
    if isinstance(signature, Mapping):
        kept |= {f"signed_{name}": str(signature.get(name)) for name in ("name", "meaning", "at")}
    return [{"type": name, "valueString": str(value)} for name, value in {**told, **kept}.items()]
