"""41: guessing, staying after the end, and coming with yesterday's token: refused, and the log knows. G9."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import NotPermitted, SignatureRefused, SignInRefused
from hitl_review.store import accounts, audit
from hitl_review.ui.institution import claims_in
from hitl_review.workflow.accounts import (
    add_account,
    disable_account,
    enable_account,
    link_identity,
    set_password,
)
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.backup import backup
from hitl_review.workflow.bundling import export_bundle
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.promotion import stop_model
from hitl_review.workflow.rotating import rotate_key
from hitl_review.workflow.signing_in import present, sign_in, sign_in_with_identity, sign_out
from hitl_review.workflow.workspace import Workspace
from tests.attacks.desks import APPROVER
from tests.people import PASSWORD
from tests.ward import Clock, commit_read, open_case, predict, promote, show, train


def refused(workspace: Workspace, name: str, password: str) -> str:
    """Try to sign in, and return what is said."""
    with pytest.raises(SignInRefused) as told:
        sign_in(workspace, name, password, address="203.0.113.7")
    return str(told.value)


def actions(workspace: Workspace) -> list[str]:
    """The actions of all events."""
    return [event.told["action"] for event in audit.events(workspace.store)]


def test_guessing_is_stopped_and_tells_nothing_of_who_is_known(workspace: Workspace, clock: Clock) -> None:
    """A wrong password and a name that nobody has get one answer; after five tries not even the right one is taken."""
    set_password(workspace, "reader-1", PASSWORD)
    answers = {
        refused(workspace, name, f"guess {turn}") for turn in range(2) for name in ("reader-1", "nobody")
    }
    assert len(answers) == 1
    for turn in range(3):
        refused(workspace, "reader-1", f"another guess {turn}")
    locked = refused(workspace, "reader-1", PASSWORD)
    assert "Too many wrong tries" in locked
    assert actions(workspace).count("session.refused") == 5, "what is locked is not written again and again"
    assert "another guess" not in "".join(event.payload for event in audit.events(workspace.store))
    clock.advance(3600)
    assert sign_in(workspace, "reader-1", PASSWORD, address="203.0.113.7").actor.account_id == "reader-1"
    assert verify(workspace.folder).ok


def test_who_was_disabled_is_out_at_once_and_signs_nothing(workspace: Workspace, clock: Clock) -> None:
    """The session ends with the account, in the same step; a decision under way is refused, and the log says why."""
    set_password(workspace, "reader-1", PASSWORD)
    signed_in = sign_in(workspace, "reader-1", PASSWORD, address="127.0.0.1")
    model = train(workspace)
    promote(workspace, model, actor=APPROVER)
    shown, actor = predict(workspace, model)["C-1"], signed_in.actor
    opened = open_case(workspace, "C-1", actor=actor)
    clock.advance(20)
    commit_read(
        workspace,
        "C-1",
        label="died",
        probability=0.4,
        actor=actor,
        token="read-0001",
        opened_at=opened.opened_at,
    )
    show(workspace, shown, reader=actor, token="reveal-0001")
    clock.advance(20)
    disable_account(workspace, "reader-1")
    assert present(workspace, signed_in.secret) is None
    with pytest.raises(SignatureRefused):
        record_decision(
            workspace,
            "reveal-0001",
            Choice(Answer.ACCEPTED),
            actor=actor,
            token="decision-0001",
            seconds_active=9.0,
            seconds_on_screen=9.0,
        )
    assert actions(workspace)[-1] == "signature.refused"
    assert not workspace.store.rows("SELECT 1 FROM decisions")
    assert verify(workspace.folder).ok


def estimate(workspace: Workspace, reader: Actor) -> None:
    """Commit an own estimate of a case."""
    opened_at = workspace.store.clock()
    commit_read(
        workspace, "C-1", label="died", probability=0.4, actor=reader, token="read-0001", opened_at=opened_at
    )


ACTS: dict[str, tuple[str, Callable[[Workspace, Actor], object]]] = {
    "open a case": ("reader-1", lambda w, a: open_case(w, "C-1", actor=a)),
    "commit a read": ("reader-1", lambda w, a: estimate(w, a)),
    "look at the log": ("auditor-1", lambda w, a: history(w, actor=a)),
    "publish a checkpoint": ("auditor-1", lambda w, a: publish_checkpoint(w, actor=a)),
    "export the log": ("auditor-1", lambda w, a: export_bundle(w, w.folder / "log.zip", actor=a)),
    "back up": ("auditor-1", lambda w, a: backup(w.folder, w.folder / "copy.db", actor=a)),
    "stop the model": ("approver-1", lambda w, a: stop_model(w, actor=a, reason="It is not to be used.")),
    "make an account": ("admin-1", lambda w, a: add_account(w, "eve", "Eve Else", Role.READER, actor=a)),
    "set a password": ("admin-1", lambda w, a: set_password(w, "reader-2", PASSWORD, actor=a)),
    "enable itself": ("admin-1", lambda w, a: enable_account(w, "admin-1", actor=a)),
    "change the key": ("admin-1", lambda w, a: rotate_key(w, actor=a)),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_was_under_way_when_an_account_was_disabled_is_not_done(workspace: Workspace, act: str) -> None:
    """Whoever was asked before it who is there, the act itself asks again: neither row, event nor file is left."""
    add_account(workspace, "admin-1", "Adam Admin", Role.ADMIN)
    promote(workspace, train(workspace), actor=APPROVER)
    account_id, deed = ACTS[act]
    asked = accounts.actor(workspace.store, account_id)
    disable_account(workspace, account_id)
    before, files = actions(workspace), sorted(workspace.folder.iterdir())
    with pytest.raises(NotPermitted, match="is disabled"):
        deed(workspace, asked)
    assert [each for each in actions(workspace) if each != "signature.refused"] == before
    assert [path for path in sorted(workspace.folder.iterdir()) if path not in files] == []
    assert verify(workspace.folder).ok


def test_yesterdays_token_opens_nothing(workspace: Workspace, clock: Clock) -> None:
    """An identity provider's token that has expired is refused, though its cookie would live for a month."""
    link_identity(workspace, "reader-1", issuer="https://id.example", subject="8f2c")
    issued = clock.now - timedelta(days=1)
    with pytest.raises(SignInRefused, match="is over"):
        sign_in_with_identity(
            workspace,
            issuer="https://id.example",
            subject="8f2c",
            issued_at=issued,
            expires_at=issued + timedelta(hours=8),
            address="127.0.0.1",
        )
    assert "session.opened" not in actions(workspace)


@pytest.mark.parametrize("days", [0.9, 3, 8, 20])
def test_a_sign_out_is_not_undone_by_a_token_that_lasts_for_a_month(
    workspace: Workspace, clock: Clock, days: float
) -> None:
    """Not even when what was kept of its session is long forgotten: who comes again signs in with the provider."""
    link_identity(workspace, "reader-1", issuer="https://id.example", subject="8f2c")
    set_password(workspace, "reader-2", PASSWORD)
    issued = clock.now

    def come() -> Actor:
        return sign_in_with_identity(
            workspace,
            issuer="https://id.example",
            subject="8f2c",
            issued_at=issued,
            expires_at=issued + timedelta(days=30),
            address="127.0.0.1",
        )

    sign_out(workspace, come())
    clock.advance(days * 86_400)
    sign_in(workspace, "reader-2", PASSWORD, address="127.0.0.1")  # what is old is forgotten at a sign-in
    with pytest.raises(SignInRefused, match="is over"):
        come()
    assert actions(workspace).count("session.opened") == 2


@pytest.mark.parametrize("moment", [float("nan"), float("inf"), 1e20, -1e20, 10**30, True, 1_795_906_954_959])
@pytest.mark.parametrize("claim", ["iat", "exp"])
def test_a_token_of_no_moment_is_refused_in_words(claim: str, moment: object) -> None:
    """A provider that counts milliseconds, or an attacker that counts otherwise, gets a sentence and no crash."""
    now = datetime.now(UTC).timestamp()
    with pytest.raises(SignInRefused, match="until when"):
        claims_in({"iss": "https://id.example", "sub": "8f2c", "iat": now, "exp": now + 60, claim: moment})
