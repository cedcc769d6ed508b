"""The model card and the change plan, in Markdown, from what the database holds: nothing is typed in twice.

The change plan has the sections of the FDA's guidance on predetermined change control plans (final, December
2024, reissued August 2025): description of modifications, modification protocol, impact assessment. It is a
draft for a person to complete; it supports such a plan and is none by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hitl_review.domain.account import Permission, Role, may
from hitl_review.domain.registry import ModelVersion
from hitl_review.errors import NoChampion
from hitl_review.store import gates, models
from hitl_review.workflow.lineage import of_model
from hitl_review.workflow.promotion import LEAST_STATEMENT, protocol_digest
from hitl_review.workflow.workspace import Workspace


def model_card(workspace: Workspace, digest: str | None = None) -> str:
    """Return the card of a model version, or of the one in use. NoChampion where there is none."""
    store = workspace.store
    version = models.champion(store) if digest is None else models.version(store, digest)
    return "\n".join(_card(workspace, version)) + "\n"


def _card(workspace: Workspace, version: ModelVersion) -> Iterator[str]:
    project, card = workspace.project, json.loads(version.card)
    yield f"# Model card: {project.title}, {version.name}"
    yield ""
    yield "Made from the workspace's database. **Not a medical device.**"
    yield from _section("What it is")
    yield from _list(
        ("Digest", version.digest),
        (
            "Predicts",
            f"{project.target.question} ({project.target.horizon}, asked at {project.target.index_time})",
        ),
        (
            "Kind",
            f"XGBoost, {card['rounds']} trees, preset {card['preset']}, calibration {card['calibration']['method']}",
        ),
        ("Trained", f"{version.trained_at:%Y-%m-%d %H:%M} UTC by {version.trained_by}, seed {card['seed']}"),
        ("Project file", workspace.project_digest),
    )
    yield from _section("What it is for")
    yield project.intended_use
    if project.not_for:
        yield f"\n**Not for:** {project.not_for}"
    yield from _section("What it learned from")
    yield from _list(
        (
            "Cases",
            f"{card['rows']:,}, {card['base_rate']:.0%} with the outcome among those whose outcome is known",
        ),
        ("Best source of each case", _counted(card.get("sources", {}))),
        ("Training manifest", version.manifest),
        ("Features", ", ".join(feature.label for feature in project.features)),
    )
    yield from _section("How good it is")
    yield from _measures(card.get("hold_out"))
    yield from _section("How it came into use")
    yield from of_model(workspace, version).lines[1:]
    yield from _section("Limits")
    yield (
        "Overrides are evidence of readers' judgement, not of what was true. Measures are of this hold-out and its "
        "time; the monitor says whether patients have changed since. Explanations say what moved the score, not "
        "what causes the outcome."
    )


def _measures(report: Mapping[str, Any] | None) -> Iterator[str]:
    if report is None:
        yield "Not measured: there was no hold-out with outcomes of both kinds."
        return
    yield f"On {report['cases']:,} locked hold-out cases, {report['positives']:,} with the outcome:"
    yield ""
    yield "| measure | value | 95 % interval |"
    yield "|---|---|---|"
    for name in ("auc", "sensitivity", "specificity"):
        found = report[name]
        yield f"| {name} | {_number(found['value'])} | {_number(found['low'])} to {_number(found['high'])} |"
    yield f"| Brier score | {_number(report['brier'])} | |"
    yield f"| calibration slope | {_number(report['calibration']['slope'])} | |"
    for column, levels in report["subgroups"].items():
        yield ""
        yield f"| {column} | cases | sensitivity | predictive value |"
        yield "|---|---|---|---|"
        for level, found in levels.items():
            rates = (found["sensitivity"]["value"], found["positive_predictive_value"]["value"])
            yield f"| {level} | {found['cases']} | {_number(rates[0])} | {_number(rates[1])} |"


def change_plan(workspace: Workspace) -> str:
    """Return the change plan of the project in force: what may change, how, and how it is measured and undone."""
    return "\n".join(_plan(workspace)) + "\n"


def _plan(workspace: Workspace) -> Iterator[str]:
    project, digest = workspace.project, protocol_digest(workspace.project)
    yield f"# Change plan: {project.title}"
    yield ""
    yield f"Protocol {digest}. Gate reports and promotions name it; a change of it makes earlier reports stale."
    yield from _section("1. Description of modifications")
    yield from _bullets(
        "Recalibration: the trees in use with a new curve from margin to probability.",
        "Retraining from scratch on the label ledger, with the same features and the same question.",
        "Retraining held to the directions that clinicians gave the features.",
        "Nothing else: features, question, threshold and costs stand in the project file, and another project file "
        "makes another workspace.",
    )
    yield from _section("2. Modification protocol")
    yield "### 2.1 Data management"
    yield from _bullets(
        "Every decision, own estimate and outcome becomes a label, once, with its source, mode, reader and reason.",
        "One label per case is used: outcome, then consensus, then blind own estimate, then override, then acceptance. "
        "Overrides are never fitted alone.",
        f"An acceptance given after the model was seen weighs {project.retraining.seen_accept_weight:g}.",
        "A wrong record, a case outside the model's scope, and a decision that speaks of treatment or preference are "
        "left out, by their coded reason.",
        "The hold-out is locked: a training set that shares a case with it is refused.",
    )
    yield "\n### 2.2 Re-training"
    yield from _bullets(
        f"Due at {project.retraining.minimum_new_labels} new labels, or after "
        f"{project.retraining.maximum_age_days} days"
        + (", or at an alarm of drift" if project.retraining.drift_alarm else "")
        + ", or when a steward asks.",
        f"From scratch, seed {project.training.seed}; the same manifest makes the same bytes.",
        "The better of the new trees on cases left out goes to the gate, unless the model in use with new "
        "calibration is within one standard error of it.",
    )
    yield "\n### 2.3 Performance evaluation"
    yield from _gate_rows(workspace)
    yield "\n### 2.4 Update procedures"
    approvers = ", ".join(
        role.words for role in Role if may(role, Permission.PROMOTE) and role is not Role.SYSTEM
    )
    yield from _bullets(
        f"A steward proposes; a person in the role {approvers} who is not the proposer promotes, and signs.",
        "A failed gate is final. An undecided one takes a signed statement of at least "
        f"{LEAST_STATEMENT} characters.",
        "Open cases are judged anew; what earlier models said stays. A checkpoint of the log is published.",
        "Going back to the model before takes one act, at once; so does stopping the model, after which readers "
        "judge without one.",
    )
    yield from _section("3. Impact assessment")
    yield from _bullets(
        "Benefit: the gain on the hold-out that the gate reports state, below.",
        "Risk: a model that echoes its readers. Own estimates come before the model's view; a random share of cases is "
        "read whatever the model says, and accuracy in use is measured on these alone.",
        "Risk: harm to a subgroup. Each of at least "
        f"{project.gate.subgroup_minimum} hold-out cases is compared before a promotion.",
        "Risk: change unseen. Inputs, scores, overrides and readers are watched; each alarm is an event.",
    )
    yield ""
    yield from _history(workspace)


def _gate_rows(workspace: Workspace) -> Iterator[str]:
    gate = workspace.project.gate
    yield "On outcomes of the locked hold-out, all of:"
    yield ""
    yield from _bullets(
        f"AUC not worse: the lower end of the 95 % interval of the difference is above {-gate.auc_margin:g} (DeLong).",
        f"Log loss better: paired z above {gate.log_loss_z:g}.",
        f"Calibration slope from {gate.slope_low:g} to {gate.slope_high:g}.",
        f"Sensitivity and specificity at {workspace.project.target.threshold:.0%} not worse by more than "
        f"{gate.rate_margin:.0%}.",
        f"Each subgroup ({', '.join(gate.subgroups) or 'none named'}) not worse by more than "
        f"{gate.subgroup_margin:g} AUC.",
        f"With fewer than {gate.minimum_cases} cases the gate does not decide.",
    )


def _history(workspace: Workspace) -> Iterator[str]:
    names = {version.digest: version.name for version in models.versions(workspace.store)}
    found = gates.everything(workspace.store)
    if not found:
        yield "No challenger was measured yet."
        return
    yield "| measured | challenger | against | verdict | AUC before | AUC now |"
    yield "|---|---|---|---|---|---|"
    for gate in found:
        report = gates.report(workspace.store, gate.gate_id)
        yield (
            f"| {gate.at:%Y-%m-%d} | {names[gate.challenger]} | {names[gate.champion]} | {gate.verdict.value} "
            f"| {_number(report.champion.auc)} | {_number(report.challenger.auc)} |"
        )


def _section(title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")


def _list(*pairs: tuple[str, str]) -> Iterator[str]:
    yield from (f"- **{name}:** {text}" for name, text in pairs)


def _bullets(*lines: str) -> Iterator[str]:
    yield from (f"- {line}" for line in lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "outcomes"


def _number(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"


def papers_or_reason(workspace: Workspace) -> tuple[str | None, str]:
    """Return the card of the model in use, or None, and the change plan: what a page offers for download."""
    try:
        return model_card(workspace), change_plan(workspace)
    except NoChampion:
        return None, change_plan(workspace)
