"""What stands in a file does nothing to the terminal of whoever looks at it: no cleared line, no turned text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from hitl_review.cli import main
from hitl_review.domain.printing import printable, printable_json, printable_lines
from hitl_review.workflow.workspace import open_workspace
from tests.tampering import tampered

CLEARS = "\x1b[2J\x1b[H\x9b2J\u202e\u200b\rNothing wrong was found"
"""Clears the screen, turns the text, and writes over the line."""
MISCHIEF = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.fixture
def hostile(reviewed_folder: Path) -> Path:
    """A workspace whose file somebody filled with such texts, wherever a text can stand."""
    with tampered(reviewed_folder) as connection:
        connection.execute("UPDATE accounts SET name = name || ?", (CLEARS,))
        connection.execute("UPDATE models SET name = name || ?", (CLEARS,))
        connection.execute("UPDATE decisions SET comment = ?, reason = reason || ?", (CLEARS, CLEARS))
        connection.execute("UPDATE audit_log SET event_id = event_id || ? WHERE seq = 4", (CLEARS,))
        connection.execute(f'CREATE VIEW "{CLEARS}" AS SELECT 1')
    return reviewed_folder


def told(*arguments: str) -> str:
    """Return everything that a command prints."""
    found = CliRunner().invoke(main, list(arguments))
    assert found.output
    return found.output


@pytest.mark.parametrize(
    "words", [["audit", "verify"], ["audit", "verify", "--json"], ["doctor"]], ids=" ".join
)
def test_a_check_of_a_hostile_file_prints_only_what_can_be_seen(hostile: Path, words: list[str]) -> None:
    """The finding stands there with the codes of what was in it."""
    printed = told(*words, str(hostile))
    assert not MISCHIEF.search(printed)
    assert "\\u001b[2J" in printed


@pytest.mark.parametrize(
    "words", [["accounts", "list"], ["card"], ["audit", "show"], ["lineage", "{}", "no model"]], ids=" ".join
)
def test_lists_of_a_hostile_file_print_only_what_can_be_seen(hostile: Path, words: list[str]) -> None:
    """These open the file, so what gives it away at once is taken off first."""
    with tampered(hostile) as connection:
        connection.execute(f'DROP VIEW "{CLEARS}"')
    with open_workspace(hostile):
        pass
    printed = told(*(word.format(hostile) for word in words), *([] if "{}" in words else [str(hostile)]))
    assert not MISCHIEF.search(printed)


@pytest.mark.parametrize(
    "words",
    [
        ["audit", "verify", CLEARS],
        ["accounts", "disable", "{}", CLEARS],
        ["study", "show", "{}", CLEARS],
        ["audit", "receipt", "{}", CLEARS],
        [CLEARS],
    ],
    ids=lambda words: " ".join(words[:2]).split("\x1b")[0],
)
def test_a_refusal_repeats_what_was_asked_in_codes(reviewed_folder: Path, words: list[str]) -> None:
    """A name may have been copied from a file, or be that of a folder that came in an archive."""
    printed = told(*(word.replace("{}", str(reviewed_folder)) for word in words))
    assert not MISCHIEF.search(printed)


def test_codes_keep_json_what_it_was() -> None:
    """Whoever reads it again gets the very text; a line keeps its tabs and ends."""
    value = {"text": CLEARS + "größer \U0001f600 \U000e0041", "number": 1.5}
    assert json.loads(printable_json(value)) == value
    assert not MISCHIEF.search(printable_json(value))
    assert "größer \U0001f600" in printable_json(value)
    assert printable_lines("a\tb\n\x1b[0m\n") == "a\tb\n\\u001b[0m\n"
    assert printable("plain ~ text") == "plain ~ text"
