"""An unsealed study becomes a report, and an archive for other programs.

What the report says of the protocol comes from the frozen document and its amendments, what it says of
the reads from the one analysis table: nothing is typed in twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hitl_review.domain.account import Actor, Permission, may, require
from hitl_review.domain.audit import stamp
from hitl_review.domain.canonical import bytes_digest
from hitl_review.domain.decision import Modality
from hitl_review.domain.protocol import Design
from hitl_review.domain.study import AnalysisRead, State, Study
from hitl_review.errors import StudyError
from hitl_review.model import combining
from hitl_review.store import audit, cases, checkpoints, models
from hitl_review.study.reporting.document import Report
from hitl_review.study.reporting.exports import archive
from hitl_review.study.reporting.page import html_of
from hitl_review.study.reporting.plan import Amended, Plan
from hitl_review.study.reporting.record import Record, record_of
from hitl_review.study.reporting.report import report_on
from hitl_review.workflow.exporting import put_in_place, waiting_beside
from hitl_review.workflow.studies.analysing import analysis_reads
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.studies.unsealing import mark_reported
from hitl_review.workflow.workspace import Workspace

WITH_MODEL: Final = "with the model"
ALONE: Final = "alone"
_NAMES: Final = {Modality.UNAIDED: ALONE, Modality.AIDED: WITH_MODEL}


@dataclass(frozen=True, slots=True)
class Delivered:
    """A report or archive as bytes, and the digest that the log knows it by."""

    content: bytes
    digest: str
    path: Path | None


def report_of(workspace: Workspace, study_id: str, *, actor: Actor) -> Report:
    """Return the report of an unsealed study; nothing is noted. For the page."""
    return report_on(*_material(workspace, study_id, actor))


def deliver_report(
    workspace: Workspace, study_id: str, *, actor: Actor, form: str = "html", out: Path | None = None
) -> Delivered:
    """Make the report as `html` or `json` and note that it was made, by its digest.

    Only who leads studies takes the study's last step with it; an auditor's report is noted as an export.
    """
    report = report_of(workspace, study_id, actor=actor)
    text = html_of(report) if form == "html" else json.dumps(report.as_json(), allow_nan=False) + "\n"
    return _leave(workspace, study_id, "report", text.encode("utf-8"), actor=actor, out=out)


def export_study(workspace: Workspace, study_id: str, *, actor: Actor, out: Path | None = None) -> Delivered:
    """Make the archive for MRMCaov and iMRMC, with a script; the log notes what left."""
    require(actor, Permission.EXPORT)
    record, plan = _material(workspace, study_id, actor)
    content = archive(record, plan, report_on(record, plan))
    return _leave(workspace, study_id, "archive", content, actor=actor, out=out)


def _leave(
    workspace: Workspace, study_id: str, what: str, content: bytes, *, actor: Actor, out: Path | None
) -> Delivered:
    """Note it first, then let the file appear whole: a file that the log does not know must not be."""
    digest = bytes_digest(content)
    if out is None:
        _note(workspace, study_id, what, digest, actor)
    else:
        with waiting_beside(out, content) as waiting:
            _note(workspace, study_id, what, digest, actor)
            put_in_place(waiting, out)
    return Delivered(content, digest, out)


def _note(workspace: Workspace, study_id: str, what: str, digest: str, actor: Actor) -> None:
    if what == "report" and may(actor.role, Permission.LEAD_STUDY):
        mark_reported(workspace, study_id, report=digest, actor=actor)
        return
    with workspace.store.transaction(actor):
        checkpoints.ask(workspace.store)
        detail = {"what": what, "digest": digest}
        audit.append(workspace.store, "study.exported", f"study:{study_id}", detail)


def _material(workspace: Workspace, study_id: str, actor: Actor) -> tuple[Record, Plan]:
    require(actor, Permission.SEE_STUDY_RESULTS)
    study = study_of(workspace, study_id)
    if not study.at_least(State.UNSEALED):
        raise StudyError(
            f"Study '{study_id}' is {study.state.value}: there is a report once it is unsealed. Lock and unseal it."
        )
    reads = analysis_reads(workspace, study_id, actor=actor)
    if not reads:
        raise StudyError(f"Study '{study_id}' has no reads, so there is nothing to report.")
    return record_from(workspace, reads), plan_from(workspace, study)


def record_from(workspace: Workspace, reads: Sequence[AnalysisRead]) -> Record:
    """Return the analysis table as a record: what is left out and what deviated named read by read."""
    failed = {read.reader for read in reads if read.attention_passed is False}
    places = _places(reads)
    joint = _joint(reads)
    rows = [
        {
            "reader": read.reader,
            "case": read.case_id,
            "modality": _NAMES[read.modality],
            "session": str(read.session),
            "rating": read.rating / 100,
            "call": read.call,
            "truth": read.truth,
            "model": read.model_probability,
            "model_call": read.model_call,
            "shown": read.shown_probability,
            "shown_call": read.shown_call,
            "seconds": read.seconds_active,
            "place": places[read.reader, read.item],
            "joint": joint.get(number),
            "no_reveal": read.no_reveal,
            "wrong_model": read.wrong_ai,
            "repeat": read.repeat,
            "left_out": _left_out(read),
            "deviation": _deviation(read, failed),
        }
        for number, read in enumerate(reads)
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return record_of(columns, groups=_groups(workspace, [read.case_id for read in reads]))


def _left_out(read: AnalysisRead) -> str:
    if read.training:
        return "training case"
    if read.attention:
        return "attention check"
    return "" if read.truth is not None else "no reference standard"


def _deviation(read: AnalysisRead, failed: set[str]) -> str:
    if read.washout_waived:
        return "washout waived by the lead"
    return "reader failed an attention check" if read.reader in failed else ""


def _places(reads: Sequence[AnalysisRead]) -> dict[tuple[str, int], int]:
    """Return the place of every item in its reader's whole list, from 1, over all sessions."""
    items = sorted({(read.reader, read.session, read.place, read.item) for read in reads})
    found: dict[tuple[str, int], int] = {}
    counts: dict[str, int] = {}
    for reader, _, _, item in items:
        counts[reader] = counts.get(reader, 0) + 1
        found[reader, item] = counts[reader]
    return found


def _joint(reads: Sequence[AnalysisRead]) -> dict[int, float]:
    """Return "reader and model together" for each own read, fitted on other cases; nothing where outcomes are few."""
    own = {
        number: read
        for number, read in enumerate(reads)
        if read.modality is Modality.UNAIDED and not read.repeat and not _left_out(read)
        if read.model_probability is not None
    }
    truth = [bool(read.truth) for read in own.values()]
    if combining.too_few(len(truth), sum(truth)):
        return {}
    said = [read.rating / 100 for read in own.values()]
    model = [read.model_probability or 0.0 for read in own.values()]
    together = combining.out_of_fold(
        said, model, np.array(truth, float), cases=[r.case_id for r in own.values()]
    )
    return dict(zip(own, together.tolist(), strict=True))


def _groups(workspace: Workspace, case_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return each case's level of the project's grouping features that are categories or flags."""
    features = {each.name: each for each in workspace.project.features}
    names = [name for name in workspace.project.gate.subgroups if name in features]
    values = {case: _values(workspace, case) for case in set(case_ids)}
    return {name: [_level(values[case].get(name)) for case in case_ids] for name in names}


def _values(workspace: Workspace, case_id: str) -> Mapping[str, object]:
    known = cases.known_ids(workspace.store)
    return cases.get(workspace.store, case_id).snapshot.values if case_id in known else {}


def _level(value: object) -> str:
    return "" if value is None else str(value).replace("_", " ")


def plan_from(workspace: Workspace, study: Study) -> Plan:
    """Return what the protocol says, in the words of a report."""
    protocol, target = study.protocol, workspace.project.target
    reported = study.when("reported") or study.when("unsealed")
    return Plan(
        title=protocol.title,
        first=WITH_MODEL,
        second=ALONE,
        study_id=study.study_id,
        design=protocol.design.words,
        endpoints=protocol.endpoints,
        hypothesis=protocol.hypothesis.value,
        margin=protocol.margin,
        alpha=protocol.alpha,
        threshold=protocol.threshold,
        covariance=protocol.covariance,
        readers_random=protocol.readers_random,
        cases_random=protocol.cases_random,
        seed=protocol.seed,
        size_basis=protocol.size_basis,
        simulated=study.simulated,
        sequential=protocol.design is Design.SEQUENTIAL,
        wrong_in_primary=protocol.wrong_ai_in_primary,
        positive=target.positive.words,
        negative=target.negative.words,
        amendments=tuple(_amended(each.at, each.by, each.changes, each.reason) for each in study.amendments),
        facts={
            "use": _use(workspace),
            "model": _model(workspace, study),
            "reference": _reference(workspace, study),
            "blinding": _blinding(study),
        },
        made="" if reported is None else stamp(reported),
    )


def _amended(at: object, by: str, changes: Mapping[str, tuple[object, object]], reason: str) -> Amended:
    words = "; ".join(f"{name}: {old} to {new}" for name, (old, new) in changes.items())
    return Amended(stamp(at), by, words, reason)  # type: ignore[arg-type]


_Facts = tuple[tuple[str, str], ...]


def _use(workspace: Workspace) -> _Facts:
    project = workspace.project
    return (
        ("Question", project.target.question),
        ("Intended use", project.intended_use),
        ("Not for", project.not_for),
        ("Judged at", f"{project.target.index_time}; horizon {project.target.horizon}"),
    )


def _model(workspace: Workspace, study: Study) -> _Facts:
    if study.seals is None:
        return ()
    version = models.version(workspace.store, study.seals.model)
    card = json.loads(version.card)
    held_out = card.get("hold_out") or {}
    auc = held_out.get("auc")
    rows = [
        ("Version", version.name),
        ("Digest", version.digest),
        (
            "Trained",
            f"{stamp(version.trained_at)}, {card.get('rows', '?')} cases; manifest {version.manifest}",
        ),
        ("Input", f"{len(workspace.project.features)} features of the project, missing ones as missing"),
        (
            "Output",
            "probability, verdict and reasons, as on the review page; fixed for the study when it was frozen",
        ),
        ("Outputs shown, by digest", study.seals.outputs),
    ]
    if auc:
        value = auc.get("value") if isinstance(auc, dict) else auc[0]
        rows.append(("AUC on its locked hold-out", f"{value:.3f} ({held_out.get('cases', '?')} cases)"))
    if study.protocol.wrong_ai_cases:
        rows.append(
            (
                "Outputs made wrong on purpose",
                f"{study.protocol.wrong_ai_cases} cases, disclosed after the lock",
            )
        )
    return tuple(rows)


def _reference(workspace: Workspace, study: Study) -> _Facts:
    target = workspace.project.target
    sealed = study.seals.truth if study.seals else ""
    return (
        ("Positive", target.positive.words),
        ("Negative", target.negative.words),
        (
            "Source",
            "outcomes given when the study was frozen; committed to, case by case, and sealed until the lock",
        ),
        ("Commitments, by digest", sealed),
    )


def _blinding(study: Study) -> _Facts:
    protocol = study.protocol
    hidden = (
        f"{protocol.no_reveal_share:.0%} of each reader's cases, unknown to the reader before the own answer"
    )
    rows = [
        ("Protocol in force", study.digest),
        ("Protocol as frozen", study.frozen_digest or ""),
        ("Schedule, laid down before the first read", study.seals.schedule if study.seals else ""),
        (
            "Readers saw",
            "neither truth nor how well they or others read; nothing of the model before its time",
        ),
    ]
    if protocol.design is Design.SEQUENTIAL:
        rows.append(("Read without a reveal", hidden))
    else:
        rows.append(("Washout between modalities", f"{protocol.washout_days} days, enforced"))
    rows += [(each.kind.capitalize(), f"{stamp(each.at)} by {each.by}") for each in study.steps]
    return tuple(rows)
