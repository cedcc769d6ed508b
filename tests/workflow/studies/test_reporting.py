"""A study becomes a report and an archive: after unsealing only, for those who may see results, and noted."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.canonical import bytes_digest
from hitl_review.domain.study import State, Use
from hitl_review.errors import HitlError, NotPermitted, StudyError
from hitl_review.store import accounts, audit
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.studies.analysing import analysis_reads
from hitl_review.workflow.studies.reporting import deliver_report, export_study, record_from, report_of
from hitl_review.workflow.studies.simulating import make_demo_study
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.workspace import Workspace

LEAD = Actor("lead-1", "Lea Lead", Role.STUDY_LEAD)
AUDITOR = Actor("auditor-1", "Ada Auditor", Role.AUDITOR)
READER = Actor("reader-1", "Rita Reader", Role.READER)
STUDY = "demo-study"


@pytest.fixture
def unsealed(hospital: Workspace) -> Workspace:
    """A small demonstration study, unsealed, and the people who look at it."""
    make_demo_study(hospital, readers=2, n_cases=20)
    there = {each.account_id for each in accounts.everyone(hospital.store)}
    for actor in [each for each in (LEAD, AUDITOR) if each.account_id not in there]:
        add_account(hospital, actor.account_id, actor.name, actor.role)
    return hospital


def _told(workspace: Workspace) -> dict[str, Any]:
    """What the event tells that the newest checkpoint closes."""
    *_, told, closing = (event.told for event in audit.events(workspace.store))
    assert closing["action"] == "checkpoint.published"
    return told


def test_the_report_says_what_was_frozen_and_what_was_read(unsealed: Workspace) -> None:
    """Digests of protocol, schedule, model and truth; every read accounted for; simulated on top."""
    report, study = report_of(unsealed, STUDY, actor=LEAD), study_of(unsealed, STUDY)
    text = json.dumps(report.as_json(), allow_nan=False)
    assert study.seals is not None
    for digest in (study.digest, study.seals.schedule, study.seals.model, study.seals.truth):
        assert digest in text
    flow = report.section("design").data
    reads = analysis_reads(unsealed, STUDY)
    assert flow["made"] == len(reads) and report.simulated
    assert flow["left_out"] == sum(read.training or read.attention for read in reads)
    assert flow["repeats"] == sum(read.repeat for read in reads)
    assert flow["no_reveal"] == sum(read.no_reveal and read.use is Use.STUDY for read in reads)


def test_the_report_is_delivered_noted_and_the_study_reported(unsealed: Workspace, tmp_path: Path) -> None:
    """The file's digest stands in the log, the study is reported, everything verifies; made again, the same bytes."""
    out = tmp_path / "report.html"
    made = deliver_report(unsealed, STUDY, actor=LEAD, out=out)
    assert out.read_bytes() == made.content and bytes_digest(made.content) == made.digest
    assert study_of(unsealed, STUDY).state is State.REPORTED
    told = _told(unsealed)
    assert told["action"] == "study.reported" and made.digest in json.dumps(told["detail"])
    first = json.loads(deliver_report(unsealed, STUDY, actor=LEAD, form="json").content)
    again = json.loads(deliver_report(unsealed, STUDY, actor=LEAD, form="json").content)
    assert first["sections"][9:20] == again["sections"][9:20]
    assert verify(unsealed.folder).ok


def test_an_auditor_sees_the_report_without_taking_the_study_s_step(unsealed: Workspace) -> None:
    """Noted as an export; the study stays unsealed."""
    made = deliver_report(unsealed, STUDY, actor=AUDITOR)
    assert study_of(unsealed, STUDY).state is State.UNSEALED
    told = _told(unsealed)
    assert (told["action"], told["detail"]["digest"]) == ("study.exported", made.digest)


def test_the_archive_leaves_with_an_event_and_verifies(unsealed: Workspace, tmp_path: Path) -> None:
    """Five files; what it holds is the primary analysis' reads; the log knows its digest."""
    made = export_study(unsealed, STUDY, actor=LEAD, out=tmp_path / "reads.zip")
    with zipfile.ZipFile(io.BytesIO(made.content)) as packed:
        assert set(packed.namelist()) == {"README.md", "reads.csv", "imrmc.csv", "analyse.R", "report.json"}
        rows = packed.read("reads.csv").decode().splitlines()[1:]
    flow = report_of(unsealed, STUDY, actor=LEAD).section("design").data
    assert len(rows) == flow["primary"]
    assert _told(unsealed)["detail"] == {"what": "archive", "digest": made.digest}
    with pytest.raises(HitlError, match="already"):
        export_study(unsealed, STUDY, actor=LEAD, out=tmp_path / "reads.zip")


def test_a_reader_sees_no_result(unsealed: Workspace) -> None:
    """Neither report nor archive."""
    for act in (report_of, deliver_report, export_study):
        with pytest.raises(NotPermitted):
            act(unsealed, STUDY, actor=READER)


def test_there_is_no_report_before_the_seal_is_broken(ward: Workspace) -> None:
    """A running study is refused, in a sentence that says what to do, and nothing is noted."""
    before = audit.head(ward.store)
    for act in (report_of, deliver_report, export_study):
        with pytest.raises(StudyError, match="once it is unsealed"):
            act(ward, "ward-1", actor=LEAD)
    assert audit.head(ward.store) == before


def test_the_record_keeps_every_read_and_says_why_one_is_not_analysed(unsealed: Workspace) -> None:
    """Ratings as probabilities, places counted through the whole list, reasons for what is left out."""
    reads = analysis_reads(unsealed, STUDY)
    record = record_from(unsealed, reads)
    assert len(record) == len(reads) and record.are_probabilities and record.has_calls
    assert set(record.left_out) == {"", "training case", "attention check"}
    for reader in record.readers:
        places = record.place[record.reader == reader]
        assert set(places) == set(range(1, int(places.max()) + 1))
    wrong = record.wrong_model & (record.modality == "with the model")
    assert wrong.any() and (record.shown[wrong] != record.model[wrong]).all()
