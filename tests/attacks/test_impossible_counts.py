"""Events that tell in words or numbers something else than the report or the rows that they tell of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hitl_review.domain.canonical import bytes_digest, canonical_json
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried

OTHER_GATE = "a gate report of which other words, cases or looks are told"
OTHER_PASSES = "cases that passed of which another routing, or other audits, are told"
REPORT = canonical_json({"verdict": "passed", "words": "It is no worse.", "cases": 12})


def gate(story: Story, **told: object) -> Payload:
    """Tell of a second gate report, as the product does it unless something else is given."""
    detail = {"report": bytes_digest(REPORT.encode()), "words": "It is no worse.", "cases": 12, "looks": 2, **told}
    wrong = story.add(story.first("gate.passed"), detail)
    story.bodies[wrong["event_id"]] = {"body": REPORT}
    return wrong


def other_words(story: Story) -> Payload:
    """Praise it more than its report does."""
    return gate(story, words="It is better.")


def other_cases(story: Story) -> Payload:
    """Tell of more cases."""
    return gate(story, cases=1_200)


def other_looks(story: Story) -> Payload:
    """Tell that nobody had looked before."""
    return gate(story, looks=1)


def true_looks(story: Story) -> Payload:
    """Tell a truth in the place of a number, of the first report."""
    wrong = story.first("gate.passed")
    wrong["detail"]["looks"] = True
    return wrong


def passes(**told: object) -> Callable[[Story], Payload]:
    """Return the deed of a batch that passed of which something else is told."""

    def deed(story: Story) -> Payload:
        batch = story.first("case.passed")
        batch["detail"] |= {"routing": story.first("routing.set")["event_id"], "audited": 1, **told}
        return batch

    deed.__name__ = f"passes_{'_'.join(told)}"
    return deed


COUNTED: list[tuple[Deed, str]] = [
    *((deed, OTHER_GATE) for deed in (other_words, other_cases, other_looks, true_looks)),
    *((deed, OTHER_PASSES) for deed in (passes(routing="another"), passes(audited=2), passes(audited=None))),
]


@pytest.mark.parametrize(("deed", "words"), tried(COUNTED))
def test_what_is_told_of_a_report_otherwise_than_it_says_is_found(
    whole_folder: Path, deed: Deed, words: str
) -> None:
    """At its event."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


def test_what_the_product_tells_of_them_is_not_found(whole_folder: Path) -> None:
    """Nor that an event keeps silent, as those of this ward do."""
    with retold(whole_folder) as story:
        gate(story)
        passes()(story)
    assert found(whole_folder) == []
