"""What this reader decided, newest first, with the way back to each case."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.decision import Decision
from hitl_review.store import reviews
from hitl_review.ui import session, widgets
from hitl_review.workflow.workspace import Workspace

SHOWN = 200


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the decisions in force as a table; a chosen row opens its case."""
    require(actor, Permission.REVIEW)
    st.subheader("My decisions", anchor=False)
    decisions = reviews.recent_decisions(workspace.store, actor.account_id, limit=SHOWN)
    if not decisions:
        st.text("Nothing decided yet. Open Review and decide a case: it will stand here.")
        return
    widgets.line(
        f"The latest {len(decisions)} decisions in force. A changed decision stays in the audit log."
    )
    st.dataframe(
        pd.DataFrame([_row(workspace, decision) for decision in decisions]),
        key="decisions",
        hide_index=True,
        width="stretch",
        height="content" if len(decisions) < 15 else 560,
        alt="Your decisions in force, newest first",
    )
    chosen = st.selectbox(
        "Open a case", [decision.case_id for decision in decisions], index=None, key="reopened"
    )
    if chosen is not None:
        session.go_to(chosen)
        st.switch_page(session.review_page(), query_params={"case": chosen, "reader": actor.account_id})


def _row(workspace: Workspace, decision: Decision) -> dict[str, object]:
    project = workspace.project
    reasons = {reason.code: reason.label for reason in project.reasons}
    return {
        "Case": decision.case_id,
        "Decision": decision.answer.value,
        "Answer": "" if decision.label is None else project.label_words(decision.label),
        "Own estimate": "" if decision.own_probability is None else f"{decision.own_probability:.0%}",
        "Reason": "" if decision.reason is None else reasons.get(decision.reason, decision.reason),
        "Comment": decision.comment,
        "Sure": "" if decision.confidence is None else decision.confidence.value,
        "Signed": f"{decision.signature.name}, {decision.signature.meaning}",
        "At (UTC)": f"{decision.decided_at:%Y-%m-%d %H:%M:%S}",
    }


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
