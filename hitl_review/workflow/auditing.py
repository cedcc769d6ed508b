"""The log is checked, and read. Verification only looks: it writes nothing, not even an event.

`verify` finds what contradicts itself inside one database file. A log that was cut short, or written
anew from some event on by somebody who holds the file, does not: for that one needs a checkpoint
that was kept elsewhere, and every result says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import ACTIONS, GENESIS, Event, link_fault, told_fault
from hitl_review.domain.canonical import parse_canonical
from hitl_review.domain.verification import TRUNCATION, Problem, Verification
from hitl_review.errors import AuditError
from hitl_review.store import audit, inspection
from hitl_review.store.connection import DATABASE, Store, concerns_file, schema_faults, sqlite3
from hitl_review.workflow.checkpointing import Held, checkpoint_problems, held_in, held_in_log, named
from hitl_review.workflow.reconciling import Reconciliation
from hitl_review.workflow.workspace import Workspace

__all__ = ["Problem", "Progress", "Verification", "history", "line_of", "printable", "verify", "verify_file"]

MOST_PROBLEMS: Final = 1_000
"""After so many problems the check stops: the file is wrong as a whole."""
UNANCHORED: Final = 150
"""More events than this after the last checkpoint mean that publishing fails: one is due every hundred."""
_STEP: Final = 4_096
_ON_ONE_LINE: Final = (
    "outcome",
    "label",
    "reason",
    "probability",
    "name",
    "role",
    "purpose",
    "count",
    "model",
    "previous_at",
)
"""What of an event's detail stands on its line, in this order."""
Progress = Callable[[int, int], None]
"""Told how many of how many steps are done; every event is two steps."""


def verify(
    workspace_folder: Path,
    *,
    checkpoints: Sequence[Path] = (),
    progress: Progress = lambda done, total: None,
) -> Verification:
    """Check a workspace's database: schema, pages, chain, payloads, every row against its event, and checkpoints.

    `checkpoints` are files of notes that were kept elsewhere: only they show that the log was cut short or
    written anew. Works on a database whose schema was altered, which no other step opens. Raises
    WorkspaceMissing or AuditError when the check can't be made.
    """
    return verify_file(workspace_folder / DATABASE, checkpoints=checkpoints, progress=progress)


def verify_file(
    path: Path, *, checkpoints: Sequence[Path] = (), progress: Progress = lambda done, total: None
) -> Verification:
    """Check a database file as `verify` does, wherever it lies and whatever its name: a backup, say."""
    held = held_in(checkpoints)
    with inspection.opened(path) as store:
        try:
            return _verified(store, held, progress)
        except sqlite3.DatabaseError as error:
            raise AuditError(f"The check of {path} could not be finished ({error}). Try again.") from error


@dataclass(slots=True)
class _Told:
    """What the log's events told on the way: needed where the check of single events is over."""

    unknown: Counter[str] = field(default_factory=Counter)
    opening: dict[str, Any] = field(default_factory=dict)
    checkpoints: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def hear(self, seq: int, told: dict[str, Any]) -> None:
        """Keep what is needed of one event."""
        self.unknown.update({told["action"]} - ACTIONS)
        if seq == 1:
            self.opening = told["detail"]
        if told["action"] == "checkpoint.published":
            self.checkpoints.append((seq, told["detail"]))


def _verified(store: Store, held: Sequence[Held], progress: Progress) -> Verification:
    told = _Told()
    events, head = _end(store)
    steps = chain(
        _database_problems(store),
        _guarded("the chain", _chain_problems(store, lambda seq: progress(seq, 2 * events))),
        _guarded("the log", _told_problems(store, told, lambda seq: progress(events + seq, 2 * events))),
        _guarded("the checkpoints", _checkpoint_problems(store, held, told)),
    )
    problems = tuple(islice(steps, MOST_PROBLEMS))
    progress(2 * events, 2 * events)
    return Verification(events, head, problems, _warnings(len(problems), events, held, told), named(held))


def _checkpoint_problems(store: Store, held: Sequence[Held], told: _Told) -> Iterator[Problem]:
    """Check every checkpoint, those that somebody holds and those the log tells of, in one pass over the hashes."""
    own = list(held_in_log(told.checkpoints))
    yield from (each for each in own if isinstance(each, Problem))
    all_held = [*held, *(each for each in own if isinstance(each, Held))]
    if all_held:
        yield from checkpoint_problems(all_held, told.opening, inspection.hashes(store))


def _end(store: Store) -> tuple[int, str]:
    try:
        return inspection.log_end(store)
    except sqlite3.DatabaseError as error:
        if not concerns_file(error):
            raise
        return 0, GENESIS  # what is wrong with it is told where the chain is read


def _warnings(problems: int, events: int, held: Sequence[Held], told: _Told) -> tuple[str, ...]:
    warnings = [_truncation(held)]
    if problems >= MOST_PROBLEMS:
        warnings.append(f"the check stopped after {MOST_PROBLEMS:,} problems")
    last = max((seq for seq, _ in told.checkpoints), default=0)
    if events - last > UNANCHORED:
        warnings.append(
            f"no checkpoint was published for the last {events - last} events; see `hitl-review doctor`"
        )
    for action, count in sorted(told.unknown.items()):
        words = f"{count} events of the action {printable(action)!r}, which this program does not know"
        warnings.append(f"{words}, were checked as links of the chain only")
    return tuple(warnings)


def _truncation(held: Sequence[Held]) -> str:
    """Say what can't be told: without a checkpoint about the whole log, with one about what came after it."""
    if not held:
        return TRUNCATION
    size = max(each.checkpoint.size for each in held)
    return f"{TRUNCATION}; yours reaches to event {size}"


def _guarded(what: str, problems: Iterator[Problem]) -> Iterator[Problem]:
    """Yield problems; a file too damaged to be read on is one problem more, not the end of the check."""
    try:
        yield from problems
    except sqlite3.DatabaseError as error:
        if not concerns_file(error):
            raise
        yield Problem(None, "unreadable", f"{what} can't be read to the end: {error}")


def _database_problems(store: Store) -> Iterator[Problem]:
    for kind, faults in (
        ("schema", schema_faults),
        ("schema", inspection.layout_faults),
        ("schema", inspection.migration_faults),
        ("integrity", inspection.integrity_faults),
        ("foreign_key", inspection.foreign_key_faults),
    ):
        yield from _guarded(f"the {kind}", _faults(store, kind, faults))


def _faults(store: Store, kind: str, faults: Callable[[Store], list[str]]) -> Iterator[Problem]:
    for fault in faults(store):
        yield Problem(None, kind, fault)


def _chain_problems(store: Store, done: Callable[[int], None]) -> Iterator[Problem]:
    """Check every link of the chain: the fast pass, which reads no payload."""
    size, head = 0, GENESIS
    for seq, _, prev_hash, payload, event_hash in inspection.raw_events(store):
        fault = link_fault(size, head, seq, prev_hash, payload, event_hash)
        if fault is not None:
            yield Problem(min(seq, size + 1), "chain", fault)
        size, head = seq, event_hash
        if seq % _STEP == 0:
            done(seq)
    if head == GENESIS:
        yield Problem(None, "chain", "the log is empty; its first event must be log.opened")


def _told_problems(store: Store, heard: _Told, done: Callable[[int], None]) -> Iterator[Problem]:
    """Check what every event tells: its form, its time, and the rows it tells of."""
    reconciliation = Reconciliation(store)
    before = ""
    for seq, event_id, _, payload, _ in inspection.raw_events(store):
        try:
            told = parse_canonical(payload)
            fault = told_fault(told, seq, event_id)
        except AuditError as error:
            fault = f"its payload can't be trusted: {error}"
        if fault is not None:
            yield Problem(seq, "payload", fault)
            continue
        yield from _order_problems(seq, told, before)
        before = told["at"]
        heard.hear(seq, told)
        yield from reconciliation.compare(seq, told)
        if seq % _STEP == 0:
            done(seq)
    yield from reconciliation.left_over()


def _order_problems(seq: int, told: dict[str, Any], before: str) -> Iterator[Problem]:
    if (seq == 1) != (told["action"] == "log.opened"):
        yield Problem(seq, "payload", "log.opened must be the first event, and only that")
    regressed = told["action"] == "clock.regressed"
    if told["at"] < before and not regressed:
        yield Problem(
            seq, "clock", "its time is before that of the event before it, and no clock.regressed says so"
        )
    if regressed and told["detail"].get("previous_at") != before:
        yield Problem(seq, "clock", "it tells of another time than that of the event before it")


def history(
    workspace: Workspace,
    *,
    limit: int = 50,
    before: int | None = None,
    subject: str | None = None,
    action: str | None = None,
    actor: Actor = SYSTEM,
) -> list[Event]:
    """Return the newest events first, older than the seq `before`; that somebody looked is an event too.

    `subject` is one thing's id (`case:C-0042`); `action` may end in `%`, as `decision.%`.
    """
    require(actor, Permission.READ_LOG)
    if limit < 1:
        raise AuditError(f"At least one event must be asked for; {limit} were.")
    store = workspace.store
    with store.transaction(actor):
        found = audit.latest(store, limit=limit, before=before, subject=subject, action=action)
        asked = {"limit": limit, "before": before, "subject": subject, "action": action}
        audit.append(store, "audit.viewed", "log:events", {**asked, "events": len(found)})
    return found


def line_of(event: Event) -> str:
    """Return an event on one line as a person reads it, without comments; `told` has all of it."""
    told = event.told
    when = str(told["at"]).replace("T", " ")[:19]
    who = f"{told['actor']} ({told['role']})"
    parts = (f"{event.seq:>6}", f"{when} UTC", who, told["action"], told["subject"], _summary(told["detail"]))
    return printable("  ".join(str(part) for part in parts).rstrip())


def _summary(detail: dict[str, Any]) -> str:
    told = {name: detail[name] for name in _ON_ONE_LINE if detail.get(name) is not None}
    return ", ".join(f"{name} {_short(value)}" for name, value in told.items())


def _short(value: object) -> str:
    text = str(value)
    return text[:19] + "…" if text.startswith("sha256:") else text


def printable(text: str) -> str:
    """Return a text with control, bidi and invisible characters shown as codes, so that none can mislead."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
