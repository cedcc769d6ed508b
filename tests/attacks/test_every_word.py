"""Every value that an event's detail tells, changed alone under a chain made anew: found, or named as told alone.

What is not found has to stand in `keys.ALONE`, and README names it: a new key that nobody held against anything
fails here. What this program does not know is warned of, and no honest log has any of it.
"""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.audit import ACTIONS
from hitl_review.workflow import auditing
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.twins.keys import ALONE, KEYS
from tests.tampering import payloads_of, rechain, tampered

UNWRITTEN = {"account.changed", "case.assigned", "signature.given", "study.progressed"}
"""Names of actions that no step of this program writes."""
BEHIND_CHECKPOINTS = {"log.opened", "checkpoint.published"}
"""What is held against checkpoints. Any other change breaks those of the log as it was, which is not asked here."""
Told = list[dict[str, Any]]


def others(value: object) -> list[object]:
    """Return what somebody might write in the place of a value."""
    match value:
        case bool():
            return [not value, int(value), None]
        case str():
            return [f"{value}x", None]
        case int() | float():
            return [value + 1, None, *([bool(value)] if value in (0, 1) else [])]
        case list():
            return [[*value, "x"]]
        case dict():
            return [{}] if value else [{"x": 1}]
        case _:
            return ["x"]


def deeds(payloads: Told) -> Iterator[tuple[int, str, object]]:
    """Yield place, key and another value for each key of the last event of each action."""
    last = {each["action"]: place for place, each in enumerate(payloads)}
    for action, place in last.items():
        for key, value in payloads[place]["detail"].items():
            if key not in ALONE.get(action, ()):
                yield from ((place, key, other) for other in others(value))


def missed(whole: Path, folder: Path, share: float) -> list[tuple[str, str, object]]:
    """Do a share of all deeds, and return those that nobody finds."""
    shutil.copytree(whole, folder)
    with tampered(folder) as connection:
        payloads = payloads_of(connection)
    chance, found = random.Random(5), []
    for place, key, value in deeds(payloads):
        if chance.random() < share:
            told = copy.deepcopy(payloads)
            told[place]["detail"][key] = value
            with tampered(folder) as connection:
                rechain(connection, told)
            action = told[place]["action"]
            kinds = {each.kind for each in verify(folder).problems}
            if not kinds - (set() if action in BEHIND_CHECKPOINTS else {"checkpoint"}):
                found.append((action, key, value))
    return found


def test_a_sample_of_changed_words_is_found(whole_once: Path, tmp_path: Path) -> None:
    """One in ten; the long form tries all of them."""
    assert missed(whole_once, tmp_path / "w", 0.1) == []


@pytest.mark.slow
def test_every_changed_word_is_found_or_named(whole_once: Path, tmp_path: Path) -> None:
    """Whatever is written in the place of it."""
    assert missed(whole_once, tmp_path / "w", 1) == []


def test_what_is_told_alone_is_named_to_people() -> None:
    """And every action that is written has its keys."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert [action for action in ALONE if f"`{action}`" not in readme] == []
    assert ACTIONS - KEYS.keys() == UNWRITTEN | {"audit.viewed"}


@pytest.mark.parametrize("keys", [["zz_extra"], ["zz_\u202eextra"], [f"k{number:02}" for number in range(25)]])
def test_what_this_program_does_not_know_is_warned_of(whole_folder: Path, keys: list[str]) -> None:
    """No finding, because a later program may tell more; as the log was before, there is no such warning."""
    assert [each for each in verify(whole_folder).warnings if "does not know" in each] == []
    with tampered(whole_folder) as connection:
        payloads = payloads_of(connection)
        for each in payloads:
            if each["action"] == "read.committed":
                each["detail"] |= dict.fromkeys(keys, "added")
        rechain(connection, payloads)
    result = verify(whole_folder)
    count = sum(each["action"] == "read.committed" for each in payloads)
    named = [each for each in result.warnings if "does not know" in each]
    assert f"{count} events of the action 'read.committed' tell '{keys[0][:2]}" in named[0]
    assert not any("\u202e" in each for each in named)
    assert len(named) == min(len(keys), auditing.MOST_KEYS)
    assert [each.kind for each in result.problems if each.kind != "checkpoint"] == []
