"""What no event told of: the rows that are left over, in another order, or not what their digests say.

It looks at the tables as they are, most of it while the log is walked; how many rows the log told of, and who
opened which case last, is known only behind the walk. A message names columns, never what stands in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.canonical import bytes_digest, canonical_json
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError
from hitl_review.store import counterparts, worklist
from hitl_review.store.connection import Store
from hitl_review.workflow.file_problems import guarded
from hitl_review.workflow.twins import BATCHES, CHANGING, TWINS, Batch, Twin
from hitl_review.workflow.twins.kinds import digest_of

_TABLES: Final[tuple[Twin | Batch, ...]] = (*TWINS, *BATCHES)
QUEUE: Final = "the queue in its order"
"""Stands among who opened which case last, for the digest of the order that was told last; no account has it."""


class Unclaimed:
    """What stands in the tables; made while the log is walked, and asked when the walk is over."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts: dict[str, int] = {}
        self._order_of_queue: tuple[bool, int, str | None] | None = None
        """Whether cases stand out of order, how many have a place, and the digest of the places."""
        checks = [self._counted(table) for table in _TABLES]
        checks += [self._order(table) for table in _TABLES]
        checks += [self._digests(), self._fitting(), self._queued()]
        self._wrong = [problem for check in checks for problem in _readable(check)]

    def problems(self, told: Counter[str], opened: Mapping[str, tuple[str, str]]) -> Iterator[Problem]:
        """Yield rows that no event tells of, and what is not where or what its digest says.

        `told` is how many rows of each table the log told of, and `opened` the case that each actor opened last,
        and when: `Reconciliation` gathers both.
        """
        for table in _TABLES:
            yield from _readable(self._untold(table, told))
        yield from self._wrong
        for check in (self._worklist(opened), self._changing(told)):
            yield from _readable(check)

    def _counted(self, table: Twin | Batch) -> Iterator[Problem]:
        self._counts[table.table] = counterparts.count(self._store, table.table)
        yield from ()  # a problem only where it can't be counted

    def _queued(self) -> Iterator[Problem]:
        for words in counterparts.worklist_faults(self._store):
            yield Problem(None, "worklist", words)
        lines = worklist.order_lines(self._store)
        self._order_of_queue = bool(worklist.out_of_order(self._store)), len(lines), digest_of(lines)

    def _untold(self, table: Twin | Batch, told: Counter[str]) -> Iterator[Problem]:
        if table.table not in self._counts:
            return  # it can't be read, and a problem says so
        surplus = self._counts[table.table] - told[table.table]
        if surplus:
            keys = counterparts.untold(self._store, table.table, table.key, table.actions)
            words = f"{surplus} rows of {table.table} have no event that tells of them"
            yield Problem(None, "event_missing", f"{words}, such as {', '.join(keys)}" if keys else words)

    def _order(self, table: Twin | Batch) -> Iterator[Problem]:
        seq = counterparts.disordered(self._store, table.table, table.key, table.order)
        if seq is not None:
            yield Problem(seq, "order", f"its row in {table.table} does not stand in the order of the log")
        if table.order != "rowid" and counterparts.has_gaps(self._store, table.table, table.order):
            yield Problem(None, "order", f"{table.order} in {table.table} does not count 1, 2, 3 and so on")
        if counterparts.is_at_its_end(self._store, table.table):
            words = f"a row of {table.table} is numbered so high that later ones would not stand behind it"
            yield Problem(None, "order", words)

    def _digests(self) -> Iterator[Problem]:
        for stored, case_id, body in counterparts.stored_snapshots(self._store):
            if stored != _snapshot_digest(case_id, body):
                yield Problem(None, "digest", f"the snapshot {stored} does not hold what its digest says")
        for table in ("screens", "manifests"):
            for stored, body in counterparts.stored_bodies(self._store, table):
                if body is None or stored != bytes_digest(body):
                    yield Problem(None, "digest", f"{stored} in {table} does not hold what its digest says")
        for table in ("snapshots", "screens", "manifests", "figures"):
            if stray := counterparts.strays(self._store, table):
                yield Problem(None, "event_missing", f"{stray} rows of {table} belong to nothing in the log")
        if missing := counterparts.missing_manifests(self._store):
            yield Problem(None, "row_missing", f"{missing} models have no training manifest here")

    def _fitting(self) -> Iterator[Problem]:
        for seq in counterparts.misfits(self._store):
            yield Problem(seq, "row_differs", "the decision does not fit the screen that it points at")
        for seq in counterparts.resolved_by_readers(self._store):
            yield Problem(seq, "authority", "a dispute was resolved by one of the readers who disagree")

    def _worklist(self, opened: Mapping[str, tuple[str, str]]) -> Iterator[Problem]:
        if self._order_of_queue is not None and not _is_in_order(opened.get(QUEUE), *self._order_of_queue):
            yield Problem(
                None, "worklist", "cases were moved in the queue, or another reason was given for them"
            )
        for holder, case_id, held_until in counterparts.holds(self._store):
            last = opened.get(holder)
            if last is None or last[0] != case_id or str(held_until) > _longest_hold(last[1]):
                yield Problem(
                    None, "worklist", "a case is held by somebody who did not open it, or for too long"
                )

    def _changing(self, told: Counter[str]) -> Iterator[Problem]:
        for each in CHANGING:
            for words, key, where, actions in (
                ("have no event that tells of them", each.table, "1", {each.begun}),
                ("have ended, and no event says so", each.when_ended, each.has_ended, each.ended),
            ):
                rows = counterparts.count(self._store, each.table, where)
                surplus = rows - told[key]
                if surplus and not each.kept:  # a row may be dropped before another process looks, and is there still
                    surplus = rows - counterparts.told_of(self._store, each.table, each.key, actions)
                if surplus:
                    yield Problem(None, "event_missing", f"{surplus} rows of {each.table} {words}")


def _is_in_order(told: tuple[str, str] | None, disordered: bool, places: int, found: str | None) -> bool:
    """Tell whether every place of the queue is one that the newest event about the order covers, and all of them."""
    return not disordered and (not places if told is None else (found, str(places)) == told)


def _readable(check: Iterator[Problem]) -> Iterator[Problem]:
    """Yield what a check finds; a table that can't be read is a problem too, and no end of the other checks."""
    return guarded("a table", check, "can't be compared with the log")


def _longest_hold(at: str) -> str:
    """Return until when a case that was opened at a moment can be held at most; nothing for what is no moment."""
    try:
        return stamp(moment(at) + worklist.LONGEST_HOLD)
    except (ValueError, OverflowError):
        return ""


def _snapshot_digest(case_id: Any, body: bytes | None) -> str | None:
    """Return the digest of a snapshot from its stored bytes, so that not even a blank can be changed in it."""
    try:
        begin = f'{{"case_id":{canonical_json(case_id)},"values":'.encode()
    except AuditError:
        return None
    return None if body is None else bytes_digest(b"%b%b}" % (begin, body))
