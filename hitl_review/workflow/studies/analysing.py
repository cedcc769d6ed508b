"""The table that a study is analysed from: every read, with truth once the study is unsealed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import moment
from hitl_review.domain.decision import Modality
from hitl_review.domain.prediction import Prediction
from hitl_review.domain.study import AnalysisRead, Output, ScheduledRead, State, Study, StudyRead, Use
from hitl_review.errors import StudyError
from hitl_review.store import predictions
from hitl_review.store.studies import lists, reads, sealed, steps
from hitl_review.workflow.workspace import Workspace


def analysis_reads(workspace: Workspace, study_id: str, *, actor: Actor = SYSTEM) -> list[AnalysisRead]:
    """Return every read of a locked study, in the order of the log, training and checks among them.

    Before the lock nobody sees reads, so StudyError is raised. `truth` is None until the study is
    unsealed. Choose the primary analysis' rows with `in_primary`.
    """
    require(actor, Permission.SEE_STUDY_RESULTS)
    study = steps.study(workspace.store, study_id)
    if not study.at_least(State.LOCKED):
        raise StudyError(
            f"The reads of study '{study_id}' can't be seen yet: it is {study.state.value}. Lock it first."
        )
    table = _Table(
        study,
        workspace.project.target.positive.code,
        {each.item: each for each in lists.schedule(workspace.store, study_id)},
        lists.outputs(workspace.store, study_id),
        _predictions(workspace, study_id),
        _truth(workspace, study),
        _waived(workspace, study_id),
    )
    return [table.row(read) for read in reads.of_study(workspace.store, study_id)]


def in_primary(study: Study, read: AnalysisRead) -> bool:
    """Tell whether a read belongs to the primary analysis, as the protocol lays down.

    Training, attention checks and repeats never do; cases whose output was made wrong on purpose only
    where the protocol says so; of a sequential study's hidden share there is no read with the model.
    """
    return read.use is Use.STUDY and (not read.wrong_ai or study.protocol.wrong_ai_in_primary)


@dataclass(frozen=True, slots=True)
class _Table:
    study: Study
    positive: str
    items: Mapping[int, ScheduledRead]
    outputs: Mapping[str, Output]
    said: Mapping[str, Prediction]
    truth: Mapping[str, bool]
    waived: Mapping[str, datetime]

    def row(self, read: StudyRead) -> AnalysisRead:
        """Return one read with its place in the study, the model's answer and, if unsealed, the truth."""
        item, output = self.items[read.item], self.outputs.get(read.case_id)
        said = self.said.get(read.case_id)
        shown = output if read.modality is Modality.AIDED else None
        waived = self.waived.get(read.reader)
        return AnalysisRead(
            reader=read.reader,
            case_id=read.case_id,
            modality=read.modality,
            call=read.label == self.positive,
            rating=read.rating,
            confidence=read.confidence,
            truth=self.truth.get(read.case_id),
            model_probability=None if said is None else said.probability,
            model_call=None if said is None else said.label == self.positive,
            shown_probability=None if shown is None else shown.probability,
            shown_call=None if shown is None else shown.label == self.positive,
            shown_at=read.shown_at,
            revealed_at=read.revealed_at,
            committed_at=read.committed_at,
            seconds_active=read.seconds_active,
            session=item.session,
            place=item.place,
            order=item.order,
            item=item.item,
            use=item.use,
            no_reveal=item.no_reveal,
            wrong_ai=output is not None and output.replaced,
            attention_passed=_passed(item, read) if item.use is Use.ATTENTION else None,
            washout_waived=waived is not None and waived <= read.committed_at,
            simulated=self.study.simulated,
        )


def _passed(item: ScheduledRead, read: StudyRead) -> bool:
    label, _, rating = item.expected.partition("/")
    return read.label == label and read.rating == float(rating)


def _predictions(workspace: Workspace, study_id: str) -> dict[str, Prediction]:
    fixed = lists.outputs(workspace.store, study_id)
    return {case: predictions.get(workspace.store, each.prediction_id) for case, each in fixed.items()}


def _truth(workspace: Workspace, study: Study) -> dict[str, bool]:
    if not study.at_least(State.UNSEALED):
        return {}
    return {each.case_id: each.truth for each in sealed.all_sealed(workspace.store, study.study_id)}


def _waived(workspace: Workspace, study_id: str) -> dict[str, datetime]:
    """Return from when on each reader's washout was waived first."""
    found: dict[str, datetime] = {}
    for row in steps.waivers(workspace.store, study_id):
        found.setdefault(row["reader"], moment(row["at"]))
    return found
