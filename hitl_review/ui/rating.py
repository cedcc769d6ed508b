"""A number from 0 to 100 by one key: shared by the review page and the study page.

The keys 1 to 9 mean 10 to 90; any other number can be typed. A key that was meant for the screen
before is refused, because a digit there may have been a reason for an override.
"""

from __future__ import annotations

import streamlit as st

from hitl_review.errors import ReviewError
from hitl_review.ui import session
from hitl_review.workflow.review import check_dwell


def tenths(place: str, stage: str) -> None:
    """Draw the nine buttons of one form; `place` names the case, `stage` what of it stands on the screen."""
    with st.container(horizontal=True, gap="xxsmall", key="tenths"):
        for digit in range(1, 10):
            chosen = given(place) == 10 * digit
            st.button(
                f"{10 * digit}",
                key=f"tenth_{digit}_{place}",
                on_click=session.guarded(_choose),
                args=(place, stage, 10 * digit),
                shortcut=str(digit),
                type="primary" if chosen else "secondary",
            )


def _choose(place: str, stage: str, number: int) -> None:
    with session.workspace() as workspace:
        check_dwell(workspace.project, session.seconds_shown(place, stage))
    session.set_value("percent", place, number)


def number_field(place: str, label: str) -> None:
    """Draw the field in which any whole number can be typed."""
    st.number_input(
        label,
        min_value=0,
        max_value=100,
        value=None,
        step=1,
        key=session.field("percent", place),
        placeholder="0 to 100",
    )


def given(place: str) -> int | None:
    """Return the number that stands in the form of a place, or None."""
    number: int | None = session.value("percent", place)
    return number


def ensure_sitting(place: str) -> session.Sitting:
    """Return the sitting of this tab if it is at this place; ReviewError if another one stands on the screen."""
    sitting = session.current_sitting()
    if sitting is None or sitting.case_id != place:
        raise ReviewError("Not recorded: another case stands on the screen now. Look, then press again.")
    return sitting
