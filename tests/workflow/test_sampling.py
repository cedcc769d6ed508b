"""A sample is drawn by its seed alone, can be drawn again, and what was found in it is kept and checked."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import SYSTEM, Actor
from hitl_review.errors import AuditError, Conflict, NotFound, NotPermitted
from hitl_review.store import audit, samples
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.sampling import draw_sample, lowest, record_finding, same_draw
from hitl_review.workflow.workspace import Workspace
from tests.tampering import tamper


def test_the_same_seed_draws_the_same(reviewed: Workspace, auditor: Actor) -> None:
    """In the same order; and another seed, in time, another list."""
    first = draw_sample(reviewed, count=3, seed="4711", actor=auditor)
    again = draw_sample(reviewed, count=3, seed="4711", actor=auditor)
    assert first.decisions == again.decisions and len(set(first.decisions)) == 3
    assert len({draw_sample(reviewed, count=1, seed=str(seed)).decisions for seed in range(20)}) > 1


def test_a_draw_is_recorded_with_its_seed_and_can_be_checked_later(reviewed: Workspace) -> None:
    """However many decisions came since."""
    drawn = draw_sample(reviewed, count=2)
    told = list(audit.events(reviewed.store))[-1].told
    assert (told["action"], told["detail"]["seed"], told["detail"]["of"]) == (
        "audit.sampled",
        drawn.seed,
        drawn.of,
    )
    assert samples.newest(reviewed.store) == [drawn] and same_draw(reviewed, drawn)


def test_a_draw_of_then_does_not_know_the_decisions_since(reviewed: Workspace) -> None:
    """At every length of the log: the decisions up to there, and no other."""
    told = [(event.seq, event.event_id, event.told["action"]) for event in audit.events(reviewed.store)]
    for upto in (0, 1, *(seq for seq, _, _ in told)):
        expected = [name for seq, name, action in told if seq <= upto and action.startswith("decision.")]
        assert samples.decision_ids(reviewed.store, upto=upto) == expected


def test_each_decision_is_equally_likely() -> None:
    """Over many seeds, within chance: 10 ids, one drawn of each of 2,000 seeds."""
    ids = [f"decision-{number}" for number in range(10)]
    counts = [0] * 10
    for seed in range(2_000):
        counts[ids.index(lowest(str(seed), ids, 1)[0])] += 1
    assert sum((count - 200) ** 2 / 200 for count in counts) < 27.88  # chi-squared, 9 degrees, 0.1 %


def test_a_finding_is_an_event_and_a_row(reviewed: Workspace, auditor: Actor) -> None:
    """A second one stands beside the first; a second press is one; an edited one is found."""
    drawn = draw_sample(reviewed, count=2, actor=auditor)
    for token, verdict, comment in (
        ("finding-0001", "serious", "Reason missing"),
        ("finding-0001", "serious", "Reason missing"),
        ("finding-0002", "in_order", ""),
    ):
        record_finding(
            reviewed, drawn.sample_id, drawn.decisions[0], verdict, comment, actor=auditor, token=token
        )
    found = samples.findings_of(reviewed.store, drawn.sample_id)
    assert [(each.verdict, each.by) for each in found] == [
        ("serious", "auditor-1"),
        ("in_order", "auditor-1"),
    ]
    assert verify(reviewed.folder).ok
    tamper(reviewed.folder, "UPDATE findings SET verdict = 'remark' WHERE finding_id = 'finding-0001'")
    assert any("findings" in each.message for each in verify(reviewed.folder).problems)


@pytest.mark.parametrize(("verdict", "comment"), [("remark", " "), ("fine", "x"), ("serious", "x" * 2_001)])
def test_a_finding_that_says_nothing_is_refused(
    reviewed: Workspace, auditor: Actor, verdict: str, comment: str
) -> None:
    """A remark without a word helps nobody."""
    drawn = draw_sample(reviewed, count=1)
    with pytest.raises(AuditError):
        record_finding(
            reviewed,
            drawn.sample_id,
            drawn.decisions[0],
            verdict,
            comment,
            actor=auditor,
            token="finding-0001",
        )


def test_a_token_stands_for_one_act(reviewed: Workspace, auditor: Actor) -> None:
    """What is said with the token of something else is refused, and not silently left out."""
    drawn = draw_sample(reviewed, count=2, actor=auditor, token="sample-0001")
    assert draw_sample(reviewed, count=2, actor=auditor, token="sample-0001") == drawn
    first, second = drawn.decisions
    said = {"actor": auditor, "token": "finding-0001"}
    record_finding(reviewed, drawn.sample_id, first, "remark", "Look again", **said)
    events = audit.head(reviewed.store).size
    for decision, verdict, comment in (
        (second, "remark", "Look again"),
        (first, "serious", "Look again"),
        (first, "remark", "Something else"),
    ):
        with pytest.raises(Conflict, match="used for another act"):
            record_finding(reviewed, drawn.sample_id, decision, verdict, comment, **said)
    for token, actor in (("sample-0001", SYSTEM), ("finding-0001", auditor), (first, auditor)):
        with pytest.raises(Conflict, match="used for another act"):
            draw_sample(reviewed, count=2, actor=actor, token=token)
    assert audit.head(reviewed.store).size == events


def test_no_sample_is_hidden_by_those_drawn_after_it(reviewed: Workspace, auditor: Actor) -> None:
    """Whoever draws until it fits leaves each draw where it can be chosen and reviewed."""
    drawn = [draw_sample(reviewed, count=1, actor=auditor) for _ in range(30)]
    assert samples.newest(reviewed.store) == drawn[::-1]


def test_only_what_was_drawn_is_reviewed(reviewed: Workspace, auditor: Actor) -> None:
    """A decision that somebody chose is no sampled one."""
    drawn = draw_sample(reviewed, count=1)
    with pytest.raises(NotFound):
        record_finding(
            reviewed, drawn.sample_id, "decision-other", "in_order", "", actor=auditor, token="finding-0001"
        )


@pytest.mark.parametrize(("count", "seed"), [(0, None), (10_001, None), (1, "x" * 65), (1, "a\nb")])
def test_a_draw_that_can_not_be_told_is_refused(reviewed: Workspace, count: int, seed: str | None) -> None:
    """In one sentence, and nothing is recorded."""
    with pytest.raises(AuditError):
        draw_sample(reviewed, count=count, seed=seed)
    assert samples.newest(reviewed.store) == []


def test_without_decisions_there_is_nothing_to_draw(workspace: Workspace) -> None:
    """And a reader may not draw at all."""
    with pytest.raises(AuditError, match="no decision"):
        draw_sample(workspace, count=1)


def test_a_reader_may_not_draw(reviewed: Workspace, reader: Actor) -> None:
    """Sampling is looking at others' work."""
    with pytest.raises(NotPermitted):
        draw_sample(reviewed, count=1, actor=reader)
