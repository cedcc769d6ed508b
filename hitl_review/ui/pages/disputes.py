"""Cases on which readers disagree, for an adjudicator: the facts, then a call, which becomes the consensus."""

from __future__ import annotations

import streamlit as st

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.store import cases, labels
from hitl_review.store.labels import Dispute
from hitl_review.ui import session, widgets
from hitl_review.ui.charts import facts_html
from hitl_review.workflow.labelling import resolve_dispute
from hitl_review.workflow.presenting import facts_of
from hitl_review.workflow.workspace import Workspace


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the dispute that waits longest, without saying who said what: that would lead."""
    require(actor, Permission.ADJUDICATE)
    st.title("Disputes", anchor=False)
    widgets.refusal()
    waiting = labels.open_disputes(workspace.store)
    mine = [
        each
        for each in waiting
        if actor.account_id not in labels.calls(workspace.store, [each.case_id]).get(each.case_id, {})
    ]
    if not mine:
        own = " Those left are yours as a reader, so somebody else resolves them." if waiting else ""
        st.text(f"No dispute waits for you.{own}")
        return
    _one(workspace, mine[0], len(mine), actor)


def _one(workspace: Workspace, dispute: Dispute, count: int, actor: Actor) -> None:
    target = workspace.project.target
    facts, answer = st.columns([8, 5], gap="medium")
    with facts:
        st.subheader(f"Case {dispute.case_id}", anchor=False)
        widgets.line(f"Readers answered it differently. {count} such cases wait for you.")
        st.html(facts_html(facts_of(workspace.project, cases.get(workspace.store, dispute.case_id).snapshot)))
    with answer, st.container(border=True, gap="small"):
        st.subheader(target.question, anchor=False)
        widgets.line(
            "Your call becomes the consensus that models learn from. Who said what is not shown: it would lead."
        )
        st.text_area(
            "Comment",
            key=session.field("comment", dispute.dispute_id),
            height=68,
            max_chars=2000,
            on_change="ignore",
        )
        for label in (target.positive, target.negative):
            st.button(
                f"{'Yes' if label is target.positive else 'No'}: {label.words}",
                key=f"resolve_{label.code}_{dispute.dispute_id}",
                on_click=session.guarded(_resolve),
                args=(dispute.dispute_id, label.code, actor.account_id),
                width="stretch",
            )


def _resolve(dispute_id: str, label: str, account_id: str) -> None:
    comment = str(session.value("comment", dispute_id) or "")
    with session.workspace() as workspace:
        actor = session.same_actor(workspace, account_id)
        resolve_dispute(workspace, dispute_id, label=label, comment=comment, actor=actor)


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        page(open_one, person)
