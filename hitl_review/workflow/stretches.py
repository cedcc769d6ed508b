"""One stretch of the log is walked, event by event: links, payloads, time, rows, and what it says of checkpoints.

A stretch begins behind one event and ends with another; it needs of what came before only that one
event. So a short log is one stretch, and the stretches of a long one can be walked side by side.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from hitl_review.domain.account import ACTS, SYSTEM, Role, may
from hitl_review.domain.audit import ACTIONS, GENESIS, link_fault, told_fault
from hitl_review.domain.canonical import parse_canonical, written_alike
from hitl_review.domain.checkpoint import Frontier
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError
from hitl_review.store import counterparts, inspection
from hitl_review.store.audit import REFUSED
from hitl_review.store.connection import Store, concerns_file, sqlite3
from hitl_review.workflow.checkpointing import raw_hash
from hitl_review.workflow.job_order import JobTold
from hitl_review.workflow.log_keys import key_that_signed
from hitl_review.workflow.reconciling import COMPARED, Reconciliation
from hitl_review.workflow.twins.keys import KEYS

MOST_PROBLEMS: Final = 1_000
"""After so many problems the check stops: the file is wrong as a whole."""
_ROLES: Final = {
    action: frozenset(role.value for role in Role if may(role, permission))
    for action, permission in ACTS.items()
}
"""For each action that takes a permission, the roles that have it."""
_ANSWERS: Final = frozenset(
    {"decision.accepted", "decision.overridden", "decision.deferred", "decision.amended"}
)
_SIGNED: Final = _ANSWERS | {"model.promoted", "model.rolled_back", "model.stopped"}
_ABOUT_THE_LOG: Final = frozenset({"log.opened", "clock.regressed", "key.rotated", "checkpoint.published"})
STEP: Final = 4_096
Done = Callable[[int], None]
"""Told how many events of the stretch are walked."""


@dataclass(slots=True)
class Walked:
    """What a stretch was found to hold: the problems, and what the checks of the whole log need of it."""

    chain: list[Problem] = field(default_factory=list)
    told: list[Problem] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    """How many rows of each table its events tell of."""
    opened: dict[str, tuple[str, str]] = field(default_factory=dict)
    """The case that each actor opened last, and when."""
    unknown: Counter[str] = field(default_factory=Counter)
    opening: dict[str, Any] = field(default_factory=dict)
    """The detail of the first event, if it is in this stretch."""
    rotations: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    """Number, previous hash and detail of each change of the key."""
    checkpoints: list[tuple[int, dict[str, Any], str]] = field(default_factory=list)
    """Number, detail and proved key of each checkpoint; the key is empty where no signature held."""
    places: dict[int, tuple[Frontier, str]] = field(default_factory=dict)
    """At the sizes somebody asks for: the tree over this stretch alone, and the head."""
    frontier: Frontier = field(default_factory=Frontier)
    whole: bool = True
    """Whether it was walked to its end."""
    actors: dict[str, int] = field(default_factory=dict)
    """The first event in the name of each actor and role, which are joined by a line feed."""
    set_back: bool = False
    """Whether a clock that was set back is told of."""
    more: Counter[str] = field(default_factory=Counter)
    """How many events tell of something that this program does not know: action and key, joined by a line feed."""
    jobs: list[JobTold] = field(default_factory=list)
    """What its events tell of jobs, in order."""

    @property
    def too_many(self) -> bool:
        """Whether so much is wrong that looking on tells nothing more."""
        return len(self.chain) + len(self.told) >= MOST_PROBLEMS


def walk(
    store: Store,
    *,
    after: int | None = None,
    upto: int | None = None,
    sizes: Collection[int] = (),
    key: str = "",
    done: Done = lambda count: None,
) -> Walked:
    """Walk the events behind `after` and up to `upto`, all of them by default.

    `sizes` are those at which the tree is asked for, besides those of the log's own checkpoints; `key`
    is the public key (base64) that the log began with, for a check of signatures.

    Where anything is wrong, the stretch is walked once more by the slower way of reading, to which no text in the
    file is unreadable: what is said of a damaged log does not depend on which way is taken.
    """
    asked = store, frozenset(sizes), key, after, upto, done
    found = _walked(*asked, inspection.strictly_text(store))
    return _walked(*asked, nullcontext()) if found.chain or found.told else found


def _walked(
    store: Store,
    sizes: frozenset[int],
    key: str,
    after: int | None,
    upto: int | None,
    done: Done,
    reading: AbstractContextManager[None],
) -> Walked:
    found = Walked()
    try:
        walking = _Walk(store, found, sizes, key, after, done)
        with reading:
            walking.go(after, upto)
    except sqlite3.DatabaseError as error:
        if not concerns_file(error):
            raise
        found.chain.append(Problem(None, "unreadable", f"the log can't be read to the end: {error}"))
        found.whole = False
    return found


def trusted(payload: str) -> Any:
    """Return the value that a text is the canonical JSON of; AuditError if it is not exactly that.

    Where every number is one that all encoders write alike, orjson writes what RFC 8785 asks, and it reads
    and writes a payload in a fifth of the time; it says yes, or leaves the question to `domain`.
    """
    if isinstance(payload, str) and payload.isascii() and "\\u0000" not in payload:
        try:
            value = orjson.loads(payload)
            same = (
                written_alike(value) and orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == payload.encode()
            )
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
            same = False
        if same:
            return value  # orjson writes nothing that is as deep as `domain` allows
    return parse_canonical(payload)


class _Walk:
    """Where a walk stands: the last event, its time, and the leaves that no tree was made of yet."""

    def __init__(
        self, store: Store, found: Walked, sizes: frozenset[int], key: str, after: int | None, done: Done
    ) -> None:
        self._found, self._sizes, self._key, self._done = found, sizes, key, done
        self._reconciliation = Reconciliation(store)
        self._leaves: list[bytes] = []
        self._size, self._head, self._before = (0, GENESIS, "") if after is None else _standing(store, after)
        self._store = store
        self._disabled, self._names = _disabled(store), _names(store)

    def go(self, after: int | None, upto: int | None) -> None:
        """Walk to the end of the stretch, or until there are too many problems."""
        found = self._found
        for count, event in enumerate(inspection.raw_events(self._store, after=after, upto=upto), start=1):
            self._step(*event)
            if found.too_many:
                found.whole = False
                break
            if count % STEP == 0:
                self._done(count)
        found.frontier = self._grown()
        found.rows, found.opened = self._reconciliation.told, self._reconciliation.opened
        found.jobs = self._reconciliation.jobs

    def _step(self, seq: int, event_id: str, prev_hash: str, payload: str, event_hash: str) -> None:
        found, size = self._found, self._size
        fault = link_fault(size, self._head, seq, prev_hash, payload, event_hash)
        if fault is not None:
            found.chain.append(Problem(min(seq, size + 1), "chain", fault))
        try:
            told = trusted(payload)
            fault = told_fault(told, seq, event_id)
        except AuditError as error:
            fault = f"its payload can't be trusted: {error}"
        if fault is not None:
            found.told.append(Problem(seq, "payload", fault))
        else:
            self._hear(seq, prev_hash, told)
        self._leaves.append(raw_hash(event_hash))
        self._size, self._head = seq, event_hash
        if seq in self._sizes:
            found.places[seq] = (self._grown(), event_hash)

    def _hear(self, seq: int, prev_hash: str, told: dict[str, Any]) -> None:
        """Check who acted, when, and the rows that an event tells of."""
        found, action, actor, role = self._found, told["action"], told["actor"], told["role"]
        found.actors.setdefault(f"{actor}\n{role}", seq)
        allowed = _ROLES.get(action)
        if allowed is not None and role not in allowed:
            found.told.append(Problem(seq, "authority", "the role that it is told in may not do that"))
        if actor in self._disabled and action != REFUSED and _is_within(seq, self._disabled[actor]):
            found.told.append(Problem(seq, "authority", "the account of who acted was disabled then"))
        if seq == 1 or told["at"] < self._before or action in _ABOUT_THE_LOG:
            found.told.extend(order_problems(seq, told, self._before))
        self._before = told["at"]
        if action in _ABOUT_THE_LOG or action not in ACTIONS:
            self._hear_of_the_log(seq, prev_hash, told)
        known = KEYS.get(action)
        if known is not None and not known.issuperset(told["detail"]):
            found.more.update(f"{action}\n{key}" for key in told["detail"] if key not in known)
        if action in COMPARED:
            differing = self._reconciliation.compare(seq, told)
            found.told.extend(differing)
            if not differing and action in _SIGNED:
                found.told.extend(signature_problems(seq, told, self._names.get(actor)))

    def _hear_of_the_log(self, seq: int, prev_hash: str, told: dict[str, Any]) -> None:
        found, action, detail = self._found, told["action"], told["detail"]
        if action not in ACTIONS:
            found.unknown[action] += 1
        if seq == 1:
            found.opening = detail
            self._key = str(detail.get("public_key"))
        if action == "clock.regressed":
            found.set_back = True
        if action == "key.rotated":
            found.rotations.append((seq, prev_hash, detail))
        if action == "checkpoint.published":
            found.places[seq - 1] = (self._grown(), prev_hash)
            proved = key_that_signed(detail, (str(detail.get("key")), self._key))
            found.checkpoints.append((seq, detail, proved))

    def _grown(self) -> Frontier:
        self._found.frontier = self._found.frontier.grown(self._leaves)
        self._leaves = []
        return self._found.frontier


def _disabled(store: Store) -> dict[str, list[tuple[int, int]]]:
    """Return between which events each account was disabled; what can't be read is told of where rows are compared."""
    try:
        return counterparts.disabled_spans(store)
    except sqlite3.DatabaseError:
        return {}


def _names(store: Store) -> dict[str, str]:
    try:
        return counterparts.printed_names(store)
    except sqlite3.DatabaseError:
        return {}


def signature_problems(seq: int, told: dict[str, Any], name: str | None) -> Iterator[Problem]:
    """Yield where an act that is signed bears another's name or time, or is not called by its answer."""
    if not _is_signed_by(told, name):
        yield Problem(seq, "authority", "its signature is not that of who acted, at that time")
    action, detail = told["action"], told["detail"]
    if action in _ANSWERS and action != _called(detail["outcome"], detail["supersedes"]):
        yield Problem(seq, "payload", "it is called another answer than the one that it tells of")


def _called(answer: str, supersedes: str | None) -> str:
    """Return the action of a decision; a change of mind has one name, whatever the new answer is."""
    return f"decision.{answer}" if supersedes is None else "decision.amended"


def _is_signed_by(told: dict[str, Any], name: str | None) -> bool:
    """Tell whether an act bears the printed name of who acted and its time; the product itself signs nothing."""
    signature = told["detail"].get("signature")
    if told["actor"] == SYSTEM.account_id:
        return signature is None
    return isinstance(signature, dict) and (signature.get("name"), signature.get("at")) == (name, told["at"])


def _is_within(seq: int, spans: list[tuple[int, int]]) -> bool:
    return any(first < seq <= last for first, last in spans)


def _standing(store: Store, after: int) -> tuple[int, str, str]:
    """Return number and hash of the last event before a stretch, and the last time that can be trusted."""
    size, head = 0, GENESIS
    for place, (seq, event_id, _, payload, event_hash) in enumerate(inspection.raw_events_back(store, after)):
        if place == 0:
            size, head = seq, event_hash
        try:
            told = parse_canonical(payload)
        except AuditError:
            continue
        if told_fault(told, seq, event_id) is None:
            return size, head, told["at"]
    return size, head, ""


def order_problems(seq: int, told: dict[str, Any], before: str) -> Iterator[Problem]:
    """Yield where an event does not stand where it may, or not in the order of time; `before` is the time before."""
    if (seq == 1) != (told["action"] == "log.opened"):
        yield Problem(seq, "payload", "log.opened must be the first event, and only that")
    regressed = told["action"] == "clock.regressed"
    if told["at"] < before and not regressed:
        yield Problem(
            seq, "clock", "its time is before that of the event before it, and no clock.regressed says so"
        )
    if regressed and (told["detail"].get("previous_at"), told["detail"].get("at")) != (before, told["at"]):
        yield Problem(seq, "clock", "it tells of another time than its own, or that of the event before it")
    if not _is_about_the_log(told):
        yield Problem(seq, "payload", f"it is about another thing than '{told['action']}' is")


def _is_about_the_log(told: dict[str, Any]) -> bool:
    """Tell whether an event about the log names what such events name; what a log is called at first is random."""
    action, subject = told["action"], str(told["subject"])
    if action == "checkpoint.published":
        return subject == f"checkpoint:{told['detail'].get('size')}"
    if action == "clock.regressed":
        return subject == "log:clock"
    return action not in ("log.opened", "key.rotated") or subject.startswith("log:")
