"""The log as a list: filters, a page of events, one event whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

import streamlit as st

from hitl_review.domain.account import SYSTEM, Actor
from hitl_review.store import models
from hitl_review.ui import session, widgets
from hitl_review.ui.log_table import ACTION_WORDS, ANY_DECISION, line_of, lines_html, whole_text
from hitl_review.workflow.viewing import PAGE, REACH, Filters, LogPage, view_log
from hitl_review.workflow.workspace import Workspace

HERE: Final = "log"
"""The place in the session under which the page keeps what it needs; it has no case."""
_ANSWERS: Final = {"accepted": "Accepted", "overridden": "Overridden", "deferred": "Deferred"}


def part(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    """Draw the filters, the events that fit, and one of them whole."""
    _filters(workspace, people)
    filters = _chosen()
    looked = view_log(
        workspace,
        actor=actor,
        sitting=sitting(actor, repr(filters)),
        before=_before(),
        filters=filters,
    )
    _events(looked, people, spoken(workspace))
    _one_event(looked)


def _before() -> int | None:
    """Where the page that is shown begins: where it was turned to, or at the number that was asked for."""
    upto: int | None = session.value("upto", HERE)
    return _befores()[-1] if _befores() else None if upto is None else int(upto) + 1


def sitting(actor: Actor, what: str) -> str:
    """Return the token of one sitting in front of something: each is logged once."""
    return session.token("view", HERE, f"{actor.account_id}/{hashlib.sha256(what.encode()).hexdigest()[:16]}")


def _filters(workspace: Workspace, people: Mapping[str, str]) -> None:
    names = {**people, SYSTEM.account_id: "The system itself"}
    said = sorted((words[:1].upper() + words[1:], name) for name, words in ACTION_WORDS.items())
    actions = {name: words for words, name in said}
    versions = {each.digest: each.name for each in models.versions(workspace.store)}
    with st.container(horizontal=True, key="filters", gap="small"):
        st.text_input(
            "Case",
            key=session.field("case", HERE),
            placeholder="Any case",
            on_change=_from_the_newest,
            max_chars=64,
            persist_state="page",
        )
        _choice("Person", "person", names)
        _choice("Action", "action", {ANY_DECISION: "Any decision", **actions})
        _choice("Answer", "outcome", _ANSWERS)
        _choice("Model", "model", versions)
        _day("From (UTC)", "since")
        _day("To (UTC)", "until")
        st.number_input(
            "Up to number",
            1,
            value=None,
            step=1,
            key=session.field("upto", HERE),
            placeholder="The newest",
            on_change=_from_the_newest,
            persist_state="page",
        )


def _choice(label: str, name: str, words: Mapping[str, str]) -> None:
    st.selectbox(
        label,
        list(words),
        index=None,
        key=session.field(name, HERE),
        format_func=lambda each: words.get(each, each),
        placeholder=f"Any {label.lower()}",
        on_change=_from_the_newest,
        persist_state="page",
    )


def _day(label: str, name: str) -> None:
    st.date_input(
        label,
        None,
        key=session.field(name, HERE),
        on_change=_from_the_newest,
        format="YYYY-MM-DD",
        persist_state="page",
    )


def _chosen() -> Filters:
    return Filters(
        case_id=(session.value("case", HERE) or "").strip() or None,
        account_id=session.value("person", HERE),
        action=session.value("action", HERE),
        model=session.value("model", HERE),
        outcome=session.value("outcome", HERE),
        since=session.value("since", HERE),
        until=session.value("until", HERE),
    )


def _befores() -> tuple[int, ...]:
    """Where the pages that were turned began; the last one is the page that is shown."""
    turned: tuple[int, ...] = session.value("befores", HERE, ())
    return turned


def _turn(befores: tuple[int, ...]) -> None:
    session.set_value("befores", HERE, befores)


def _from_the_newest() -> None:
    _turn(())


def spoken(workspace: Workspace) -> dict[str, str]:
    """Return how people name what events name by a digest or a code: models, and the reasons of decisions."""
    versions = {each.digest: each.name for each in models.versions(workspace.store)}
    return {**{each.code: each.label for each in workspace.project.reasons}, **versions}


def _events(looked: LogPage, people: Mapping[str, str], words: Mapping[str, str]) -> None:
    if _befores() or looked.older is not None:
        _pager(looked, "above")
    if looked.events:
        st.html(lines_html(line_of(event, people, words) for event in looked.events))
    else:
        st.text("No such event among those that were looked at. Take a filter away, or look at the case's spelling.")
    widgets.line(_reach_words(looked))
    if session.value("case", HERE):
        widgets.line(
            "Events about many cases at once (imports of cases and outcomes, the model's judgements, training labels) "
            "are not among them; under “One case” they are."
        )
    _pager(looked, "below")


def _pager(looked: LogPage, place: str) -> None:
    """Draw the way to newer and older events, above the list as well: from there its beginning stays in sight."""
    befores, older = _befores(), looked.older
    with st.container(horizontal=True, key=f"pager_{place}"):
        st.button(
            "Newer",
            key=f"newer_{place}",
            on_click=_turn,
            args=(befores[:-1],),
            disabled=not befores,
            icon=":material/arrow_back:",
        )
        st.button(
            "Older",
            key=f"older_{place}",
            on_click=_turn,
            args=((*befores, older or 0),),
            disabled=older is None,
            icon=":material/arrow_forward:",
            icon_position="right",
        )


def _reach_words(looked: LogPage) -> str:
    if looked.older is None:
        end = "Nothing older fits."
    elif len(looked.events) < PAGE:
        end = f"One look goes back through {REACH:,} events, here to number {looked.reached:,}; older ones come next."
    else:
        end = f"Up to {PAGE} are shown at a time."
    return f"The log holds {looked.size:,} events. {end} That you looked is one of them."


def _one_event(looked: LogPage) -> None:
    events = {event.seq: event for event in looked.events}
    chosen = st.selectbox(
        "One event, whole",
        list(events),
        index=None,
        key=f"event_{looked.events[0].seq if events else 0}",
        format_func=lambda seq: f"Number {seq}",
        placeholder="Choose its number",
        width=320,
    )
    if chosen in events:
        widgets.line("As it is stored, for whoever checks the hashes; a text is shown letter by letter.")
        st.code(whole_text(events[chosen]), language=None, wrap_lines=True)
