"""One case from its arrival to its last decision, with every replaced value, and its screens as they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.domain.audit import Event
from hitl_review.domain.label import LabelSource
from hitl_review.errors import HitlError, NotFound
from hitl_review.ui import descent, session, widgets
from hitl_review.ui.auditing_events import HERE, sitting, spoken
from hitl_review.ui.auditing_tables import decisions_html, records_html
from hitl_review.ui.charts import facts_html
from hitl_review.ui.history_table import ANSWER_WORDS
from hitl_review.ui.log_table import LogLine, line_of, lines_html
from hitl_review.ui.panels import model_html
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.case_records import CaseRecord, RecordKind, case_records
from hitl_review.workflow.past_screens import CaseHistory, PastScreen, case_history, past_screen
from hitl_review.workflow.receipts import issue_receipt
from hitl_review.workflow.workspace import Workspace

PROBLEMS_SHOWN: Final = 5
_BESIDE: Final = "<b>What else was recorded of this case,</b> oldest first; replaced values are kept"
_LABELS: Final = (
    "<b>What models may learn from this case.</b> Of the labels in force the one of the best source counts, in this "
    f"order: {'; '.join(each.words for each in LabelSource if each is not LabelSource.DEFERRAL)}"
)
_OF_MANY: Final = frozenset({RecordKind.OUTCOME, RecordKind.VIEW})
"""Records that came with those of other cases, in one event."""


def part(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    """Draw the history of the case that is asked for."""
    asked = st.text_input(
        "Case",
        key=session.field("one_case", HERE),
        placeholder="Its id",
        width=320,
        max_chars=64,
        persist_state="page",
    )
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
    else:
        st.text("Nobody has decided this case yet.")
    records = case_records(workspace, history)
    kept = [each for each in records if each.kind is not RecordKind.LABEL]
    if kept:
        st.html(records_html(kept, people, caption=_BESIDE))
    _screen(workspace, actor, history, people)
    _learned(workspace, history, [each for each in records if each.kind is RecordKind.LABEL], people)
    _receipt(workspace, actor, history, people)
    with st.expander(_counted(len(history.events), "event")):
        words = spoken(workspace)
        lines = (_line(line_of(event, people, words), event, kept) for event in reversed(history.events))
        st.html(lines_html(lines))
        if history.looks_from > 1:
            widgets.line(
                f"That it was opened or looked at, and receipts, are listed from event {history.looks_from:,} on; "
                "all else is complete."
            )


def _line(line: LogLine, event: Event, kept: Sequence[CaseRecord]) -> LogLine:
    """Return the line of an event; of one that told of many cases, also with what it told of this one."""
    own = [each.said for each in kept if each.event_id == event.event_id and each.kind in _OF_MANY]
    return replace(line, summary=f"{line.summary}; of this case: {', '.join(own)}") if own else line


def _learned(
    workspace: Workspace, history: CaseHistory, made: Sequence[CaseRecord], people: Mapping[str, str]
) -> None:
    """Draw what models learned from the case: its labels, and for each decision the models that it taught."""
    if not made:
        return
    replaced = sum(each.replaced for each in made)
    words = f", {replaced} of them replaced by later ones" if replaced else ""
    with st.expander(f"{_counted(len(made), 'training label')}{words}"):
        st.html(records_html(made, people, caption=_LABELS))
        if history.decisions:
            st.html(descent.taught_html(workspace, history.decisions, people))


def _receipt(workspace: Workspace, actor: Actor, history: CaseHistory, people: Mapping[str, str]) -> None:
    words = {
        each.decision_id: f"{people.get(each.reader, each.reader)}, {ANSWER_WORDS[each.answer][1]} "
        f"{each.decided_at:%Y-%m-%d %H:%M:%S} UTC"
        for each in history.decisions
    }
    if not words:
        return
    with st.expander("A receipt of one decision, for somebody who has no access"):
        widgets.line(
            "It proves that the log held this decision, letter by letter, to whoever holds a checkpoint. The decision "
            "and its comment are in it: hand it on as you hand on records. That it was issued is an event."
        )
        chosen = st.selectbox(
            "Decision",
            list(words),
            index=None,
            key=session.field(f"receipt_{history.case_id}", HERE),
            format_func=lambda each: printable(words.get(each or "", "")),
            placeholder="Choose the decision",
            width=420,
        )
        if st.button("Make the receipt", icon=":material/receipt:", disabled=chosen is None) and chosen:
            try:
                session.set_value("issued", HERE, (chosen, issue_receipt(workspace, chosen, actor=actor)))
            except HitlError as refusal:
                st.error(widgets.plain(str(refusal)))
        decision, receipt = session.value("issued", HERE, ("", ""))
        if receipt and decision == chosen:
            name = f"receipt-{history.case_id}.txt"
            st.download_button(f"Download {name}", receipt, file_name=name, on_click="ignore")


def _counted(count: int, noun: str) -> str:
    return f"1 {noun} of this case" if count == 1 else f"All {count:,} {noun}s of this case"


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
