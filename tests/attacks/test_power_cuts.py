"""35, the power: no acknowledged decision is lost, wherever the power fails. G2.

The product's own steps decide on a simulated disk, which is cut at a random write or sync. What is
found afterwards is opened and verified by the ordinary way. The controls ask for less durability
than the store does, and must lose decisions: otherwise the simulation could not see a loss.
"""

from __future__ import annotations

import random
import shutil
import sqlite3 as standard_sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from hitl_review.errors import HitlError
from hitl_review.store import connection
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.workspace import open_workspace
from tests.attacks.desks import desk, stored_decisions
from tests.attacks.power import Machine


@dataclass(frozen=True, slots=True)
class Cut:
    """What one cut left: decisions acknowledged and lost, and whether what was found verifies."""

    acknowledged: int
    lost: int
    whole: bool


def cuts(
    folder: Path, scratch: Path, machine: Machine, number: int, *, torn: bool, synchronous: str | None = None
) -> Iterator[Cut]:
    """Cut the power so many times, each time in the middle of decisions, and look at what is left."""
    chance = random.Random(20261125 + torn)
    disk = machine(synchronous)
    ordinary = SimpleNamespace(**vars(standard_sqlite3))
    simulated = connection.sqlite3
    for cut in range(number):
        disk.load(folder)
        connection.sqlite3 = simulated
        acknowledged: list[str] = []
        with suppress(HitlError, standard_sqlite3.Error), open_workspace(folder) as workspace:
            disk.cut_at = disk.done + chance.randrange(5, 500)
            for turn in count():
                acknowledged.append(desk(turn % 12).decide(workspace, f"decision-{cut:04d}-{turn:04d}"))
        assert disk.done >= disk.cut_at, "it was the power that ended it"
        connection.sqlite3 = ordinary
        after = scratch / f"after-{cut}"
        disk.unload(folder, after, chance if torn else None)
        yield _what_is_left(after, set(acknowledged))
        shutil.rmtree(after)


def _what_is_left(folder: Path, acknowledged: set[str]) -> Cut:
    try:
        there, whole = stored_decisions(folder), verify(folder).ok
    except HitlError:
        there, whole = set[str](), False
    return Cut(len(acknowledged), len(acknowledged - there), whole)


def assert_nothing_is_lost(found: list[Cut]) -> None:
    """Every cut left a log that verifies and holds all that was acknowledged; and enough was acknowledged to tell."""
    assert sum(each.acknowledged for each in found) > 4 * len(found)
    assert [each for each in found if each.lost or not each.whole] == []


@pytest.mark.parametrize("torn", [False, True], ids=["dropped", "torn"])
def test_a_power_cut_loses_no_acknowledged_decision(
    furnished: Path, tmp_path: Path, machine: Machine, torn: bool
) -> None:
    """What was not synced is lost whole, or survives in pieces of 512 bytes. A few cuts of each kind."""
    assert_nothing_is_lost(list(cuts(furnished, tmp_path, machine, 20, torn=torn)))


@pytest.mark.slow
@pytest.mark.parametrize("torn", [False, True], ids=["dropped", "torn"])
def test_two_hundred_power_cuts_lose_no_acknowledged_decision(
    furnished: Path, tmp_path: Path, machine: Machine, torn: bool
) -> None:
    """The same, as often as was asked for."""
    assert_nothing_is_lost(list(cuts(furnished, tmp_path, machine, 200, torn=torn)))


def test_with_less_durability_the_same_cuts_lose_decisions(
    furnished: Path, tmp_path: Path, machine: Machine
) -> None:
    """The control: under `synchronous=NORMAL` the end of the log is lost, though what is left is whole."""
    found = list(cuts(furnished, tmp_path, machine, 20, torn=False, synchronous="NORMAL"))
    assert sum(each.lost for each in found) > 0
    assert all(each.whole for each in found)


def test_without_any_sync_torn_sectors_break_the_file(
    furnished: Path, tmp_path: Path, machine: Machine
) -> None:
    """The other control: a file in pieces is seen as such, so "whole" above means something."""
    found = list(cuts(furnished, tmp_path, machine, 10, torn=True, synchronous="OFF"))
    assert not all(each.whole for each in found)


def test_the_store_itself_asks_for_the_settings_that_hold(machine: Machine, furnished: Path) -> None:
    """Nothing of what keeps decisions through a cut is set by the test."""
    disk = machine(None)
    disk.load(furnished)
    with open_workspace(furnished) as workspace:
        desk(0).decide(workspace, "decision-0001")
        settings = [workspace.store.rows(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]
    assert disk.done > 0
