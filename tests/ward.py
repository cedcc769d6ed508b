"""A small ward: its project, a clock that stands still, and the steps that fill its workspace.

The steps write what the product writes, with a stand-in of a few bytes for the model, because what
is tested with it asks no model. `conftest.py` makes fixtures of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import lines_digest, text_digest
from hitl_review.domain.canonical import bytes_digest, canonical_json
from hitl_review.domain.case import Case, Outcome, Purpose, Snapshot, Value, snapshot_of
from hitl_review.domain.decision import Answer, Choice, Confidence, Decision, Reveal
from hitl_review.domain.prediction import Prediction, Verdict, prediction_id
from hitl_review.domain.registry import Figure, ModelVersion
from hitl_review.store import accounts, audit, cases, models, predictions, reviews
from hitl_review.workflow.accounts import add_account, disable_account, enable_account, link_identity
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.presenting import facts_of
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.review import commit_read, open_case
from hitl_review.workflow.workspace import Workspace

PROJECT = """
id = "ward"
title = "Death on a small ward"
version = "1.0.0"
id_column = "case_id"
intended_use = "Tests."

[target]
name = "death"
question = "Will this patient die within 30 days?"
positive = { code = "died", words = "death within 30 days" }
negative = { code = "alive", words = "alive after 30 days" }
horizon = "30 days"
index_time = "day 3"
outcome_column = "died"
threshold = 0.5
cost_false_negative = 1.0
cost_false_positive = 1.0

[[features]]
name = "age"
label = "Age"
kind = "number"
group = "Patient"
unit = "years"
plausible_low = 0
plausible_high = 120

[[features]]
name = "sex"
label = "Sex"
kind = "category"
group = "Patient"
levels = ["female", "male"]

[[features]]
name = "creatinine"
label = "Creatinine"
kind = "number"
group = "Blood"
unit = "mg/dL"
plausible_low = 0.1
plausible_high = 30
reference_low = 0.6
reference_high = 1.3
decimals = 1

[[features]]
name = "dementia"
label = "Dementia"
kind = "flag"
group = "History"

[[reasons]]
code = "seen_patient"
label = "I have seen the patient"
applies_to = ["override"]
training_effect = "train"

[[reasons]]
code = "record_wrong"
label = "A value shown is wrong"
applies_to = ["override", "defer"]
training_effect = "fix_record"
needs_comment = true

[[reasons]]
code = "too_little"
label = "Too little is known"
applies_to = ["defer"]
training_effect = "none"

[[inclusion]]
feature = "age"
minimum = 18
words = "Age is at least 18 years"
"""
NOW = datetime(2026, 11, 22, 9, 12, 3, 1, tzinfo=UTC)


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> datetime:
        """Move the clock, back if `seconds` is negative, and return what it then shows."""
        self.now += timedelta(seconds=seconds)
        return self.now


def snapshot(case_id: str = "C-1", **changed: Value) -> Snapshot:
    """Return the values of an ordinary case, some of them changed."""
    values: Mapping[str, Value] = {"age": 71.0, "sex": "female", "creatinine": 1.9, "dementia": None}
    return snapshot_of(case_id, {**values, **changed})


def fill(workspace: Workspace) -> None:
    """Add the accounts and the cases of `workspace`, two of them with outcomes."""
    for account_id, name, role in (
        ("reader-1", "Rita Reader", Role.READER),
        ("reader-2", "Rolf Reader", Role.READER),
        ("auditor-1", "Ada Auditor", Role.AUDITOR),
        ("steward-1", "Sam Steward", Role.MODEL_STEWARD),
        ("approver-1", "Abe Approver", Role.APPROVER),
    ):
        add_account(workspace, account_id, name, role)
    receive(workspace, ["T-1", "T-2"], Purpose.TRAINING)
    receive(workspace, [f"C-{number}" for number in range(1, 7)], Purpose.QUEUE)
    record_outcomes(workspace, {"T-1": True, "T-2": False})


def receive(workspace: Workspace, ids: list[str], purpose: Purpose) -> None:
    """Store some cases and the one event that tells of them."""
    store = workspace.store
    with store.transaction() as transaction:
        first = cases.next_position(store)
        made = [
            Case(
                case_id, purpose, first + place, transaction.now, snapshot(case_id, age=30.0 + first + place)
            )
            for place, case_id in enumerate(ids)
        ]
        lines: list[object] = [
            cases.received_line(each.case_id, purpose.value, each.snapshot.digest) for each in made
        ]
        detail = {"count": len(made), "digest": lines_digest(lines), "purpose": purpose.value}
        event_id = audit.new_token()
        event = audit.append(store, "case.received", f"batch:{event_id}", detail, event_id=event_id)
        cases.add(store, made, event_id=event.event_id)


def record_outcomes(workspace: Workspace, values: Mapping[str, bool]) -> None:
    """Store some outcomes and the one event that tells of them."""
    store = workspace.store
    with store.transaction() as transaction:
        made = [Outcome(case_id, value, "registry", transaction.now) for case_id, value in values.items()]
        lines: list[object] = [cases.outcome_line(each.case_id, each.value, each.source) for each in made]
        event_id, detail = audit.new_token(), {"count": len(made), "digest": lines_digest(lines)}
        event = audit.append(store, "outcome.recorded", f"batch:{event_id}", detail, event_id=event_id)
        cases.add_outcomes(store, made, event_id=event.event_id)


def train(workspace: Workspace, artefact: bytes = b"a stand-in for a model's bytes") -> str:
    """Store a stand-in for a trained model, with its event, and return its digest."""
    store, digest, card = workspace.store, bytes_digest(artefact), canonical_json({"rows": 2})
    body = canonical_json({"rows": [], "model": digest})
    figure = Figure("beeswarm", "Creatinine matters most", b"\x89PNG")
    with store.transaction() as transaction:
        version = ModelVersion(
            digest, models.next_name(store), transaction.now, "system", text_digest(body), card
        )
        detail = {
            "name": version.name,
            "manifest": version.manifest,
            "card_digest": text_digest(card),
            "figures": {figure.name: figure.digest},
        }
        event = audit.append(store, "model.trained", f"model:{digest}", detail)
        models.add(store, version, artefact=artefact, manifest_body=body, event_id=event.event_id)
        models.add_figures(store, digest, [figure])
    return digest


def prediction(values: Snapshot, model: str, margin: float, at: datetime) -> Prediction:
    """Return what a model is said to have said of a case."""
    return Prediction(
        prediction_id(model=model, snapshot=values.digest),
        values.case_id,
        model,
        values.digest,
        margin,
        0.6 if margin > 0 else 0.4,
        0.5,
        "died" if margin > 0 else "alive",
        Verdict.UNSURE,
        at,
    )


def predict(workspace: Workspace, model: str) -> dict[str, Prediction]:
    """Store a prediction of every case of the queue, with the one event that tells of them."""
    store = workspace.store
    with store.transaction() as transaction:
        made = [
            prediction(case.snapshot, model, 0.123456789 * place - 0.3, transaction.now)
            for place, case in enumerate(cases.of_purpose(store, Purpose.QUEUE))
        ]
        lines: list[object] = [predictions.made_line(each) for each in made]
        detail = {"model": model, "count": len(made), "digest": lines_digest(lines)}
        event = audit.append(store, "prediction.made", f"model:{model}", detail)
        predictions.add(store, made, event_id=event.event_id)
    return {each.case_id: each for each in made}


def show(workspace: Workspace, shown: Prediction, *, reader: Actor, token: str) -> Reveal:
    """Store that a reader was shown a prediction: a part of the screen stands for the whole."""
    store = workspace.store
    facts = facts_of(workspace.project, cases.snapshot(store, shown.snapshot))
    body = canonical_json(
        {
            "facts": {"case_id": facts.case_id, "question": facts.question},
            "view": {"prediction_id": shown.prediction_id, "margin": shown.margin},
        }
    )
    with store.transaction(reader) as transaction:
        reveal = Reveal(
            token,
            shown.case_id,
            reader.account_id,
            shown.prediction_id,
            text_digest(body),
            transaction.now,
        )
        detail = {"prediction": shown.prediction_id, "model": shown.model, "shown_digest": reveal.screen}
        audit.append(store, "prediction.shown", f"case:{shown.case_id}", detail, event_id=token)
        reviews.add_reveal(store, reveal, screen_body=body)
    return reveal


def decide(
    workspace: Workspace,
    shown: Prediction,
    choice: Choice,
    *,
    reader: Actor,
    clock: Clock,
    supersedes: str | None = None,
) -> Decision:
    """Walk one reader through one case: open it, estimate, see the model, answer."""
    name = f"{reader.account_id}-{shown.case_id}"
    opened = open_case(workspace, shown.case_id, actor=reader)
    clock.advance(20)
    if opened.read is None:
        commit_read(
            workspace,
            shown.case_id,
            label="died",
            probability=0.35,
            actor=reader,
            token=f"read-{name}",
            opened_at=opened.opened_at,
        )
    reveal = reviews.latest_reveal(workspace.store, shown.case_id, reader.account_id)
    reveal = reveal or show(workspace, shown, reader=reader, token=f"reveal-{name}")
    clock.advance(10)
    return record_decision(
        workspace,
        reveal.reveal_id,
        choice,
        actor=reader,
        token=f"decision-{name}-{'later' if supersedes else 'first'}",
        seconds_active=8.25,
        seconds_on_screen=10.0,
        supersedes=supersedes,
    )


HASH = "$argon2id$v=19$m=19456,t=2,p=1$Wl6nLFIc4UBRMyH0h1LX2g$m9YxsqQ9vvcVxYFOkzYSgv+Z0ekI7w5QNtC3Bd6O0Yc"
"""The shape of a hash; no password is known that leads to it."""


def admit(workspace: Workspace) -> None:
    """Give people what they sign in with, and take somebody's right to: each table of people holds rows then."""
    store = workspace.store
    for account_id in ("reader-1", "reader-2"):
        with store.transaction():
            detail = {"hash_digest": text_digest(HASH), "public": False}
            event = audit.append(store, "password.set", f"account:{account_id}", detail)
            accounts.add_password(store, account_id, HASH, public=False, event_id=event.event_id)
    disable_account(workspace, "steward-1")
    enable_account(workspace, "steward-1")
    for account_id, subject in (("auditor-1", "8f2c"), ("approver-1", "77aa")):
        link_identity(workspace, account_id, issuer="https://id.example", subject=subject)


def review(workspace: Workspace, clock: Clock) -> None:
    """Train a stand-in, put it in use, and answer four of the six cases; the fifth stays open with its reader."""
    rita = Actor("reader-1", "Rita Reader", Role.READER)
    rolf = Actor("reader-2", "Rolf Reader", Role.READER)
    admit(workspace)
    model = train(workspace)
    clock.advance(1)
    promote(workspace, model, actor=Actor("approver-1", "Abe Approver", Role.APPROVER))
    made = predict(workspace, model)
    accept = Choice(Answer.ACCEPTED, confidence=Confidence.HIGH)
    override = Choice(Answer.OVERRIDDEN, reason="seen_patient", comment="Walks the stairs: größer ≥ 90 %")
    defer = Choice(Answer.DEFERRED, reason="too_little")
    decide(workspace, made["C-1"], accept, reader=rita, clock=clock)
    first = decide(workspace, made["C-2"], override, reader=rita, clock=clock)
    decide(workspace, made["C-3"], defer, reader=rita, clock=clock)
    decide(workspace, made["C-4"], accept, reader=rolf, clock=clock)
    decide(workspace, made["C-2"], accept, reader=rita, clock=clock, supersedes=first.decision_id)
    open_case(workspace, "C-5", actor=rita)
