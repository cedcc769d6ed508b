"""One case through the whole loop, told as the product tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hitl_review.domain.audit import text_digest
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Answer, Choice, Confidence
from hitl_review.errors import Conflict, NotCommitted
from hitl_review.store import audit, cases, models, reviews, worklist
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.deciding import last_saved, record_decision
from hitl_review.workflow.exporting import export
from hitl_review.workflow.replaying import replay
from hitl_review.workflow.revealing import reveal
from hitl_review.workflow.review import commit_read, next_case, open_case
from hitl_review.workflow.workspace import open_workspace
from tests.hospital import build


def test_one_case_travels_through_all_steps_of_the_loop(tmp_path: Path) -> None:
    """From an empty folder to a decision that is recorded, superseded, replayed, verified and exported."""
    folder = build(tmp_path / "hospital")
    with open_workspace(folder) as workspace:
        store, reader = workspace.store, actor_of(workspace, "reader-1")

        # 1, 2: cases arrived with outcomes where they are history, and the champion judged the queue.
        assert len(cases.outcomes(store, Purpose.HOLDOUT)) == 120
        champion = models.champion(store)
        case_id = next_case(workspace, actor=reader)
        assert case_id is not None

        # 3: the case is handed to a reader, and to nobody else meanwhile.
        opened = open_case(workspace, case_id, actor=reader)
        assert opened.needs_read
        assert next_case(workspace, actor=actor_of(workspace, "reader-2")) != case_id

        # 4: nothing of the model is given out before the own estimate is stored; then it is.
        with pytest.raises(NotCommitted):
            reveal(workspace, case_id, actor=reader)
        commit_read(
            workspace,
            case_id,
            label="died",
            probability=0.7,
            actor=reader,
            token="read-token",
            opened_at=opened.opened_at,
        )
        shown = reveal(workspace, case_id, actor=reader)
        view = shown.screen.view
        assert view.model == champion.digest
        assert view.base_value + sum(reason.amount for reason in view.reasons) == pytest.approx(
            view.margin, abs=1e-4
        )

        # 5: the reader overrides, with a reason; the case leaves the queue; the same press again is the same act.
        choice = Choice(Answer.OVERRIDDEN, reason="weighs_differently", confidence=Confidence.HIGH)
        how = {"actor": reader, "seconds_active": 12.0, "seconds_on_screen": 5.0}
        decision = record_decision(workspace, shown.reveal.reveal_id, choice, token="decide-token", **how)
        assert (
            record_decision(workspace, shown.reveal.reveal_id, choice, token="decide-token", **how)
            == decision
        )
        assert decision.label == workspace.project.other_label(view.label)
        assert worklist.progress(store).decided == 1
        assert next_case(workspace, actor=reader) != case_id

        # 6: a change of mind supersedes; both stay; a second first decision is refused.
        with pytest.raises(Conflict, match="decided this case at"):
            record_decision(
                workspace, shown.reveal.reveal_id, Choice(Answer.ACCEPTED), token="other-token", **how
            )
        later = record_decision(
            workspace,
            shown.reveal.reveal_id,
            Choice(Answer.ACCEPTED),
            token="later-token",
            supersedes=decision.decision_id,
            **how,
        )
        assert [each.answer for each in reviews.decisions_of_case(store, case_id)] == [
            "overridden",
            "accepted",
        ]
        assert last_saved(workspace, actor=reader) == later

        # 7: both decisions can be shown and computed again, to the last bit.
        for each in (decision, later):
            again = replay(workspace, each.decision_id)
            assert again.ok and again.margin_recomputed == view.margin
            assert text_digest(shown.screen.body) == each.shown_digest

        # 8: the log tells of each act once, in order.
        told = [event.told for event in audit.events(store) if event.told["subject"] == f"case:{case_id}"]
        assert [each["action"] for each in told] == [
            "case.opened",
            "read.committed",
            "prediction.shown",
            "decision.overridden",
            "decision.amended",
        ]
        assert told[3]["detail"]["own_probability"] == 0.7
        assert told[4]["detail"]["supersedes"] == "decide-token"

        # 9: the decisions leave the house, and that is logged too.
        out = tmp_path / "decisions.jsonl"
        export(workspace, what="decisions", form="jsonl", out=out, actor=actor_of(workspace, "auditor-1"))
        assert [json.loads(line)["in_force"] for line in out.read_text().splitlines()] == [False, True]
    assert verify(folder).ok
