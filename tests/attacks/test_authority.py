"""Events that were added by hand, with the rows they tell of, in the name of somebody who could not have done it.

Links, hashes and rows fit, so only a look at who may do what shows them. Whoever adds an event in the name of
somebody who may is not found: the report does not say otherwise, and the README says that it can't.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.account import ACTS, Role, may
from hitl_review.domain.audit import ACTIONS, stamp
from hitl_review.store.connection import DATABASE, sqlite3
from hitl_review.workflow import side_by_side
from hitl_review.workflow.accounts import disable_account, enable_account
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.sampling import lowest
from hitl_review.workflow.workspace import open_workspace
from tests.tampering import payloads_of, rechain, tampered
from tests.ward import NOW, Clock

AT = "2026-11-23T09:00:00.000000Z"
ANOTHER_S = "its signature is not that of who acted, at that time"
Rows = list[tuple[str, tuple[object, ...]]]


def read_by(account: str) -> tuple[dict[str, Any], Rows]:
    """An own estimate, as an event and as a row."""
    detail = {"modality": "unaided", "label": "died", "probability": 0.7, "opened_at": AT}
    row = ("forged-0001", "C-6", account, "unaided", "died", 0.7, AT, AT)
    told = {"action": "read.committed", "subject": "case:C-6", "detail": detail}
    return told, [("INSERT INTO reads VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)]


def stop_by(account: str, name: str, in_use: str) -> tuple[dict[str, Any], Rows]:
    """The model stopped and signed for, as an event and as a row."""
    signature = {"name": name, "meaning": "approval", "at": AT, "method": "session", "proved_at": AT}
    said = {"model": None, "gate": None, "protocol": None, "statement": "It is not to be used any more."}
    detail = {**said, "name": None, "previous": in_use, "signature": signature}
    row = ("forged-0001", None, "stopped", AT, account, None, None, said["statement"], *signature.values())
    told = {"action": "model.stopped", "subject": f"model:{in_use}", "detail": detail}
    return told, [(f"INSERT INTO promotions VALUES ({', '.join('?' * 13)})", row)]


def add(folder: Path, actor: str, role: str, told: dict[str, Any], rows: Rows) -> int:
    """Append an event that continues the chain, with its rows, past no trigger; return its number."""
    with tampered(folder) as connection:
        payloads = payloads_of(connection)
        fixed = {"format": 1, "event_id": "forged-0001", "at": AT, "actor": actor, "role": role}
        rechain(connection, [*payloads, {**fixed, **told}])
        for sql, values in rows:
            connection.execute(sql, values)
    return len(payloads) + 1


def found(folder: Path) -> list[tuple[int | None, str, str]]:
    """Everything the check finds."""
    return [(each.seq, each.kind, each.message) for each in verify(folder).problems]


def test_what_is_added_in_the_name_of_somebody_who_may_is_not_found(reviewed_folder: Path) -> None:
    """The control: nothing but the authority is wrong in what follows."""
    add(reviewed_folder, "reader-1", "reader", *read_by("reader-1"))
    assert found(reviewed_folder) == []


@pytest.mark.parametrize(
    ("account", "role"),
    [("auditor-1", "auditor"), ("approver-1", "approver"), ("steward-1", "model_steward")],
)
def test_a_read_of_somebody_who_may_not_read_is_found(reviewed_folder: Path, account: str, role: str) -> None:
    """An auditor can't write, and an approver does not review."""
    seq = add(reviewed_folder, account, role, *read_by(account))
    assert found(reviewed_folder) == [(seq, "authority", "the role that it is told in may not do that")]


@pytest.mark.parametrize(
    ("account", "role", "name", "words"),
    [
        ("approver-1", "approver", "Abe Approver", []),
        ("reader-1", "reader", "Rita Reader", ["the role that it is told in may not do that"]),
        ("approver-1", "approver", "Rita Reader", [ANOTHER_S]),
        ("approver-1", "approver", "", [ANOTHER_S]),
    ],
    ids=["control", "a reader", "another name", "no name"],
)
def test_a_model_stopped_by_somebody_who_may_not_or_under_another_name_is_found(
    reviewed_folder: Path, account: str, role: str, name: str, words: list[str]
) -> None:
    """A signature is the printed name of who acted."""
    with tampered(reviewed_folder) as connection:
        (in_use,) = connection.execute("SELECT model FROM promotions").fetchone()
    seq = add(reviewed_folder, account, role, *stop_by(account, name, in_use))
    assert found(reviewed_folder) == [(seq, "authority", each) for each in words]


@pytest.mark.parametrize("several", [False, True])
def test_an_act_of_somebody_whose_account_was_disabled_is_found(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    """Between the two events that say so; before and behind them it is an ordinary act."""
    if several:
        monkeypatch.setattr(side_by_side, "ALONE", 1)
        monkeypatch.setattr(side_by_side, "STRETCH", 16)
    with open_workspace(reviewed_folder, clock=Clock(NOW + timedelta(hours=1))) as workspace:
        disable_account(workspace, "reader-1")
        history(workspace)
        enable_account(workspace, "reader-1")
    assert found(reviewed_folder) == []
    add(reviewed_folder, "reader-1", "reader", *read_by("reader-1"))
    assert found(reviewed_folder) == [], "it was enabled again"
    with open_workspace(reviewed_folder, clock=Clock(NOW + timedelta(days=2))) as workspace:
        disable_account(workspace, "auditor-1")
        last = stamp(workspace.store.clock())
    viewed = {
        "action": "audit.viewed",
        "subject": "log:events",
        "detail": {},
        "event_id": "forged-0002",
        "at": last,
    }
    seq = add(reviewed_folder, "auditor-1", "auditor", viewed, [])
    assert found(reviewed_folder) == [(seq, "authority", "the account of who acted was disabled then")]


def resolved_by(reader: str) -> Callable[[sqlite3.Connection], None]:
    """Let the dispute of the learned ward have been resolved by one of its readers."""

    def do(connection: sqlite3.Connection) -> None:
        payloads = payloads_of(connection)
        for each in payloads:
            if each["action"] == "label.resolved":
                each["actor"] = reader
        rechain(connection, payloads)
        connection.execute("UPDATE resolutions SET by = ?", (reader,))

    return do


def test_a_dispute_resolved_by_one_of_its_readers_is_found(learned_folder: Path) -> None:
    """Nobody adjudicates an own read."""
    connection = sqlite3.connect(learned_folder / DATABASE)
    case_id, by = connection.execute("SELECT case_id, by FROM resolutions").fetchone()
    readers = [row[0] for row in connection.execute("SELECT reader FROM reads WHERE case_id = ?", (case_id,))]
    connection.close()
    assert by not in readers
    with tampered(learned_folder) as connection:
        resolved_by(readers[0])(connection)
        (seq,) = connection.execute(
            "SELECT seq FROM audit_log WHERE event_id IN (SELECT event_id FROM resolutions)"
        ).fetchone()
    words = "a dispute was resolved by one of the readers who disagree"
    assert (seq, "authority", words) in found(learned_folder)


def test_every_act_that_takes_a_permission_is_an_action_and_somebody_may_do_it() -> None:
    """And those that the issue names can be done by nobody else."""
    assert ACTS.keys() <= ACTIONS
    roles = {action: {role for role in Role if may(role, permission)} for action, permission in ACTS.items()}
    assert all(roles.values())
    for action in ("decision.accepted", "decision.overridden", "decision.deferred", "decision.amended"):
        assert roles[action] == {Role.READER, Role.ADJUDICATOR}
    assert roles["label.resolved"] == {Role.ADJUDICATOR}
    assert not roles["model.proposed"] & roles["model.promoted"] - {Role.SYSTEM}


@pytest.mark.parametrize(
    ("action", "like"),
    [("decision.overridden", "decision.accepted"), ("decision.accepted", "decision.amended")],
    ids=["another answer", "a first one for a change of mind"],
)
def test_a_decision_that_is_called_another_answer_is_found(
    reviewed_folder: Path, action: str, like: str
) -> None:
    """Who counts overrides counts events by their action, so that it has to be the answer's."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        place = next(place for place, each in enumerate(payloads) if each["action"] == like)
        payloads[place]["action"] = action
        rechain(connection, payloads)
    words = "it is called another answer than the one that it tells of"
    assert (place + 1, "payload", words) in found(reviewed_folder)


def sampled_by(account: str, folder: Path) -> tuple[dict[str, Any], Rows]:
    """A sample of one decision, just as its seed draws it."""
    with tampered(folder) as connection:
        ids = [row[0] for row in connection.execute("SELECT decision_id FROM decisions ORDER BY rowid")]
        (upto,) = connection.execute("SELECT max(seq) FROM audit_log").fetchone()
    drawn = list(lowest("0815", ids, 1))
    told = {"seed": "0815", "upto": upto, "of": len(ids), "decisions": drawn}
    row = ("forged-0001", "0815", upto, len(ids), json.dumps(drawn), AT, account)
    event = {"action": "audit.sampled", "subject": "log:decisions", "detail": told}
    return event, [("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)", row)]


@pytest.mark.parametrize(
    ("account", "role", "kinds"),
    [("auditor-1", "auditor", []), ("reader-1", "reader", ["authority"])],
    ids=["control", "a reader"],
)
def test_a_sample_drawn_by_somebody_who_may_not_read_the_log_is_found(
    reviewed_folder: Path, account: str, role: str, kinds: list[str]
) -> None:
    """Who is reviewed does not choose what is reviewed."""
    seq = add(reviewed_folder, account, role, *sampled_by(account, reviewed_folder))
    assert [(each[0], each[1]) for each in found(reviewed_folder)] == [(seq, kind) for kind in kinds]
