"""Whose turn is it: the longest waiting first, nobody else's case, and nothing blocked for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from hitl_review.domain.case import Case
from hitl_review.domain.decision import Answer, Decision
from hitl_review.store import cases, reviews, worklist
from hitl_review.store.connection import Store
from hitl_review.store.worklist import Progress
from tests.ward import NOW

LATER = NOW + timedelta(minutes=15)


@pytest.fixture
def queue(store: Store, a_case: Callable[..., Case]) -> Store:
    """A store with four cases waiting, and without foreign keys."""
    store.db.execute("PRAGMA foreign_keys = OFF")
    with store.transaction():
        made = [a_case(f"C-{place}", position=place) for place in range(1, 5)]
        cases.add(store, made, event_id="any-event")
    return store


def hold(store: Store, case_id: str, reader: str) -> None:
    """Let a reader hold a case for 15 minutes."""
    with store.transaction():
        worklist.hold(store, case_id, reader, until=store.current().now + timedelta(minutes=15))


def settle(store: Store, case_id: str, answer: Answer) -> None:
    """Note a case's answer."""
    with store.transaction():
        worklist.settle(store, case_id, answer)


def test_the_case_that_waits_longest_comes_first(queue: Store) -> None:
    """In order of arrival."""
    assert worklist.next_case(queue, "anna", now=NOW) == "C-1"
    assert worklist.waiting(queue, limit=2) == ["C-1", "C-2"]
    assert worklist.contains(queue, "C-4")
    assert not worklist.contains(queue, "C-5")


def test_two_readers_are_not_handed_the_same_case(queue: Store) -> None:
    """The holder gets it again, the other one the next."""
    hold(queue, "C-1", "anna")
    assert worklist.next_case(queue, "anna", now=NOW) == "C-1"
    assert worklist.next_case(queue, "ben", now=NOW) == "C-2"
    assert worklist.holder(queue, "C-1", now=NOW) == "anna"


def test_a_hold_ends(queue: Store) -> None:
    """A reader who went home blocks nobody."""
    hold(queue, "C-1", "anna")
    assert worklist.next_case(queue, "ben", now=LATER) == "C-1"
    assert worklist.holder(queue, "C-1", now=LATER) is None


def test_a_reader_holds_one_case_at_a_time(queue: Store) -> None:
    """What was held before is free."""
    hold(queue, "C-1", "anna")
    hold(queue, "C-2", "anna")
    assert worklist.holder(queue, "C-1", now=NOW) is None
    assert worklist.next_case(queue, "ben", now=NOW) == "C-1"


def test_nobody_takes_a_hold_away(queue: Store) -> None:
    """Opening a case that somebody holds leaves the hold where it is."""
    hold(queue, "C-1", "anna")
    hold(queue, "C-1", "ben")
    assert worklist.holder(queue, "C-1", now=NOW) == "anna"


def test_a_case_can_be_left_for_later(queue: Store) -> None:
    """Behind it first, and around to the beginning; never the same case again."""
    assert worklist.next_case(queue, "anna", now=NOW, after="C-2") == "C-3"
    assert worklist.next_case(queue, "anna", now=NOW, after="C-4") == "C-1"
    for case_id in ("C-1", "C-2", "C-3"):
        settle(queue, case_id, Answer.ACCEPTED)
    assert worklist.next_case(queue, "anna", now=NOW, after="C-4") is None
    assert worklist.next_case(queue, "anna", now=NOW) == "C-4"


def test_deferred_cases_come_last_and_to_others(queue: Store, a_decision: Callable[..., Decision]) -> None:
    """Whoever deferred a case is not asked again."""
    decision = a_decision(answer=Answer.DEFERRED, label=None, reader="anna")
    with queue.transaction():
        reviews.add_decision(queue, decision)
        worklist.settle(queue, "C-1", Answer.DEFERRED)
    assert worklist.next_case(queue, "ben", now=NOW) == "C-2"
    for case_id in ("C-2", "C-3", "C-4"):
        settle(queue, case_id, Answer.ACCEPTED)
    assert worklist.next_case(queue, "ben", now=NOW) == "C-1"
    assert worklist.next_case(queue, "anna", now=NOW) is None


def test_a_reader_is_not_handed_a_case_twice(queue: Store, a_decision: Callable[..., Decision]) -> None:
    """Not even where its state was not settled."""
    with queue.transaction():
        reviews.add_decision(queue, replace(a_decision(), reader="anna"))
    assert worklist.next_case(queue, "anna", now=NOW) == "C-2"


def test_progress_counts_every_state(queue: Store) -> None:
    """Open, deferred and decided add up to the queue."""
    settle(queue, "C-1", Answer.OVERRIDDEN)
    settle(queue, "C-2", Answer.DEFERRED)
    assert worklist.progress(queue) == Progress(open=2, deferred=1, decided=1)
    assert worklist.progress(queue).total == 4


def test_settling_frees_the_hold(queue: Store) -> None:
    """A decided case is held by nobody."""
    hold(queue, "C-1", "anna")
    settle(queue, "C-1", Answer.ACCEPTED)
    assert worklist.holder(queue, "C-1", now=NOW) is None
