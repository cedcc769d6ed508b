"""35, the process: a decision that was acknowledged is there, whatever ends the process. G1.

Four writers at desks of their own decide without pause and tell each decision through a pipe when,
and only when, the step has returned. They are killed at a random moment. Every acknowledged decision
must be stored; at most one per writer may be stored without having been acknowledged.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hitl_review.workflow.auditing import verify
from tests.attacks.desks import decide_for_ever, stored_decisions
from tests.processes import forked, kill

WRITERS = 4


@dataclass(slots=True)
class Killing:
    """Rounds of writers that are killed, and what they had been told by then."""

    folder: Path
    chance: random.Random = field(default_factory=lambda: random.Random(20261125))
    acknowledged: set[str] = field(default_factory=set)
    rounds: int = 0
    too_early: bool = False

    def round(self, seconds: float) -> None:
        """Let four writers decide for about so long, and kill them one after the other."""
        children, pipes = [], []
        for number in range(WRITERS):
            reading, writing = os.pipe()
            name = f"round-{self.rounds:04d}-{number}"
            children.append(forked(lambda n=number, name=name, pipe=writing: self._write(n, name, pipe)))
            os.close(writing)
            pipes.append(reading)
        time.sleep(seconds * self.chance.uniform(0.5, 1.5))
        for child in self.chance.sample(children, WRITERS):
            kill(child)
            time.sleep(self.chance.uniform(0, 0.003))
        for pipe in pipes:
            with os.fdopen(pipe, "rb") as file:
                self.acknowledged |= set(file.read().decode().split())
        self.rounds += 1

    def _write(self, number: int, name: str, pipe: int) -> None:
        def tell(token: str) -> None:
            os.write(pipe, token.encode() + b"\n")

        decide_for_ever(self.folder, number, name, tell, too_early=self.too_early)

    def assert_nothing_is_lost(self) -> None:
        """Everything that was acknowledged is there, hardly more, and the log verifies."""
        there = stored_decisions(self.folder)
        assert self.acknowledged - there == set()
        assert len(there - self.acknowledged) <= WRITERS * self.rounds
        found = verify(self.folder)
        assert found.ok, found.as_lines()


def test_no_acknowledged_decision_is_lost_to_a_kill(furnished: Path) -> None:
    """Forty rounds of four writers."""
    killing = Killing(furnished)
    for _ in range(40):
        killing.round(0.1)
    killing.assert_nothing_is_lost()
    assert len(killing.acknowledged) > 100


@pytest.mark.slow
def test_ten_thousand_acknowledged_decisions_outlive_a_thousand_kills(furnished: Path) -> None:
    """As many rounds as it takes, and at least 250, which are a thousand kills."""
    killing = Killing(furnished)
    while len(killing.acknowledged) < 10_000 or killing.rounds < 250:
        killing.round(0.3)
    killing.assert_nothing_is_lost()


def test_a_writer_that_tells_too_early_is_caught(furnished: Path) -> None:
    """The control: decisions that are told before they are stored are missed after a few kills."""
    killing = Killing(furnished, too_early=True)
    for _ in range(5):
        killing.round(0.1)
    assert killing.acknowledged - stored_decisions(furnished)
