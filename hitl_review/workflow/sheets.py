"""What can leave a workspace, as sheets: the decisions, the labels, the ledger, the cases, the promotions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from hitl_review.domain.audit import stamp
from hitl_review.domain.case import Case, Purpose
from hitl_review.domain.decision import Decision
from hitl_review.domain.label import LabelSource, TrainingLabel
from hitl_review.domain.prediction import Prediction
from hitl_review.domain.signature import Signature
from hitl_review.store import cases, models, predictions, reviews
from hitl_review.store.studies import lists
from hitl_review.workflow.formats import Cell, Kind, Sheet
from hitl_review.workflow.labelling import collect_labels, ledger
from hitl_review.workflow.workspace import Workspace

_DECISION_COLUMNS: Final[dict[str, Kind]] = {
    "decision_id": "text",
    "case_id": "text",
    "reader": "text",
    "signed_name": "text",
    "signed_meaning": "text",
    "signed_at": "text",
    "signed_method": "text",
    "signed_proof": "text",
    "answer": "text",
    "label": "text",
    "reason": "text",
    "comment": "text",
    "confidence": "text",
    "own_probability": "number",
    "prediction_id": "text",
    "model": "text",
    "probability": "number",
    "threshold": "number",
    "label_shown": "text",
    "shown_digest": "text",
    "shown_at": "text",
    "decided_at": "text",
    "seconds_active": "number",
    "supersedes": "text",
    "in_force": "flag",
}
_PROMOTION_COLUMNS: Final[dict[str, Kind]] = dict.fromkeys(
    (
        *("event_id", "move", "model", "at", "by"),
        *("signed_name", "signed_meaning", "signed_at", "signed_method", "signed_proof"),
    ),
    "text",
)
_LEDGER_COLUMNS: Final[dict[str, Kind]] = {
    "label_id": "text",
    "case_id": "text",
    "source": "text",
    "probability": "number",
    "mode": "text",
    "at": "text",
    "reader": "text",
    "decision_id": "text",
    "reason": "text",
    "training_effect": "text",
    "model": "text",
    "shown_probability": "number",
    "sampling_probability": "number",
    "weight": "number",
    "disputed": "flag",
    "supersedes": "text",
}
_LABEL_COLUMNS: Final[dict[str, Kind]] = {
    "case_id": "text",
    "source": "text",
    "label": "text",
    "own_label": "text",
    "own_probability": "number",
    "reader": "text",
    "decision_id": "text",
    "reason": "text",
    "training_effect": "text",
}


def decisions_sheet(workspace: Workspace) -> Sheet:
    """Return every decision, superseded ones too, each with the name, meaning and time it was signed with.

    Nothing recorded earlier is hidden by a later change of mind: `supersedes` names the decision that
    was replaced, and `in_force` tells which one stands (21 CFR 11.10(e), 11.50).
    """
    every = reviews.all_decisions(workspace.store)
    replaced = {decision.supersedes for decision in every}
    shown: dict[str, Prediction] = {}
    rows = []
    for decision in every:
        name = decision.prediction_id
        if name not in shown:
            shown[name] = predictions.get(workspace.store, name)
        rows.append(_decision_row(decision, shown[name], decision.decision_id not in replaced))
    return Sheet(_DECISION_COLUMNS, rows)


def _decision_row(decision: Decision, shown: Prediction, in_force: bool) -> tuple[Cell, ...]:
    return (
        decision.decision_id,
        decision.case_id,
        decision.reader,
        *_signed(decision.signature),
        decision.answer.value,
        decision.label,
        decision.reason,
        decision.comment,
        None if decision.confidence is None else decision.confidence.value,
        decision.own_probability,
        decision.prediction_id,
        shown.model,
        shown.probability,
        shown.threshold,
        shown.label,
        decision.shown_digest,
        stamp(decision.shown_at),
        stamp(decision.decided_at),
        decision.seconds_active,
        decision.supersedes,
        in_force,
    )


def _signed(signature: Signature | None) -> tuple[Cell, ...]:
    if signature is None:  # the first model of all, which the product itself put in use
        return (None,) * 5
    proved_at = None if signature.proved_at is None else stamp(signature.proved_at)
    return (signature.name, signature.meaning, stamp(signature.at), signature.method.value, proved_at)


def promotions_sheet(workspace: Workspace) -> Sheet:
    """Return every change of the model in use, each with the name, meaning and time it was signed with."""
    return Sheet(
        _PROMOTION_COLUMNS,
        [
            (each.event_id, each.move.value, each.model, stamp(each.at), each.by, *_signed(each.signature))
            for each in models.moves(workspace.store)
        ],
    )


def labels_sheet(workspace: Workspace) -> Sheet:
    """Return what is known of each case's label, and from where; the sources stand side by side, unmixed.

    `source` is `outcome` for the reference standard in force, `accepted` or `overridden` for a decision
    in force, and `read` for an own estimate whose case was not decided (not yet, or deferred).
    `own_label` and `own_probability` were given before the model was seen. This is a query over
    outcomes, reads and decisions as they stand; `ledger_sheet` has what training sets are made of.
    The hold-out's outcomes are left out: a case that measures models is no label to fit them to. So are those
    of a study's cases until it is unsealed: whoever leads it may export.
    """
    return Sheet(_LABEL_COLUMNS, [*_outcome_labels(workspace), *_reader_labels(workspace)])


def ledger_sheet(workspace: Workspace) -> Sheet:
    """Return the label ledger in order, superseded labels too; what is not collected yet is collected first.

    `probability` is the chance of the positive answer that was stated, 0 or 1 for an outcome or a bare
    call; `shown_probability` is what `model` had said, where the label was given after seeing it. Outcomes of a
    study's cases are left out until it is unsealed.
    """
    collect_labels(workspace)
    hidden = lists.not_unsealed(workspace.store)
    return Sheet(
        _LEDGER_COLUMNS,
        [
            _ledger_row(label)
            for label in ledger(workspace)
            if label.source is not LabelSource.OUTCOME or label.case_id not in hidden
        ],
    )


def _ledger_row(label: TrainingLabel) -> tuple[Cell, ...]:
    return (
        *(label.label_id, label.case_id, label.source.value, label.probability, label.mode.value),
        *(stamp(label.at), label.reader, label.decision_id, label.reason, label.effect.value),
        *(label.model, label.shown_probability, label.sampling_probability, label.weight),
        *(label.disputed, label.supersedes),
    )


def _outcome_labels(workspace: Workspace) -> Iterator[tuple[Cell, ...]]:
    target, hidden = workspace.project.target, lists.not_unsealed(workspace.store)
    for purpose in (Purpose.TRAINING, Purpose.QUEUE):
        for case_id, value in cases.outcomes(workspace.store, purpose).items():
            if case_id in hidden:
                continue
            code = target.positive.code if value else target.negative.code
            yield (case_id, "outcome", code, None, None, None, None, None, None)


def _reader_labels(workspace: Workspace) -> Iterator[tuple[Cell, ...]]:
    effects = {reason.code: reason.training_effect for reason in workspace.project.reasons}
    reads = {(read.case_id, read.reader): read for read in reviews.all_reads(workspace.store)}
    for decision in _decisions_in_force(workspace):
        if decision.label is None:  # deferred: the own estimate, if any, stands below as a read
            continue
        read = reads.pop((decision.case_id, decision.reader), None)
        yield (
            decision.case_id,
            decision.answer.value,
            decision.label,
            None if read is None else read.label,
            decision.own_probability,
            decision.reader,
            decision.decision_id,
            decision.reason,
            None if decision.reason is None else effects.get(decision.reason),
        )
    for read in reads.values():
        yield (read.case_id, "read", read.label, read.label, read.probability, read.reader, None, None, None)


def _decisions_in_force(workspace: Workspace) -> list[Decision]:
    every = reviews.all_decisions(workspace.store)
    replaced = {decision.supersedes for decision in every}
    return [decision for decision in every if decision.decision_id not in replaced]


def cases_sheet(workspace: Workspace) -> Sheet:
    """Return every case with its values, in order of arrival, under the project's own column names."""
    project = workspace.project
    kinds: dict[str, Kind] = {
        feature.name: "text" if feature.kind == "category" else "number" for feature in project.features
    }
    about = [_free(name, kinds) for name in ("purpose", "received_at", "snapshot")]
    columns: dict[str, Kind] = {project.id_column: "text", **dict.fromkeys(about, "text"), **kinds}
    every = [case for purpose in Purpose for case in cases.of_purpose(workspace.store, purpose)]
    every.sort(key=lambda case: case.position)
    return Sheet(columns, [_case_row(case, tuple(kinds)) for case in every])


def _free(name: str, taken: dict[str, Kind]) -> str:
    """Return a column name that no feature has: a project may call a feature "purpose"."""
    while name in taken:
        name = f"case_{name}"
    return name


def _case_row(case: Case, features: tuple[str, ...]) -> tuple[Cell, ...]:
    values = case.snapshot.values
    about = (case.case_id, case.purpose.value, stamp(case.received_at), case.snapshot.digest)
    return (*about, *(values.get(name) for name in features))


SHEETS: Final[dict[str, Callable[[Workspace], Sheet]]] = {
    "decisions": decisions_sheet,
    "labels": labels_sheet,
    "ledger": ledger_sheet,
    "cases": cases_sheet,
    "promotions": promotions_sheet,
}
