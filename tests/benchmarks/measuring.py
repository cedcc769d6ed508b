"""What the benchmarks share: percentiles as lines, and workspaces with a long queue."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from statistics import quantiles

from hitl_review.domain.account import SYSTEM
from hitl_review.workflow.demo import data_folder, make_demo
from hitl_review.workflow.intake import receive_cases
from hitl_review.workflow.scoring import score_cases
from hitl_review.workflow.workspace import open_workspace


def percentile(taken: Sequence[float], share: int) -> float:
    """Return a percentile (1 to 99) of what was measured, interpolated."""
    return quantiles(taken, n=100, method="inclusive")[share - 1]


def line(name: str, taken: Sequence[float]) -> str:
    """Return a row of a table: how many, median, 95th percentile and the longest, in ms."""
    return f"{name:<46}{len(taken):>5} {percentile(taken, 50):>8.0f} {percentile(taken, 95):>8.0f} {max(taken):>8.0f}"


HEADING = f"{'':<46}{'n':>5} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8}"


def verdict(words: str, found: float, bound: float, unit: str = "") -> bool:
    """Print a figure beside its bound, and return whether it holds."""
    holds = found <= bound
    print(f"{words}: {found:.2f}{unit} (at most {bound:g}{unit}){'' if holds else '  MISSED'}")
    return holds


def demo_with_queue(folder: Path, cases: int = 0) -> Path:
    """Make the demonstration workspace, with its queue lengthened to so many cases, all judged by the champion."""
    make_demo(folder)
    more = cases - 400
    if more > 0:
        table = folder.parent / "more.csv"
        _write(table, more)
        with open_workspace(folder) as workspace:
            receive_cases(workspace, table, actor=SYSTEM)
            score_cases(workspace)
        table.unlink()
    return folder


def _write(table: Path, rows: int) -> None:
    """Write a table of cases: SUPPORT2's patients over and over, each time under another id."""
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        with gzip.open(data_folder("support2") / "cases.csv.gz", "rt", encoding="utf-8", newline="") as lines:
            names, *patients = csv.reader(lines)
        place = names.index("case_id")
        writer.writerow(names)
        writer.writerows(_again(patients, place, rows))


def _again(patients: list[list[str]], place: int, rows: int) -> Iterator[list[str]]:
    for number, patient in enumerate(islice(cycle(patients), rows)):
        yield [*patient[:place], f"more-{number:06d}", *patient[place + 1 :]]
