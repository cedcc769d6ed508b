"""What would n reviews buy on one's own labelled table? Read the files, play the loop, tell the curves.

The JSON of `hitl-review simulate --json`:

    data                      digests of the files, and of the project
    plan                      start, reviews, step, seeds, seed, skill (accuracy, follow, blind, errors), weights
    cases, queue, tested      labelled cases; of them, in each repetition, waiting to be read and kept for testing
    curves                    one per line: `line` (frozen, random, policy, with_outcomes (with readers only),
                              overrides, self_training, ceiling), `words`, then `auc`, `brier` and
                              `false_positive_rate`, each a list of {reads, mean, low, high} (the 95 % interval of
                              the mean over repetitions, null with one), `gap_closed` (null without a gap),
                              `reads_to_most` (reads at which 90 % of the gap is closed, null if it is not)
    better_than_random        {reads, mean, low, high}: AUC of the policy minus that of random order, paired
    sentence                  what the reviews would buy
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from hitl_review.errors import IntakeError
from hitl_review.model.features import directions, feature_spec, matrix
from hitl_review.model.simulating.curves import Plan, Simulation, simulate
from hitl_review.model.simulating.world import World
from hitl_review.project import Project, parse_project, project_digest, read_project_text
from hitl_review.workflow.checking import CheckedTable, read_cases, read_outcomes
from hitl_review.workflow.intake import RowsRefused
from hitl_review.workflow.tables import read_table

READERS_COLUMN: Final = "probability"
_Steps = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Labelled:
    """The files of a simulation, read and checked, with the digests they are known by."""

    world: World
    digests: Mapping[str, str]


def read_labelled(
    cases: Path,
    project_file: Path,
    *,
    outcomes: Path | None = None,
    readers: Path | None = None,
    readers_column: str = READERS_COLUMN,
) -> Labelled:
    """Read a labelled table: features and outcome in one file, or outcomes in another; readers' estimates too.

    Columns that the project does not name are passed over. Raises IntakeError where a value can't be
    taken, as an import would. Cases without an outcome are left out.
    """
    text = read_project_text(project_file)
    project = parse_project(text, source=str(project_file))
    table = _whole(read_cases(cases, project, ignore_extra=True), cases.name)
    known = _whole(read_outcomes(outcomes or cases, project, ignore_extra=True), (outcomes or cases).name)
    column = project.target.outcome_column
    truth = {case_id: values[column] for case_id, values in known.cases() if values[column] is not None}
    rows = [(case_id, values) for case_id, values in table.cases() if case_id in truth]
    if not rows:
        raise IntakeError("No case of the table has an outcome. Name their file with --outcomes.")
    digests = {"project": project_digest(text), "cases": table.digest, "outcomes": known.digest}
    stated = None
    if readers is not None:
        estimates, digests["readers"] = _estimates(readers, project, readers_column)
        stated = np.array([estimates.get(case_id, np.nan) for case_id, _ in rows])
    spec = feature_spec(project)
    world = World(
        case_ids=tuple(case_id for case_id, _ in rows),
        values=matrix(spec, [values for _, values in rows]),
        truth=np.array([truth[case_id] for case_id, _ in rows], dtype=np.float64),
        spec=spec,
        settings=project.training,
        threshold=project.target.threshold,
        directions=directions(project),
        stated=stated,
    )
    return Labelled(world, digests)


def simulated(
    labelled: Labelled, plan: Plan, *, progress: _Steps = lambda step, of, words: None
) -> tuple[Simulation, dict[str, Any]]:
    """Play the loop and return it with its JSON form; equal files and plan give equal numbers."""
    found = simulate(labelled.world, plan, progress=progress)
    return found, {"data": dict(labelled.digests), **found.as_json()}


def _whole(table: CheckedTable, name: str) -> CheckedTable:
    if table.rejections:
        raise RowsRefused(name, table.rejections, table.rejected)
    return table


def _estimates(path: Path, project: Project, column: str) -> tuple[dict[str, float], str]:
    """The readers' probabilities of the positive answer by case; an empty cell is no estimate."""
    table = read_table(path, (project.id_column, column), ignore_extra=True)
    ids, texts = (table.columns[name].to_pylist() for name in (project.id_column, column))
    found: dict[str, float] = {}
    for row, case_id, text in zip(table.rows.tolist(), ids, texts, strict=True):
        if text:
            found[case_id] = _probability(text, path.name, row, column)
    return found, table.digest


def _probability(text: str, name: str, row: int, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise IntakeError(
            f"Row {row} of {name}, column {column}, is no probability from 0 to 1. Correct it; an empty cell "
            "means no estimate."
        )
    return value
