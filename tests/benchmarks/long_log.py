"""A workspace with a very long log, for benchmarks: cases read, shown and decided, with every row beside its event.

    python -m tests.benchmarks.long_log FOLDER [--events 1000000]

It verifies like any other. It is written past the product's steps (a million of those would take an hour),
by the same functions of the store, with the triggers off for as long as it takes.
"""

from __future__ import annotations

import argparse
import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import Event, Head, lines_digest, moment, next_event, text_digest
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.case import Case, Purpose
from hitl_review.domain.checkpoint import Checkpoint, Frontier, key_id, write_note
from hitl_review.domain.decision import Answer, Confidence, Decision, Modality, Read, Reveal, Signature
from hitl_review.store import audit, cases, keys, predictions, reviews, schema, worklist
from hitl_review.workflow.deciding import decision_detail
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.workspace import Workspace, create_workspace, open_workspace
from tests.ward import PROJECT, Clock, fill, prediction, snapshot, train

BATCH = 1_000
EVERY = 100
READERS = (Actor("reader-1", "Rita Reader", Role.READER), Actor("reader-2", "Rolf Reader", Role.READER))
SYSTEM = Actor("system", "system", Role.SYSTEM)
_INSERT = "INSERT INTO audit_log (seq, event_id, prev_hash, payload, hash) VALUES (?, ?, ?, ?, ?)"


class Writer:
    """Writes event after event, a second apart, and publishes a checkpoint every hundred."""

    def __init__(self, workspace: Workspace) -> None:
        self.store, self.clock = workspace.store, Clock()
        self.head = audit.head(self.store)
        hashes = [bytes.fromhex(event.hash) for event in audit.events(self.store)]
        self.frontier, self.waiting = Frontier().grown(hashes), []
        self.origin = next(audit.events(self.store)).told["detail"]["origin"]
        self.key = keys.read_key(workspace.folder)
        self.clock.now = self.head.at + timedelta(seconds=1)

    def tell(self, action: str, subject: str, detail: dict[str, Any], event_id: str, actor: Actor) -> Event:
        """Write one event."""
        self.clock.advance(1)
        event = next_event(
            self.head,
            event_id=event_id,
            at=self.clock.now,
            actor=actor.account_id,
            role=actor.role.value,
            action=action,
            subject=subject,
            detail=detail,
        )
        self.store.db.execute(
            _INSERT, (event.seq, event.event_id, event.prev_hash, event.payload, event.hash)
        )
        self.head = Head(event.seq, event.hash, self.clock.now)
        self.waiting.append(bytes.fromhex(event.hash))
        if event.seq % EVERY == 0:
            self.publish()
        return event

    def publish(self) -> None:
        """Write a checkpoint, as the product does."""
        self.frontier, self.waiting = self.frontier.grown(self.waiting), []
        checkpoint = Checkpoint(self.origin, self.head.size, self.frontier.root, self.head.hash)
        public = keys.raw_public_key(self.key)
        signature = self.key.sign(checkpoint.body.encode())
        note = write_note(checkpoint.body, [(checkpoint.name, key_id(checkpoint.name, public), signature)])
        peaks = [peak.hex() for peak in self.frontier.peaks]
        named = base64.b64encode(public).decode()
        detail = {"note": note, "key": named, "size": self.frontier.size, "frontier": peaks}
        self.tell(
            "checkpoint.published",
            f"checkpoint:{self.head.size}",
            detail,
            f"note-{self.head.size:09d}",
            SYSTEM,
        )


def write_batch(workspace: Workspace, writer: Writer, model: str, first: int, count: int) -> None:
    """Write some cases from their arrival to their decision."""
    store, now = workspace.store, writer.clock.now
    made = [
        Case(
            f"L-{number:07d}", Purpose.QUEUE, number, now, snapshot(f"L-{number:07d}", age=30.0 + number % 60)
        )
        for number in range(first, first + count)
    ]
    lines: list[object] = [cases.received_line(each.case_id, "queue", each.snapshot.digest) for each in made]
    detail = {"count": count, "digest": lines_digest(lines), "purpose": "queue"}
    event = writer.tell("case.received", f"batch:cases-{first:09d}", detail, f"cases-{first:09d}", SYSTEM)
    at = moment(event.told["at"])
    cases.add(
        store, [Case(c.case_id, c.purpose, c.position, at, c.snapshot) for c in made], event_id=event.event_id
    )
    answers = [
        prediction(each.snapshot, model, (each.position * 0.37) % 2 - 0.9, at + timedelta(seconds=1))
        for each in made
    ]
    lines = [predictions.made_line(each) for each in answers]
    detail = {"model": model, "count": count, "digest": lines_digest(lines)}
    event = writer.tell("prediction.made", f"model:{model}", detail, f"predictions-{first:09d}", SYSTEM)
    at = moment(event.told["at"])
    answers = [prediction(c.snapshot, model, a.margin, at) for c, a in zip(made, answers, strict=True)]
    predictions.add(store, answers, event_id=event.event_id)
    for case, shown in zip(made, answers, strict=True):
        write_case(workspace, writer, case, shown)


def write_case(workspace: Workspace, writer: Writer, case: Case, shown: Any) -> None:
    """Write one reader's way through one case: opened, estimated, shown, decided."""
    store, number = workspace.store, case.position
    reader, about = READERS[number % 2], f"case:{case.case_id}"
    event = writer.tell("case.opened", about, {}, f"opened-{number:09d}", reader)
    opened_at = moment(event.told["at"])
    told: dict[str, Any] = {
        "modality": "unaided",
        "label": "died",
        "probability": 0.35,
        "opened_at": event.told["at"],
    }
    event = writer.tell("read.committed", about, told, f"read-{number:09d}", reader)
    at = moment(event.told["at"])
    reviews.add_read(
        store,
        Read(event.event_id, case.case_id, reader.account_id, Modality.UNAIDED, "died", 0.35, opened_at, at),
    )
    told = {"prediction_id": shown.prediction_id, "margin": shown.margin}
    body = canonical_json({"facts": {"case_id": case.case_id}, "view": told})
    told = {"prediction": shown.prediction_id, "model": shown.model, "shown_digest": text_digest(body)}
    event = writer.tell("prediction.shown", about, told, f"reveal-{number:09d}", reader)
    at = moment(event.told["at"])
    reveal = Reveal(
        event.event_id, case.case_id, reader.account_id, shown.prediction_id, text_digest(body), at
    )
    reviews.add_reveal(store, reveal, screen_body=body)
    decision = decided(writer, case, shown, reveal, reader)
    detail = decision_detail(decision, shown)
    writer.tell(f"decision.{decision.answer.value}", about, detail, decision.decision_id, reader)
    reviews.add_decision(store, decision)
    worklist.settle(store, case.case_id, decision.answer)


def decided(writer: Writer, case: Case, shown: Any, reveal: Reveal, reader: Actor) -> Decision:
    """Return a decision: one in five overrides, one in fifty defers."""
    number, at = case.position, writer.clock.now + timedelta(seconds=1)
    answer = (
        Answer.OVERRIDDEN if number % 5 == 0 else Answer.DEFERRED if number % 50 == 1 else Answer.ACCEPTED
    )
    other = "alive" if shown.label == "died" else "died"
    label = {Answer.ACCEPTED: shown.label, Answer.OVERRIDDEN: other, Answer.DEFERRED: None}[answer]
    reason = {Answer.ACCEPTED: None, Answer.OVERRIDDEN: "seen_patient", Answer.DEFERRED: "too_little"}[answer]
    return Decision(
        decision_id=f"decision-{number:09d}",
        case_id=case.case_id,
        reader=reader.account_id,
        reveal_id=reveal.reveal_id,
        prediction_id=shown.prediction_id,
        answer=answer,
        label=label,
        reason=reason,
        comment="Walks the stairs without help" if answer is Answer.OVERRIDDEN else "",
        confidence=Confidence.HIGH,
        own_probability=0.35,
        shown_digest=reveal.screen,
        shown_at=reveal.shown_at,
        decided_at=at,
        seconds_active=12.5,
        signature=Signature(reader.name, "review", at),
        supersedes=None,
    )


def make_long(folder: Path, events: int) -> None:
    """Make the workspace, with at least so many events."""
    clock = Clock()
    create_workspace(folder, PROJECT, demo=True, clock=clock)
    with open_workspace(folder, clock=clock) as workspace:
        fill(workspace)
        model = train(workspace)
        promote(workspace, model, actor=Actor("approver-1", "Abe Approver", Role.APPROVER))
        first = cases.next_position(workspace.store)
        triggers = {
            name: sql for name, sql in schema.statements().items() if sql.startswith("CREATE TRIGGER")
        }
        for name in triggers:
            workspace.store.db.execute(f"DROP TRIGGER {name}")
        workspace.store.watch = None
        writer = Writer(workspace)
        while writer.head.size < events:
            count = min(BATCH, max((events - writer.head.size) // 4, 1))
            with workspace.store.transaction():
                write_batch(workspace, writer, model, first, count)
            first += count
        for sql in triggers.values():
            workspace.store.db.execute(sql)
        workspace.store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def main() -> None:
    """Make one from the command line and say how long its log is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    asked = parser.parse_args()
    make_long(asked.folder, asked.events)
    with open_workspace(asked.folder) as workspace:
        print(json.dumps({"events": audit.head(workspace.store).size}))


if __name__ == "__main__":
    main()
