"""The report of an unsealed study, for those who may see results: read here, or taken along as files."""

from __future__ import annotations

from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor, Permission, require
from hitl_review.domain.study import State, Study
from hitl_review.errors import HitlError
from hitl_review.store.studies import steps
from hitl_review.study.reporting.page import fragment_of
from hitl_review.ui import session, widgets
from hitl_review.workflow.studies.reporting import deliver_report, export_study, report_of
from hitl_review.workflow.workspace import Workspace

HERE: Final = "study-report"
NONE_YET: Final = "No study is unsealed yet. A report can be made once a study is locked and unsealed."
FORMS: Final = {
    "html": "The report as one page, to print or to keep",
    "json": "The report as JSON, for a program",
    "zip": "The reads for MRMCaov and iMRMC, with an R script",
}


def page(workspace: Workspace, actor: Actor) -> None:
    """Draw the report of the chosen study, and what can be taken along."""
    require(actor, Permission.SEE_STUDY_RESULTS)
    ready = [each for each in steps.studies(workspace.store) if each.at_least(State.UNSEALED)]
    if not ready:
        st.title("Study report", anchor=False)
        st.text(NONE_YET)
        return
    study = ready[-1]
    if len(ready) > 1:
        names = [each.study_id for each in ready]
        chosen = st.selectbox("Study", names, index=len(names) - 1, key=session.field("chosen", HERE))
        study = next(each for each in ready if each.study_id == chosen)
    with st.expander("Take it along"):
        _files(workspace, study, actor)
    try:
        st.html(f'<div class="hr-paper hr-report">{_drawn(workspace, study, actor)}</div>')
    except HitlError as refusal:
        st.error(widgets.plain(str(refusal)))


def _drawn(workspace: Workspace, study: Study, actor: Actor) -> str:
    """Return the report as drawn before in this session, or draw it: what is unsealed never changes."""
    key = f"{study.study_id}/{study.digest}"
    kept: tuple[str, str] = session.value("drawn", HERE, ("", ""))
    if kept[0] != key:
        kept = key, fragment_of(report_of(workspace, study.study_id, actor=actor))
        session.set_value("drawn", HERE, kept)
    return kept[1]


def _files(workspace: Workspace, study: Study, actor: Actor) -> None:
    form = st.radio("As", list(FORMS), format_func=FORMS.__getitem__, key=session.field("form", HERE))
    if st.button("Prepare the file", icon=":material/inventory_2:"):
        try:
            session.set_value("prepared", HERE, _prepared(workspace, study, form, actor))
        except HitlError as refusal:
            st.error(widgets.plain(str(refusal)))
    name, content = session.value("prepared", HERE, ("", b""))
    if name:
        st.download_button(f"Download {name}", content, file_name=name, on_click="ignore")
    widgets.line("That it was made is an event, which names the file by its digest.")


def _prepared(workspace: Workspace, study: Study, form: str, actor: Actor) -> tuple[str, bytes]:
    if form == "zip":
        return f"{study.study_id}.zip", export_study(workspace, study.study_id, actor=actor).content
    made = deliver_report(workspace, study.study_id, actor=actor, form=form)
    return f"{study.study_id}.{form}", made.content


with session.workspace() as open_one:
    person = session.actor(open_one)
    if person is not None:
        with st.container(horizontal_alignment="center"), st.container(key="paper", width=900, gap="small"):
            page(open_one, person)
