"""The list of attacks in README.md names every number, and every test it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
LINES = re.findall(r"(?m)^\| (\d+) \| .*$", (Path(__file__).parent / "README.md").read_text(encoding="utf-8"))
NAMED = sorted(
    set(re.findall(r"`([\w/]+\.py)::(\w+)`", (Path(__file__).parent / "README.md").read_text("utf-8")))
)


def test_every_number_has_its_line() -> None:
    """1 to 43, each once, in order."""
    assert [int(number) for number in LINES] == list(range(1, 44))


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_named_test_exists(file: str) -> None:
    """A test that was renamed is renamed in the list as well."""
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    there = {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}
    assert {name for named, name in NAMED if named == file} <= there
