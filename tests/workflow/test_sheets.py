"""What can leave a workspace: the decisions, the labels, the cases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from hitl_review.domain.account import Actor
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Answer, Choice
from hitl_review.project import Project
from hitl_review.store import cases, models, predictions, reviews
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.formats import Sheet
from hitl_review.workflow.intake import receive_cases, receive_outcomes
from hitl_review.workflow.sheets import cases_sheet, decisions_sheet, labels_sheet, ledger_sheet
from hitl_review.workflow.workspace import Workspace
from tests.ward import Clock, decide

Write = Callable[..., Path]


def records(sheet: Sheet) -> list[dict[str, Any]]:
    """The rows of a sheet by column."""
    return [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]


def test_every_decision_leaves_with_the_name_meaning_and_time_it_was_signed_with(reviewed: Workspace) -> None:
    """21 CFR 11.50 asks for the three in every human-readable form."""
    for row in records(decisions_sheet(reviewed)):
        decision = reviews.find_decision(reviewed.store, row["decision_id"])
        assert decision is not None
        assert row["signed_name"] == ("Rita Reader" if row["reader"] == "reader-1" else "Rolf Reader")
        assert row["signed_meaning"] == "review"
        assert row["signed_at"] == decision.signature.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_a_superseded_decision_is_still_there_and_said_not_to_stand(reviewed: Workspace) -> None:
    """Nothing recorded earlier is hidden by a change of mind."""
    rows = [row for row in records(decisions_sheet(reviewed)) if row["case_id"] == "C-2"]
    assert [(row["answer"], row["in_force"]) for row in rows] == [("overridden", False), ("accepted", True)]
    assert rows[1]["supersedes"] == rows[0]["decision_id"]
    assert rows[0]["comment"] == "Walks the stairs: größer ≥ 90 %"


def test_a_decision_stands_beside_the_prediction_it_answers(reviewed: Workspace) -> None:
    """What the model said, which model, at which threshold, and what the reader thought before."""
    row = records(decisions_sheet(reviewed))[0]
    assert (row["case_id"], row["answer"], row["label_shown"], row["label"]) == (
        "C-1",
        "accepted",
        "alive",
        "alive",
    )
    assert (row["probability"], row["threshold"], row["own_probability"]) == (0.4, 0.5, 0.35)
    assert row["model"].startswith("sha256:")
    assert row["shown_digest"].startswith("sha256:")
    assert row["seconds_active"] == 8.25
    assert len(decisions_sheet(reviewed).rows) == 5


def test_labels_stand_side_by_side_with_their_source(reviewed: Workspace) -> None:
    """An outcome is the reference standard; an override is what a reader said, and never that."""
    found = [
        (row["case_id"], row["source"], row["label"], row["reader"])
        for row in records(labels_sheet(reviewed))
    ]
    assert found == [
        ("T-1", "outcome", "died", None),
        ("T-2", "outcome", "alive", None),
        ("C-1", "accepted", "alive", "reader-1"),
        ("C-4", "accepted", "died", "reader-2"),
        ("C-2", "accepted", "alive", "reader-1"),
        ("C-3", "read", "died", "reader-1"),
    ]


def test_a_readers_label_stands_beside_what_was_thought_before_the_model_was_seen(
    reviewed: Workspace,
) -> None:
    """A probability is worth more than a click, and one given unaided more than one given after."""
    row = next(row for row in records(labels_sheet(reviewed)) if row["case_id"] == "C-1")
    assert (row["label"], row["own_label"], row["own_probability"]) == ("alive", "died", 0.35)
    assert row["decision_id"] == "decision-reader-1-C-1-first"
    assert (row["reason"], row["training_effect"]) == (None, None)


def test_a_coded_reason_says_what_it_means_for_training(
    reviewed: Workspace, reader: Actor, clock: Clock
) -> None:
    """A label whose reason is "the record is wrong" must not be learnt from as it stands."""
    case = cases.get(reviewed.store, "C-6")
    model = models.champion(reviewed.store).digest
    shown = predictions.find(reviewed.store, "C-6", model=model, snapshot=case.snapshot.digest)
    assert shown is not None
    choice = Choice(Answer.OVERRIDDEN, reason="record_wrong", comment="Creatinine is another patient's")
    decide(reviewed, shown, choice, reader=reader, clock=clock)
    row = next(row for row in records(labels_sheet(reviewed)) if row["case_id"] == "C-6")
    assert (row["source"], row["reason"], row["training_effect"]) == (
        "overridden",
        "record_wrong",
        "fix_record",
    )


def test_outcomes_of_the_hold_out_are_no_labels(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """A case that measures models is no label to fit them to; one of the queue is."""
    for case_id, purpose in (("H-1", Purpose.HOLDOUT), ("T-1", Purpose.TRAINING), ("Q-1", Purpose.QUEUE)):
        receive_cases(clinic, csv_file(f"{case_id},37,1,0,1,none"), actor=steward, purpose=purpose)
    receive_outcomes(clinic, csv_file("H-1,1", "T-1,1", "Q-1,0", header="case_id,died"), actor=steward)
    found = [(row["case_id"], row["label"]) for row in records(labels_sheet(clinic))]
    assert found == [("T-1", "died"), ("Q-1", "alive")]


def test_only_the_outcome_in_force_is_a_label(clinic: Workspace, steward: Actor, csv_file: Write) -> None:
    """The earlier one stays in the database and in the log."""
    receive_cases(clinic, csv_file("A,37,1,0,1,none"), actor=steward)
    for text in ("0", "1"):
        receive_outcomes(clinic, csv_file(f"A,{text}", header="case_id,died"), actor=steward)
    assert [row["label"] for row in records(labels_sheet(clinic))] == ["died"]


def test_the_ledger_leaves_whole_with_what_each_label_is_worth(reviewed: Workspace) -> None:
    """Blind estimates beside calls made after seeing the model, replaced ones too; collected first if need be."""
    rows = records(ledger_sheet(reviewed))
    found = {(row["case_id"], row["source"], row["mode"]) for row in rows}
    assert {("T-1", "outcome", "outcome"), ("C-1", "blind", "blind"), ("C-1", "acceptance", "seen")} <= found
    blind = next(row for row in rows if (row["case_id"], row["source"]) == ("C-1", "blind"))
    assert (blind["probability"], blind["shown_probability"], blind["model"]) == (0.35, None, None)
    seen = next(row for row in rows if (row["case_id"], row["source"]) == ("C-1", "acceptance"))
    assert (seen["shown_probability"], seen["decision_id"]) == (0.4, "decision-reader-1-C-1-first")
    replaced = {row["supersedes"] for row in rows} - {None}
    assert replaced and replaced <= {row["label_id"] for row in rows}
    assert records(ledger_sheet(reviewed)) == rows
    assert verify(reviewed.folder).ok


def test_cases_leave_with_their_values_in_order_of_arrival(
    clinic: Workspace, steward: Actor, csv_file: Write
) -> None:
    """Whatever their purpose; a value that was not measured is empty."""
    receive_cases(clinic, csv_file("Q-1,37,1.5,0,1,none"), actor=steward)
    receive_cases(clinic, csv_file("T-1,,,,,"), actor=steward, purpose=Purpose.TRAINING)
    first, second = records(cases_sheet(clinic))
    assert {key: first[key] for key in ("case_id", "purpose", "received_at")} == {
        "case_id": "Q-1",
        "purpose": "queue",
        "received_at": "2026-11-22T09:12:03.000001Z",
    }
    assert [first[name] for name in clinic.project.feature_names] == [37.0, 1.5, 0.0, 1.0, "none"]
    assert first["snapshot"].startswith("sha256:")
    assert [second[name] for name in clinic.project.feature_names] == [None] * 5


def test_a_feature_may_be_called_purpose(clinic: Workspace, clinic_project: Project) -> None:
    """A loan has a purpose too; the column about the case then steps aside."""
    feature = clinic_project.features[0].model_copy(update={"name": "purpose"})
    project = clinic_project.model_copy(update={"features": (feature, *clinic_project.features[1:])})
    sheet = cases_sheet(Workspace(clinic.folder, clinic.store, project, clinic.project_digest))
    assert list(sheet.columns)[:5] == ["case_id", "case_purpose", "received_at", "snapshot", "purpose"]
