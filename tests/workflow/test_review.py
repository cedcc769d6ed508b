"""A reader is handed a case, opens it and commits an own estimate."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hitl_review.domain.account import Actor
from hitl_review.errors import (
    AuditError,
    Conflict,
    NotFound,
    NotPermitted,
    ProjectFileError,
    ReviewError,
    TooQuick,
)
from hitl_review.project import Project
from hitl_review.store import audit, reviews, worklist
from hitl_review.workflow.review import check_dwell, commit_read, is_blind, look_at, next_case, open_case
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock

TOKEN = "a-token-of-a-form"


def estimate(workspace: Workspace, reader: Actor, **changed: object) -> object:
    """Commit an estimate of C-1, some of it changed."""
    ordinary = {"label": "died", "probability": 0.7, "token": TOKEN, "opened_at": workspace.store.clock()}
    return commit_read(workspace, "C-1", actor=reader, **{**ordinary, **changed})  # type: ignore[arg-type]


def test_cases_are_handed_out_in_the_order_of_arrival(workspace: Workspace, reader: Actor) -> None:
    """Nothing of the model decides the order, so the order tells nothing of the model."""
    assert next_case(workspace, actor=reader) == "C-1"


def test_two_readers_are_not_handed_the_same_case(
    workspace: Workspace, reader: Actor, other_reader: Actor
) -> None:
    """A case that is open is held for its reader, who is handed it again."""
    open_case(workspace, "C-1", actor=reader)
    assert next_case(workspace, actor=other_reader) == "C-2"
    assert next_case(workspace, actor=reader) == "C-1"


def test_a_hold_ends_when_its_reader_goes_home(
    workspace: Workspace, reader: Actor, other_reader: Actor, clock: Clock
) -> None:
    """Fifteen minutes by default; nobody has to free it."""
    open_case(workspace, "C-1", actor=reader)
    clock.advance(15 * 60 - 1)
    assert next_case(workspace, actor=other_reader) == "C-2"
    clock.advance(1)
    assert next_case(workspace, actor=other_reader) == "C-1"


def test_a_reader_holds_one_case_at_a_time(workspace: Workspace, reader: Actor, other_reader: Actor) -> None:
    """Opening the next one frees the one before."""
    open_case(workspace, "C-1", actor=reader)
    open_case(workspace, "C-2", actor=reader)
    assert next_case(workspace, actor=other_reader) == "C-1"


def test_a_case_can_be_left_for_later_and_the_search_wraps_around(
    workspace: Workspace, reader: Actor
) -> None:
    """After the last case comes the first one again."""
    assert next_case(workspace, actor=reader, after="C-1") == "C-2"
    assert next_case(workspace, actor=reader, after="C-6") == "C-1"


def test_the_only_case_left_is_not_its_own_successor(workspace: Workspace, reader: Actor) -> None:
    """Leaving it then means that nothing waits."""
    with workspace.store.transaction():
        workspace.store.write("UPDATE worklist SET state = 'decided' WHERE case_id <> 'C-1'")
    assert next_case(workspace, actor=reader, after="C-1") is None


def test_deferred_cases_come_back_after_the_open_ones_to_others(
    reviewed: Workspace, reader: Actor, other_reader: Actor
) -> None:
    """The reader who deferred one is not asked again; another reader is, at the end of the queue."""
    with reviewed.store.transaction():
        reviewed.store.write("UPDATE worklist SET state = 'decided' WHERE state = 'open'")
    assert next_case(reviewed, actor=other_reader) == "C-3"
    assert next_case(reviewed, actor=reader) is None


def test_opening_a_case_is_an_event(workspace: Workspace, reader: Actor) -> None:
    """Who looked at whom is asked of every system that holds patients; looking again in one sitting is not."""
    opened = open_case(workspace, "C-1", actor=reader)
    look_at(workspace, "C-1", actor=reader, opened_at=opened.opened_at)
    told = [event.told for event in audit.events(workspace.store) if event.told["action"] == "case.opened"]
    assert [(each["actor"], each["subject"], each["detail"]) for each in told] == [
        ("reader-1", "case:C-1", {})
    ]


@pytest.mark.parametrize("case_id", ["T-1", "C-99", ""])
def test_only_cases_of_the_queue_can_be_opened(workspace: Workspace, reader: Actor, case_id: str) -> None:
    """History and the hold-out are nobody's to judge; what does not exist is said not to."""
    with pytest.raises(NotFound):
        open_case(workspace, case_id, actor=reader)


def test_an_auditor_can_neither_open_nor_judge(workspace: Workspace, auditor: Actor) -> None:
    """The rule is here, and not in a page that is hidden."""
    for act in (
        lambda: next_case(workspace, actor=auditor),
        lambda: open_case(workspace, "C-1", actor=auditor),
        lambda: estimate(workspace, auditor),
    ):
        with pytest.raises(NotPermitted, match="reader"):
            act()
    assert reviews.all_reads(workspace.store) == []


def test_an_estimate_is_stored_with_its_event(workspace: Workspace, reader: Actor) -> None:
    """The token is the id of both, so that one press is one estimate."""
    read = estimate(workspace, reader)
    assert reviews.read_of(workspace.store, "C-1", "reader-1") == read
    event = audit.find(workspace.store, TOKEN)
    assert event is not None and event.told["detail"]["probability"] == 0.7


def test_the_same_press_twice_is_one_estimate(workspace: Workspace, reader: Actor) -> None:
    """The second one is answered with what is stored."""
    assert estimate(workspace, reader) == estimate(workspace, reader)
    assert len(reviews.all_reads(workspace.store)) == 1


def test_an_estimate_is_made_once_and_stays(workspace: Workspace, reader: Actor) -> None:
    """A second one, from another tab, is refused and changes nothing."""
    estimate(workspace, reader)
    with pytest.raises(Conflict, match="stays as it is"):
        estimate(workspace, reader, probability=0.1, token="another-token")
    assert [read.probability for read in reviews.all_reads(workspace.store)] == [0.7]


def test_who_has_seen_the_model_can_make_no_blind_estimate(reviewed: Workspace, other_reader: Actor) -> None:
    """It would not be an own one any more."""
    store = reviewed.store
    seen = next(each for each in reviews.all_reveals(store) if each.reader == "reader-2")
    with store.transaction():
        store.db.execute("DROP TRIGGER reads_no_delete")
        store.write("DELETE FROM reads WHERE reader = 'reader-2'")
    with pytest.raises(Conflict, match="have seen the model"):
        commit_read(
            reviewed,
            seen.case_id,
            label="died",
            probability=0.5,
            actor=other_reader,
            token=TOKEN,
            opened_at=store.clock(),
        )


@pytest.mark.parametrize("probability", [-0.01, 1.01, float("nan"), float("inf")])
def test_an_estimate_is_a_probability(workspace: Workspace, reader: Actor, probability: float) -> None:
    """Anything else is refused, and nothing is stored."""
    with pytest.raises(ReviewError, match="between 0 and 100"):
        estimate(workspace, reader, probability=probability)
    assert reviews.all_reads(workspace.store) == []


def test_a_call_is_one_of_the_projects_two_answers(workspace: Workspace, reader: Actor) -> None:
    """A third word can't be judged against an outcome."""
    with pytest.raises(ProjectFileError, match="died or alive"):
        estimate(workspace, reader, label="maybe")


@pytest.mark.parametrize("token", ["", "short", "x" * 65, "with space in it", "ünicode-token"])
def test_a_token_that_can_be_no_events_id_is_refused(workspace: Workspace, reader: Actor, token: str) -> None:
    """It would name the event in the log for good."""
    with pytest.raises(AuditError, match="token"):
        estimate(workspace, reader, token=token)


def test_an_opening_after_the_commit_is_brought_back_to_it(
    workspace: Workspace, reader: Actor, clock: Clock
) -> None:
    """A tab's clock that is ahead must not make a negative reading time."""
    read = estimate(workspace, reader, opened_at=clock.now + timedelta(minutes=5))
    assert read.opened_at == read.committed_at == clock.now  # type: ignore[attr-defined]


def test_what_a_reader_sees_of_others_is_only_that_they_decided(
    reviewed: Workspace, other_reader: Actor
) -> None:
    """How they decided would lead the second reader."""
    opened = look_at(reviewed, "C-1", actor=other_reader, opened_at=reviewed.store.clock())
    assert (opened.decided_by_others, opened.decision, opened.read) == (1, None, None)


def test_a_reader_is_told_that_another_one_has_the_case_open(
    workspace: Workspace, reader: Actor, other_reader: Actor
) -> None:
    """By a link to it, one can come to a case that is held."""
    open_case(workspace, "C-1", actor=reader)
    assert open_case(workspace, "C-1", actor=other_reader).held_by_other
    assert worklist.holder(workspace.store, "C-1", now=workspace.store.clock()) == "reader-1"


def blind(project: Project, **policy: object) -> Project:
    """The project with another review policy."""
    return project.model_copy(update={"review": project.review.model_copy(update=policy)})


def test_blind_first_can_be_on_off_or_for_a_share_of_the_cases(project: Project) -> None:
    """The share is met over many cases, and the same pair of case and reader is always answered alike."""
    ids = [f"C-{number}" for number in range(2000)]
    assert all(is_blind(blind(project, blind_first="on"), each, "reader-1") for each in ids)
    assert not any(is_blind(blind(project, blind_first="off"), each, "reader-1") for each in ids)
    shared = blind(project, blind_first="share", blind_share=0.3)
    chosen = [is_blind(shared, each, "reader-1") for each in ids]
    assert 0.26 < sum(chosen) / len(chosen) < 0.34
    assert chosen == [is_blind(shared, each, "reader-1") for each in ids]


def test_what_nobody_can_have_read_is_refused(project: Project) -> None:
    """0.7 s by default; a screen that stood exactly that long counts."""
    check_dwell(project, 0.7)
    with pytest.raises(TooQuick, match=r"0\.2 s"):
        check_dwell(project, 0.2)
