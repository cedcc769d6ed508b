"""How fast are scores and explanations, against XGBoost alone on the same cases?

    python tests/benchmarks/bench_explain.py [--cases 10000] [--rounds 9]

Trains a model on SUPPORT2's 500 training cases and prints: rows a second of a bare `pred_contribs` call on a
prepared matrix, of `score_and_explain` from the raw matrix (columns, margins, verdicts, familiarity, contributions
and the additivity check included), and their ratio (target: at least 0.9); then a single case in milliseconds. The
two are timed in turn and the ratio is that of medians, so a busy machine slows both alike.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles

import numpy as np
import xgboost

from hitl_review.model.artifacts import TrainedModel, load
from hitl_review.model.explaining import explain, score_and_explain
from hitl_review.model.familiarity import marks, unfamiliarity
from hitl_review.model.features import Column, Matrix, dmatrix, feature_spec, matrix
from hitl_review.model.scoring import score
from hitl_review.model.training import train
from hitl_review.project import read_project

SUPPORT2 = Path(__file__).parents[2] / "data" / "support2"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    model, values = trained()
    print(f"Python {sys.version.split()[0]}, XGBoost {xgboost.__version__}, {model.record.rounds} trees")
    batch(model, np.resize(values, (options.cases, values.shape[1])), rounds=options.rounds)
    single(model, values[:1])


def trained() -> tuple[TrainedModel, Matrix]:
    """Train on the 500 training cases; return the model and the matrix of the hold-out."""
    project = read_project(SUPPORT2 / "project.toml")
    spec = feature_spec(project)
    cases, purpose = table("cases"), {row["case_id"]: row["purpose"] for row in table("split")}
    outcome = {row["case_id"]: float(row[project.target.outcome_column]) for row in table("outcomes")}
    rows = {row["case_id"]: {c.name: value(c, row[c.name]) for c in spec.columns} for row in cases}
    training = [name for name in rows if purpose[name] == "training"]
    holdout = [name for name in rows if purpose[name] == "holdout"]
    started = time.perf_counter()
    model = train(
        matrix(spec, [rows[name] for name in training]),
        [outcome[name] for name in training],
        spec=spec,
        settings=project.training,
    )
    print(f"trained, calibrated and conformed in {time.perf_counter() - started:.2f} s")
    return model, matrix(spec, [rows[name] for name in holdout])


def batch(model: TrainedModel, values: Matrix, *, rounds: int) -> None:
    """Time the bare call and ours in turn."""
    bare, ours = [], []
    for _ in range(rounds):
        # A fresh matrix each time: XGBoost remembers the predictions of one it has seen.
        prepared = dmatrix(model.spec, values)
        bare.append(seconds(partial(model.batch_booster.predict, prepared, pred_contribs=True)))
        ours.append(seconds(lambda: score_and_explain(model, values)))
    ratio = median(bare) / median(ours)
    print(f"bare pred_contribs   {len(values) / median(bare):>8,.0f} rows/s")
    print(f"score_and_explain    {len(values) / median(ours):>8,.0f} rows/s, ratio {ratio:.2f} (target 0.90)")


def single(model: TrainedModel, values: Matrix) -> None:
    """Time what a page does for one case."""
    steps: dict[str, Callable[[], object]] = {
        "load": lambda: load(model.data, digest=model.digest),
        "score": lambda: score(model, values),
        "explain": lambda: explain(model, values)[0],
        "score and explain": lambda: score_and_explain(model, values)[1][0],
        "familiarity and marks": lambda: (
            unfamiliarity(model.familiarity, values),
            marks(model.familiarity, values),
        ),
    }
    for name, step in steps.items():
        times = sorted(1000 * seconds(step) for _ in range(30 if name == "load" else 300))
        print(f"one case, {name:<22} {median(times):6.2f} ms, p95 {quantiles(times, n=20)[-1]:6.2f} ms")


def seconds(step: Callable[[], object]) -> float:
    """Return the wall time of a step."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def table(name: str) -> list[dict[str, str]]:
    """Read one of the data set's tables."""
    with gzip.open(SUPPORT2 / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def value(column: Column, text: str) -> float | str | None:
    """Read one field: empty is missing."""
    if not text:
        return None
    return text if column.kind == "category" else float(text)


if __name__ == "__main__":
    main()
