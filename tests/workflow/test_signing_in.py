"""Signing in and out: who is let in, what is told and logged, and when it ends, in every tab."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import pytest

from hitl_review.domain.access import Ended
from hitl_review.domain.account import Actor, Role
from hitl_review.domain.signature import ProofMethod
from hitl_review.errors import AccountError, NotPermitted, SignInRefused
from hitl_review.store import audit
from hitl_review.workflow.accounts import (
    add_account,
    disable_account,
    enable_account,
    give_public_password,
    link_identity,
    set_password,
    unlink_identity,
)
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.signing_in import (
    REFUSED,
    is_live,
    present,
    sign_in,
    sign_in_with_identity,
    sign_out,
    why_over,
)
from hitl_review.workflow.workspace import Workspace
from tests.people import PASSWORD
from tests.ward import Clock

HERE = "127.0.0.1"
ISSUER = "https://id.example"


@pytest.fixture
def people(workspace: Workspace) -> Workspace:
    """The ward with a password for its first reader."""
    set_password(workspace, "reader-1", PASSWORD)
    return workspace


def told(workspace: Workspace, action: str) -> list[dict]:
    """What the events of an action tell, oldest first."""
    return [event.told for event in audit.events(workspace.store) if event.told["action"] == action]


def refused(workspace: Workspace, name: str, password: str, address: str = HERE) -> str:
    """Try to sign in, be refused, and return the sentence."""
    with pytest.raises(SignInRefused) as error:
        sign_in(workspace, name, password, address=address)
    return str(error.value)


def test_name_and_password_open_a_session(people: Workspace) -> None:
    """The database holds no secret, only digests; the log tells who, from where and how."""
    signed = sign_in(people, "reader-1", PASSWORD, address=HERE)
    actor = present(people, signed.secret)
    assert actor is not None
    assert (actor.account_id, actor.role, actor.proof.method) == ("reader-1", Role.READER, ProofMethod.SESSION)
    event = told(people, "session.opened")[-1]
    assert (event["actor"], event["detail"]["address"]) == ("reader-1", HERE)
    people.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    held = people.store.path.read_bytes()
    assert signed.secret.encode() not in held and PASSWORD.encode() not in held
    assert verify(people.folder).ok


def test_a_forged_secret_opens_nothing(people: Workspace) -> None:
    """Attack 40: neither a guess, nor the digest that is stored, nor what stands for an identity's token."""
    sign_in(people, "reader-1", PASSWORD, address=HERE)
    stored = people.store.rows("SELECT secret, session_id FROM ui_sessions")[0]
    for secret in ("", "x", stored["secret"], stored["session_id"], f"identity\n{ISSUER}\n8f2c\n0.0"):
        assert present(people, secret) is None
    assert present(people, None) is None


def test_wrong_unknown_disabled_and_without_password_get_one_answer(people: Workspace) -> None:
    """Nobody learns from it who has an account."""
    set_password(people, "auditor-1", PASSWORD)
    disable_account(people, "auditor-1")
    sentences = {
        refused(people, "reader-1", "another password", "10.0.0.1"),
        refused(people, "nobody-at-all", PASSWORD, "10.0.0.2"),
        refused(people, "auditor-1", PASSWORD, "10.0.0.3"),
        refused(people, "reader-2", PASSWORD, "10.0.0.4"),
    }
    assert sentences == {REFUSED}


def test_what_was_typed_for_a_name_stands_nowhere(people: Workspace) -> None:
    """People type passwords into the wrong field: an unknown name is in no event and in no table."""
    refused(people, "my secret passphrase", "x")
    assert told(people, "session.refused")[-1]["subject"] == "account:unknown"
    people.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"my secret passphrase" not in people.store.path.read_bytes()


def test_an_unknown_name_takes_as_long_as_a_wrong_password(people: Workspace, clock: Clock) -> None:
    """Attack 41: the times lie within a third of each other, so time tells nothing.

    The shortest of each is compared: other work on the machine only adds to a time, and can double a median.
    """
    times: dict[str, list[float]] = {"reader-1": [], "nobody-at-all": []}
    refused(people, "first-of-all", "x", "10.9.9.9")
    for turn in range(9):
        for name, taken in times.items():
            clock.advance(1000)
            before = time.perf_counter()
            refused(people, name, "wrong password", f"10.0.1.{turn}")
            taken.append(time.perf_counter() - before)
    known, unknown = (min(taken) for taken in times.values())
    assert abs(known - unknown) < max(known, unknown) / 3


@pytest.mark.parametrize("name", ["reader-1", "nobody-at-all"])
def test_five_wrong_tries_lock_a_name_known_or_not(people: Workspace, clock: Clock, name: str) -> None:
    """Attack 41: from any address; the right password does not help; a quarter of an hour later it does."""
    for turn in range(5):
        assert refused(people, name, "wrong password", f"10.0.0.{turn}") == REFUSED
    locked = refused(people, name, PASSWORD, "10.0.1.1")
    assert "Too many" in locked and "15 minutes" in locked
    assert told(people, "session.refused")[-1]["detail"]["locked"] is True
    clock.advance(14 * 60)
    assert "Too many" in refused(people, name, PASSWORD, "10.0.1.2")
    clock.advance(61)
    if name == "reader-1":
        assert sign_in(people, name, PASSWORD, address="10.0.1.3")


def test_five_wrong_tries_lock_an_address(people: Workspace) -> None:
    """A guesser who goes from name to name is kept out; others elsewhere are not."""
    for turn in range(5):
        refused(people, f"name-{turn}", "wrong password")
    assert "Too many" in refused(people, "reader-1", PASSWORD)
    assert sign_in(people, "reader-1", PASSWORD, address="10.0.0.9")


def test_a_locked_name_is_not_written_to_the_log_again_and_again(people: Workspace) -> None:
    """A flood of tries fills no disk."""
    for turn in range(12):
        refused(people, "reader-1", "wrong password", f"10.0.2.{turn}")
    assert len(told(people, "session.refused")) == 5


def test_the_right_password_clears_the_count(people: Workspace) -> None:
    """A person who mistyped four times and then remembered starts anew."""
    for _ in range(2):
        for turn in range(4):
            refused(people, "reader-1", "wrong password", f"10.0.3.{turn}")
        sign_in(people, "reader-1", PASSWORD, address="10.0.4.1")


def test_tries_at_the_same_moment_are_no_more_than_the_limit(people: Workspace) -> None:
    """Counted before the password is looked at: thirty threads get five looks."""
    from hitl_review.workflow.workspace import open_workspace

    answers: list[str] = []

    def guess(number: int) -> None:
        with open_workspace(people.folder, clock=people.store.clock) as opened:
            answers.append(refused(opened, "reader-1", f"wrong {number}", f"10.1.0.{number}"))

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(15)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers.count(REFUSED) == 5 and len(answers) == 15


def test_sitting_still_ends_a_session(people: Workspace, clock: Clock) -> None:
    """After a quarter of an hour without an act; looking without acting does not count; the end is logged once."""
    secret = sign_in(people, "reader-1", PASSWORD, address=HERE).secret
    clock.advance(14 * 60)
    assert present(people, secret) is not None
    assert present(people, secret, active=True) is not None
    clock.advance(14 * 60)
    assert present(people, secret) is not None
    clock.advance(61)
    assert present(people, secret) is None
    assert present(people, secret, active=True) is None
    assert why_over(people, secret) is Ended.IDLE
    assert [each["detail"]["why"] for each in told(people, "session.closed")] == ["idle"]


def test_a_day_s_work_ends_a_session_whatever_is_done(people: Workspace, clock: Clock) -> None:
    """Twelve hours, with an act every ten minutes."""
    secret = sign_in(people, "reader-1", PASSWORD, address=HERE).secret
    for _ in range(71):
        clock.advance(600)
        assert present(people, secret, active=True) is not None
    clock.advance(600)
    assert present(people, secret, active=True) is None
    assert why_over(people, secret) is Ended.EXPIRED


def test_signing_out_ends_it_for_good(people: Workspace) -> None:
    """In every tab, because each asks the database; another session of the same person goes on."""
    first = sign_in(people, "reader-1", PASSWORD, address=HERE)
    second = sign_in(people, "reader-1", PASSWORD, address=HERE)
    assert first.secret != second.secret and len(first.secret) >= 43
    sign_out(people, first.actor)
    sign_out(people, first.actor)
    assert present(people, first.secret) is None and not is_live(people, first.session.session_id)
    assert present(people, second.secret) is not None and is_live(people, second.session.session_id)
    assert [each["detail"]["why"] for each in told(people, "session.closed")] == ["signed out"]


def test_disabling_ends_every_session_in_the_same_step(people: Workspace) -> None:
    """Attack 41: a session that was open does nothing any more, and enabling does not bring it back."""
    secrets = [sign_in(people, "reader-1", PASSWORD, address=HERE).secret for _ in range(2)]
    disable_account(people, "reader-1")
    assert [present(people, each) for each in secrets] == [None, None]
    refused(people, "reader-1", PASSWORD)
    enable_account(people, "reader-1")
    assert [present(people, each) for each in secrets] == [None, None]
    assert sign_in(people, "reader-1", PASSWORD, address=HERE)


def test_a_new_password_ends_the_sessions_of_the_old_one(people: Workspace) -> None:
    """All but the one in which the person sets it."""
    other = sign_in(people, "reader-1", PASSWORD, address=HERE)
    own = sign_in(people, "reader-1", PASSWORD, address=HERE)
    set_password(people, "reader-1", "four new words here", actor=own.actor, keep_session=True)
    assert present(people, other.secret) is None and present(people, own.secret) is not None
    refused(people, "reader-1", PASSWORD)
    assert sign_in(people, "reader-1", "four new words here", address=HERE)


def test_a_new_password_of_ones_own_is_another_one(people: Workspace) -> None:
    """Whoever had set the first one would still know it; who sets it for somebody else is told nothing about it."""
    own = sign_in(people, "reader-1", PASSWORD, address=HERE)
    with pytest.raises(AccountError, match="have already"):
        set_password(people, "reader-1", PASSWORD, actor=own.actor, keep_session=True)
    assert present(people, own.secret) is not None
    assert len(told(people, "password.set")) == 1
    add_account(people, "admin-1", "Adam Admin", Role.ADMIN)
    set_password(people, "reader-1", PASSWORD, actor=Actor("admin-1", "Adam Admin", Role.ADMIN))


def test_public_passwords_exist_in_demonstrations_only(workspace: Workspace, clinic: Workspace) -> None:
    """What is signed with one says that it proves nothing."""
    give_public_password(workspace, "reader-1")
    actor = sign_in(workspace, "reader-1", "demonstration", address=HERE).actor
    assert actor.proof.method is ProofMethod.DEMONSTRATION
    add_account(clinic, "anna", "Anna Berg", Role.READER)
    with pytest.raises(NotPermitted, match="demonstration"):
        give_public_password(clinic, "anna")


# --- identity providers


def by_identity(workspace: Workspace, clock: Clock, *, subject: str = "8f2c", age: float = 0, lasts: float = 3600):
    """Come with a token of the provider."""
    issued = clock.now - timedelta(seconds=age)
    return sign_in_with_identity(
        workspace,
        issuer=ISSUER,
        subject=subject,
        issued_at=issued,
        expires_at=issued + timedelta(seconds=lasts),
        address=HERE,
    )


def test_a_linked_identity_signs_in_as_its_account(workspace: Workspace, clock: Clock) -> None:
    """By issuer and subject, never by a name or an address; looking again opens no second session."""
    link_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    actor = by_identity(workspace, clock)
    assert (actor.account_id, actor.proof.method) == ("reader-1", ProofMethod.IDENTITY)
    assert by_identity(workspace, clock).proof.session_id == actor.proof.session_id
    assert len(told(workspace, "session.opened")) == 1


def test_an_identity_that_nobody_linked_fills_no_log(workspace: Workspace, clock: Clock) -> None:
    """Each run of the page meets its token: after the tries that lock a name, it is refused without an event."""
    for _ in range(20):
        with pytest.raises(SignInRefused, match="not linked"):
            by_identity(workspace, clock)
    refused = told(workspace, "session.refused")
    assert [each["detail"]["locked"] for each in refused] == [False] * 4 + [True]
    link_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    assert by_identity(workspace, clock).account_id == "reader-1", "who is linked then need not wait"


def test_an_identity_that_nobody_linked_is_refused_and_logged(workspace: Workspace, clock: Clock) -> None:
    """Being known to the institution is no account here."""
    with pytest.raises(SignInRefused, match="not linked"):
        by_identity(workspace, clock)
    assert told(workspace, "session.refused")


@pytest.mark.parametrize(("age", "lasts"), [(3601, 3600), (-3600, 7200)])
def test_an_expired_or_future_token_is_refused(workspace: Workspace, clock: Clock, age: float, lasts: float) -> None:
    """Attack 41: Streamlit does not look at `exp`; we do."""
    link_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    with pytest.raises(SignInRefused, match="is over"):
        by_identity(workspace, clock, age=age, lasts=lasts)


def test_a_token_that_expires_while_signed_in_ends_the_session(workspace: Workspace, clock: Clock) -> None:
    """Checked at each run, whatever the cookie's own month says."""
    link_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    issued: datetime = clock.now
    by_identity(workspace, clock)
    clock.advance(599)
    with pytest.raises(SignInRefused, match="is over"):
        clock.advance(3600)
        sign_in_with_identity(
            workspace,
            issuer=ISSUER,
            subject="8f2c",
            issued_at=issued,
            expires_at=issued + timedelta(seconds=3600),
            address=HERE,
        )


@pytest.mark.parametrize("how", ["signed out", "unlinked", "disabled"])
def test_what_ended_is_not_begun_again_by_the_same_token(workspace: Workspace, clock: Clock, how: str) -> None:
    """Streamlit's cookie lives for a month; a sign-out here is not undone by it."""
    link_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    actor = by_identity(workspace, clock)
    if how == "signed out":
        sign_out(workspace, actor)
    elif how == "unlinked":
        unlink_identity(workspace, "reader-1", issuer=ISSUER, subject="8f2c")
    else:
        disable_account(workspace, "reader-1")
    with pytest.raises(SignInRefused):
        by_identity(workspace, clock)
    assert verify(workspace.folder).ok
