"""Who is at the screen: picked from a list until accounts have passwords."""

from __future__ import annotations

import streamlit as st

from hitl_review.store import accounts
from hitl_review.ui import session

with session.workspace() as workspace:
    everyone = accounts.everyone(workspace.store)
    project = workspace.project

with st.container(width=560, horizontal_alignment="left"):
    st.title("Who is reading?", anchor=False)
    st.text(project.title)
    st.text("There are no passwords yet: whoever reaches this page can act under any of these names.")
    for account in everyone:
        st.button(
            f"{account.name} ({account.role.words})",
            key=f"enter_{account.account_id}",
            on_click=session.enter_as,
            args=(account.account_id,),
            width="stretch",
        )
    st.subheader("Intended use", anchor=False)
    st.text(project.intended_use)
    if project.not_for:
        st.text(project.not_for)
