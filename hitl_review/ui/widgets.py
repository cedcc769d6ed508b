"""Small parts that several pages draw."""

from __future__ import annotations

import re
from html import escape
from typing import Final

import streamlit as st

from hitl_review.domain.account import Account, Actor
from hitl_review.ui import cache, session
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.deciding import last_saved
from hitl_review.workflow.review import Opened, next_case
from hitl_review.workflow.workspace import Workspace

NOT_A_DEVICE: Final = "Not a medical device: for research, teaching and quality work only."


def style() -> None:
    """Load the one style sheet of the pages."""
    st.html(cache.STYLE)


def masthead(demo: bool, actor: Actor | None, everyone: list[Account]) -> None:
    """Draw the line that stands on every page: what this is not, and who is at the screen."""
    words = "Demonstration workspace. " if demo else ""
    with st.container(horizontal=True, vertical_alignment="center", key="masthead"):
        st.html(f'<p class="hr-line"><b>{words}</b>{NOT_A_DEVICE}</p>')
        if actor is not None:
            _who_picker(actor, everyone)


def _who_picker(actor: Actor, everyone: list[Account]) -> None:
    names = {each.account_id: f"{literal(each.name)} ({each.role.words})" for each in everyone}
    with st.popover(literal(actor.name), icon=":material/person:", width="content"):
        st.text("Readers are picked from a list: there are no passwords yet.")
        for account_id, name in names.items():
            disabled = account_id == actor.account_id
            st.button(
                name,
                key=f"who_{account_id}",
                on_click=session.enter_as,
                args=(account_id,),
                disabled=disabled,
                width="stretch",
            )
        st.button("Leave", key="who_leave", on_click=session.leave, width="stretch", type="tertiary")


def refusal() -> None:
    """Tell what was refused since the last run, once, in its own sentence."""
    told = session.take_refusal()
    if told is not None:
        with st.container(key="refusal"):
            st.warning(told, icon=":material/info:")


def literal(text: str) -> str:
    """Return Markdown that shows a text as it is: labels of buttons are Markdown, and names are people's text."""
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text)


def plain(text: str) -> str:
    """Return Markdown that shows a text as it is, invisible characters as codes: for texts that may quote people."""
    return literal(printable(text))


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
    with session.workspace() as workspace:
        actor = session.same_actor(workspace, account_id)
        session.go_to(next_case(workspace, actor=actor, after=case_id))


def footing(workspace: Workspace, opened: Opened, actor: Actor) -> None:
    """Tell what was saved last, as the database has it, with a way back to it; and who else is on the case."""
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
