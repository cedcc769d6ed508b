"""The shipped simulated study as a record, with times and places made up by a rule, and its plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hitl_review.study.reporting.document import Report
from hitl_review.study.reporting.plan import Plan
from hitl_review.study.reporting.record import Record, record_of
from hitl_review.study.reporting.report import report_on

PLAN = Plan(
    title="Alone and with the model",
    first="with the model",
    second="alone",
    study_id="sim",
    design="sequential, blind first",
    endpoints=("auc", "sensitivity", "specificity"),
    sequential=True,
    simulated=True,
    seed=7,
)


@pytest.fixture(scope="session")
def columns(sim_assist: Any) -> dict[str, list[Any]]:
    """The study's reads as columns: the model is shown in the second read of each pair."""
    found: dict[str, list[Any]] = {}
    for i, name in ((0, "alone"), (1, "with the model")):
        for j, reader in enumerate(sim_assist.ratings.readers):
            for k, case in enumerate(sim_assist.ratings.cases):
                score = float(sim_assist.model[k])
                row = {
                    "reader": reader,
                    "case": case,
                    "modality": name,
                    "rating": sim_assist.ratings.ratings[i, j, k] / 100,
                    "call": sim_assist.calls.ratings[i, j, k],
                    "truth": float(sim_assist.truth[k]),
                    "model": score,
                    "model_call": float(score >= 0.5),
                    "shown": score if i else None,
                    "shown_call": float(score >= 0.5) if i else None,
                    "seconds": (20.0 if i else 25.0) * (1 + (k * 7 + j) % 5 / 10) * 0.998**k,
                    "place": k + 1,
                }
                for key, value in row.items():
                    found.setdefault(key, []).append(value)
    return found


@pytest.fixture(scope="session")
def record(columns: dict[str, list[Any]]) -> Record:
    """The record, with one subgroup variable."""
    return record_of(columns, groups={"ward": ["A" if int(c[1:]) % 3 else "B" for c in columns["case"]]})


@pytest.fixture(scope="session")
def report(record: Record) -> Report:
    """The whole report."""
    return report_on(record, PLAN)


def marked(record: Record, **changes: np.ndarray[Any, Any]) -> Record:
    """The record with some columns changed."""
    return replace(record, **changes)
