"""A reader reads a study: the server hands out the next case, keeps each read once, and shows nothing too soon."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.decision import Modality
from hitl_review.domain.protocol import Design
from hitl_review.domain.study import Use
from hitl_review.errors import (
    Conflict,
    NotCommitted,
    NotFound,
    NotPermitted,
    ReviewError,
    StudyError,
    TooQuick,
)
from hitl_review.store.studies import lists, reads
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.revealing import ensure_may_see
from hitl_review.workflow.studies import reading
from hitl_review.workflow.studies.leading import amend_study, lock_study, waive_washout
from hitl_review.workflow.studies.reading import (
    commit_study_read,
    open_item,
    reveal_item,
    standing,
    studies_to_read,
)
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock
from tests.ward_study import LEAD, PLAN, RITA, ROLF, read_all, read_next, show_model, start

CROSSOVER = replace(
    PLAN, design=Design.CROSSOVER, training_cases=(), attention_checks=0, repeats=0, washout_days=28
)


def commit(workspace: Workspace, item: int, modality: Modality = Modality.UNAIDED, **changed: object):  # type: ignore[no-untyped-def]
    """Store an ordinary read, some of it changed."""
    ordinary: dict[str, object] = {
        "label": "died",
        "rating": 80,
        "actor": RITA,
        "token": "token-0001",
        "seconds_active": 4.0,
        "seconds_on_screen": 5.0,
    }
    return commit_study_read(workspace, "ward-1", item, modality=modality, **{**ordinary, **changed})  # type: ignore[arg-type]


def first_item(workspace: Workspace) -> int:
    """The item that RITA is at."""
    task = standing(workspace, "ward-1", actor=RITA).task
    assert task is not None
    return task.item


def test_a_reader_goes_through_the_whole_list_once(ward: Workspace, clock: Clock) -> None:
    """Each case is read alone, then with the model unless it is of the hidden share; then the list is done."""
    made = read_all(ward, RITA, clock)
    items = lists.of_reader(ward.store, "ward-1", "reader-1")
    assert made == sum(len(item.modalities) for item in items)
    now = standing(ward, "ward-1", actor=RITA)
    assert (now.done, now.total, now.task) == (len(items), len(items), None)
    stored = reads.of_reader(ward.store, "ward-1", "reader-1")
    assert [(read.item, read.modality) for read in stored] == [
        (item.item, modality) for item in items for modality in item.modalities
    ]


def test_a_read_keeps_every_stamp_and_the_digest_of_what_was_displayed(ward: Workspace, clock: Clock) -> None:
    """Shown, revealed, committed, in this order; the screen that was answered; the model; the seconds."""
    alone, with_model = read_next(ward, RITA, clock), read_next(ward, RITA, clock)
    assert alone.shown_at < alone.committed_at
    assert alone.revealed_at is None
    assert with_model.revealed_at is not None
    assert with_model.shown_at == alone.shown_at < with_model.revealed_at < with_model.committed_at
    facts = reads.showing(ward.store, "ward-1", alone.item, "facts")
    model = reads.showing(ward.store, "ward-1", alone.item, "model")
    assert facts is not None and model is not None
    assert (alone.displayed, with_model.displayed) == (facts.screen, model.screen)
    assert alone.seconds_active == 9.5


def test_the_server_refuses_the_model_before_the_own_read_is_stored(ward: Workspace) -> None:
    """Whatever the page asks for: nothing of the model leaves, and nothing is noted as shown."""
    item = first_item(ward)
    open_item(ward, "ward-1", item, actor=RITA)
    with pytest.raises(NotCommitted, match="before your own answer is stored"):
        reveal_item(ward, "ward-1", item, actor=RITA)
    assert reads.showing(ward.store, "ward-1", item, "model") is None


def test_a_case_of_the_hidden_share_looks_like_any_other_and_never_gets_a_model(
    ward: Workspace, clock: Clock
) -> None:
    """The task does not tell them apart; after the own read the next case is there, and no reveal is given."""
    items = lists.of_reader(ward.store, "ward-1", "reader-1")
    hidden = next(item for item in items if item.no_reveal and item.use is Use.STUDY)
    while first_item(ward) != hidden.item:
        read_next(ward, RITA, clock)
    task = standing(ward, "ward-1", actor=RITA).task
    assert task is not None
    assert "reveal" not in str(asdict(task))
    with pytest.raises(NotCommitted):
        reveal_item(ward, "ward-1", hidden.item, actor=RITA)
    read_next(ward, RITA, clock)
    with pytest.raises(Conflict):
        reveal_item(ward, "ward-1", hidden.item, actor=RITA)


def test_only_the_case_that_is_next_can_be_opened_read_or_revealed(ward: Workspace) -> None:
    """No peeking ahead, no going back: the list's order is the order."""
    later = first_item(ward) + 1
    for act in (open_item, reveal_item):
        with pytest.raises(Conflict, match="another case is next"):
            act(ward, "ward-1", later, actor=RITA)
    with pytest.raises(Conflict, match="another case is next"):
        commit(ward, later)


def test_an_answer_to_a_screen_that_was_not_shown_is_refused(ward: Workspace) -> None:
    """A read answers what was displayed, so there is none without a display."""
    with pytest.raises(NotCommitted, match="not on your screen yet"):
        commit(ward, first_item(ward))


def test_the_same_token_is_one_read(ward: Workspace) -> None:
    """The second of two presses gives back the first; with other content it is refused."""
    item = first_item(ward)
    open_item(ward, "ward-1", item, actor=RITA)
    assert commit(ward, item) == commit(ward, item, rating=10)
    assert len(reads.of_reader(ward.store, "ward-1", "reader-1")) == 1
    with pytest.raises(Conflict, match="token"):
        commit(ward, item, Modality.AIDED)


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"rating": 101}, StudyError, "between 0 and 100"),
        ({"rating": float("nan")}, StudyError, "between 0 and 100"),
        ({"label": "maybe"}, Exception, "maybe"),
        ({"seconds_on_screen": 0.1}, TooQuick, "Not recorded"),
        ({"modality": Modality.AIDED}, Conflict, "waits for another answer"),
        ({"token": "short"}, Exception, "token"),
    ],
)
def test_a_read_that_can_not_stand_is_refused_and_nothing_is_stored(
    ward: Workspace, changed: dict[str, object], error: type[Exception], words: str
) -> None:
    """One sentence; the case is still next, and unread."""
    item = first_item(ward)
    open_item(ward, "ward-1", item, actor=RITA)
    with pytest.raises(error, match=words):
        commit(ward, item, **changed)  # type: ignore[arg-type]
    assert reads.of_study(ward.store, "ward-1") == []
    assert first_item(ward) == item


def test_whoever_has_no_list_reads_nothing(ward: Workspace) -> None:
    """Another reader, the lead, an auditor: no case, no facts."""
    stranger = Actor("reader-9", "Ron Reader", Role.READER)
    with pytest.raises(NotFound, match="no cases in study"):
        standing(ward, "ward-1", actor=stranger)
    for actor in (LEAD, Actor("auditor-1", "Ada Auditor", Role.AUDITOR)):
        with pytest.raises(NotPermitted):
            standing(ward, "ward-1", actor=actor)
        with pytest.raises(NotPermitted):
            commit(ward, 1, actor=actor)


def test_nothing_is_read_before_the_start_or_after_the_lock(ward: Workspace) -> None:
    """A locked study takes no read more, and leaves the reader's list of studies."""
    assert [study.study_id for study in studies_to_read(ward, actor=RITA)] == ["ward-1"]
    item = first_item(ward)
    open_item(ward, "ward-1", item, actor=RITA)
    lock_study(ward, "ward-1", actor=LEAD, reason="The ward was closed.")
    with pytest.raises(Conflict, match="locked"):
        commit(ward, item)
    assert studies_to_read(ward, actor=RITA) == []


def test_an_attention_check_says_what_to_answer_and_shows_no_patient(ward: Workspace, clock: Clock) -> None:
    """Its words name the rating and the answer; no facts come with it."""
    while (task := standing(ward, "ward-1", actor=RITA).task) is not None and not task.instruction:
        read_next(ward, RITA, clock)
    assert task is not None and task.facts is None
    label, _, rating = next(
        item.expected for item in lists.of_reader(ward.store, "ward-1", "reader-1") if item.item == task.item
    ).partition("/")
    assert f"Rate it {rating}" in task.instruction
    assert ward.project.label_words(label) in task.instruction


def test_a_crossover_waits_for_the_washout_of_each_case(reviewed: Workspace, clock: Clock) -> None:
    """The second session begins 28 days after the same reader's first read of the case, not before."""
    start(reviewed, CROSSOVER)
    read_all(reviewed, RITA, clock)
    now = standing(reviewed, "ward-1", actor=RITA)
    assert (now.done, now.total, now.task, now.session) == (4, 8, None, 2)
    item = lists.of_reader(reviewed.store, "ward-1", "reader-1")[4]
    earlier = next(
        read for read in reads.of_reader(reviewed.store, "ward-1", "reader-1") if read.case_id == item.case_id
    )
    assert now.waits_until == earlier.committed_at + timedelta(days=28)
    with pytest.raises(Conflict):
        open_item(reviewed, "ward-1", item.item, actor=RITA)
    clock.advance(28 * 86_400)
    assert read_all(reviewed, RITA, clock) == 4


def test_a_waived_washout_lets_one_reader_on_and_no_other(reviewed: Workspace, clock: Clock) -> None:
    """The lead's waiver has a reason and is logged."""
    start(reviewed, CROSSOVER)
    for reader in (RITA, ROLF):
        read_all(reviewed, reader, clock)
    with pytest.raises(StudyError, match="say why"):
        waive_washout(reviewed, "ward-1", "reader-1", reason=" ", actor=LEAD)
    waive_washout(reviewed, "ward-1", "reader-1", reason="Leaves the clinic.", actor=LEAD)
    assert standing(reviewed, "ward-1", actor=RITA).task is not None
    assert standing(reviewed, "ward-1", actor=ROLF).task is None


def test_a_washout_that_was_made_longer_meanwhile_shows_nothing(
    reviewed: Workspace, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look whether a case may be read and its showing: it would have been shown too soon for good."""
    start(reviewed, replace(CROSSOVER, washout_days=0))
    while standing(reviewed, "ward-1", actor=RITA).session == 1:
        read_next(reviewed, RITA, clock)
    task = standing(reviewed, "ward-1", actor=RITA).task
    assert task is not None

    def amended(value: object) -> str:
        amend_study(reviewed, "ward-1", {"washout_days": 7}, reason="It was agreed on.", actor=LEAD)
        return canonical_json(value)

    with monkeypatch.context() as patch, pytest.raises(Conflict):
        patch.setattr(reading, "canonical_json", amended)
        open_item(reviewed, "ward-1", task.item, actor=RITA)
    assert reads.showing(reviewed.store, "ward-1", task.item, "facts") is None
    assert verify(reviewed.folder).ok


def test_with_the_model_from_the_start_the_case_needs_no_read_before(
    reviewed: Workspace, clock: Clock
) -> None:
    """In a crossover's assisted part the model comes with the facts, and only for the case that is next."""
    start(reviewed, CROSSOVER)
    while (task := standing(reviewed, "ward-1", actor=RITA).task) and task.modality is not Modality.AIDED:
        read_next(reviewed, RITA, clock)
    assert task is not None
    open_item(reviewed, "ward-1", task.item, actor=RITA)
    with pytest.raises(NotCommitted, match="not on your screen"):
        commit(reviewed, task.item, Modality.AIDED)
    show_model(reviewed, task.item, RITA, case_id=task.case_id)
    assert commit(reviewed, task.item, Modality.AIDED).revealed_at is not None


def test_the_review_page_does_not_show_the_model_of_a_case_that_the_reader_reads_in_a_study(
    ward: Workspace,
) -> None:
    """The queue is no way round the study; after the lock it is open again."""
    with pytest.raises(ReviewError, match="in a study"):
        ensure_may_see(ward, "C-2", actor=RITA)
    lock_study(ward, "ward-1", actor=LEAD, reason="The ward was closed.")
    ensure_may_see(ward, "C-2", actor=RITA)


def test_what_was_being_made_when_the_study_was_locked_is_not_shown(ward: Workspace, clock: Clock) -> None:
    """A reader who waits for a screen while the lead locks the study is told so, and the log says nothing of it."""
    read_next(ward, RITA, clock)
    task = standing(ward, "ward-1", actor=RITA).task
    assert task is not None
    lock_study(ward, "ward-1", actor=LEAD, reason="The clinic closes.")
    with pytest.raises(Conflict, match="locked"):
        show_model(ward, task.item, RITA, case_id=task.case_id)
    assert reads.showing(ward.store, "ward-1", task.item, "model") is None
