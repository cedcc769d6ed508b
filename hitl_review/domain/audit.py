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
from datetime import UTC, datetime
from typing import Any, Final

import rfc8785

from hitl_review.errors import AuditError

FORMAT: Final = 1
GENESIS: Final = "0" * 64
"""The previous hash of the first event."""

ACTIONS: Final = frozenset(
    """log.opened project.configured case.received case.opened case.assigned prediction.made prediction.shown
    read.committed decision.accepted decision.overridden decision.deferred decision.amended outcome.recorded
    label.collected model.trained gate.passed gate.failed model.promoted model.rolled_back model.stopped
    cases.rescored study.frozen study.locked study.unsealed account.created account.disabled session.opened
    session.refused signature.refused audit.viewed audit.exported checkpoint.published key.rotated
    clock.regressed data.exported backup.made""".split()
)
"""Every action an event may tell of. More may be added; none is renamed."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
_SUBJECT = re.compile(r"[a-z_]+:[^\s\x00-\x1f]{1,200}")
_KEYS: Final = ("format", "seq", "event_id", "at", "actor", "role", "action", "subject", "detail")


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


def canonical_json(value: object) -> str:
    """Return the one text of a JSON value (RFC 8785), so that equal values have equal digests.

    NaN, infinities, integers from 2**53 on and lone surrogates are no JSON and raise AuditError.

    >>> canonical_json({"b": 1.0, "a": None})
    '{"a":null,"b":1}'
    """
    try:
        return rfc8785.dumps(value).decode()  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise AuditError(f"A value can't be written as canonical JSON: {error}. Store it as text or null.") from error


def text_digest(text: str) -> str:
    """Return `sha256:<hex>` of a text's UTF-8 bytes."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def digest(value: object) -> str:
    """Return `sha256:<hex>` of a value's canonical JSON."""
    return text_digest(canonical_json(value))


def lines_digest(values: list[object]) -> str:
    """Return `sha256:<hex>` of canonical JSON lines: how one event stands for a whole batch."""
    return text_digest("".join(canonical_json(value) + "\n" for value in values))


def chain_hash(prev_hash: str, payload: str) -> str:
    """Return the hash of an event: SHA-256 of the previous hash, a line feed and the payload."""
    return hashlib.sha256(f"{prev_hash}\n{payload}".encode()).hexdigest()


def stamp(moment: datetime) -> str:
    """Write a moment as the log does: UTC with microseconds, `2026-11-22T09:12:03.000001Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Read a moment that `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


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
        raise AuditError(f"'{action}' is not an action of the log. Choose one of {', '.join(sorted(ACTIONS))}.")
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
    if event.seq != head.size + 1:
        return f"event {head.size + 1} is missing: the next one is numbered {event.seq}"
    if event.prev_hash != head.hash:
        return "its previous hash is not the hash of the event before it"
    if event.hash != chain_hash(event.prev_hash, event.payload):
        return "its hash is not the hash of its payload"
    return None


def payload_fault(event: Event) -> str | None:
    """Say what is wrong inside an event's payload, or None: canonical text, right keys, columns agree."""
    try:
        told = json.loads(event.payload)
        canonical = canonical_json(told)
    except (ValueError, AuditError):
        return "its payload is not JSON"
    if canonical != event.payload:
        return "its payload is not in canonical form"
    if not isinstance(told, dict) or set(told) != set(_KEYS):
        return "its payload lacks a key, or has one too many"
    if told["format"] != FORMAT:
        return f"its format is {told['format']!r}; this program reads format {FORMAT}"
    if (told["seq"], told["event_id"]) != (event.seq, event.event_id):
        return "its columns and its payload disagree"
    return None if told["action"] in ACTIONS else f"its action {told['action']!r} is unknown to this program"
