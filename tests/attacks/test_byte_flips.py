"""1, 18, 19, 20: any changed byte is found, and named, or provably changes nothing. G5.

First through SQL, with the triggers taken off and put back: every byte of every column of every
event of a log of fifty. Then in the file, past SQLite: every byte of every page. The quick tests
take a sample spread over the same bytes; `make slow` takes all of them.
"""

from __future__ import annotations

import io
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hitl_review.errors import HitlError
from hitl_review.store import audit, checkpoints, schema
from hitl_review.store.connection import DATABASE
from hitl_review.workflow.auditing import history, verify
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.workspace import open_workspace
from tests.tampering import defined_as, tampered

EVENTS = 50
COLUMNS = ("event_id", "prev_hash", "payload", "hash")


@pytest.fixture(scope="module")
def fifty_once(reviewed_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace with a log of fifty events: every kind of row, a checkpoint, and that somebody looked."""
    folder = tmp_path_factory.mktemp("fifty") / "workspace"
    shutil.copytree(reviewed_once, folder)
    with open_workspace(folder) as workspace:
        publish_checkpoint(workspace)
        while checkpoints.size_of(workspace.store) < EVENTS:
            history(workspace, limit=3)
    assert verify(folder).ok
    return folder


@pytest.fixture
def fifty(fifty_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    return Path(shutil.copytree(fifty_once, tmp_path / "fifty"))


# Through SQL


Flip = tuple[int, str, int]
"""The event, the column, and which of its bytes."""


def all_flips(folder: Path) -> list[Flip]:
    """Return every byte of every column of every event; a number has eight."""
    with open_workspace(folder) as workspace:
        return [
            (event.seq, column, place)
            for event in audit.events(workspace.store)
            for column in ("seq", *COLUMNS)
            for place in range(8 if column == "seq" else len(getattr(event, column).encode()))
        ]


def flipped(connection: sqlite3.Connection, flip: Flip, mask: int) -> int | None:
    """Change one byte and return the number of the event that must be named; None where nothing can be changed."""
    seq, column, place = flip
    if column == "seq":
        other = int.from_bytes((seq ^ (mask << 8 * place)).to_bytes(8, "big"), "big", signed=True)
        if connection.execute("SELECT 1 FROM audit_log WHERE seq = ?", (other,)).fetchone():
            return (
                None  # a number that is taken can't be given twice; two rows that changed places are attack 7
            )
        connection.execute("UPDATE audit_log SET seq = ? WHERE seq = ?", (other, seq))
        return min(seq, other)
    (raw,) = connection.execute(
        f"SELECT CAST({column} AS BLOB) FROM audit_log WHERE seq = ?", (seq,)
    ).fetchone()
    changed = bytes([*raw[:place], raw[place] ^ mask, *raw[place + 1 :]])
    connection.execute(f"UPDATE audit_log SET {column} = CAST(? AS TEXT) WHERE seq = ?", (changed, seq))
    return seq


def assert_found(folder: Path, pristine: Path, flips: list[Flip], chance: random.Random) -> int:
    """Make each change alone, on a fresh copy, and see that it is found and placed; return how many there were."""
    made = 0
    for flip in flips:
        shutil.copyfile(pristine / DATABASE, folder / DATABASE)
        with _without_the_trigger(folder) as connection:
            expected = flipped(connection, flip, chance.randrange(1, 128))
        if expected is None:
            continue
        found = verify(folder)
        assert found.first_bad_seq == expected, (flip, found.as_lines())
        assert all(problem.kind != "schema" for problem in found.problems), "the trigger was put back"
        made += 1
    return made


@contextmanager
def _without_the_trigger(folder: Path) -> Iterator[sqlite3.Connection]:
    """Give a raw connection for one change; `tampered`, but only the one trigger in the way is off."""
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None)
    for setting in ("foreign_keys = OFF", "ignore_check_constraints = ON", "synchronous = OFF"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("BEGIN")
    connection.execute("DROP TRIGGER audit_log_no_update")
    yield connection
    connection.execute(schema.AUDIT_TRIGGERS["audit_log_no_update"])
    connection.execute("COMMIT")
    connection.close()


def test_a_changed_byte_of_an_event_is_found_and_named(fifty: Path, fifty_once: Path) -> None:
    """A sample of all bytes of all columns of all fifty events; which bit is changed is chance."""
    flips = all_flips(fifty_once)
    sample = flips[:: len(flips) // 150]
    assert {column for _, column, _ in sample} == {"seq", *COLUMNS}
    assert assert_found(fifty, fifty_once, sample, random.Random(1)) > 140


@pytest.mark.slow
def test_every_changed_byte_of_every_event_is_found_and_named(fifty: Path, fifty_once: Path) -> None:
    """Exhaustive: about thirty thousand changes."""
    flips = all_flips(fifty_once)
    assert assert_found(fifty, fifty_once, flips, random.Random(2)) > 20_000


# In the file


def logical(path: Path) -> list[object]:
    """Return all that can be read from a database, by its tables and by its indexes: what programs are told.

    Left out is what is no evidence: the text of sqlite-utils' own table of migrations, which may differ from
    release to release, and until when a case is held, which is only of now.
    """
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        found: list[object] = connection.execute(
            "SELECT type, name, tbl_name, CASE WHEN name NOT LIKE '%migration%' THEN sql END FROM sqlite_schema"
        ).fetchall()
        for query in _queries():
            found.append(connection.execute(query).fetchall())
        return found
    finally:
        connection.close()


def _queries() -> Iterator[str]:
    made = sqlite3.connect(":memory:")
    for statement in schema.statements().values():
        made.execute(statement)
    for table in ("audit_log", "worklist", *schema.TABLES):
        columns = "case_id, position, state, holder" if table == "worklist" else "*"
        yield f"SELECT rowid, {columns} FROM {table} NOT INDEXED"
        for _, index, *_, partial in made.execute(f"PRAGMA index_list({table})").fetchall():
            columns = ", ".join(row[2] for row in made.execute(f"PRAGMA index_info({index})"))
            where = f" WHERE {_condition(index)}" if partial else ""
            yield f"SELECT rowid, {columns} FROM {table} INDEXED BY {index}{where}"
    made.close()


def _condition(index: str) -> str:
    return schema.INDEXES[index].partition(" WHERE ")[2]


def assert_found_or_harmless(folder: Path, places: list[int], chance: random.Random) -> tuple[int, int]:
    """Change each of the file's bytes alone; return how many changes were found and how many changed nothing."""
    path = folder / DATABASE
    pristine, before = path.read_bytes(), logical(path)
    found = harmless = 0
    with path.open("r+b", buffering=0) as file:
        for place in places:
            _put(file, place, pristine[place] ^ chance.randrange(1, 256))
            if _is_found(folder):
                found += 1
            else:
                assert logical(path) == before, (
                    f"byte {place} of page {place // 4096 + 1} changes what is read"
                )
                harmless += 1
            _put(file, place, pristine[place])
    assert verify(folder).ok
    return found, harmless


def _put(file: io.FileIO, place: int, byte: int) -> None:
    file.seek(place)
    file.write(bytes([byte]))


def _is_found(folder: Path) -> bool:
    try:
        return not verify(folder).ok
    except HitlError:
        return True  # the check could not be made, and says so: exit code 2


def bytes_in_use(path: Path) -> list[int]:
    """Return the places of all bytes that are not zero: rows, pointers and headers, with few exceptions."""
    return [place for place, byte in enumerate(path.read_bytes()) if byte]


def test_a_changed_byte_of_the_file_is_found_or_changes_nothing(fifty: Path) -> None:
    """A sample of the bytes in use on all pages, and of all bytes."""
    path = fifty / DATABASE
    used, chance = bytes_in_use(path), random.Random(3)
    sample = [*used[:: len(used) // 100], *chance.sample(range(path.stat().st_size), 40)]
    found, _ = assert_found_or_harmless(fifty, sample, chance)
    assert found > 80


@pytest.mark.slow
def test_every_changed_byte_of_the_file_is_found_or_changes_nothing(fifty: Path) -> None:
    """Every byte in use, on all pages: rows, indexes, pointers, the file's header; and every eighth of the rest."""
    path = fifty / DATABASE
    used = set(bytes_in_use(path))
    unused = [place for place in range(path.stat().st_size) if place not in used]
    found, harmless = assert_found_or_harmless(fifty, [*used, *unused[::8]], random.Random(4))
    assert found > 50_000
    assert harmless > 0


# What such changes once got past, or stopped the check with


def edited(folder: Path, old: bytes, new: bytes) -> None:
    """Replace some bytes of the file by as many others, where they stand for the first time."""
    path = folder / DATABASE
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def test_a_schema_that_is_no_text_is_told_in_a_sentence(fifty: Path) -> None:
    """SQLite's own message quotes the bytes, and Python can't read them: neither the check nor the opening crashes."""
    edited(fifty, b"CREATE TABLE reads", b"CREATE TABL\xff reads")
    with pytest.raises(HitlError, match="can't be read as a database"):
        verify(fifty)
    with pytest.raises(HitlError, match="can't be read as a database"), open_workspace(fifty):
        pass


def test_an_index_that_is_listed_under_another_table_is_found(fifty: Path) -> None:
    """SQLite does not look at that column of its list where it made the index itself, and reads on."""
    edited(fifty, b"sqlite_autoindex_reads_1reads", b"sqlite_autoindex_reads_1readz")
    assert "is listed under another table" in " ".join(verify(fifty).as_lines())


def test_an_opening_whose_key_is_none_is_a_finding(fifty: Path) -> None:
    """Neither base64 nor text, the key of the log's first event can't check any signature."""
    with tampered(fifty) as connection:
        connection.execute("""UPDATE audit_log SET payload = replace(payload, '="', '"') WHERE seq = 1""")
        connection.execute("UPDATE audit_log SET hash = CAST(x'ff' AS TEXT) || substr(hash, 2) WHERE seq = 9")
    found = verify(fifty)
    assert found.first_bad_seq == 1
    assert "checkpoint" in {problem.kind for problem in found.problems}


@pytest.mark.parametrize("value", ["NULL", "7", "x'00ff'", "CAST(x'00ff' AS TEXT)"])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_of_another_kind_is_a_finding_and_no_crash(fifty: Path, column: str, value: str) -> None:
    """14: through `writable_schema` a text may become nothing, a number, or bytes; the definition is put back."""
    loose = (
        "CREATE TABLE audit_log (seq INTEGER PRIMARY KEY, event_id UNIQUE, prev_hash, payload, hash UNIQUE)"
    )
    with tampered(fifty) as connection:
        defined_as(connection, loose)
        connection.execute(f"UPDATE audit_log SET {column} = {value} WHERE seq = 30")
        defined_as(connection, schema.AUDIT_LOG)
    found = verify(fifty)
    assert found.first_bad_seq in (30, None)
    assert not found.ok


@pytest.mark.parametrize("text", ["CAST(text AS BLOB)", "NULL", "17", "CAST(x'ff' || text AS TEXT)"])
def test_a_project_that_is_no_text_is_a_finding_and_no_crash(fifty: Path, text: str) -> None:
    """A byte of the row's head makes it one; whoever asks what readers owed reads it before the walk has told of it."""
    loose = "CREATE TABLE projects (event_id PRIMARY KEY, digest, text, configured_at)"
    with tampered(fifty) as connection:
        defined_as(connection, loose, table="projects")
        connection.execute(f"UPDATE projects SET text = {text}")
        defined_as(connection, schema.TABLES["projects"], table="projects")
    assert not verify(fifty).ok
