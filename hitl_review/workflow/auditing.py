"""The log is checked, and read. Verification only looks: it writes nothing, not even an event.

`verify` finds what contradicts itself inside one database file. A log that was cut short, or written
anew from some event on by somebody who holds the file, does not: for that one needs a checkpoint
that was kept elsewhere, and every result says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import Event
from hitl_review.domain.printing import printable
from hitl_review.domain.verification import TRUNCATION, Problem, Verification
from hitl_review.errors import AuditError
from hitl_review.store import audit, counterparts, inspection
from hitl_review.store.connection import DATABASE, Store, concerns_file, sqlite3
from hitl_review.workflow.anchors import anchored, is_of_another_log, not_in_log
from hitl_review.workflow.checkpointing import (
    Held,
    Places,
    checkpoint_problems,
    held_in,
    held_in_log,
    held_in_text,
    named,
    places_in,
)
from hitl_review.workflow.file_problems import guarded, link_problems, schema_problems
from hitl_review.workflow.job_order import job_problems
from hitl_review.workflow.log_keys import LogKeys, keys_of
from hitl_review.workflow.side_by_side import Walks
from hitl_review.workflow.stretches import MOST_PROBLEMS, Walked
from hitl_review.workflow.successions import impossible
from hitl_review.workflow.unclaimed import Unclaimed
from hitl_review.workflow.workspace import Workspace

__all__ = [
    "MOST_PROBLEMS",
    "Problem",
    "Progress",
    "Verification",
    "history",
    "line_of",
    "printable",
    "verify",
    "verify_file",
]

UNANCHORED: Final = 150
"""More events than this after the last checkpoint mean that publishing fails: one is due every hundred."""
MOST_KEYS: Final = 20
LONGEST_KEY: Final = 60
"""So many keys that this program does not know are named, and so much of each."""
_DOUBTFUL: Final = frozenset(
    {
        *("integrity", "foreign_key", "unreadable", "chain", "payload"),
        *("row_missing", "row_differs", "event_missing", "order", "digest"),
    }
)
"""Where one of these was found, rows may contradict each other because one of them was changed."""
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
    notes: Mapping[str, str] | None = None,
    progress: Progress = lambda done, total: None,
) -> Verification:
    """Check a workspace's database: schema, pages, chain, payloads, every row against its event, and checkpoints.

    `checkpoints` are files of notes that were kept elsewhere, `notes` the texts of such files by name: only
    they show that the log was cut short or written anew. Works on a database whose schema was altered, which
    no other step opens. The workspace's own file of checkpoints is held against it too. Raises WorkspaceMissing
    or AuditError when the check can't be made.
    """
    beside = anchored(
        workspace_folder
    )  # read first: what is published meanwhile is in the log that is read then
    held = _all_held(checkpoints, notes)
    return _verify(workspace_folder / DATABASE, held, beside, progress)


def verify_file(path: Path) -> Verification:
    """Check a database file as `verify` does, wherever it lies and whatever its name: a backup, say."""
    return _verify(path, [], None, lambda done, total: None)


def _all_held(checkpoints: Sequence[Path], notes: Mapping[str, str] | None) -> list[Held]:
    held = held_in(checkpoints)
    for name, text in (notes or {}).items():
        held += held_in_text(text, name)
    return held


def _verify(
    path: Path, held: Sequence[Held], beside: Sequence[Held] | None, progress: Progress
) -> Verification:
    with inspection.opened(path) as store:
        try:
            return _verified(store, path, held, beside, progress)
        except sqlite3.DatabaseError as error:
            raise AuditError(f"The check of {path} could not be finished ({error}). Try again.") from error


def _verified(
    store: Store, path: Path, held: Sequence[Held], beside: Sequence[Held] | None, progress: Progress
) -> Verification:
    end = _end(store)
    sizes = {each.checkpoint.size for each in held}
    walks = Walks(path, store, end, sizes, lambda done: progress(2 * min(done, end.count), 2 * end.count))
    with walks.begun():
        of_schema, of_links = list(schema_problems(store)), list(link_problems(store))
        rows = Unclaimed(store)
        of_steps = _impossible_by_time(store)
        walked = walks.ended()
    steps = chain(
        of_schema,
        walks.of_pages,
        of_links,
        walked.chain,
        _empty_problems(end, walked),
        walked.told,
        guarded("the accounts", _strangers(store, walked)),
        _unclaimed(rows, walked),
        guarded("the jobs", _of_jobs(store, walked)),
        guarded("the checkpoints", _checkpoint_problems(store, held, beside or (), walked)),
    )
    problems = tuple(islice(_with_impossible(store, steps, of_steps, walked), MOST_PROBLEMS))
    progress(2 * end.count, 2 * end.count)
    warnings = _warnings(len(problems), end.count, held, walked)
    if beside is not None:
        warnings += _not_anchored(beside, walked)
    return Verification(end.count, end.hash, problems, warnings, named(held))


def _empty_problems(end: inspection.End, walked: Walked) -> Iterator[Problem]:
    if end.count == 0 and walked.whole:
        yield Problem(None, "chain", "the log is empty; its first event must be log.opened")


def _strangers(store: Store, walked: Walked) -> Iterator[Problem]:
    """Find events in the name of somebody who had no account, or had it in another role."""
    since = {f"{account}\n{role}": seq for account, role, seq in counterparts.accounts_since(store)}
    since["system\nsystem"] = 0
    for who, seq in walked.actors.items():
        if since.get(who, seq) >= seq:
            yield Problem(
                seq, "payload", "it is told in the name of somebody who had no account in that role"
            )


def _unclaimed(rows: Unclaimed, walked: Walked) -> Iterator[Problem]:
    """Look for what no event told of; a walk that broke off can't know that."""
    if walked.whole:
        yield from rows.problems(walked.rows, walked.opened)


def _of_jobs(store: Store, walked: Walked) -> Iterator[Problem]:
    """Look at what jobs did, one after the other; where events are missing or damaged that can't be told."""
    if walked.whole and not walked.chain and not walked.told:
        yield from job_problems(store, walked.jobs)


def _impossible_by_time(store: Store) -> list[Problem] | None:
    """Look for what can't have happened while others walk; None where that is to be asked after the walk."""
    try:
        return list(impossible(store, every=False))
    except sqlite3.DatabaseError:
        return None


def _with_impossible(
    store: Store, steps: Iterator[Problem], by_time: list[Problem] | None, walked: Walked
) -> Iterator[Problem]:
    """Yield what was found, and then what can't have happened, unless the rows are not what was written."""
    doubtful = False
    for problem in steps:
        doubtful = doubtful or problem.kind in _DOUBTFUL
        yield problem
    if doubtful:
        return
    if by_time is None or walked.set_back:
        yield from guarded("the rows", impossible(store, every=walked.set_back))
    else:
        yield from by_time


def _checkpoint_problems(
    store: Store, held: Sequence[Held], beside: Sequence[Held], walked: Walked
) -> Iterator[Problem]:
    """Check the keys, and every checkpoint: those that somebody holds, those beside the log, and those it tells of."""
    keys, problems = keys_of(walked.opening, walked.rotations)
    yield from problems
    if keys.origin and is_of_another_log(beside, store.path.parent, keys.origin):
        words = "the file of checkpoints beside it is of another log, whose place this one may have taken"
        yield Problem(None, "checkpoint", words)
    yield from _told_with_checkpoints(walked, keys)
    own = list(held_in_log(walked.checkpoints))
    yield from (each for each in own if isinstance(each, Problem))
    told = [each for each in own if isinstance(each, Held)]
    all_held = [*held, *not_in_log(beside, {each.note.body for each in told}, keys.origin), *told]
    if all_held:
        yield from checkpoint_problems(all_held, keys, _places(store, all_held, walked))


def _told_with_checkpoints(walked: Walked, keys: LogKeys) -> Iterator[Problem]:
    """Check what a checkpoint's event says besides its note: the next checkpoint goes on from there."""
    for seq, detail, _ in walked.checkpoints:
        place = walked.places.get(seq - 1)
        if detail.get("key") != keys.at(seq - 1):
            yield Problem(seq, "checkpoint", "it names another key than the one in force")
        if place is not None and detail.get("frontier") != [peak.hex() for peak in place[0].peaks]:
            yield Problem(seq, "checkpoint", "the tree that it tells of is not that of the log")


def _places(store: Store, held: Sequence[Held], walked: Walked) -> Places:
    """Return root and head at the sizes of some checkpoints; of a log that is not dense, counted row by row."""
    sizes = {each.checkpoint.size for each in held}
    if walked.chain or not walked.whole:
        return places_in(sizes, inspection.hashes(store))
    places = {size: (tree.root, head) for size, (tree, head) in walked.places.items() if size in sizes}
    late = {size for size in sizes - places.keys() if size <= walked.frontier.size}
    return {**places, **places_in(late, inspection.hashes(store))} if late else places


def _end(store: Store) -> inspection.End:
    try:
        return inspection.log_end(store)
    except sqlite3.DatabaseError as error:
        if not concerns_file(error):
            raise
        return inspection.End()  # what is wrong with it is told where the log is walked


def _warnings(problems: int, events: int, held: Sequence[Held], walked: Walked) -> tuple[str, ...]:
    warnings = [_truncation(held)]
    if problems >= MOST_PROBLEMS:
        warnings.append(f"the check stopped after {MOST_PROBLEMS:,} problems")
    last = max((seq for seq, *_ in walked.checkpoints), default=0)
    if events - last > UNANCHORED:
        warnings.append(
            f"no checkpoint was published for the last {events - last} events; see `hitl-review doctor`"
        )
    for action, count in sorted(walked.unknown.items()):
        words = f"{count} events of the action {printable(action)!r}, which this program does not know"
        warnings.append(f"{words}, were checked as links of the chain only")
    for told, count in sorted(walked.more.items())[:MOST_KEYS]:
        action, _, key = told.partition("\n")
        words = f"{count} events of the action {action!r} tell {printable(key)[:LONGEST_KEY]!r}"
        warnings.append(f"{words}, which this program does not know and nobody looks at")
    if len(walked.more) > MOST_KEYS:
        warnings.append(f"{len(walked.more) - MOST_KEYS:,} more such keys are not named here")
    return tuple(warnings)


def _not_anchored(beside: Sequence[Held], walked: Walked) -> tuple[str, ...]:
    """Say that the workspace's own file of checkpoints is gone, or ends long before the log's last one."""
    origin = str(walked.opening.get("origin"))
    reached = max((each.checkpoint.size for each in beside if each.checkpoint.origin == origin), default=0)
    last = max((seq - 1 for seq, *_ in walked.checkpoints), default=0)
    if last - reached <= (UNANCHORED if reached else 0):
        return ()
    words = f"the workspace's own file of checkpoints reaches to event {reached}, and the log's own to event {last}"
    return (f"{words}; what a crash kept out of it comes with the next one",)


def _truncation(held: Sequence[Held]) -> str:
    """Say what can't be told: without a checkpoint about the whole log, with one about what came after it."""
    if not held:
        return TRUNCATION
    size = max(each.checkpoint.size for each in held)
    return f"{TRUNCATION}; yours reaches to event {size}"


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
    parts = [*(f"{name} {_short(value)}" for name, value in told.items()), signature_words(detail)]
    return ", ".join(part for part in parts if part)


def signature_words(detail: Mapping[str, Any]) -> str:
    """Return the signature that an event tells as words, or nothing: printed name, meaning and time."""
    signature = detail.get("signature")
    if not isinstance(signature, Mapping) or not signature.get("name"):
        return ""
    when = str(signature.get("at")).replace("T", " ")[:19]
    return f"signed {signature['name']}, {signature.get('meaning')}, {when} UTC"


def _short(value: object) -> str:
    text = str(value)
    return text[:19] + "…" if text.startswith("sha256:") else text
