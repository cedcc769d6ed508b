"""The panel of a study read: call and rating together, without any word of how well one reads."""

from __future__ import annotations

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Confidence, Modality
from hitl_review.errors import ReviewError
from hitl_review.store.studies import reads
from hitl_review.ui import rating, session
from hitl_review.ui.panels import titled_html
from hitl_review.workflow.review import check_dwell
from hitl_review.workflow.studies.reading import Task, commit_study_read
from hitl_review.workflow.workspace import Workspace

BREAK = "break"


def place_of(study_id: str, task: Task) -> str:
    """Return the name of one read: study, number in the study, modality. Every key of its form has it."""
    return f"{study_id}-{task.item}-{task.modality.value}"


def stage_of(task: Task) -> str:
    """Return the name of what stands on the screen, as on the review page."""
    return "decide" if task.modality is Modality.AIDED else "estimate"


def panel(workspace: Workspace, study_id: str, task: Task, actor: Actor) -> None:
    """Draw the form of one read: a rating by key or exactly, then the call, which stores both."""
    place, target = place_of(study_id, task), workspace.project.target
    aided = task.modality is Modality.AIDED
    with st.container(border=True, key="decision" if aided else "estimate", gap="small"):
        st.html(
            titled_html(
                _title(task, target.question),
                _guide(workspace, task),
                ask=f"How likely is {target.positive.words}?",
                how="Keys 1 to 9 mean 10 to 90",
            )
        )
        rating.tenths(place, stage_of(task))
        rating.number_field(place, "Your rating, 0 to 100")
        st.radio(
            "How sure are you? (optional)",
            [each.value for each in Confidence],
            index=None,
            key=session.field("confidence", place),
            format_func=str.capitalize,
            horizontal=True,
            on_change="ignore",
        )
        st.html('<p class="hr-ask hr-line"><b>Your call</b>, which stores the read for good</p>')
        token = session.token("study", place)
        act = (study_id, task.item, task.modality.value, place, token, actor.account_id)
        _call_button(f"Yes: {target.positive.words}", "Y", (target.positive.code, *act))
        _call_button(f"No: {target.negative.words}", "X", (target.negative.code, *act))
    st.button(
        "Take a break",
        key=f"break_{place}",
        on_click=_rest,
        shortcut="B",
        type="tertiary",
        width="stretch",
    )


def _title(task: Task, question: str) -> str:
    if task.instruction:
        return "A check"
    return "Your answer with the model" if task.modality is Modality.AIDED else question


def _guide(workspace: Workspace, task: Task) -> str:
    if task.own is not None:
        words = workspace.project.label_words(task.own.label)
        return f"You said {task.own.rating:.0f}: {words}. Keep it or change it: give rating and call again."
    if task.modality is Modality.AIDED:
        return "The model's view is beside the facts. The judgement is yours."
    return "Your own judgement. A read can't be changed once it is stored."


def _call_button(words: str, key: str, args: tuple[str, str, int, str, str, str, str]) -> None:
    st.button(
        words,
        key=f"call_{key}_{args[4]}",
        on_click=session.guarded(_commit),
        args=args,
        shortcut=key,
        width="stretch",
    )


def _rest() -> None:
    session.pause()
    session.set_mode(BREAK)


def _commit(
    label: str, study_id: str, item: int, modality: str, place: str, token: str, account_id: str
) -> None:
    """Store the read that stands in this form, if it is this case that stands on the screen."""
    with session.workspace() as workspace:
        if reads.find(workspace.store, token) is not None:
            return  # the second of two presses: the first one was stored, and there is nothing to tell
        sitting, number = rating.ensure_sitting(place), rating.given(place)
        stage = "decide" if modality == Modality.AIDED.value else "estimate"
        on_screen = session.seconds_shown(place, stage)
        check_dwell(workspace.project, on_screen)
        if number is None:
            raise ReviewError("Give a rating first: the keys 1 to 9, or type one. Then your call.")
        sure = session.value("confidence", place)
        commit_study_read(
            workspace,
            study_id,
            item,
            modality=Modality(modality),
            label=label,
            rating=number,
            actor=session.same_actor(workspace, account_id),
            token=token,
            seconds_active=sitting.active_seconds,
            seconds_on_screen=on_screen,
            confidence=Confidence(sure) if sure else None,
        )
