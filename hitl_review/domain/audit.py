"""The audit log as a chain of events: what an event is, and when a chain holds.

Each event's hash covers the hash before it, so a changed, removed or reordered event no longer
fits its neighbours. The chain shows *that* history was altered and where; it can't stop someone
who rewrites every later event, and it can't show a tail that was cut off: for these an external
checkpoint is needed. Format and guarantees: the audit-log specification, format 1.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

import orjson

from hitl_review.domain.canonical import canonical_json, digest, lines_digest, parse_canonical, text_digest
from hitl_review.errors import AuditError

__all__ = [
    "ACTIONS",
    "FORMAT",
    "GENESIS",
    "Event",
    "Head",
    "canonical_json",
    "chain_hash",
    "check_token",
    "digest",
    "fault_of",
    "lines_digest",
    "link_fault",
    "moment",
    "next_event",
    "payload_fault",
    "stamp",
    "text_digest",
    "told_fault",
]

FORMAT: Final = 1
GENESIS: Final = "0" * 64
"""The previous hash of the first event."""

_ACTION_NAMES: Final = """
    log.opened project.configured case.received case.opened case.assigned prediction.made prediction.shown
    read.committed decision.accepted decision.overridden decision.deferred decision.amended outcome.recorded
    label.collected model.trained gate.passed gate.failed model.promoted model.rolled_back model.stopped
    cases.rescored study.frozen study.locked study.unsealed account.created account.disabled session.opened
    session.refused signature.refused audit.viewed audit.exported checkpoint.published key.rotated
    clock.regressed data.exported backup.made backup.failed
    account.enabled account.changed password.set session.closed signature.given
    audit.sampled sample.reviewed receipt.issued
    identity.linked identity.unlinked
    label.disputed label.resolved job.queued job.started job.finished job.failed gate.undecided model.proposed
    model.declined routing.set case.passed case.sampled alarm.raised alarm.cleared monitoring.made
    combination.fitted
    study.drafted study.amended study.started study.read study.progressed study.reported study.exported
    study.outputs_fixed study.scheduled study.sealed study.opened study.shown study.washout_waived"""
ACTIONS: Final = frozenset(_ACTION_NAMES.split())
"""Every action an event may tell of. More may be added; none is renamed."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SUBJECT = re.compile(r"[a-z_]+:[^\s\x00-\x1f]{1,200}")
_ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
_DAY: Final = r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_AT = re.compile(_DAY + r"T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}\.[0-9]{6}Z")
_SHAPES: Final = re.compile("\n".join(each.pattern for each in (_AT, _TOKEN, _SUBJECT)))
"""Time, id and subject of an event on three lines, none of which can hold a line's end: asked at once."""
_NO_TIME: Final = "its time is not written as the format asks"
_KEYS: Final = frozenset(("format", "seq", "event_id", "at", "actor", "role", "action", "subject", "detail"))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, told once, as it is stored: the payload is the text that was hashed."""

    seq: int
    event_id: str
    prev_hash: str
    payload: str
    hash: str

    @property
    def told(self) -> dict[str, Any]:
        """The payload as an object: `at`, `actor`, `role`, `action`, `subject`, `detail` and the rest."""
        parsed: dict[str, Any] = json.loads(self.payload)
        return parsed


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the log: how many events there are, the last one's hash and time."""

    size: int = 0
    hash: str = GENESIS
    at: datetime | None = None


def chain_hash(prev_hash: str, payload: str) -> str:
    """Return the hash of an event: SHA-256 of the previous hash, a line feed and the payload.

    Bytes that are no UTF-8, which only a damaged file holds, are hashed as they stand there when
    they were read with `surrogateescape`.
    """
    return hashlib.sha256(f"{prev_hash}\n{payload}".encode(errors="surrogateescape")).hexdigest()


def stamp(moment: datetime) -> str:
    """Write a moment as the log does: UTC with microseconds, `2026-11-22T09:12:03.000001Z`.

    A moment without a time zone would be taken for local time, so it raises AuditError.
    """
    if moment.tzinfo is None:
        raise AuditError("A moment without a time zone can't stand in the log. Use `datetime.now(UTC)`.")
    at_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    text = orjson.dumps(at_utc, option=orjson.OPT_UTC_Z).decode()[1:-1]
    return text if moment.microsecond else f"{text[:-1]}.000000Z"


def moment(text: str) -> datetime:
    """Read a moment that `stamp` wrote."""
    return datetime.fromisoformat(text).astimezone(UTC)


def check_token(token: str) -> str:
    """Return the token if it can serve as an event's id: 8 to 64 letters, digits, hyphens, underscores."""
    if not _TOKEN.fullmatch(token):
        raise AuditError("A token must be 8 to 64 letters, digits, hyphens or underscores. Use a fresh UUID.")
    return token


def next_event(
    head: Head,
    *,
    event_id: str,
    at: datetime,
    actor: str,
    role: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> Event:
    """Return the event that continues a log after `head`."""
    if action not in ACTIONS:
        raise AuditError(
            f"'{action}' is not an action of the log. Choose one of {', '.join(sorted(ACTIONS))}."
        )
    if not _SUBJECT.fullmatch(subject):
        raise AuditError("An event's subject must read kind:id without spaces, for instance case:C-0042.")
    seq = head.size + 1
    payload = canonical_json(
        {
            "format": FORMAT,
            "seq": seq,
            "event_id": check_token(event_id),
            "at": stamp(at),
            "actor": actor,
            "role": role,
            "action": action,
            "subject": subject,
            "detail": dict(detail),
        }
    )
    return Event(seq, event_id, head.hash, payload, chain_hash(head.hash, payload))


def fault_of(event: Event, head: Head) -> str | None:
    """Say why an event does not continue a log after `head`, or None if it does."""
    return link_fault(head.size, head.hash, event.seq, event.prev_hash, event.payload, event.hash)


def link_fault(size: int, head: str, seq: int, prev_hash: str, payload: str, event_hash: str) -> str | None:
    """Say why columns do not continue a log of `size` events that ends in the hash `head`, or None.

    `fault_of` for whoever checks a million rows and makes no object of each.
    """
    if seq != size + 1:
        return f"event {size + 1} is missing: the next one is numbered {seq}"
    if prev_hash != head:
        return "its previous hash is not the hash of the event before it"
    if event_hash != chain_hash(prev_hash, payload):
        return "its hash is not the hash of its payload"
    return None


def payload_fault(event: Event) -> str | None:
    """Say what is wrong inside an event's payload, or None: canonical text, right keys, columns agree."""
    try:
        told = parse_canonical(event.payload)
    except AuditError as error:
        return f"its payload can't be trusted: {error}"
    return told_fault(told, event.seq, event.event_id)


def told_fault(told: Any, seq: int, event_id: str) -> str | None:
    """Say where a payload is not what the format asks for, or not what its columns say, or None."""
    if not isinstance(told, dict) or told.keys() != _KEYS:
        return "its payload lacks a key, or has one too many"
    if told["format"] is True or told["format"] != FORMAT:
        return f"its format is {told['format']!r}; this program reads format {FORMAT}"
    if told["seq"] is True or type(event_id) is not str or (told["seq"], told["event_id"]) != (seq, event_id):
        return "its columns and its payload disagree"
    at, action, subject = told["at"], told["action"], told["subject"]
    if type(at) is not str:
        return _NO_TIME
    texts = type(told["actor"]) is type(told["role"]) is type(action) is type(subject) is str
    if not texts or not isinstance(told["detail"], dict):
        return "its actor, role, action, subject or detail is of the wrong kind"
    if at[8:10] < "29" and action in ACTIONS and _SHAPES.fullmatch(f"{at}\n{event_id}\n{subject}"):
        return None
    return _shape_fault(told)


def _shape_fault(told: dict[str, Any]) -> str | None:
    """Say which text of a payload is written as no event's is, or None: such a one would be read as another."""
    if not _AT.fullmatch(told["at"]):
        return _NO_TIME
    if not _is_a_day(told["at"][:10]):
        return "its time is on a day that no calendar has"
    if not _TOKEN.fullmatch(told["event_id"]):
        return "its event id is no token"
    if not _SUBJECT.fullmatch(told["subject"]):
        return "its subject does not read kind:id"
    if told["action"] not in ACTIONS and not _ACTION.fullmatch(told["action"]):
        return "its action does not read noun.past"
    return None


def _is_a_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
