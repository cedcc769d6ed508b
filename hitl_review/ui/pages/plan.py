"""The lead's planning page: how many readers and cases, and a draft of the protocol."""

from __future__ import annotations

import streamlit as st

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.errors import StudyError
from hitl_review.store import accounts
from hitl_review.ui import session, study_tables, widgets
from hitl_review.workflow.studies.drafting import choose_cases, draft_study
from hitl_review.workflow.studies.planning import pilots, power_table, warnings_of
from hitl_review.workflow.studies.stepping import lead
from hitl_review.workflow.workspace import Workspace

FORM = "plan"


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the table of power, and below it the form of a draft."""
    lead(actor)
    st.html(
        '<div class="hr-paper"><p class="hr-lead">How many readers and cases does a study need?</p><p>Power after '
        "Hillis, Obuchowski and Berbaum 2011: every reader reads every case alone and with the model, and the result "
        "is to hold for other readers and other cases.</p></div>"
    )
    known = pilots(workspace, actor=actor)
    left, middle, right = st.columns([5, 2, 2], vertical_alignment="bottom")
    with left:
        name = st.selectbox("Variance components from", list(known), key="plan_pilot")
    with middle:
        effect = st.number_input("Difference in AUC", 0.01, 0.3, 0.05, 0.01, key="plan_effect")
    with right:
        alpha = st.number_input("Alpha", 0.005, 0.2, 0.05, 0.005, format="%.3f", key="plan_alpha")
    table = power_table(known[name], effect=effect, alpha=alpha)
    st.html(f'<div class="hr-paper">{study_tables.power_html(table)}</div>')
    _draft_form(workspace, actor, f"{effect:g} in AUC at alpha {alpha:g}, components of {name}")


def _draft_form(workspace: Workspace, actor: Actor, basis: str) -> None:
    st.subheader("Draft a study", anchor=False)
    widgets.refusal()
    if told := session.value("drafted", FORM):
        st.success(told)
    readers = {
        each.account_id: each.name
        for each in accounts.everyone(workspace.store)
        if may(each.role, Permission.READ_STUDY)
    }
    st.text_input("Id", key=session.field("id", FORM), placeholder="small letters, digits, hyphens")
    st.text_input("Title: what does it ask?", key=session.field("title", FORM))
    chosen = st.multiselect(
        "Readers", list(readers), key=session.field("readers", FORM), format_func=lambda each: readers[each]
    )
    st.selectbox(
        "Design",
        list(Design),
        key=session.field("design", FORM),
        format_func=lambda each: each.words.capitalize(),
    )
    first, second, third = st.columns(3)
    with first:
        cases = st.number_input("Cases", 2, 2000, 60, key=session.field("cases", FORM))
        st.number_input("Training cases", 0, 50, 4, key=session.field("training", FORM))
    with second:
        share = st.number_input("With the outcome, %", 5, 95, 50, key=session.field("positives", FORM))
        st.number_input("Hidden share without the model, %", 0, 50, 15, key=session.field("hidden", FORM))
    with third:
        st.number_input("Shown wrong on purpose", 0, 500, 0, key=session.field("wrong", FORM))
        st.number_input("Seed", 0, 2**31 - 1, 1, key=session.field("seed", FORM))
    positives = round(cases * share / 100)
    for warning in warnings_of(len(chosen), positives, cases - positives) if chosen else []:
        st.warning(warning, icon=":material/info:")
    st.button(
        "Keep this draft",
        key="plan_draft",
        on_click=session.guarded(_draft),
        args=(actor.account_id, basis),
        type="primary",
    )


def _draft(account_id: str, basis: str) -> None:
    """Keep what stands in the form as a draft, whose cases are drawn by the seed."""
    given = {
        name: session.value(name, FORM)
        for name in (
            "id",
            "title",
            "readers",
            "design",
            "cases",
            "training",
            "positives",
            "hidden",
            "wrong",
            "seed",
        )
    }
    if not given["readers"]:
        raise StudyError("Choose who reads: a study has at least one reader, better five or more.")
    with session.workspace() as workspace:
        actor = session.same_actor(workspace, account_id)
        lead(actor)
        cases = choose_cases(
            workspace, given["cases"], seed=given["seed"], positives=given["positives"] / 100
        )
        training = choose_cases(workspace, given["training"], seed=given["seed"], besides=cases)
        study = draft_study(
            workspace,
            given["id"] or "",
            Protocol(
                title=given["title"] or given["id"] or "",
                design=Design(given["design"]),
                readers=tuple(given["readers"]),
                cases=cases,
                training_cases=training,
                seed=given["seed"],
                no_reveal_share=given["hidden"] / 100,
                wrong_ai_cases=given["wrong"],
                size_basis=basis,
            ),
            actor=actor,
        )
        session.set_value("drafted", FORM, f"{study.study_id} is drafted. Freeze it on the page of studies.")


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        with st.container(horizontal_alignment="center"), st.container(key="paper", width=800, gap="small"):
            page(open_one, person)
