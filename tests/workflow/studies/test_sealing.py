"""Truth stays sealed: no reader-facing verb runs SQL that names it, and a changed truth is not unsealed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import hitl_review
from hitl_review.domain.study import State
from hitl_review.errors import Conflict, NotPermitted, StudyError
from hitl_review.store.studies import sealed
from hitl_review.workflow.sheets import labels_sheet, ledger_sheet
from hitl_review.workflow.studies.analysing import analysis_reads
from hitl_review.workflow.studies.leading import lock_study
from hitl_review.workflow.studies.progress import progress_of
from hitl_review.workflow.studies.simulating import make_demo_study, simulate_readers, simulated_accounts
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.studies.unsealing import unseal_study
from hitl_review.workflow.workspace import Workspace
from tests.tampering import tamper
from tests.ward import Clock, record_outcomes
from tests.ward_study import LEAD, RITA, ROLF, TRUTH, read_all

PACKAGE = Path(hitl_review.__file__).parent
MAY_NAME_TRUTH = {"store/studies/sealed.py", "store/schema/studies.py"}
MAY_IMPORT_SEALED = {
    "workflow/successions.py",
    "workflow/twins/studies.py",
    *(f"workflow/studies/{name}.py" for name in ("freezing", "unsealing", "analysing", "simulating")),
}


def locked(ward: Workspace, clock: Clock) -> Workspace:
    """The ward's study, read by both readers and locked."""
    for reader in (RITA, ROLF):
        read_all(ward, reader, clock)
    lock_study(ward, "ward-1", actor=LEAD)
    return ward


def test_only_one_module_of_the_store_holds_sql_that_names_the_sealed_truth() -> None:
    """Read from the sources: whoever wants truth has to import that module."""
    naming = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(
            isinstance(node, ast.Constant) and isinstance(node.value, str) and "study_truth" in node.value
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if not _is_docstring(node)
        )
    }
    assert naming - {"workflow/twins/studies.py"} == MAY_NAME_TRUTH


def _is_docstring(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "\n" in node.value
        and "CREATE" not in node.value
    )


def test_nothing_that_serves_a_reader_imports_the_sealed_truth() -> None:
    """Freezing, unsealing, analysing, the simulation and verification; no page, no reading, no progress."""
    importing = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.ImportFrom)
                and node.module
                and node.module.startswith("hitl_review.store.studies")
            ):
                names = {alias.name for alias in node.names}
                if "sealed" in names or node.module.endswith("sealed"):
                    importing.add(str(path.relative_to(PACKAGE)))
    assert importing == MAY_IMPORT_SEALED


def test_no_verb_of_reading_runs_sql_that_names_truth_or_outcomes(ward: Workspace, clock: Clock) -> None:
    """Asked of SQLite itself: every statement of two readers' whole lists, and of the lead's view of progress."""
    ran: list[str] = []
    ward.store.db.conn.set_trace_callback(ran.append)
    for reader in (RITA, ROLF):
        read_all(ward, reader, clock)
    progress_of(ward, "ward-1", actor=LEAD)
    ward.store.db.conn.set_trace_callback(None)
    assert len(ran) > 100
    assert any("study_reads" in sql for sql in ran)
    assert [
        sql for sql in ran if "study_truth" in sql or "outcomes" in sql.replace("study_outputs", "")
    ] == []


def test_nobody_sees_reads_before_the_lock_or_truth_before_the_unsealing(
    ward: Workspace, clock: Clock
) -> None:
    """While it runs there is no table at all; locked, there is one without truth; unsealed, with it."""
    with pytest.raises(StudyError, match="Lock it first"):
        analysis_reads(ward, "ward-1", actor=LEAD)
    locked(ward, clock)
    assert {read.truth for read in analysis_reads(ward, "ward-1", actor=LEAD)} == {None}
    unseal_study(ward, "ward-1", actor=LEAD)
    told = {read.case_id: read.truth for read in analysis_reads(ward, "ward-1", actor=LEAD)}
    assert {case: told[case] for case in TRUTH} == TRUTH
    with pytest.raises(NotPermitted):
        analysis_reads(ward, "ward-1", actor=RITA)


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE study_truth SET truth = 1 - truth WHERE rowid = 2",
        "UPDATE study_truth SET salt = 'x' WHERE rowid = 2",
        "DELETE FROM study_truth WHERE rowid = 2",
    ],
)
def test_truth_that_was_changed_after_the_freeze_is_not_unsealed(
    ward: Workspace, clock: Clock, deed: str
) -> None:
    """The commitments of the frozen protocol don't hold, so the study stays locked."""
    locked(ward, clock)
    tamper(ward.folder, deed)
    with pytest.raises(StudyError, match="Nothing was unsealed"):
        unseal_study(ward, "ward-1", actor=LEAD)
    assert study_of(ward, "ward-1").state is State.LOCKED


def test_truth_and_commitment_changed_alike_are_found_by_the_frozen_digest(
    ward: Workspace, clock: Clock
) -> None:
    """A commitment made anew for another truth is not the one that the protocol's digest covers."""
    locked(ward, clock)
    each = sealed.all_sealed(ward.store, "ward-1")[0]
    forged = sealed.commitment_of(each.salt, each.case_id, not each.truth)
    tamper(
        ward.folder,
        f"UPDATE study_truth SET truth = 1 - truth, commitment = '{forged}' WHERE case_id = '{each.case_id}'",
    )
    with pytest.raises(StudyError, match="not those of the frozen protocol"):
        unseal_study(ward, "ward-1", actor=LEAD)


def test_a_study_is_unsealed_once_and_only_after_the_lock(ward: Workspace, clock: Clock) -> None:
    """The order of the states is the order."""
    with pytest.raises(Conflict, match="is running"):
        unseal_study(ward, "ward-1", actor=LEAD)
    locked(ward, clock)
    unseal_study(ward, "ward-1", actor=LEAD)
    with pytest.raises(Conflict, match="is unsealed"):
        unseal_study(ward, "ward-1", actor=LEAD)


def test_simulated_readers_read_only_where_the_protocol_says_so(ward: Workspace) -> None:
    """Nobody can slip made-up reads into a study of people."""
    with pytest.raises(StudyError, match="real readers"):
        simulate_readers(ward, "ward-1")
    with pytest.raises(StudyError, match="real readers"):
        make_demo_study(ward, "ward-1")
    assert simulated_accounts(ward, 2) == ("simulated-1", "simulated-2")


def test_no_export_tells_what_became_of_a_study_s_cases_before_it_is_unsealed(ward: Workspace, clock: Clock) -> None:
    """Whoever leads a study may export labels; other cases' outcomes leave as ever."""
    every = {**TRUTH, "C-5": True}  # the last one for training in the study
    record_outcomes(ward, every)

    def told() -> list[set[object]]:
        sheets = ((sheet, list(sheet.columns)) for sheet in (labels_sheet(ward), ledger_sheet(ward)))
        return [
            {row[names.index("case_id")] for row in sheet.rows if row[names.index("source")] == "outcome"}
            for sheet, names in sheets
        ]

    assert told() == [{"T-1", "T-2"}] * 2
    locked(ward, clock)
    assert told() == [{"T-1", "T-2"}] * 2
    unseal_study(ward, "ward-1", actor=LEAD)
    assert told() == [{"T-1", "T-2", *every}] * 2
