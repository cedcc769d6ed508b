"""Try small faults one by one, a second each or less: one pytest session, from which a process is forked for each.

mutmut starts pytest anew for every fault, collects a thousand tests and makes the ward's workspaces again, which
takes longer than the tests that notice. Here all of that is there once. A fault is tried in a process of its own
on the tests that run its function, until the first one fails.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import signal
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest

from tests.processes import forked

MOST_OTHERS: Final = 60
"""So many tests at most are run for a fault that are not about its module: a survivor takes seconds, not minutes."""
NO_TEST: Final = 33
"""mutmut's code for a fault that no test runs."""
QUICK_SECONDS: Final = 1.0
"""A test that noticed a fault is run first for the next one if it takes less than this."""
SLOW_TESTS: Final = {
    "test_side_by_side.py": ("side_by_side",),
    "test_every_value.py": ("reconciling", "unclaimed", "twins.kinds", "twins.learning", "twins.people"),
    "test_forged_words.py": (
        *("domain.audit", "domain.checkpoint", "auditing", "checkpointing", "reconciling", "unclaimed"),
    ),
}
"""Test modules that are slow, and the modules whose faults they are run for."""
_ABOUT_ROWS: Final = ("test_authority.py", "test_told_otherwise.py", "test_reconciling.py")
OWN_TESTS: Final = {
    "anchors": ("test_told_otherwise.py",),
    "audit": ("test_checkpoints.py",),
    "auditing": (
        *("test_every_word.py", "test_anchors.py"),
        *("test_impossible.py", "test_impossible_jobs.py", "test_impossible_reviewing.py"),
    ),
    "canonical": ("test_told_otherwise.py",),
    "checkpointing": ("test_holding.py",),
    "checkpoints": ("test_anchors.py",),
    "file_problems": ("test_auditing.py", "test_side_by_side.py"),
    "job_order": ("test_impossible_jobs.py",),
    "log_keys": ("test_rotating.py",),
    "naming_checks": ("test_told_otherwise.py",),
    "reconciling": _ABOUT_ROWS,
    "reviewing": ("test_reconciling.py",),
    "unclaimed": _ABOUT_ROWS,
    "side_by_side": ("test_auditing.py",),
    "stretches": ("test_auditing.py", "test_authority.py"),
    "successions": tuple(
        f"test_impossible{part}.py"
        for part in ("", "_learning", "_moves", "_policies", "_reviewing", "_signatures", "_studying", "_washouts")
    ),
}
"""Test modules that are about a module of another name."""


def try_all(folder: Path, *, jobs: int) -> None:
    """Try every fault in a folder that was not tried yet, in some processes at a time."""
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    asked = [*settings["pytest_add_cli_args"], *settings["pytest_add_cli_args_test_selection"]]
    os.environ["MUTANT_UNDER_TEST"] = ""
    os.chdir(folder)
    sys.path.insert(0, os.getcwd())
    with TemporaryDirectory(prefix="trials-") as made:
        ended = pytest.main(
            ["-q", "-s", "--rootdir=.", f"--basetemp={made}/all", *asked], plugins=[Trials(jobs, Path(made))]
        )
    os.chdir("..")
    if ended:
        sys.exit("The faults were not all tried, or a test failed without any.")


@dataclass
class Trial:
    """A fault that is being tried."""

    path: Path
    """Where mutmut keeps what became of the faults of its module."""
    name: str
    began: float


CONTROL: Final = Trial(Path("control.txt"), "", 0.0)
"""No fault at all: every test has to pass. One that does not is told of in this file."""


@dataclass(eq=False)
class Trials:
    """In the place of pytest's own loop over tests: one over faults."""

    jobs: int
    made: Path
    """A folder to work in; each process has its own in it."""
    failed: bool = False
    running: dict[int, Trial] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)
    """For how many seconds each test may run before it counts as hanging; for ever, where there is nothing."""
    noticed: list[str] = field(default_factory=list)
    """The tests that noticed a fault, the newest first: they are run first for the next one."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Hear of a test that failed."""
        self.failed = self.failed or report.failed
        if report.failed and os.environ["MUTANT_UNDER_TEST"]:
            told = report.nodeid if report.duration < QUICK_SECONDS else ""
            (self.made / f"{os.getpid()}.txt").write_text(told, encoding="utf-8")
        elif report.failed:
            CONTROL.path.write_text(f"{report.nodeid}\n{report.longreprtext}\n", encoding="utf-8")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every fault, after the honest tests have passed and have made the workspaces that others copy."""
        told = json.loads(Path("mutmut-stats.json").read_text(encoding="utf-8"))
        honest = [item for item in session.items if "honest" in item.name]
        self.run([*honest, session.items[0]])
        if self.failed:
            raise pytest.UsageError(f"A test failed without any fault: see {CONTROL.path.absolute()}.")
        gc.collect()
        gc.freeze()  # what is there now is not looked through again, and copied, in every process
        try:
            self.fork(CONTROL, session, session.items, told["duration_by_test"])
            for path, name in untried():
                tests = told["tests_by_mangled_function_name"].get(name.partition("__mutmut_")[0], [])
                chosen = choose(session.items, name.rpartition(".")[0], set(tests), told["duration_by_test"])
                while len(self.running) >= self.jobs:
                    self.wait()
                trial = Trial(path, name, time.monotonic())
                self.fork(trial, session, self.soonest(chosen), told["duration_by_test"])
            while self.running:
                self.wait()
        finally:
            for child in self.running:
                end(child)
        if self.failed:
            raise pytest.UsageError(f"A test failed without any fault: see {CONTROL.path.absolute()}.")
        return True

    def run(self, items: list[pytest.Item]) -> None:
        """Run tests until one fails."""
        for item, following in zip(items, [*items[1:], items[0]], strict=True):
            signal.setitimer(signal.ITIMER_REAL, self.longest.get(item.nodeid, 0.0))
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.failed:
                return

    def fork(
        self, trial: Trial, session: pytest.Session, chosen: list[pytest.Item], seconds: dict[str, float]
    ) -> None:
        """Try a fault in a process of its own. One that hangs has ten times as long as is usual."""
        if not chosen:
            note(trial, NO_TEST)
            return
        longest = {item.nodeid: 10 * (3 + seconds[item.nodeid]) for item in chosen}
        self.running[beside(lambda: self.passes(trial, session, chosen, longest), sum(longest.values()))] = (
            trial
        )

    def passes(
        self, trial: Trial, session: pytest.Session, chosen: list[pytest.Item], longest: dict[str, float]
    ) -> bool:
        """Tell in a process of its own whether no test fails with a fault."""
        self.failed, self.longest = False, longest
        session.config._tmp_path_factory._basetemp = self.made / str(os.getpid())  # type: ignore[attr-defined]
        (self.made / str(os.getpid())).mkdir()
        set_fault(trial.name)
        session._setupstate.teardown_exact(chosen[0])
        self.run(chosen)
        return not self.failed

    def soonest(self, chosen: list[pytest.Item]) -> list[pytest.Item]:
        """Return tests in the order in which they may notice soonest: first those that noticed faults before."""
        return sorted(chosen, key=lambda item: [*self.noticed, item.nodeid].index(item.nodeid))

    def wait(self) -> None:
        """Wait for one process to end, and note what became of its fault, if it was one that tried any."""
        child, status = os.wait()
        if child not in self.running:
            return
        end(child)
        shutil.rmtree(self.made / str(child), ignore_errors=True)
        with suppress(FileNotFoundError):
            test = (self.made / f"{child}.txt").read_text(encoding="utf-8")
            self.noticed = [test, *(each for each in self.noticed if each != test)]
        trial, code = self.running.pop(child), os.waitstatus_to_exitcode(status)
        if trial is not CONTROL:
            note(trial, code)
        elif code:
            self.failed = True


def beside(passes: Callable[[], bool], seconds: float) -> int:
    """Start something in a process of its own, which heads a group with all that it starts; return its number.

    It works for so many seconds at most, and waits for three times as many.
    """

    def act() -> None:
        os.setpgid(0, 0)
        for stream, way in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
            os.dup2(os.open(os.devnull, way), stream)
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 2))
        signal.setitimer(signal.ITIMER_REAL, 3 * seconds)
        assert passes()

    sys.stdout.flush()
    child = forked(act)
    with suppress(OSError):
        os.setpgid(child, child)  # here as well: whichever of the two comes first
    return child


def end(child: int) -> None:
    """End what is left of a process and of all that it started: a fault may have made it hang."""
    with suppress(OSError):
        os.killpg(child, signal.SIGKILL)


def set_fault(name: str) -> None:
    """Let the functions that mutmut wrote behave as with this fault, in this process and those that it starts."""
    from mutmut.mutation.trampoline import set_mutant_under_test

    set_mutant_under_test(name)


def untried() -> Iterator[tuple[Path, str]]:
    """Yield each fault that was not tried, and where its outcome is to be noted."""
    for path in sorted(Path(".").rglob("*.py.meta")):
        codes: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        yield from ((path, name) for name, code in codes.items() if code is None)


def note(trial: Trial, code: int) -> None:
    """Note what became of a fault where mutmut would."""
    told = json.loads(trial.path.read_text(encoding="utf-8"))
    told["exit_code_by_key"][trial.name] = code
    told["durations_by_key"][trial.name] = time.monotonic() - trial.began
    trial.path.write_text(json.dumps(told, indent=4), encoding="utf-8")


def choose(
    items: list[pytest.Item], module: str, wanted: set[str], seconds: dict[str, float]
) -> list[pytest.Item]:
    """Return those of some tests that notice soonest.

    First come the tests that nothing is wrong with an honest log: to a verifier with a fault something is. Then
    come those about the fault's module, and then the fastest of all others, as many as `MOST_OTHERS`. Of what
    is left out any might notice a fault too, so no fault is noticed here that the whole would not notice.
    """
    by_kind: dict[str, list[pytest.Item]] = {"honest": [], "own": [], "other": [], "slow": []}
    for item in sorted(items, key=lambda item: seconds.get(item.nodeid, 0.0)):
        if item.nodeid in wanted:
            by_kind[kind_of(item, module)].append(item)
    return [*by_kind["honest"], *by_kind["own"], *by_kind["other"][:MOST_OTHERS]]


def kind_of(item: pytest.Item, module: str) -> str:
    """Return what a test is to a module: of an honest log, its own, one that is slow and about others, or another."""
    name = item.path.name
    if not module.endswith(SLOW_TESTS.get(name, (module,))):
        return "slow"
    if "honest" in item.name and module.startswith("hitl_review.workflow."):
        return "honest"
    stem = module.rpartition(".")[2]
    return "own" if name in (*SLOW_TESTS, f"test_{stem}.py", *OWN_TESTS.get(stem, ())) else "other"
