"""A reader accepts, overrides or defers; each is recorded once, with what was shown, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Answer, Choice, Decision
from hitl_review.errors import Conflict, HitlError, NotFound, NotPermitted, ReviewError, TooQuick
from hitl_review.store import audit, reviews, worklist
from hitl_review.workflow.deciding import last_saved, record_decision
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests import ward
from tests.ward import Clock
from tests.ward_learning import put_in_use

TOKEN = "a-token-of-a-form"
ACCEPT = Choice(Answer.ACCEPTED)
OVERRIDE = Choice(Answer.OVERRIDDEN, reason="seen_patient")
DEFER = Choice(Answer.DEFERRED, reason="too_little")
Record = Callable[..., Decision]


@pytest.fixture
def shown(workspace: Workspace, reader: Actor, clock: Clock) -> Workspace:
    """The ward with a model in use, and C-1 in front of the first reader; the model said "alive"."""
    model = ward.train(workspace)
    promote(workspace, model, actor=Actor("approver-1", "Abe Approver", ward.Role.APPROVER))
    made = ward.predict(workspace, model)
    ward.show(workspace, made["C-1"], reader=reader, token="reveal-of-c-1")
    clock.advance(10)
    return workspace


@pytest.fixture
def record(shown: Workspace, reader: Actor) -> Record:
    """Records an answer to what was shown, some of it changed."""

    def recorded(choice: Choice = ACCEPT, **changed: object) -> Decision:
        ordinary = {"actor": reader, "token": TOKEN, "seconds_active": 8.0, "seconds_on_screen": 5.0}
        return record_decision(shown, "reveal-of-c-1", choice, **{**ordinary, **changed})  # type: ignore[arg-type]

    return recorded


@pytest.mark.parametrize(
    ("choice", "label", "action", "state"),
    [
        (ACCEPT, "alive", "decision.accepted", "decided"),
        (OVERRIDE, "died", "decision.overridden", "decided"),
        (DEFER, None, "decision.deferred", "deferred"),
    ],
)
def test_an_answer_is_stored_with_its_event_and_moves_the_case(
    shown: Workspace, record: Record, choice: Choice, label: str | None, action: str, state: str
) -> None:
    """Accepting keeps the shown label, overriding takes the other, deferring has none and stays in the queue."""
    decision = record(choice)
    assert decision.label == label
    assert reviews.find_decision(shown.store, TOKEN) == decision
    event = audit.find(shown.store, TOKEN)
    assert event is not None and event.told["action"] == action
    row = shown.store.row("SELECT state, holder FROM worklist WHERE case_id = 'C-1'")
    assert row is not None and tuple(row) == (state, None)


def test_the_event_of_a_decision_can_be_read_alone(shown: Workspace, record: Record) -> None:
    """Everything the specification asks for stands in it, and no clinical value."""
    record(OVERRIDE)
    event = audit.find(shown.store, TOKEN)
    assert event is not None
    detail = event.told["detail"]
    assert {
        "prediction", "model", "probability", "threshold", "label_shown", "label", "outcome", "reason", "comment",
        "own_probability", "shown_digest", "shown_at", "seconds_active", "signature", "supersedes",
    } <= detail.keys()  # fmt: skip
    assert detail["signature"] == {
        "name": "Rita Reader",
        "meaning": "review",
        "at": "2026-11-22T09:12:13.000001Z",
        "method": "none",
        "proved_at": None,
    }
    assert (detail["label_shown"], detail["label"], detail["outcome"]) == ("alive", "died", "overridden")
    assert not {"age", "creatinine", "sex"} & set(event.payload.replace('"', " ").split())


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(Answer.OVERRIDDEN), "without a reason"),
        (Choice(Answer.DEFERRED), "without a reason"),
        (Choice(Answer.OVERRIDDEN, reason="too_little"), "with the reason 'too_little'"),
        (Choice(Answer.OVERRIDDEN, reason="invented"), "with the reason 'invented'"),
        (Choice(Answer.OVERRIDDEN, reason="record_wrong"), "needs a comment"),
        (Choice(Answer.OVERRIDDEN, reason="record_wrong", comment=" \n"), "needs a comment"),
        (Choice(Answer.ACCEPTED, reason="seen_patient"), "takes no coded reason"),
        (Choice(Answer.OVERRIDDEN, label="alive", reason="seen_patient"), "can't carry the label"),
        (Choice(Answer.ACCEPTED, label="died"), "can't carry the label"),
        (Choice(Answer.ACCEPTED, comment="x" * 2001), "2001 characters"),
        (Choice(Answer.ACCEPTED, comment="\ud800"), "can't be stored"),
        (Choice(Answer.ACCEPTED, comment="a\x00b"), "can't be stored"),
    ],
)
def test_a_choice_that_contradicts_itself_is_refused_and_nothing_is_stored(
    shown: Workspace, record: Record, choice: Choice, words: str
) -> None:
    """One sentence says what is wrong."""
    before = audit.head(shown.store)
    with pytest.raises(ReviewError, match=words):
        record(choice)
    assert audit.head(shown.store) == before
    assert reviews.all_decisions(shown.store) == []


def test_the_same_press_many_times_is_one_decision(shown: Workspace, record: Record) -> None:
    """The token of the form makes it so, whatever the page does."""
    assert len({record(OVERRIDE) for _ in range(5)}) == 1
    assert len(reviews.all_decisions(shown.store)) == 1


def test_one_token_can_not_stand_for_two_answers(record: Record) -> None:
    """Answering the second with the first would tell the reader something untrue."""
    record(OVERRIDE)
    with pytest.raises(Conflict, match="token was used"):
        record(ACCEPT)


def test_a_second_tab_can_not_decide_a_case_again(shown: Workspace, record: Record) -> None:
    """It is told when the case was decided, and nothing is doubled."""
    record(OVERRIDE)
    with pytest.raises(Conflict, match="at 09:12:13 UTC"):
        record(ACCEPT, token="token-of-a-second-tab")
    assert len(reviews.all_decisions(shown.store)) == 1


def test_a_change_of_mind_supersedes_and_hides_nothing(shown: Workspace, record: Record) -> None:
    """Both stay; the later one is in force; the log tells of an amendment."""
    first = record(OVERRIDE)
    second = record(ACCEPT, token="token-of-the-change", supersedes=first.decision_id)
    assert reviews.decisions_of_case(shown.store, "C-1") == [first, second]
    assert reviews.decision_in_force(shown.store, "C-1", "reader-1") == second
    event = audit.find(shown.store, "token-of-the-change")
    assert event is not None and event.told["action"] == "decision.amended"
    assert event.told["detail"]["outcome"] == "accepted"


@pytest.mark.parametrize("supersedes", ["no-such-decision", TOKEN])
def test_only_the_decision_in_force_can_be_superseded(record: Record, supersedes: str) -> None:
    """Otherwise two changes of mind, in two tabs, would fork."""
    first = record(OVERRIDE)
    record(DEFER, token="token-of-the-change", supersedes=first.decision_id)
    with pytest.raises(Conflict, match="not the one in force"):
        record(ACCEPT, token="token-of-another-change", supersedes=supersedes)


def test_what_was_shown_to_one_can_not_be_decided_by_another(
    shown: Workspace, record: Record, other_reader: Actor
) -> None:
    """The other one has not seen it."""
    with pytest.raises(Conflict, match="shown to somebody else"):
        record(actor=other_reader)


def test_what_was_never_shown_can_not_be_decided(shown: Workspace, reader: Actor) -> None:
    """There is no decision without a screen."""
    how = {"actor": reader, "token": TOKEN, "seconds_active": 1.0, "seconds_on_screen": 5.0}
    with pytest.raises(NotFound, match="Nothing was shown"):
        record_decision(shown, "no-such-reveal", ACCEPT, **how)  # type: ignore[arg-type]


def test_a_model_that_was_replaced_can_not_be_answered(
    shown: Workspace, record: Record, approver: Actor
) -> None:
    """The reader would answer what is no longer in use; the screen has to be seen anew."""
    put_in_use(shown, ward.train(shown, b"another stand-in"), approver=approver)
    with pytest.raises(Conflict, match="model was changed"):
        record()


def test_nobody_decides_what_they_can_not_have_read(shown: Workspace, record: Record) -> None:
    """A held key must not accept case after case."""
    with pytest.raises(TooQuick):
        record(seconds_on_screen=0.3)
    assert reviews.all_decisions(shown.store) == []


@pytest.mark.parametrize("role", ["AUDITOR", "MODEL_STEWARD", "APPROVER", "STUDY_LEAD", "ADMIN", "SYSTEM"])
def test_no_other_role_can_decide(record: Record, role: str) -> None:
    """Least of all an administrator, or the program itself."""
    with pytest.raises(NotPermitted):
        record(actor=Actor("reader-1", "Rita Reader", ward.Role[role]))


def test_two_readers_decide_one_case_and_both_are_kept(
    shown: Workspace, record: Record, other_reader: Actor, clock: Clock
) -> None:
    """Neither overwrites the other."""
    record(OVERRIDE)
    prediction = ward.predictions.get(shown.store, reviews.reveal(shown.store, "reveal-of-c-1").prediction_id)
    ward.show(shown, prediction, reader=other_reader, token="reveal-to-the-other")
    clock.advance(10)
    record_decision(
        shown,
        "reveal-to-the-other",
        ACCEPT,
        actor=other_reader,
        token="token-of-the-other",
        seconds_active=3.0,
        seconds_on_screen=3.0,
    )
    assert [each.answer for each in reviews.decisions_of_case(shown.store, "C-1")] == [
        "overridden",
        "accepted",
    ]
    assert worklist.progress(shown.store).decided == 1


def test_what_was_saved_last_is_asked_of_the_database(
    shown: Workspace, record: Record, reader: Actor
) -> None:
    """Not of the page, which may have lost its memory."""
    assert last_saved(shown, actor=reader) is None
    decision = record(OVERRIDE)
    assert last_saved(shown, actor=reader) == decision


def test_eight_tabs_press_at_once_and_one_decision_is_made(
    shown: Workspace, record: Record, reader: Actor
) -> None:
    """The others are told; the race is settled by the database."""
    told: list[object] = []
    start = threading.Barrier(8)

    def press(number: int) -> None:
        with open_workspace(shown.folder, clock=shown.store.clock) as own:
            start.wait()
            try:
                told.append(
                    record_decision(
                        own,
                        "reveal-of-c-1",
                        OVERRIDE,
                        actor=reader,
                        token=f"token-of-tab-{number}",
                        seconds_active=1.0,
                        seconds_on_screen=5.0,
                    )
                )
            except HitlError as refusal:
                told.append(refusal)

    tabs = [threading.Thread(target=press, args=(number,)) for number in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(type(each).__name__ for each in told) == ["Conflict"] * 7 + ["Decision"]
    assert len(reviews.all_decisions(shown.store)) == 1
