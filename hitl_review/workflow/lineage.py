"""Where a model comes from and where it went; which models a decision went into. In both directions, from the rows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hitl_review.domain.audit import stamp
from hitl_review.domain.registry import ModelVersion
from hitl_review.errors import ModelError, NotFound
from hitl_review.store import descent, gates, labels, models, reviews
from hitl_review.workflow.workspace import Workspace

ORIGINS: Final = {
    "decision": "decisions",
    "read": "own estimates",
    "outcome": "outcomes",
    "resolution": "resolved disputes",
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """A model's or a decision's descent: as facts, and as lines for a person."""

    facts: Mapping[str, Any]
    lines: tuple[str, ...]


def model_named(workspace: Workspace, name: str) -> ModelVersion:
    """Return a model version by its display name, its digest, or the beginning of its digest."""
    found = [
        version
        for version in models.versions(workspace.store)
        if name in (version.name, version.digest)
        or (len(name) >= 8 and version.digest.removeprefix("sha256:").startswith(name))
    ]
    if len(found) != 1:
        known = ", ".join(version.name for version in models.versions(workspace.store)) or "none yet"
        raise ModelError(f"There is no model '{name}' in this workspace. Models: {known}.")
    return found[0]


def lineage_of(workspace: Workspace, subject: str) -> Lineage:
    """Return the descent of a model (name or digest) or of a decision (id). NotFound if it is neither."""
    if reviews.find_decision(workspace.store, subject) is not None:
        return of_decision(workspace, subject)
    try:
        return of_model(workspace, model_named(workspace, subject))
    except ModelError as error:
        raise NotFound(f"'{subject}' is neither a decision's id nor a model. {error}") from error


def of_model(workspace: Workspace, version: ModelVersion) -> Lineage:
    """Return what a model version was made from, what was measured of it, when it was in use, and what it said."""
    store = workspace.store
    manifest: Mapping[str, Any] = json.loads(models.manifest(store, version.manifest))
    rows = manifest["rows"]
    used = [label for row in rows for label in row.get("labels", [])]
    given = [(origin.partition(":")[0], by) for origin, by in descent.origins(store, used)]
    kinds = Counter(kind for kind, _ in given)
    people = Counter((kind, by) for kind, by in given if by is not None)
    reports = [gate for gate in gates.everything(store) if gate.challenger == version.digest]
    moves = [move for move in models.moves(store) if move.model == version.digest]
    uses = descent.uses_of(store, version.digest)
    parent = manifest.get("parent")
    facts: dict[str, Any] = {
        "model": version.digest,
        "name": version.name,
        "manifest": version.manifest,
        "parent": parent,
        "cases": len(rows),
        "sources": dict(Counter(row["source"] for row in rows)),
        "labels": {kind: kinds[kind] for kind in sorted(kinds)},
        "given_by": [
            {"reader": by, "what": kind, "count": people[kind, by]} for kind, by in sorted(people)
        ],
        "gates": [
            {
                "id": gate.gate_id,
                "verdict": gate.verdict.value,
                "against": gate.champion,
                "at": stamp(gate.at),
            }
            for gate in reports
        ],
        "moves": [
            {
                "move": move.move.value,
                "by": move.by,
                "at": stamp(move.at),
                "statement": move.statement,
                "signed": None if move.signature is None else move.signature.words,
                "event": move.event_id,
            }
            for move in moves
        ],
        "predictions": uses.predictions,
        "shown": uses.shown,
        "decisions": uses.decisions,
    }
    return Lineage(facts, tuple(_model_lines(workspace, version, facts)))


def _model_lines(workspace: Workspace, version: ModelVersion, facts: Mapping[str, Any]) -> list[str]:
    names = {each.digest: each.name for each in models.versions(workspace.store)}
    made_of = ", ".join(f"{count:,} {ORIGINS[kind]}" for kind, count in facts["labels"].items())
    lines = [
        f"Model {version.name} ({version.digest})",
        f"  made from   {facts['cases']:,} cases" + (f": {made_of}" if made_of else ""),
        f"  manifest    {version.manifest}",
    ]
    if facts["parent"]:
        lines.append(
            f"  beside      model {names.get(facts['parent'], facts['parent'])}, in use when it was trained"
        )
    lines += [
        f"  gate        {gate['verdict']} against {names.get(gate['against'], gate['against'])} ({gate['id']})"
        for gate in facts["gates"]
    ]
    lines += [
        f"  in use      {each['move'].replace('_', ' ')} by {each['signed'] or each['by']} ({each['event']})"
        for each in facts["moves"]
    ]
    lines.append(
        f"  led to      {facts['predictions']:,} predictions, {facts['shown']:,} shown, "
        f"{facts['decisions']:,} decisions on them"
    )
    return lines


def of_decision(workspace: Workspace, decision_id: str) -> Lineage:
    """Return which prediction a decision answered, the labels that rest on it, and the models trained with them."""
    store = workspace.store
    decision = reviews.find_decision(store, decision_id)
    if decision is None:
        raise NotFound("There is no decision with this id in the workspace.")
    resting = labels.of_decision(store, decision_id)
    names = {version.digest: version.name for version in models.versions(store)}
    trained = descent.trained_with(store, resting)
    answered = store.rows("SELECT model FROM predictions WHERE prediction_id = ?", (decision.prediction_id,))[
        0
    ][0]
    facts: dict[str, Any] = {
        "decision": decision_id,
        "case": decision.case_id,
        "answered": {"prediction": decision.prediction_id, "model": answered, "name": names.get(answered)},
        "labels": resting,
        "models": [
            {"model": each, "name": names[each], "predictions": descent.uses_of(store, each).predictions}
            for each in trained
        ],
    }
    lines = [
        f"Decision {decision_id} on case {decision.case_id}",
        f"  answered    model {names.get(answered)} (prediction {decision.prediction_id})",
        f"  labels      {', '.join(resting) or 'none collected yet'}",
        *(
            f"  taught      model {each['name']}, which made {each['predictions']:,} predictions"
            for each in facts["models"]
        ),
    ]
    return Lineage(facts, tuple(lines if trained else [*lines, "  taught      no model yet"]))
