"""A fault is tried in a process that ends, and that leaves nothing behind, whatever the fault makes it do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from select import select
from types import SimpleNamespace
from typing import Any

import pytest

from tests.processes import status_of
from tests.trying import Trial, Trials, beside, end

WAIT = "import time; time.sleep(600)"
LONGEST = 60


def hang() -> bool:
    """Never come back."""
    time.sleep(600)
    return True


def work() -> bool:
    """Never come back, and work all the while."""
    while True:
        pass


def fail() -> bool:
    """Fail as no test does."""
    raise SystemExit("ended")


@pytest.mark.parametrize(
    ("passes", "code"),
    [
        (lambda: True, 0),
        (lambda: False, 1),
        (fail, 1),
        (hang, -signal.SIGALRM),
        (work, -signal.SIGALRM),
    ],
)
def test_how_a_process_ended_tells_whether_every_test_passed(passes: Callable[[], bool], code: int) -> None:
    """One that hangs is ended by its time, and has then noticed the fault."""
    assert status_of(beside(passes, 0.1)) == code


@pytest.mark.parametrize("last", [lambda: True, hang])
def test_what_a_process_has_started_ends_with_it(last: Callable[[], bool]) -> None:
    """None is left that would go on beside all that are tried later."""
    reading, writing = os.pipe()

    def starts() -> bool:
        subprocess.Popen([sys.executable, "-c", WAIT], pass_fds=[writing])
        return last()

    child = beside(starts, 1)
    os.close(writing)
    status_of(child)
    assert select([reading], [], [], 0)[0] == [], "what it has started is there still"
    end(child)
    assert select([reading], [], [], LONGEST)[0] == [reading], "nobody has the other end any more"
    assert os.read(reading, 1) == b""
    os.close(reading)


def test_the_tests_that_noticed_the_last_faults_are_run_first(tmp_path: Path) -> None:
    """The newest before all others, each once; what noticed nothing stays in its order."""
    trials = Trials(1, tmp_path)
    (tmp_path / "fault.meta").write_text('{"exit_code_by_key": {}, "durations_by_key": {}}', encoding="utf-8")

    def ordered() -> list[str]:
        chosen: Any = [SimpleNamespace(nodeid=name) for name in "abcd"]
        return [item.nodeid for item in trials.soonest(chosen)]

    def noticing(name: str) -> bool:
        (tmp_path / f"{os.getpid()}.txt").write_text(name, encoding="utf-8")
        return False

    assert ordered() == ["a", "b", "c", "d"]
    for name in "bdbc":
        trials.running[beside(lambda name=name: noticing(name), 1)] = Trial(tmp_path / "fault.meta", "f", 0.0)
        while trials.running:
            trials.wait()
    assert ordered() == ["c", "b", "d", "a"]
    assert '"f": 1' in (tmp_path / "fault.meta").read_text(encoding="utf-8")
