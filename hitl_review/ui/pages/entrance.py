"""Nobody is signed in at this tab: what the project is for, and the way to the sign-in page."""

from __future__ import annotations

import streamlit as st

from hitl_review.ui import institution, session, widgets
from hitl_review.ui.model_charts import lead_html, purpose_html

SIGN_IN = '<div class="hr-paper"><p><a href="./auth/sign-in" target="_self">Go to the sign-in page</a></p></div>'


def page(title: str, intended_use: str, not_for: str) -> None:
    """Say that nobody is signed in, and send the browser to where one signs in."""
    st.title("Sign in", anchor=False)
    refused = session.why_nobody()
    st.html(lead_html(title, refused or "Nobody is signed in at this tab. What was saved is saved."))
    if refused is None:
        st.html(SIGN_IN)
        widgets.go_to_sign_in()
    else:
        st.button("Leave your institution's sign-in", on_click=institution.leave)
    st.html(purpose_html(intended_use, not_for))


with session.workspace() as workspace:
    project = workspace.project

with st.container(horizontal_alignment="center"), st.container(key="entrance", width=640, gap="small"):
    page(project.title, project.intended_use, project.not_for)
