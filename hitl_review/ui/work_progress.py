"""Long work on a page: ask for it, and see how far it is. The worker does it; a page only looks, once a second."""

from __future__ import annotations

from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.store import jobs
from hitl_review.store.jobs import Job, JobKind, JobState
from hitl_review.ui import session, widgets
from hitl_review.workflow.jobs import ask

EVERY_SECONDS: Final = 1.0
WORDS: Final = {
    JobKind.RETRAIN: "Training a challenger",
    JobKind.RESCORE: "Judging open cases anew",
    JobKind.MONITOR: "Looking with the monitor",
}


def ask_button(words: str, kind: JobKind, actor: Actor) -> None:
    """Offer to ask for long work; asking twice while it is open is asking once."""
    st.button(
        words,
        key=f"ask_{kind.value}",
        on_click=session.guarded(_ask),
        args=(kind.value, actor.account_id),
        width="content",
    )


def _ask(kind: str, account_id: str) -> None:
    with session.workspace() as workspace:
        ask(workspace, JobKind(kind), actor=session.same_actor(workspace, account_id))


def panel(*kinds: JobKind, ended: bool = True) -> None:
    """Show the newest work of some kinds; while it is open, the panel refreshes by itself and ends in a rerun.

    Without `ended`, work that went well is not told of: the page shows what came of it.
    """
    with session.workspace() as workspace:
        newest = [job for kind in kinds for job in jobs.newest(workspace.store, limit=1, kind=kind)]
    open_now = [job for job in newest if job.is_open]
    if open_now:
        _watched([job.job_id for job in open_now])
    for job in newest:
        if not job.is_open and (ended or job.state is JobState.FAILED):
            _ended(job)


@st.fragment(run_every=EVERY_SECONDS)
def _watched(job_ids: list[str]) -> None:
    with session.workspace() as workspace:
        found = [job for job_id in job_ids if (job := jobs.get(workspace.store, job_id)) is not None]
    for job in found:
        st.progress(min(max(job.share, 0.0), 1.0), text=f"{WORDS[job.kind]}: {job.words}")
    if any(not job.is_open for job in found):
        session.by_itself()
        st.rerun()


def _ended(job: Job) -> None:
    when = "" if job.ended_at is None else f" ({job.ended_at:%Y-%m-%d %H:%M} UTC)"
    if job.state is JobState.FAILED:
        st.warning(widgets.plain(f"{WORDS[job.kind]} failed{when}: {job.words}"), icon=":material/error:")
    else:
        widgets.line(f"{WORDS[job.kind]}, last time{when}: {job.words}")
