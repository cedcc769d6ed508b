"""Desks at which decisions can be made for ever: each reader has seen each case, and may think again.

Every decision is made by the product's own step, so it brings its row, its event and its place in the queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.decision import Answer, Choice
from hitl_review.store import reviews
from hitl_review.store.connection import now_utc
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.review import commit_read, open_case
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.ward import PROJECT, fill, predict, show, train

READERS = (Actor("reader-1", "Rita Reader", Role.READER), Actor("reader-2", "Rolf Reader", Role.READER))
CASES = tuple(f"C-{number}" for number in range(1, 7))
APPROVER = Actor("approver-1", "Abe Approver", Role.APPROVER)


def furnish(folder: Path, *, clock: Callable[[], datetime] = now_utc) -> Path:
    """Make a workspace in which both readers have seen all six cases and decided none."""
    create_workspace(folder, PROJECT, demo=True, clock=clock)
    with open_workspace(folder, clock=clock) as workspace:
        fill(workspace)
        model = train(workspace)
        promote(workspace, model, actor=APPROVER)
        made = predict(workspace, model)
        for reader in READERS:
            for case_id in CASES:
                opened = open_case(workspace, case_id, actor=reader)
                commit_read(
                    workspace,
                    case_id,
                    label="died",
                    probability=0.4,
                    actor=reader,
                    token=f"read-{reader.account_id}-{case_id}",
                    opened_at=opened.opened_at,
                )
                show(workspace, made[case_id], reader=reader, token=f"reveal-{reader.account_id}-{case_id}")
    return folder


@dataclass(frozen=True, slots=True)
class Desk:
    """One reader before one case."""

    reader: Actor
    case_id: str

    def decide(self, workspace: Workspace, token: str, *, comment: str = "") -> str:
        """Decide, or change the decision in force, and return its id once it is stored."""
        in_force = reviews.decision_in_force(workspace.store, self.case_id, self.reader.account_id)
        return record_decision(
            workspace,
            f"reveal-{self.reader.account_id}-{self.case_id}",
            Choice(Answer.OVERRIDDEN, reason="seen_patient", comment=comment),
            actor=self.reader,
            token=token,
            seconds_active=8.0,
            seconds_on_screen=9.0,
            supersedes=None if in_force is None else in_force.decision_id,
        ).decision_id


def desk(number: int) -> Desk:
    """Return one of the twelve desks; nobody else sits at it."""
    return Desk(READERS[number % 2], CASES[number // 2 % 6])


def decide_for_ever(
    folder: Path, number: int, name: str, tell: Callable[[str], object], *, too_early: bool = False
) -> None:
    """Decide at one desk after the other of a writer's own until the process ends; tell what is acknowledged.

    `too_early` is a mistake, for controls: it tells of a decision before it is stored.
    """
    with open_workspace(folder) as workspace:
        for turn in count():
            token = f"{name}-{turn:06d}"
            if too_early:
                tell(token)
            desk(number + 4 * (turn % 3)).decide(workspace, token)
            if not too_early:
                tell(token)


def stored_decisions(folder: Path) -> set[str]:
    """Return the ids of all decisions that are stored."""
    with open_workspace(folder) as workspace:
        return {row[0] for row in workspace.store.rows("SELECT decision_id FROM decisions")}
