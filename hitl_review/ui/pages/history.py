"""What this reader decided, newest first, with the way back to each case."""

from __future__ import annotations

import streamlit as st

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.store import reviews
from hitl_review.ui import session, widgets
from hitl_review.ui.history_table import choice_words, decisions_html
from hitl_review.workflow.workspace import Workspace

SHOWN = 200


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the decisions in force as a table; a case is opened again from its row, or by typing its id."""
    require(actor, Permission.REVIEW)
    st.title("My decisions", anchor=False)
    decisions = reviews.recent_decisions(workspace.store, actor.account_id, limit=SHOWN)
    if not decisions:
        st.text("Nothing decided yet. Open Review and decide a case: it will stand here.")
        return
    words = {decision.case_id: choice_words(decision) for decision in decisions}
    chosen = st.selectbox(
        "Open a case again",
        list(words),
        index=None,
        key="reopened",
        format_func=lambda case_id: words.get(case_id, case_id),
        placeholder="Type or choose its id",
        width=420,
    )
    if chosen in words:
        session.go_to(chosen)
        st.switch_page(session.review_page(), query_params={"case": chosen})
    st.html(decisions_html(workspace.project, decisions))
    widgets.line(_footnote(len(decisions)))


def _footnote(count: int) -> str:
    one = "1 decision" if count == 1 else f"{count} decisions"
    shown = f"The latest {one}" if count == SHOWN else one
    return f"{shown} in force. A changed decision replaces the earlier one here; both stay in the audit log."


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
