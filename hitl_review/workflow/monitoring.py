"""The monitor looks at inputs, scores, overrides, the random blind slice and the readers; each alarm is an event.

It runs in the worker or by hand and keeps what it measured; pages only read that. A lamp whose state
changes is told once, when it is raised and when it is cleared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Final

import numpy as np

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import canonical_json, text_digest
from hitl_review.domain.case import Purpose
from hitl_review.domain.registry import ModelVersion
from hitl_review.model import drift
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.blind_slice import blind_slice, use_of_model
from hitl_review.model.features import matrix
from hitl_review.model.label_quality import Comparison, readers_apart
from hitl_review.model.override_cusum import CusumRun, cusum, watch
from hitl_review.model.scoring import score
from hitl_review.store import accounts, alarms, audit, cases, models, watching
from hitl_review.store.watching import Answered, Stated
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.training_set import trained_on
from hitl_review.workflow.workspace import Workspace

RECENT: Final = 500
"""Cases of the queue that are compared with those the model learned from."""
LEAST_RECENT: Final = 50
USUAL: Final = 100
"""First decisions from which the usual override rate is taken."""
RATES: Final = (0.02, 0.4)
"""The usual rate is kept within these, so that a chart can be tuned for it."""
HEIGHTS: Final = 400
"""Points of a chart that are kept."""
Progress = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class Lamp:
    """One thing that is watched: fine, alarm, or unknown, with words and what was measured."""

    name: str
    title: str
    state: str
    words: str
    figures: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Monitored:
    """One look of the monitor."""

    event_id: str
    lamps: tuple[Lamp, ...]

    @property
    def alarms(self) -> tuple[str, ...]:
        """The lamps that are raised."""
        return tuple(lamp.name for lamp in self.lamps if lamp.state == "alarm")

    @property
    def words(self) -> str:
        """The look in a sentence."""
        return f"{len(self.lamps)} lamps, {len(self.alarms)} raised." if self.alarms else "No alarm."


def monitor(
    workspace: Workspace, *, actor: Actor = SYSTEM, progress: Progress = lambda share, words: None
) -> Monitored:
    """Measure every lamp, keep what was measured, and tell of each lamp that changed. NoChampion without one."""
    require(actor, Permission.READ_GATE)
    progress(0.1, "collecting labels")
    collect_labels(workspace)
    version = models.champion(workspace.store)
    model = stored_model(workspace.store)(version.digest)
    progress(0.3, "comparing inputs and scores")
    recent = watching.recent_values(workspace.store, limit=RECENT)
    found = [_inputs(workspace, version, model, recent), _scores(workspace, model, recent)]
    progress(0.6, "following overrides and readers")
    found += [*_overrides(workspace), _slice(workspace, version), _use(workspace), _readers(workspace)]
    return Monitored(_kept(workspace, version, found), tuple(found))


def _inputs(
    workspace: Workspace, version: ModelVersion, model: TrainedModel, recent: Sequence[Mapping[str, Any]]
) -> Lamp:
    title = "Inputs"
    learned = {str(row["case"]) for row in trained_on(workspace, version.manifest)}
    reference = [
        case.snapshot.values
        for purpose in (Purpose.TRAINING, Purpose.QUEUE)
        for case in cases.of_purpose(workspace.store, purpose)
        if case.case_id in learned
    ]
    if len(recent) < LEAST_RECENT or len(reference) < LEAST_RECENT:
        return _unknown("inputs", title, f"{len(recent)} recent cases; {LEAST_RECENT} are needed to compare.")
    labels = {feature.name: feature.label for feature in workspace.project.features}
    found = drift.input_drift(
        matrix(model.spec, reference), matrix(model.spec, recent), spec=model.spec, labels=labels
    )
    return Lamp("inputs", title, _state(found.alarm), found.words, asdict(found))


def _scores(workspace: Workspace, model: TrainedModel, recent: Sequence[Mapping[str, Any]]) -> Lamp:
    """Compare what the model says of all recent cases with what it says of the hold-out.

    The recent cases are judged here, read ones too: the predictions that a new model has made are of the
    cases still open, which are the sure ones, as the least sure are read first. They alone would ring.
    """
    title = "Scores"
    held = cases.of_purpose(workspace.store, Purpose.HOLDOUT)
    if len(recent) < LEAST_RECENT or len(held) < LEAST_RECENT:
        return _unknown(
            "scores", title, f"{len(recent)} recent cases; {LEAST_RECENT} are needed to compare."
        )
    reference, now = (
        score(model, matrix(model.spec, values)).probabilities
        for values in ([case.snapshot.values for case in held], recent)
    )
    found = drift.score_drift(reference, now)
    return Lamp("scores", title, _state(found.alarm), found.words, asdict(found))


def _overrides(workspace: Workspace) -> Iterator[Lamp]:
    """Yield the chart of overrides over all readers, and one for each reader, against the usual rate."""
    answers = watching.answers(workspace.store)
    if len(answers) < 2 * USUAL:
        words = f"{len(answers)} decisions so far; from {2 * USUAL} on their rate is followed."
        yield _unknown("overrides", "Overrides", words)
        return
    first, rest = answers[:USUAL], answers[USUAL:]
    chart = cusum(float(np.clip(np.mean([each.overridden for each in first]), *RATES)))
    run = watch([each.overridden for each in rest], chart=chart)
    yield Lamp("overrides", "Overrides, all readers", _state(run.alarm), run.words, _drawn(run))
    names = {account.account_id: account.name for account in accounts.everyone(workspace.store)}
    for reader in sorted({each.reader for each in rest}):
        name = names.get(reader, reader)
        run = watch([each.overridden for each in rest if each.reader == reader], chart=chart)
        yield Lamp(f"overrides:{reader}", f"Overrides, {name}", _state(run.alarm), run.words, _drawn(run))


def _drawn(run: CusumRun) -> dict[str, Any]:
    return {
        "heights": list(run.heights[-HEIGHTS:]),
        "limit": run.chart.limit,
        "usual": run.chart.usual_rate,
        "found_after": run.chart.found_after,
        "false_alarm_every": run.chart.false_alarm_every,
        "overrides": run.overrides,
        "decisions": run.decisions,
    }


def _slice(workspace: Workspace, version: ModelVersion) -> Lamp:
    title = "Accuracy on random checks"
    drawn = watching.random_blind(workspace.store, version.digest)
    if not drawn:
        return _unknown("slice", title, "No case of the random slice has been read blind yet.")
    held: Mapping[str, Any] | None = json.loads(version.card).get("hold_out")
    found = blind_slice(
        [each.probability for each in drawn],
        [np.nan if each.outcome is None else float(each.outcome) for each in drawn],
        promoted_auc=None if held is None else held["auc"]["value"],
    )
    state = "alarm" if found.alarm else "fine" if found.auc.value is not None else "unknown"
    return Lamp("slice", title, state, found.words, asdict(found))


def _use(workspace: Workspace) -> Lamp:
    title = "How readers use the model"
    positive = workspace.project.target.positive.code
    known = [each for each in watching.answers(workspace.store) if each.outcome is not None and each.own]
    if not known:
        return _unknown("use", title, "No decision with an own estimate has its outcome yet.")

    def calls(of: Callable[[Answered], str | None]) -> list[int]:
        return [int(of(each) == positive) for each in known]

    found = use_of_model(
        calls(lambda each: each.own),
        calls(lambda each: each.advice),
        calls(lambda each: each.final),
        [int(bool(each.outcome)) for each in known],
    )
    words = (
        f"Of {found.automation_bias.cases} reads that were right on their own where the model was wrong, "
        f"{_share(found.automation_bias.value)} ended wrong. Of {found.beneficial_overrides.cases} overrides, "
        f"{_share(found.beneficial_overrides.value)} were right."
    )
    return Lamp("use", title, "fine", words, asdict(found))


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"


def _readers(workspace: Workspace) -> Lamp:
    names = {account.account_id: account.name for account in accounts.everyone(workspace.store)}
    return readers_lamp(
        watching.stated(workspace.store), positive=workspace.project.target.positive.code, names=names
    )


def readers_lamp(said: Iterable[Stated], *, positive: str, names: Mapping[str, str]) -> Lamp:
    """Compare each reader's own estimates with outcomes: a reader who stands apart is pointed out, never corrected.

    Where no outcome is known, an adjudicator's consensus is compared with, apart from the outcomes.
    """
    title = "Readers"
    checks = readers_apart(
        Comparison(
            names.get(each.reader, each.reader),
            each.label == positive,
            each.probability,
            each.consensus == positive if each.outcome is None else each.outcome,
            "the consensus" if each.outcome is None else "the outcome",
        )
        for each in said
        if each.outcome is not None or each.consensus is not None
    )
    if not checks:
        return _unknown("readers", title, "No own estimate has its outcome yet.")
    apart = [check.words for check in checks if check.stands_apart]
    readers = len({check.reader for check in checks})
    words = " ".join(apart) or f"None of {readers} readers stands apart from the others."
    return Lamp("readers", title, _state(bool(apart)), words, {"checks": [asdict(check) for check in checks]})


def _state(alarm: bool) -> str:
    return "alarm" if alarm else "fine"


def _unknown(name: str, title: str, words: str) -> Lamp:
    return Lamp(name, title, "unknown", words, {})


def _kept(workspace: Workspace, version: ModelVersion, lamps: Sequence[Lamp]) -> str:
    store = workspace.store
    body = canonical_json(_plain({"lamps": [asdict(lamp) for lamp in lamps]}))
    with store.transaction(SYSTEM):
        raised = [lamp.name for lamp in lamps if lamp.state == "alarm"]
        detail = {"report": text_digest(body), "raised": raised}
        event = audit.append(store, "monitoring.made", f"model:{version.digest}", detail)
        alarms.add_monitoring(store, version.digest, body, event_id=event.event_id)
        for lamp in lamps:
            _tell_change(workspace, lamp, version, event.event_id)
    return event.event_id


def _tell_change(workspace: Workspace, lamp: Lamp, version: ModelVersion, monitoring: str) -> None:
    store = workspace.store
    since = alarms.raised_at(store, lamp.name)
    changed = {"alarm": since is None, "fine": since is not None}.get(lamp.state, False)
    if changed:
        state = "raised" if lamp.state == "alarm" else "cleared"
        detail = {"words": lamp.words, "model": version.digest, "monitoring": monitoring}
        event = audit.append(store, f"alarm.{state}", f"lamp:{lamp.name}", detail)
        alarms.add_alarm(
            store,
            lamp.name,
            state,
            words=lamp.words,
            model=version.digest,
            monitoring=monitoring,
            event_id=event.event_id,
        )


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it: no tuples, no number that is not finite."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(value) if isfinite(value) else None
    return value
