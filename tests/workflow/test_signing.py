"""Signatures: what the policy asks for, what is refused and logged, and that none can be moved elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.decision import Answer, Choice, Decision
from hitl_review.domain.signature import Proof, ProofMethod
from hitl_review.errors import Conflict, SignatureRefused
from hitl_review.store import audit, reviews
from hitl_review.workflow import signing
from hitl_review.workflow.accounts import add_account, disable_account, link_identity, set_password
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.promotion import act_of, promote
from hitl_review.workflow.signing_in import (
    actor_with_password,
    present,
    sign_in,
    sign_in_with_identity,
    sign_out,
)
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests import ward
from tests.people import PASSWORD
from tests.tampering import payloads_of, rechain, tampered
from tests.ward import Clock

Made = Callable[[str], Workspace]
TOKEN = "decision-signed-1"


@pytest.fixture
def made(tmp_path: Path, clock: Clock):  # type: ignore[no-untyped-def]
    """Gives a ward with a signing policy, a shown case and passwords for reader and approver."""
    opened = []

    def workspace(policy: str) -> Workspace:
        text = ward.PROJECT + f'\n[review]\nsigning = "{policy}"\nsigning_window_minutes = 5\n'
        create_workspace(tmp_path / "w", text, demo=True, clock=clock)
        manager = open_workspace(tmp_path / "w", clock=clock)
        one = manager.__enter__()
        opened.append(manager)
        ward.fill(one)
        for account_id in ("reader-1", "approver-1"):
            set_password(one, account_id, PASSWORD)
        return one

    yield workspace
    for manager in opened:
        manager.__exit__(None, None, None)


def shown_case(workspace: Workspace, clock: Clock) -> str:
    """Put a model in use and show its view of a case to the reader; return what it was shown under."""
    rita = Actor("reader-1", "Rita Reader", Role.READER)
    model = ward.train(workspace)
    abe = actor_with_password(workspace, "approver-1", PASSWORD)
    promote(workspace, model, actor=abe)
    prediction = ward.predict(workspace, model)["C-1"]
    opened_at = ward.open_case(workspace, "C-1", actor=rita).opened_at
    token = "read-reader-1-C-1"
    ward.commit_read(
        workspace, "C-1", label="died", probability=0.35, actor=rita, token=token, opened_at=opened_at
    )
    return ward.show(workspace, prediction, reader=rita, token="reveal-C-1").reveal_id


def decide(workspace: Workspace, reveal_id: str, actor: Actor, token: str = TOKEN) -> Decision:
    """Accept what was shown."""
    return record_decision(
        workspace,
        reveal_id,
        Choice(Answer.ACCEPTED),
        actor=actor,
        token=token,
        seconds_active=5,
        seconds_on_screen=5,
    )


def whys(workspace: Workspace) -> list[str]:
    """Why signatures were refused, as the log has it."""
    told = [event.told for event in audit.events(workspace.store)]
    return [each["detail"]["why"] for each in told if each["action"] == "signature.refused"]


def test_with_a_session_the_sign_in_stands_under_the_signature(made: Made, clock: Clock) -> None:
    """Name, meaning, time, how it was known and since when: in the row and in the event alike."""
    workspace = made("session")
    reveal_id = shown_case(workspace, clock)
    signed = sign_in(workspace, "reader-1", PASSWORD, address="here")
    clock.advance(60)
    decision = decide(workspace, reveal_id, signed.actor)
    signature = decision.signature
    assert (signature.name, signature.meaning, signature.method) == ("Rita Reader", "review", ProofMethod.SESSION)
    assert (signature.at, signature.proved_at) == (clock.now, signed.session.opened_at)
    event = audit.find(workspace.store, TOKEN)
    assert event is not None and event.told["detail"]["signature"] == signing.told(signature)
    assert reviews.find_decision(workspace.store, TOKEN) == decision
    assert verify(workspace.folder).ok


def test_each_asks_for_the_password_of_this_very_act(made: Made, clock: Clock) -> None:
    """Being signed in is not enough, nor is a password that was given for another act; what is refused is logged."""
    workspace = made("each")
    reveal_id = shown_case(workspace, clock)
    signed = sign_in(workspace, "reader-1", PASSWORD, address="here").actor
    assert signing.asks_for_password(workspace, signed)
    with pytest.raises(SignatureRefused, match="asks for your password"):
        decide(workspace, reveal_id, signed)
    other = signing.prove(workspace, signed, PASSWORD, act="decision-other", subject="case:C-2")
    with pytest.raises(SignatureRefused):
        decide(workspace, reveal_id, other)
    assert reviews.find_decision(workspace.store, TOKEN) is None
    proved = signing.prove(workspace, signed, PASSWORD, act=TOKEN, subject="case:C-1")
    assert decide(workspace, reveal_id, proved).signature.method is ProofMethod.PASSWORD
    assert whys(workspace) == ["password not given", "password not given"]
    assert verify(workspace.folder).ok


def test_a_window_asks_again_when_it_is_over(made: Made, clock: Clock) -> None:
    """The sign-in opens the first window; a proof given later opens another, in every tab of the session."""
    workspace = made("window")
    reveal_id = shown_case(workspace, clock)
    signed = sign_in(workspace, "reader-1", PASSWORD, address="here")
    assert not signing.asks_for_password(workspace, signed.actor)
    clock.advance(5 * 60 + 1)
    stale = present(workspace, signed.secret)
    assert stale is not None and signing.asks_for_password(workspace, stale)
    with pytest.raises(SignatureRefused):
        decide(workspace, reveal_id, stale)
    signing.prove(workspace, stale, PASSWORD, act="decision-any-1", subject="case:C-1")
    fresh = present(workspace, signed.secret)
    assert fresh is not None and not signing.asks_for_password(workspace, fresh)
    assert decide(workspace, reveal_id, fresh).signature.proved_at == clock.now


def test_an_identity_that_was_proved_long_ago_opens_no_window(made: Made, clock: Clock) -> None:
    """A provider's token is met for the first time hours after it was issued: nobody proved anything just then."""
    workspace = made("window")
    reveal, issued = shown_case(workspace, clock), clock.now
    link_identity(workspace, "reader-1", issuer="https://id.example", subject="8f2c")

    def come() -> Actor:
        until = issued + timedelta(hours=10)
        told = {"issuer": "https://id.example", "subject": "8f2c", "issued_at": issued, "expires_at": until}
        return sign_in_with_identity(workspace, **told, address="127.0.0.1")  # type: ignore[arg-type]

    clock.advance(6 * 60)
    rita = come()
    assert rita.proof.at == issued and signing.asks_for_password(workspace, rita)
    with pytest.raises(SignatureRefused, match="asks for your password"):
        decide(workspace, reveal, rita)
    proved = signing.prove(workspace, rita, PASSWORD, act=TOKEN, subject="case:C-1")
    assert decide(workspace, reveal, proved).signature.proved_at == clock.now
    assert verify(workspace.folder).ok


def test_a_wrong_password_signs_nothing_and_counts(made: Made, clock: Clock) -> None:
    """Logged beside the case; after five nobody tries on, at the sign-in neither."""
    workspace = made("each")
    shown_case(workspace, clock)
    signed = sign_in(workspace, "reader-1", PASSWORD, address="here").actor
    for _ in range(5):
        with pytest.raises(SignatureRefused, match="not your password"):
            signing.prove(workspace, signed, "wrong password", act=TOKEN, subject="case:C-1")
    with pytest.raises(SignatureRefused, match="Too many"):
        signing.prove(workspace, signed, PASSWORD, act=TOKEN, subject="case:C-1")
    with pytest.raises(Exception, match="Too many"):
        sign_in(workspace, "reader-1", PASSWORD, address="elsewhere")
    assert whys(workspace) == ["wrong password"] * 5


@pytest.mark.parametrize("policy", ["session", "window", "each"])
def test_who_is_signed_out_or_disabled_signs_nothing(made: Made, clock: Clock, policy: str) -> None:
    """A proof that was good a moment ago is refused and logged; what was signed before still verifies."""
    workspace = made(policy)
    reveal_id = shown_case(workspace, clock)
    signed = sign_in(workspace, "reader-1", PASSWORD, address="here").actor
    proved = signing.prove(workspace, signed, PASSWORD, act=TOKEN, subject="case:C-1")
    first = decide(workspace, reveal_id, proved)
    sign_out(workspace, signed)
    again = signing.prove(workspace, signed, PASSWORD, act="decision-later-2", subject="case:C-1")
    with pytest.raises(SignatureRefused, match="signed out"):
        decide(workspace, reveal_id, again, "decision-later-2")
    disable_account(workspace, "reader-1")
    with pytest.raises(SignatureRefused, match="disabled"):
        decide(workspace, reveal_id, replace(again, proof=Proof(ProofMethod.PASSWORD, clock.now)), "decision-later-3")
    assert whys(workspace) == ["session over", "account disabled"]
    assert reviews.find_decision(workspace.store, TOKEN) == first
    assert verify(workspace.folder).ok


def test_a_promotion_is_signed_by_the_same_policy(made: Made, clock: Clock) -> None:
    """The password for this very model; without it nothing is put in use."""
    workspace = made("each")
    model = ward.train(workspace)
    signed = sign_in(workspace, "approver-1", PASSWORD, address="here").actor
    with pytest.raises(SignatureRefused):
        promote(workspace, model, actor=signed)
    proved = signing.prove(workspace, signed, PASSWORD, act=act_of(model), subject=f"model:{model}")
    promotion = promote(workspace, model, actor=proved)
    assert promotion.signature is not None
    assert (promotion.signature.name, promotion.signature.meaning) == ("Abe Approver", "approval")
    assert promotion.signature.method is ProofMethod.PASSWORD
    assert whys(workspace) == ["password not given"]


def test_an_unproved_actor_signs_nothing_where_the_policy_asks(made: Made, clock: Clock) -> None:
    """Not on the command line of a demonstration, not by code that forgot to ask."""
    workspace = made("window")
    reveal_id = shown_case(workspace, clock)
    for proof in (Proof(ProofMethod.NONE, clock.now), Proof(ProofMethod.DEMONSTRATION), Proof(ProofMethod.PASSWORD)):
        with pytest.raises(SignatureRefused):
            decide(workspace, reveal_id, Actor("reader-1", "Rita Reader", Role.READER, proof))


# --- attack 23


COLUMNS = ("signed_name", "signed_meaning", "signed_at", "signed_method", "signed_proof")


@pytest.mark.parametrize("table", ["decisions", "promotions"])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_signature_moved_to_another_row_is_found(reviewed_folder: Path, table: str, column: str) -> None:
    """Attack 23, in the row alone: its event tells another signature."""
    with tampered(reviewed_folder) as connection:
        changed = connection.execute(
            f"UPDATE {table} SET {column} = 'x' || coalesce({column}, '') WHERE rowid = 1"
        ).rowcount
    assert changed == 1
    found = verify(reviewed_folder)
    assert [problem.kind for problem in found.problems] == ["row_differs"]
    assert column in found.problems[0].message


def test_a_signature_cut_out_and_put_elsewhere_is_found(reviewed_folder: Path) -> None:
    """Attack 23, in the log alone: two decisions exchange their signatures, and every later hash is made anew."""
    with tampered(reviewed_folder) as connection:
        changed = payloads_of(connection)
        first, second = [each for each in changed if each["action"].startswith("decision.")][:2]
        one, other = first["detail"]["signature"], second["detail"]["signature"]
        first["detail"]["signature"], second["detail"]["signature"] = other, one
        rechain(connection, changed)
    found = verify(reviewed_folder)
    assert {problem.kind for problem in found.problems} == {"row_differs"}
    assert found.first_bad_seq == changed.index(first) + 1


def test_a_new_account_never_takes_the_place_under_an_old_signature(made: Made) -> None:
    """An account id is given once: after somebody left, too."""
    workspace = made("session")
    disable_account(workspace, "reader-2")
    with pytest.raises(Conflict, match="an id is given once"):
        add_account(workspace, "reader-2", "Somebody New", Role.READER)
