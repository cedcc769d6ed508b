"""People change the model in use: propose, promote, go back, stop. Each is signed and an event.

The first model is put in use as it is. A successor needs a gate report against the model in use: passed,
or undecided with a signed statement; a failed gate never. Who proposes does not approve.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.canonical import digest as digest_of
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.registry import ModelVersion, Move, Promotion
from hitl_review.errors import Conflict, ModelError, NoChampion, NotPermitted
from hitl_review.project import Project
from hitl_review.store import audit, checkpoints, gates, models
from hitl_review.store.gates import Gate, Proposal
from hitl_review.store.jobs import JobKind
from hitl_review.workflow import signing
from hitl_review.workflow.jobs import ask_in
from hitl_review.workflow.workspace import Workspace

APPROVAL: Final = "approval"
"""What a signature under a change of the model in use means, unless the signing policy says otherwise."""
LEAST_STATEMENT: Final = 20
"""Characters that a statement or a reason must have at the least: a person has to say something."""


def protocol_of(project: Project) -> dict[str, Any]:
    """Return what a gate asks for, as it is frozen before anything is measured."""
    return {
        "gate": project.gate.model_dump(mode="json"),
        "threshold": project.target.threshold,
        "evidence": "outcomes of the locked hold-out, which no model is trained on",
    }


def protocol_digest(project: Project) -> str:
    """Return the digest of the frozen protocol; gate reports and promotions name it."""
    return digest_of(protocol_of(project))


def propose(workspace: Workspace, model: str, *, actor: Actor, comment: str = "") -> Proposal:
    """Put a challenger before an approver, on a gate report that did not fail."""
    require(actor, Permission.PROPOSE)
    with workspace.store.transaction(actor):
        gate = _gate_now(workspace, models.version(workspace.store, model))
        if gate.verdict is GateVerdict.FAILED:
            raise Conflict(
                "The gate refused this model, so it can't be proposed. Read the gate report for why."
            )
        return _answer(workspace, model, gate, "proposed", comment)


def decline(workspace: Workspace, model: str, *, actor: Actor, comment: str) -> Proposal:
    """Refuse a proposed challenger, with the reason."""
    require(actor, Permission.PROMOTE)
    _check_said(comment, "Say why the model is declined")
    with workspace.store.transaction(actor):
        proposal = _proposed(workspace, models.version(workspace.store, model))
        newest = models.newest_move(workspace.store)
        if newest is not None and newest.model == model:
            raise Conflict("This model is in use already, so it can't be declined. Go back to another, or stop it.")
        return _answer(workspace, model, gates.get(workspace.store, proposal.gate), "declined", comment)


def promote(
    workspace: Workspace,
    digest: str,
    *,
    actor: Actor,
    statement: str = "",
) -> Promotion:
    """Make a model version the champion. Raises Conflict if it is in use already or lacks its gate report.

    `statement` is what the approver says where the gate could not decide. The actor signs at the time of
    the act, by the project's signing policy. Open cases are judged anew by a job.
    """
    require(actor, Permission.PROMOTE)
    store = workspace.store
    with signing.refusals_logged(workspace, actor), store.transaction(actor):
        version = models.version(store, digest)
        newest = models.newest_move(store)
        if newest is not None and newest.model == digest:
            raise Conflict(f"Model {version.name} is in use already. There is nothing to do.")
        gate = None if newest is None else _checked_gate(workspace, version, actor, statement)
        return _move(workspace, version, Move.PROMOTED, statement, gate)


def roll_back(
    workspace: Workspace,
    *,
    actor: Actor,
    reason: str,
    to: str | None = None,
) -> Promotion:
    """Go back at once to the model that was in use before, or to another that once was.

    After a stop, the model that was stopped comes back. No gate is asked: it was in use already.
    """
    require(actor, Permission.ROLL_BACK)
    _check_said(reason, "Say why the model is taken back")
    store = workspace.store
    with signing.refusals_logged(workspace, actor), store.transaction(actor):
        version = models.version(store, earlier_version(workspace, to))
        return _move(workspace, version, Move.ROLLED_BACK, reason, None)


def stop_model(workspace: Workspace, *, actor: Actor, reason: str) -> Promotion:
    """Stop the model at once: from now on readers see cases without one, and a job puts them in order of arrival."""
    require(actor, Permission.STOP_MODEL)
    _check_said(reason, "Say why the model is stopped")
    with signing.refusals_logged(workspace, actor), workspace.store.transaction(actor):
        models.champion(workspace.store)
        return _move(workspace, None, Move.STOPPED, reason, None)


def _move(
    workspace: Workspace,
    version: ModelVersion | None,
    kind: Move,
    statement: str,
    gate: Gate | None,
) -> Promotion:
    """Tell of a change of the model in use, keep it, publish a checkpoint, and queue what follows from it."""
    store = workspace.store
    now, actor, newest = store.current().now, store.current().actor, models.newest_move(store)
    subject = f"model:{version.digest if version else newest.model if newest else None}"
    signature = None
    if actor != SYSTEM:
        signing.check(
            workspace, actor, act=act_of(None if version is None else version.digest), subject=subject
        )
        signature = signing.signature_of(actor, APPROVAL, at=now)
    moved = Promotion(
        None if version is None else version.digest,
        kind,
        now,
        actor.account_id,
        audit.new_token(),
        None if gate is None else gate.gate_id,
        None if gate is None else gate.protocol,
        statement.strip(),
        signature,
    )
    name = None if version is None else version.name
    detail = {"name": name, "previous": newest.model if newest else None, **_told(moved)}
    audit.append(store, f"model.{kind.value}", subject, detail, event_id=moved.event_id)
    models.move(store, moved)
    checkpoints.ask(store)
    if newest is not None:
        cause = "the model was stopped" if version is None else f"model {version.name} is in use now"
        ask_in(workspace, JobKind.RESCORE, cause=cause, anew=True)
    return moved


def act_of(model: str | None) -> str:
    """Return the name of the act of putting a model in use, or of stopping; a password is given for one act."""
    return f"use:{model}" if model else "stop"


def _told(moved: Promotion) -> Mapping[str, object]:
    signed = moved.signature
    signature = None if signed is None else signing.told(signed)
    return {
        "model": moved.model,
        "gate": moved.gate,
        "protocol": moved.protocol,
        "statement": moved.statement,
        "signature": signature,
    }


def _checked_gate(workspace: Workspace, version: ModelVersion, actor: Actor, statement: str) -> Gate:
    """Return the gate report that a promotion rests on, or say why there is none to rest on."""
    if actor == SYSTEM:
        raise NotPermitted(
            "A successor is put in use by a person who signs for it. Name an approver with --as ACCOUNT."
        )
    proposal = _proposed(workspace, version)
    if proposal.by == actor.account_id:
        raise NotPermitted("Who proposed a model can't approve it. Another approver must.")
    gate = _gate_now(workspace, version)
    if gate.verdict is GateVerdict.FAILED:
        raise Conflict("The gate refused this model, so it can't be put in use. No statement changes that.")
    if gate.verdict is GateVerdict.UNDECIDED:
        _check_said(
            statement,
            "The gate could not decide. Sign a statement of why the model is put in use all the same",
        )
    return gate


def _gate_now(workspace: Workspace, version: ModelVersion) -> Gate:
    """Return the newest report of a model against the one in use, by the protocol in force."""
    champion = models.latest_in_use(workspace.store)
    if champion is None:
        raise NoChampion(
            "There is no model in use to be measured against. Train one with `hitl-review train`."
        )
    gate = gates.latest(workspace.store, version.digest, champion)
    if gate is None:
        raise Conflict(
            f"There is no gate report of model {version.name} against the model in use. Run `hitl-review retrain`."
        )
    if gate.protocol != protocol_digest(workspace.project):
        raise Conflict(
            f"What the gate asks for was changed after model {version.name} was measured. Measure it again with "
            "`hitl-review retrain`."
        )
    return gate


def _proposed(workspace: Workspace, version: ModelVersion) -> Proposal:
    found = gates.latest_proposal(workspace.store, version.digest)
    if found is None or found.answer != "proposed":
        raise Conflict(f"Model {version.name} is not proposed. A model steward must propose it first.")
    return found


def _answer(workspace: Workspace, model: str, gate: Gate, answer: str, comment: str) -> Proposal:
    store = workspace.store
    detail = {"gate": gate.gate_id, "verdict": gate.verdict.value, "comment": comment.strip()}
    event = audit.append(store, f"model.{answer}", f"model:{model}", detail)
    now, actor = store.current().now, store.current().actor
    made = Proposal(event.event_id, model, gate.gate_id, answer, comment.strip(), now, actor.account_id)
    gates.add_proposal(store, made)
    return made


def earlier_version(workspace: Workspace, to: str | None = None) -> str:
    """Return the version to go back to: the named one, if it was in use, or the latest other one that was."""
    moves = models.moves(workspace.store)
    present = moves[-1].model if moves else None
    used = [each.model for each in moves if each.model is not None and each.model != present]
    if to is not None:
        if to not in used:
            raise ModelError("Only a version that was in use before, and is not now, can be gone back to.")
        return to
    if not used:
        raise Conflict(
            "There is no earlier model to go back to. Stop the model instead, if it must not be used."
        )
    return used[-1]


def _check_said(words: str, asked: str) -> None:
    if len(words.strip()) < LEAST_STATEMENT:
        raise Conflict(f"{asked}, in at least {LEAST_STATEMENT} characters.")
