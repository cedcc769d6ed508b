"""A press on a decision that is stored already: nothing more is recorded, and the reader is not left behind."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Answer
from hitl_review.store import audit
from hitl_review.ui import deciding, session
from hitl_review.workflow.review import next_case
from hitl_review.workflow.workspace import Workspace


@pytest.mark.parametrize("stands_there", [True, False])
def test_a_second_press_moves_on_where_the_first_one_was_cut_short(
    reviewed: Workspace, reader: Actor, monkeypatch: pytest.MonkeyPatch, stands_there: bool
) -> None:
    """Between its record and its move; where the first one has moved on, the second one moves nobody."""
    (decision,) = reviewed.store.rows("SELECT * FROM decisions WHERE reader = ? LIMIT 1", (reader.account_id,))
    case_id, moves = decision["case_id"], list[str | None]()
    monkeypatch.setattr(session, "workspace", lambda: nullcontext(reviewed))
    monkeypatch.setattr(session, "same_actor", lambda workspace, account_id: reader)
    monkeypatch.setattr(session, "case_id", lambda: case_id if stands_there else "C-elsewhere")
    monkeypatch.setattr(session, "go_to", moves.append)
    act = deciding._Act(case_id, decision["reveal_id"], decision["decision_id"], reader.account_id, None)
    before = audit.head(reviewed.store)
    deciding._record(act, Answer.OVERRIDDEN, decision["reason"])
    assert moves == ([next_case(reviewed, actor=reader)] if stands_there else [])
    assert audit.head(reviewed.store) == before
