"""A case's whole history for an auditor: what readers, studies, adjudicators and auditors did with it. G8."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Actor
from hitl_review.store import audit, reviews
from hitl_review.workflow import past_screens
from hitl_review.workflow.past_screens import CaseHistory, case_history
from hitl_review.workflow.receipts import issue_receipt
from hitl_review.workflow.sampling import draw_sample, record_finding
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock
from tests.ward_learning import learn
from tests.ward_study import RITA, read_all, start


def _history(workspace: Workspace, case_id: str, actor: Actor) -> CaseHistory:
    return case_history(workspace, case_id, actor=actor, sitting=audit.new_token())


def _actions(found: CaseHistory) -> list[str]:
    return [event.told["action"] for event in found.events]


def test_a_study_stands_in_the_history_of_its_cases(
    reviewed: Workspace, clock: Clock, auditor: Actor
) -> None:
    """Its outputs, its lists, each opening, each showing of the model and each read; and no other case's."""
    start(reviewed)
    read_all(reviewed, RITA, clock)
    found = _history(reviewed, "C-3", auditor)
    actions = _actions(found)
    assert {"study.outputs_fixed", "study.scheduled", "study.opened", "study.shown", "study.read"} <= set(actions)
    told = [event.told for event in audit.events(reviewed.store) if event.told["action"] == "study.read"]
    of_case = [each["event_id"] for each in told if each["detail"]["case"] == "C-3"]
    assert [each.event_id for each in found.events if each.told["action"] == "study.read"] == of_case
    assert 0 < len(of_case) < len(told) and not found.problems


def test_disputes_findings_and_receipts_stand_in_it(
    reviewed: Workspace, clock: Clock, auditor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disputes and what auditors found however long ago; that a receipt was issued as far back as looks are."""
    learn(reviewed, clock)
    decision = next(each for each in reviews.all_decisions(reviewed.store) if each.case_id == "C-1")
    drawn = draw_sample(reviewed, count=100, actor=auditor)
    act = (drawn.sample_id, decision.decision_id, "remark", "Look again")
    record_finding(reviewed, *act, actor=auditor, token="finding-0001")
    issue_receipt(reviewed, decision.decision_id, actor=auditor)
    kept = {"label.disputed", "label.resolved", "sample.reviewed"}
    assert {*kept, "receipt.issued"} <= set(_actions(_history(reviewed, "C-1", auditor)))
    assert not any(_history(reviewed, f"C-{number}", auditor).problems for number in range(1, 7))
    monkeypatch.setattr(past_screens, "REACH", 0)
    far = _history(reviewed, "C-1", auditor)
    assert kept <= set(_actions(far)) and "receipt.issued" not in _actions(far)
    assert far.looks_from == audit.head(reviewed.store).size + 1


def test_it_says_from_where_on_looks_are_listed(
    reviewed: Workspace, auditor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are more of them than are listed, not from the beginning."""
    assert _history(reviewed, "C-2", auditor).looks_from == 1
    monkeypatch.setattr(past_screens, "MOST_LOOKS", 3)
    found = _history(reviewed, "C-2", auditor)
    about = [each.seq for each in audit.events(reviewed.store) if each.told["subject"] == "case:C-2"]
    assert found.looks_from == about[-3]
    assert "decision.amended" in _actions(found)
