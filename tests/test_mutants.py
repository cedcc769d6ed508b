"""The count of faults that tests notice counts none that nobody noticed, and names each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.mutants import (
    EQUIVALENT,
    Change,
    change,
    is_column_in_another_case,
    is_sql_in_another_case,
    outcomes,
    pass_over,
    reasons,
    report,
)

MODULE = """
def x_sum__mutmut_orig(a, b):
    total = a
    return total + b

def x_sum__mutmut_1(a, b):
    total = a
    return total - b

def x_sum__mutmut_2(a, b):
    total = None
    return total + b

def x_more__mutmut_orig(a, b=0):
    return a + b

def x_more__mutmut_1(a, b=1):
    return a + b

class Log:
    def xǁLogǁsize__mutmut_orig(self):
        return 1

    def xǁLogǁsize__mutmut_1(self):
        return 2
"""
FAULTS = ("pack.mod.x_sum__mutmut_1", "pack.mod.x_sum__mutmut_2", "pack.mod.xǁLogǁsize__mutmut_1")
FIRST = Change("pack.mod.x_sum", "return total + b", "return total - b")
LAST = Change("pack.mod.xǁLogǁsize", "return 1", "return 2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What mutmut leaves behind of one module with three faults."""
    (tmp_path / "mod.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def tried(folder: Path, *codes: int | None) -> Path:
    """The folder, where the three faults ended so."""
    told = {"exit_code_by_key": dict(zip(FAULTS, codes, strict=True))}
    (folder / "mod.py.meta").write_text(json.dumps(told), encoding="utf-8")
    return folder


def test_a_fault_is_known_by_its_function_and_its_lines() -> None:
    """Its number would change with every other fault of the function."""
    assert [change(MODULE, name) for name in FAULTS] == [
        FIRST,
        Change("pack.mod.x_sum", "total = a", "total = None"),
        LAST,
    ]


@pytest.mark.parametrize(("code", "word"), [(0, "survived"), (33, "no test runs it"), (None, "not tried")])
def test_a_fault_that_nobody_noticed_is_named(folder: Path, code: int | None, word: str) -> None:
    """And too few were noticed."""
    lines, enough = report(folder, outcomes(tried(folder, 1, code, -24)), {})
    assert f"    {word}: {FAULTS[1]}" in lines and not enough
    assert lines[-2].split()[:5] == ["all", "2", "of", "3", "noticed,"]


def test_a_fault_that_changes_nothing_is_told_with_the_reason_and_not_counted_as_noticed(
    folder: Path,
) -> None:
    """Two figures are told: of all, and of those that can be noticed."""
    lines, enough = report(folder, outcomes(tried(folder, 0, 1, 1)), {FIRST: "nobody subtracts"})
    assert f"    equivalent: nobody subtracts: {FAULTS[0]}" in lines and not enough
    assert "2 of    3 noticed, 66.7%" in lines[-2] and "2 of    2 noticed, 100.0%" in lines[-1]


def test_a_fault_that_can_not_be_noticed_is_not_tried(folder: Path) -> None:
    """It would take every test to find that; what was tried already, and what is not listed, stays as it is."""
    pass_over(tried(folder, None, None, 1), {FIRST: "nobody subtracts", LAST: "nobody asks"})
    assert outcomes(folder)["mod.py"] == dict(zip(FAULTS, (0, None, 1), strict=True))


def test_all_noticed_is_enough(folder: Path) -> None:
    """A test that failed, hung or crashed noticed it."""
    assert report(folder, outcomes(tried(folder, 1, -24, -11)), {})[1]


@pytest.mark.parametrize(
    ("now", "alike"),
    [
        ("\"select a from b where c = 'd'\"", True),
        ("\"SELECT A FROM B WHERE C = 'd'\"", True),
        ("\"SELECT A FROM B WHERE C = 'D'\"", False),
        ("\"XXSELECT a FROM b WHERE c = 'd'XX\"", False),
    ],
)
def test_sql_is_alike_in_another_case_but_not_its_texts(now: str, alike: bool) -> None:
    """Keywords and names are; what stands in quotes is compared by the letter."""
    assert is_sql_in_another_case(Change("f", "\"SELECT a FROM b WHERE c = 'd'\"", now)) == alike
    assert not is_sql_in_another_case(Change("f", 'told["at"]', 'told["AT"]'))
    asked = 'row["a"] for row in rows("SELECT a")'
    assert is_sql_in_another_case(Change("f", asked, asked.replace("SELECT a", "select a")))
    assert not is_sql_in_another_case(Change("f", asked, asked.replace('row["a"]', 'row["A"]')))


@pytest.mark.parametrize(
    ("module", "now", "alike"),
    [
        ("workflow.successions", 'seq, f"{move["MOVE"]}" if move["at"] else told["at"]', True),
        ("workflow.successions", "seq, f\"{move['MOVE']}\" if move[\"at\"] else told[\"at\"]", False),
        ("workflow.successions", 'seq, f"{move["mode"]}" if move["at"] else told["at"]', False),
        ("workflow.successions", 'seq, f"{move["move"]}" if move["at"] else told["AT"]', False),
        ("workflow.successions", 'SEQ, f"{move["move"]}" if move["at"] else told["at"]', False),
        ("workflow.successions", 'seq, f"{move["move"]}" if move["at"] else told["at"]', False),
        ("workflow.stretches", 'seq, f"{move["MOVE"]}" if move["at"] else told["at"]', False),
    ],
)
def test_a_row_gives_a_column_by_its_name_in_any_case(module: str, now: str, alike: bool) -> None:
    """What is no row does not, and nothing else of a line may have changed."""
    was = 'seq, f"{move["move"]}" if move["at"] else told["at"]'
    assert is_column_in_another_case(Change(f"hitl_review.{module}.x__moves", was, now)) == alike


def test_every_reason_is_a_sentence_about_one_fault_of_the_log() -> None:
    """The list can be read."""
    listed = reasons(EQUIVALENT)
    assert all(each.function.startswith("hitl_review.") and each.was != each.now for each in listed)
    assert all(len(why) > 20 for why in listed.values())
