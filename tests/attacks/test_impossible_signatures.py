"""What can't have been signed or called so: labels and meanings of no project, and proofs that it does not take."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.canonical import bytes_digest
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.reviews_told import estimate, whole_way
from tests.ward import PROJECT

UNPROVED = "a decision signed without the proof that the project asks for"
UNPROVED_MOVE = "a change of the model in use signed without the proof that the project asks for"


def answer_with_a_label_of_nobody(story: Story) -> Payload:
    """Override what the model said with a word that means nothing here."""
    *_, told = whole_way(story, outcome="overridden", reason="seen_patient", label="unclear")
    told["action"] = "decision.overridden"
    return told


def estimate_with_a_label_of_nobody(story: Story) -> Payload:
    """Judge a case by a word that means nothing here."""
    return estimate(story, label="unclear")


def answer_that_means_something_else(story: Story) -> Payload:
    """Sign as an author what is signed as a review."""
    *_, told = whole_way(story)
    told["detail"]["signature"] = {**told["detail"]["signature"], "meaning": "authorship"}
    return told


def answer_proved_by_nothing_known(story: Story) -> Payload:
    """Name a way of proving who one is that there is not."""
    *_, told = whole_way(story)
    told["detail"]["signature"] = {**told["detail"]["signature"], "method": "handshake"}
    return told


SIGNED: list[tuple[Deed, str]] = [
    (answer_with_a_label_of_nobody, "a decision with a label that the project has not"),
    (estimate_with_a_label_of_nobody, "an own estimate with a label that the project has not"),
    (answer_that_means_something_else, "a decision whose signature means something else than the project says"),
    (answer_proved_by_nothing_known, UNPROVED),
]


@pytest.mark.parametrize(("deed", "words"), tried(SIGNED))
def test_what_can_not_have_been_signed_is_found(whole_folder: Path, deed: Deed, words: str) -> None:
    """Event and row agree on it, and the chain is made anew."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize(
    ("policy", "method", "minutes", "is_found"),
    [
        ("session", "none", None, False),
        ("session", "session", 600, False),
        ("window", "none", None, True),
        ("window", "session", None, True),
        ("window", "session", 15, False),
        ("window", "identity", 16, True),
        ("window", "password", -1, True),
        ("each", "password", 0, False),
        ("each", "demonstration", 15, False),
        ("each", "password", 16, True),
        ("each", "session", 0, True),
    ],
)
def test_a_signature_is_held_to_the_policy_of_the_project(
    reviewed_folder: Path, policy: str, method: str, minutes: int | None, is_found: bool
) -> None:
    """By what proved who signed, and by how many minutes before the act."""
    with retold(reviewed_folder) as story:
        signed = sign_all(story, policy, method, minutes)
    expected = [(story.place(each), "impossible", UNPROVED) for each in signed]
    expected[-1] = (expected[-1][0], "impossible", UNPROVED_MOVE)
    assert found(reviewed_folder) == (expected if is_found else [])


@pytest.mark.parametrize("minutes", [-60, 16])
def test_how_long_ago_a_proof_was_given_is_not_asked_where_the_clock_went_back(
    reviewed_folder: Path, minutes: int
) -> None:
    """Then time orders nothing: a proof from before it may seem to come after the act, or long before."""
    with retold(reviewed_folder) as story:
        sign_all(story, "window", "password", minutes)
        story.set_clock_back()
    assert found(reviewed_folder) == []


def sign_all(story: Story, policy: str, method: str, minutes: int | None) -> list[Payload]:
    """Let a project ask for signatures by a policy, and all be given in one way; return what was signed.

    Those are the decisions and then the one change of the model in use.
    """
    text = f'{PROJECT}\n[review]\nsigning = "{policy}"\nsigning_window_minutes = 15\n'
    project, digest = story.first("project.configured"), bytes_digest(text.encode())
    project["detail"]["digest"], project["subject"] = digest, f"project:{digest}"
    story.bodies[project["event_id"]] = {"text": text}
    signed = [each for each in story.payloads if each["action"].startswith("decision.")]
    signed += story.all("model.promoted")
    for each in signed:
        proved = None if minutes is None else stamp(moment(each["at"]) - timedelta(minutes=minutes))
        each["detail"]["signature"] |= {"method": method, "proved_at": proved}
    return signed
