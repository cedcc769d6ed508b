"""What people do about models on the learning page: propose, promote, decline, go back, stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.registry import ModelVersion
from hitl_review.store import gates, models
from hitl_review.store.gates import Gate, Proposal
from hitl_review.ui import session, widgets
from hitl_review.workflow import signing
from hitl_review.workflow.promotion import (
    act_of,
    decline,
    earlier_version,
    promote,
    propose,
    roll_back,
    stop_model,
)
from hitl_review.workflow.workspace import Workspace

PLACE: Final = "learning"


def challenger_acts(workspace: Workspace, gate: Gate, version: ModelVersion, actor: Actor) -> None:
    """Offer what this person may do about the measured challenger, and say where it stands."""
    if gate.champion != models.latest_in_use(workspace.store):
        widgets.line("The model in use has changed since: this report decides nothing now. Train anew.")
        return
    if version.digest == gate.champion or gate.verdict is GateVerdict.FAILED:
        return
    proposal = gates.latest_proposal(workspace.store, version.digest)
    widgets.line(_standing(proposal))
    if may(actor.role, Permission.PROPOSE) and (proposal is None or proposal.answer != "proposed"):
        _comment("What the approver should know", "propose")
        _button(f"Propose {version.name}", _propose, version.digest, actor)
    if may(actor.role, Permission.PROMOTE) and proposal is not None and proposal.answer == "proposed":
        _promotion(workspace, gate, version, actor)


def _promotion(workspace: Workspace, gate: Gate, version: ModelVersion, actor: Actor) -> None:
    asked = (
        "Why it is put in use all the same"
        if gate.verdict is GateVerdict.UNDECIDED
        else "Statement, or why declined"
    )
    _comment(asked, "promote")
    _password(workspace, actor, "promote")
    with st.container(horizontal=True, gap="small"):
        _button(f"Sign and put {version.name} in use", _promote, version.digest, actor, primary=True)
        _button("Decline", _decline, version.digest, actor)
    widgets.line(f"Pressing signs as {actor.name}, meaning: approval. Open cases are judged anew afterwards.")


def _standing(proposal: Proposal | None) -> str:
    if proposal is None:
        return "Not proposed yet: a model steward proposes, an approver who is somebody else promotes."
    words = {"proposed": "Proposed", "declined": "Declined"}[proposal.answer]
    comment = f": {proposal.comment}" if proposal.comment else ""
    return f"{words} by {proposal.by}, {proposal.at:%Y-%m-%d %H:%M} UTC{comment}"


def use_acts(workspace: Workspace, actor: Actor) -> None:
    """Offer to stop the model, or to go back to the one before, each with a reason."""
    moves = models.moves(workspace.store)
    present = moves[-1].model if moves else None
    can_stop = may(actor.role, Permission.STOP_MODEL) and present is not None
    can_go_back = may(actor.role, Permission.ROLL_BACK) and any(
        each.model not in (None, present) for each in moves
    )
    if not (can_stop or can_go_back):
        return
    with st.expander(
        "Stop the model, or go back" if can_go_back else "Stop the model", expanded=present is None
    ):
        _comment("Why", "use")
        _password(workspace, actor, "use")
        with st.container(horizontal=True, gap="small"):
            if can_go_back:
                _button("Go back to the model before", _roll_back, "", actor)
            if can_stop:
                _button("Stop the model", _stop, "", actor)
        widgets.line("Both take effect at once. Readers of a stopped model see cases without one.")


def _comment(words: str, name: str) -> None:
    st.text_area(words, key=session.field(name, PLACE), height=68, max_chars=2000, on_change="ignore")


def _button(
    words: str, act: Callable[[str, str], None], digest: str, actor: Actor, *, primary: bool = False
) -> None:
    st.button(
        words,
        key=f"act_{act.__name__}_{digest[-8:]}",
        on_click=session.guarded(act),
        args=(digest, actor.account_id),
        type="primary" if primary else "secondary",
    )


def _password(workspace: Workspace, actor: Actor, name: str) -> None:
    """Ask for the password where the project's signing policy does."""
    if signing.asks_for_password(workspace, actor):
        st.text_input("Your password, to sign", type="password", key=session.field(f"{name}_password", PLACE))


def _signer(workspace: Workspace, account_id: str, name: str, model: str | None) -> Actor:
    """Return who is at the screen, with the password given for this one act where one was typed."""
    actor = session.same_actor(workspace, account_id)
    given = str(session.value(f"{name}_password", PLACE) or "")
    if not given:
        return actor
    return signing.prove(workspace, actor, given, act=act_of(model), subject=f"model:{model}")


def _said(name: str) -> str:
    return str(session.value(name, PLACE) or "")


def _propose(digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        propose(workspace, digest, actor=session.same_actor(workspace, account_id), comment=_said("propose"))


def _promote(digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        actor = _signer(workspace, account_id, "promote", digest)
        promote(workspace, digest, actor=actor, statement=_said("promote"))


def _decline(digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        decline(workspace, digest, actor=session.same_actor(workspace, account_id), comment=_said("promote"))


def _roll_back(_digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        back_to = earlier_version(workspace)
        actor = _signer(workspace, account_id, "use", back_to)
        roll_back(workspace, actor=actor, reason=_said("use"), to=back_to)


def _stop(_digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        stop_model(workspace, actor=_signer(workspace, account_id, "use", None), reason=_said("use"))
