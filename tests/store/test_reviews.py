"""Reads, reveals and decisions come back as they were stored, and "in force" is a query."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Answer, Decision, Read
from hitl_review.errors import NotFound
from hitl_review.store import audit, reviews
from hitl_review.store.connection import Store
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock


@pytest.fixture
def loose(store: Store) -> Store:
    """A store without foreign keys, so that a decision needs no case."""
    store.db.execute("PRAGMA foreign_keys = OFF")
    return store


def keep(store: Store, *decisions: Decision) -> None:
    """Store decisions in one transaction each."""
    for decision in decisions:
        with store.transaction():
            reviews.add_decision(store, decision)


def test_a_read_comes_back_equal(loose: Store, a_read: Callable[..., Read]) -> None:
    """To the microsecond and the last bit."""
    with loose.transaction():
        reviews.add_read(loose, a_read())
    assert reviews.read_of(loose, "C-1", "reader-1") == a_read()
    assert reviews.all_reads(loose) == [a_read()]
    assert reviews.read_of(loose, "C-1", "reader-2") is None


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"answer": Answer.ACCEPTED, "reason": None, "label": "died"},
        {"answer": Answer.DEFERRED, "label": None, "confidence": None, "own_probability": None},
        {"comment": "größer ≥ 90 % 🫀 'quoted' \u202e"},
        {"seconds_active": 0.0, "own_probability": 0.1 + 0.2},
    ],
)
def test_a_decision_comes_back_equal(
    loose: Store, a_decision: Callable[..., Decision], changed: dict[str, object]
) -> None:
    """Every column, with and without what may be left out."""
    decision = a_decision(**changed)
    keep(loose, decision)
    assert reviews.find_decision(loose, decision.decision_id) == decision
    assert reviews.all_decisions(loose) == [decision]


def test_the_decision_nobody_superseded_is_in_force(
    loose: Store, a_decision: Callable[..., Decision], clock: Clock
) -> None:
    """Earlier ones stay, oldest first."""
    first = a_decision()
    second = replace(first, decision_id="decision-0002", supersedes="decision-0001", comment="second thought")
    third = replace(first, decision_id="decision-0003", supersedes="decision-0002", comment="third thought")
    keep(loose, first, second, third)
    assert reviews.decision_in_force(loose, "C-1", "reader-1") == third
    assert reviews.decisions_of_case(loose, "C-1") == [first, second, third]
    assert reviews.recent_decisions(loose, "reader-1", limit=9) == [third]
    assert reviews.latest_decision(loose, "reader-1") == third
    assert reviews.decision_in_force(loose, "C-1", "reader-2") is None


def test_nobody_s_decisions_are_mixed_up(loose: Store, a_decision: Callable[..., Decision]) -> None:
    """Two readers on one case each have their own in force."""
    mine = a_decision()
    theirs = a_decision(decision_id="decision-0002", reader="reader-2", comment="theirs")
    keep(loose, mine, theirs)
    assert reviews.decision_in_force(loose, "C-1", "reader-1") == mine
    assert reviews.decision_in_force(loose, "C-1", "reader-2") == theirs


def test_what_was_shown_comes_back_whole(reviewed: Workspace, reader: Actor) -> None:
    """The reveal, and the text of the screen under its digest."""
    shown = reviews.latest_reveal(reviewed.store, "C-1", reader.account_id)
    assert shown is not None
    assert reviews.reveal(reviewed.store, shown.reveal_id) == shown
    assert '"case_id":"C-1"' in reviews.screen_body(reviewed.store, shown.screen)
    assert shown in reviews.all_reveals(reviewed.store)


def test_the_same_screen_is_kept_once(reviewed: Workspace, reader: Actor, other_reader: Actor) -> None:
    """Two readers who saw the same share one text."""
    shown = reviews.latest_reveal(reviewed.store, "C-1", reader.account_id)
    assert shown is not None
    body = reviews.screen_body(reviewed.store, shown.screen)
    with reviewed.store.transaction(other_reader):
        event = audit.append(reviewed.store, "prediction.shown", "case:C-1", {})
        also = replace(shown, reveal_id=event.event_id, reader=other_reader.account_id)
        reviews.add_reveal(reviewed.store, also, screen_body=body)
    count = reviewed.store.rows("SELECT count(*) FROM screens WHERE digest = ?", (shown.screen,))[0][0]
    assert count == 1


@pytest.mark.parametrize("ask", [reviews.reveal, reviews.screen_body])
def test_what_was_never_shown_is_not_found(store: Store, ask: Callable[[Store, str], object]) -> None:
    """A sentence instead of None where something must be there."""
    with pytest.raises(NotFound):
        ask(store, "no-such-thing")
