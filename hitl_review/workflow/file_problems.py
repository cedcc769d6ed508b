"""What is wrong with a database file, whatever its log says: schema, pages, indexes, rows that point at nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from hitl_review.domain.verification import Problem
from hitl_review.store import inspection
from hitl_review.store.connection import Store, concerns_file, schema_faults, sqlite3

MOST_OF_A_KIND: Final = 100
"""So many faults of the file itself are named of each kind: a thousand of them would hide what is wrong with events."""


def schema_problems(store: Store) -> Iterator[Problem]:
    """Yield where tables, triggers, indexes and steps of migration are not as they were made."""
    for faults in (schema_faults, inspection.layout_faults, inspection.migration_faults):
        yield from guarded("the schema", _named(store, "schema", faults))


def page_problems(store: Store) -> Iterator[Problem]:
    """Yield what a look at every page, index and row finds: a fifth of the work on a long log."""
    for faults in (inspection.integrity_faults, inspection.rule_faults):
        yield from guarded("the integrity", _named(store, "integrity", faults))


def link_problems(store: Store) -> Iterator[Problem]:
    """Yield the tables whose rows point at rows that are not there."""
    yield from guarded("the foreign_key", _named(store, "foreign_key", inspection.foreign_key_faults))


def guarded(
    what: str, problems: Iterator[Problem], failed: str = "can't be read to the end"
) -> Iterator[Problem]:
    """Yield problems; a file too damaged to be read on is one problem more, not the end of the check."""
    try:
        yield from problems
    except sqlite3.DatabaseError as error:
        if not concerns_file(error):
            raise
        yield Problem(None, "unreadable", f"{what} {failed}: {error}")


def _named(store: Store, kind: str, faults: Callable[[Store], list[str]]) -> Iterator[Problem]:
    more = 0
    for place, fault in enumerate(faults(store)):
        if place < MOST_OF_A_KIND:
            yield Problem(None, kind, fault)
        else:
            more += 1
    if more:
        yield Problem(None, kind, f"and {more:,} more of this kind")
