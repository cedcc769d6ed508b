"""Cases and outcomes come in: all that can be taken, in one transaction with its event, or nothing."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.audit import lines_digest
from hitl_review.domain.case import Purpose, snapshot_of
from hitl_review.errors import IntakeError, NotPermitted
from hitl_review.project import parse_project, read_project
from hitl_review.store import audit, cases, worklist
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.intake import (
    Received,
    RowsRefused,
    read_cases,
    read_outcomes,
    receive_cases,
    receive_outcomes,
)
from hitl_review.workflow.workspace import Workspace, open_workspace

Write = Callable[..., Path]
A = "A,38.5,1.2,-3,1,none"
B = "B,37,,0,0,former"
C = "C,36.5,0.8,1,,"
BAD = "D,98.6,1.2,-3,1,none"
DATA = Path(__file__).parents[2] / "data" / "support2"


def events(workspace: Workspace, action: str) -> list[dict[str, object]]:
    """What the log tells of one kind of act."""
    return [event.told for event in audit.events(workspace.store) if event.told["action"] == action]


def stored(workspace: Workspace) -> set[str]:
    """The ids in the workspace."""
    return cases.known_ids(workspace.store)


def test_cases_are_stored_with_their_values_in_the_order_of_the_file(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """They arrive at the moment of the transaction and wait in the queue."""
    received = receive_cases(clinic, csv_file(B, A), actor=steward)
    assert (received.received, received.duplicates, received.rejected) == (2, (), ())
    queue = cases.of_purpose(clinic.store, Purpose.QUEUE)
    assert [(case.case_id, case.position) for case in queue] == [("B", 1), ("A", 2)]
    values = {
        "temperature": 37.0,
        "creatinine": None,
        "base_excess": 0.0,
        "diabetes": 0.0,
        "smoking": "former",
    }
    assert queue[0].snapshot == snapshot_of("B", values)
    assert queue[0].received_at == clinic.store.clock()
    assert worklist.waiting(clinic.store, limit=9) == ["B", "A"]


def test_one_event_stands_for_the_batch(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """It can be recomputed from what is stored, and from the file by whoever holds it."""
    path = csv_file(A, B)
    received = receive_cases(clinic, path, actor=steward, purpose=Purpose.TRAINING)
    (told,) = events(clinic, "case.received")
    assert told["event_id"] == received.event_id
    assert told["subject"] == f"batch:{received.event_id}"
    assert (told["actor"], told["role"]) == ("steward-1", "model_steward")
    assert received.event_id is not None
    assert told["detail"] == {
        "count": 2,
        "digest": lines_digest(cases.received_lines(clinic.store, received.event_id)),
        "duplicates": 0,
        "rejected": 0,
        "purpose": "training",
        "file_digest": "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_one_bad_value_refuses_the_whole_file(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """All or nothing: half a file is worse than none, because nobody knows which half."""
    with pytest.raises(RowsRefused) as refused:
        receive_cases(clinic, csv_file(A, BAD, B), actor=steward)
    told = str(refused.value)
    assert told.startswith(
        "cases.csv was refused for 1 fault, and nothing was stored: row 3, column temperature, '98.6' is outside "
        "the plausible range 25 to 45 °C"
    )
    assert told.endswith("Correct the file, or take only its good rows with --skip-bad.")
    assert [(each.row, each.column, each.value) for each in refused.value.rejected] == [
        (3, "temperature", "98.6")
    ]
    assert isinstance(refused.value, IntakeError)
    assert stored(clinic) == set()
    assert events(clinic, "case.received") == []


def test_a_refusal_names_the_first_faults_and_counts_the_others(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """The sentence stays readable; `rejected` has them all."""
    rows = [f"C{number},hot,1.2,0,1,none" for number in range(8)]
    with pytest.raises(RowsRefused) as refused:
        receive_cases(clinic, csv_file("A,37", *rows), actor=steward)
    told = str(refused.value)
    assert "for 9 faults" in told
    assert "row 2 has 2 cells where the header has 6" in told
    assert "row 6, column temperature, 'hot' is not a number; and 4 more." in told
    assert "row 7" not in told
    assert len(refused.value.rejected) == refused.value.count == 9


def test_good_rows_are_taken_when_asked_and_the_others_named(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """The log counts what was left out."""
    received = receive_cases(clinic, csv_file(A, BAD, B, "E,37"), actor=steward, skip_bad=True)
    assert received.received == 2
    assert [each.row for each in received.rejected] == [3, 5]
    assert stored(clinic) == {"A", "B"}
    (told,) = events(clinic, "case.received")
    assert told["detail"]["rejected"] == 2  # type: ignore[index]


def test_a_file_without_a_good_row_stores_nothing_and_tells_nothing(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """There is no batch, so there is no event."""
    received = receive_cases(clinic, csv_file(BAD), actor=steward, skip_bad=True)
    assert (received.received, len(received.rejected), received.event_id) == (0, 1, None)
    assert events(clinic, "case.received") == []


def test_sending_a_file_twice_changes_nothing(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """A script that was interrupted may simply be run again."""
    receive_cases(clinic, csv_file(A, B), actor=steward)
    before = audit.head(clinic.store)
    again = receive_cases(clinic, csv_file("A, 38.50 ,1.20,-3.0,yes,none", B), actor=steward)
    assert again == Received(0, ("A", "B"), (), None)
    assert audit.head(clinic.store) == before


def test_only_the_new_cases_of_a_file_are_stored(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """Their places follow those that are there."""
    receive_cases(clinic, csv_file(A, B), actor=steward)
    received = receive_cases(clinic, csv_file(A, C, B), actor=steward)
    assert (received.received, received.duplicates) == (1, ("A", "B"))
    assert cases.get(clinic.store, "C").position == 3
    assert events(clinic, "case.received")[-1]["detail"]["duplicates"] == 2  # type: ignore[index]


def test_a_case_that_is_here_with_other_values_is_rejected(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """What a reader has judged must not change under the judgement."""
    receive_cases(clinic, csv_file(A), actor=steward)
    changed = csv_file(B, A.replace("38.5", "38.6"))
    with pytest.raises(RowsRefused) as refused:
        receive_cases(clinic, changed, actor=steward)
    (fault,) = refused.value.rejected
    assert (fault.row, fault.column, fault.value) == (3, "case_id", "A")
    assert fault.reason == "is here already with other values: send new measurements under a new id"
    assert stored(clinic) == {"A"}
    received = receive_cases(clinic, changed, actor=steward, skip_bad=True)
    assert (received.received, received.rejected) == (1, (fault,))
    assert cases.get(clinic.store, "A").snapshot.values["temperature"] == 38.5


def test_a_case_does_not_pass_from_the_hold_out_to_the_queue(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """The kinds never mix, and the sender is told rather than left to wonder where the case went."""
    receive_cases(clinic, csv_file(A), actor=steward, purpose=Purpose.HOLDOUT)
    with pytest.raises(
        RowsRefused, match="is here already, in the hold-out, and the kinds of cases never mix"
    ):
        receive_cases(clinic, csv_file(A), actor=steward)


def test_only_the_queue_is_worked_on(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """A training or hold-out case is never handed to a reader."""
    receive_cases(clinic, csv_file(A), actor=steward, purpose=Purpose.TRAINING)
    receive_cases(clinic, csv_file(B), actor=steward, purpose=Purpose.HOLDOUT)
    assert worklist.progress(clinic.store).total == 0


@pytest.mark.parametrize("role", [Role.READER, Role.AUDITOR, Role.APPROVER, Role.ADMIN])
def test_a_role_that_may_not_import_is_refused_before_the_file_is_read(
    clinic: Workspace, tmp_path: Path, role: Role
) -> None:
    """The file need not even be there."""
    for receive in (receive_cases, receive_outcomes):
        with pytest.raises(NotPermitted, match="may not import cases and outcomes"):
            receive(clinic, tmp_path / "none.csv", actor=Actor("someone", "Someone", role))


def test_an_import_that_is_broken_off_leaves_nothing(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """Neither event nor case: 5,000 are stored when it stops, in a transaction that never ends."""
    told: list[int] = []

    def stop(done: int) -> None:
        told.append(done)
        raise KeyboardInterrupt

    path = csv_file(*(f"C{number},37,1.1,0,1,none" for number in range(6_000)))
    with pytest.raises(KeyboardInterrupt):
        receive_cases(clinic, path, actor=steward, progress=stop)
    assert told == [5_000]
    assert stored(clinic) == set()
    assert events(clinic, "case.received") == []


def test_progress_tells_how_many_cases_are_stored(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """Some thousand at a time, and all of them at the end."""
    told: list[int] = []
    path = csv_file(*(f"C{number},37,1.1,0,1,none" for number in range(6_000)))
    receive_cases(clinic, path, actor=steward, progress=told.append)
    assert told == [5_000, 6_000]


def test_two_imports_of_one_file_at_once_store_it_once(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """What is there already is looked up inside the transaction, so the second one sees the first."""
    path = csv_file(*(f"C{number},37,1.1,0,1,none" for number in range(500)))

    def receive(_: int) -> Received:
        with open_workspace(clinic.folder) as workspace:
            return receive_cases(workspace, path, actor=steward)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(receive, range(4)))
    assert sorted(each.received for each in results) == [0, 0, 0, 500]
    assert sorted(len(each.duplicates) for each in results) == [0, 500, 500, 500]
    assert len(events(clinic, "case.received")) == 1


def test_nothing_clinical_reaches_the_log_or_the_logs(
    clinic: Workspace,
    steward: Actor,
    csv_file: Write,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Values, ids and the file's name go to nobody but the sender: canaries are looked for everywhere else."""
    caplog.set_level(logging.DEBUG)
    path = csv_file("ZZCASE-1,38.7654321,1.2,0,1,former", name="ZZNAME-Jane-Doe.csv")
    receive_cases(clinic, path, actor=steward)
    receive_outcomes(clinic, csv_file("ZZCASE-1,1", header="case_id,died"), actor=steward)
    bad = csv_file("ZZCASE-2,ZZVALUE,1.2,0,1,none", name="ZZNAME-2.csv")
    with pytest.raises(RowsRefused, match="ZZVALUE"):
        receive_cases(clinic, bad, actor=steward)
    receive_cases(clinic, bad, actor=steward, skip_bad=True)
    written, warned = capfd.readouterr()
    log = "".join(event.payload for event in audit.events(clinic.store))
    for canary in ("ZZCASE", "ZZVALUE", "ZZNAME", "38.7654321", "Jane"):
        assert canary not in log + caplog.text + written + warned


def test_outcomes_are_stored_with_their_source(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """They stand beside the case; the case itself does not change."""
    receive_cases(clinic, csv_file(A, B, C), actor=steward)
    path = csv_file("A,1", "B,alive", "C,", header="case_id,died")
    received = receive_outcomes(clinic, path, actor=steward, source="death registry")
    assert (received.received, received.blank, received.duplicates) == (2, 1, ())
    assert cases.outcomes(clinic.store, Purpose.QUEUE) == {"A": True, "B": False}
    (told,) = events(clinic, "outcome.recorded")
    assert received.event_id is not None
    assert told["subject"] == f"batch:{received.event_id}"
    assert told["detail"] == {
        "count": 2,
        "digest": lines_digest(cases.outcome_lines(clinic.store, received.event_id)),
        "duplicates": 0,
        "rejected": 0,
        "source": "death registry",
        "file_digest": "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_a_later_outcome_is_in_force_and_the_earlier_one_stays(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """Follow-up may correct itself; nothing recorded before is rewritten."""
    receive_cases(clinic, csv_file(A), actor=steward)
    for text in ("0", "1", "1", "0"):
        receive_outcomes(clinic, csv_file(f"A,{text}", header="case_id,died"), actor=steward)
    every = [row["value"] for row in clinic.store.rows("SELECT value FROM outcomes ORDER BY outcome_id")]
    assert every == [0, 1, 0]
    assert cases.outcomes(clinic.store, Purpose.QUEUE) == {"A": False}


def test_an_outcome_equal_to_the_one_in_force_is_passed_over(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """Sending the same follow-up every week changes nothing."""
    receive_cases(clinic, csv_file(A, B), actor=steward, purpose=Purpose.TRAINING)
    path = csv_file("A,1", "B,0", header="case_id,died")
    receive_outcomes(clinic, path, actor=steward)
    before = audit.head(clinic.store)
    again = receive_outcomes(clinic, path, actor=steward)
    assert again == Received(0, ("A", "B"), (), None)
    assert audit.head(clinic.store) == before


def test_an_outcome_of_an_unknown_case_is_rejected(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """It may belong to another hospital's patient; even an empty one is told."""
    receive_cases(clinic, csv_file(A), actor=steward)
    path = csv_file("A,1", "X,0", "Y,", header="case_id,died")
    with pytest.raises(RowsRefused, match="row 3, column case_id, 'X' is no case of this workspace"):
        receive_outcomes(clinic, path, actor=steward)
    assert cases.outcomes(clinic.store, Purpose.QUEUE) == {}
    received = receive_outcomes(clinic, path, actor=steward, skip_bad=True)
    assert (received.received, received.blank, [each.row for each in received.rejected]) == (1, 0, [3, 4])


def test_bad_and_repeated_outcomes_are_rejected(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """Two outcomes of one case in one file can't both be the last word."""
    receive_cases(clinic, csv_file(A, B), actor=steward)
    path = csv_file("A,1", "A,0", "B,2", header="case_id,died")
    with pytest.raises(RowsRefused) as refused:
        receive_outcomes(clinic, path, actor=steward)
    assert [(each.row, each.column) for each in refused.value.rejected] == [
        (2, "case_id"),
        (3, "case_id"),
        (4, "died"),
    ]


@pytest.mark.parametrize("source", ["", "  ", "x" * 65, "a\nb"])
def test_a_source_that_says_nothing_is_refused(
    clinic: Workspace, steward: Actor, tmp_path: Path, source: str
) -> None:
    """It stands in the log for good."""
    with pytest.raises(IntakeError, match="source of outcomes must be 1 to 64 printable characters"):
        receive_outcomes(clinic, tmp_path / "none.csv", actor=steward, source=source)


def test_the_log_verifies_after_imports(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """Every batch's digest is the one its rows still give."""
    add_account(clinic, steward.account_id, steward.name, steward.role)
    receive_cases(clinic, csv_file(A, B), actor=steward)
    receive_cases(clinic, csv_file(C, BAD), actor=steward, skip_bad=True)
    receive_outcomes(clinic, csv_file("A,1", "C,0", header="case_id,died"), actor=steward)
    found = verify(clinic.folder)
    assert found.ok, found.problems


def test_every_row_of_the_shipped_data_is_taken() -> None:
    """SUPPORT2's table and its project agree in every value."""
    project = read_project(DATA / "project.toml")
    table = read_cases(DATA / "cases.csv.gz", project)
    outcomes = read_outcomes(DATA / "outcomes.csv.gz", project)
    assert (len(table.ids), table.rejections) == (9105, ())
    assert (len(outcomes.ids), outcomes.rejections) == (9105, ())


def test_a_second_project_comes_in_by_the_same_door(tmp_path: Path) -> None:
    """Another table with other names and units needs another project file and nothing else."""
    place = Path(__file__).parents[1] / "fixtures_breast_cancer.py"
    spec = importlib.util.spec_from_file_location("fixtures_breast_cancer", place)
    assert spec is not None and spec.loader is not None
    breast_cancer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(breast_cancer)
    breast_cancer.breast_cancer_table().to_parquet(tmp_path / "t.parquet", index=False)
    table = read_cases(tmp_path / "t.parquet", parse_project(breast_cancer.breast_cancer_project_text()))
    assert (len(table.good_rows()), table.rejections) == (569, ())


def test_the_system_may_import(clinic: Workspace, csv_file: Write) -> None:
    """The demonstration workspace is made by nobody in person."""
    assert receive_cases(clinic, csv_file(A), actor=SYSTEM).received == 1
