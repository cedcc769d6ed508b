"""Small parts that several pages draw."""

from __future__ import annotations

import re
from datetime import timedelta
from html import escape
from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.domain.password import LONGEST
from hitl_review.domain.signature import ProofMethod
from hitl_review.ui import cache, session
from hitl_review.ui.roles import role_words
from hitl_review.workflow import signing
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.deciding import last_saved
from hitl_review.workflow.review import Opened, next_case
from hitl_review.workflow.workspace import Workspace

NOT_A_DEVICE: Final = "Not a medical device: for research, teaching and quality work only."


def style() -> None:
    """Load the one style sheet of the pages."""
    st.html(cache.STYLE)


_AWAY: Final = """
export default function () {
  window.location.replace("./auth/sign-in");
}"""
_WATCH: Final = """
let away = false;
let heard = Date.now();

export default function ({ data, setTriggerValue }) {
  const app = document.querySelector("[data-testid=stApp]");
  const look = () => {
    const here = app.dataset.testConnectionState === "CONNECTED";
    if (here && away) window.setTimeout(() => setTriggerValue("back", Date.now()), 100);
    away = !here;
  };
  const watch = new MutationObserver(look);
  if (app) watch.observe(app, { attributes: true, attributeFilter: ["data-test-connection-state"] });
  const ask = async () => {
    try {
      const answer = await fetch(`./auth/state?session=${data.session}`, { cache: "no-store" });
      if (answer.ok && !(await answer.json()).live) window.location.replace("./");
    } catch { /* the server is away for a moment; nothing is shown or done without it */ }
  };
  const hear = (event) => {
    if (!event.isTrusted || Date.now() - heard < data.still) return;
    heard = Date.now();
    setTriggerValue("typing", heard);
  };
  const timer = window.setInterval(ask, data.every);
  document.addEventListener("visibilitychange", ask);
  document.addEventListener("input", hear, true);
  return () => {
    window.clearInterval(timer); document.removeEventListener("visibilitychange", ask); watch.disconnect();
    document.removeEventListener("input", hear, true);
  };
}"""
WATCH_MS: Final = 5000
"""How often a tab asks whether its session goes on, so that nobody's cases stay on a screen that was left."""


def go_to_sign_in() -> None:
    """Send the browser to the sign-in page."""
    st.components.v2.component("away", js=_AWAY)(key="away", height=1)


def watch_session(actor: Actor, grain: timedelta) -> None:
    """Leave the page by itself when the session has ended, in whichever tab that happened.

    And draw it anew when the server was away: a restarted one knows nothing of what stands here, and the
    first press on the old page would be lost without a word; that is no sign that somebody is there. Who types a
    long comment is there, though nothing of it arrives before its end: so much alone is told, once in `grain`.
    """
    about = {"session": actor.proof.session_id, "every": WATCH_MS, "still": grain / timedelta(milliseconds=1)}
    draw = st.components.v2.component("watch_session", js=_WATCH)
    draw(key="watch_session", data=about, height=1, on_back_change=session.by_itself, on_typing_change=_drawn_anew)


def _drawn_anew() -> None:
    """Nothing more to do: the run that calls this draws the page, and notes that somebody is there."""


def masthead(demo: bool, actor: Actor | None) -> None:
    """Draw the line that stands on every page: what this is not, and who is at the screen."""
    words = "Demonstration with public accounts. " if demo else ""
    with st.container(horizontal=True, vertical_alignment="center", key="masthead"):
        st.html(f'<p class="hr-line"><b>{words}</b>{NOT_A_DEVICE}</p>')
        if actor is not None:
            _who(actor)


def _who(actor: Actor) -> None:
    with st.popover(literal(actor.name), icon=":material/person:", width="content"):
        st.html(_who_html(actor))
        st.button(
            "Sign out", key="who_leave", on_click=session.leave, width="stretch", icon=":material/logout:"
        )


def _who_html(actor: Actor) -> str:
    """Return who is at the screen, since when, and the way to another password: one piece, drawn at every run."""
    proof = actor.proof
    lines = [escape(printable(f"{actor.name}, {actor.role.words}: {role_words(actor.role)}"))]
    if proof.at:
        lines.append(escape(f"Signed in {proof.at:%H:%M} UTC ({proof.method.words})"))
    if proof.method is not ProofMethod.IDENTITY:
        lines.append('<a href="./auth/password" target="_self">Change my password</a>')
    return "".join(f'<p class="hr-line hr-spaced">{each}</p>' for each in lines)


def password_to_sign(workspace: Workspace, actor: Actor, place: str) -> None:
    """Ask for the password where the project's policy wants it for the next act; it is kept nowhere."""
    if signing.asks_for_password(workspace, actor):
        st.text_input(
            "Your password, to sign",
            type="password",
            key=session.field("password", place),
            max_chars=LONGEST,
            on_change="ignore",
            autocomplete="current-password",
        )


def refusal(place: str | None = None) -> None:
    """Tell what was refused since the last run, once, in its own sentence; of one part of the page, or of any."""
    told = session.take_refusal(place)
    if told is not None:
        with st.container(key="refusal"):
            st.warning(plain(told), icon=":material/info:")


def literal(text: str) -> str:
    """Return Markdown that shows a text as it is: labels of buttons are Markdown, and names are people's text."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", printable(text))


def plain(text: str) -> str:
    """Return Markdown that shows a sentence as it is: it may quote what somebody typed, into an address too."""
    return literal(text)


def line(text: str) -> None:
    """Draw one quiet line of text."""
    st.html(f'<p class="hr-line">{escape(text)}</p>')


def next_button(workspace: Workspace, opened: Opened, actor: Actor) -> None:
    """Offer to leave a case undecided and go to the next one that waits."""
    st.button(
        "Next case",
        key=f"next_{opened.case.case_id}",
        on_click=_go_on,
        args=(opened.case.case_id, actor.account_id),
        shortcut="N",
        width="stretch",
        type="tertiary",
    )


def _go_on(case_id: str, account_id: str) -> None:
    if session.is_late_press():
        return
    with session.workspace() as workspace:
        actor = session.same_actor(workspace, account_id)
        session.go_to(next_case(workspace, actor=actor, after=case_id))


def footing(workspace: Workspace, opened: Opened, actor: Actor, why: str = "") -> None:
    """Tell what was saved last, as the database has it, with a way back to it; who else is on the case, and `why`."""
    if why:
        line(why)
    if opened.held_by_other:
        line("Another reader has this case open as well. Both decisions will be kept.")
    elif opened.decided_by_others:
        line("Another reader has decided this case. Yours is kept beside it.")
    saved = last_saved(workspace, actor=actor)
    if saved is None:
        line("Nothing saved yet.")
        return
    line(f"Last saved: {saved.case_id}, {saved.answer.value}, {saved.decided_at:%H:%M:%S} UTC")
    st.button(
        "Undo: change the last decision",
        key=f"undo_{saved.decision_id}",
        on_click=_undo,
        args=(saved.case_id,),
        shortcut="U",
        type="tertiary",
        width="stretch",
    )


def _undo(case_id: str) -> None:
    session.go_to(case_id)
    session.set_mode("change")
