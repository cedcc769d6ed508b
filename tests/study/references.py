"""Reference results and the data they were made from: ours, and those of the folder beside the repository."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitl_review.study.reads import Reads
from hitl_review.study.table import read_table

SHIPPED = Path(__file__).parents[1] / "oracles"
BESIDE = Path(os.environ.get("HITL_ORACLES", SHIPPED.parents[2] / "shared" / "oracles"))
LABELS = {"rownames", "UstatOrMLE", "modalityID.1", "modalityID.2"}
MODES = {"rrrc": ("random", "random"), "frrc": ("fixed", "random"), "rrfc": ("random", "fixed")}


class Recorded(dict[str, Any]):
    """A reference's values that remember which of them were compared: one left out is a promise not kept."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(
            {key: Recorded(each) if isinstance(each, dict) else each for key, each in values.items()}
        )
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value, which counts as compared."""
        self.read.add(key)
        return super().get(key, default)

    def items(self) -> Any:
        """Names and values, all of which count as compared."""
        self.read |= set(self.keys())
        return super().items()

    def values(self) -> Any:
        """Values, all of which count as compared."""
        self.read |= set(self.keys())
        return super().values()

    def left_out(self) -> set[str]:
        """The paths of the values that nobody looked at."""
        found = set(self.keys()) - self.read
        for key, each in super().items():
            if isinstance(each, Recorded) and key in self.read:
                found |= {f"{key}/{path}" for path in each.left_out()}
        return found


def recorded(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry, its values remembering what was compared."""
    values = entry["values"]
    return {**entry, "values": Recorded(values) if isinstance(values, dict) else values}


def left_out(entry: dict[str, Any]) -> set[str]:
    """What of a recorded entry was never compared, besides the labels of rows."""
    values = entry["values"]
    paths = values.left_out() if isinstance(values, Recorded) else set()
    return {path for path in paths if path.split("/")[-1] not in LABELS}


def close(found: Any, expected: Any, *, absolute: float = 1e-13) -> None:
    """Found equals expected to a relative 1e-8; what the reference leaves empty is not compared."""
    for one, other in zip(listed(found), listed(expected), strict=True):
        if other is not None:
            assert one == pytest.approx(other, rel=1e-8, abs=absolute)


def listed(values: Any) -> list[Any]:
    """R writes a list of one as a single value."""
    return list(values) if isinstance(values, (list, tuple, np.ndarray)) else [values]


@cache
def available() -> tuple[dict[str, Any], ...]:
    """Every reference result at hand: the shipped ones always, the others where their folder is there."""
    shipped = shipped_entries()
    known = {entry["id"] for entry in shipped}
    return (*shipped, *(entry for entry in _beside() if entry["id"] not in known))


def shipped_entries() -> list[dict[str, Any]]:
    """The reference results in the repository."""
    return list(json.loads((SHIPPED / "mrmc_expected.json").read_text()))


def _beside() -> Iterator[dict[str, Any]]:
    if not (BESIDE / "mrmc_expected.json").exists():
        return
    yield from json.loads((BESIDE / "mrmc_expected.json").read_text())
    for dataset, rows in json.loads((BESIDE / "viper_expected.json").read_text()).items():
        yield {"id": f"viper/{dataset}", "dataset": f"viper_{dataset}", "reference": "VIPER", "values": rows}
    for name in ("VanDyke", "Franken"):
        yield {"id": f"published/{name}", "dataset": name.lower(), "reference": "printout", "values": name}


@cache
def table(dataset: str) -> dict[str, list[str]]:
    """A data file as columns."""
    folder = SHIPPED if (SHIPPED / "data" / f"{dataset}.csv").exists() else BESIDE
    with (folder / "data" / f"{dataset}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


@cache
def reads_of(dataset: str, rating: str = "rating", case: str = "case") -> Reads:
    """A data file as reads, its modality column being called treatment or arm."""
    columns = table(dataset)
    modality = "arm" if "arm" in columns else "treatment"
    return read_table(columns, modality_col=modality, rating_col=rating, case_col=case)
