"""The log and the rows it tells of, side by side, in both directions and with equal content.

Most tables have a row per event: the row is written anew from the event and compared column by
column. Cases, outcomes and predictions have an event per batch, whose digest covers their lines.
What is known by its digest is digested again. A message names columns, never what stands in them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.canonical import bytes_digest, canonical_json, digest, lines_digest
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError
from hitl_review.store import counterparts, worklist
from hitl_review.store.connection import Store, concerns_file, sqlite3
from hitl_review.workflow.file_problems import guarded
from hitl_review.workflow.job_order import JobTold
from hitl_review.workflow.twins import ABOUT, BATCHES, CHANGING, TWINS, Batch, Changing, Told, Twin
from hitl_review.workflow.twins.kinds import compared, id_of

_TABLES: Final[tuple[Twin | Batch, ...]] = (*TWINS, *BATCHES)
_TWIN_OF: Final = {action: twin for twin in TWINS for action in twin.actions}
ONE_EACH: Final = frozenset(_TWIN_OF)
"""The actions of which each event tells of one row, which is soon compared."""
_BATCH_OF: Final = {batch.action: batch for batch in BATCHES}
_CHANGING_OF: Final = {action: each for each in CHANGING for action in (each.begun, *each.ended)}
COMPARED: Final = frozenset(
    {"case.opened", "case.sampled", "job.started", "receipt.issued", *_TWIN_OF, *_BATCH_OF, *_CHANGING_OF}
)
"""The actions that tell of rows, of who holds a case, of the queue's order, or of a decision by its number."""
_QUEUE: Final = "the queue in its order"
"""Stands among who opened which case last, for the digest of the order that was told last; no account has it."""
_ABSENT: Final = object()
NO_SUCH_CASE: Final = "there is no case with the id that it tells of"
_UNTOLD: Final = (KeyError, TypeError, AttributeError, ValueError, OverflowError)
"""What is raised where an event does not tell what its action has to tell."""


class Reconciliation:
    """Goes along with the log, event by event, and afterwards looks at what no event told of."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._columns: dict[str, frozenset[str]] = {}
        self._next: dict[str, Iterator[tuple[Any, ...]]] = {}
        """By table: the rows behind the one that was compared last."""
        self.told: Counter[str] = Counter()
        self.opened: dict[str, tuple[str, str]] = {}
        self._counts: dict[str, int] = {}
        self.jobs: list[JobTold] = []
        """What was told of jobs, in order."""
        self._order_of_queue: tuple[bool, int, str | None] | None = None
        """Whether cases stand out of order, how many have a place, and the digest of the places."""
        self._in_force: tuple[list[tuple[int, str | None]], list[tuple[int, str, object]]] | None = None
        """Since which events which model was in use, and which routing."""
        self._beforehand: list[Problem] | None = None

    def compare(self, seq: int, told: Told) -> Sequence[Problem]:
        """Return where the rows that an event tells of are missing or differ from it."""
        action, subject = told["action"], told["subject"]
        about = ABOUT[action]
        if not subject.startswith(about) or (about[-1] != ":" and subject != about):
            return [Problem(seq, "payload", f"it is about another thing than '{action}' is")]
        if action == "case.opened":
            self.opened[told["actor"]] = (subject.removeprefix("case:"), told["at"])
            return () if self._is_a_case(id_of(told)) else [Problem(seq, "row_missing", NO_SUCH_CASE)]
        twin = _TWIN_OF.get(action)
        if twin is not None and self._agrees(told, twin):
            return ()
        return list(self._looked_up(seq, told))

    def _is_a_case(self, case_id: str) -> bool:
        try:
            return counterparts.has_case(self._store, case_id)
        except sqlite3.DatabaseError:
            return True  # what can't be read is told of where rows are counted

    def _looked_up(self, seq: int, told: Told) -> Iterator[Problem]:
        action = told["action"]
        try:
            if action == "case.sampled":
                yield from self._compare_order(seq, told["detail"])
            elif action == "job.started":
                self._hear_of_job(seq, told)
            elif action == "receipt.issued":
                if (counterparts.place_of_decision(self._store, id_of(told)), int) != (
                    told["detail"]["seq"],
                    type(told["detail"]["seq"]),
                ):
                    yield Problem(seq, "row_differs", "it tells of another number than its decision has")
            elif action in _TWIN_OF:
                yield from self._compare_twin(seq, told, _TWIN_OF[action])
            elif action in _BATCH_OF:
                yield from self._compare_batch(seq, told, _BATCH_OF[action])
            elif action in _CHANGING_OF:
                yield from self._compare_changing(seq, told, _CHANGING_OF[action])
        except _UNTOLD:
            yield Problem(seq, "payload", f"its detail does not tell what '{action}' has to tell")
        except sqlite3.DatabaseError as error:
            if not concerns_file(error):
                raise
            yield Problem(seq, "unreadable", f"its row can't be read: {error}")

    def _agrees(self, told: Told, twin: Twin) -> bool:
        """Tell whether an event has one row, just as it tells; of any other, `_compare_twin` says what is wrong."""
        if twin.digested:
            return False
        try:
            expected = twin.row_of(told)
            if bool in map(type, expected.values()):
                return False  # in Python, true is as good as 1; in the log it is another value
            columns = self._columns.get(twin.table)
            if columns is None:
                columns = counterparts.columns_beside(self._store, twin.table, twin.key)
                self._columns[twin.table] = columns
            agrees = expected.keys() == columns and self._is_next(told, twin, expected)
        except (sqlite3.Error, *_UNTOLD):
            return False  # what can't be read, or does not tell what it has to, is met again there
        if agrees:
            self.told[twin.table] += 1
        return agrees

    def _is_next(self, told: Told, twin: Twin, expected: Mapping[str, object]) -> bool:
        """Tell whether the row behind the one compared last is just as an event tells; if not, begin at its own."""
        rows = self._next.get(twin.table)
        if rows is None:
            rows = counterparts.rows_in_order(
                self._store, twin.table, twin.key, told["event_id"], tuple(expected)
            )
            self._next[twin.table] = rows
        if next(rows, None) == tuple(expected.values()):
            return True
        del self._next[twin.table]
        return False

    def _compare_twin(self, seq: int, told: Told, twin: Twin) -> Iterator[Problem]:
        expected = twin.row_of(told)
        rows = counterparts.rows_beside(self._store, twin.table, twin.key, told["event_id"])
        self.told[twin.table] += len(rows)
        if len(rows) != 1:
            found = "no row" if not rows else f"{len(rows)} rows"
            yield Problem(seq, "row_missing", f"there is {found} in {twin.table} for it; there must be one")
            return
        differing = _differing(expected, twin.comparable(dict(rows[0])))
        if differing:
            columns = ", ".join(differing)
            yield Problem(
                seq, "row_differs", f"its row in {twin.table} was changed: {columns} differ from it"
            )
        if twin.table == "models":
            yield from self._compare_figures(seq, told)

    def _compare_figures(self, seq: int, told: Told) -> Iterator[Problem]:
        model = told["subject"].removeprefix("model:")
        found = {
            name: (stored, _figure_digest(name, alt, png))
            for name, stored, alt, png in counterparts.stored_figures(self._store, model)
        }
        expected = {name: (each, each) for name, each in told["detail"].get("figures", {}).items()}
        if found != expected:
            yield Problem(seq, "digest", "the figures of its model are not those it tells of")

    def _compare_batch(self, seq: int, told: Told, batch: Batch) -> Iterator[Problem]:
        event_id, detail = told["event_id"], told["detail"]
        if ABOUT[batch.action] == "batch:" and id_of(told) != event_id:
            yield Problem(seq, "payload", "it is about another batch than its own")
        lines = batch.lines(self._store, event_id)
        self.told[batch.table] += len(lines)
        if len(lines) != detail["count"] or detail["count"] is True:
            words = f"{batch.table} holds {len(lines)} rows of its batch; it tells of {detail['count']}"
            yield Problem(seq, "row_missing", words)
        elif _lines_digest(lines) != detail["digest"]:
            yield Problem(seq, "row_differs", f"rows of its batch in {batch.table} were changed")
        expected = {batch.time: told["at"], **batch.shared(told)}
        differing = counterparts.unlike(self._store, batch.table, event_id, expected)
        if differing:
            words = f"rows of its batch in {batch.table} differ in {', '.join(differing)}"
            yield Problem(seq, "row_differs", words)

    def _compare_order(self, seq: int, detail: Told) -> Iterator[Problem]:
        """Compare what is told of the queue's order with what was in force then; the last one is held to the places."""
        self.opened[_QUEUE] = (str(detail["digest"]), canonical_json(detail["count"]))
        if self._in_force is None:
            self._in_force = counterparts.models_in_use(self._store), counterparts.routings_set(self._store)
        models, routings = self._in_force
        model = models[: bisect_left(models, seq, key=lambda each: each[0])][-1:]
        routing = routings[: bisect_left(routings, seq, key=lambda each: each[0])][-1:]
        if (
            detail["model"] != (model[0][1] if model else None)
            or detail["routing"] != (routing[0][1] if routing else None)
            or detail["random_share"] != (routing[0][2] if routing else detail["random_share"])
        ):
            yield Problem(seq, "row_differs", "it tells of another model or routing than was in force then")

    def _hear_of_job(self, seq: int, told: Told) -> None:
        detail = told["detail"]
        attempt = None if told["action"] == "job.queued" else detail["attempt"]
        self.jobs.append((seq, told["action"], id_of(told), detail["kind"], attempt, told["at"]))

    def _compare_changing(self, seq: int, told: Told, table: Changing) -> Iterator[Problem]:
        """Compare what an event says of a row for good; a row that was dropped since says nothing."""
        if table.table == "jobs":
            self._hear_of_job(seq, told)
        begins = told["action"] == table.begun
        expected = (table.begin if begins else table.end)(told)
        rows = counterparts.rows_beside(self._store, table.table, table.key, id_of(told))
        self.told[table.table if begins else _ended(table)] += len(rows)
        if begins and table.kept and not rows:
            yield Problem(seq, "row_missing", f"there is no row in {table.table} for it")
        for row in rows:
            found = compared(dict(row), table.digested)
            differing = sorted(name for name, value in expected.items() if _is_other(found[name], value))
            if differing:
                words = f"its row in {table.table} was changed: {', '.join(differing)} differ from it"
                yield Problem(seq, "row_differs", words)

    def look_beforehand(self) -> None:
        """Do the part of `left_over` that needs no walk. It is done there, unless it was done while others walked."""
        checks = [self._counted(table) for table in _TABLES]
        checks += [self._order(table) for table in _TABLES]
        checks += [self._digests(), self._fitting(), self._queued()]
        self._beforehand = [problem for check in checks for problem in _readable(check)]

    def left_over(self) -> Iterator[Problem]:
        """Yield rows that no event tells of, and what is not where or what its digest says."""
        if self._beforehand is None:
            self.look_beforehand()
        for table in _TABLES:
            yield from _readable(self._untold(table))
        yield from self._beforehand or ()
        for check in (self._worklist(), self._changing()):
            yield from _readable(check)

    def _counted(self, table: Twin | Batch) -> Iterator[Problem]:
        self._counts[table.table] = counterparts.count(self._store, table.table)
        yield from ()  # a problem only where it can't be counted

    def _queued(self) -> Iterator[Problem]:
        for words in counterparts.worklist_faults(self._store):
            yield Problem(None, "worklist", words)
        lines = worklist.order_lines(self._store)
        self._order_of_queue = bool(worklist.out_of_order(self._store)), len(lines), _lines_digest(lines)

    def _untold(self, table: Twin | Batch) -> Iterator[Problem]:
        if table.table not in self._counts:
            return  # it can't be read, and a problem says so
        surplus = self._counts[table.table] - self.told[table.table]
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

    def _worklist(self) -> Iterator[Problem]:
        if self._order_of_queue is not None and not self._is_in_order(*self._order_of_queue):
            yield Problem(
                None, "worklist", "cases were moved in the queue, or another reason was given for them"
            )
        for holder, case_id, held_until in counterparts.holds(self._store):
            last = self.opened.get(holder)
            if last is None or last[0] != case_id or str(held_until) > _longest_hold(last[1]):
                yield Problem(
                    None, "worklist", "a case is held by somebody who did not open it, or for too long"
                )

    def _changing(self) -> Iterator[Problem]:
        for each in CHANGING:
            for words, key, where, actions in (
                ("have no event that tells of them", each.table, "1", {each.begun}),
                ("have ended, and no event says so", _ended(each), each.has_ended, each.ended),
            ):
                rows = counterparts.count(self._store, each.table, where)
                surplus = rows - self.told[key]
                if surplus and not each.kept:  # a row may be dropped before another process looks, and is there still
                    surplus = rows - counterparts.told_of(self._store, each.table, each.key, actions)
                if surplus:
                    yield Problem(None, "event_missing", f"{surplus} rows of {each.table} {words}")

    def _is_in_order(self, disordered: bool, places: int, found: str | None) -> bool:
        """Whether every place of the queue is the one that the newest event about the order covers, and all of them."""
        told = self.opened.get(_QUEUE)
        return not disordered and (not places if told is None else (found, str(places)) == tuple(told))


def _readable(check: Iterator[Problem]) -> Iterator[Problem]:
    """Yield what a check finds; a table that can't be read is a problem too, and no end of the other checks."""
    return guarded("a table", check, "can't be compared with the log")


def _ended(table: Changing) -> str:
    """Return under which name the rows are counted that an event says to have ended."""
    return f"{table.table} that ended"


def _longest_hold(at: str) -> str:
    """Return until when a case that was opened at a moment can be held at most; nothing for what is no moment."""
    try:
        return stamp(moment(at) + worklist.LONGEST_HOLD)
    except (ValueError, OverflowError):
        return ""


def _differing(expected: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    names = sorted(expected.keys() | found.keys())
    return [
        name
        for name in names
        if expected.get(name, _ABSENT) != found.get(name, _ABSENT) or type(expected.get(name)) is bool
    ]


def _is_other(found: object, told: object) -> bool:
    return found != told or type(told) is bool


def _lines_digest(lines: list[object]) -> str | None:
    try:
        return lines_digest(lines)
    except AuditError:
        return None  # an altered row that is no JSON has no digest, so it differs


def _snapshot_digest(case_id: Any, body: bytes | None) -> str | None:
    """Return the digest of a snapshot from its stored bytes, so that not even a blank can be changed in it."""
    try:
        begin = f'{{"case_id":{canonical_json(case_id)},"values":'.encode()
    except AuditError:
        return None
    return None if body is None else bytes_digest(b"%b%b}" % (begin, body))


def _figure_digest(name: Any, alt: Any, png: Any) -> str | None:
    try:
        return digest({"name": name, "alt": alt, "png": bytes_digest(bytes(png))})
    except (AuditError, TypeError):
        return None
