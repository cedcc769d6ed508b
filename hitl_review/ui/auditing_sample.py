"""Sampled review: a random draw with a recorded seed, each decision ticked with what was found."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.store import reviews, samples
from hitl_review.store.samples import Sample
from hitl_review.ui import session, widgets
from hitl_review.ui.auditing_events import HERE, sitting
from hitl_review.ui.auditing_tables import sample_html
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.sampling import (
    LONGEST_COMMENT,
    LONGEST_SEED,
    VERDICTS,
    draw_sample,
    record_finding,
    same_draw,
)
from hitl_review.workflow.viewing import log_look
from hitl_review.workflow.workspace import Workspace


def part(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    """Draw a sample, or go on with one that was drawn."""
    _draw_form(actor)
    drawn = {each.sample_id: each for each in samples.newest(workspace.store)}
    words = {
        key: f"{each.at[:16].replace('T', ' ')} UTC, {len(each.decisions)} of {each.of:,}, seed {each.seed}, by "
        f"{people.get(each.by, each.by)}"
        for key, each in drawn.items()
    }
    chosen = st.selectbox(
        "Sample",
        list(drawn),
        key=session.field("sample", HERE),
        persist_state="page",
        format_func=lambda each: printable(words.get(each or "", "")),
        placeholder="None was drawn yet",
        width=640,
    )
    if len(drawn) > 1:
        widgets.line(
            f"{len(drawn):,} samples were drawn, and all of them are kept and listed. A seed that somebody chose may "
            "have been tried before: agree on it beforehand, or leave it to the program."
        )
    if chosen in drawn:
        _review(workspace, actor, drawn[chosen], people)


def _draw_form(actor: Actor) -> None:
    with (
        st.form("draw", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        count = st.number_input("How many decisions", 1, 1_000, 20, width=180)
        seed = st.text_input("Seed", placeholder="A fresh one", max_chars=LONGEST_SEED, width=220)
        if st.form_submit_button("Draw a sample", icon=":material/casino:"):
            session.guarded(_draw, place="draw")(actor.account_id, int(count), (seed or "").strip())
            st.rerun()
    widgets.refusal("draw")


def _draw(account_id: str, count: int, seed: str) -> None:
    with session.workspace() as workspace:
        earlier = [each.sample_id for each in samples.newest(workspace.store)[:1]]
        token = session.token("draw", HERE, f"{count}/{seed}/{earlier}")
        actor = session.same_actor(workspace, account_id)
        drawn = draw_sample(workspace, count=count, seed=seed or None, actor=actor, token=token)
    session.set_value("sample", HERE, drawn.sample_id)


def _review(workspace: Workspace, actor: Actor, sample: Sample, people: Mapping[str, str]) -> None:
    about = {"through": "sample", "sample": sample.sample_id}
    log_look(
        workspace, "log:decisions", about, actor=actor, sitting=sitting(actor, f"sample {sample.sample_id}")
    )
    found = [reviews.find_decision(workspace.store, each) for each in sample.decisions]
    decisions = [each for each in found if each is not None]
    findings = samples.findings_of(workspace.store, sample.sample_id)
    st.html(sample_html(workspace.project, decisions, findings, people))
    seed = printable(sample.seed)  # once more: on a phone, the choice above is too narrow for it
    again = (
        f"✓ The seed {seed} draws this very list again"
        if same_draw(workspace, sample)
        else f"! The seed {seed} draws another list"
    )
    reviewed = {each.decision_id for each in findings}
    widgets.line(
        f"{again} from the {sample.of:,} decisions of that time. {len(reviewed)} of {len(decisions)} reviewed."
    )
    names = {each.decision_id: f"{each.case_id}, {each.decided_at:%Y-%m-%d %H:%M} UTC" for each in decisions}
    open_ones = [place for place, each in enumerate(names) if each not in reviewed]
    # The form is another one as soon as a finding is stored, and the same, with all that was typed, as long as none is.
    form = f"finding_{sample.sample_id}_{len([each for each in findings if each.by == actor.account_id])}"
    with st.form(form, border=True, clear_on_submit=False):
        which = st.selectbox(
            "Reviewed decision",
            list(names),
            index=open_ones[0] if open_ones else 0,
            key=f"which_{form}",
            persist_state="page",
            format_func=lambda each: printable(names.get(each or "", "")),
        )
        verdict = st.radio(
            "Found",
            list(VERDICTS),
            key=f"verdict_{form}",
            format_func=VERDICTS.__getitem__,
            horizontal=True,
            persist_state="page",
        )
        comment = st.text_area(
            "Why (needed for a remark or a serious finding)",
            key=f"why_{form}",
            max_chars=LONGEST_COMMENT,
            persist_state="page",
        )
        with st.container(horizontal=True, gap="small"):
            recorded = st.form_submit_button("Record the finding", icon=":material/task_alt:")
            case_of = {each.decision_id: each.case_id for each in decisions}
            st.form_submit_button(
                "Read its case", icon=":material/search:", on_click=_read_case, args=(form, case_of)
            )
        if recorded:
            act = (actor.account_id, sample.sample_id, which, verdict, comment or "", len(findings))
            session.guarded(_record, place="finding")(*act)
            st.rerun()
    widgets.refusal("finding")


def _read_case(form: str, case_of: Mapping[str, str]) -> None:
    """Go to the case of the decision that is chosen; what was typed about it is there again on the way back."""
    session.set_value("one_case", HERE, case_of.get(session.value("which", form), ""))
    session.set_value("part", HERE, "One case")


def _record(
    account_id: str, sample_id: str, decision_id: str, verdict: str, comment: str, before: int
) -> None:
    with session.workspace() as workspace:
        actor = session.same_actor(workspace, account_id)
        token = session.token("finding", HERE, f"{sample_id}/{decision_id}/{before}")
        record_finding(workspace, sample_id, decision_id, verdict, comment, actor=actor, token=token)
