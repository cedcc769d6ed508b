"""What several tests of the statistics need: the shipped simulated study and what others say of it."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitl_review.study.reads import BoolArray, FloatArray, Reads

ORACLES = Path(__file__).parents[1] / "oracles"


@dataclass(frozen=True)
class SimulatedStudy:
    """Six simulated readers, alone (first) and with the model (second), on 120 cases, and the model alone."""

    ratings: Reads
    calls: Reads
    model: FloatArray

    @property
    def truth(self) -> BoolArray:
        return self.ratings.truth


@pytest.fixture(scope="session")
def agreement_expected() -> dict[str, Any]:
    """Reference results on agreement and reliance."""
    return json.loads((ORACLES / "agreement_expected.json").read_text())


@pytest.fixture(scope="session")
def sim_assist() -> SimulatedStudy:
    """The shipped simulated study."""
    with (ORACLES / "data" / "sim_assist.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    readers = sorted({row["reader"] for row in rows})
    cases = sorted({row["case"] for row in rows})
    cube = np.full((2, 2, len(readers), len(cases)), np.nan)
    truth, model = np.zeros(len(cases), dtype=bool), np.zeros(len(cases))
    for row in rows:
        i, j, k = (
            ("solo", "assisted").index(row["arm"]),
            readers.index(row["reader"]),
            cases.index(row["case"]),
        )
        cube[:, i, j, k] = float(row["rating"]), float(row["call"])
        truth[k], model[k] = row["truth"] == "1", float(row["ai_score"])
    names = (("solo", "assisted"), tuple(readers), tuple(cases))
    return SimulatedStudy(Reads(cube[0], truth, *names), Reads(cube[1], truth, *names), model)


@pytest.fixture(scope="session")
def reliance_fixture() -> dict[str, list[int]]:
    """24 reads made by hand, so that every measure of reliance can be counted with a finger."""
    with (ORACLES / "data" / "reliance_fixture.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [int(row[name]) for row in rows] for name in rows[0]}
