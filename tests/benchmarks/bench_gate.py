"""How often does the gate let harmful, equal and good challengers pass, and which criterion costs the power?

    python tests/benchmarks/bench_gate.py --draws 1000 [--cases 400] [--json FILE]

Each row is a pair of models whose true difference in AUC is known: made-up calibrated pairs of two prevalences and
two correlations, set to the difference exactly on 60,000 cases, and real pairs trained on SUPPORT2, measured on
thousands of its patients. From each, gate cases are drawn again and again, with 19 subgroups of 30 and more, and go
through the gate's own function. `auc up` is what the gate is not: promoting whenever the AUC went up. `measured` is
the gate with guards held to their measured figures. Leaves with 1 if a truly 0.02 worse challenger passes in more
than 10 % or a truly 0.03 better one in less than 80 %.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit

from hitl_review.domain.gate import GateVerdict
from hitl_review.model import evaluation
from hitl_review.model.features import feature_spec
from hitl_review.model.gating import Judgement, judge
from hitl_review.model.scoring import score
from hitl_review.model.training import train
from hitl_review.project import GatePolicy, read_project
from hitl_review.workflow.simulating import read_labelled

Floats = npt.NDArray[np.float64]
SUPPORT2 = Path(__file__).parents[2] / "data" / "support2"
HARMFUL, GOOD = -0.02, 0.03
AT_MOST, AT_LEAST = 0.10, 0.80
GROUPS = (2, 4, 8, 5)
POLICY = GatePolicy()


@dataclass(frozen=True)
class Pair:
    """A champion and a challenger on a population: outcomes, probabilities, and what is true of them."""

    name: str
    truth: Floats
    champion: Floats
    challenger: Floats
    groups: Mapping[str, npt.NDArray[np.str_]]
    meant: float | None = None

    @property
    def difference(self) -> float:
        """Challenger's AUC minus champion's, on the whole population."""
        after, before = (evaluation.roc_auc_score(self.truth, p) for p in (self.challenger, self.champion))
        return after - before


def made_up(name: str, centre: float, spread: float, auc: float, shared: float, change: float) -> Pair:
    """Two calibrated models that see the same risk through noise, `shared` of which they have in common."""
    random, count = np.random.default_rng(7), 60_000
    risk = random.normal(centre, spread, count)
    truth = (random.random(count) < expit(risk)).astype(float)
    common, *own = random.normal(size=(3, count))
    noises = [np.sqrt(shared) * common + np.sqrt(1 - shared) * each for each in own]

    def seen(amount: float, noise: Floats) -> Floats:
        kept = spread**2 / (spread**2 + amount**2)
        left = spread**2 * (1 - kept)
        return np.asarray(
            expit((centre + kept * (risk + amount * noise - centre)) / np.sqrt(1 + np.pi * left / 8))
        )

    def tuned(wanted: float, noise: Floats) -> Floats:
        amount = brentq(
            lambda a: evaluation.roc_auc_score(truth, seen(a, noise)) - wanted, 0.01, 50, xtol=1e-4
        )
        return seen(float(amount), noise)

    groups = {f"group{k}": random.integers(0, k, count).astype(str) for k in GROUPS}
    return Pair(name, truth, tuned(auc, noises[0]), tuned(auc + change, noises[1]), groups, change)


def real_pairs() -> Iterator[Pair]:
    """Models of SUPPORT2 that learned from few or many patients, measured on patients neither has seen."""
    world = read_labelled(
        SUPPORT2 / "cases.csv.gz", SUPPORT2 / "project.toml", outcomes=SUPPORT2 / "outcomes.csv.gz"
    ).world
    project = read_project(SUPPORT2 / "project.toml")
    spec = feature_spec(project)
    test = slice(3_000, None)
    levels = spec.columns[spec.names.index("disease_group")].levels
    disease = world.values[test, spec.names.index("disease_group")].astype(int)
    random = np.random.default_rng(3)
    groups = {f"group{k}": random.integers(0, k, len(disease)).astype(str) for k in (2, 4, 5)}
    groups["disease"] = np.array(levels)[disease]

    def learned(count: int) -> Floats:
        model = train(world.values[:count], world.truth[:count], spec=spec, settings=project.training)
        return score(model, world.values[test]).probabilities

    few, some, many = learned(250), learned(600), learned(3_000)
    truth = world.truth[test]
    yield Pair("SUPPORT2, 250 to 3,000 patients", truth, few, many, groups)
    yield Pair("SUPPORT2, 600 to 3,000 patients", truth, some, many, groups)
    yield Pair("SUPPORT2, 3,000 to 600 patients", truth, many, some, groups)
    yield Pair("SUPPORT2, 3,000 to 250 patients", truth, many, few, groups)


def pairs() -> Iterator[Pair]:
    """Every row of the table."""
    wards = {"prevalence 47 %, AUC .76": (-0.13, 1.35, 0.76), "prevalence 26 %, AUC .82": (-1.4, 1.9, 0.82)}
    for ward, (centre, spread, auc) in wards.items():
        for shared in (0.7, 0.9):
            for change in (HARMFUL, 0.0, GOOD):
                yield made_up(f"{ward}, noise shared {shared:.0%}", centre, spread, auc, shared, change)
    yield from real_pairs()


def judgement(pair: Pair, cases: int, random: np.random.Generator) -> tuple[Judgement, bool]:
    """The gate's answer on cases drawn from the population, and whether the AUC went up."""
    drawn = random.choice(len(pair.truth), cases, replace=False)
    truth, champion, challenger = (each[drawn] for each in (pair.truth, pair.champion, pair.challenger))
    groups = {name: levels[drawn].tolist() for name, levels in pair.groups.items()}
    found = judge(champion, challenger, truth, policy=POLICY, threshold=0.5, subgroups=groups)
    up = evaluation.roc_auc_score(truth, challenger) > evaluation.roc_auc_score(truth, champion)
    return found, up


def measured_alone(found: Judgement) -> bool:
    """Whether every criterion would pass if guards were held to what was measured."""
    main = {"auc", "log_loss", "calibration_slope"}
    return all(
        bool(each.passed)
        if each.name in main
        else each.measured is not None and each.limit[0] is not None and each.measured >= each.limit[0]
        for each in found.criteria
    )


def shares(pair: Pair, cases: int, draws: int) -> dict[str, float]:
    """How often each criterion passes, guards of subgroups together, and the whole gate."""
    random = np.random.default_rng(11)
    names = ("auc", "log_loss", "calibration_slope", "sensitivity", "specificity", "subgroups")
    count = dict.fromkeys((*names, "auc up", "measured", "gate"), 0)
    for _ in range(draws):
        found, up = judgement(pair, cases, random)
        passed = {each.name: bool(each.passed) for each in found.criteria}
        passed["subgroups"] = all(ok for name, ok in passed.items() if name.startswith("subgroup:"))
        for name in names:
            count[name] += passed[name]
        count["auc up"] += up
        count["measured"] += measured_alone(found)
        count["gate"] += found.verdict is GateVerdict.PASSED
    return {name: number / draws for name, number in count.items()}


def holds(change: float | None, share: float) -> bool:
    """Whether a made-up pair's row keeps the promise."""
    return {HARMFUL: share <= AT_MOST, GOOD: share >= AT_LEAST}.get(change or 0.0, True)


def main() -> int:
    """Print the table; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--json", type=Path, help="also write the table here")
    asked = parser.parse_args()
    heads = ("true AUC", "auc up", "auc", "log loss", "slope", "sens", "spec", "groups", "measured", "GATE")
    print(
        f"Share of {asked.draws} draws of {asked.cases} gate cases in which each criterion, and the gate, passes"
    )
    print(f"{'':<44}" + "".join(f"{head:>9}" for head in heads), flush=True)
    rows, kept = [], True
    for pair in pairs():
        found = shares(pair, asked.cases, asked.draws)
        rows.append({"pair": pair.name, "difference": pair.difference, **found})
        kept = kept and holds(pair.meant, found["gate"])
        order = ("auc up", "auc", "log_loss", "calibration_slope", "sensitivity", "specificity", "subgroups")
        cells = "".join(f"{found[name]:>9.3f}" for name in (*order, "measured", "gate"))
        print(f"{pair.name:<44}{pair.difference:>+9.3f}{cells}", flush=True)
    print(
        f"Promises ({AT_MOST:.0%} of {HARMFUL:+} at most, {AT_LEAST:.0%} of {GOOD:+} at least) kept: {kept}"
    )
    if asked.json:
        asked.json.write_text(
            json.dumps({"cases": asked.cases, "draws": asked.draws, "rows": rows}, indent=1) + "\n"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
