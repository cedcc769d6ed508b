"""Who is at the screen: picked from a list until accounts have passwords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from hitl_review.domain.account import Account, Permission, Role, may
from hitl_review.project import Project
from hitl_review.store import accounts
from hitl_review.ui import session, widgets
from hitl_review.ui.model_charts import lead_html, purpose_html

NO_PASSWORDS: Final = (
    "Pick a name from the list. There are no passwords yet: whoever reaches this page can act under any of "
    "these names, and what is done is recorded under it."
)
ACTS: Final = (
    (Permission.REVIEW, "reviews cases"),
    (Permission.READ_LOG, "reads the audit log"),
    (Permission.TRAIN, "trains models"),
    (Permission.PROMOTE, "puts models in use"),
    (Permission.EXPORT, "exports data"),
    (Permission.MANAGE_ACCOUNTS, "manages accounts"),
)


def page(project: Project, everyone: Sequence[Account]) -> None:
    """Draw the list of people, and what the project is and is not for."""
    st.title("Who is reading?", anchor=False)
    st.html(lead_html(project.title, NO_PASSWORDS))
    with st.container(gap="xsmall", key="people"):
        for account in everyone:
            _choice(account)
        if not everyone:
            st.text("There is no account yet. Make a reader with `hitl-review init --reader`.")
    st.html(purpose_html(project.intended_use, project.not_for))


def _choice(account: Account) -> None:
    st.button(
        f"**{widgets.literal(account.name)}**, {account.role.words}: {role_words(account.role)}",
        key=f"enter_{account.account_id}",
        on_click=session.enter_as,
        args=(account.account_id,),
        icon=":material/stethoscope:" if may(account.role, Permission.REVIEW) else ":material/person:",
        width="stretch",
    )


def role_words(role: Role) -> str:
    """Return what a role may do here, in a few words."""
    acts = [words for permission, words in ACTS if may(role, permission)]
    return ", ".join(acts) or "reads about the model"


with session.workspace() as workspace:
    people, purpose = accounts.everyone(workspace.store), workspace.project

with st.container(horizontal_alignment="center"), st.container(key="entrance", width=640, gap="small"):
    page(purpose, people)
