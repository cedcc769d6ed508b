"""The reliability strip: what a reader should know before leaning on this prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hitl_review.domain.case import Snapshot
from hitl_review.domain.registry import ModelVersion
from hitl_review.domain.screen import Gravity, Notice
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.familiarity import Unfamiliarity, unfamiliarity
from hitl_review.model.features import Matrix
from hitl_review.project import Project
from hitl_review.workflow.presenting import value_text

LEAST_IN_SUBGROUP: Final = 50
"""Below this many hold-out cases a subgroup's figures say too little, and the strip says so instead."""
WEAK_SHARE: Final = 0.5
"""A model that misses more than half of a subgroup's outcomes, or is wrong in most calls, is worth a note."""


def notices_of(
    project: Project,
    snapshot: Snapshot,
    model: TrainedModel,
    row: Matrix,
    version: ModelVersion,
    card: Mapping[str, Any],
) -> tuple[Notice, ...]:
    """Return the notices of one prediction: likeness to the training cases, missing inputs, subgroup, model."""
    return (
        _familiar(project, unfamiliarity(model.familiarity, row)),
        _measured(project, snapshot),
        *_subgroups(project, snapshot, card),
        _model(version, model, card),
    )


def _familiar(project: Project, found: Unfamiliarity) -> Notice:
    labels = {feature.name: feature.label for feature in project.features}
    if found.unlike:
        return Notice(Gravity.WARNING, "Unlike the training patients:", found.sentence(labels) + ".")
    if found.outside:
        return Notice(Gravity.NOTE, "Partly outside the training range:", found.sentence(labels) + ".")
    return Notice(
        Gravity.FINE, "Like the training patients:", "every measured value lies in the range trained on."
    )


def _measured(project: Project, snapshot: Snapshot) -> Notice:
    missing = [feature for feature in project.features if snapshot.values.get(feature.name) is None]
    keys = [feature.label for feature in missing if feature.key]
    if keys:
        return Notice(Gravity.WARNING, "Key inputs not measured:", ", ".join(keys) + ".")
    if missing:
        return Notice(
            Gravity.NOTE, f"{len(missing)} of {len(project.features)} inputs not measured", "(no key one)."
        )
    return Notice(Gravity.FINE, "Complete:", "every input was measured.")


def _subgroups(project: Project, snapshot: Snapshot, card: Mapping[str, Any]) -> Iterator[Notice]:
    """Tell how the model did among hold-out patients of this one's kind, for the first grouping category."""
    groups: Mapping[str, Any] = (card.get("hold_out") or {}).get("subgroups", {})
    names = [name for name in groups if len(project.feature(name).levels) > 2] or list(groups)
    for name in names[:1]:
        value = snapshot.values.get(name)
        if value is not None:
            words = value_text(project.feature(name), value)
            yield _subgroup(words, groups[name].get(str(value)))


def _subgroup(words: str, group: Mapping[str, Any] | None) -> Notice:
    if group is None or group["cases"] < LEAST_IN_SUBGROUP:
        count = 0 if group is None else group["cases"]
        return Notice(
            Gravity.NOTE,
            f"{words}:",
            f"only {count} such hold-out patients, too few to say how reliable it is.",
        )
    found, right = group["sensitivity"], group["positive_predictive_value"]
    weak = any(share["value"] is not None and share["value"] < WEAK_SHARE for share in (found, right))
    return Notice(
        Gravity.NOTE if weak else Gravity.FINE,
        f"{words} (n = {group['cases']}):",
        f"it found {_share(found)} of those with the outcome; of its positive calls {_share(right)} were right.",
    )


def _share(interval: Mapping[str, Any]) -> str:
    if interval["value"] is None:
        return "none measured"
    return f"{interval['value']:.0%} ({interval['low']:.0%}–{interval['high']:.0%})"


def _model(version: ModelVersion, model: TrainedModel, card: Mapping[str, Any]) -> Notice:
    title = f"Model {version.name}, {version.digest.removeprefix('sha256:')[:8]}:"
    text = f"trained {version.trained_at:%Y-%m-%d} on {model.record.rows} patients"
    report = card.get("hold_out")
    if report is None:
        return Notice(Gravity.NOTE, title, text + "; not measured on a hold-out.")
    measured = f"hold-out AUC {report['auc']['value']:.2f}, {_slope(report['calibration']['slope'])}"
    return Notice(Gravity.FINE, title, f"{text}; {measured}.")


def _slope(slope: float | None) -> str:
    """Say the calibration slope; there is none where the scores part the two outcomes without a fault."""
    return (
        "calibration slope not measurable" if slope is None else f"calibration slope {slope:.2f} (1 is right)"
    )
