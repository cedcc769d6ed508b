"""Studies as the log tells of them: drafted, frozen, amended, started, locked, unsealed, reported."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from typing import Final

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.protocol import read_document
from hitl_review.domain.study import Amendment, State, Step, Study
from hitl_review.errors import NotFound
from hitl_review.store.connection import Row, Store

_STATES: Final = {
    "drafted": State.DRAFT,
    "frozen": State.FROZEN,
    "started": State.RUNNING,
    "locked": State.LOCKED,
    "unsealed": State.UNSEALED,
    "reported": State.REPORTED,
}


def add_step(store: Store, study_id: str, step: Step) -> None:
    """Keep an act in the life of a study."""
    store.insert(
        "INSERT INTO study_steps (event_id, study_id, kind, document, reason, at, by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (step.event_id, study_id, step.kind, step.document, step.reason, stamp(step.at), step.by),
    )


def exists(store: Store, study_id: str) -> bool:
    """Tell whether there is a study with this id."""
    return store.row("SELECT 1 FROM study_steps WHERE study_id = ?", (study_id,)) is not None


def study(store: Store, study_id: str) -> Study:
    """Return a study as it stands now; NotFound if there is none with this id."""
    rows = store.rows("SELECT * FROM study_steps WHERE study_id = ? ORDER BY rowid", (study_id,))
    if not rows:
        known = ", ".join(each.study_id for each in studies(store)) or "none yet"
        raise NotFound(f"There is no study '{study_id}' in this workspace. Studies: {known}.")
    return _study(study_id, tuple(map(_step, rows)))


def studies(store: Store) -> list[Study]:
    """Return all studies, in the order in which they were first drafted."""
    found: dict[str, list[Step]] = {}
    for row in store.rows("SELECT * FROM study_steps ORDER BY rowid"):
        found.setdefault(row["study_id"], []).append(_step(row))
    return [_study(study_id, tuple(steps)) for study_id, steps in found.items()]


def _study(study_id: str, steps: tuple[Step, ...]) -> Study:
    laid = [step for step in steps if step.document is not None]
    document, digest = laid[-1].document, laid[-1].digest
    assert document is not None and digest is not None
    protocol, seals = read_document(document)
    return Study(
        study_id,
        max((_STATES[step.kind] for step in steps if step.kind in _STATES), key=lambda state: state.place),
        protocol,
        seals,
        digest,
        next((step.digest for step in steps if step.kind == "frozen"), None),
        steps[0].by,
        steps,
        tuple(_amendment(*pair) for pair in pairwise(laid) if pair[1].kind == "amended"),
    )


def _amendment(before: Step, after: Step) -> Amendment:
    assert before.document is not None and after.document is not None and after.digest is not None
    old, new = (asdict(read_document(each)[0]) for each in (before.document, after.document))
    changes = {name: (old[name], new[name]) for name in new if old[name] != new[name]}
    return Amendment(after.at, after.by, after.reason, changes, after.digest)


def _step(row: Row) -> Step:
    return Step(row["event_id"], row["kind"], moment(row["at"]), row["by"], row["reason"], row["document"])


def add_waiver(store: Store, study_id: str, reader: str, reason: str, *, event_id: str) -> None:
    """Keep that the lead lets a reader go on before the washout is over."""
    now = store.current()
    store.insert(
        "INSERT INTO study_waivers (event_id, study_id, reader, reason, at, by) VALUES (?, ?, ?, ?, ?, ?)",
        (event_id, study_id, reader, reason, stamp(now.now), now.actor.account_id),
    )


def waivers(store: Store, study_id: str) -> list[Row]:
    """Return the waivers of a study, oldest first: `reader`, `reason`, `at`, `by`."""
    return store.rows("SELECT * FROM study_waivers WHERE study_id = ? ORDER BY rowid", (study_id,))
