"""Who is at the screen, and where: the only place that names cookies, `st.session_state` keys and URL parameters.

Who it is comes from the session cookie, and is asked of the database at every run and every act. The
URL holds which case (an opaque id, nothing clinical), so a refresh, the back button or a restarted
server lands where the reader was. What was saved is always asked of the database.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.errors import HitlError, NotPermitted, SignInRefused
from hitl_review.store.audit import new_token
from hitl_review.ui import institution
from hitl_review.workflow import signing, signing_in
from hitl_review.workflow.serving import FORWARDERS, is_local
from hitl_review.workflow.workspace import Workspace, open_workspace

DEFAULT_FOLDER: Final = "demo-workspace"
UNUSABLE: Final = (
    "The workspace can't be used now, so nothing was done. Whoever serves it sees why with `hitl-review doctor`."
)
"""What is told to whoever was not signed in: not where it lies, nor what was done to it."""
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


def is_public(host: str | None) -> bool:
    """Tell whether a browser reached the app under a public name, so over TLS, whatever the proxy says of that."""
    try:
        name = urlsplit(f"//{host or ''}").hostname
    except ValueError:
        name = None
    return bool(os.environ.get(FORWARDERS)) and not is_local(name)


def cookie_name(open_one: Workspace, host: str | None) -> str:
    """Return the name of the cookie: each workspace has its own, as several may be served on one machine.

    Under a public name it begins so that browsers take it from no other place: a neighbour of the same domain
    could else put its own session into a browser, whose person would work in another name.
    """
    return f"{'__Host-' if is_public(host) else ''}hitl_session_{open_one.origin[:8]}"


def presented_by(open_one: Workspace, cookies: Mapping[str, str], host: str | None) -> str | None:
    """Return the secret of a ui session that came in the cookies, or None; `host` is the name that was asked."""
    return cookies.get(cookie_name(open_one, host))


def presented(open_one: Workspace) -> str | None:
    """Return the secret that the browser presented when this tab was connected, or None."""
    return presented_by(open_one, st.context.cookies.to_dict(), st.context.headers.get("host"))


def actor(open_one: Workspace, *, active: bool = False) -> Actor | None:
    """Return who is at the screen, or None when nobody is signed in; `active` counts as being there."""
    found = signing_in.present(open_one, presented(open_one), active=active)
    return found or _of_institution(open_one, active=active)


def _of_institution(open_one: Workspace, *, active: bool) -> Actor | None:
    try:
        claims = institution.claims()
        if claims is None:
            return None
        return institution.sign_in(open_one, claims, address=_address(), active=active)
    except SignInRefused as refusal:
        st.session_state["not_signed_in"] = str(refusal)
        return None


def _address() -> str:
    """Return where this tab comes from, as far as the server was told."""
    told = st.context.ip_address
    return told if isinstance(told, str) else "unknown"


def keep_to(found: Actor | None) -> None:
    """Forget what stands in this tab of somebody else: what was opened, typed or begun is no work of who comes next.

    A tab whose connection broke, as when a computer slept, takes its old state up again with whoever is signed in then.
    """
    if found is None:
        return
    if st.session_state.get("belongs_to", found.account_id) != found.account_id:
        told = {name: st.session_state[name] for name in ("refusal", "refusal_place") if name in st.session_state}
        st.session_state.clear()
        st.session_state.update(told)
    st.session_state["belongs_to"] = found.account_id


def by_itself() -> None:
    """Note that the page asks for its next run by itself: nobody needs to be there for it."""
    st.session_state["by_itself"] = True


def is_attended() -> bool:
    """Tell whether somebody at this tab asked for this run of the page, and not the page itself.

    A tab's first run is no sign of anybody: a connection that was lost for long comes back with one. Who opens a
    page or loads it anew is seen by the guard.
    """
    return not st.session_state.pop("by_itself", False) and "belongs_to" in st.session_state


def what_is_wrong(error: HitlError) -> str:
    """Return what is said of a workspace that can't be used: its own sentence, where somebody was signed in."""
    return str(error) if "belongs_to" in st.session_state else UNUSABLE


def why_nobody() -> str | None:
    """Return why the identity provider's word was not enough, if it was not."""
    told: str | None = st.session_state.get("not_signed_in")
    return told


def same_actor(open_one: Workspace, account_id: str) -> Actor:
    """Return who is at the screen if it is still who the form was drawn for; session and role are asked anew."""
    found = actor(open_one, active=True)
    if found is None:
        raise NotPermitted("Not recorded: you are signed out. Sign in again; what was saved before is saved.")
    if found.account_id != account_id:
        raise NotPermitted("Not recorded: somebody else is at this screen now. Look, then press again.")
    return found


def signing_actor(open_one: Workspace, account_id: str, *, place: str, act: str, subject: str) -> Actor:
    """Return who is at the screen, with the proof of the password that was typed at a place to sign an act.

    What was typed is taken out of the session at once, right or wrong. Nothing typed is no proof: the
    act itself then says whether the project asks for one.
    """
    typed = value("password", place, "") or ""
    if typed:
        set_value("password", place, "")
    found = same_actor(open_one, account_id)
    return signing.prove(open_one, found, typed, act=act, subject=subject) if typed else found


def leave() -> None:
    """End this session, in every tab, and let nobody be at the screen."""
    with workspace() as open_one:
        found = actor(open_one)
        if found is not None:
            signing_in.sign_out(open_one, found)
    st.session_state.clear()
    st.query_params.clear()
    institution.leave()


def case_id() -> str | None:
    """Return the case that the URL names, or right after a move the one that was moved to.

    A second press that was under way when the first one moved on still carries the address that was
    left, and would take the reader back to it. The back button is pressed later than that, and presses
    nothing on the page: see `is_late_press`.
    """
    named = st.query_params.get("case")
    left, reached = st.session_state.get("move", (None, None))
    if named is None or named != left or reached is None:
        return named
    if _has_arrived(reached):
        st.session_state.pop("move")
        return named
    st.query_params["case"] = reached
    return str(reached)


def is_late_press() -> bool:
    """Whether the press that is being answered was made on the case that was left; the address is then put right.

    Such a press comes over a slow link, however long after the move. It is asked in the answer to a
    press: going back to a case that was left is no press, and is done with once that case is drawn.
    """
    left, reached = st.session_state.get("move", (None, None))
    if reached is None or left is None or st.query_params.get("case") != left:
        return False
    st.query_params["case"] = reached
    return True


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


def pause() -> None:
    """Stop the clock of this tab's sitting until something is done again: a break is no time on a case."""
    current = current_sitting()
    if current is not None:
        current.last_seen = 0.0


def study_id() -> str | None:
    """Return the study that the URL names."""
    return st.query_params.get("study")


def go_to_study(study: str) -> None:
    """Put a study into the URL."""
    st.query_params["study"] = study
    st.session_state.pop("mode", None)


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
    """Set what the reader is about to do; a press on a case that was left sets nothing for the next one."""
    if not is_late_press():
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


def guarded(act: Callable[..., None], *, place: str = "") -> Callable[..., None]:
    """Wrap a callback so that a refusal is told on the page, in its one sentence, and nothing else happens.

    `place` names the part of a long page beside which it is told, so that it stands where one looks.
    """

    def run(*args: object) -> None:
        is_late_press()  # such an act finds another case on the screen, or itself already stored
        try:
            act(*args)
        except HitlError as refusal:
            st.session_state["refusal"], st.session_state["refusal_place"] = str(refusal), place

    return run


def take_refusal(place: str | None = None) -> str | None:
    """Return the refusal to be told now, once: of one part of the page, or whichever there is."""
    if place is not None and place != st.session_state.get("refusal_place"):
        return None
    told: str | None = st.session_state.pop("refusal", None)
    return told


def review_page() -> Path:
    """Return the review page's file, for links from other pages."""
    return Path(__file__).with_name("pages") / "review.py"
