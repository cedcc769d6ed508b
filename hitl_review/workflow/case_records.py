"""What was recorded of one case beside its decisions, and which of it a later record replaced.

Nothing that is recorded is edited, so each value that was replaced stands here beside the one that replaced it:
outcomes that were corrected, views of models that are not in use any more, disputes and their answers, findings of
auditors, training labels. An own estimate is given once and never replaced.

    What became of a case that a study has sealed is told to nobody before the study is unsealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from hitl_review.domain.audit import moment
from hitl_review.domain.decision import Decision
from hitl_review.domain.label import Effect, LabelSource, TrainingLabel, standing
from hitl_review.project import Project
from hitl_review.store import accounts, cases, labels, models, predictions, reviews, samples
from hitl_review.store.connection import Store
from hitl_review.store.labels import Dispute
from hitl_review.store.samples import Finding
from hitl_review.store.studies import lists
from hitl_review.workflow.past_screens import CaseHistory
from hitl_review.workflow.sampling import VERDICTS
from hitl_review.workflow.workspace import Workspace

SEALED: Final = "sealed until its study is unsealed"
IN_FORCE: Final = "in force"
_EFFECTS: Final = {
    Effect.TRAIN: "",
    Effect.FIX_RECORD: "its reason says that the record is wrong",
    Effect.EXCLUDE: "its reason keeps the case out of training",
    Effect.NEVER_TRAIN: "its reason keeps it out of training",
    Effect.NONE: "nothing is learned from it",
}


class RecordKind(StrEnum):
    """What a record is, in the order in which they are read."""

    ESTIMATE = "estimate"
    VIEW = "view"
    OUTCOME = "outcome"
    DISPUTE = "dispute"
    FINDING = "finding"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """One thing that was recorded of a case: when, by whom, what, from where, and whether it stands."""

    kind: RecordKind
    event_id: str
    """The event that told of it; empty for a label, which came with many others."""
    at: datetime
    by: str
    """Who recorded it, by account; `system` for the product itself."""
    said: str
    source: str
    stands: str
    replaced: bool
    """Whether a later record took its place."""


def case_records(workspace: Workspace, found: CaseHistory) -> tuple[CaseRecord, ...]:
    """Return what was recorded of a case whose history somebody was given, by kind and then oldest first."""
    store, project, case_id = workspace.store, workspace.project, found.case_id
    sealed = case_id in lists.not_unsealed(store)
    names = {each.account_id: each.name for each in accounts.everyone(store)}
    return (
        *_estimates(store, project, case_id),
        *_views(store, project, case_id),
        *_outcomes(store, project, found, sealed=sealed),
        *_disputes(store, project, found, names),
        *_findings(store, found.decisions, names),
        *_labels(project, labels.of_case(store, case_id), sealed=sealed),
    )


def _estimates(store: Store, project: Project, case_id: str) -> Iterator[CaseRecord]:
    for read in reviews.reads_of_case(store, case_id):
        said = f"{read.probability:.0%}: {project.recorded_words(read.label)}"
        stands = f"{IN_FORCE}; it is given once"
        yield CaseRecord(
            RecordKind.ESTIMATE, read.read_id, read.committed_at, read.reader, said, "", stands, replaced=False
        )


def _views(store: Store, project: Project, case_id: str) -> Iterator[CaseRecord]:
    """Yield what models said; one that a later model replaced is in use again after a way back."""
    in_use, names = models.latest_in_use(store), {each.digest: each.name for each in models.versions(store)}
    for seen, event_id in predictions.of_case(store, case_id):
        said = f"{seen.probability:.0%}: {project.recorded_words(seen.label)}"
        stands = IN_FORCE if seen.model == in_use else "of a model that is not in use now"
        source = f"model {names.get(seen.model, '')}"
        yield CaseRecord(
            RecordKind.VIEW,
            event_id,
            seen.made_at,
            "system",
            said,
            source,
            stands,
            replaced=seen.model != in_use,
        )


def _outcomes(store: Store, project: Project, found: CaseHistory, *, sealed: bool) -> Iterator[CaseRecord]:
    target, told = project.target, _by_event(found)
    kept = cases.outcomes_of_case(store, found.case_id)
    words = [
        SEALED if sealed else (target.positive if each.value else target.negative).words for each, _ in kept
    ]
    for place, (outcome, event_id) in enumerate(kept):
        last = place == len(kept) - 1
        before = f"; it replaced: {words[place - 1]}" if place else ""
        stands = (
            IN_FORCE + before
            if last
            else f"replaced {kept[place + 1][0].recorded_at:%Y-%m-%d %H:%M} UTC by: {words[place + 1]}"
        )
        by = str(told.get(event_id, {}).get("actor", ""))
        yield CaseRecord(
            RecordKind.OUTCOME,
            event_id,
            outcome.recorded_at,
            by,
            words[place],
            outcome.source,
            stands,
            replaced=not last,
        )


def _by_event(found: CaseHistory) -> dict[str, Mapping[str, Any]]:
    """Return what events tell, by their ids; one that tells nothing is told among the problems of the case."""
    told: dict[str, Mapping[str, Any]] = {}
    for event in found.events:
        try:
            told[event.event_id] = dict(event.told)
        except (TypeError, ValueError):
            continue
    return told


def _disputes(
    store: Store, project: Project, found: CaseHistory, names: Mapping[str, str]
) -> Iterator[CaseRecord]:
    told, answers = _by_event(found), {each.dispute: each for each in labels.resolutions_of_case(store, found.case_id)}
    given = {each.label_id: each for each in labels.of_case(store, found.case_id)}
    for dispute in labels.disputes_of_case(store, found.case_id):
        answer = answers.get(dispute.dispute_id)
        yield CaseRecord(
            RecordKind.DISPUTE,
            dispute.dispute_id,
            dispute.at,
            str(told.get(dispute.dispute_id, {}).get("actor", "")),
            f"chance of {project.target.positive.words}: {_sides(dispute, given, names)}",
            "the readers' answers, when it was noted",
            "nobody has resolved it yet" if answer is None else "resolved, as below",
            replaced=answer is not None,
        )
        if answer is not None:
            said = f"{answer.probability:.0%}: {project.recorded_words(answer.label)}"
            yield CaseRecord(
                RecordKind.DISPUTE,
                answer.event_id,
                answer.at,
                answer.by,
                f"{said}. {answer.comment}" if answer.comment else said,
                "the adjudicator's answer to the dispute",
                IN_FORCE,
                replaced=False,
            )


def _sides(dispute: Dispute, given: Mapping[str, TrainingLabel], names: Mapping[str, str]) -> str:
    """Return each reader's last statement when the dispute was noted."""
    last: dict[str, float] = {}
    for label_id in dispute.labels:
        label = given.get(label_id)
        if label is not None and label.reader is not None:
            last[label.reader] = label.probability
    return ", ".join(f"{names.get(reader, reader)} {stated:.0%}" for reader, stated in last.items())


def _findings(
    store: Store, decisions: Iterable[Decision], names: Mapping[str, str]
) -> Iterator[CaseRecord]:
    for decision in decisions:
        kept = samples.findings_of_decision(store, decision.decision_id)
        newest = newest_findings(kept)
        for each in kept:
            in_force = each.finding_id in newest
            said = f"{VERDICTS[each.verdict]}{': ' if each.comment else ''}{each.comment}"
            reader = names.get(decision.reader, decision.reader)
            yield CaseRecord(
                RecordKind.FINDING,
                each.finding_id,
                moment(each.at),
                each.by,
                said,
                f"a sample, on {reader}'s decision of {decision.decided_at:%Y-%m-%d %H:%M:%S}",
                IN_FORCE if in_force else "replaced by a later finding",
                replaced=not in_force,
            )


def newest_findings(findings: Iterable[Finding]) -> frozenset[str]:
    """Return the ids of the findings in force: of each decision in a sample, the newest."""
    return frozenset({(each.sample, each.decision_id): each.finding_id for each in findings}.values())


def _labels(project: Project, given: Sequence[TrainingLabel], *, sealed: bool) -> Iterator[CaseRecord]:
    """Yield the labels; of the outcomes' the newest is learned from, as in `domain.label.resolve`."""
    outcomes = [each.label_id for each in given if each.source is LabelSource.OUTCOME]
    stand = {each.label_id for each in standing(given)} - set(outcomes[:-1])
    for each in given:
        of_outcome = each.source is LabelSource.OUTCOME
        effect = _EFFECTS[each.effect]
        in_force = f"{IN_FORCE}; {effect}" if effect else IN_FORCE
        stands = each.label_id in stand
        yield CaseRecord(
            RecordKind.LABEL,
            "",
            each.at,
            each.reader or "system",
            SEALED if of_outcome and sealed else f"{each.probability:.0%} {project.target.positive.words}",
            each.source.words,
            in_force if stands else "replaced by a later label",
            replaced=not stands,
        )
