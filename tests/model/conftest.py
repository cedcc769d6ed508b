"""A small made-up ward with every kind of feature, models of it, and the real patients of SUPPORT2."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from hitl_review.domain.case import Value
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.features import Column, FeatureSpec, Matrix, feature_spec, matrix
from hitl_review.model.training import train
from hitl_review.project import Project, TrainingPolicy, read_project

SUPPORT2 = Path(__file__).parents[2] / "data" / "support2"
WARD = FeatureSpec(
    (
        Column("age", "number"),
        Column("creatinine", "number"),
        Column("dementia", "flag"),
        Column("ward", "category", ("b", "d", "f")),
    )
)


@dataclass(frozen=True)
class Table:
    """Cases of one purpose: the matrix, the outcomes, and the values they were made from."""

    values: Matrix
    labels: npt.NDArray[np.float64]
    rows: list[dict[str, Value]]


def make_ward(cases: int, *, seed: int) -> Table:
    """Draw patients whose risk rises with age and creatinine and differs by ward; creatinine may be missing."""
    random = np.random.default_rng(seed)
    age, creatinine = random.normal(65, 12, cases), random.lognormal(0.2, 0.5, cases)
    dementia, ward = random.random(cases) < 0.1, random.choice(["b", "d", "f"], cases)
    margin = 0.1 * (age - 65) + 2.0 * (creatinine - 1.4) + 1.0 * dementia + 1.5 * (ward == "f") - 0.6
    labels = (random.random(cases) < 1 / (1 + np.exp(-margin))).astype(np.float64)
    missing = random.random(cases) < 0.15
    rows: list[dict[str, Value]] = [
        {
            "age": float(age[i]),
            "creatinine": None if missing[i] else float(creatinine[i]),
            "dementia": float(dementia[i]),
            "ward": str(ward[i]),
        }
        for i in range(cases)
    ]
    return Table(matrix(WARD, rows), labels, rows)


@pytest.fixture(scope="session")
def spec() -> FeatureSpec:
    """The columns of the made-up ward."""
    return WARD


@pytest.fixture(scope="session")
def ward() -> Table:
    """Four hundred patients to train on."""
    return make_ward(400, seed=1)


@pytest.fixture(scope="session")
def newcomers() -> Table:
    """Three hundred patients the model has not seen."""
    return make_ward(300, seed=2)


@pytest.fixture(scope="session")
def settings() -> TrainingPolicy:
    """The default policy."""
    return TrainingPolicy()


@pytest.fixture(scope="session")
def model(ward: Table, spec: FeatureSpec, settings: TrainingPolicy) -> TrainedModel:
    """A model of the made-up ward."""
    return train(ward.values, ward.labels, spec=spec, settings=settings)


@pytest.fixture(scope="session")
def support2() -> Project:
    """The project of the embedded data set."""
    return read_project(SUPPORT2 / "project.toml")


@pytest.fixture(scope="session")
def patients(support2: Project) -> dict[str, Table]:
    """SUPPORT2's patients by purpose: training, holdout, queue."""
    spec = feature_spec(support2)
    strings = {column.name: "string" for column in spec.columns if column.kind == "category"}
    cases = pd.read_csv(SUPPORT2 / "cases.csv.gz", index_col="case_id", dtype=strings)
    outcomes = pd.read_csv(SUPPORT2 / "outcomes.csv.gz", index_col="case_id")[support2.target.outcome_column]
    purpose = pd.read_csv(SUPPORT2 / "split.csv.gz", index_col="case_id")["purpose"]
    tables = {}
    for name in ("training", "holdout"):
        part = cases.loc[purpose.index[purpose == name]]
        rows = [_values(spec, row) for row in part.to_dict("records")]
        tables[name] = Table(matrix(spec, rows), outcomes.loc[part.index].to_numpy(np.float64), rows)
    return tables


@pytest.fixture(scope="session")
def champion(patients: dict[str, Table], support2: Project, settings: TrainingPolicy) -> TrainedModel:
    """The model of SUPPORT2's 500 training cases."""
    table = patients["training"]
    return train(table.values, table.labels, spec=feature_spec(support2), settings=settings)


def _values(spec: FeatureSpec, row: Mapping[Hashable, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for column in spec.columns:
        value = row[column.name]
        missing = value is None or bool(pd.isna(value))
        kind = str if column.kind == "category" else float
        found[column.name] = None if missing else kind(value)
    return found
