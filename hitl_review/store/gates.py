"""Gate reports, pass or fail, and what people made of them: proposed for use, or declined. Append-only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.gate import GateReport, GateVerdict, from_json
from hitl_review.errors import NotFound
from hitl_review.store.connection import Row, Store

_HEAD: Final = "event_id, challenger, champion, verdict, protocol, at, by"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate report's head: who was measured against whom, by which protocol, with which verdict."""

    gate_id: str
    challenger: str
    champion: str
    verdict: GateVerdict
    protocol: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A steward's or approver's answer to a gate report: proposed for use, or declined."""

    event_id: str
    model: str
    gate: str
    answer: str
    comment: str
    at: datetime
    by: str


def add(store: Store, gate: Gate, *, body: str) -> None:
    """Keep a gate report."""
    store.insert(
        f"INSERT INTO gates ({_HEAD}, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(gate.gate_id, gate.challenger, gate.champion, gate.verdict.value, gate.protocol),
            *(stamp(gate.at), gate.by, body),
        ),
    )


def get(store: Store, gate_id: str) -> Gate:
    """Return a gate report's head; NotFound if there is none with this id."""
    row = store.row(f"SELECT {_HEAD} FROM gates WHERE event_id = ?", (gate_id,))
    if row is None:
        raise NotFound("There is no gate report with this id in the workspace.")
    return _gate(row)


def report(store: Store, gate_id: str) -> GateReport:
    """Return a gate report, whole."""
    row = store.row("SELECT body FROM gates WHERE event_id = ?", (gate_id,))
    if row is None:
        raise NotFound("There is no gate report with this id in the workspace.")
    return from_json(json.loads(row["body"]))


def latest(store: Store, challenger: str, champion: str) -> Gate | None:
    """Return the newest report of a challenger against a champion, or None."""
    row = store.row(
        f"SELECT {_HEAD} FROM gates WHERE challenger = ? AND champion = ? ORDER BY rowid DESC LIMIT 1",
        (challenger, champion),
    )
    return None if row is None else _gate(row)


def everything(store: Store) -> list[Gate]:
    """Return the heads of all reports, the newest first."""
    return [_gate(row) for row in store.rows(f"SELECT {_HEAD} FROM gates ORDER BY rowid DESC")]


def add_proposal(store: Store, proposal: Proposal) -> None:
    """Keep an answer to a gate report."""
    store.insert(
        "INSERT INTO proposals (event_id, model, gate, answer, comment, at, by) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(proposal.event_id, proposal.model, proposal.gate, proposal.answer, proposal.comment),
            *(stamp(proposal.at), proposal.by),
        ),
    )


def latest_proposal(store: Store, model: str) -> Proposal | None:
    """Return the newest answer about a model, or None."""
    row = store.row("SELECT * FROM proposals WHERE model = ? ORDER BY rowid DESC LIMIT 1", (model,))
    return None if row is None else _proposal(row)


def _gate(row: Row) -> Gate:
    return Gate(
        row["event_id"],
        row["challenger"],
        row["champion"],
        GateVerdict(row["verdict"]),
        row["protocol"],
        moment(row["at"]),
        row["by"],
    )


def _proposal(row: Row) -> Proposal:
    return Proposal(
        row["event_id"],
        row["model"],
        row["gate"],
        row["answer"],
        row["comment"],
        moment(row["at"]),
        row["by"],
    )
