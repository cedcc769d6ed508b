"""The steps that bring a database to the present schema. Steps are only added, never edited.

A step may not use `Table.transform()`: it drops the triggers that keep a table append-only.
"""

from __future__ import annotations

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from hitl_review.store import schema

migrations = Migrations("hitl_review")


@migrations()
def m001_initial(db: Database) -> None:
    """Make every table, trigger and index of the first release."""
    for statement in schema.statements().values():
        db.execute(statement)
