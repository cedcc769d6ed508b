"""What people do about models on the learning page: propose, promote, decline, go back, stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import streamlit as st

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.registry import ModelVersion, Promotion
from hitl_review.store import gates, models
from hitl_review.store.gates import Gate, Proposal
from hitl_review.ui import descent, session, widgets
from hitl_review.workflow.promotion import (
    LEAST_STATEMENT,
    act_of,
    decline,
    earlier_version,
    promote,
    propose,
    roll_back,
    stop_model,
)
from hitl_review.workflow.workspace import Workspace

USE: Final = "learning_use"
CHALLENGER: Final = "learning_challenger"
"""The two places of the page where something is done; a refusal is told beside the button that was pressed."""


def challenger_acts(
    workspace: Workspace, gate: Gate, version: ModelVersion, actor: Actor, people: Mapping[str, str]
) -> None:
    """Offer what this person may do about the measured challenger, and say where it stands."""
    newest = models.newest_move(workspace.store)
    if newest is not None and newest.model == version.digest:
        widgets.line(f"Model {version.name} is in use now, put there by {descent.signed_by(newest, people)}.")
        return
    if gate.champion != models.latest_in_use(workspace.store):
        widgets.line("The model in use has changed since: this report decides nothing now. Train anew.")
        return
    if gate.verdict is GateVerdict.FAILED:
        widgets.line(f"Model {version.name} can't be put in use. The model in use stays as it is.")
        return
    proposal = gates.latest_proposal(workspace.store, version.digest)
    widgets.line(_standing(proposal, people))
    if may(actor.role, Permission.PROPOSE) and (proposal is None or proposal.answer != "proposed"):
        _comment("What the approver should know", "propose")
        _button(f"Propose {version.name}", _propose, version.digest, actor)
    if may(actor.role, Permission.PROMOTE) and proposal is not None and proposal.answer == "proposed":
        _promotion(workspace, gate, version, actor)
    widgets.refusal(CHALLENGER)


def _promotion(workspace: Workspace, gate: Gate, version: ModelVersion, actor: Actor) -> None:
    asked = (
        f"Why it is put in use although the gate could not decide, or why declined (at least {LEAST_STATEMENT} "
        "characters)"
        if gate.verdict is GateVerdict.UNDECIDED
        else "Statement, if you want to make one; or why declined"
    )
    _comment(asked, "promote")
    widgets.password_to_sign(workspace, actor, CHALLENGER)
    with st.container(horizontal=True, gap="small"):
        _button(f"Sign and put {version.name} in use", _promote, version.digest, actor, primary=True)
        _button("Decline", _decline, version.digest, actor)
    widgets.line(f"Pressing signs as {actor.name}, meaning: approval. Open cases are judged anew afterwards.")


def _standing(proposal: Proposal | None, people: Mapping[str, str]) -> str:
    if proposal is None:
        return "Not proposed yet: a model steward proposes, an approver who is somebody else promotes."
    words = {"proposed": "Proposed", "declined": "Declined"}[proposal.answer]
    comment = f": {proposal.comment}" if proposal.comment else ""
    return f"{words} by {descent.name_of(proposal.by, people)}, {proposal.at:%Y-%m-%d %H:%M} UTC{comment}"


def use_acts(workspace: Workspace, actor: Actor) -> None:
    """Offer to stop the model, or to go back to the one before, each with a reason."""
    moves = models.moves(workspace.store)
    present = moves[-1].model if moves else None
    can_stop = may(actor.role, Permission.STOP_MODEL) and present is not None
    earlier = _earlier(workspace, moves) if may(actor.role, Permission.ROLL_BACK) else None
    if not (can_stop or earlier):
        return
    back = "" if earlier is None else _back_words(earlier.name, stopped=present is None)
    title = " or ".join(part for part in ("stop the model" if can_stop else "", back) if part)
    with st.expander(_capital(title), expanded=present is None, key="use_acts"):
        _comment(f"Why (at least {LEAST_STATEMENT} characters)", "use")
        widgets.password_to_sign(workspace, actor, USE)
        with st.container(horizontal=True, gap="small"):
            if earlier is not None:
                _button(_capital(back), _roll_back, earlier.digest, actor, place=USE)
            if can_stop:
                _button("Stop the model", _stop, str(present), actor, place=USE)
        widgets.refusal(USE)
        widgets.line("It takes effect at once. " + (_STOPPING if can_stop else ""))


_STOPPING: Final = "Readers of a stopped model see cases without one, and only give their own estimates."


def _back_words(name: str, *, stopped: bool) -> str:
    return f"put model {name} back in use" if stopped else f"go back to model {name}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _earlier(workspace: Workspace, moves: list[Promotion]) -> ModelVersion | None:
    """Return the model that going back leads to, or None where there is none."""
    if not any(each.model not in (None, moves[-1].model) for each in moves):
        return None
    return models.version(workspace.store, earlier_version(workspace))


def _comment(words: str, name: str) -> None:
    """Ask for words; `name` says for which act."""
    st.text_area(words, key=session.field(name, "learning"), height=68, max_chars=2000, on_change="ignore")


def _button(
    words: str,
    act: Callable[[str, str], None],
    digest: str,
    actor: Actor,
    *,
    primary: bool = False,
    place: str = CHALLENGER,
) -> None:
    """Draw a button for an act on one model version, which is bound now: what is pressed is what was read."""
    st.button(
        words,
        key=f"act_{act.__name__}_{digest[-8:]}",
        on_click=session.guarded(act, place=place),
        args=(digest, actor.account_id),
        type="primary" if primary else "secondary",
    )


def _signer(workspace: Workspace, account_id: str, place: str, model: str | None) -> Actor:
    """Return who is at the screen, with the password given for this one act where one was typed."""
    return session.signing_actor(
        workspace, account_id, place=place, act=act_of(model), subject=f"model:{model}"
    )


def _said(name: str) -> str:
    return str(session.value(name, "learning") or "")


def _done(name: str) -> None:
    """Empty the field of an act that was recorded: its words must not stand under the next one."""
    session.set_value(name, "learning", "")


def _propose(digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        propose(workspace, digest, actor=session.same_actor(workspace, account_id), comment=_said("propose"))
    _done("propose")


def _promote(digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        actor = _signer(workspace, account_id, CHALLENGER, digest)
        promote(workspace, digest, actor=actor, statement=_said("promote"))
    _done("promote")


def _decline(digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        decline(workspace, digest, actor=session.same_actor(workspace, account_id), comment=_said("promote"))
    _done("promote")


def _roll_back(back_to: str, account_id: str) -> None:
    with session.workspace() as workspace:
        actor = _signer(workspace, account_id, USE, back_to)
        roll_back(workspace, actor=actor, reason=_said("use"), to=back_to)
    _done("use")


def _stop(_digest: str, account_id: str) -> None:
    with session.workspace() as workspace:
        stop_model(workspace, actor=_signer(workspace, account_id, USE, None), reason=_said("use"))
    _done("use")
