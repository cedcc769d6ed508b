"""7, 10, 14, 15, 17, 20, 23: tricks of somebody who holds the file and knows SQLite well."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from hitl_review.domain.audit import chain_hash
from hitl_review.errors import HitlError, WorkspaceError
from hitl_review.store import accounts, audit, counterparts, schema
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.accounts import disable_account, enable_account
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.checkpointing import write_checkpoint
from hitl_review.workflow.twins import BATCHES, TWINS
from hitl_review.workflow.workspace import open_workspace
from tests.tampering import contents, defined_as, payloads_of, rechain, tampered

WAL_HEADER, FRAME_HEADER, PAGE = 32, 24, 4096


def kinds(folder: Path) -> set[str]:
    """The kinds of all problems that a check finds."""
    return {problem.kind for problem in verify(folder).problems}


# 10: two events with one id


@pytest.mark.parametrize("put_back", [False, True], ids=["left loose", "definition put back"])
def test_10_two_events_with_one_id_are_found(reviewed_folder: Path, put_back: bool) -> None:
    """The table is made anew without its rules, under a chain that holds; the text of the rules is put back."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        payloads.append({**payloads[-1], "action": "audit.viewed", "subject": "log:events"})
        connection.execute("DROP TABLE audit_log")
        connection.execute(schema.AUDIT_LOG.replace(" UNIQUE", ""))
        rechain(connection, payloads)
        if put_back:
            defined_as(connection, schema.AUDIT_LOG)
    try:
        found = kinds(reviewed_folder)
    except HitlError:
        return  # the file can't be read at all, and the report says so
    assert found & {"schema", "integrity"}


# 14, 15, 17: past the schema


def test_14_a_trigger_that_was_blunted_in_place_is_found(reviewed_folder: Path) -> None:
    """One word in SQLite's list, and updates pass: no step opens the file, and the check names the trigger."""
    connection = sqlite3.connect(reviewed_folder / DATABASE, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'BEGIN', 'WHEN 0 BEGIN') WHERE name = 'audit_log_no_update'"
    )
    connection.execute("PRAGMA writable_schema = RESET")
    connection.execute("UPDATE audit_log SET payload = replace(payload, 'Rita', 'Rosa') WHERE seq = 3")
    connection.close()
    with pytest.raises(WorkspaceError, match="protection was changed"), open_workspace(reviewed_folder):
        pass
    found = verify(reviewed_folder)
    assert any("audit_log_no_update" in problem.message for problem in found.problems)
    assert found.first_bad_seq == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("UPDATE audit_log SET payload = payload", set()),
        ("UPDATE audit_log SET payload = replace(payload, 'Rita', 'Rosa') WHERE seq = 3", {"chain"}),
        ("DELETE FROM audit_log WHERE seq = 7", {"chain"}),
    ],
    ids=["nothing changed", "a name changed", "an event left out"],
)
def test_15_a_table_made_anew_is_judged_by_what_it_holds(
    reviewed_folder: Path, change: str, expected: set[str]
) -> None:
    """Renamed, made again to the letter, filled and the old one dropped: only what differs can be found."""
    with tampered(reviewed_folder) as connection:
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.execute("ALTER TABLE audit_log RENAME TO old_log")
        connection.execute(schema.AUDIT_LOG)
        connection.execute("INSERT INTO audit_log SELECT * FROM old_log ORDER BY seq")
        connection.execute("DROP TABLE old_log")
        connection.execute(change)
    assert kinds(reviewed_folder) >= expected
    assert bool(kinds(reviewed_folder)) == bool(expected)


def test_15_a_renamed_log_that_is_left_behind_is_found(reviewed_folder: Path) -> None:
    """An empty log beside it would have no past."""
    with tampered(reviewed_folder) as connection:
        connection.execute("ALTER TABLE audit_log RENAME TO old_log")
        connection.execute(schema.AUDIT_LOG)
    assert {"schema", "chain"} <= kinds(reviewed_folder)


@pytest.mark.parametrize("name", ["audit_log", "Audit_Log", "figures", "_sqlite_migrations"])
def test_a_view_without_end_in_the_place_of_a_table_is_found(reviewed_folder: Path, name: str) -> None:
    """Whoever counts its rows waits for ever, and never hears what was done: the check has to come to its end."""
    with tampered(reviewed_folder, restore=False) as connection:
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
        values = ", ".join(f"n AS {column}" for column in columns)
        connection.execute(f"DROP TABLE {name}")
        numbers = "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n)"
        connection.execute(f"CREATE VIEW {name} AS {numbers} SELECT {values} FROM n")
    asked = [sys.executable, "-m", "hitl_review", "audit", "verify", str(reviewed_folder)]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 1 and f"view '{name}' does not belong there" in told.stdout


@pytest.mark.parametrize("column", ["payload", "hash"])
def test_17_a_row_past_the_tables_own_checks_is_found(reviewed_folder: Path, column: str) -> None:
    """With the checks off, and every trigger in place, a text that is no JSON can be appended; or a short hash."""
    connection = sqlite3.connect(reviewed_folder / DATABASE, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    size, head = connection.execute("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1").fetchone()
    payload = "no json" if column == "payload" else "{}"
    link = chain_hash(head, payload) if column == "payload" else "short"
    values = (size + 1, "forged-event", head, payload, link)
    connection.execute("INSERT INTO audit_log VALUES (?, ?, ?, ?, ?)", values)
    connection.close()
    found = verify(reviewed_folder)
    assert found.first_bad_seq == size + 1
    assert "payload" in {problem.kind for problem in found.problems}


@pytest.mark.parametrize(
    ("action", "column", "value"),
    [("read.committed", "probability", 7), ("read.committed", "modality", "guessed")],
)
def test_17_a_value_that_its_table_forbids_is_found(
    reviewed_folder: Path, action: str, column: str, value: object
) -> None:
    """Row and event agree on it. SQLite forgets a table's CHECKs where it opens the file only to read it."""
    with tampered(reviewed_folder) as connection:
        payloads = payloads_of(connection)
        told = next(each for each in payloads if each["action"] == action)
        told["detail"][column] = value
        connection.execute(f"UPDATE reads SET {column} = ? WHERE read_id = ?", (value, told["event_id"]))
        rechain(connection, payloads)
    found = {(each.kind, each.message) for each in verify(reviewed_folder).problems}
    assert ("integrity", "CHECK constraint failed in reads") in found


@pytest.mark.parametrize("column", ["hidden TEXT", "hidden AS (length(name)) VIRTUAL"])
def test_15_a_column_in_the_table_that_others_make_is_found(reviewed_folder: Path, column: str) -> None:
    """Its text may differ from version to version, so its columns are looked at; generated ones are listed nowhere."""
    connection = sqlite3.connect(reviewed_folder / DATABASE, isolation_level=None)
    connection.execute(f"ALTER TABLE _sqlite_migrations ADD COLUMN {column}")
    connection.close()
    assert kinds(reviewed_folder) == {"schema"}


def test_14_a_thousand_things_that_do_not_belong_there_hide_no_event(reviewed_folder: Path) -> None:
    """The check stops after so many problems, and an event that was edited is still named."""
    with tampered(reviewed_folder) as connection:
        for number in range(1_200):
            connection.execute(f"CREATE VIEW view_{number} AS SELECT 1")
        connection.execute("UPDATE audit_log SET payload = replace(payload, 'Rita', 'Rosa') WHERE seq = 3")
    found = verify(reviewed_folder)
    assert found.first_bad_seq == 3
    assert any(problem.message == "and 1,100 more of this kind" for problem in found.problems)


def numbered(folder: Path, table: str, number: int) -> None:
    """Give the last row of a table another number; its order among the others stays."""
    with tampered(folder) as connection:
        connection.execute(
            f"UPDATE {table} SET rowid = ? WHERE rowid = (SELECT max(rowid) FROM {table})", (number,)
        )


def test_a_file_that_keeps_its_texts_otherwise_is_named_and_not_opened(reviewed_folder: Path) -> None:
    """Every value reads alike and every byte of it is another, so that digests alone would be told to differ."""
    file, other = reviewed_folder / DATABASE, reviewed_folder / "other.db"
    with closing(sqlite3.connect(file)) as before, closing(sqlite3.connect(other)) as after:
        after.execute("PRAGMA encoding = 'UTF-16le'")
        after.executescript("\n".join(before.iterdump()))
    other.replace(file)
    assert verify(reviewed_folder).problems[0].message == "texts are stored as UTF-16le, not as UTF-8"
    with pytest.raises(WorkspaceError, match="UTF-16le"), open_workspace(reviewed_folder):
        pass


@pytest.mark.parametrize("table", [twin.table for twin in (*TWINS, *BATCHES) if twin.order == "rowid"])
def test_a_row_behind_which_no_other_can_stand_is_found(whole_folder: Path, table: str) -> None:
    """Row and event agree, and all stands in order: the row that comes next is the one that would not."""
    numbered(whole_folder, table, 2**63 - 1)
    words = f"a row of {table} is numbered so high that later ones would not stand behind it"
    assert [each.message for each in verify(whole_folder).problems] == [words]


def test_behind_such_a_row_an_account_would_stay_as_it_was(reviewed_folder: Path) -> None:
    """What the trick is good for, and the control: of a table with room, nothing is said."""
    with open_workspace(reviewed_folder) as workspace:
        disable_account(workspace, "reader-1")
        enable_account(workspace, "reader-1")
    numbered(reviewed_folder, "standings", counterparts.HIGHEST_ROW)
    assert verify(reviewed_folder).ok
    numbered(reviewed_folder, "standings", 2**63 - 1)
    with open_workspace(reviewed_folder) as workspace:
        disable_account(workspace, "reader-1")
        assert accounts.find(workspace.store, "reader-1").enabled
    assert not verify(reviewed_folder).ok


# 20: where no row is, and where the newest rows are


def test_20_a_freed_page_changes_nothing(reviewed_folder: Path) -> None:
    """What SQLite has given up belongs to nobody, whatever is written there."""
    path, before = reviewed_folder / DATABASE, contents(reviewed_folder)
    size = path.stat().st_size
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE passing (body BLOB)")
    connection.execute("INSERT INTO passing VALUES (zeroblob(30000))")
    connection.execute("DROP TABLE passing")
    connection.close()
    content = bytearray(path.read_bytes())
    assert len(content) > size
    content[-2 * PAGE :] = b"\xa5" * 2 * PAGE
    path.write_bytes(content)
    assert verify(reviewed_folder).ok
    assert contents(reviewed_folder) == before


@pytest.fixture
def crashed(reviewed_folder: Path, tmp_path: Path) -> Path:
    """A workspace as a crash leaves it: its last events stand in the write-ahead log only. `held.txt` is of them."""
    with open_workspace(reviewed_folder) as workspace:
        for _ in range(3):
            history(workspace, limit=2)
        write_checkpoint(workspace, tmp_path / "held.txt")
        shutil.copytree(reviewed_folder, tmp_path / "crashed")
    (tmp_path / "crashed" / f"{DATABASE}-shm").unlink()
    return tmp_path / "crashed"


def with_right_sums(wal: bytearray) -> bytes:
    """Give every frame of a write-ahead log the checksum of what it holds now: anybody can compute it."""
    order = "<" if struct.unpack(">I", wal[:4])[0] == 0x377F0682 else ">"
    sums = (0, 0)

    def summed(data: bytes, sums: tuple[int, int]) -> tuple[int, int]:
        first, second = sums
        words = struct.unpack(f"{order}{len(data) // 4}I", data)
        for one, other in zip(words[::2], words[1::2], strict=True):
            first = (first + one + second) & 0xFFFFFFFF
            second = (second + other + first) & 0xFFFFFFFF
        return first, second

    sums = summed(wal[:24], sums)
    for place in range(WAL_HEADER, len(wal) - PAGE, FRAME_HEADER + PAGE):
        sums = summed(wal[place : place + 8], sums)
        sums = summed(wal[place + FRAME_HEADER : place + FRAME_HEADER + PAGE], sums)
        wal[place + 16 : place + 24] = struct.pack(">II", *sums)
    return bytes(wal)


def test_20_a_damaged_frame_of_the_write_ahead_log_is_found_by_a_checkpoint(
    crashed: Path, tmp_path: Path
) -> None:
    """SQLite drops it and all behind it without a word: the log is shorter, as if its tail were cut off."""
    path = crashed / f"{DATABASE}-wal"
    whole = verify(crashed)
    wal = bytearray(path.read_bytes())
    wal[WAL_HEADER + FRAME_HEADER + 100] ^= 1
    path.write_bytes(wal)
    found = verify(crashed, checkpoints=[tmp_path / "held.txt"])
    assert found.events < whole.events
    assert any("shorter now" in problem.message for problem in found.problems)


@pytest.mark.parametrize("forged", [False, True], ids=["control", "an edited frame"])
def test_20_an_edited_frame_with_the_right_sum_is_found_by_the_chain(crashed: Path, forged: bool) -> None:
    """Whoever edits a frame can make its checksum fit; the chain does not."""
    path = crashed / f"{DATABASE}-wal"
    wal = bytearray(path.read_bytes())
    if forged:
        wal = wal.replace(b'"limit":2', b'"limit":9')
    summed = with_right_sums(wal)
    assert forged or summed == path.read_bytes(), "the sums are computed as SQLite does"
    path.write_bytes(summed)
    assert ("chain" in kinds(crashed)) == forged


# 23: a signature in another place


def swap_signatures(connection: sqlite3.Connection) -> None:
    """Give two readers' decisions each other's signatures, in the rows."""
    columns = "signed_name, signed_meaning, signed_at"
    first, other = connection.execute(
        f"SELECT decision_id, {columns} FROM decisions GROUP BY reader ORDER BY reader LIMIT 2"
    ).fetchall()
    for decision, signature in ((first[0], other[1:]), (other[0], first[1:])):
        connection.execute(
            f"UPDATE decisions SET ({columns}) = (?, ?, ?) WHERE decision_id = ?", (*signature, decision)
        )


def swap_told_signatures(connection: sqlite3.Connection) -> None:
    """The same in the events as well, whose hashes stay what they were."""
    swap_signatures(connection)
    rows = connection.execute(
        "SELECT decision_id, signed_name, signed_meaning, signed_at FROM decisions GROUP BY reader LIMIT 2"
    ).fetchall()
    for decision, name, meaning, at in rows:
        connection.execute(
            "UPDATE audit_log SET payload = json_set(payload, '$.detail.signature', json(?)) WHERE event_id = ?",
            (f'{{"at":"{at}","meaning":"{meaning}","name":"{name}"}}', decision),
        )


@pytest.mark.parametrize(
    ("swap", "kind"), [(swap_signatures, "row_differs"), (swap_told_signatures, "chain")]
)
def test_23_a_signature_can_not_be_moved_to_another_decision(
    reviewed_folder: Path, swap: Callable[[sqlite3.Connection], None], kind: str
) -> None:
    """It stands inside the decision's event, whose hash covers it together with what was decided and shown."""
    with tampered(reviewed_folder) as connection:
        swap(connection)
    found = verify(reviewed_folder)
    assert kind in {problem.kind for problem in found.problems}
    with open_workspace(reviewed_folder) as workspace:
        assert audit.head(workspace.store).size == found.events
