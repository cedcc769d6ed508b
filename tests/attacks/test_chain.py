"""1, 3, 7, 8, 9: an attack on the chain is found and placed, by our verifier and by a stranger's. G5, G7."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from hitl_review.domain.audit import chain_hash
from hitl_review.domain.canonical import canonical_json
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.auditing import verify
from tests.tampering import payloads_of, tampered

# What is done


def changed_payload(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE audit_log SET payload = replace(payload, 'Rita', 'Rosa') WHERE seq = 3")


def changed_payload_with_a_new_hash(connection: sqlite3.Connection) -> None:
    told = payloads_of(connection)[2]
    told["actor"] = "reader-2"
    previous = connection.execute("SELECT hash FROM audit_log WHERE seq = 2").fetchone()[0]
    payload = canonical_json(told)
    connection.execute(
        "UPDATE audit_log SET payload = ?, hash = ? WHERE seq = 3", (payload, chain_hash(previous, payload))
    )


def changed_hash(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE audit_log SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 3")


def removed_from_the_middle(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit_log WHERE seq = 3")


def removed_and_closed_up(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM audit_log WHERE seq = 3")
    connection.execute("UPDATE audit_log SET seq = -seq WHERE seq > 3")
    connection.execute("UPDATE audit_log SET seq = -seq - 1 WHERE seq < 0")


def swapped(connection: sqlite3.Connection) -> None:
    for old, new in ((3, -3), (4, 3), (-3, 4)):
        connection.execute("UPDATE audit_log SET seq = ? WHERE seq = ?", (new, old))


def inserted_between(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE audit_log SET seq = -seq WHERE seq >= 3")
    connection.execute("UPDATE audit_log SET seq = -seq + 1 WHERE seq < 0")
    previous = connection.execute("SELECT hash FROM audit_log WHERE seq = 2").fetchone()[0]
    told = {**payloads_of(connection)[1], "seq": 3, "event_id": "forged-event"}
    payload = canonical_json(told)
    values = (3, "forged-event", previous, payload, chain_hash(previous, payload))
    connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", values)


def forked(connection: sqlite3.Connection) -> None:
    """Two events that both follow the same one."""
    previous, last = connection.execute(
        "SELECT prev_hash, seq FROM audit_log ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    told = {**payloads_of(connection)[-1], "seq": last + 1, "event_id": "forged-event"}
    payload = canonical_json(told)
    values = (last + 1, "forged-event", previous, payload, chain_hash(previous, payload))
    connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", values)


def bytes_that_are_no_text(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE audit_log SET payload = CAST(x'ff' || payload AS TEXT) WHERE seq = 3")


ATTACKS = {
    "01 payload": (changed_payload, 3),
    "01 payload and hash": (changed_payload_with_a_new_hash, 4),
    "01 hash": (changed_hash, 3),
    "01 bytes that are no text": (bytes_that_are_no_text, 3),
    "03 removed": (removed_from_the_middle, 3),
    "03 removed and closed up": (removed_and_closed_up, 3),
    "07 two swapped": (swapped, 3),
    "08 inserted between": (inserted_between, 4),
    "09 fork": (forked, "end"),
}
Attack = Callable[[sqlite3.Connection], None]


@pytest.mark.parametrize(("attack", "first_bad"), ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_on_the_chain_is_found_and_placed(
    reviewed_folder: Path, attack: Attack, first_bad: int | str
) -> None:
    """The first bad event is named: the altered one, or the one after it where its own hash was made to fit."""
    if first_bad == "end":
        first_bad = verify(reviewed_folder).events + 1
    assert isinstance(first_bad, int)
    with tampered(reviewed_folder) as connection:
        attack(connection)
    found = verify(reviewed_folder)
    chain = [problem.seq for problem in found.problems if problem.kind == "chain"]
    assert chain[0] == first_bad, found.as_lines()
    assert found.first_bad_seq in (first_bad, first_bad - 1)  # a forged event may lack its row besides
    assert first_break(reviewed_folder / DATABASE) == first_bad


def first_break(path: Path) -> int | None:
    """Return the first event that does not fit, by a verifier written from the specification alone, or None."""
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    before, rows = b"0" * 64, connection.execute("SELECT * FROM audit_log ORDER BY seq")
    for expected, (seq, event_id, previous, payload, link) in enumerate(rows, start=1):
        if seq != expected or previous != before:
            return expected
        if hashlib.sha256(previous + b"\n" + payload).hexdigest().encode() != link:
            return expected
        told = json.loads(payload)
        if (told["seq"], told["event_id"].encode()) != (seq, event_id):
            return expected
        before = link
    connection.close()
    return None


def test_a_stranger_finds_nothing_wrong_with_an_honest_log(reviewed_folder: Path) -> None:
    """The control for the agreement above."""
    assert first_break(reviewed_folder / DATABASE) is None
    assert verify(reviewed_folder).ok
