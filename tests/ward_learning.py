"""What the small ward learns: labels, a dispute and its answer, a challenger with its gate, routing, an alarm.

The steps write what the product writes. A stand-in for a model can't be measured, so the gate's report
and the monitor's are written as the product would have written them.
"""

from __future__ import annotations

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import lines_digest, text_digest
from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.decision import Answer, Choice
from hitl_review.domain.gate import Criterion, GateReport, GateVerdict, Side, as_json
from hitl_review.domain.registry import Promotion
from hitl_review.domain.routing import Routing
from hitl_review.model.combining import fit, why_not
from hitl_review.store import alarms, audit, combinations, gates, labels, models, predictions, routings
from hitl_review.store.gates import Gate
from hitl_review.store.routings import Passed
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.labelling import collect_labels, resolve_dispute
from hitl_review.workflow.ordering import order_queue
from hitl_review.workflow.promotion import promote, propose, protocol_digest
from hitl_review.workflow.routing import set_routing
from hitl_review.workflow.workspace import Workspace
from tests import ward
from tests.ward import Clock

ROLF = Actor("reader-2", "Rolf Reader", Role.READER)
STEWARD = Actor("steward-1", "Sam Steward", Role.MODEL_STEWARD)
APPROVER = Actor("approver-1", "Abe Approver", Role.APPROVER)
ADJUDICATOR = Actor("adjudicator-1", "Ida Adjudicator", Role.ADJUDICATOR)
SIDE = Side(0.7, (0.6, 0.8), 0.6, 0.2, 1.0, 0.0, 0.7, 0.7, ((0.0, 0.0), (1.0, 1.0)), (), ((0.5, 0.1),))


def report(verdict: GateVerdict = GateVerdict.PASSED) -> GateReport:
    """Return a gate report with one criterion."""
    criterion = Criterion("auc", "Orders patients no worse.", 0.01, (-0.01, 0.03), (-0.02, None), True)
    words = f"The gate said: {verdict.value}."
    return GateReport(verdict, words, 400, 180, 0.5, (criterion,), SIDE, SIDE, ((0.5, 0.0),), (), (), ())


def put_gate(
    workspace: Workspace, challenger: str, champion: str, verdict: GateVerdict = GateVerdict.PASSED
) -> str:
    """Store a gate report of a stand-in, with its event, and return its id."""
    store, body = workspace.store, canonical_json(as_json(report(verdict)))
    protocol = protocol_digest(workspace.project)
    with store.transaction() as transaction:
        detail = {"champion": champion, "protocol": protocol, "report": text_digest(body)}
        event = audit.append(store, f"gate.{verdict.value}", f"model:{challenger}", detail)
        gate = Gate(event.event_id, challenger, champion, verdict, protocol, transaction.now, "system")
        gates.add(store, gate, body=body)
    return event.event_id


def put_in_use(workspace: Workspace, challenger: str, *, approver: Actor = APPROVER) -> Promotion:
    """Let a stand-in pass a gate, be proposed by a steward and promoted by an approver."""
    champion = models.latest_in_use(workspace.store)
    assert champion is not None
    put_gate(workspace, challenger, champion)
    propose(workspace, challenger, actor=STEWARD)
    return promote(workspace, challenger, actor=approver)


def learn(workspace: Workspace, clock: Clock) -> None:
    """Make a row of every kind that learning keeps, on a ward that was reviewed."""
    add_account(workspace, ADJUDICATOR.account_id, ADJUDICATOR.name, ADJUDICATOR.role)
    champion = models.champion(workspace.store).digest
    disagree(workspace, clock)
    collect_labels(workspace)
    (dispute,) = labels.open_disputes(workspace.store)
    resolve_dispute(workspace, dispute.dispute_id, label="died", comment="Read by two.", actor=ADJUDICATOR)
    clock.advance(1)
    order_queue(workspace)
    let_pass(workspace, champion)
    raise_alarm(workspace, champion)
    keep_combination(workspace, champion)
    clock.advance(1)
    put_in_use(workspace, ward.train(workspace, b"a challenger"))


def disagree(workspace: Workspace, clock: Clock) -> None:
    """Let the second reader override where the first one accepted."""
    store = workspace.store
    case = "C-1"
    shown = predictions.find(
        store,
        case,
        model=models.champion(store).digest,
        snapshot=store.rows("SELECT snapshot FROM cases WHERE case_id = ?", (case,))[0][0],
    )
    assert shown is not None
    choice = Choice(Answer.OVERRIDDEN, reason="seen_patient", comment="Seen on the round")
    ward.decide(workspace, shown, choice, reader=ROLF, clock=clock)


def let_pass(workspace: Workspace, champion: str) -> None:
    """Set a routing, and let one open case pass without a person while another is audited."""
    made = set_routing(workspace, Routing(random_share=0.25, audit_share=0.25), actor=STEWARD)
    store = workspace.store
    rows = store.rows("SELECT case_id, prediction_id FROM predictions WHERE case_id IN ('C-5', 'C-6')")
    passed = [Passed(row[0], row[1], made.event_id, row[0] == "C-5", 0.25) for row in rows]
    with store.transaction():
        event_id = audit.new_token()
        detail = {"count": len(passed), "digest": lines_digest([each.line for each in passed])}
        audit.append(store, "case.passed", f"batch:{event_id}", detail, event_id=event_id)
        routings.add_passes(store, passed, event_id=event_id)


def raise_alarm(workspace: Workspace, champion: str) -> None:
    """Store one look of the monitor, and the alarm it raised."""
    store = workspace.store
    body = canonical_json({"lamps": [{"name": "inputs", "state": "alarm"}]})
    with store.transaction():
        event = audit.append(
            store, "monitoring.made", f"model:{champion}", {"report": text_digest(body), "raised": ["inputs"]}
        )
        alarms.add_monitoring(store, champion, body, event_id=event.event_id)
        words = "Patients are older than those the model learned from."
        detail = {"words": words, "model": champion, "monitoring": event.event_id}
        raised = audit.append(store, "alarm.raised", "lamp:inputs", detail)
        alarms.add_alarm(
            store,
            "inputs",
            "raised",
            words=words,
            model=champion,
            monitoring=event.event_id,
            event_id=raised.event_id,
        )


def keep_combination(workspace: Workspace, champion: str) -> None:
    """Store a fit of reader and model as one, from reads that are not in the ward."""
    own, model = [0.1 + 0.04 * number for number in range(20)], [0.8 - 0.03 * number for number in range(20)]
    made = fit(own, model, [float(number % 3 == 0) for number in range(20)])
    with workspace.store.transaction():
        detail = {"combination": made.as_json(), "digest": made.digest, "off": why_not(made)}
        event = audit.append(workspace.store, "combination.fitted", f"model:{champion}", detail)
        combinations.add(workspace.store, champion, made.as_json(), event_id=event.event_id)
