"""The panel before the reveal: the reader's own estimate. Nothing of the model is known here."""

from __future__ import annotations

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.errors import ReviewError
from hitl_review.store import reviews
from hitl_review.ui import rating, session, widgets
from hitl_review.ui.panels import titled_html
from hitl_review.workflow.review import Opened, check_dwell, commit_read
from hitl_review.workflow.workspace import Workspace

STAGE = "estimate"
MODEL_LATER = "Your own estimate first; the model's view comes after it is stored."
NO_MODEL = "No model is in use now: your own estimate is all that is asked."


def panel(workspace: Workspace, opened: Opened, actor: Actor) -> str:
    """Draw the own estimate: a percentage by the keys 1 to 9 or exactly, then the call, which stores both."""
    case_id, target = opened.case.case_id, workspace.project.target
    with st.container(border=True, key="estimate", gap="small"):
        st.html(
            titled_html(
                target.question,
                NO_MODEL if opened.without_model else MODEL_LATER,
                ask=f"How likely is {target.positive.words}?",
                how="Keys 1 to 9 mean 10 to 90%",
            )
        )
        rating.tenths(case_id, STAGE)
        rating.number_field(case_id, "Your estimate in percent")
        st.html('<p class="hr-ask hr-line"><b>Your call</b>, which stores the estimate</p>')
        token = session.token("read", case_id)
        _call_button(
            f"Yes: {target.positive.words}", "Y", (case_id, target.positive.code, token, actor.account_id)
        )
        _call_button(
            f"No: {target.negative.words}", "X", (case_id, target.negative.code, token, actor.account_id)
        )
    widgets.next_button(workspace, opened, actor)
    widgets.footing(workspace, opened, actor)
    return STAGE


def _call_button(words: str, key: str, args: tuple[str, str, str, str]) -> None:
    st.button(
        words,
        key=f"call_{key}_{args[0]}",
        on_click=session.guarded(_commit),
        args=args,
        shortcut=key,
        width="stretch",
    )


def _commit(case_id: str, label: str, token: str, account_id: str) -> None:
    """Store the estimate that stands in the form of this case, if it is this case that stands on the screen."""
    percent, sitting = rating.given(case_id), rating.ensure_sitting(case_id)
    with session.workspace() as workspace:
        stored = reviews.read_of(workspace.store, case_id, account_id)
        if stored is not None and stored.read_id == token:
            return  # the second of two presses: the first one was stored, and there is nothing to tell
        check_dwell(workspace.project, session.seconds_shown(case_id, STAGE))
        if percent is None:
            raise ReviewError("Give a percentage first: the keys 1 to 9, or type one. Then your call.")
        actor = session.same_actor(workspace, account_id)
        commit_read(
            workspace,
            case_id,
            label=label,
            probability=percent / 100,
            actor=actor,
            token=token,
            opened_at=sitting.opened_at,
        )
