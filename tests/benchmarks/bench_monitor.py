"""How often do the monitor's lamps ring with nothing changed, and how soon when something has?

    python tests/benchmarks/bench_monitor.py --runs 100 [--json FILE]

Drift: reference and recent cases are drawn from SUPPORT2's patients; with nothing changed both come from the same
ones. `per feature` is the share of features that ring, `any` the share of looks in which one does. Beside it stands
the usual rule, an alarm where the stability index is over 0.1. `found` is how often a shift of one feature by 0.3 or
0.5 standard deviations is. Overrides: decisions are drawn at the usual rate, then at twice it. Leaves with 1 if a
feature rings by mistake in more than 1 % anywhere, if overrides ring by mistake more often than once in 1,500
decisions, or if a doubling from 12 % takes more than 80.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from hitl_review.model.drift import input_drift, score_drift
from hitl_review.model.features import FeatureSpec, Matrix
from hitl_review.model.override_cusum import cusum, watch
from hitl_review.workflow.simulating import read_labelled

SUPPORT2 = Path(__file__).parents[2] / "data" / "support2"
SIZES = (50, 100, 200, 500, 1_000)
REFERENCE = 500
AT_MOST, EVERY, WITHIN = 0.01, 1_500, 80
USUAL_RULE = 0.1


def looks(values: Matrix, spec: FeatureSpec, size: int, runs: int, shift: float) -> dict[str, float]:
    """Shares over looks at `size` recent cases; a shift is added to the first feature, in standard deviations."""
    random = np.random.default_rng(size)
    features = any_feature = usual = found = 0
    for run in range(runs):
        drawn = random.choice(len(values), REFERENCE + size, replace=False)
        old, new = values[drawn[:REFERENCE]], values[drawn[REFERENCE:]].copy()
        new[:, 0] += shift * np.nanstd(values[:, 0])
        drift = input_drift(old, new, spec=spec, seed=run)
        ringing = [each.alarm for each in drift.features]
        found += ringing[0]
        features += sum(ringing)
        any_feature += any(ringing)
        usual += sum(each.psi > USUAL_RULE for each in drift.features)
    cells = runs * len(spec.columns)
    return {
        "per feature": features / cells,
        "any": any_feature / runs,
        "usual rule": usual / cells,
        "found": found / runs,
    }


def score_looks(size: int, runs: int) -> float:
    """Share of looks at probabilities alone in which they ring with nothing changed."""
    random = np.random.default_rng(size)
    rang = 0
    for run in range(runs):
        old, new = random.beta(2, 3, REFERENCE), random.beta(2, 3, size)
        rang += score_drift(old, new, seed=run).alarm
    return rang / runs


def run_lengths(rate: float, usual: float, runs: int) -> float:
    """Mean decisions to the first alarm at a rate, of a chart tuned to the usual one."""
    chart, random = cusum(usual), np.random.default_rng(9)
    lengths = []
    for _ in range(runs):
        count, rang = 0, False
        height = 0.0
        while not rang:
            part = random.random(2_000) < rate
            for overridden in part.tolist():
                count += 1
                height = max(0.0, height + (chart.up if overridden else -chart.down))
                if height >= chart.limit:
                    rang = True
                    break
        lengths.append(count)
    return float(np.mean(lengths))


def main() -> int:
    """Print the tables; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--json", type=Path, help="also write the tables here")
    asked = parser.parse_args()
    world = read_labelled(
        SUPPORT2 / "cases.csv.gz", SUPPORT2 / "project.toml", outcomes=SUPPORT2 / "outcomes.csv.gz"
    ).world
    heads = ("recent", "per feature", "any", "usual rule", "score", "found +.3 sd", "found +.5 sd")
    print("".join(f"{head:>14}" for head in heads), flush=True)
    rows = []
    for size in SIZES:
        null = looks(world.values, world.spec, size, asked.runs, 0.0)
        score = score_looks(size, 5 * asked.runs)
        shifted = [looks(world.values, world.spec, size, asked.runs // 4, by)["found"] for by in (0.3, 0.5)]
        figures = (null["per feature"], null["any"], null["usual rule"], score, *shifted)
        rows.append(dict(zip(heads, (size, *figures), strict=True)))
        print(f"{size:>14,}" + "".join(f"{figure:>14.4f}" for figure in figures), flush=True)
    print(
        f"\n{'usual rate':>14}{'limit':>14}{'false alarm every':>20}{'doubling found after':>24}", flush=True
    )
    charts = []
    for usual in (0.05, 0.12, 0.2, 0.3):
        every, after = (run_lengths(rate, usual, 10 * asked.runs) for rate in (usual, 2 * usual))
        charts.append({"usual": usual, "every": every, "after": after})
        print(f"{usual:>14.0%}{cusum(usual).limit:>14.2f}{every:>20,.0f}{after:>24,.0f}", flush=True)
    assert watch([True] * 50, chart=cusum(0.12)).alarm
    twelve = charts[1]
    kept = (
        max(max(row["per feature"], row["score"]) for row in rows) <= AT_MOST
        and twelve["every"] >= EVERY
        and twelve["after"] <= WITHIN
    )
    print(f"promises kept: {kept}")
    if asked.json:
        asked.json.write_text(json.dumps({"drift": rows, "overrides": charts}, indent=1) + "\n")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
