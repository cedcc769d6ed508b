"""How long it takes, and how much memory, to check a table of 100,000 cases with 28 features, and to store it.

    python tests/benchmarks/bench_intake.py [--rows 100000] [--near-limit] [--check-only]

Each step runs in a process of its own, so that its peak memory is its own. Leaves with 1 if checking
takes more time or memory than promised.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np

ROWS = 100_000
ALLOWED_SECONDS = 6.0
"""Of processor time, per 100,000 rows."""
ALLOWED_MEGABYTES = (400.0, 6.0)
"""At all, and per MB of the file."""
NEAR_LIMIT_ROWS = 1_290_000
"""So many rows make a file just below `tables.MAX_BYTES`."""
NUMBERS, FLAGS, CATEGORIES = 20, 4, 4
KINDS = (("number", NUMBERS), ("flag", FLAGS), ("category", CATEGORIES))
LEVELS = ("none", "former", "current")
HEAD = """
id = "bench"
title = "A wide table"
version = "1"
id_column = "case_id"
intended_use = "Timing."
[target]
name = "death"
question = "Will this patient die?"
positive = { code = "died", words = "death" }
negative = { code = "alive", words = "alive" }
horizon = "1 day"
index_time = "now"
outcome_column = "died"
threshold = 0.5
cost_false_negative = 1.0
cost_false_positive = 1.0
[[reasons]]
code = "any"
label = "Any"
applies_to = ["override", "defer"]
training_effect = "none"
"""


def project_text() -> str:
    """A project with 28 features of all kinds."""
    return HEAD + "".join(_feature(f"{kind}_{n}", kind) for kind, count in KINDS for n in range(count))


def _feature(name: str, kind: str) -> str:
    more = {"number": "plausible_low = 0\nplausible_high = 300", "category": f"levels = {list(LEVELS)}"}.get(
        kind, ""
    )
    return f'[[features]]\nname = "{name}"\nlabel = "{name}"\ngroup = "g"\nkind = "{kind}"\n{more}\n'


def write_table(path: Path, rows: int) -> None:
    """Write a table with two decimals, a fifth of the numbers missing, and no fault, 10,000 rows at a time."""
    random = np.random.default_rng(1)
    names = [f"{kind}_{n}" for kind, count in KINDS for n in range(count)]
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(["case_id", *names]) + "\n")
        for start in range(0, rows, 10_000):
            file.writelines(_lines(random, start, min(10_000, rows - start)))


def _lines(random: np.random.Generator, start: int, count: int) -> list[str]:
    numbers = np.char.mod("%.2f", random.normal(100, 20, (count, NUMBERS)).clip(0, 300))
    numbers[random.random((count, NUMBERS)) < 0.2] = ""
    flags = random.integers(0, 2, (count, FLAGS)).astype(str)
    categories = random.choice(LEVELS, (count, CATEGORIES))
    cells = np.hstack([numbers, flags, categories]).tolist()
    return [f"C-{start + place:07d},{','.join(row)}\n" for place, row in enumerate(cells)]


def read_with_pandas(path: Path) -> None:
    """The bare read that everything is compared with."""
    import pandas

    pandas.read_csv(path)


def check(path: Path) -> None:
    """Read and judge every cell."""
    from hitl_review.project import parse_project
    from hitl_review.workflow.checking import read_cases

    table = read_cases(path, parse_project(project_text()))
    if table.rejected:
        raise RuntimeError(f"the table was not meant to have a fault: {table.rejections[0]}")


def store(path: Path) -> None:
    """Read, judge, and store in a fresh workspace."""
    from hitl_review.domain.account import SYSTEM
    from hitl_review.workflow.intake import receive_cases
    from hitl_review.workflow.workspace import create_workspace, open_workspace

    with TemporaryDirectory() as folder:
        create_workspace(Path(folder) / "workspace", project_text())
        with open_workspace(Path(folder) / "workspace") as workspace:
            receive_cases(workspace, path, actor=SYSTEM)


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one step."""

    seconds: float
    processor_seconds: float
    peak_megabytes: float


def measured(step: Callable[[Path], None], path: Path) -> Measured:
    """Run a step in a process of its own, on a file that the system has at hand."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (step, path))


def _measure(step: Callable[[Path], None], path: Path) -> Measured:
    path.read_bytes()
    start, start_processor = perf_counter(), process_time()
    step(path)
    seconds, processor_seconds = perf_counter() - start, process_time() - start_processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return Measured(seconds, processor_seconds, peak)


def main() -> int:
    """Time each step; 1 if the promise is broken."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rows", type=int, default=ROWS)
    arguments.add_argument("--near-limit", action="store_true", help="as large as a file may be")
    arguments.add_argument("--check-only", action="store_true", help="store nothing")
    asked = arguments.parse_args()
    rows = NEAR_LIMIT_ROWS if asked.near_limit else asked.rows
    steps = [read_with_pandas, check] if asked.check_only else [read_with_pandas, check, store]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "cases.csv"
        write_table(path, rows)
        return report(path, rows, steps)


def report(path: Path, rows: int, steps: list[Callable[[Path], None]]) -> int:
    """Print each step's time, speed, memory and ratio to the bare read; 1 if the promise is broken."""
    file_megabytes = path.stat().st_size / 1e6
    print(f"{rows:,} rows, {NUMBERS + FLAGS + CATEGORIES} features, {file_megabytes:.1f} MB")
    found = {step: measured(step, path) for step in steps}
    bare = found[read_with_pandas].processor_seconds
    for step, each in found.items():
        speed = f"{rows / each.seconds:10,.0f} rows/s{each.peak_megabytes:7.0f} MB"
        ratio = f"{each.processor_seconds / bare:6.1f} x pandas"
        print(f"{step.__name__:<17}{each.seconds:7.2f} s ({each.processor_seconds:.2f} s busy){speed}{ratio}")
    seconds, megabytes = (
        ALLOWED_SECONDS * rows / ROWS,
        ALLOWED_MEGABYTES[0] + ALLOWED_MEGABYTES[1] * file_megabytes,
    )
    kept = found[check].processor_seconds <= seconds and found[check].peak_megabytes <= megabytes
    print(f"promised: checking within {seconds:.0f} s and {megabytes:.0f} MB; {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
