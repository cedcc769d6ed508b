"""The log leaves as FHIR and as CSV: every event, nothing hidden, nothing that a spreadsheet would run."""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from hitl_review.domain.account import Actor
from hitl_review.domain.audit import ACTIONS, Head, next_event
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import HitlError, NotPermitted
from hitl_review.store import audit, checkpoints, reviews
from hitl_review.store.connection import Store
from hitl_review.workflow.audit_event_checks import faults_of
from hitl_review.workflow.audit_events import audit_event
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.log_exports import audit_events, export_log, row_of
from hitl_review.workflow.workspace import Workspace
from tests.ward import NOW, Clock

Resource = dict[str, Any]
UNKNOWN = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
    ]
}
"""A network whose address nobody knows."""


@pytest.fixture
def resource(reviewed: Workspace) -> Resource:
    """The AuditEvent of a decision."""
    return next(each for each in audit_events(reviewed) if each["outcomeDesc"] == "decision.overridden")


def test_every_event_is_a_valid_audit_event(reviewed: Workspace, tmp_path: Path, auditor: Actor) -> None:
    """By a validator of the structure, and by our rules for what it lets through."""
    done = export_log(reviewed, tmp_path / "log.ndjson", form="fhir", actor=auditor)
    lines = (tmp_path / "log.ndjson").read_text(encoding="utf-8").splitlines()
    assert len(lines) == done.events == audit.head(reviewed.store).size
    for line in lines:
        AuditEvent.model_validate(json.loads(line))
        assert faults_of(json.loads(line)) == []


@pytest.mark.parametrize("form", ["fhir", "csv"])
def test_an_export_ends_with_the_checkpoint_that_closes_it(
    reviewed: Workspace, tmp_path: Path, auditor: Actor, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """What others do while it is written is in the next one."""

    def act_meanwhile(store: Store, folder: Path) -> None:
        with store.transaction(auditor):
            audit.append(store, "audit.viewed", "log:events", {})

    monkeypatch.setattr(checkpoints, "anchor", act_meanwhile)
    done = export_log(reviewed, tmp_path / "log", form=form, actor=auditor)
    latest = [event.told["action"] for event in audit.latest(reviewed.store, limit=2)]
    assert latest == ["audit.viewed", "checkpoint.published"]
    assert done.events == audit.head(reviewed.store).size - 1
    assert "checkpoint.published" in (tmp_path / "log").read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.parametrize("action", sorted(ACTIONS))
@pytest.mark.parametrize("actor", ["reader-1", "system"])
def test_any_action_of_any_actor_makes_a_valid_one(action: str, actor: str) -> None:
    """Those that no test's log holds, too."""
    subject = "case:C-1" if action.startswith(("case.", "decision.", "read.")) else "log:1"
    event = next_event(
        Head(),
        event_id="event-0001",
        at=NOW,
        actor=actor,
        role="reader",
        action=action,
        subject=subject,
        detail={},
    )
    made = audit_event(event, origin="0" * 32, people={})
    AuditEvent.model_validate(made)
    assert faults_of(made) == []


def change(place: str, value: object) -> Callable[[Resource], None]:
    """Sets what a dotted path names."""

    def act(resource: Resource) -> None:
        target: Any = resource
        *way, last = place.split(".")
        for step in way:
            target = target[int(step)] if step.isdigit() else target[step]
        target[last] = value

    return act


@pytest.mark.parametrize(
    "damage",
    [
        change("outcome", "99"),
        change("action", "Z"),
        change("agent", []),
        change("recorded", "2026-11-22"),
        change("recorded", "2026-11-22T09:12:03"),
        change("id", "an id"),
        change("subtype", [{"system": "", "code": "create"}]),
        change("type.code", ""),
        change("source", {"site": "x"}),
        change(
            "agent.0.type.coding",
            [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110152"}],
        ),
        change("agent.2.type.coding.0.code", "IRCP"),
        change("agent.2.requestor", False),
        change("agent.0.requestor", None),
        change("agent.0.network", {"address": "10.0.0.7", "type": "9"}),
        change("agent.0.network", {"type": "2"}),
        change("agent.1.network", {"extension": [{"url": "http://example.org/why", "valueCode": "unknown"}]}),
        change("agent.2.network", {"address": "10.0.0.7", "type": "2"}),
        lambda resource: resource["agent"][1].pop("network"),
        change("entity", []),
        change("entity.0.role.code", "1"),
        change("entity.0.role.code", "99"),
        change("entity.0.type.code", "7"),
        change("entity.0.detail", [{"type": "audit_hash", "valueString": ""}]),
    ],
)
def test_what_validators_of_structure_let_through_is_found(resource: Resource, damage: Any) -> None:
    """Codes outside their value set, nobody who acted, elements that hold nothing."""
    assert faults_of(resource) == []
    damaged = copy.deepcopy(resource)
    damage(damaged)
    assert faults_of(damaged) != []


def test_a_name_and_a_query_at_once_are_found(resource: Resource) -> None:
    """Invariant sev-1."""
    resource["entity"][0] |= {"name": "x", "query": "eA=="}
    assert any("sev-1" in fault for fault in faults_of(resource))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.7", {"address": "10.0.0.7", "type": "2"}),
        ("::1", {"address": "::1", "type": "2"}),
        ("command line", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_both_machines_have_a_network(address: str | None, network: Resource) -> None:
    """BALP: one each; where the log tells of no address, it is said to be unknown. A person has none."""
    event = next_event(
        Head(),
        event_id="event-0001",
        at=NOW,
        actor="reader-1",
        role="reader",
        action="session.opened",
        subject="session:1",
        detail={} if address is None else {"address": address},
    )
    client, server, person = audit_event(event, origin="0" * 32, people={})["agent"]
    assert (client["network"], server["network"], "network" in person) == (network, UNKNOWN, False)


def test_the_signature_and_the_hash_go_with_a_decision(resource: Resource, reviewed: Workspace) -> None:
    """Printed name, meaning, time; and the way back to the log."""
    told = {each["type"]: each["valueString"] for each in resource["entity"][0]["detail"]}
    event = audit.find(reviewed.store, told["event_id"])
    assert event is not None and told["audit_hash"] == event.hash
    assert {"signed_name", "signed_meaning", "signed_at", "outcome", "label", "reason"} <= told.keys()
    assert resource["agent"][2]["name"] == "Rita Reader"


def test_four_values_of_one_decision_are_all_told(
    reviewed: Workspace, clock: Clock, tmp_path: Path, reader: Actor
) -> None:
    """A change of mind hides nothing: not in FHIR, not in CSV, not in the twin."""
    for reason in ("seen_patient", "record_wrong"):
        latest = reviews.decision_in_force(reviewed.store, "C-2", reader.account_id)
        assert latest is not None
        choice = Choice(Answer.OVERRIDDEN, reason=reason, comment=f"because {reason}")
        clock.advance(60)
        record_decision(
            reviewed,
            latest.reveal_id,
            choice,
            actor=reader,
            token=f"amended-{reason}",
            seconds_active=9,
            seconds_on_screen=9,
            supersedes=latest.decision_id,
        )
    ids = {each.decision_id for each in reviews.decisions_of_case(reviewed.store, "C-2")}
    assert len(ids) == 4
    export_log(reviewed, tmp_path / "log.csv", form="csv")
    sheet = (tmp_path / "log.csv").read_text(encoding="utf-8")
    twin = (tmp_path / "log.jsonl").read_text(encoding="utf-8")
    fhir = json.dumps(list(audit_events(reviewed)))
    assert all(each in text for each in ids for text in (sheet, twin, fhir))


def test_the_twin_holds_every_byte_that_was_hashed(reviewed: Workspace, tmp_path: Path) -> None:
    """Line by line, event by event."""
    export_log(reviewed, tmp_path / "log.csv", form="csv")
    lines = [
        json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    ]
    events = list(audit.events(reviewed.store))
    assert [(each["payload"], each["hash"]) for each in lines] == [
        (each.payload, each.hash) for each in events
    ]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1+1", "@SUM(A1)", "-2+3", "\t=1", " =1"])
def test_no_text_is_left_that_a_spreadsheet_runs(text: str) -> None:
    """An apostrophe stands in front, and the last column says so."""
    event = next_event(
        Head(),
        event_id="event-0001",
        at=NOW,
        actor=text.strip(),
        role="reader",
        action="decision.overridden",
        subject="case:C-1",
        detail={"comment": text},
    )
    cells = row_of(event)
    assert cells[9] == "'" + text and cells[-1] == "true"
    assert not any(cell.lstrip()[:1] in ("=", "+", "@", "\t") for cell in cells)


def test_the_sheet_says_where_nothing_was_changed(reviewed: Workspace, tmp_path: Path) -> None:
    """And has a cell for each column."""
    export_log(reviewed, tmp_path / "log.csv", form="csv")
    with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {len(rows[0])} and {row[-1] for row in rows[1:]} == {"false"}


@pytest.mark.parametrize("form", ["fhir", "csv"])
def test_an_export_is_an_event_of_its_own_and_replaces_nothing(
    reviewed: Workspace, reader: Actor, tmp_path: Path, form: str
) -> None:
    """It stands in the export itself; a reader may not make one."""
    with pytest.raises(NotPermitted):
        export_log(reviewed, tmp_path / "log.out", form=form, actor=reader)
    export_log(reviewed, tmp_path / "log.out", form=form)
    assert "audit.exported" in (tmp_path / "log.out").read_text(encoding="utf-8")
    assert (tmp_path / "log.out").stat().st_mode & 0o777 == 0o600
    with pytest.raises(HitlError, match="already"):
        export_log(reviewed, tmp_path / "log.out", form=form)


@pytest.mark.parametrize("form", ["bundle", "fhir", "csv"])
def test_a_folder_without_a_file_is_refused(reviewed: Workspace, form: str) -> None:
    """In words, and nothing is told in the log."""
    before = audit.head(reviewed.store).size
    with pytest.raises(HitlError, match="Name a file in it"):
        export_log(reviewed, Path("."), form=form)
    assert audit.head(reviewed.store).size == before


def test_another_form_is_refused(reviewed: Workspace, tmp_path: Path) -> None:
    """With the forms there are."""
    with pytest.raises(HitlError, match="bundle, fhir or csv"):
        export_log(reviewed, tmp_path / "log.xml", form="xml")
