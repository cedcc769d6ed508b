"""A chain of events: what fits, what does not, and where it breaks."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from hitl_review.domain.audit import (
    ACTIONS,
    GENESIS,
    Event,
    Head,
    chain_hash,
    check_token,
    fault_of,
    link_fault,
    moment,
    next_event,
    payload_fault,
    stamp,
    told_fault,
)
from hitl_review.domain.canonical import canonical_json
from hitl_review.errors import AuditError
from tests.ward import NOW


def an_event(head: Head | None = None, **changed: Any) -> Event:
    """Return an ordinary event that continues a log."""
    ordinary: dict[str, Any] = {
        "event_id": "token-0001",
        "at": NOW,
        "actor": "reader-1",
        "role": "reader",
        "action": "case.opened",
        "subject": "case:C-1",
        "detail": {"note": "größer", "probability": 0.25},
    }
    return next_event(head or Head(), **{**ordinary, **changed})


def a_log(length: int) -> list[Event]:
    """Return a log of some events that fit each other."""
    log: list[Event] = []
    head = Head()
    for number in range(length):
        log.append(
            an_event(head, event_id=f"token-{number:04d}", detail={"number": number, "comment": "größer"})
        )
        head = Head(log[-1].seq, log[-1].hash)
    return log


def first_fault(log: list[Event]) -> int | None:
    """Return the number of the first event that something is wrong with."""
    head = Head()
    for event in log:
        if fault_of(event, head) or payload_fault(event):
            return event.seq
        head = Head(event.seq, event.hash)
    return None


def rehashed(event: Event, payload: str) -> Event:
    """Return an event with another payload whose hash was made to fit."""
    return replace(event, payload=payload, hash=chain_hash(event.prev_hash, payload))


def test_the_hash_is_what_sha256sum_says() -> None:
    """Previous hash, line feed, payload; lower-case hex. An auditor needs no program of ours."""
    event = an_event()
    assert event.hash == hashlib.sha256(f"{'0' * 64}\n{event.payload}".encode()).hexdigest()
    assert chain_hash("a", "b") == hashlib.sha256(b"a\nb").hexdigest()


def test_a_field_can_not_be_shifted_into_its_neighbour() -> None:
    """The separator keeps hash and payload apart: no payload can hold a bare line feed."""
    assert chain_hash("a", "bc") != chain_hash("ab", "c")
    assert "\n" not in an_event(detail={"comment": "two\nlines"}).payload


def test_an_event_tells_what_it_was_given() -> None:
    """Every key of the format, and nothing else."""
    told = an_event().told
    assert told == {
        "format": 1,
        "seq": 1,
        "event_id": "token-0001",
        "at": "2026-11-22T09:12:03.000001Z",
        "actor": "reader-1",
        "role": "reader",
        "action": "case.opened",
        "subject": "case:C-1",
        "detail": {"note": "größer", "probability": 0.25},
    }


def test_an_honest_log_has_no_fault() -> None:
    """No false alarm, of whatever length."""
    for length in (0, 1, 50):
        assert first_fault(a_log(length)) is None


def test_any_changed_byte_of_any_column_is_found_where_it_is() -> None:
    """Exhaustive: every character of every column of every event, changed as little as it can be."""
    log = a_log(6)
    for place, event in enumerate(log):
        for column in ("event_id", "prev_hash", "payload", "hash"):
            text = getattr(event, column)
            for index, character in enumerate(text):
                other = text[:index] + chr(ord(character) ^ 1) + text[index + 1 :]
                bent = [*log[:place], replace(event, **{column: other}), *log[place + 1 :]]
                assert first_fault(bent) == event.seq, (column, index)
        bent = [*log[:place], replace(event, seq=event.seq + 10), *log[place + 1 :]]
        assert first_fault(bent) == event.seq + 10


ATTACKS: dict[str, tuple[Callable[[list[Event]], list[Event]], int]] = {
    "removed": (lambda log: [*log[:2], *log[3:]], 4),
    "removed at the beginning": (lambda log: log[1:], 2),
    "removed and renumbered": (
        lambda log: [*log[:2], *(replace(event, seq=event.seq - 1) for event in log[3:])],
        3,
    ),
    "two swapped": (lambda log: [*log[:2], log[3], log[2], *log[4:]], 4),
    "repeated": (lambda log: [*log[:3], log[2], *log[3:]], 3),
    "payload and hash changed": (
        lambda log: [*log[:2], rehashed(log[2], log[2].payload.replace("reader-1", "reader-2")), *log[3:]],
        4,
    ),
}


@pytest.mark.parametrize(("attack", "where"), ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_on_the_order_breaks_the_chain(
    attack: Callable[[list[Event]], list[Event]], where: int
) -> None:
    """The first event that no longer follows the one before it is named."""
    assert first_fault(attack(a_log(6))) == where


def test_a_cut_tail_and_a_whole_rewriting_fit() -> None:
    """What a chain can't show, and why checkpoints are kept elsewhere."""
    log = a_log(6)
    assert first_fault(log[:4]) is None
    assert first_fault(a_log(6)) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format"),
        ({"format": True}, "format"),
        ({"seq": 2}, "disagree"),
        ({"seq": True}, "disagree"),
        ({"event_id": "token-0009"}, "disagree"),
        ({"at": "2026-11-22 09:12:03"}, "time"),
        ({"at": 5}, "time"),
        ({"actor": None}, "wrong kind"),
        ({"role": 1}, "wrong kind"),
        ({"action": ["case.opened"]}, "wrong kind"),
        ({"subject": {}}, "wrong kind"),
        ({"detail": []}, "wrong kind"),
        ({"more": 1}, "one too many"),
    ],
)
def test_a_payload_that_is_not_of_the_format_is_named(change: dict[str, object], words: str) -> None:
    """Even where hash and chain were made to fit."""
    event = an_event()
    forged = rehashed(event, canonical_json({**event.told, **change}))
    assert fault_of(forged, Head()) is None
    assert words in str(payload_fault(forged))


@pytest.mark.parametrize(
    "key", ["format", "seq", "event_id", "at", "actor", "role", "action", "subject", "detail"]
)
def test_a_payload_without_one_of_its_keys_is_named(key: str) -> None:
    """All nine are always there."""
    event = an_event()
    forged = rehashed(
        event, canonical_json({name: value for name, value in event.told.items() if name != key})
    )
    assert "lacks a key" in str(payload_fault(forged))


@pytest.mark.parametrize("payload", ["", "{}", "[]", "null", "5", '{"a": 1}', "{", "NaN", '"\ud800"'])
def test_a_payload_that_is_no_event_is_named_and_no_crash(payload: str) -> None:
    """Anything may stand in a damaged file."""
    assert payload_fault(Event(1, "token-0001", GENESIS, payload, "x" * 64)) is not None


def test_an_event_with_the_same_object_in_another_text_is_named() -> None:
    """Two texts of one object would be two hashes of one event."""
    event = an_event()
    pretty = json.dumps(event.told, indent=1, sort_keys=True)
    assert "canonical" in str(payload_fault(rehashed(event, pretty)))


def test_a_time_is_written_in_utc_with_microseconds() -> None:
    """From any time zone, summer time included, and read back the same."""
    ahead = timezone(timedelta(hours=5, minutes=30))
    assert stamp(datetime(2026, 11, 22, 1, 0, 0, 7, tzinfo=ahead)) == "2026-11-21T19:30:00.000007Z"
    assert stamp(datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)) == "2038-01-19T03:14:08.000000Z"
    assert moment(stamp(NOW)) == NOW


def test_a_time_without_a_zone_is_refused() -> None:
    """Nobody knows what it means."""
    with pytest.raises(AuditError, match="time zone"):
        stamp(datetime(2026, 11, 22, 1, 0, 0))


def test_stamps_sort_as_the_times_they_stand_for() -> None:
    """So that a query can compare them as texts."""
    times = [NOW + timedelta(microseconds=step) for step in (0, 1, 999_999, 60_000_000, 10**12)]
    assert sorted(map(stamp, reversed(times))) == list(map(stamp, times))


@pytest.mark.parametrize("token", ["12345678", "a" * 64, "0b9c-ABC_z"])
def test_a_token_may_be_any_short_plain_name(token: str) -> None:
    """A UUID, with or without hyphens, and what a script makes up."""
    assert check_token(token) == token


@pytest.mark.parametrize("token", ["", "1234567", "a" * 65, "with blank", "ümlaut-token", "token-001\n"])
def test_any_other_token_is_refused(token: str) -> None:
    """A token ends up in URLs, files and shells."""
    with pytest.raises(AuditError, match="token"):
        check_token(token)


def test_every_action_is_a_noun_and_what_happened_to_it() -> None:
    """`noun.past`, and none of the specified ones is missing."""
    specified = """log.opened project.configured case.received case.opened case.assigned prediction.made
        prediction.shown read.committed decision.accepted decision.overridden decision.deferred decision.amended
        outcome.recorded label.collected model.trained gate.passed gate.failed model.promoted model.rolled_back
        model.stopped cases.rescored study.frozen study.locked study.unsealed account.created account.disabled
        session.opened session.refused signature.refused audit.viewed audit.exported checkpoint.published
        key.rotated clock.regressed"""
    assert set(specified.split()) <= ACTIONS
    assert all(action.replace("_", "").replace(".", "", 1).isalpha() and "." in action for action in ACTIONS)


def test_an_unknown_action_can_not_be_told() -> None:
    """An auditor's filter would never find it."""
    with pytest.raises(AuditError, match="not an action"):
        an_event(action="case.closed")


@pytest.mark.parametrize(
    "subject", ["C-1", "case:", ":C-1", "Case:C-1", "case:C 1", "case:C\n1", "case:" + "x" * 201]
)
def test_a_subject_without_its_kind_is_refused(subject: str) -> None:
    """`kind:id`, so that nothing is mistaken for something else."""
    with pytest.raises(AuditError, match="subject"):
        an_event(subject=subject)


# What is said, to the letter: these sentences stand in reports and on pages


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            lambda: stamp(datetime(2026, 11, 22)),
            "A moment without a time zone can't stand in the log. Use `datetime.now(UTC)`.",
        ),
        (
            lambda: check_token("short"),
            "A token must be 8 to 64 letters, digits, hyphens or underscores. Use a fresh UUID.",
        ),
        (
            lambda: an_event(subject="C-1"),
            "An event's subject must read kind:id without spaces, for instance case:C-0042.",
        ),
        (
            lambda: an_event(action="case.closed"),
            f"'case.closed' is not an action of the log. Choose one of {', '.join(sorted(ACTIONS))}.",
        ),
    ],
)
def test_a_refusal_says_what_to_do(act: Callable[[], object], words: str) -> None:
    """One sentence, whole."""
    with pytest.raises(AuditError) as refused:
        act()
    assert str(refused.value) == words


def test_a_break_of_the_chain_is_said_plainly() -> None:
    """Which event is missing, or which of an event's hashes is not right."""
    event = an_event()
    link = (event.prev_hash, event.payload, event.hash)
    assert link_fault(3, GENESIS, 6, *link) == "event 4 is missing: the next one is numbered 6"
    assert link_fault(0, "a" * 64, 1, *link) == "its previous hash is not the hash of the event before it"
    assert (
        link_fault(0, GENESIS, 1, GENESIS, event.payload, "a" * 64)
        == "its hash is not the hash of its payload"
    )
    assert link_fault(0, GENESIS, 1, *link) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"more": 1}, "its payload lacks a key, or has one too many"),
        ({"format": 2}, "its format is 2; this program reads format 1"),
        ({"event_id": "token-0009"}, "its columns and its payload disagree"),
        ({"at": "today"}, "its time is not written as the format asks"),
        ({"detail": []}, "its actor, role, action, subject or detail is of the wrong kind"),
    ],
)
def test_a_fault_of_a_payload_is_said_plainly(change: dict[str, object], words: str) -> None:
    """What a report prints behind the number of the event."""
    event = an_event()
    assert payload_fault(rehashed(event, canonical_json({**event.told, **change}))) == words


def test_bytes_that_are_no_text_are_hashed_as_they_stand() -> None:
    """A damaged file is judged, too: the byte 0xff comes escaped out of the database."""
    expected = hashlib.sha256(b"0" * 64 + b"\n" + b"a\xff").hexdigest()
    assert chain_hash(GENESIS, b"a\xff".decode("utf-8", "surrogateescape")) == expected


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that stands in Berlin, where clocks go back an hour in the night of 25 October 2026."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_summer_time_does_not_turn_the_log_back(berlin: None) -> None:
    """32: two moments an hour apart, both 02:30 on the wall in Berlin, are told in UTC and in order."""
    summer = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    winter = summer + timedelta(hours=1)
    assert summer.astimezone().hour == winter.astimezone().hour == 2
    assert (stamp(summer.astimezone()), stamp(winter.astimezone())) == (
        "2026-10-25T00:30:00.000000Z",
        "2026-10-25T01:30:00.000000Z",
    )
    assert moment(stamp(summer)).tzinfo is UTC


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        *(("2026-02-28", True), ("2026-02-29", False), ("2028-02-29", True), ("2026-02-30", False)),
        *(("2026-04-30", True), ("2026-04-31", False), ("2026-12-31", True)),
    ],
)
@pytest.mark.parametrize(
    ("action", "fault"),
    [
        ("decision.accepted", None),
        ("plan.made", None),
        ("plan.m\u0430de", "its action does not read noun.past"),
        ("Plan.made", "its action does not read noun.past"),
    ],
)
def test_a_time_lies_on_a_day_that_there_is(day: str, is_one: bool, action: str, fault: str | None) -> None:
    """Whatever the action is, and whether this program knows it."""
    told = {
        **{"format": 1, "seq": 1, "event_id": "event-0001", "at": f"{day}T23:59:59.000001Z", "actor": "a"},
        **{"role": "reader", "action": action, "subject": "case:C-1", "detail": {}},
    }
    expected = fault if is_one else "its time is on a day that no calendar has"
    assert told_fault(told, 1, "event-0001") == expected
