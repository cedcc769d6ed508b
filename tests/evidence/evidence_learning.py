"""Does learning from real physicians' decisions help, and is the harmful way refused? As Markdown, on SUPPORT2.

    make evidence            (or: python tests/evidence/evidence_learning.py --seeds 10)

Each seed draws anew who trains and who waits from the patients outside the locked hold-out: 500 with outcomes
train the first champion, 3,000 with their physician's estimate are read through the product's own steps (open,
own estimate, reveal, decision), in the order of its queue. Then labels are collected, challengers trained and
measured by the gate on the 2,000 patients of the locked hold-out, whom nobody in this program learns from.
Leaves with 1 if a bound is broken. The databases lie in memory where the machine has /dev/shm.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.case import Purpose
from hitl_review.domain.gate import GateReport, GateVerdict
from hitl_review.domain.label import LabelSource, LabelWeights, TrainingLabel, resolve
from hitl_review.model.artifacts import TrainedModel
from hitl_review.project import read_project_text
from hitl_review.store import labels, models
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.demo import data_folder
from hitl_review.workflow.gating import measured
from hitl_review.workflow.intake import receive_cases, receive_outcomes
from hitl_review.workflow.replaying_people import replay_people
from hitl_review.workflow.retraining import candidates_of, fit_rows, retrain, train_champion
from hitl_review.workflow.scoring import score_cases, stored_model
from hitl_review.workflow.training_set import rows_of
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.evidence.tables import ids_with, table_of, written

SOURCE = data_folder("support2")
READERS = tuple(Actor(f"physician-{n}", f"Physician {n}", Role.READER) for n in range(1, 6))
LINES = (
    "frozen",
    "overrides alone",
    "all decisions, as clicks",
    "decisions, by the product",
    "outcomes and decisions, by the product",
    "all true outcomes, new trees",
    "all true outcomes, by the product",
)
CEILING = LINES[-1]
"""What outcomes bring by the same steps as decisions: the best of the candidates on cases left out."""
LEAST_FROM_DECISIONS, LEAST_COMBINED = 0.95, 1.05


@dataclass(frozen=True)
class Run:
    """One seed: the AUC of every line on the locked hold-out, and what the gate said of two of them."""

    seed: int
    auc: Mapping[str, float]
    overrides: GateReport
    product: GateReport
    combined: GateReport
    overridden: int
    seconds: float


def run(seed: int, *, decisions: int, folder: Path) -> Run:
    """Replay one drawing of patients, whole, in a workspace of its own."""
    begun = time.monotonic()
    estimates = {row["case_id"]: row["physician_probability_180_days"] for row in table_of(SOURCE, "readers")}
    said = {case_id: float(value) for case_id, value in estimates.items() if value}
    pool, held = ids_with(SOURCE, "training", "queue"), ids_with(SOURCE, "holdout")
    drawn = np.random.default_rng(seed).permutation(pool).tolist()
    training = drawn[:500]
    queue = [case_id for case_id in drawn[500:] if case_id in said][:decisions]
    create_workspace(folder, read_project_text(SOURCE / "project.toml"), demo=True)
    with open_workspace(folder) as workspace:
        for reader in READERS:
            add_account(workspace, reader.account_id, reader.name, reader.role)
        receive(workspace, training, Purpose.TRAINING)
        receive(workspace, held, Purpose.HOLDOUT)
        receive(workspace, queue, Purpose.QUEUE)
        record(workspace, [*training, *held])
        champion = stored_model(workspace.store)(train_champion(workspace).digest)
        score_cases(workspace)
        place = {case_id: number for number, case_id in enumerate(queue)}
        replay_people(
            workspace,
            said,
            reader=lambda case_id: READERS[place.get(case_id, 0) % len(READERS)],
            source=lambda digest: champion,
            limit=decisions,
        )
        return _measured(workspace, seed, champion, queue, begun)


def _measured(
    workspace: Workspace, seed: int, champion: TrainedModel, queue: Sequence[str], begun: float
) -> Run:
    product = retrain(workspace).measured.report
    ledger = labels.everything(workspace.store)
    overrides = report(workspace, champion, [each for each in ledger if each.source is LabelSource.OVERRIDE])
    seen = (LabelSource.OUTCOME, LabelSource.OVERRIDE, LabelSource.ACCEPTANCE)
    clicks = report(
        workspace, champion, [each for each in ledger if each.source in seen], weights=LabelWeights(1.0)
    )
    record(workspace, queue)
    combined = retrain(workspace).measured.report
    ledger = labels.everything(workspace.store)
    of_outcomes = [each for each in ledger if each.source is LabelSource.OUTCOME]
    outcomes = report(workspace, champion, of_outcomes)
    found = (overrides, clicks, product, combined, outcomes, ceiling(workspace, champion, of_outcomes))
    auc = {name: area(each) for name, each in zip(LINES[1:], found, strict=True)}
    overridden = sum(each.source is LabelSource.OVERRIDE for each in ledger)
    auc["frozen"] = float(product.champion.auc or np.nan)
    return Run(seed, auc, overrides, product, combined, overridden, time.monotonic() - begun)


def report(
    workspace: Workspace,
    champion: TrainedModel,
    given: Iterable[TrainingLabel],
    *,
    weights: LabelWeights | None = None,
) -> GateReport:
    """Fit on some labels by the product's own trainer, and measure as the gate does; nothing is kept."""
    resolved, _ = resolve(given, weights=weights)
    return measured(workspace, champion, fit_rows(workspace, rows_of(workspace, resolved)))


def ceiling(workspace: Workspace, champion: TrainedModel, given: Iterable[TrainingLabel]) -> GateReport:
    """What the product makes of outcomes alone, chosen among its candidates as every challenger is; nothing is kept."""
    resolved, _ = resolve(given)
    in_use = models.champion(workspace.store)
    made = candidates_of(workspace, rows_of(workspace, resolved), in_use, manifest="")
    return measured(workspace, champion, made.chosen.model)


def area(report: GateReport) -> float:
    """The challenger's AUC on the hold-out."""
    return float(report.challenger.auc or np.nan)


def receive(workspace: Workspace, wanted: Sequence[str], purpose: Purpose) -> None:
    """Bring patients in by the usual door."""
    with written(SOURCE, "cases", wanted) as path:
        receive_cases(workspace, path, actor=SYSTEM, purpose=purpose)


def record(workspace: Workspace, wanted: Sequence[str]) -> None:
    """Bring outcomes in by the usual door."""
    with written(SOURCE, "outcomes", wanted) as path:
        receive_outcomes(workspace, path, actor=SYSTEM, source="SUPPORT2 follow-up")


def shares(runs: Sequence[Run], line: str) -> tuple[float, float]:
    """A line's share of the gain of all true outcomes, of the means; and its smallest gain over frozen."""
    mean = {name: float(np.mean([each.auc[name] for each in runs])) for name in LINES}
    gain = (mean[line] - mean["frozen"]) / (mean[CEILING] - mean["frozen"])
    return gain, min(each.auc[line] - each.auc["frozen"] for each in runs)


def table(runs: Sequence[Run]) -> str:
    """The lines with mean, range, and share of the gain."""
    rows = [
        "| trained on | AUC, mean | least to most | share of the gain of all outcomes |",
        "|---|---|---|---|",
    ]
    for line in LINES:
        found = [each.auc[line] for each in runs]
        share = "" if line == "frozen" else f"{shares(runs, line)[0]:.0%}"
        rows.append(f"| {line} | {np.mean(found):.4f} | {min(found):.3f} to {max(found):.3f} | {share} |")
    return "\n".join(rows)


def checks(runs: Sequence[Run]) -> list[tuple[str, bool]]:
    """What must hold, in words, and whether it does."""
    decisions, least = shares(runs, "decisions, by the product")
    combined, least_combined = shares(runs, "outcomes and decisions, by the product")
    refused = sum(each.overrides.verdict is GateVerdict.FAILED for each in runs)
    passed = sum(each.product.verdict is GateVerdict.PASSED for each in runs)
    worse = sum(each.auc["overrides alone"] < each.auc["frozen"] for each in runs)
    return [
        (
            f"decisions alone bring {decisions:.0%} of the gain of all outcomes (at least {LEAST_FROM_DECISIONS:.0%})",
            decisions >= LEAST_FROM_DECISIONS,
        ),
        (
            f"with outcomes combined, {combined:.0%} (at least {LEAST_COMBINED:.0%})",
            combined >= LEAST_COMBINED,
        ),
        (
            f"never below the frozen model: smallest gain {least:+.4f} from decisions, {least_combined:+.4f} combined",
            min(least, least_combined) >= 0,
        ),
        (f"overrides alone are worse than frozen in {worse} of {len(runs)} seeds", worse == len(runs)),
        (f"the gate refuses overrides alone in {refused} of {len(runs)} seeds", refused == len(runs)),
        (
            f"the gate lets the product's challenger from decisions alone pass in {passed} of {len(runs)}",
            True,
        ),
    ]


def main() -> int:
    """Run every seed and print the tables; 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--decisions", type=int, default=3000)
    asked = parser.parse_args()
    memory = Path("/dev/shm")
    runs = []
    for seed in range(asked.first, asked.first + asked.seeds):
        with TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
            runs.append(run(seed, decisions=asked.decisions, folder=Path(place) / "workspace"))
        each = runs[-1]
        told = ", ".join(f"{name} {each.auc[name]:.4f}" for name in LINES)
        print(f"seed {seed}: {told} ({each.seconds:.0f} s)", file=sys.stderr, flush=True)
        for name, found in (("decisions", each.product), ("combined", each.combined)):
            print(f"  gate, {name}: {found.words}", file=sys.stderr, flush=True)
    print("## Learning from real physicians' decisions (SUPPORT2)\n")
    mean = np.mean([each.overridden for each in runs])
    print(
        f"{asked.seeds} seeds, {asked.decisions:,} decisions each, {mean:.0f} of them overrides; 2,000 locked.\n"
    )
    print(table(runs) + "\n")
    found = checks(runs)
    for words, holds in found:
        print(f"- {'holds' if holds else 'BROKEN'}: {words}")
    print()
    return 0 if all(holds for _, holds in found) else 1


if __name__ == "__main__":
    sys.exit(main())
