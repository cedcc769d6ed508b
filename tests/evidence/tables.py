"""The shipped tables of SUPPORT2 as rows, and some of their rows as a file of their own."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory


@lru_cache(maxsize=8)
def table_of(source: Path, name: str) -> tuple[dict[str, str], ...]:
    """All rows of a shipped table, by its name without `.csv.gz`."""
    with gzip.open(source / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def ids_with(source: Path, *purposes: str) -> list[str]:
    """The ids of the patients of some parts of the shipped split, in order."""
    rows = [row for row in table_of(source, "split") if row["purpose"] in purposes]
    return [row["case_id"] for row in sorted(rows, key=lambda row: (row["purpose"], int(row["position"])))]


@contextmanager
def written(source: Path, name: str, wanted: Sequence[str]) -> Iterator[Path]:
    """Some rows of a table, in the order wanted, as a file."""
    rows = {row["case_id"]: row for row in table_of(source, name)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[wanted[0]]))
            writer.writeheader()
            writer.writerows(rows[case_id] for case_id in wanted)
        yield path
