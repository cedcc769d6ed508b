"""The rows that the log tells of, beside its events: they are there, and hold what is told, value by value.

Most tables have a row per event: the row is written anew from the event and compared column by
column. Cases, outcomes and predictions have an event per batch, whose digest covers their lines.
What is known by its digest is digested again. Rows that no event tells of are `unclaimed`'s to find.
A message names columns, never what stands in them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hitl_review.domain.canonical import bytes_digest, canonical_json, digest
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError
from hitl_review.store import counterparts
from hitl_review.store.connection import Store, concerns_file, sqlite3
from hitl_review.workflow.job_order import JobTold
from hitl_review.workflow.twins import ABOUT, BATCHES, CHANGING, TWINS, Batch, Changing, Told, Twin
from hitl_review.workflow.twins.kinds import compared, digest_of, id_of
from hitl_review.workflow.unclaimed import QUEUE

_TWIN_OF: Final = {action: twin for twin in TWINS for action in twin.actions}
ONE_EACH: Final = frozenset(_TWIN_OF)
"""The actions of which each event tells of one row, which is soon compared."""
_BATCH_OF: Final = {batch.action: batch for batch in BATCHES}
_CHANGING_OF: Final = {action: each for each in CHANGING for action in (each.begun, *each.ended)}
COMPARED: Final = frozenset(
    {"case.opened", "case.sampled", "job.started", "receipt.issued", *_TWIN_OF, *_BATCH_OF, *_CHANGING_OF}
)
"""The actions that tell of rows, of who holds a case, of the queue's order, or of a decision by its number."""
_ABSENT: Final = object()
NO_SUCH_CASE: Final = "there is no case with the id that it tells of"
_UNTOLD: Final = (KeyError, TypeError, AttributeError, ValueError, OverflowError)
"""What is raised where an event does not tell what its action has to tell."""


class Reconciliation:
    """Goes along with the log, event by event, and gathers what is asked when the walk is over."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._columns: dict[str, frozenset[str]] = {}
        self._next: dict[str, Iterator[tuple[Any, ...]]] = {}
        """By table: the rows behind the one that was compared last."""
        self.told: Counter[str] = Counter()
        self.opened: dict[str, tuple[str, str]] = {}
        self.jobs: list[JobTold] = []
        """What was told of jobs, in order."""
        self._in_force: tuple[list[tuple[int, str | None]], list[tuple[int, str, object]]] | None = None
        """Since which events which model was in use, and which routing."""

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
        elif digest_of(lines) != detail["digest"]:
            yield Problem(seq, "row_differs", f"rows of its batch in {batch.table} were changed")
        expected = {batch.time: told["at"], **batch.shared(told)}
        differing = counterparts.unlike(self._store, batch.table, event_id, expected)
        if differing:
            words = f"rows of its batch in {batch.table} differ in {', '.join(differing)}"
            yield Problem(seq, "row_differs", words)

    def _compare_order(self, seq: int, detail: Told) -> Iterator[Problem]:
        """Compare what is told of the queue's order with what was in force then; the last one is held to the places."""
        self.opened[QUEUE] = (str(detail["digest"]), canonical_json(detail["count"]))
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
        self.told[table.table if begins else table.when_ended] += len(rows)
        if begins and table.kept and not rows:
            yield Problem(seq, "row_missing", f"there is no row in {table.table} for it")
        for row in rows:
            found = compared(dict(row), table.digested)
            differing = sorted(name for name, value in expected.items() if _is_other(found[name], value))
            if differing:
                words = f"its row in {table.table} was changed: {', '.join(differing)} differ from it"
                yield Problem(seq, "row_differs", words)


def _differing(expected: Mapping[str, object], found: Mapping[str, object]) -> list[str]:
    names = sorted(expected.keys() | found.keys())
    return [
        name
        for name in names
        if expected.get(name, _ABSENT) != found.get(name, _ABSENT) or type(expected.get(name)) is bool
    ]


def _is_other(found: object, told: object) -> bool:
    return found != told or type(told) is bool


def _figure_digest(name: Any, alt: Any, png: Any) -> str | None:
    try:
        return digest({"name": name, "alt": alt, "png": bytes_digest(bytes(png))})
    except (AuditError, TypeError):
        return None
