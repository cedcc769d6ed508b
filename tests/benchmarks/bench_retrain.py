"""How long does a retraining take: candidates, calibration, choice and gate, beside the bare XGBoost fits it needs?

    python tests/benchmarks/bench_retrain.py --repeats 3 [--json FILE]

5,000 labels of 30 features, a champion in use, directions for six features, 2,000 gate cases with eight subgroups.
The named baseline is `xgboost.train` alone: as many fits of as many rows, with the same parameters, as the run needs
(each refit on all rows, and once per fold to leave cases out). Both are timed in turn, in wall and in processor
seconds, and the smallest of each is kept: on a shared machine the processor's ratio is the one to trust. Leaves with 1
if the processor's ratio is over 2, or the run takes more than 20 processor seconds (10 on two cores).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xgboost

from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.candidates import Candidates, TrainingSet, make_candidates
from hitl_review.model.features import Column, FeatureSpec, Matrix, dmatrix
from hitl_review.model.gating import compare
from hitl_review.model.presets import parameters, preset_for
from hitl_review.model.scoring import score
from hitl_review.model.training import FOLDS_OF_LARGE, train
from hitl_review.project import GatePolicy, TrainingPolicy

LABELS, FEATURES, GATE_CASES = 5_000, 30, 2_000
SPEC = FeatureSpec(tuple(Column(f"x{number}", "number") for number in range(FEATURES)))
SETTINGS = TrainingPolicy()
DIRECTIONS = {f"x{number}": 1 for number in range(6)}
MOST_RATIO, MOST_SECONDS = 2.0, 20.0


def cases(count: int, seed: int) -> tuple[Matrix, np.ndarray]:
    """Patients with a tenth of the values missing, and their outcomes."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(count, FEATURES)).astype(np.float32)
    margin = values[:, :6].sum(axis=1) * 0.5 + values[:, 6] * values[:, 7] - 0.5
    truth = (random.random(count) < 1 / (1 + np.exp(-margin))).astype(float)
    values[random.random(values.shape) < 0.1] = np.nan
    return values, truth


def training_set() -> TrainingSet:
    """A tenth known to the champion; half of the others with an outcome, the rest with a stated probability."""
    values, truth = cases(LABELS, 1)
    random = np.random.default_rng(2)
    known = np.arange(LABELS) < LABELS // 10
    with_outcome = known | (random.random(LABELS) < 0.5)
    labels = np.where(with_outcome, truth, 0.2 + 0.6 * truth)
    outcomes = np.where(with_outcome, truth, np.nan)
    return TrainingSet(values, labels, outcomes, np.ones(LABELS), known)


def product(training: TrainingSet, champion: TrainedModel, gate: tuple[Matrix, np.ndarray]) -> Candidates:
    """A retraining as the worker does it, without the database."""
    found = make_candidates(training, spec=SPEC, settings=SETTINGS, champion=champion, directions=DIRECTIONS)
    values, truth = gate
    before, after = (score(model, values).probabilities for model in (champion, found.chosen.model))
    ids = [f"G-{number}" for number in range(len(truth))]
    groups = {"ward": [f"w{number % 8}" for number in range(len(truth))]}
    compare(before, after, truth, policy=GatePolicy(), threshold=0.5, case_ids=ids, subgroups=groups)
    return found


def bare(training: TrainingSet) -> int:
    """The fits alone: two refits, each on all rows and on all but one fold, for every fold."""
    preset, fits = preset_for(LABELS), 0
    for constraints in (DIRECTIONS, {}):
        numbers = parameters(preset, max_depth=SETTINGS.max_depth, seed=SETTINGS.seed)
        if constraints:
            numbers["monotone_constraints"] = tuple(constraints.get(name, 0) for name in SPEC.names)
        for fold in (None, *range(FOLDS_OF_LARGE)):
            kept = np.arange(LABELS) % FOLDS_OF_LARGE != (-1 if fold is None else fold)
            data = dmatrix(SPEC, training.values[kept], labels=training.labels[kept])
            xgboost.train({**numbers, "verbosity": 0}, data, num_boost_round=preset.rounds)
            fits += 1
    return fits


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def main() -> int:
    """Print both, and their ratio; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    training, gate = training_set(), cases(GATE_CASES, 3)
    known = training.known_to_champion
    champion = train(training.values[known], training.outcomes[known], spec=SPEC, settings=SETTINGS)
    runs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    made: list[Candidates] = []
    bare_fits: list[int] = []
    for _ in range(asked.repeats):
        runs.append(
            (
                timed(lambda: made.append(product(training, champion, gate))),
                timed(lambda: bare_fits.append(bare(training))),
            )
        )
    ours, theirs = (np.min([run[side] for run in runs], axis=0) for side in (0, 1))
    found, fits = made[0], bare_fits[0]
    print(f"candidates: {', '.join(each.kind for each in found.made)}; chosen: {found.chosen.kind}")
    print(f"{'':<34}{'wall s':>10}{'processor s':>14}")
    print(f"{'retrain, calibrate, gate':<34}{ours[0]:>10.2f}{ours[1]:>14.2f}")
    print(f"{f'{fits} bare XGBoost fits':<34}{theirs[0]:>10.2f}{theirs[1]:>14.2f}")
    ratio = ours / theirs
    print(f"{'ratio':<34}{ratio[0]:>10.2f}{ratio[1]:>14.2f}   (at most {MOST_RATIO:g} allowed)")
    if asked.json:
        figures = {"ours": ours.tolist(), "bare": theirs.tolist(), "ratio": ratio.tolist(), "fits": fits}
        asked.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0 if ratio[1] <= MOST_RATIO and ours[1] <= MOST_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
