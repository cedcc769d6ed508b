"""What can't have happened where a project asks for an own estimate of some cases, or of none, or was set anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitl_review.domain.canonical import bytes_digest
from hitl_review.project import parse_project
from hitl_review.workflow.review import is_blind
from hitl_review.workflow.workspace import create_workspace, open_workspace
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.reviews_told import answer, estimate, view
from tests.attacks.test_impossible_reviewing import BEFORE_THE_ESTIMATE
from tests.ward import PROJECT, Clock, fill, review

NOBODY_REVIEWS = "the model's view of a case that nobody reviews"
SET_ANEW = "the project was set anew, which no step does once a workspace is made"
OFF = '\n[review]\nblind_first = "off"\n'
SHARE = '\n[review]\nblind_first = "share"\nblind_share = 0.35\n'


def ward_of(folder: Path, policy: str) -> Path:
    """Make a ward with another policy, on which two readers decided."""
    create_workspace(folder, PROJECT + policy, demo=True, clock=Clock())
    with open_workspace(folder, clock=(clock := Clock())) as workspace:
        fill(workspace)
        review(workspace, clock)
    return folder


@pytest.fixture
def trusting(tmp_path: Path) -> Path:
    """A closed workspace whose project asks for no own estimate."""
    return ward_of(tmp_path / "trusting", OFF)


@pytest.fixture
def sharing(tmp_path: Path) -> Path:
    """A closed workspace whose project asks for an own estimate of a third of the cases."""
    return ward_of(tmp_path / "sharing", SHARE)


def owes(case: str, reader: str) -> bool:
    """Tell whether a reader owes an own estimate of a case where a share is asked for."""
    return is_blind(parse_project(PROJECT + SHARE), case, reader)


def pair(owed: bool) -> tuple[str, str]:
    """Return an open case and a reader who owes an own estimate of it where a share is asked for, or does not."""
    return next(
        (case, reader)
        for case in ("C-5", "C-6")
        for reader in ("reader-1", "reader-2")
        if owes(case, reader) is owed
    )


def view_of_a_training_case(story: Story) -> Payload:
    """Show the model on a case that it was fitted on."""
    told = story.add(story.last("prediction.made"))
    snapshot = story.one("SELECT snapshot FROM cases WHERE case_id = 'T-1'")
    row = {"prediction_id": "P-forged", "case_id": "T-1", "snapshot": snapshot, "event_id": told["event_id"]}
    story.copy("predictions", "case_id = 'C-5'", **row)
    return view(story, "T-1")


def view_before_an_estimate_that_is_not_owed(story: Story) -> Payload:
    """See the model, and say afterwards what one had thought before."""
    case, reader = pair(owed=False)
    shown = view(story, case, by=reader)
    read = estimate(story, case, by=reader)
    story.come_too_late(read, shown)
    read["detail"]["opened_at"] = read["at"]
    return shown


def view_without_an_estimate_that_is_owed(story: Story) -> Payload:
    """See the model on a case that is among those to be judged alone first."""
    case, reader = pair(owed=True)
    return view(story, case, by=reader)


TRUSTING: list[tuple[Deed, str]] = [
    (view_of_a_training_case, NOBODY_REVIEWS),
    (view_before_an_estimate_that_is_not_owed, BEFORE_THE_ESTIMATE),
]
SHARING: list[tuple[Deed, str]] = [
    (view_without_an_estimate_that_is_owed, BEFORE_THE_ESTIMATE),
    (view_before_an_estimate_that_is_not_owed, BEFORE_THE_ESTIMATE),
]


@pytest.mark.parametrize(("deed", "words"), tried(TRUSTING))
def test_where_no_estimate_is_asked_for_the_rest_is_found(trusting: Path, deed: Deed, words: str) -> None:
    """An estimate that was given all the same is from before the view."""
    place, problems = outcome(trusting, deed)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize(("deed", "words"), tried(SHARING))
def test_where_a_share_is_asked_for_its_views_are_found(sharing: Path, deed: Deed, words: str) -> None:
    """Those of whom the project asked for an own estimate of this case; of the others what they gave."""
    place, problems = outcome(sharing, deed)
    assert problems == [(place, "impossible", words)]


def test_of_each_case_and_reader_it_is_asked_what_was_owed(sharing: Path) -> None:
    """Of the same reader for one case and not for the other, and of one reader and not of the other for a case."""
    with retold(sharing) as story:
        shown = {
            (case, reader): view(story, case, by=reader)
            for case in ("C-3", "C-4", "C-5", "C-6")
            for reader in ("reader-1", "reader-2")
            if not story.all("prediction.shown", actor=reader, subject=f"case:{case}")
        }
    asked = [pair for pair in shown if owes(*pair)]
    assert any({owes(case, reader) for case, other in shown if other == reader} == {True, False} for _, reader in shown)
    assert found(sharing) == [(story.place(shown[pair]), "impossible", BEFORE_THE_ESTIMATE) for pair in asked]


@pytest.mark.parametrize("kind", ["trusting", "sharing"])
def test_a_view_without_an_estimate_that_is_not_owed_is_not_found(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """The control: it may be looked at and answered, and the answer tells of no estimate."""
    folder: Path = request.getfixturevalue(kind)
    with retold(folder) as story:
        case, reader = pair(owed=False)
        answer(story, view(story, case, by=reader), own_probability=None)
    assert found(folder) == []


def test_a_view_without_an_estimate_is_not_found_where_none_is_asked_for(trusting: Path) -> None:
    """The same pair that owes one where a share is asked for."""
    with retold(trusting) as story:
        view_without_an_estimate_that_is_owed(story)
    assert found(trusting) == []


def set_anew(story: Story, text: str) -> Payload:
    """Tell that another project is in force from now on."""
    digest = bytes_digest(text.encode())
    told = story.add(story.first("project.configured"), {"digest": digest}, subject=f"project:{digest}")
    story.bodies[told["event_id"]] = {"text": text}
    return told


@pytest.mark.parametrize("later", [PROJECT, PROJECT + OFF, PROJECT + SHARE, "it = [was another format"])
def test_another_project_is_found_and_takes_no_question_away(whole_folder: Path, later: str) -> None:
    """No step of the product sets one: nobody lets readers see the model first from now on."""
    with retold(whole_folder) as story:
        wrong = [view(story, "C-5", by="reader-1")]
        anew = set_anew(story, later)
        wrong += [view(story, "C-2", by="reader-2")]
    assert found(whole_folder) == [
        *((story.place(each), "impossible", BEFORE_THE_ESTIMATE) for each in wrong),
        (story.place(anew), "impossible", SET_ANEW),
    ]


def test_a_project_that_is_set_anew_asks_for_nothing_that_was_not_asked_for(trusting: Path) -> None:
    """It is found itself, and nobody is blamed for what it would have asked for."""
    with retold(trusting) as story:
        anew = set_anew(story, PROJECT)
        view_without_an_estimate_that_is_owed(story)
    assert found(trusting) == [(story.place(anew), "impossible", SET_ANEW)]


def another_project(story: Story) -> Payload:
    """Let reasons mean something else from now on."""
    return set_anew(story, PROJECT.replace('training_effect = "train"', 'training_effect = "exclude"'))


ANEW: list[tuple[Deed, str]] = [(another_project, SET_ANEW)]


@pytest.mark.parametrize(("deed", "words"), tried(ANEW))
def test_labels_mean_what_the_first_project_says(whole_folder: Path, deed: Deed, words: str) -> None:
    """They were made by it."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


def test_where_the_project_can_not_be_read_what_rests_on_it_is_not_asked(whole_folder: Path) -> None:
    """A later program may not read it any more; the estimate before the view is asked for by it, the order is not."""
    text = "it = [was another format"
    with retold(whole_folder) as story:
        told = story.first("project.configured")
        told["detail"]["digest"] = bytes_digest(text.encode())
        story.bodies[told["event_id"]] = {"text": text}
        view(story)
        wrong = story.last("decision.accepted", actor="reader-2")
        wrong["detail"]["own_probability"] = 0.1
    words = "the own estimate that it tells of is not the one that was given"
    assert found(whole_folder) == [(story.place(wrong), "impossible", words)]
