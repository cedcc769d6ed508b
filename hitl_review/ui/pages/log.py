"""The auditor's page: events, one case, override rates, sampled review, and whether the log is whole."""

from __future__ import annotations

from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.store import accounts
from hitl_review.ui import (
    auditing_case,
    auditing_events,
    auditing_proof,
    auditing_rates,
    auditing_sample,
    session,
    widgets,
)
from hitl_review.workflow.workspace import Workspace

PARTS: Final = {
    "Events": auditing_events.part,
    "One case": auditing_case.part,
    "Overrides": auditing_rates.part,
    "Sample": auditing_sample.part,
    "Verify and export": auditing_proof.part,
}


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the part that is chosen; the others ask nothing of the database."""
    require(actor, Permission.READ_LOG)
    people = {account.account_id: account.name for account in accounts.everyone(workspace.store)}
    st.title("Audit log", anchor=False)
    chosen = st.radio(
        "Part", list(PARTS), horizontal=True, key=session.field("part", "log"), label_visibility="collapsed"
    )
    above = st.container()
    PARTS[chosen](workspace, actor, people)
    with above:
        widgets.refusal()  # what no part told beside the act itself


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
