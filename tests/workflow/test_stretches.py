"""A payload is trusted by the fast way exactly where it is by the careful one."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl_review.domain.canonical import DEEPEST, canonical_json, parse_canonical
from hitl_review.domain.checkpoint import Frontier
from hitl_review.domain.verification import Problem
from hitl_review.errors import AuditError
from hitl_review.store import audit, inspection
from hitl_review.store.connection import DATABASE, open_store, sqlite3
from hitl_review.workflow import stretches
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.rotating import rotate_key
from hitl_review.workflow.stretches import order_problems, trusted, walk
from hitl_review.workflow.workspace import Workspace
from tests.tampering import payloads_of, rechain, tampered
from tests.ward import Clock

TRAPS = (
    *('{"a":1.0}', '{"a":1e5}', "[1.0]", '{"a":-0}', '{"a":-0.0}', '{"a":1.50}', '{"a":0.0000001}', "[1e-6]"),
    *('{"a":0.000001}', '{"a":9007199254740993}', '{"a":9007199254740991}', '{"a":1,"a":1}', '{"b":1,"a":1}'),
    *('{"a": 1}', r'{"a":"\u0041"}', r'{"a":"\/"}', r'{"a":"\u0008"}', r'{"a":"\u0000"}', r'{"a":"\\u0000"}'),
    *(
        r'{"a":"\u001f"}',
        "NaN",
        "[Infinity]",
        "[1,2",
        '{"a":1}x',
        ' {"a":1}',
        "1.0",
        "1e5",
        "1",
        '"x"',
        "null",
        "",
    ),
    *(
        "[0.1000000000000000055]",
        r'{"a":"\ud800"}',
        '{"a":"\x7f"}',
        "[5e-324]",
        "[[1e16]]",
        '{"a":{"b":[1e-5]}}',
    ),
    *(
        "[0.0001]",
        "[1e15]",
        "[999999999999999.9]",
        "[1e21]",
        '{"a":[1,{"b":2.5}]}',
        '{"ä":"ö"}',
        '{"a":"\U0001f600"}',
        '{"\U0001f600":1,"\ufb00":2}',
        '{"\ufb00":2,"\U0001f600":1}',
    ),
)


def told(reads: object, text: str) -> str:
    """What a way of reading says of a text: the value, or why not."""
    try:
        return repr(reads(text))  # type: ignore[operator]
    except AuditError as error:
        return str(error)


@pytest.mark.parametrize("text", TRAPS)
def test_both_ways_say_the_same_of_a_trap(text: str) -> None:
    """Numbers, escapes, doubled keys, blanks: where encoders differ, the careful way judges."""
    assert told(trusted, text) == told(parse_canonical, text)


def test_both_ways_say_the_same_of_many_numbers() -> None:
    """However they are written."""
    chance = random.Random(20261125)
    for place in range(5_000):
        number = chance.choice(
            [
                chance.random(),
                chance.uniform(-1e6, 1e6),
                chance.random() * 10 ** chance.randint(-8, 20),
                place / 1,
            ]
        )
        for text in (f"[{number}]", f"[{number:.3f}]", f'{{"a":{number:g}}}', canonical_json([number])):
            assert told(trusted, text) == told(parse_canonical, text), text


def test_what_the_product_writes_is_trusted() -> None:
    """In every kind of value an event may hold."""
    value = {
        "a": [1, 2.5, None, True, {"b": "ü\n"}],
        "c": -7,
        "d": 0.1,
        "e": 1e-9,
        "f": 123456789012345680000.0,
    }
    assert trusted(canonical_json(value)) == value


# Stretches


def test_a_stretch_begins_where_the_one_before_ended(reviewed: Workspace) -> None:
    """Wherever an honest log is cut in two, nothing is wrong with either part."""
    whole, size = walk(reviewed.store), audit.head(reviewed.store).size
    for cut in range(1, size):
        first, second = walk(reviewed.store, upto=cut), walk(reviewed.store, after=cut)
        assert (first.chain, first.told, second.chain, second.told) == ([], [], [], []), cut
        assert first.rows + second.rows == whole.rows


def test_a_stretch_knows_whether_a_clock_was_set_back_in_it(workspace: Workspace, clock: Clock) -> None:
    """Only there: what is asked by time elsewhere is asked by place then."""
    for seconds in (0, 60, -3600, 60):
        clock.advance(seconds)
        with workspace.store.transaction():
            audit.append(workspace.store, "audit.viewed", "log:events", {})
    told = [event.seq for event in audit.of_action(workspace.store, "clock.regressed")]
    assert len(told) == 1
    assert walk(workspace.store).set_back is True
    assert walk(workspace.store, upto=told[0] - 1).set_back is False
    assert walk(workspace.store, after=told[0] - 1, upto=told[0]).set_back is True
    assert walk(workspace.store, after=told[0]).set_back is False


@pytest.mark.parametrize(
    ("table", "column", "told"),
    [("reads", "label", "row_differs"), ("decisions", "comment", "row_differs"), ("audit_log", "hash", "chain")],
)
def test_what_is_no_text_is_told_of_as_any_other_change(
    reviewed_folder: Path, table: str, column: str, told: str
) -> None:
    """The faster way of reading fails at it, and is not what a damaged log is judged by; words stay unsaid."""
    with tampered(reviewed_folder) as connection:
        last = f"(SELECT max(rowid) FROM {table})"
        connection.execute(f"UPDATE {table} SET {column} = CAST('Ada' || x'ff' AS TEXT) WHERE rowid = {last}")
    with inspection.opened(reviewed_folder / DATABASE) as store:
        before = store.db.conn.text_factory
        found = walk(store)
        assert store.db.conn.text_factory is before
    assert [each.kind for each in (*found.chain, *found.told)] == [told]
    assert found.whole
    assert not any("Ada" in each.message for each in (*found.chain, *found.told))


@pytest.mark.parametrize("cut", range(5, 12))
def test_time_that_goes_back_is_found_across_a_damaged_event(reviewed_folder: Path, cut: int) -> None:
    """The last time that can be trusted counts, though a stretch begins behind an event that tells none."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        payloads[10]["at"] = "2020-01-01T00:00:00.000000Z"
        rechain(connection, payloads)
        connection.execute("UPDATE audit_log SET payload = '{}' WHERE seq = 9")
        connection.execute("""UPDATE audit_log SET payload = '{"a": 1}' WHERE seq = 10""")
    with open_store(reviewed_folder) as store:
        apart = [*walk(store, upto=cut).told, *walk(store, after=cut).told]
        assert [each for each in apart if each.kind == "clock"] == [
            each for each in walk(store).told if each.kind == "clock"
        ]
        assert 11 in {each.seq for each in apart if each.kind == "clock"}


def test_without_any_time_before_it_nothing_can_go_back(reviewed_folder: Path) -> None:
    """A log whose first events all are damaged begins with the first time it tells."""
    with tampered(reviewed_folder) as connection:
        connection.execute("UPDATE audit_log SET payload = '{}' WHERE seq <= 4")
    with open_store(reviewed_folder) as store:
        assert "clock" not in {each.kind for each in walk(store, after=4).told}
        assert walk(store, after=4).chain == []


def test_a_stretch_behind_a_gap_is_told_by_its_numbers(reviewed_folder: Path) -> None:
    """It goes on from the event that is there, and says which one is not."""
    with tampered(reviewed_folder) as connection:
        connection.execute("DELETE FROM audit_log WHERE seq = 8")
    with open_store(reviewed_folder) as store:
        assert [each.words for each in walk(store, after=7).chain] == [
            "event 8: event 8 is missing: the next one is numbered 9"
        ]


def test_a_stretch_with_no_event_before_it_goes_on_from_nothing(reviewed_folder: Path) -> None:
    """All events before it were cut off: the first of them is the one that is missing."""
    with tampered(reviewed_folder) as connection:
        connection.execute("DELETE FROM audit_log WHERE seq <= 7")
    with open_store(reviewed_folder) as store:
        assert [each.words for each in walk(store, after=7).chain] == [
            "event 1: event 1 is missing: the next one is numbered 8"
        ]


def test_what_all_encoders_write_alike_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The careful way takes five times as long, and is asked only where encoders differ."""
    asked: list[str] = []
    monkeypatch.setattr(stretches, "parse_canonical", asked.append)
    assert trusted('{"a":[1,2.5,"x",null],"b":{"c":true}}') == {"a": [1, 2.5, "x", None], "b": {"c": True}}
    assert asked == []
    trusted('{"a":1.0}')
    assert asked == ['{"a":1.0}']


def test_every_so_many_events_it_is_told_how_far_the_walk_is(
    reviewed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted from the beginning of the stretch."""
    monkeypatch.setattr(stretches, "STEP", 4)
    told: list[int] = []
    walk(reviewed.store, after=3, upto=13, done=told.append)
    assert told == [4, 8]


def test_a_log_that_can_not_be_read_to_the_end_was_not_walked_whole(
    reviewed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found up to there is told; an error that says nothing of the file ends the check."""
    events = list(inspection.raw_events(reviewed.store))[:5]

    def broken(error: sqlite3.DatabaseError) -> Iterator[inspection.RawEvent]:
        yield from events
        raise error

    wrong = sqlite3.DatabaseError("database disk image is malformed")
    wrong.sqlite_errorcode = 11
    monkeypatch.setattr(inspection, "raw_events", lambda store, **asked: broken(wrong))
    found = walk(reviewed.store)
    assert found.chain == [
        Problem(None, "unreadable", "the log can't be read to the end: database disk image is malformed")
    ]
    assert found.whole is False
    locked = sqlite3.DatabaseError("database is locked")
    locked.sqlite_errorcode = 5
    monkeypatch.setattr(inspection, "raw_events", lambda store, **asked: broken(locked))
    with pytest.raises(sqlite3.DatabaseError, match="locked"):
        walk(reviewed.store)


def test_the_key_that_the_log_began_with_is_tried_in_every_stretch(reviewed_folder: Path) -> None:
    """Also where the event of a checkpoint names none; without it, nothing is known to be signed."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        key = payloads[0]["detail"]["public_key"]
        for each in payloads:
            if each["action"] == "checkpoint.published":
                del each["detail"]["key"]
        rechain(connection, payloads)
    with open_store(reviewed_folder) as store:
        assert {proved for _, _, proved in walk(store).checkpoints} == {key}
        assert {proved for _, _, proved in walk(store, after=1, key=key).checkpoints} == {key}
        assert {proved for _, _, proved in walk(store, after=1).checkpoints} == {""}


def test_a_checkpoint_is_proved_by_the_key_that_its_event_names(reviewed: Workspace) -> None:
    """Also behind a change of the key, where another key than the log's first signs."""
    publish_checkpoint(reviewed)
    rotate_key(reviewed)
    events = list(audit.events(reviewed.store))
    named = [each.told["detail"]["key"] for each in events if each.told["action"] == "checkpoint.published"]
    assert len({*named}) == 2
    assert [proved for _, _, proved in walk(reviewed.store).checkpoints] == named
    assert [proved for _, _, proved in walk(reviewed.store, after=1).checkpoints] == named


def test_a_walk_that_met_too_much_tells_what_it_saw(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops at the event with which it was too much, and was not whole; tree and rows are those up to there."""
    monkeypatch.setattr(stretches, "MOST_PROBLEMS", 3)
    with tampered(reviewed_folder) as connection:
        hashes = [row[0] for row in connection.execute("SELECT hash FROM audit_log ORDER BY seq")]
        connection.execute("UPDATE audit_log SET payload = '{}' WHERE seq IN (9, 10)")
    with open_store(reviewed_folder) as store:
        found, before = walk(store), walk(store, upto=8)
    broken, lacking = (
        "its hash is not the hash of its payload",
        "its payload lacks a key, or has one too many",
    )
    assert found.chain == [Problem(9, "chain", broken), Problem(10, "chain", broken)]
    assert found.told == [Problem(9, "payload", lacking), Problem(10, "payload", lacking)]
    assert found.whole is False and before.whole is True
    assert found.frontier == Frontier().grown(map(bytes.fromhex, hashes[:10]))
    assert found.rows == before.rows and sum(found.rows.values()) > 0


def test_a_payload_that_can_not_be_trusted_is_told_with_the_reason(reviewed_folder: Path) -> None:
    """At its number; the events behind it are read."""
    with tampered(reviewed_folder) as connection:
        connection.execute("""UPDATE audit_log SET payload = '{"a": 1}' WHERE seq = 9""")
    with open_store(reviewed_folder) as store:
        assert walk(store).told == [
            Problem(9, "payload", "its payload can't be trusted: it is not in canonical form")
        ]


def test_a_row_that_was_changed_is_told_at_its_event(reviewed_folder: Path) -> None:
    """By its number, in a stretch that begins behind others."""
    with tampered(reviewed_folder) as connection:
        seq = connection.execute(
            "SELECT max(seq) FROM audit_log WHERE event_id IN (SELECT read_id FROM reads)"
        ).fetchone()[0]
        connection.execute("UPDATE reads SET label = 'x' WHERE rowid = (SELECT max(rowid) FROM reads)")
    with open_store(reviewed_folder) as store:
        words = "its row in reads was changed: label differ from it"
        assert walk(store, after=seq - 1).told == [Problem(seq, "row_differs", words)]


# What the log says of itself


EARLIER, NOON = "2026-11-22T11:00:00.000000Z", "2026-11-22T12:00:00.000000Z"
MISPLACED = (7, "payload", "log.opened must be the first event, and only that")
BACK = (7, "clock", "its time is before that of the event before it, and no clock.regressed says so")
ANOTHER = (7, "clock", "it tells of another time than its own, or that of the event before it")
NOT_ITSELF = (7, "payload", "it is about another thing than '{}' is")


@pytest.mark.parametrize(
    ("seq", "action", "at", "detail", "found"),
    [
        (1, "log.opened", NOON, {}, []),
        (7, "log.opened", NOON, {}, [MISPLACED]),
        (1, "case.opened", NOON, {}, [(1, *MISPLACED[1:])]),
        (7, "case.opened", NOON, {}, []),
        (7, "case.opened", EARLIER, {}, [BACK]),
        (7, "case.opened", EARLIER, {"previous_at": NOON}, [BACK]),
        (7, "log.opened", EARLIER, {}, [MISPLACED, BACK]),
        (7, "clock.regressed", EARLIER, {"previous_at": NOON, "at": EARLIER}, []),
        (7, "clock.regressed", NOON, {"previous_at": NOON, "at": NOON}, []),
        (7, "clock.regressed", NOON, {"previous_at": NOON, "at": EARLIER}, [ANOTHER]),
        (7, "clock.regressed", EARLIER, {"previous_at": EARLIER, "at": EARLIER}, [ANOTHER]),
        (7, "clock.regressed", EARLIER, {}, [ANOTHER]),
    ],
)
def test_an_event_that_stands_where_it_may_not_is_told_in_these_words(
    seq: int, action: str, at: str, detail: dict[str, str], found: list[tuple[int, str, str]]
) -> None:
    """The event before it happened at noon; only clock.regressed may step back, and only from there."""
    told = {"action": action, "at": at, "subject": "log:clock", "detail": detail}
    assert list(order_problems(seq, told, NOON)) == [Problem(*each) for each in found]


@pytest.mark.parametrize(
    ("action", "subject", "is_it"),
    [
        ("clock.regressed", "log:clock", True),
        ("clock.regressed", "log:clocks", False),
        ("checkpoint.published", "checkpoint:6", True),
        ("checkpoint.published", "checkpoint:60", False),
        ("checkpoint.published", "log:6", False),
        ("key.rotated", "log:6", True),
        ("key.rotated", "checkpoint:6", False),
        ("log.opened", "log:6", True),
        ("log.opened", "checkpoint:6", False),
        ("case.opened", "case:C-1", True),
    ],
)
def test_an_event_about_the_log_names_what_such_events_name(action: str, subject: str, is_it: bool) -> None:
    """By which it is listed."""
    told = {
        **{"action": action, "at": NOON, "subject": subject},
        "detail": {"previous_at": NOON, "at": NOON, "size": 6},
    }
    seq = 1 if action == "log.opened" else 7
    faults = [] if is_it else [Problem(seq, NOT_ITSELF[1], NOT_ITSELF[2].format(action))]
    assert list(order_problems(seq, told, NOON)) == faults


def test_a_log_that_begins_with_something_else_is_told_of_it(reviewed_folder: Path) -> None:
    """By the walk itself, wherever else it may show."""
    with tampered(reviewed_folder) as connection:
        rechain(connection, payloads_of(connection)[1:])
    with open_store(reviewed_folder) as store:
        assert Problem(1, *MISPLACED[1:]) in walk(store).told


def test_what_the_log_says_of_itself_is_kept_for_the_checks_of_the_whole(reviewed_folder: Path) -> None:
    """How it was opened, its keys and checkpoints with their places, who acted first when, and what is unknown."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        last = {**payloads[-1], "detail": {"words": "new"}}
        for place, action in enumerate(("key.rotated", "plan.made", "plan.made", "checkpoint.published")):
            payloads.append({**last, "action": action, "event_id": f"added-{place:03}"})
        rechain(connection, payloads)
        events = connection.execute("SELECT seq, prev_hash, hash FROM audit_log ORDER BY seq").fetchall()
    with open_store(reviewed_folder) as store:
        found = walk(store, sizes=[5])
    acted = [f"{each['actor']}\n{each['role']}" for each in payloads]
    published = [seq for seq, each in enumerate(payloads, 1) if each["action"] == "checkpoint.published"]
    trees = {size: Frontier().grown(bytes.fromhex(each[2]) for each in events[:size]) for size, *_ in events}
    assert found.opening == payloads[0]["detail"]
    assert found.unknown == Counter({"plan.made": 2})
    assert found.rotations == [(len(events) - 3, events[-4][1], {"words": "new"})]
    assert [(seq, detail) for seq, detail, _ in found.checkpoints] == [
        (seq, payloads[seq - 1]["detail"]) for seq in published
    ]
    assert found.places == {
        5: (trees[5], events[4][2]),
        **{seq - 1: (trees[seq - 1], events[seq - 1][1]) for seq in published},
    }
    assert found.actors == {who: acted.index(who) + 1 for who in acted}
    assert len(found.actors) > 1 and found.frontier == trees[len(events)]


def test_nobody_enables_an_own_account_that_is_disabled(reviewed_folder: Path) -> None:
    """The last act while it was disabled; that somebody disabled an own account was no such act."""
    found = []
    for action in ("account.disabled", "account.enabled"):
        with tampered(reviewed_folder) as connection:
            payloads = payloads_of(connection)
            (seq,) = (place for place, each in enumerate(payloads, 1) if each["action"] == action)
            who = payloads[seq - 1]["subject"].removeprefix("account:")
            payloads[seq - 1] |= {"actor": who, "role": "steward"}
            rechain(connection, payloads)
        with open_store(reviewed_folder) as store:
            disabled = Problem(seq, "authority", "the account of who acted was disabled then")
            found.append(disabled in walk(store).told)
    assert found == [False, True]


@pytest.mark.parametrize(
    ("actor", "signature", "is_signed"),
    [
        ("rita", {"name": "Rita", "at": NOON}, True),
        ("rita", {"name": "Rolf", "at": NOON}, False),
        ("rita", {"name": "Rita", "at": EARLIER}, False),
        ("rita", {"name": "Rita"}, False),
        ("rita", {}, False),
        ("rita", ["Rita", NOON], False),
        ("rita", None, False),
        ("system", None, True),
        ("system", {"name": "Rita", "at": NOON}, False),
    ],
)
def test_who_acted_signs_with_the_own_name_at_that_time(
    actor: str, signature: object, is_signed: bool
) -> None:
    """The product itself signs nothing: what it is said to have signed, it did not do."""
    told = {"actor": actor, "at": NOON, "detail": {"signature": signature}}
    assert stretches._is_signed_by(told, "Rita") is is_signed


def test_keys_that_no_program_wrote_are_counted_with_their_action(reviewed_folder: Path) -> None:
    """Once for each event that has them; those that are known are not."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        looks = [each for each in payloads if each["action"] == "case.opened"][:2]
        for place, each in enumerate(looks):
            each["detail"] |= {"mood": "good"} if place else {"mood": "bad", "weather": "fair"}
        rechain(connection, payloads)
    with open_store(reviewed_folder) as store:
        assert walk(store).more == {"case.opened\nmood": 2, "case.opened\nweather": 1}


@pytest.mark.parametrize("deep", [500, 501])
def test_a_payload_is_trusted_down_to_so_many_levels(deep: int) -> None:
    """One that lies deeper is not, whichever way it is read."""
    payload = "[" * deep + "0" + "]" * deep
    if deep == DEEPEST:
        assert trusted(payload) == parse_canonical(payload)
    else:
        for read in (trusted, parse_canonical):
            with pytest.raises(AuditError):
                read(payload)
