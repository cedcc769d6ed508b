"""What an AuditEvent must be, beyond what validators of its structure look at: codes, counts, invariants.

`fhir.resources` judges names and types; it lets through an outcome of "99", no agent at all, and an entity
with both a name and a query. These rules close that.

    HL7 FHIR R4 AuditEvent (value sets, sev-1, ele-1); IHE ITI Basic Audit Log Patterns 1.1
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hitl_review.workflow.audit_events import (
    ABSENT,
    DESTINATION_ROLE,
    DICOM,
    ENTITY_TYPES,
    OBJECT_ROLES,
    PARTICIPATION,
    SOURCE_ROLE,
)

_INSTANT: Final = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]+)?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")
_ACTIONS: Final = frozenset("CRUDE")
_OUTCOMES: Final = frozenset({"0", "4", "8", "12"})
_NETWORKS: Final = frozenset("12345")
_ENTITY_TYPES: Final = frozenset({"1", "2", "3", "4"})
_ROLES: Final = frozenset(str(number) for number in range(1, 25))
_PERSON: Final[Mapping[str, frozenset[str]]] = {
    "C": frozenset({"AUT", "INF", "CST"}),
    "U": frozenset({"AUT", "INF", "CST"}),
    "R": frozenset({"IRCP"}),
    "E": frozenset({"AUT", "INF", "CST", "IRCP"}),
}
"""What the person is in each kind of act, by BALP's patterns."""


def faults_of(resource: Mapping[str, Any]) -> list[str]:
    """Return everything that is wrong with an AuditEvent; nothing, if it is as it must be."""
    checks = (_empties(resource, "AuditEvent"), _head(resource), _agents(resource), _entities(resource))
    return [fault for check in checks for fault in check]


def _empties(value: Any, place: str) -> Iterator[str]:
    """Yield every element that holds nothing (ele-1)."""
    if value is None or (isinstance(value, str | list | Mapping) and not value):
        yield f"{place} is empty"
    for name, each in (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from _empties(each, f"{place}.{name}")


def _head(resource: Mapping[str, Any]) -> Iterator[str]:
    if resource.get("action") not in _ACTIONS:
        yield "action is none of C, R, U, D, E"
    if resource.get("outcome") not in _OUTCOMES:
        yield "outcome is none of 0, 4, 8, 12"
    if not _INSTANT.fullmatch(str(resource.get("recorded"))):
        yield "recorded is no instant with a time zone"
    if not _ID.fullmatch(str(resource.get("id", "x"))):
        yield "id is no FHIR id"
    for coding in (resource.get("type"), *resource.get("subtype", [])):
        if not isinstance(coding, Mapping) or not coding.get("system") or not coding.get("code"):
            yield "type or subtype has no system or no code"
    if not resource.get("source", {}).get("observer"):
        yield "source has no observer"


def _agents(resource: Mapping[str, Any]) -> Iterator[str]:
    agents = resource.get("agent") or []
    codes = [_code(agent.get("type", {}).get("coding", [{}])[0]) for agent in agents]
    for role, name in ((SOURCE_ROLE, "source"), (DESTINATION_ROLE, "destination")):
        if codes.count((DICOM, role)) != 1:
            yield f"there is not exactly one {name} among the agents"
    people = [code for system, code in codes if system == PARTICIPATION]
    if len(people) > 1:
        yield "there is more than one person among the agents"
    if any(code not in _PERSON.get(resource.get("action", ""), frozenset()) for code in people):
        yield "the person is not what the act makes of them"
    if sum(agent.get("requestor") is True for agent in agents) != 1:
        yield "there is not exactly one requestor"
    for agent in agents:
        if not isinstance(agent.get("requestor"), bool) or not agent.get("who"):
            yield "an agent does not say who it is, or whether it asked"
    for (system, _), agent in zip(codes, agents, strict=True):
        if (system == DICOM) != bool(agent.get("network")):
            yield "a machine among the agents has no network, or a person has one"
        elif system == DICOM and not _is_network(agent["network"]):
            yield "an agent's network is of no known type"


def _is_network(network: Mapping[str, Any]) -> bool:
    """Tell whether a network names an address of a known type, or says that it is unknown."""
    if "extension" in network:
        return [each.get("url") for each in network["extension"]] == [ABSENT]
    return bool(network.get("address")) and network.get("type") in _NETWORKS


def _entities(resource: Mapping[str, Any]) -> Iterator[str]:
    entities = resource.get("entity") or []
    if sum(_code(entity.get("role", {})) == (OBJECT_ROLES, "4") for entity in entities) != 1:
        yield "there is not exactly one record among the entities"
    if sum(_code(entity.get("role", {})) == (OBJECT_ROLES, "1") for entity in entities) > 1:
        yield "there is more than one patient among the entities"
    for entity in entities:
        if entity.get("name") and entity.get("query"):
            yield "an entity has both a name and a query (sev-1)"
        if _code(entity.get("type", {})) not in {(ENTITY_TYPES, code) for code in _ENTITY_TYPES}:
            yield "an entity is of no known type"
        if _code(entity.get("role", {})) not in {(OBJECT_ROLES, code) for code in _ROLES}:
            yield "an entity has no known role"
        if any(not each.get("type") or not each.get("valueString") for each in entity.get("detail", [])):
            yield "a detail of an entity has no type or no value"


def _code(coding: Mapping[str, Any]) -> tuple[str, str]:
    return str(coding.get("system", "")), str(coding.get("code", ""))
