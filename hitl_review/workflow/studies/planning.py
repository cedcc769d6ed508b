"""How many readers and cases a study needs: a table of power, from a preset or from an earlier study here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hitl_review.domain.account import Actor
from hitl_review.domain.study import AnalysisRead, State
from hitl_review.errors import StudyError
from hitl_review.store.studies import steps
from hitl_review.study.power import FRANKEN, VAN_DYKE, Pilot, pilot_from, power
from hitl_review.study.table import mrmc_analysis
from hitl_review.workflow.studies.analysing import analysis_reads, in_primary
from hitl_review.workflow.studies.stepping import lead
from hitl_review.workflow.workspace import Workspace

READER_COUNTS: Final = (3, 4, 5, 6, 8, 10, 12, 15, 20)
CASE_COUNTS: Final = (40, 60, 80, 100, 150, 200, 300, 400)
FEW_READERS: Final = 5
FEW_CASES: Final = 20


@dataclass(frozen=True, slots=True)
class PowerTable:
    """Power for each number of readers (rows) and cases (columns)."""

    pilot: str
    effect: float
    alpha: float
    cases: tuple[int, ...]
    rows: tuple[tuple[int, tuple[float, ...]], ...]


def power_table(
    pilot: Pilot,
    *,
    effect: float,
    alpha: float = 0.05,
    readers: Sequence[int] = READER_COUNTS,
    cases: Sequence[int] = CASE_COUNTS,
) -> PowerTable:
    """Return the chance of finding a true difference of this size, readers and cases random (Hillis 2011)."""
    rows = tuple(
        (
            n_readers,
            tuple(
                power(effect, n_readers=n_readers, n_cases=n_cases, pilot=pilot, alpha=alpha).power
                for n_cases in cases
            ),
        )
        for n_readers in readers
    )
    return PowerTable(pilot.name, effect, alpha, tuple(cases), rows)


def pilots(workspace: Workspace, *, actor: Actor) -> dict[str, Pilot]:
    """Return what can be planned from, by name: the published presets, and the unsealed studies of this workspace.

    A study without two modalities read by the same readers can't be a pilot and is left out.
    """
    lead(actor)
    found = {each.name: each for each in (VAN_DYKE, FRANKEN)}
    for study in steps.studies(workspace.store):
        if study.at_least(State.UNSEALED):
            rows = analysis_reads(workspace, study.study_id, actor=actor)
            name = f"{study.study_id}: {'simulated' if study.simulated else 'this workspace'}"
            pilot = _pilot([each for each in rows if in_primary(study, each)], name)
            if pilot is not None:
                found[pilot.name] = pilot
    return found


def _pilot(rows: Sequence[AnalysisRead], name: str) -> Pilot | None:
    table = {
        "reader": [each.reader for each in rows],
        "modality": [each.modality.value for each in rows],
        "case": [each.case_id for each in rows],
        "truth": [int(bool(each.truth)) for each in rows],
        "rating": [each.rating for each in rows],
    }
    try:
        return pilot_from(mrmc_analysis(table), name=name)
    except StudyError:
        return None


def warnings_of(n_readers: int, n_positive: int, n_negative: int) -> list[str]:
    """Return what is to be minded about a study of this size."""
    found = []
    if n_readers < FEW_READERS:
        found.append(
            f"With {n_readers} readers the degrees of freedom are few: the test is weak, and one reader can turn it. "
            f"{FEW_READERS} or more are better."
        )
    for count, words in ((n_positive, "with"), (n_negative, "without")):
        if count < FEW_CASES:
            found.append(
                f"With {count} cases {words} the outcome, variances are rough. {FEW_CASES} or more of each are better."
            )
    return found
