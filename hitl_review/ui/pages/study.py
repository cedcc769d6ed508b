"""The study page: one case at a time, the own read first, no word of performance. The server says what comes next."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Modality
from hitl_review.domain.study import Study
from hitl_review.errors import HitlError
from hitl_review.ui import attention, cache, session, study_reading, widgets
from hitl_review.ui.charts import facts_html
from hitl_review.ui.panels import heading_html, model_html, titled_html
from hitl_review.workflow.studies.reading import (
    Standing,
    Task,
    open_item,
    reveal_item,
    standing,
    studies_to_read,
)
from hitl_review.workflow.workspace import Workspace


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the next case of the reader's study, or that there is none now."""
    studies = studies_to_read(workspace, actor=actor)
    if not studies:
        st.subheader("No study is waiting for you", anchor=False)
        st.text("A study lead lets you in when one begins.")
        return
    study = _chosen(studies)
    now = standing(workspace, study.study_id, actor=actor)
    if session.mode() == study_reading.BREAK:
        _resting(now)
    elif now.task is None:
        _nothing_now(now)
    else:
        _read(workspace, study, now, now.task, actor)


def _chosen(studies: list[Study]) -> Study:
    """Return the study that the URL names, or the first; with several, offer the others."""
    named = session.study_id()
    chosen = next((each for each in studies if each.study_id == named), studies[0])
    if len(studies) > 1:
        with st.container(horizontal=True, key="studies", gap="xsmall"):
            for each in studies:
                st.button(
                    widgets.literal(each.protocol.title),
                    key=f"study_{each.study_id}",
                    on_click=session.go_to_study,
                    args=(each.study_id,),
                    disabled=each is chosen,
                )
    return chosen


def _read(workspace: Workspace, study: Study, now: Standing, task: Task, actor: Actor) -> None:
    place = study_reading.place_of(study.study_id, task)
    session.sitting(place, lambda: open_item(workspace, study.study_id, task.item, actor=actor))
    aided = task.modality is Modality.AIDED
    columns = st.columns([10, 11, 7] if aided else [8, 5], gap="medium")
    with columns[0]:
        if task.facts is None:
            st.html(titled_html("A check", _progress(study, now, task)))
            st.info(task.instruction, icon=":material/visibility:")
        else:
            st.html(
                heading_html(task.case_id, _progress(study, now, task))
                + facts_html(task.facts, compact=aided)
            )
    try:
        if aided:
            _model(workspace, study, task, actor, columns[1])
    except HitlError as refusal:
        st.warning(widgets.plain(str(refusal)))
        return
    with columns[-1], st.container(gap="xsmall"):
        widgets.refusal()
        study_reading.panel(workspace, study.study_id, task, actor)
    stage = study_reading.stage_of(task)
    attention.keep(
        f"{study.study_id}-{task.item}", stage if task.own is not None or not aided else "with model"
    )
    session.mark_shown(place, stage)


def _model(workspace: Workspace, study: Study, task: Task, actor: Actor, column: DeltaGenerator) -> None:
    source = cache.model_source(workspace.store)
    screen = reveal_item(workspace, study.study_id, task.item, actor=actor, source=source)
    with column:
        st.html(model_html(screen.view, None if task.own is None else task.own.rating / 100))


def _progress(study: Study, now: Standing, task: Task) -> str:
    parts = [f"{now.done} of {now.total} done"]
    if now.sessions > 1:
        parts.insert(0, f"Session {now.session} of {now.sessions}")
    if task.training:
        parts.append("training case, not analysed")
    if task.facts is not None:
        parts.insert(0, f"Values of {task.facts.index_time}")
    if study.simulated:
        parts.append("study with simulated readers")
    return " · ".join(parts)


def _resting(now: Standing) -> None:
    st.subheader("Break", anchor=False)
    st.text(f"Your time does not run. {now.done} of {now.total} are done, and all of them are stored.")
    st.button(
        "Go on reading", key="resume", on_click=session.set_mode, args=("",), shortcut="B", type="primary"
    )


def _nothing_now(now: Standing) -> None:
    if now.waits_until is None:
        st.subheader("All your cases are read", anchor=False)
        st.text(
            f"{now.done} of {now.total} are done and stored. Thank you; there is nothing more to do here."
        )
        return
    st.subheader(f"Session {now.session - 1} is read", anchor=False)
    st.text(
        f"{now.done} of {now.total} are done. The next session begins on {now.waits_until:%Y-%m-%d %H:%M} UTC, "
        "when enough time has passed since you read its first case."
    )


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
