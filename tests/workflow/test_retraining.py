"""A champion is trained from outcomes, measured on the hold-out, and kept with all that made it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hitl_review.domain.account import SYSTEM, Actor, Role
from hitl_review.domain.audit import text_digest
from hitl_review.domain.case import Purpose
from hitl_review.errors import Conflict, ModelError, NotPermitted
from hitl_review.model.artifacts import digest_of
from hitl_review.store import audit, cases, models
from hitl_review.workflow.demo import data_folder, import_part
from hitl_review.workflow.retraining import labelled_by_outcome, train_champion, train_version
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.hospital import build


def test_the_champion_is_known_by_the_digest_of_its_bytes(hospital: Workspace) -> None:
    """And the bytes are in the database, as UBJSON."""
    champion = models.champion(hospital.store)
    data = models.artefact(hospital.store, champion.digest)
    assert champion.digest == digest_of(data)
    assert data.startswith(b"{L")


def test_the_manifest_names_every_row_that_was_trained_on(hospital: Workspace) -> None:
    """Case, snapshot, label, source and weight; its digest stands with the model."""
    champion = models.champion(hospital.store)
    body = models.manifest(hospital.store, champion.manifest)
    rows = json.loads(body)["rows"]
    known = cases.outcomes(hospital.store, Purpose.TRAINING)
    assert text_digest(body) == champion.manifest
    assert {row["case"]: bool(row["label"]) for row in rows} == known and len(rows) == 80


def test_no_hold_out_case_is_ever_trained_on(hospital: Workspace) -> None:
    """By intersection of the manifest with the locked cases, and with the queue."""
    champion = models.champion(hospital.store)
    trained = {row["case"] for row in json.loads(models.manifest(hospital.store, champion.manifest))["rows"]}
    for purpose in (Purpose.HOLDOUT, Purpose.QUEUE):
        assert not trained & {case.case_id for case in cases.of_purpose(hospital.store, purpose)}


def test_the_card_tells_how_it_was_made_and_how_good_it_is(hospital: Workspace) -> None:
    """Parameters, seed, versions, and the hold-out's measures with intervals and subgroups."""
    card = json.loads(models.champion(hospital.store).card)
    assert {"parameters", "seed", "versions", "rows", "calibration", "conformal", "hold_out"} <= card.keys()
    measured = card["hold_out"]
    assert measured["cases"] == 120
    assert measured["auc"]["low"] < measured["auc"]["value"] < measured["auc"]["high"]
    assert sum(group["cases"] for group in measured["subgroups"]["disease_group"].values()) == 120
    assert sum(each["cases"] for each in measured["calibration_bins"]) == 120


def test_training_and_promotion_are_events(hospital: Workspace) -> None:
    """In this order, both about the same model."""
    told = [event.told for event in audit.events(hospital.store) if event.told["action"].startswith("model.")]
    assert [each["action"] for each in told] == ["model.trained", "model.promoted"]
    assert len({each["subject"] for each in told}) == 1


def test_the_pictures_are_drawn_and_kept(hospital: Workspace) -> None:
    """By shap, once, with words for those who do not see them; the event holds their digests."""
    champion = models.champion(hospital.store)
    figures = models.figures(hospital.store, champion.digest)
    assert figures[0].name == "beeswarm" and len(figures) == 4
    assert all(figure.png.startswith(b"\x89PNG") and len(figure.alt) > 20 for figure in figures)
    told = next(
        event.told for event in audit.events(hospital.store) if event.told["action"] == "model.trained"
    )
    assert told["detail"]["figures"] == {figure.name: figure.digest for figure in figures}


def test_the_same_rows_make_the_same_bytes(hospital: Workspace, tmp_path: Path) -> None:
    """In another workspace, from the same project, the champion has the same digest."""
    with open_workspace(build(tmp_path / "twin", scored=False)) as twin:
        assert models.champion(twin.store).digest == models.champion(hospital.store).digest


def test_a_second_champion_has_to_come_by_another_way(hospital: Workspace) -> None:
    """Training does not replace what is in use behind everybody's back."""
    with pytest.raises(Conflict, match="champion already"):
        train_champion(hospital)


def test_the_same_model_is_not_kept_twice(hospital: Workspace) -> None:
    """The digest is its identity: who makes it once more gets the one that is there, and no event says otherwise."""
    before = audit.head(hospital.store)
    again = train_version(hospital, labelled_by_outcome(hospital), actor=SYSTEM)
    assert [again] == models.versions(hospital.store) and audit.head(hospital.store) == before


def test_without_outcomes_there_is_nothing_to_train_on(workspace: Workspace) -> None:
    """The sentence says what to import."""
    with workspace.store.transaction():
        workspace.store.db.execute("DROP TRIGGER outcomes_no_delete")
        workspace.store.write("DELETE FROM outcomes")
    with pytest.raises(ModelError, match="--outcomes"):
        train_champion(workspace)


def test_two_labelled_cases_are_too_few(workspace: Workspace) -> None:
    """And nothing half-made is kept."""
    with pytest.raises(ModelError, match="at least"):
        train_champion(workspace)
    assert models.versions(workspace.store) == []


def test_a_reader_can_not_train(workspace: Workspace) -> None:
    """A model steward can."""
    with pytest.raises(NotPermitted, match="model steward"):
        train_champion(workspace, actor=Actor("reader-1", "Rita Reader", Role.READER))


def test_outcomes_of_the_hold_out_are_not_those_of_training(hospital: Workspace) -> None:
    """Each part keeps its own."""
    source = data_folder("support2")
    assert import_part(hospital, source, Purpose.HOLDOUT, limit=120) == 0
    assert len(cases.outcomes(hospital.store, Purpose.TRAINING)) == 80
