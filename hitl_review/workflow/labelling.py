"""Decisions, own estimates and outcomes become training labels: each once, none left out.

Collecting asks which of them have no label yet, so it can run at any time and any number of times: a
worker does it every minute, and every training begins with it. Nothing recorded is rewritten: a later
outcome is a further label, which takes precedence when labels are resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import lines_digest, moment
from hitl_review.domain.decision import Answer, check_probability
from hitl_review.domain.label import Effect, LabelMode, LabelSource, LabelWeights, TrainingLabel
from hitl_review.errors import Conflict, NotPermitted
from hitl_review.model.routing import in_random_part
from hitl_review.project import Project
from hitl_review.store import audit, labels, routings
from hitl_review.store.connection import Store
from hitl_review.store.labels import Collected, Dispute
from hitl_review.workflow.workspace import Workspace

BATCH: Final = 5_000
_KINDS: Final = ("read", "decision", "outcome", "resolution")
_SOURCES: Final = {
    Answer.ACCEPTED.value: LabelSource.ACCEPTANCE,
    Answer.OVERRIDDEN.value: LabelSource.OVERRIDE,
    Answer.DEFERRED.value: LabelSource.DEFERRAL,
}
Sampled = Callable[[str, str], float | None]
"""Gives the chance with which a case came to be read at random, by case and moment; None: it was chosen."""


def collect_labels(workspace: Workspace, *, actor: Actor = SYSTEM) -> int:
    """Make a label of everything that has none yet, and return how many were made.

    Each batch is a transaction with one event, whose detail holds the count and the digest of the
    labels. Readers who answered a case differently are noted as a dispute in the same transaction.
    """
    require(actor, Permission.TRAIN)
    done = 0
    while made := _collect_batch(workspace, actor):
        done += made
    return done


def _collect_batch(workspace: Workspace, actor: Actor) -> int:
    if labels.uncollected(workspace.store) == 0:
        return 0
    with workspace.store.transaction(actor):
        return collect_in(workspace)


def collect_in(workspace: Workspace) -> int:
    """Collect one batch inside the open transaction, and return how many labels it holds."""
    store = workspace.store
    sampled = _sampler(workspace)
    made: list[Collected] = []
    for kind in _KINDS:
        rows = labels.uncollected_rows(store, kind, limit=BATCH)
        made += [_MAKERS[kind](workspace.project, dict(row), sampled) for row in rows]
    if made:
        event_id = audit.new_token()
        detail = {"count": len(made), "digest": lines_digest([each.line for each in made])}
        audit.append(store, "label.collected", f"batch:{event_id}", detail, event_id=event_id)
        labels.add(store, made, event_id=event_id)
        _note_disputes(store, made)
    return len(made)


def _sampler(workspace: Workspace) -> Sampled:
    """Return the known chance of a case by the routing that was in force when its answer was given."""
    salt = salt_of(workspace.project)
    history = routings.history(workspace.store)
    audits = routings.audit_shares(workspace.store)

    def chance(case_id: str, at: str) -> float | None:
        if case_id in audits:
            return audits[case_id]
        share = routings.in_force_at(history, moment(at)).random_share
        return share if in_random_part(case_id, salt=salt, share=share) else None

    return chance


def salt_of(project: Project) -> str:
    """Return what the random slice is drawn with: the project's seed."""
    return str(project.training.seed)


def _of_read(project: Project, row: Mapping[str, Any], sampled: Sampled) -> Collected:
    origin = f"read:{row['read_id']}"
    label = TrainingLabel(
        labels.label_id(origin),
        row["case_id"],
        LabelSource.BLIND,
        row["probability"],
        LabelMode.BLIND,
        moment(row["committed_at"]),
        reader=row["reader"],
        sampling_probability=sampled(row["case_id"], row["committed_at"]),
    )
    return Collected(label, origin)


def _of_decision(project: Project, row: Mapping[str, Any], sampled: Sampled) -> Collected:
    origin = f"decision:{row['decision_id']}"
    earlier = row["supersedes"]
    label = TrainingLabel(
        labels.label_id(origin),
        row["case_id"],
        _SOURCES[row["answer"]],
        _called(project, row),
        LabelMode.SEEN,
        moment(row["decided_at"]),
        effect=_effect(project, row["answer"], row["reason"]),
        reader=row["reader"],
        reason=row["reason"],
        model=row["model"],
        shown_probability=row["shown_probability"],
        sampling_probability=sampled(row["case_id"], row["decided_at"]),
        supersedes=None if earlier is None else labels.label_id(f"decision:{earlier}"),
        decision_id=row["decision_id"],
    )
    return Collected(label, origin)


def _called(project: Project, row: Mapping[str, Any]) -> float:
    """Return a call as a probability; where none was made, what was known without one, which trains nothing."""
    if row["label"] is None:
        own = row["own_probability"]
        return float(row["shown_probability"] if own is None else own)
    return float(row["label"] == project.target.positive.code)


def _effect(project: Project, answer: str, reason: str | None) -> Effect:
    """Return what a decision means for training, by its coded reason as the project has it now."""
    if answer == Answer.ACCEPTED.value:
        return Effect.TRAIN
    found = next(
        (Effect(each.training_effect) for each in project.reasons if each.code == reason), Effect.NONE
    )
    return Effect.NONE if answer == Answer.DEFERRED.value and found is Effect.TRAIN else found


def _of_outcome(project: Project, row: Mapping[str, Any], sampled: Sampled) -> Collected:
    origin = f"outcome:{row['outcome_id']}"
    label = TrainingLabel(
        labels.label_id(origin),
        row["case_id"],
        LabelSource.OUTCOME,
        float(row["value"]),
        LabelMode.OUTCOME,
        moment(row["recorded_at"]),
        reason=None,
        sampling_probability=None,
    )
    return Collected(label, origin)


def _of_resolution(project: Project, row: Mapping[str, Any], sampled: Sampled) -> Collected:
    origin = f"resolution:{row['event_id']}"
    label = TrainingLabel(
        labels.label_id(origin),
        row["case_id"],
        LabelSource.CONSENSUS,
        row["probability"],
        LabelMode.SECOND_READ,
        moment(row["at"]),
        reader=row["by"],
    )
    return Collected(label, origin)


_MAKERS: Final[Mapping[str, Callable[[Project, Mapping[str, Any], Sampled], Collected]]] = {
    "read": _of_read,
    "decision": _of_decision,
    "outcome": _of_outcome,
    "resolution": _of_resolution,
}


def _note_disputes(store: Store, made: Iterable[Collected]) -> None:
    """Note each case whose readers answer differently, once; who resolves it is another step."""
    touched = list(dict.fromkeys(each.label.case_id for each in made if each.label.reader is not None))
    known = labels.disputed_cases(store)
    calls = labels.calls(store, touched) if touched else {}
    for case_id in touched:
        if case_id in known or len(set(calls.get(case_id, {}).values())) < 2:
            continue
        sides = [each for each in labels.of_case(store, case_id) if each.reader is not None]
        readers = {each.reader for each in sides}  # of others, what they said comes with a later batch
        if len({call for reader, call in calls[case_id].items() if reader in readers}) < 2:
            continue
        ids = [each.label_id for each in sides]
        event = audit.append(store, "label.disputed", f"case:{case_id}", {"labels": ids})
        labels.add_dispute(store, case_id, ids, event_id=event.event_id)


def resolve_dispute(
    workspace: Workspace,
    dispute_id: str,
    *,
    label: str,
    probability: float | None = None,
    comment: str = "",
    actor: Actor,
) -> Dispute:
    """Store an adjudicator's answer to a dispute: a consensus label, which is nobody's own read.

    Without a probability the label counts as certain. Raises NotPermitted to somebody who is one of
    the disagreeing readers, and Conflict when the dispute is resolved already.
    """
    require(actor, Permission.ADJUDICATE)
    workspace.project.label_words(label)
    store = workspace.store
    certain = float(label == workspace.project.target.positive.code)
    stated = certain if probability is None else check_probability(probability)
    with store.transaction(actor):
        found = labels.dispute(store, dispute_id)
        _check_adjudicator(store, found, actor)
        detail = {
            "dispute": dispute_id,
            "label": label,
            "probability": stated,
            "comment": comment.strip(),
        }
        event = audit.append(store, "label.resolved", f"case:{found.case_id}", detail)
        labels.add_resolution(
            store,
            found,
            label=label,
            probability=stated,
            comment=comment.strip(),
            event_id=event.event_id,
        )
        collect_in(workspace)
    return found


def _check_adjudicator(store: Store, found: Dispute, actor: Actor) -> None:
    if labels.is_resolved(store, found.dispute_id):
        raise Conflict("This dispute is resolved already. Its answer stays as it is.")
    if actor.account_id in labels.calls(store, [found.case_id]).get(found.case_id, {}):
        raise NotPermitted(
            "You are one of the readers who disagree on this case. Another adjudicator must resolve it."
        )


def label_weights(project: Project) -> LabelWeights:
    """Return what each source counts beside a recorded outcome, as the project says."""
    return LabelWeights(seen_acceptance=project.retraining.seen_accept_weight)


def ledger(workspace: Workspace) -> Sequence[TrainingLabel]:
    """Return every label of the ledger, with those of cases in dispute marked."""
    return labels.everything(workspace.store)
