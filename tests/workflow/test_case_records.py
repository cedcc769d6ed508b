"""What was recorded of a case beside its decisions: every replaced value stands beside the one that replaced it."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Actor
from hitl_review.store import audit, reviews
from hitl_review.workflow.case_records import SEALED, CaseRecord, RecordKind, case_records
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.past_screens import case_history
from hitl_review.workflow.sampling import draw_sample, record_finding
from hitl_review.workflow.workspace import Workspace
from tests.tampering import tamper
from tests.ward import Clock, record_outcomes
from tests.ward_learning import learn
from tests.ward_study import lay_study

DIED, ALIVE = "death within 30 days", "alive after 30 days"


def _of(workspace: Workspace, case_id: str, actor: Actor, kind: RecordKind) -> list[CaseRecord]:
    found = case_history(workspace, case_id, actor=actor, sitting=audit.new_token())
    assert not found.problems
    return [each for each in case_records(workspace, found) if each.kind is kind]


def test_a_corrected_outcome_stands_beside_the_one_that_it_replaced(
    reviewed: Workspace, clock: Clock, auditor: Actor
) -> None:
    """Both values, when, from where, and each names the other; only the last is in force."""
    for value in (True, False, True):
        record_outcomes(reviewed, {"C-2": value, "C-3": True})
        clock.advance(60)
    first, second, third = _of(reviewed, "C-2", auditor, RecordKind.OUTCOME)
    assert [each.said for each in (first, second, third)] == [DIED, ALIVE, DIED]
    assert [each.replaced for each in (first, second, third)] == [True, True, False]
    assert first.stands == f"replaced {second.at:%Y-%m-%d %H:%M} UTC by: {ALIVE}"
    assert third.stands == f"in force; it replaced: {ALIVE}"
    assert (first.by, first.source) == ("system", "registry")


def test_what_became_of_a_study_s_case_is_told_to_nobody_before_unsealing(
    reviewed: Workspace, auditor: Actor
) -> None:
    """Neither as an outcome nor as a training label; that there are some is told."""
    record_outcomes(reviewed, {"C-3": True})
    record_outcomes(reviewed, {"C-3": False})
    collect_labels(reviewed)
    lay_study(reviewed)
    found = case_history(reviewed, "C-3", actor=auditor, sitting=audit.new_token())
    records = case_records(reviewed, found)
    outcomes = [each for each in records if each.kind is RecordKind.OUTCOME]
    assert [each.said for each in outcomes] == [SEALED, SEALED]
    assert not any(word in each.stands for each in outcomes for word in (DIED, ALIVE))
    made = [each for each in records if each.kind is RecordKind.LABEL and each.source == "recorded outcome"]
    assert [each.said for each in made] == [SEALED, SEALED]


def test_labels_of_replaced_decisions_and_outcomes_are_replaced(reviewed: Workspace, auditor: Actor) -> None:
    """As training takes them: the label of a later decision or outcome; an own estimate's stays."""
    for value in (True, False):
        record_outcomes(reviewed, {"C-2": value})
        collect_labels(reviewed)
    made = {(each.source, each.said): each for each in _of(reviewed, "C-2", auditor, RecordKind.LABEL)}
    replaced = {source for (source, _), each in made.items() if each.replaced}
    assert replaced == {"override, after the model was shown", "recorded outcome"}
    assert made["recorded outcome", f"100% {DIED}"].stands == "replaced by a later label"
    assert made["recorded outcome", f"0% {DIED}"].stands == "in force"
    assert not any(each.replaced for (source, _), each in made.items() if source.startswith("own estimate"))


def test_an_own_estimate_stands_as_it_was_given(reviewed: Workspace, auditor: Actor) -> None:
    """Also where the decision after it was changed."""
    (estimate,) = _of(reviewed, "C-2", auditor, RecordKind.ESTIMATE)
    assert estimate.by == "reader-1" and not estimate.replaced
    read = reviews.read_of(reviewed.store, "C-2", "reader-1")
    assert read is not None and estimate.said.startswith(f"{read.probability:.0%}: ")


def test_a_dispute_is_told_with_both_sides_and_its_answer(
    reviewed: Workspace, clock: Clock, auditor: Actor
) -> None:
    """And the view of a model that is not in use any more says that it is."""
    learn(reviewed, clock)
    noted, answer = _of(reviewed, "C-1", auditor, RecordKind.DISPUTE)
    assert "Rita Reader" in noted.said and "Rolf Reader" in noted.said
    assert (noted.stands, noted.replaced) == ("resolved, as below", True)
    assert answer.said == f"100%: {DIED}. Read by two." and answer.by == "adjudicator-1"
    (view,) = _of(reviewed, "C-1", auditor, RecordKind.VIEW)
    assert view.stands == "of a model that is not in use now" and view.replaced


def test_the_newest_finding_of_a_decision_in_a_sample_is_in_force(
    reviewed: Workspace, auditor: Actor
) -> None:
    """Of two samples each has its own."""
    decision = next(each for each in reviews.all_decisions(reviewed.store) if each.case_id == "C-1")
    for number, sample in enumerate(draw_sample(reviewed, count=100, actor=auditor) for _ in range(2)):
        for verdict, comment in (("remark", "Look again"), ("in_order", "")):
            act = (sample.sample_id, decision.decision_id, verdict, comment)
            record_finding(reviewed, *act, actor=auditor, token=f"finding-{number}-{verdict}")
    found = _of(reviewed, "C-1", auditor, RecordKind.FINDING)
    assert [each.said for each in found] == ["remark: Look again", "in order"] * 2
    assert [each.replaced for each in found] == [True, False, True, False]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE outcomes SET value = 0 WHERE case_id = 'C-2'",
        "UPDATE labels SET probability = 0.5 WHERE case_id = 'C-2' AND source = 'outcome'",
        "UPDATE predictions SET probability = 0.5 WHERE case_id = 'C-2'",
    ],
)
def test_an_edited_value_that_came_with_many_is_told_where_it_is_shown(
    reviewed: Workspace, auditor: Actor, deed: str
) -> None:
    """As that of an edited decision is."""
    record_outcomes(reviewed, {"C-2": True, "C-3": True})
    collect_labels(reviewed)
    tamper(reviewed.folder, deed)
    found = case_history(reviewed, "C-2", actor=auditor, sitting=audit.new_token())
    assert {each.kind for each in found.problems} == {"row_differs"}
