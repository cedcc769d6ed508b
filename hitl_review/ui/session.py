"""Where a person is: the only place that names `st.session_state` keys, URL parameters and the environment.

The URL holds who and which case (opaque ids, nothing clinical), so a refresh, the back button or a
restarted server lands where the reader was. What was saved is always asked of the database.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.errors import HitlError, NotPermitted
from hitl_review.store.audit import new_token
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.workspace import Workspace, open_workspace

DEFAULT_FOLDER: Final = "demo-workspace"
IDLE_SECONDS: Final = 60.0
"""A pause longer than this does not count as time spent on a case."""
ARRIVED_SECONDS: Final = 1.0
"""For so long after a move, an act that names the case that was left is the second of two presses."""


def folder() -> Path:
    """Return the folder of the workspace that is served."""
    return Path(os.environ.get("HITL_WORKSPACE") or DEFAULT_FOLDER)


def workspace() -> AbstractContextManager[Workspace]:
    """Open the workspace for one run of a page."""
    return open_workspace(folder())


def reader_id() -> str | None:
    """Return the account id of who is at the screen, or None before somebody was picked.

    The URL says it, so that a refresh keeps it; the session keeps it when a link to another page drops
    it from the URL, and it is put back there.
    """
    named = st.query_params.get("reader") or st.session_state.get("reader")
    if named is not None:
        st.session_state["reader"] = named
        if st.query_params.get("reader") != named:
            st.query_params["reader"] = named
    return named


def actor(open_one: Workspace) -> Actor | None:
    """Return who is at the screen, or None if nobody was picked yet or the account does not exist."""
    named = reader_id()
    if named is None:
        return None
    try:
        return actor_of(open_one, named)
    except NotPermitted:
        return None


def same_actor(open_one: Workspace, account_id: str) -> Actor:
    """Return who is at the screen if it is still who the form was drawn for; roles are asked of the database."""
    if reader_id() != account_id:
        raise NotPermitted("Not recorded: somebody else is at this screen now. Look, then press again.")
    return actor_of(open_one, account_id)


def enter_as(account_id: str) -> None:
    """Let somebody else be at the screen; whatever was open before is left."""
    st.session_state.clear()
    st.query_params.from_dict({"reader": account_id})


def leave() -> None:
    """Let nobody be at the screen."""
    st.session_state.clear()
    st.query_params.clear()


def case_id() -> str | None:
    """Return the case that the URL names, or right after a move the one that was moved to.

    A second press that was under way when the first one moved on still carries the address that was
    left, and would take the reader back to it. The back button is pressed later than that.
    """
    named = st.query_params.get("case")
    left, reached = st.session_state.get("move", (None, None))
    if named is None or named != left or reached is None or _has_arrived(reached):
        return named
    st.query_params["case"] = reached
    return str(reached)


def _has_arrived(case: str) -> bool:
    shown_case, stage = st.session_state.get("shown", ("", ""))
    return shown_case == case and seconds_shown(case, stage) > ARRIVED_SECONDS


def go_to(case: str | None) -> None:
    """Put a case into the URL; None leaves it to the queue."""
    left = st.query_params.get("case")
    if left != case:
        st.session_state["move"] = (left, case)
    if case is None:
        st.query_params.pop("case", None)
    else:
        st.query_params["case"] = case
    st.session_state.pop("mode", None)


@dataclass(slots=True)
class Sitting:
    """One reader in front of one case in this tab: when it was opened, and how long it was worked on."""

    case_id: str
    opened_at: datetime
    active_seconds: float = 0.0
    last_seen: float = 0.0

    def tick(self) -> None:
        """Count the time since the last act as active, unless it was a long pause."""
        now = time.monotonic()
        if self.last_seen:
            self.active_seconds += min(now - self.last_seen, IDLE_SECONDS)
        self.last_seen = now


def sitting(case: str, opened: Callable[[], datetime]) -> Sitting:
    """Return the sitting at a case in this tab, beginning one (and calling `opened`) when there is none."""
    current: Sitting | None = st.session_state.get("sitting")
    if current is None or current.case_id != case:
        current = st.session_state["sitting"] = Sitting(case, opened())
    current.tick()
    return current


def current_sitting() -> Sitting | None:
    """Return the sitting of this tab, if there is one."""
    found: Sitting | None = st.session_state.get("sitting")
    return found


def token(act: str, case: str, revision: str = "") -> str:
    """Return the token of one rendered form: the same at every rerun, another after the act is done."""
    tokens: dict[str, str] = st.session_state.setdefault("tokens", {})
    return tokens.setdefault(f"{act}/{case}/{revision}", new_token())


def mark_shown(case: str, stage: str) -> None:
    """Note that a stage of a case is now on the screen. The last line of a page: all before it was sent."""
    if st.session_state.get("shown") != (case, stage):
        st.session_state["shown"] = (case, stage)
        st.session_state["shown_since"] = time.monotonic()


def seconds_shown(case: str, stage: str) -> float:
    """Return for how long a stage of a case has stood on this screen; 0 if it is not the one that stands there."""
    if st.session_state.get("shown") != (case, stage):
        return 0.0
    return float(time.monotonic() - st.session_state["shown_since"])


def mode() -> str:
    """Return what the reader is about to do: nothing yet, override, defer, or change a decision."""
    return str(st.session_state.get("mode", ""))


def set_mode(new: str) -> None:
    """Set what the reader is about to do."""
    st.session_state["mode"] = new


def field(name: str, case: str) -> str:
    """Return the key of a field of one case. The case is in every key, so no text leaks into the next case."""
    return f"{name}_{case}"


def value(name: str, case: str, default: Any = None) -> Any:
    """Return what a field of one case holds now."""
    return st.session_state.get(field(name, case), default)


def set_value(name: str, case: str, new: Any) -> None:
    """Set a field of one case before it is drawn."""
    st.session_state[field(name, case)] = new


def guarded(act: Callable[..., None]) -> Callable[..., None]:
    """Wrap a callback so that a refusal is told on the page, in its one sentence, and nothing else happens."""

    def run(*args: object) -> None:
        try:
            act(*args)
        except HitlError as refusal:
            st.session_state["refusal"] = str(refusal)

    return run


def take_refusal() -> str | None:
    """Return the refusal to be told now, once."""
    told: str | None = st.session_state.pop("refusal", None)
    return told


def review_page() -> Path:
    """Return the review page's file, for links from other pages."""
    return Path(__file__).with_name("pages") / "review.py"
