"""The audit log as it stands: newest events first, and its verification at a click."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import streamlit as st

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.verification import TRUNCATION, Verification
from hitl_review.errors import HitlError
from hitl_review.store import accounts
from hitl_review.ui import session, widgets
from hitl_review.ui.log_table import ACTION_WORDS, line_of, lines_html, whole_text
from hitl_review.workflow.auditing import printable, verify
from hitl_review.workflow.viewing import PAGE, REACH, LogPage, view_log
from hitl_review.workflow.workspace import Workspace

ANY_DECISION = "decision.%"
PROBLEMS_SHOWN = 20
_HERE = "log"
"""The place in the session under which this page keeps what it needs; it has no case."""


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the log beside its verification and one event whole."""
    require(actor, Permission.READ_LOG)
    people = {account.account_id: account.name for account in accounts.everyone(workspace.store)}
    events, side = st.columns([13, 7], gap="large")
    with events:
        st.title("Audit log", anchor=False)
        _filters(people)
    looked = view_log(
        workspace,
        actor=actor,
        sitting=session.token("view", _HERE, actor.account_id),
        case_id=(session.value("case", _HERE) or "").strip() or None,
        account_id=session.value("person", _HERE),
        action=session.value("action", _HERE),
        before=_befores()[-1] if _befores() else None,
    )
    with events:
        _events(looked, people)
    with side, st.container(key="side", gap="medium"):
        _verification(workspace)
        _one_event(looked)


def _filters(people: Mapping[str, str]) -> None:
    names = {**people, SYSTEM.account_id: "The system itself"}
    actions = {name: words[:1].upper() + words[1:] for name, words in ACTION_WORDS.items()}
    with st.container(horizontal=True, key="filters", gap="small"):
        st.text_input(
            "Case", key=session.field("case", _HERE), placeholder="Any case", on_change=_from_the_newest
        )
        _choice("Person", "person", names)
        _choice("Action", "action", {ANY_DECISION: "Any decision", **actions})


def _choice(label: str, name: str, words: Mapping[str, str]) -> None:
    st.selectbox(
        label,
        list(words),
        index=None,
        key=session.field(name, _HERE),
        format_func=lambda each: words.get(each, each),
        placeholder=f"Any {name}",
        on_change=_from_the_newest,
    )


def _befores() -> tuple[int, ...]:
    """Where the pages that were turned began; the last one is the page that is shown."""
    turned: tuple[int, ...] = session.value("befores", _HERE, ())
    return turned


def _turn(befores: tuple[int, ...]) -> None:
    session.set_value("befores", _HERE, befores)


def _from_the_newest() -> None:
    _turn(())


def _events(looked: LogPage, people: Mapping[str, str]) -> None:
    if looked.events:
        st.html(lines_html(line_of(event, people) for event in looked.events))
    else:
        st.text("No such event among those that were looked at.")
    widgets.line(_reach_words(looked))
    with st.container(horizontal=True, key="pager"):
        befores = _befores()
        st.button(
            "Newer", on_click=_turn, args=(befores[:-1],), disabled=not befores, icon=":material/arrow_back:"
        )
        older = looked.older
        st.button(
            "Older",
            on_click=_turn,
            args=((*befores, older or 0),),
            disabled=older is None,
            icon=":material/arrow_forward:",
            icon_position="right",
        )


def _reach_words(looked: LogPage) -> str:
    if looked.older is None:
        end = "This is the beginning of the log."
    elif len(looked.events) < PAGE:
        end = f"One look goes back through {REACH:,} events, here to number {looked.reached:,}; older ones come next."
    else:
        end = f"Up to {PAGE} are shown at a time."
    return f"The log holds {looked.size:,} events. {end} That you looked is one of them."


def _verification(workspace: Workspace) -> None:
    with st.container(border=True, key="verification", gap="small"):
        st.subheader("Is the log whole?", anchor=False)
        widgets.line("Checks every hash, every link and every record that an event tells of.")
        if st.button("Verify now", icon=":material/verified_user:", width="stretch"):
            _verify(workspace)
        found: Verification | None = session.value("verified", _HERE)
        if found is not None:
            st.html(_verdict_html(found))
        else:
            widgets.line(f"Without a checkpoint that you keep elsewhere, {TRUNCATION}.")


def _verify(workspace: Workspace) -> None:
    bar = st.progress(0.0, text="Verifying")

    def told(done: int, total: int) -> None:
        bar.progress(done / total if total else 1.0, text="Verifying")

    try:
        found = verify(workspace.folder, progress=told)
    except HitlError as refusal:
        st.error(str(refusal))
        return
    finally:
        bar.empty()
    session.set_value("verified", _HERE, found)


def _verdict_html(found: Verification) -> str:
    verdict = "✓ Nothing wrong was found" if found.ok else f"! {len(found.problems):,} problems were found"
    first = (
        ""
        if found.first_bad_seq is None
        else f" The first event concerned is number {found.first_bad_seq:,}."
    )
    problems = "".join(
        f"<li>{escape(printable(each.words))}</li>" for each in found.problems[:PROBLEMS_SHOWN]
    )
    more = f"<p>The first {PROBLEMS_SHOWN} are listed.</p>" if len(found.problems) > PROBLEMS_SHOWN else ""
    warnings = "".join(f"<p>Note: {escape(printable(warning))}.</p>" for warning in found.warnings)
    return (
        f'<div class="hr-paper hr-verified hr-{"fine" if found.ok else "wrong"}" role="status"><p><b>{verdict}</b> '
        f"in {found.events:,} events.{first}</p><ul>{problems}</ul>{more}{warnings}"
        f'<p>Head of the log: <span class="hr-digest">{escape(printable(found.head))}</span></p></div>'
    )


def _one_event(looked: LogPage) -> None:
    events = {event.seq: event for event in looked.events}
    chosen = st.selectbox(
        "One event, whole",
        list(events),
        index=None,
        key=f"event_{looked.events[0].seq if events else 0}",
        format_func=lambda seq: f"Number {seq}",
        placeholder="Choose its number",
    )
    if chosen in events:
        st.code(whole_text(events[chosen]), language=None, wrap_lines=True)


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
