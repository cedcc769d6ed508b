"""A screen of the past is shown again as it was: the stored bytes, checked against the digest that was signed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.audit import Event, text_digest
from hitl_review.domain.decision import Decision, Reveal
from hitl_review.domain.prediction import Verdict
from hitl_review.domain.screen import (
    Fact,
    FactGroup,
    Facts,
    Gravity,
    Mark,
    ModelView,
    Notice,
    ReasonLine,
    Screen,
)
from hitl_review.domain.verification import Problem
from hitl_review.errors import NotFound
from hitl_review.store import audit, history, reviews
from hitl_review.store.connection import Store
from hitl_review.workflow.reconciling import ONE_EACH, Reconciliation
from hitl_review.workflow.values import judge_case_id
from hitl_review.workflow.viewing import REACH, log_look
from hitl_review.workflow.workspace import Workspace

MOST_LOOKS: Final = 1_000
"""Openings, looks and receipts of one case that are listed, the newest ones."""

SHORT: Final = 10_000
"""Rows that are compared, to the last one, where one of them is shown: some tenths of a second."""
_SHOWN_BATCHES: Final = frozenset({"label.collected", "outcome.recorded", "prediction.made"})


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """Everything the log tells of a case: events, and every decision with whether a later one replaced it."""

    case_id: str
    events: tuple[Event, ...]
    decisions: tuple[Decision, ...]
    reveals: tuple[Reveal, ...]
    looks_from: int
    """That the case was opened or looked at, and receipts, are listed from this event on; all else is complete."""
    problems: tuple[Problem, ...]
    """Where what is kept of reads, screens, decisions and the like is not what their events tell."""

    @property
    def replaced(self) -> frozenset[str]:
        """The decisions that a later one replaced."""
        return frozenset(each.supersedes for each in self.decisions if each.supersedes is not None)


@dataclass(frozen=True, slots=True)
class PastScreen:
    """A screen as it was: its bytes, whether all of it is as the log tells, and the screen to be drawn."""

    reveal: Reveal
    body: str
    digest_ok: bool
    screen: Screen | None
    """None where the bytes can't be drawn as a screen of this version."""


def case_history(workspace: Workspace, case_id: str, *, actor: Actor, sitting: str) -> CaseHistory:
    """Return the whole history of a case; the look is logged. NotFound where there is no such case."""
    store = workspace.store
    require(actor, Permission.READ_LOG)
    unknown = NotFound(f"There is no case {case_id} here. Look at its spelling.")
    if judge_case_id(case_id)[1] is not None:
        raise unknown  # before the look is logged: what was typed there by mistake is not kept for good
    log_look(workspace, f"case:{case_id}", {"through": "history"}, actor=actor, sitting=sitting)
    told = {event.seq: event for event in history.events_of_case(store, case_id)}
    if not told:
        raise unknown
    size = audit.head(store).size
    bottom = max(size - REACH, 0)
    decisions = tuple(reviews.decisions_of_case(store, case_id))
    about = (f"case:{case_id}", *(f"decision:{each.decision_id}" for each in decisions))
    looked = history.events_about(store, about, after=bottom, limit=MOST_LOOKS)
    told |= {event.seq: event for event in looked}
    events = tuple(told[seq] for seq in sorted(told))
    return CaseHistory(
        case_id,
        events,
        decisions,
        tuple(reviews.reveals_of_case(store, case_id)),
        looked[-1].seq if len(looked) == MOST_LOOKS else bottom + 1,
        tuple(_problems(store, events)),
    )


def _problems(store: Store, events: Iterable[Event]) -> Iterator[Problem]:
    """Yield where the rows of an event are not as it tells; what came as one of very many is left to verification."""
    rows = Reconciliation(store)
    for event in events:
        try:
            told = event.told
            action = told["action"]
        except (KeyError, TypeError, ValueError):
            yield Problem(event.seq, "payload", "it is not told as an event is")
            continue
        if action in ONE_EACH or (action in _SHOWN_BATCHES and _is_short(told)):
            yield from rows.compare(event.seq, told)


def _is_short(told: Mapping[str, Any]) -> bool:
    detail = told.get("detail")
    count = detail.get("count") if isinstance(detail, Mapping) else None
    return not isinstance(count, int) or count <= SHORT


def past_screen(workspace: Workspace, reveal_id: str, *, actor: Actor, sitting: str) -> PastScreen:
    """Return a screen as it was shown; that it is looked at again is logged."""
    require(actor, Permission.READ_LOG)
    store = workspace.store
    reveal = reviews.reveal(store, reveal_id)
    detail = {"through": "screen", "reveal": reveal_id, "shown_digest": reveal.screen}
    log_look(workspace, f"case:{reveal.case_id}", detail, actor=actor, sitting=sitting)
    body = reviews.screen_body(store, reveal.screen)
    event = audit.find(store, reveal_id)
    as_told = event is not None and not list(_problems(store, [event]))
    return PastScreen(reveal, body, as_told and text_digest(body) == reveal.screen, screen_of(body))


def screen_of(body: str) -> Screen | None:
    """Return the screen that a stored text holds, or None if it is not exactly one of this version."""
    try:
        told = json.loads(body)
        screen = Screen(_facts(told["facts"]), _view(told["view"]))
    except (KeyError, TypeError, ValueError):
        return None
    return screen if screen.body == body else None


def _facts(told: Mapping[str, Any]) -> Facts:
    groups = tuple(
        FactGroup(
            group["label"], tuple(Fact(**{**fact, "mark": Mark(fact["mark"])}) for fact in group["facts"])
        )
        for group in told["groups"]
    )
    return Facts(**{**told, "groups": groups})


def _view(told: Mapping[str, Any]) -> ModelView:
    reasons = tuple(ReasonLine(**reason) for reason in told["reasons"])
    notices = tuple(
        Notice(**{**notice, "gravity": Gravity(notice["gravity"])}) for notice in told["reliability"]
    )
    return ModelView(
        **{**told, "reasons": reasons, "reliability": notices, "verdict": Verdict(told["verdict"])}
    )
