"""The lead's page of studies: how far they are, who has read how much, and the next step. No result before the lock."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.domain.protocol import Design
from hitl_review.domain.study import State, Study
from hitl_review.store.studies import steps
from hitl_review.ui import session, study_tables, widgets
from hitl_review.workflow.studies.freezing import freeze_study
from hitl_review.workflow.studies.leading import lock_study, missing_reads, start_study, waive_washout
from hitl_review.workflow.studies.progress import progress_of
from hitl_review.workflow.studies.stepping import lead
from hitl_review.workflow.studies.unsealing import unseal_study
from hitl_review.workflow.workspace import Workspace

Verb = Callable[..., object]
NEXT: dict[State, tuple[str, str, Verb]] = {
    State.DRAFT: (
        "Freeze",
        "Protocol, model, lists and truth are laid down and sealed. Afterwards only an amendment with a reason "
        "changes the protocol.",
        freeze_study,
    ),
    State.FROZEN: ("Start", "The readers are let in.", start_study),
    State.RUNNING: ("Lock", "Reading ends for good.", lock_study),
    State.LOCKED: (
        "Unseal",
        "Each commitment is checked, and the truth is joined to the reads. It can't be sealed again.",
        unseal_study,
    ),
}
"""The one step that may follow each state: its name, what it means, its verb."""
WASHED_OUT = (Design.CROSSOVER, Design.SPLIT_PLOT)
"""The designs in which a case is read in two sessions."""


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw all studies, and the one that is chosen whole."""
    lead(actor)
    studies = steps.studies(workspace.store)
    st.html(f'<div class="hr-paper"><h1 class="hr-unseen">Studies</h1>{_intro(studies)}</div>')
    widgets.refusal()
    if not studies:
        return
    if len(studies) > 1:
        names = [each.study_id for each in studies]
        named = session.study_id()
        chosen = st.selectbox(
            "Study", names, index=names.index(named) if named in names else len(names) - 1, key="chosen_study"
        )
    else:
        chosen = studies[0].study_id
    _one(workspace, next(each for each in studies if each.study_id == chosen), actor)


def _intro(studies: list[Study]) -> str:
    if not studies:
        return "<p>There is no study yet. Plan one, or make the demonstration: <code>hitl-review study demo</code>.</p>"
    return study_tables.studies_html(studies)


def _one(workspace: Workspace, study: Study, actor: Actor) -> None:
    st.subheader(widgets.literal(study.protocol.title), anchor=False)
    widgets.line(_state_words(study))
    if study.at_least(State.FROZEN):
        found = progress_of(workspace, study.study_id, actor=actor)
        st.html(f'<div class="hr-paper">{study_tables.progress_html(found, workspace.store.clock())}</div>')
    _next_step(workspace, study, actor)
    st.html(
        f'<div class="hr-paper">{study_tables.protocol_html(study)}{study_tables.steps_html(study)}</div>'
    )


def _state_words(study: Study) -> str:
    simulated = "Simulated readers: a demonstration, evidence of nothing. " if study.simulated else ""
    amendments = f", amended {len(study.amendments)} times" if study.amendments else ""
    return f"{simulated}This study is {study.state.value}{amendments}."


def _next_step(workspace: Workspace, study: Study, actor: Actor) -> None:
    if study.state not in NEXT:
        return
    word, meaning, _ = NEXT[study.state]
    with st.container(horizontal=True, key="study_steps", gap="small"):
        # A key of its own and a rerun make it another popover in the next state: else it would stay open, and the
        # second of two presses would confirm the step after this one.
        key = f"next_{study.state.value}_{study.study_id}"
        with st.popover(
            f"{word} this study", icon=":material/arrow_forward:", width="content", key=key, on_change="rerun"
        ):
            st.text(meaning)
            reason = _lock_reason(workspace, study)
            st.button(
                f"Yes, {word.lower()} it",
                key=f"step_{study.state.value}_{study.study_id}",
                on_click=session.guarded(_step),
                args=(study.study_id, study.state.value, actor.account_id, reason),
                type="primary",
                width="stretch",
            )
        if study.state is State.RUNNING and study.protocol.design in WASHED_OUT:
            _waiver(study, actor)


def _lock_reason(workspace: Workspace, study: Study) -> str | None:
    """Return the key of the reason that a lock with missing reads needs, drawing its field."""
    if study.state is not State.RUNNING or not (missing := missing_reads(workspace, study)):
        return None
    st.text(f"{missing} reads are missing. They are reported as missing, never filled in.")
    st.text_area("Why will they not be made?", key=session.field("lock", study.study_id), height=68)
    return "lock"


def _step(study_id: str, state: str, account_id: str, reason: str | None) -> None:
    """Take the next step of a study, if it is still in the state that stood on the page."""
    with session.workspace() as workspace:
        actor = session.same_actor(workspace, account_id)
        _, _, verb = NEXT[State(state)]
        extra = {} if reason is None else {"reason": session.value(reason, study_id, "") or ""}
        verb(workspace, study_id, actor=actor, **extra)


def _waiver(study: Study, actor: Actor) -> None:
    with st.popover("Waive a washout", width="content"):
        st.text(
            "One reader goes on before the washout is over. It is logged, and the reads after it are marked."
        )
        st.selectbox("Reader", study.protocol.readers, key=session.field("waived", study.study_id))
        st.text_area("Why?", key=session.field("waiver", study.study_id), height=68)
        st.button(
            "Waive it",
            key=f"waive_{study.study_id}",
            on_click=session.guarded(_waive),
            args=(study.study_id, actor.account_id),
            width="stretch",
        )


def _waive(study_id: str, account_id: str) -> None:
    with session.workspace() as workspace:
        waive_washout(
            workspace,
            study_id,
            session.value("waived", study_id),
            reason=session.value("waiver", study_id, "") or "",
            actor=session.same_actor(workspace, account_id),
        )


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        with st.container(horizontal_alignment="center"), st.container(key="paper", width=800, gap="small"):
            page(open_one, person)
