"""How often is the promise "of the cases that pass, at most 5 % are wrong" broken?

    python tests/benchmarks/bench_router.py --runs 100 [--json FILE]

In each run a promise is made from some known cases, and held against a large population: it is broken where the true
error of the cases that pass is over the target. Beside it stands the usual way, the lowest cutoff at which the known
cases had no more errors than the target. A run that promises nothing breaks nothing; `promised` says how many did,
`passing` what share of cases then pass. Leaves with 1 if the product's promise is broken in more than 10 % of runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from hitl_review.model.features import feature_spec
from hitl_review.model.routing import Promise, sureness, threshold_for_error
from hitl_review.model.scoring import score
from hitl_review.model.training import train
from hitl_review.project import read_project
from hitl_review.workflow.simulating import read_labelled

Floats = npt.NDArray[np.float64]
SUPPORT2 = Path(__file__).parents[2] / "data" / "support2"
TARGETS = (0.05, 0.10)
KNOWN = (200, 1_000)
AT_MOST = 0.10
THRESHOLD = 0.5


def made_up(slope: float, centre: float, spread: float) -> tuple[Floats, Floats]:
    """Probabilities and outcomes of 200,000 cases; with a slope under 1 the model is too sure of itself."""
    random = np.random.default_rng(5)
    margin = random.normal(centre, spread, 200_000)
    return expit(margin), (random.random(200_000) < expit(slope * margin)).astype(float)


def support2() -> tuple[Floats, Floats]:
    """A model of 1,500 SUPPORT2 patients on the others."""
    world = read_labelled(
        SUPPORT2 / "cases.csv.gz", SUPPORT2 / "project.toml", outcomes=SUPPORT2 / "outcomes.csv.gz"
    ).world
    project = read_project(SUPPORT2 / "project.toml")
    model = train(
        world.values[:1500], world.truth[:1500], spec=feature_spec(project), settings=project.training
    )
    return score(model, world.values[1500:]).probabilities, world.truth[1500:]


def naive(chance: Floats, truth: Floats, target: float) -> float | None:
    """The lowest sureness from which the known cases had no more errors than the target."""
    sure = sureness(chance, threshold=THRESHOLD)
    order = np.argsort(-sure)
    wrong = ((chance >= THRESHOLD) != (truth == 1))[order]
    rate = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    fitting = np.flatnonzero(rate <= target)
    return float(sure[order][fitting[-1]]) if len(fitting) else None


def error_beyond(chance: Floats, truth: Floats, cutoff: float) -> float:
    """The true error rate of the cases that pass."""
    passing = sureness(chance, threshold=THRESHOLD) >= cutoff
    wrong = (chance >= THRESHOLD) != (truth == 1)
    return float(wrong[passing].mean()) if passing.any() else 0.0


def tried(chance: Floats, truth: Floats, target: float, known: int, runs: int) -> dict[str, float]:
    """Shares of runs in which each way breaks its promise, and what the product's lets pass."""
    random = np.random.default_rng(1)
    broken = naive_broken = promised = 0
    passing = []
    for _ in range(runs):
        drawn = random.choice(len(chance), known, replace=False)
        answer = threshold_for_error(chance[drawn], truth[drawn], target=target, threshold=THRESHOLD)
        if isinstance(answer, Promise):
            promised += 1
            passing.append(float(np.mean(sureness(chance, threshold=THRESHOLD) >= answer.sureness)))
            broken += error_beyond(chance, truth, answer.sureness) > target
        usual = naive(chance[drawn], truth[drawn], target)
        naive_broken += usual is not None and error_beyond(chance, truth, usual) > target
    shares = {"broken": broken, "naive broken": naive_broken, "promised": promised}
    return {name: count / runs for name, count in shares.items()} | {
        "passing": float(np.mean(passing)) if passing else 0.0
    }


def main() -> int:
    """Print the table; 1 if the product's promise is broken too often."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--json", type=Path, help="also write the table here")
    asked = parser.parse_args()
    populations = {
        "calibrated, AUC .89": made_up(1.0, -0.5, 2.5),
        "too sure (slope .6)": made_up(0.6, -0.5, 3.0),
        "rare outcome (8 %)": made_up(1.0, -3.2, 1.5),
        "SUPPORT2, 1,500 patients": support2(),
    }
    heads = ("target", "known", "broken", "naive broken", "promised", "passing")
    print(f"{'':<28}" + "".join(f"{head:>14}" for head in heads), flush=True)
    rows = []
    for name, (chance, truth) in populations.items():
        for target in TARGETS:
            for known in KNOWN:
                found = tried(chance, truth, target, known, asked.runs)
                rows.append({"population": name, "target": target, "known": known, **found})
                cells = "".join(f"{found[head]:>14.2f}" for head in heads[2:])
                print(f"{name:<28}{target:>14.0%}{known:>14,}{cells}", flush=True)
    worst = max(float(str(row["broken"])) for row in rows)
    print(f"broken at worst in {worst:.0%} of {asked.runs} runs ({AT_MOST:.0%} allowed)")
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if worst <= AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
