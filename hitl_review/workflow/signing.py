"""An act is signed: printed name, meaning and time, and what proved who signed, by the project's policy.

`session`: being signed in is enough. `window`: the password was given within the last minutes. `each`:
the password is given for every single act. What is refused is logged, and counts towards the lock.

    21 CFR 11.50, 11.70, 11.200 in spirit
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import stamp
from hitl_review.domain.signature import Proof, ProofMethod, Signature
from hitl_review.errors import SignatureRefused, SignInRefused
from hitl_review.store import accounts, audit, sessions
from hitl_review.workflow import lockout
from hitl_review.workflow.hashing import verify_password
from hitl_review.workflow.workspace import Workspace

APPROVAL: Final = "approval"
"""What the signature under a change of the model in use means."""
_GIVEN: Final = frozenset({ProofMethod.PASSWORD, ProofMethod.DEMONSTRATION})
_WRONG: Final = "That was not your password, so nothing was signed. Type it again."


def asks_for_password(workspace: Workspace, actor: Actor) -> bool:
    """Tell whether the policy asks this person for the password at the next act."""
    policy = workspace.project.review.signing
    if policy == "session":
        return False
    return policy == "each" or not _in_window(workspace, actor.proof, workspace.store.clock())


def prove(workspace: Workspace, actor: Actor, password: str, *, act: str, subject: str) -> Actor:
    """Return the actor with the proof that the password was given for one act, named by its token.

    Raises SignatureRefused for a wrong password, which is logged beside what was to be signed.
    """
    store = workspace.store
    account = accounts.find(store, actor.account_id)
    keys = lockout.keys_of(actor.account_id, account, None)
    try:
        tries = lockout.begin(workspace, keys)
    except SignInRefused as locked:
        raise SignatureRefused(str(locked), subject=subject, why="locked") from None
    row = accounts.password(store, actor.account_id)
    right = verify_password(None if row is None else row.hash, password)
    if row is None or not right or account is None or not account.enabled:
        with refusals_logged(workspace, actor):
            raise SignatureRefused(_WRONG, subject=subject, why="wrong password")
    with refusals_logged(workspace, actor), store.transaction(actor) as transaction:
        if accounts.password(store, actor.account_id) != row:  # it was set anew while it was being checked
            raise SignatureRefused(_WRONG, subject=subject, why="wrong password")
        sessions.forget_tries(store, tries, account_key=actor.account_id)
        if actor.proof.session_id is not None and not row.public:
            sessions.mark_proved(store, actor.proof.session_id)
        method = ProofMethod.DEMONSTRATION if row.public else ProofMethod.PASSWORD
        return replace(actor, proof=Proof(method, transaction.now, actor.proof.session_id, act))


@contextmanager
def refusals_logged(workspace: Workspace, actor: Actor) -> Iterator[None]:
    """Log a refusal that leaves the block, in a transaction of its own: that of the act was undone."""
    try:
        yield
    except SignatureRefused as refusal:
        with workspace.store.transaction(actor):
            audit.append(workspace.store, "signature.refused", refusal.subject, {"why": refusal.why})
        raise


def check(workspace: Workspace, actor: Actor, *, act: str, subject: str) -> None:
    """Raise SignatureRefused unless the actor has proved enough to sign this act.

    Called inside the transaction of the act, which `refusals_logged` stands around.
    """
    account = accounts.find(workspace.store, actor.account_id)
    if account is not None and not account.enabled:
        sentence = f"The account '{actor.account_id}' is disabled and can't sign."
        raise SignatureRefused(sentence, subject=subject, why="account disabled")
    session = sessions.by_id(workspace.store, actor.proof.session_id or "")
    if session is not None and session.ended is not None:
        raise SignatureRefused("You are signed out. Sign in again.", subject=subject, why="session over")
    if actor.role is not Role.SYSTEM and not _is_enough(workspace, actor.proof, act):
        sentence = "This project asks for your password to sign this. Nothing was recorded; give it and press again."
        raise SignatureRefused(sentence, subject=subject, why="password not given")


def _is_enough(workspace: Workspace, proof: Proof, act: str) -> bool:
    policy, now = workspace.project.review.signing, workspace.store.clock()
    if policy == "session":
        return True
    if policy == "window":
        return _in_window(workspace, proof, now)
    for_this = proof.act == act or (proof.act is None and proof.session_id is None)
    return proof.method in _GIVEN and for_this and _in_window(workspace, proof, now)


def _in_window(workspace: Workspace, proof: Proof, now: datetime) -> bool:
    """Tell whether somebody proved who they are in the last minutes; a proof from the future is none."""
    if proof.at is None or proof.method is ProofMethod.NONE:
        return False
    return (
        timedelta(0) <= now - proof.at <= timedelta(minutes=workspace.project.review.signing_window_minutes)
    )


def signature_of(actor: Actor, meaning: str, *, at: datetime) -> Signature:
    """Return what stands under an act: the printed name, the meaning, the time, and the proof."""
    return Signature(actor.name, meaning, at, actor.proof.method, actor.proof.at)


def told(signature: Signature) -> dict[str, object]:
    """Return a signature as an event tells it."""
    return {
        "name": signature.name,
        "meaning": signature.meaning,
        "at": stamp(signature.at),
        "method": signature.method.value,
        "proved_at": None if signature.proved_at is None else stamp(signature.proved_at),
    }
