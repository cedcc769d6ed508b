"""The review page: facts, own estimate, the model's view, decision; then the next case at once."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from hitl_review.domain.account import Actor
from hitl_review.errors import HitlError, NotFound
from hitl_review.store import worklist
from hitl_review.ui import attention, cache, deciding, estimating, session, widgets
from hitl_review.ui.charts import facts_html
from hitl_review.ui.panels import heading_html, model_html
from hitl_review.workflow.revealing import Shown, reveal
from hitl_review.workflow.review import Opened, look_at, next_case, open_case
from hitl_review.workflow.workspace import Workspace


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the case that the URL names, or the next one of the queue."""
    named = session.case_id()
    case_id = named or next_case(workspace, actor=actor)
    if case_id is None:
        _nothing_left(workspace)
        return
    if named is None:
        session.go_to(case_id)
    try:
        opened = _opened(workspace, case_id, actor)
    except NotFound as refusal:
        st.warning(widgets.plain(str(refusal)))
        st.button("Next case", on_click=session.go_to, args=(None,), shortcut="N")
        return
    stage = _draw(workspace, opened, actor)
    attention.keep(case_id, stage)
    session.mark_shown(case_id, stage)


def _opened(workspace: Workspace, case_id: str, actor: Actor) -> Opened:
    sitting = session.sitting(case_id, lambda: open_case(workspace, case_id, actor=actor).opened_at)
    return look_at(workspace, case_id, actor=actor, opened_at=sitting.opened_at)


def _draw(workspace: Workspace, opened: Opened, actor: Actor) -> str:
    """Draw the stage a case is at, and return its name."""
    waits = opened.needs_read or opened.facts.excluded or opened.without_model
    shown = None if waits else _shown(workspace, opened, actor)
    columns = st.columns([8, 5] if shown is None else [10, 11, 7], gap="medium")
    with columns[0]:
        st.html(_heading(workspace, opened) + facts_html(opened.facts, compact=shown is not None))
    if shown is None:
        return _before(workspace, opened, actor, columns[1])
    with columns[1]:
        own = None if opened.read is None else opened.read.probability
        st.html(model_html(shown.screen.view, own))
    with columns[2], st.container(gap="xsmall"):
        widgets.refusal()
        return deciding.panel(workspace, opened, shown, actor)


def _shown(workspace: Workspace, opened: Opened, actor: Actor) -> Shown | None:
    try:
        return reveal(workspace, opened.case.case_id, actor=actor, source=cache.model_source(workspace.store))
    except HitlError as refusal:
        st.warning(widgets.plain(str(refusal)))
        return None


def _before(workspace: Workspace, opened: Opened, actor: Actor, column: DeltaGenerator) -> str:
    with column, st.container(gap="xsmall"):
        widgets.refusal()
        if opened.needs_read and not opened.facts.excluded:
            return estimating.panel(workspace, opened, actor)
        if opened.without_model:
            return _read_without_model(workspace, opened, actor)
        if opened.facts.excluded:
            st.warning(
                f"The model may not be asked about this patient. This does not hold: {opened.facts.excluded}."
            )
        widgets.next_button(workspace, opened, actor)
        return "closed"


def _read_without_model(workspace: Workspace, opened: Opened, actor: Actor) -> str:
    """Say plainly that there is no model now, and that the case is done for this reader until there is one."""
    with st.container(border=True, key="without_model", gap="small"):
        st.subheader("No model is in use", anchor=False)
        if opened.read is not None:
            call = workspace.project.label_words(opened.read.label)
            st.text(f"You said {opened.read.probability:.0%}: {call}. Your own estimate is stored.")
        st.text(
            "The model was stopped, so there is no view to compare with and nothing to accept or override. "
            "The case comes back for a decision if a model is put in use again."
        )
    widgets.next_button(workspace, opened, actor)
    widgets.footing(workspace, opened, actor)
    return "without_model"


def _heading(workspace: Workspace, opened: Opened) -> str:
    progress = worklist.progress(workspace.store)
    deferred = f", {progress.deferred} deferred" if progress.deferred else ""
    about = f"Values of {opened.facts.index_time} · {progress.decided} of {progress.total} cases decided{deferred}"
    return heading_html(opened.case.case_id, about)


def _nothing_left(workspace: Workspace) -> None:
    progress = worklist.progress(workspace.store)
    st.subheader("No case is waiting for you", anchor=False)
    st.text(
        f"{progress.decided} of {progress.total} cases are decided and {progress.deferred} are deferred. "
        "Cases that another reader has open come back when they are left."
    )
    st.button("Look again", on_click=session.go_to, args=(None,))


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
