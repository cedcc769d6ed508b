"""From values to what a person reads: facts with units and marks, the model's view in words.

Pure functions. Facts never depend on the model; the view is built only for a reveal. Words follow
the evidence: natural frequencies with the base rate, sentences before charts, "raised the model's
score" and never "caused", at most two significant digits of a probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hitl_review.domain.case import Snapshot, Value
from hitl_review.domain.prediction import Contribution, Explanation, Prediction, Verdict
from hitl_review.domain.screen import Fact, FactGroup, Facts, Mark, ModelView, Notice, ReasonLine
from hitl_review.project import Feature, Project

NOT_MEASURED = "not measured"
THIN_SPACE = "\u202f"
"""What stands between thousands: it does not break a number over two lines."""


def facts_of(project: Project, snapshot: Snapshot) -> Facts:
    """Return everything about a case that a reader may see before the model's view."""
    groups = tuple(
        FactGroup(
            group,
            tuple(
                fact_of(feature, snapshot.values.get(feature.name))
                for feature in project.features
                if feature.group == group
            ),
        )
        for group in project.groups
    )
    target = project.target
    broken = "; ".join(rule.words for rule in project.violated_rules(snapshot.values))
    return Facts(
        snapshot.case_id,
        target.question,
        target.index_time,
        target.horizon,
        project.intended_use,
        groups,
        broken,
    )


def fact_of(feature: Feature, value: Value) -> Fact:
    """Return one value as a person reads it, with its unit, reference range and mark."""
    return Fact(
        feature.name,
        feature.label,
        value,
        value_text(feature, value),
        feature.unit if value is not None else "",
        reference_text(feature),
        mark_of(feature, value),
        feature.description,
    )


def value_text(feature: Feature, value: Value) -> str:
    """Return a value as text without its unit: rounded as the project says, yes or no, the level's words."""
    if value is None:
        return NOT_MEASURED
    if feature.kind == "flag":
        return "yes" if value else "no"
    if isinstance(value, str):
        return feature.level_label(value)
    return number_text(value, feature.decimals)


def number_text(value: float, decimals: int) -> str:
    """Return a rounded number with a true minus sign and thin thousands."""
    return f"{round(value, decimals):,.{decimals}f}".replace(",", THIN_SPACE).replace("-", "\u2212")


def reference_text(feature: Feature) -> str:
    """Return the reference range: "3.5–5.0", "≤ 20", "≥ 92", or nothing."""
    low, high = feature.reference_low, feature.reference_high
    if low is not None and high is not None:
        return f"{number_text(low, feature.decimals)}–{number_text(high, feature.decimals)}"
    if high is not None:
        return f"≤ {number_text(high, feature.decimals)}"
    return "" if low is None else f"≥ {number_text(low, feature.decimals)}"


def mark_of(feature: Feature, value: Value) -> Mark:
    """Return what is to be noticed about a value: not measured, below or above its reference range."""
    if value is None:
        return Mark.MISSING
    if not isinstance(value, str) and feature.reference_low is not None and value < feature.reference_low:
        return Mark.LOW
    if not isinstance(value, str) and feature.reference_high is not None and value > feature.reference_high:
        return Mark.HIGH
    return Mark.NONE


@dataclass(frozen=True, slots=True)
class Backing:
    """What is known of a model besides its answer to this case."""

    name: str
    base_rate: float
    notices: tuple[Notice, ...]


def view_of(
    project: Project,
    project_digest: str,
    snapshot: Snapshot,
    prediction: Prediction,
    explanation: Explanation,
    backing: Backing,
) -> ModelView:
    """Return the model's view of a case in words and numbers, with all reasons, the largest first."""
    return ModelView(
        prediction_id=prediction.prediction_id,
        model=prediction.model,
        model_name=backing.name,
        project=project_digest,
        margin=prediction.margin,
        probability=prediction.probability,
        probability_words=frequency_words(project, prediction.probability, "like this one"),
        base_rate=backing.base_rate,
        base_rate_words=f"about {round(backing.base_rate * 100)} of 100 of all patients the model learned from",
        threshold=prediction.threshold,
        label=prediction.label,
        label_words=project.label_words(prediction.label),
        other_words=project.label_words(project.other_label(prediction.label)),
        verdict=prediction.verdict,
        verdict_words=verdict_words(project, prediction.verdict),
        verdict_meaning=verdict_meaning(project, prediction.verdict),
        base_value=explanation.base_value,
        reasons=reason_lines(project, snapshot, explanation.contributions),
        reliability=backing.notices,
    )


def frequency_words(project: Project, probability: float, likeness: str) -> str:
    """Return a probability as a natural frequency over a whole denominator."""
    words = project.target.positive.words
    return f"{words[:1].upper()}{words[1:]} in about {round(probability * 100)} of 100 patients {likeness}."


def verdict_words(project: Project, verdict: Verdict) -> str:
    """Return the conformal verdict in a few words."""
    return {
        Verdict.LIKELY: f"Likely: {project.target.positive.words}",
        Verdict.UNLIKELY: f"Likely: {project.target.negative.words}",
        Verdict.UNSURE: "The model is unsure: your judgement decides",
        Verdict.UNLIKE_TRAINING: "Unlike the patients the model learned from: do not lean on it",
        Verdict.UNAVAILABLE: "No verdict",
    }[verdict]


def verdict_meaning(project: Project, verdict: Verdict) -> str:
    """Return what the verdict promises, class by class, as the conformal limits were set."""
    count = round(project.training.conformal_error * 100)
    target = project.target
    return {
        Verdict.LIKELY: f"Of 100 patients whose outcome is “{target.negative.words}”, at most about {count} get it.",
        Verdict.UNLIKELY: f"Of 100 patients whose outcome is “{target.positive.words}”, at most about {count} get it.",
        Verdict.UNSURE: f"At an error of {count} in 100 it can't tell the two outcomes apart for this patient.",
        Verdict.UNLIKE_TRAINING: "What the model says of such a patient was never tested.",
        Verdict.UNAVAILABLE: "Too few patients with known outcome to promise an error rate.",
    }[verdict]


def reason_lines(
    project: Project, snapshot: Snapshot, contributions: Sequence[Contribution]
) -> tuple[ReasonLine, ...]:
    """Return the contributions as a person reads them, the largest first."""
    ordered = sorted(contributions, key=lambda each: (-abs(each.amount), each.feature))
    return tuple(
        _reason_line(project.feature(each.feature), snapshot.values.get(each.feature), each)
        for each in ordered
    )


def _reason_line(feature: Feature, value: Value, contribution: Contribution) -> ReasonLine:
    text = value_text(feature, value)
    with_unit = f"{text} {feature.unit}".strip() if value is not None else text
    return ReasonLine(
        feature.name,
        feature.label,
        with_unit,
        contribution.amount,
        reason_sentence(feature, value, contribution),
    )


def reason_sentence(feature: Feature, value: Value, contribution: Contribution) -> str:
    """Return one contribution as a sentence: "Creatinine 3.1 mg/dL (ref 0.6–1.2) raised the model's score"."""
    verb = "raised" if contribution.amount > 0 else "lowered" if contribution.amount < 0 else "did not move"
    if value is None:
        return f"{feature.label} was not measured; that {verb} the model's score"
    reference = reference_text(feature)
    range_words = f" (ref {reference})" if reference else ""
    text = f"{value_text(feature, value)} {feature.unit}".strip()
    colon = "" if feature.kind == "number" else ":"
    return f"{feature.label}{colon} {text}{range_words} {verb} the model's score"
