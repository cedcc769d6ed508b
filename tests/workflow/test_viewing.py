"""Looking at the log: only who may, logged once per sitting, filtered, page by page, bounded however long it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.audit import Event, Head, next_event, stamp
from hitl_review.errors import Conflict, NoChampion, NotFound, NotPermitted
from hitl_review.store import audit, history, models, projects
from hitl_review.store.connection import DATABASE
from hitl_review.workflow import viewing
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.past_screens import case_history
from hitl_review.workflow.viewing import PAGE, Filters, LogPage, view_log, view_model
from hitl_review.workflow.workspace import Workspace, open_workspace

SITTING = "sitting-0001"


def _looks(workspace: Workspace) -> list[Event]:
    return [event for event in audit.events(workspace.store) if event.told["action"] == "audit.viewed"]


def _subjects(page: LogPage) -> set[str]:
    return {event.told["subject"] for event in page.events}


def _lengthen(workspace: Workspace, events: int, name: str = "filler") -> None:
    """Add events to the log as the store would, without its read-back: a long log in a moment."""
    with workspace.store.transaction(SYSTEM) as transaction:
        head, rows = audit.head(workspace.store), []
        for number in range(events):
            event = next_event(
                head,
                event_id=f"{name}-{number:08}",
                at=transaction.now,
                actor="reader-2",
                role="reader",
                action="case.opened",
                subject=f"case:F-{number}",
                detail={},
            )
            rows.append((event.seq, event.event_id, event.prev_hash, event.payload, event.hash))
            head = Head(event.seq, event.hash, transaction.now)
        sql = "INSERT INTO audit_log (seq, event_id, prev_hash, payload, hash) VALUES (?, ?, ?, ?, ?)"
        workspace.store.insert_many(sql, rows)


def _work(workspace: Workspace, act: Callable[[], object]) -> int:
    """Count SQLite's own steps of an act, in tens: the same on every machine, unlike seconds."""
    made = 0

    def step() -> int:
        nonlocal made
        made += 1
        return 0

    workspace.store.db.conn.set_progress_handler(step, 10)
    act()
    workspace.store.db.conn.set_progress_handler(None, 10)
    return made


# Who may look, and that looking is logged


@pytest.mark.parametrize("role", [Role.READER, Role.ADJUDICATOR, Role.STUDY_LEAD, Role.ADMIN])
def test_a_role_that_may_not_read_the_log_sees_nothing_of_it(reviewed: Workspace, role: Role) -> None:
    """The rule is in the step and not in the page, and a refused look leaves no trace of a look."""
    with pytest.raises(NotPermitted, match="read the audit log"):
        view_log(reviewed, actor=Actor("reader-1", "Rita Reader", role), sitting=SITTING)
    assert _looks(reviewed) == []


def test_the_first_look_of_a_sitting_is_an_event_and_stands_on_top(
    reviewed: Workspace, auditor: Actor
) -> None:
    """It is stored before anything is shown, so it is the newest event that is shown."""
    page = view_log(reviewed, actor=auditor, sitting=SITTING)
    assert page.events[0].event_id == SITTING
    assert page.events[0].told["actor"] == auditor.account_id
    assert page.size == page.events[0].seq


def test_a_sitting_is_logged_once_however_often_it_turns_a_page(reviewed: Workspace, auditor: Actor) -> None:
    """Pages, filters and reruns of the same sitting add nothing; another sitting adds one."""
    for before in (None, 5, 3, None):
        view_log(reviewed, actor=auditor, sitting=SITTING, before=before, action="case.%")
    assert len(_looks(reviewed)) == 1
    view_log(reviewed, actor=auditor, sitting="sitting-0002")
    assert len(_looks(reviewed)) == 2


def test_one_persons_sitting_does_not_cover_anothers_look(
    reviewed: Workspace, auditor: Actor, approver: Actor
) -> None:
    """Whoever takes over a screen has to have a look of their own logged."""
    view_log(reviewed, actor=auditor, sitting=SITTING)
    with pytest.raises(Conflict, match="another act"):
        view_log(reviewed, actor=approver, sitting=SITTING)


def test_the_token_of_another_act_is_no_sitting(reviewed: Workspace, auditor: Actor) -> None:
    """An event that is there already for something else would let a look go unlogged."""
    taken = next(audit.events(reviewed.store)).event_id
    with pytest.raises(Conflict, match="another act"):
        view_log(reviewed, actor=auditor, sitting=taken)


def test_a_log_that_was_looked_at_still_verifies(reviewed: Workspace, auditor: Actor) -> None:
    """The event of a look is a link of the chain like any other."""
    view_log(reviewed, actor=auditor, sitting=SITTING)
    assert verify(reviewed.folder).ok


# What a look shows


def test_the_newest_event_comes_first_and_every_event_comes_once(reviewed: Workspace, auditor: Actor) -> None:
    """Turning pages to the end shows the whole log from its head to its first event."""
    _lengthen(reviewed, 2 * PAGE)
    seen, before = [], None
    while True:
        page = view_log(reviewed, actor=auditor, sitting=SITTING, before=before)
        seen += [event.seq for event in page.events]
        if page.older is None:
            break
        before = page.older
    assert seen == list(range(page.size, 0, -1))


def test_a_full_page_at_the_beginning_has_nothing_older(workspace: Workspace, auditor: Actor) -> None:
    """A log of exactly one page has one, and no empty second."""
    _lengthen(workspace, PAGE - audit.head(workspace.store).size - 1)
    page = view_log(workspace, actor=auditor, sitting=SITTING)
    assert (len(page.events), page.older) == (PAGE, None)


def test_the_filters_are_case_person_and_action(reviewed: Workspace, auditor: Actor) -> None:
    """Each narrows the log to what it names, and together they narrow it further."""
    case_id = next(
        event.told["subject"] for event in audit.events(reviewed.store) if "decision." in event.payload
    )

    def look(**asked: str) -> LogPage:
        return view_log(reviewed, actor=auditor, sitting=SITTING, **asked)  # type: ignore[arg-type]

    of_case = look(case_id=case_id.removeprefix("case:"))
    assert _subjects(of_case) == {case_id}
    of_person = look(account_id="reader-1")
    assert {event.told["actor"] for event in of_person.events} == {"reader-1"}
    decisions = look(action="decision.%")
    assert {event.told["action"].partition(".")[0] for event in decisions.events} == {"decision"}
    all_three = look(case_id=case_id.removeprefix("case:"), account_id="reader-1", action="decision.%")
    assert 0 < len(all_three.events) <= min(len(of_case.events), len(of_person.events), len(decisions.events))


@pytest.mark.parametrize("asked", [{"case_id": "C-%"}, {"case_id": "' OR 1=1 --"}, {"account_id": "nobody"}])
def test_what_nobody_did_is_an_empty_page(reviewed: Workspace, auditor: Actor, asked: dict[str, str]) -> None:
    """An id is compared as it stands: a wildcard or a quote in it matches nothing."""
    page = view_log(reviewed, actor=auditor, sitting=SITTING, **asked)  # type: ignore[arg-type]
    assert page.events == ()
    assert page.older is None


@pytest.mark.parametrize("before", [0, 1, -5])
def test_before_the_beginning_there_is_nothing(reviewed: Workspace, auditor: Actor, before: int) -> None:
    """A page that was turned too far is empty and leads nowhere."""
    page = view_log(reviewed, actor=auditor, sitting=SITTING, before=before)
    assert (page.events, page.older) == ((), None)


def test_a_page_beyond_the_head_is_the_newest(reviewed: Workspace, auditor: Actor) -> None:
    """A number that the log does not have yet does no harm."""
    far = view_log(reviewed, actor=auditor, sitting=SITTING, before=10**12)
    assert far == view_log(reviewed, actor=auditor, sitting=SITTING)


def _day_of(workspace: Workspace) -> datetime:
    day = audit.head(workspace.store).at
    assert day is not None
    return day


def test_a_day_is_found_whole_whatever_the_clock_did(reviewed: Workspace, auditor: Actor) -> None:
    """A clock that stood days ahead for a while hides nothing of the days before and after it, and is found itself."""
    day = _day_of(reviewed)
    for hours, name in ((72, "ahead"), (1, "back"), (-48, "behind"), (2, "again")):
        reviewed.store.clock = lambda hours=hours: day + timedelta(hours=hours)  # type: ignore[misc]
        with reviewed.store.transaction(SYSTEM):
            audit.append(reviewed.store, "case.opened", "case:C-1", {})
        _lengthen(reviewed, 60, name)
    days = [(day + timedelta(days=far)).date() for far in range(-4, 5)]
    told = [(event.seq, event.told["at"][:10]) for event in audit.events(reviewed.store)]
    for since, until in ((since, until) for since in (None, *days) for until in (None, *days)):
        filters = Filters(since=since, until=until, account_id="reader-2")
        seen, before = [], None
        while True:
            page = view_log(reviewed, actor=auditor, sitting=SITTING, filters=filters, before=before)
            seen += [event.seq for event in page.events]
            if page.older is None:
                break
            before = page.older
        by_reader = {event.seq for event in audit.events(reviewed.store) if event.told["actor"] == "reader-2"}
        within = [seq for seq, at in told if (not since or at >= f"{since}") and (not until or at <= f"{until}")]
        assert sorted(seen) == [seq for seq in within if seq in by_reader]


def test_where_clocks_went_back_is_looked_for_anew_in_a_copy_that_was_put_back(
    reviewed: Workspace, tmp_path: Path
) -> None:
    """An older copy that was written on begins like the first one; the places known of that one are not its own."""
    day, older = _day_of(reviewed), tmp_path / "older"
    older.mkdir()
    reviewed.store.db.execute("VACUUM INTO ?", (str(older / DATABASE),))
    sought = day + timedelta(hours=71)
    with open_workspace(older) as other:
        for workspace, way in ((reviewed, (72, 1)), (other, (72, 96)), (reviewed, (2,))):
            for hours in way:
                workspace.store.clock = lambda hours=hours: day + timedelta(hours=hours)  # type: ignore[misc]
                with workspace.store.transaction(SYSTEM):
                    for _ in range(5):
                        audit.append(workspace.store, "case.opened", "case:C-1", {})
            size = audit.head(workspace.store).size
            told = [event.seq for event in audit.events(workspace.store) if event.told["at"] >= stamp(sought)]
            assert history.within(workspace.store, sought, None, size)[0] == told[0]
            assert history.within(workspace.store, sought, None, size)[1] == told[-1] + 1


def test_what_no_case_can_be_called_is_not_kept(reviewed: Workspace, auditor: Actor) -> None:
    """A name that is typed where an id belongs finds nothing, and does not stand in the log for good."""
    for number, typed in enumerate(("Hans Meier 1950", "a\u202eb", "x" * 65)):
        page = view_log(reviewed, actor=auditor, sitting=f"sitting-{number:04}", case_id=typed)
        assert page.events == ()
        with pytest.raises(NotFound, match="no case"):
            case_history(reviewed, typed, actor=auditor, sitting=f"history-{number:04}")
    looks = _looks(reviewed)
    assert {event.told["detail"]["case_id"] for event in looks} == {viewing.NO_ID}
    assert not any("Meier" in event.payload for event in audit.events(reviewed.store))
    assert verify(reviewed.folder).ok


# However long the log is


def test_a_filter_says_how_far_one_look_went(
    reviewed: Workspace, auditor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing was found within reach, the next look goes on from there, and finds what is older."""
    monkeypatch.setattr(viewing, "REACH", 40)
    _lengthen(reviewed, 100)
    looks, before, found = 0, None, []
    while True:
        page = view_log(reviewed, actor=auditor, sitting=SITTING, action="log.opened", before=before)
        looks, found = looks + 1, [*found, *page.events]
        if page.older is None:
            break
        before = page.older
    assert [event.seq for event in found] == [1]
    assert looks == -(-page.size // 40)


def test_the_work_of_a_look_does_not_grow_with_the_log(
    reviewed: Workspace, auditor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First page, a page in the middle, filters that find nothing: 20 times the log, the same work."""
    monkeypatch.setattr(viewing, "REACH", 200)
    view_log(reviewed, actor=auditor, sitting=SITTING)
    nothing = ({"account_id": "nobody"}, {"case_id": "none", "action": "gate.%"})
    acts = [
        lambda asked=asked: view_log(reviewed, actor=auditor, sitting=SITTING, **asked)  # type: ignore[misc]
        for asked in ({}, {"before": 260}, *nothing)
    ]
    _lengthen(reviewed, 300)
    short = [_work(reviewed, act) for act in acts]
    _lengthen(reviewed, 6000, "further")
    assert [_work(reviewed, act) for act in acts] == pytest.approx(short, rel=0.1)
    assert min(short) > 0


def test_no_page_walks_the_log_to_find_the_project_or_the_model(reviewed: Workspace) -> None:
    """Every page asks for both: a year of reviewing must not make each click slower."""
    acts = [lambda: projects.current(reviewed.store), lambda: models.champion(reviewed.store)]
    short = [_work(reviewed, act) for act in acts]
    _lengthen(reviewed, 6000)
    assert [_work(reviewed, act) for act in acts] == pytest.approx(short, abs=3)


# The model's papers


def test_the_papers_are_those_of_the_model_in_use(reviewed: Workspace, reader: Actor) -> None:
    """Version, card, figures and since when: a reader may know what stands behind a prediction."""
    papers = view_model(reviewed, actor=reader)
    assert papers.version == models.champion(reviewed.store)
    assert papers.in_use is not None
    assert papers.in_use.model == papers.version.digest
    assert list(papers.figures) == models.figures(reviewed.store, papers.version.digest)


def test_without_a_model_in_use_there_are_no_papers(workspace: Workspace, reader: Actor) -> None:
    """The refusal says how to get one."""
    with pytest.raises(NoChampion, match="hitl-review train"):
        view_model(workspace, actor=reader)


def test_a_role_that_may_not_read_about_the_model_gets_no_papers(reviewed: Workspace) -> None:
    """An administrator of accounts has no business with the model."""
    with pytest.raises(NotPermitted, match="read about the model"):
        view_model(reviewed, actor=Actor("admin-1", "Ann Admin", Role.ADMIN))
