"""One case from its arrival to its last decision, with every replaced value, and its screens as they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.errors import HitlError, NotFound
from hitl_review.ui import descent, session, widgets
from hitl_review.ui.auditing_events import HERE, sitting
from hitl_review.ui.auditing_tables import decisions_html
from hitl_review.ui.charts import facts_html
from hitl_review.ui.log_table import line_of, lines_html
from hitl_review.ui.panels import model_html
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.past_screens import CaseHistory, PastScreen, case_history, past_screen
from hitl_review.workflow.workspace import Workspace

PROBLEMS_SHOWN: Final = 5


def part(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    """Draw the history of the case that is asked for."""
    asked = st.text_input("Case", key=session.field("one_case", HERE), placeholder="Its id", width=320, max_chars=64)
    case_id = (asked or "").strip()
    if not case_id:
        st.text("Type a case's id: its whole history comes, with every value that was replaced later.")
        return
    try:
        history = case_history(workspace, case_id, actor=actor, sitting=sitting(actor, f"case {case_id}"))
    except HitlError as refusal:
        st.warning(widgets.plain(str(refusal)))
        return
    if history.problems:
        st.error(widgets.plain(_problem_words(history)))
    if history.decisions:
        st.html(decisions_html(workspace.project, history, people))
        st.html(descent.taught_html(workspace, history.decisions, people))
    else:
        st.text("Nobody has decided this case yet.")
    _screen(workspace, actor, history, people)
    with st.expander(f"All {len(history.events)} events of this case"):
        st.html(lines_html(line_of(event, people) for event in reversed(history.events)))
        if history.looks_from > 1:
            widgets.line(
                f"That it was opened or looked at, and receipts, are listed from event {history.looks_from:,} on; "
                "all else is complete."
            )


def _problem_words(history: CaseHistory) -> str:
    listed = "; ".join(f"event {each.seq}: {each.message}" for each in history.problems[:PROBLEMS_SHOWN])
    return f"What is shown here of this case is not what the log tells. {_capital(listed)}. Verify the log."


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _screen(workspace: Workspace, actor: Actor, history: CaseHistory, people: Mapping[str, str]) -> None:
    words = {
        each.reveal_id: f"{each.shown_at:%Y-%m-%d %H:%M:%S} UTC, {people.get(each.reader, each.reader)}"
        for each in history.reveals
    }
    chosen = st.selectbox(
        "Show the screen as it was",
        list(words),
        index=None,
        key=session.field(f"screen_{history.case_id}", HERE),
        format_func=lambda each: printable(words.get(each or "", "")),
        placeholder="Choose when it was shown",
        width=420,
    )
    if chosen in words:
        try:
            shown = past_screen(workspace, chosen, actor=actor, sitting=sitting(actor, f"screen {chosen}"))
        except NotFound:
            st.error("What was shown is not in the workspace any more, and can't be shown. Verify the log.")
            return
        draw(shown, words[chosen])


def draw(shown: PastScreen, words: str) -> None:
    """Draw a screen of the past through the parts that the review page draws with, and say that it is past."""
    with st.container(border=True, key="past_screen"):
        st.text(f"PAST SCREEN, as shown {printable(words)}. Nothing can be decided here.")
        if shown.digest_ok:
            widgets.line(f"✓ These are the very bytes that were shown: {shown.reveal.screen}")
        else:
            st.error("What is stored is not what the log says was shown, to whom and when. Verify the log.")
        if shown.screen is None:
            st.text("It can't be drawn by this version; this is what was stored:")
            st.code(printable(shown.body), language=None, wrap_lines=True)
            return
        facts, view = st.columns([1, 1], gap="medium")
        with facts:
            st.html(facts_html(shown.screen.facts, compact=True))
        with view:
            st.html(model_html(shown.screen.view, None))
