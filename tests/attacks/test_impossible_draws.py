"""What no lot decided: who is read all the same, with which chance a case was drawn; and routings that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitl_review.workflow.draws import NO_ROUTING, OTHER_AUDITS, OTHER_CHANCE, OTHER_ID
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.reviews_told import estimate
from tests.attacks.test_impossible_learning import (
    OF_A_DECISION,
    OF_A_READ,
    changed_label,
    label_of_estimate,
    label_with,
)

SHARE = 0.25
"""Of audits and of random checks, in the routing that was set: the lot draws C-5 for an audit, and of no other case."""


def passes_changed(story: Story, sql: str) -> Payload:
    """Change which cases passed, and count the audits anew."""
    story.write(f"UPDATE passes SET {sql}")
    told = story.first("case.passed")
    told["detail"]["audited"] = story.one("SELECT sum(audited) FROM passes")
    return told


def nobody_is_audited(story: Story) -> Payload:
    """Let the model's answer be enough for a case that was drawn for an audit."""
    story.write("UPDATE worklist SET state = 'passed' WHERE case_id = 'C-5'")
    return passes_changed(story, "audited = 0")


def another_one_is_audited(story: Story) -> Payload:
    """Let a case be read that was not drawn."""
    story.write("UPDATE worklist SET state = 'open' WHERE case_id = 'C-6'")
    return passes_changed(story, "audited = 1")


def audits_with_another_share(story: Story) -> Payload:
    """Tell that more were drawn than the routing asks for."""
    return passes_changed(story, "audit_share = 0.3")


def label_that_no_later_one_finds(story: Story) -> Payload:
    """Give a label another id, so that what replaces it can't be kept."""
    return changed_label(story, "read:read-reader-2-C-4", "label_id = 'L-of-nobody'")


def label_of_a_case_that_was_audited(story: Story) -> Payload:
    """Keep silent of the chance with which a case was drawn for an audit."""
    return label_of_estimate(story, estimate(story, "C-5"), case_id="C-5", sampling_probability=None)


def routing_with(name: str, **detail: object) -> Deed:
    """Return the deed of setting a routing."""

    def deed(story: Story) -> Payload:
        return story.add(story.last("routing.set"), detail)

    deed.__name__ = name
    return deed


DRAWN: list[tuple[Deed, str]] = [
    (nobody_is_audited, OTHER_AUDITS),
    (another_one_is_audited, OTHER_AUDITS),
    (audits_with_another_share, OTHER_AUDITS),
    (label_that_no_later_one_finds, OTHER_ID),
    (label_with(OF_A_READ, "sampling_probability = 0.2", "estimate_by_chance"), OTHER_CHANCE),
    (label_with(OF_A_DECISION, "sampling_probability = 0.001", "acceptance_by_chance"), OTHER_CHANCE),
    (label_of_a_case_that_was_audited, OTHER_CHANCE),
    (routing_with("routing_that_audits_nobody", audit_share=0), NO_ROUTING),
    (routing_with("routing_of_no_kind", kind="none"), NO_ROUTING),
    (routing_with("routing_by_an_unknown_rule", kind="rule", feature="shoes", minimum=46), NO_ROUTING),
]


@pytest.mark.parametrize(("deed", "words"), tried(DRAWN))
def test_what_no_lot_decided_is_found(whole_folder: Path, deed: Deed, words: str) -> None:
    """At its event, in these words, and as nothing else."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize("behind_a_clock", [False, True], ids=["told_in_order", "behind_a_clock"])
def test_what_lots_decided_is_not_found(whole_folder: Path, behind_a_clock: bool) -> None:
    """An audited case bears its share, one of the random part that of the routing in force when it was read."""
    with retold(whole_folder) as story:
        if behind_a_clock:
            story.set_clock_back()
        label_of_estimate(story, estimate(story, "C-5"), case_id="C-5", sampling_probability=SHARE)
        story.add(story.last("routing.set"), {"random_share": 0.8})
        label_of_estimate(story, estimate(story, "C-6"), sampling_probability=0.8)
    assert found(whole_folder) == []


def test_what_a_later_program_knows_of_routings_is_no_alarm(whole_folder: Path) -> None:
    """It is warned of by its key."""
    with retold(whole_folder) as story:
        story.add(story.last("routing.set"), {"kind": "moonlight", "phase": "full"})
    assert found(whole_folder) == []
