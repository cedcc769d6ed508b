"""Logs that agree with their rows and tell of cases that a study showed again before the washout was over."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from hitl_review.domain.audit import moment, stamp
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.studies_told import amended, crossed_study, document, shown


@pytest.fixture(scope="session")
def washing_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace in whose study the washout runs. Do not write to it."""
    return crossed_study(tmp_path_factory.mktemp("washing") / "workspace", is_read=True)


@pytest.fixture
def washing(washing_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    return Path(shutil.copytree(washing_once, tmp_path / "washing"))


def seen_again(story: Story, after: timedelta, *, by: str = "reader-1") -> Payload:
    """Show the first case of the second session, some time after its reader read it in the first."""
    place = "FROM study_schedule WHERE reader = ? AND session = 2 AND place = 1"
    item, case = story.one(f"SELECT item {place}", by), story.one(f"SELECT case_id {place}", by)
    read_at = story.one("SELECT max(committed_at) FROM study_reads WHERE (reader, case_id) = (?, ?)", by, case)
    told = shown(story, item, case, by=by)
    told["at"] = stamp(moment(read_at) + after)
    return told


def waiver(story: Story, reader: str) -> Payload:
    """Tell that the lead waived a reader's washout."""
    like = {**story.first("study.started"), "detail": {}}
    return story.add(like, {"reader": reader, "reason": "Leaves the clinic."}, action="study.washout_waived")


def with_a_washout_of(story: Story, days: int) -> Payload:
    """Tell that the protocol was amended."""
    before = document(story, "frozen")
    assert before.count('"washout_days":28') == 1
    return amended(story, before.replace('"washout_days":28', f'"washout_days":{days}'))


WASHOUT, A_MOMENT = timedelta(days=28), timedelta(microseconds=1)


def case_seen_again_a_moment_too_soon(story: Story) -> Payload:
    """Do not quite wait for the end of the washout."""
    return seen_again(story, WASHOUT - A_MOMENT)


def case_seen_again_under_the_waiver_of_another(story: Story) -> Payload:
    """Go on because the other reader may."""
    waiver(story, "reader-2")
    return seen_again(story, timedelta(days=7))


def case_seen_again_beside_a_reader_who_may(story: Story) -> Payload:
    """Go on because the other reader just did."""
    waiver(story, "reader-1")
    seen_again(story, timedelta(days=7))
    return seen_again(story, timedelta(days=8), by="reader-2")


def case_seen_again_before_the_waiver(story: Story) -> Payload:
    """Go on, and let it be waived afterwards."""
    wrong = seen_again(story, timedelta(days=7))
    waiver(story, "reader-1")
    return wrong


def case_seen_again_before_the_amendment(story: Story) -> Payload:
    """Go on, and let the protocol ask for less afterwards."""
    wrong = seen_again(story, timedelta(days=7))
    with_a_washout_of(story, 1)
    return wrong


def case_seen_again_after_a_longer_washout_was_asked_for(story: Story) -> Payload:
    """Wait for as long as the protocol asked for at first."""
    with_a_washout_of(story, 29)
    return seen_again(story, WASHOUT)


SOONER = "a case was shown again before the washout was over, which nobody waived"
TOO_SOON: list[tuple[Deed, str]] = [
    (case_seen_again_a_moment_too_soon, SOONER),
    (case_seen_again_under_the_waiver_of_another, SOONER),
    (case_seen_again_beside_a_reader_who_may, SOONER),
    (case_seen_again_before_the_waiver, SOONER),
    (case_seen_again_before_the_amendment, SOONER),
    (case_seen_again_after_a_longer_washout_was_asked_for, SOONER),
]


@pytest.mark.parametrize(("deed", "words"), tried(TOO_SOON))
def test_a_case_that_is_shown_before_the_washout_is_over_is_found(
    washing: Path, deed: Deed, words: str
) -> None:
    """By the protocol that was in force then, unless it was waived for this reader before."""
    place, problems = outcome(washing, deed)
    assert problems == [(place, "impossible", words)]


def seen_again_under_a_waiver(story: Story) -> None:
    """Go on at once, because the lead waived the washout."""
    waiver(story, "reader-1")
    seen_again(story, timedelta(days=1))


def seen_again_under_an_amendment(story: Story) -> None:
    """Wait for as long as the protocol asks for now."""
    with_a_washout_of(story, 7)
    seen_again(story, timedelta(days=7))


def seen_again_when_the_washout_is_over(story: Story) -> None:
    """Wait for its last moment."""
    seen_again(story, WASHOUT)


@pytest.mark.parametrize(
    "deed",
    [seen_again_under_a_waiver, seen_again_under_an_amendment, seen_again_when_the_washout_is_over],
)
def test_a_case_that_may_be_shown_again_is_not_found(washing: Path, deed: Callable[[Story], object]) -> None:
    """The control: what is waited for, waived or amended before."""
    with retold(washing) as story:
        deed(story)
    assert found(washing) == []
