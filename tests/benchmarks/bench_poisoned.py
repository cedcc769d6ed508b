"""One reader turns labels round: does a harmful model get through the gate, and is the reader pointed out?

    python tests/benchmarks/bench_poisoned.py --runs 100 [--json FILE]

A champion from 300 outcomes; then 900 cases read by three readers, right in 85 % and read blind, one of whom turns
labels round: nine in ten of their own (30 % of all labels), or three in ten of their own. Outcomes have come in for a
third of the cases. Labels are resolved, a challenger is made and judged on 400 cases by the product's own functions,
and what is true of it is measured on 20,000 others. Harmful is a promoted challenger whose true AUC or log loss is
worse than the champion's. Leaves with 1 if one is promoted, or if the reader of 30 % of all labels goes unnoticed in
more than 1 % of runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from hitl_review.domain.gate import GateVerdict
from hitl_review.domain.label import LabelMode, LabelSource, TrainingLabel, resolve
from hitl_review.model import evaluation
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.candidates import TrainingSet, make_candidates
from hitl_review.model.features import Column, FeatureSpec, Matrix
from hitl_review.model.gating import judge
from hitl_review.model.label_quality import Comparison, readers_apart
from hitl_review.model.scoring import score
from hitl_review.model.training import train
from hitl_review.project import GatePolicy, TrainingPolicy

FEATURES, STARTED, READ, GATE_CASES, JUDGES = 12, 300, 900, 400, 20_000
SPEC = FeatureSpec(tuple(Column(f"x{number}", "number") for number in range(FEATURES)))
SETTINGS = TrainingPolicy(small_rows=2_000)
READERS = ("anna", "ben", "cara")
POISONER, RIGHT, MATURED = "cara", 0.85, 1 / 3
TURNED = {"90 % of own, 30 % of all": 0.9, "30 % of own": 0.3, "none": 0.0}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def cases(count: int, random: np.random.Generator) -> tuple[Matrix, np.ndarray]:
    """Patients whose risk rises with six of twelve features."""
    values = random.normal(size=(count, FEATURES)).astype(np.float32)
    margin = values[:, :6] @ np.array([1.0, 0.8, 0.6, 0.5, 0.4, 0.3]) - 0.5
    return values, (random.random(count) < 1 / (1 + np.exp(-margin))).astype(float)


def ledger(
    truth: np.ndarray, turned: float, random: np.random.Generator
) -> tuple[list[TrainingLabel], list[Comparison]]:
    """Outcomes of the start; of the others a blind read each, and for a third the outcome; and the comparisons."""
    labels, compared = [], []
    for case, true in enumerate(truth.tolist()):
        case_id = f"C-{case}"
        if case >= STARTED:
            reader = READERS[case % 3]
            call = true if random.random() < RIGHT else 1 - true
            if reader == POISONER and random.random() < turned:
                call = 1 - call
            labels.append(
                TrainingLabel(
                    f"{case_id}/own",
                    case_id,
                    LabelSource.BLIND,
                    0.1 + 0.8 * call,
                    LabelMode.BLIND,
                    NOW,
                    reader=reader,
                )
            )
        if case < STARTED or random.random() < MATURED:
            labels.append(
                TrainingLabel(f"{case_id}/out", case_id, LabelSource.OUTCOME, true, LabelMode.OUTCOME, NOW)
            )
            if case >= STARTED:
                compared.append(Comparison(reader, call == 1, 0.1 + 0.8 * call, true == 1))
    return labels, compared


def challenger_of(values: Matrix, labels: list[TrainingLabel], champion: TrainedModel) -> TrainedModel:
    """The candidate that goes to the gate."""
    resolved, _ = resolve(labels)
    rows = [int(label.case_id.removeprefix("C-")) for label in resolved]
    training = TrainingSet(
        values[rows],
        np.array([label.label for label in resolved]),
        np.array([np.nan if label.outcome is None else float(label.outcome) for label in resolved]),
        np.array([label.weight for label in resolved]),
        np.array(rows) < STARTED,
    )
    return make_candidates(training, spec=SPEC, settings=SETTINGS, champion=champion).chosen.model


def run(turned: float, seed: int) -> Counter[str]:
    """One run: promoted, harmful, pointed out, and honest readers pointed at."""
    random = np.random.default_rng(seed)
    values, truth = cases(STARTED + READ, random)
    champion = train(values[:STARTED], truth[:STARTED], spec=SPEC, settings=SETTINGS)
    labels, compared = ledger(truth, turned, random)
    challenger = challenger_of(values, labels, champion)
    gate, judges = cases(GATE_CASES, random), cases(JUDGES, random)
    before, after = (score(model, gate[0]).probabilities for model in (champion, challenger))
    passed = judge(before, after, gate[1], policy=GatePolicy(), threshold=0.5).verdict is GateVerdict.PASSED
    old, new = (score(model, judges[0]).probabilities for model in (champion, challenger))
    worse = evaluation.roc_auc_score(judges[1], new) < evaluation.roc_auc_score(
        judges[1], old
    ) or evaluation.log_loss(judges[1], new) > evaluation.log_loss(judges[1], old)
    apart = {check.reader for check in readers_apart(compared) if check.stands_apart}
    return Counter(
        {
            "worse": int(worse),
            "promoted": int(passed),
            "harmful": int(passed and worse),
            "pointed out": int(POISONER in apart),
            "honest pointed at": int(bool(apart - {POISONER})),
        }
    )


def main() -> int:
    """Print the table; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--json", type=Path, help="also write the table here")
    asked = parser.parse_args()
    heads = ("worse", "promoted", "harmful", "pointed out", "honest pointed at")
    print(
        f"Of {asked.runs} runs, in how many\n{'labels turned round':<28}" + "".join(f"{h:>20}" for h in heads)
    )
    rows = {}
    for name, turned in TURNED.items():
        found: Counter[str] = Counter()
        for seed in range(asked.runs):
            found.update(run(turned, seed))
        rows[name] = {head: found[head] for head in heads}
        print(f"{name:<28}" + "".join(f"{found[head]:>20}" for head in heads), flush=True)
    worst = rows["90 % of own, 30 % of all"]
    kept = worst["harmful"] == 0 and worst["pointed out"] >= 0.99 * asked.runs
    print(f"promises kept: {kept}")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
