"""Is the log whole? Verification with progress, against uploaded checkpoints; and what to take along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import streamlit as st

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.domain.checkpoint import read_checkpoint, read_note
from hitl_review.domain.verification import TRUNCATION
from hitl_review.errors import AuditError, HitlError
from hitl_review.store import audit
from hitl_review.ui import session, verify_process, widgets
from hitl_review.ui.auditing_events import HERE
from hitl_review.workflow.auditing import printable
from hitl_review.workflow.checkpointing import held_in_text, publish_checkpoint
from hitl_review.workflow.log_exports import export_log
from hitl_review.workflow.workspace import Workspace

PROBLEMS_SHOWN: Final = 20
MOST_FILES: Final = 10
MOST_BYTES: Final = 5_000_000
"""Of one file of checkpoints: some fifteen thousand notes."""
MOST_EVENTS: Final = 200_000
"""A longer log is exported by the command, which needs no memory for it."""
_FORMS: Final = {
    "bundle": ("A bundle that verifies without this program", "log.zip"),
    "fhir": ("FHIR R4 AuditEvents, one a line, for another system", "log.ndjson"),
    "csv": ("A sheet (CSV), with the same events byte by byte as JSON lines", "log.csv"),
}


def part(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    """Draw the verification beside what is taken along: a checkpoint, the log."""
    left, right = st.columns([1, 1], gap="large")
    with left, st.container(border=True, key="verification", gap="small"):
        _verification(workspace)
    with right:
        if may(actor.role, Permission.PUBLISH_CHECKPOINT):
            with st.container(border=True, key="checkpoint", gap="small"):
                _checkpoint(workspace, actor)
        with st.container(border=True, key="exports", gap="small"):
            _exports(workspace, actor)


def _verification(workspace: Workspace) -> None:
    st.subheader("Is the log whole?", anchor=False)
    widgets.line("Checks every hash, every link, every record that an event tells of, and every checkpoint.")
    files = st.file_uploader(
        "Checkpoints you kept",
        type=["txt", "note"],
        accept_multiple_files=True,
        key=session.field("kept", HERE),
        max_upload_size=5,
    )
    if st.button("Verify now", icon=":material/verified_user:", width="stretch", disabled=_running()):
        session.set_value("check", HERE, None)  # an earlier verdict is no answer to what is asked now
        try:
            session.set_value("check", HERE, verify_process.begin(workspace.folder, notes_of(files or [])))
        except HitlError as refusal:
            st.error(widgets.plain(str(refusal)))
    _state()


def notes_of(files: Sequence[Any]) -> dict[str, str]:
    """Return uploaded checkpoints as texts by name; AuditError where one is no file of checkpoints."""
    if len(files) > MOST_FILES:
        raise AuditError(f"Up to {MOST_FILES} files are taken at a time; {len(files)} were given.")
    notes: dict[str, str] = {}
    for place, file in enumerate(files, start=1):
        name = f"{place}: {printable(Path(file.name).name)[:80]}"
        content = file.getvalue()
        if len(content) > MOST_BYTES:
            raise AuditError(
                f"The file {name} is too large for checkpoints. Give the file as it was published."
            )
        try:
            notes[name] = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise AuditError(
                f"The file {name} holds no checkpoint. Give the file as it was published."
            ) from error
        held_in_text(notes[name], name)
    return notes


def _running() -> bool:
    check: verify_process.Check | None = session.value("check", HERE)
    return check is not None and not check.ended.is_set()


@st.fragment(run_every="1s")
def _progress() -> None:
    check: verify_process.Check = session.value("check", HERE)
    if check.ended.is_set():
        session.by_itself()
        st.rerun()
    st.progress(check.share, text=f"Verifying: {check.share:.0%}")


def _state() -> None:
    check: verify_process.Check | None = session.value("check", HERE)
    if check is None:
        widgets.line(f"Without a checkpoint that you keep elsewhere, {TRUNCATION}.")
    elif not check.ended.is_set():
        _progress()
    elif check.refused:
        st.error(widgets.plain(check.refused))
    else:
        st.html(verdict_html(check.found, begun=check.begun))


def verdict_html(found: Mapping[str, Any], *, begun: datetime) -> str:
    """Return what a verification found, as its JSON tells it, and when it began: it says nothing of what came since."""
    problems = found["problems"]
    bad = "1 problem was found" if len(problems) == 1 else f"{len(problems):,} problems were found"
    verdict = "✓ Nothing wrong was found" if found["ok"] else f"! {bad}"
    first = found["first_bad_seq"]
    where = "" if first is None else f" The first event concerned is number {first:,}."
    listed = "".join(f"<li>{_safe(_problem_words(each))}</li>" for each in problems[:PROBLEMS_SHOWN])
    more = f"<p>The first {PROBLEMS_SHOWN} are listed.</p>" if len(problems) > PROBLEMS_SHOWN else ""
    held = "".join(f"<p>Held against: {_safe(each)}.</p>" for each in found["checkpoints"])
    warnings = "".join(f"<p>Note: {_safe(warning)}.</p>" for warning in found["warnings"])
    return (
        f'<div class="hr-paper hr-verified hr-{"fine" if found["ok"] else "wrong"}" role="status"><p><b>{verdict}</b> '
        f"in {found['events']:,} events, {begun:%Y-%m-%d %H:%M:%S} UTC.{where}</p>"
        f"<ul>{listed}</ul>{more}{held}{warnings}"
        f'<p>Head of the log: {_safe(found["head"])}</p></div>'
    )


def _problem_words(problem: Mapping[str, Any]) -> str:
    return problem["message"] if problem["seq"] is None else f"event {problem['seq']}: {problem['message']}"


def _safe(text: object) -> str:
    return escape(printable(str(text)))


def _checkpoint(workspace: Workspace, actor: Actor) -> None:
    st.subheader("Take a checkpoint along", anchor=False)
    widgets.line(
        "A short signed text that says how many events the log held. Keep it where the people you audit can't change "
        "it, and upload it here at your next visit."
    )
    if st.button("Make a checkpoint", icon=":material/flag:", width="stretch"):
        try:
            session.set_value("note", HERE, publish_checkpoint(workspace, actor=actor))
        except HitlError as refusal:
            st.error(widgets.plain(str(refusal)))
    note: str = session.value("note", HERE, "")
    if note:
        size = read_checkpoint(read_note(note).body).size
        name = f"checkpoint-{size}.txt"
        st.download_button(f"Download {name}", note, file_name=name, on_click="ignore", width="stretch")
        widgets.line(f"✓ Made over {size:,} events.")


def _exports(workspace: Workspace, actor: Actor) -> None:
    st.subheader("Take the log along", anchor=False)
    size = audit.head(workspace.store).size
    if size > MOST_EVENTS:
        st.text(f"The log holds {size:,} events. Use the command: hitl-review audit export.")
        return
    form = st.radio(
        "As", list(_FORMS), format_func=lambda each: _FORMS[each][0], key=session.field("form", HERE)
    )
    if st.button("Prepare the export", icon=":material/inventory_2:", width="stretch"):
        try:
            session.set_value("prepared", HERE, prepared(workspace, form, actor))
        except HitlError as refusal:
            st.error(widgets.plain(str(refusal)))
    files: dict[str, bytes] = session.value("prepared", HERE, {})
    for name, content in files.items():
        st.download_button(f"Download {name}", content, file_name=name, on_click="ignore", width="stretch")
    widgets.line(
        "That you exported is an event, and is in the export. Comments leave with it: keep it as you keep records."
    )


def prepared(workspace: Workspace, form: str, actor: Actor) -> dict[str, bytes]:
    """Return the files of an export by name; nothing of it stays on the disk."""
    with TemporaryDirectory(dir=workspace.folder, prefix=".export-") as place:
        done = export_log(workspace, Path(place) / _FORMS[form][1], form=form, actor=actor)
        return {path.name: path.read_bytes() for path in done.paths}
