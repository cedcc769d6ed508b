"""One pass over a table, and the SQL of what stands before what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_OF_A_LOOK: Final = 100


@dataclass(frozen=True, slots=True)
class Look:
    """One pass over a table: `event` names the event of a row, `faults` are told by words and found by SQL."""

    event: str
    rows: str
    faults: Mapping[str, str]


def place_of(event: str) -> str:
    """Return the number of an event, in SQL."""
    return f"(SELECT seq FROM audit_log WHERE event_id = {event})"


def not_before(first: str, first_at: str, then: str, then_at: str) -> str:
    """Return what is true where an event does not stand before another; NULL is a row that is not there."""
    return f"((:every OR {first_at} >= {then_at}) AND {place_of(first)} >= {place_of(then)})"


def unproved(row: str, at: str) -> str:
    """Return what is true where who signed a row had not proved it as the project asks for."""
    return (
        f"(:proofs <> '[]' AND {row}.signed_method NOT IN (SELECT value FROM json_each(:proofs)))"
        f" OR (:window IS NOT NULL AND ({row}.signed_proof IS NULL OR {row}.signed_proof > {row}.{at}"
        f" OR (julianday({row}.{at}) - julianday({row}.signed_proof)) * 1440 > :window + 0.01))"
    )


SHOWS_ANOTHER: Final = 'instr({0}, \'{{"facts":{{"case_id":\' || json_quote({1})) <> 1'
"""Whether a screen is not of a case: the canonical JSON of every screen begins with its case."""


def sql_of(look: Look) -> str:
    """Return the query that yields place and number of the first fault of each row that has one, each once."""
    cases = " ".join(f"WHEN {sql} THEN {place}" for place, sql in enumerate(look.faults.values()))
    return (
        f"SELECT DISTINCT {place_of('found.event')}, found.fault FROM (SELECT {look.event} AS event,"
        f" CASE {cases} END AS fault FROM {look.rows}) found"
        f" WHERE found.fault IS NOT NULL ORDER BY 1 LIMIT {MOST_OF_A_LOOK}"
    )
