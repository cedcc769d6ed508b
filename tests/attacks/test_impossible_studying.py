"""Logs that agree with their rows and tell of reader studies what can't have happened."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hitl_review.domain.canonical import bytes_digest, lines_digest
from hitl_review.domain.protocol import document_of, read_document
from hitl_review.workflow.workspace import open_workspace
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.studies_told import (
    amended,
    crossed_study,
    document,
    first_read,
    first_showing,
    read,
    shown,
    step,
)
from tests.ward_study import start

NOT_RUNNING = "a study's read was made while the study did not run"
NOT_ASKED = "a study's read with the model, or without it, was not asked for"
NOT_SHOWN = "a study's read is not of what was shown"
NOT_LISTED = "a study's read is not on the reader's list"
NO_ORDER = "a study's read was made out of the order of the list"
READ_ALONE = "a study showed the model for a case that is read without it"
OWN_ANSWER = "a study showed the model before the reader's own answer"
CLOSED = "a study's case was shown while the study did not run"
ANOTHER_CASE = "the screen that a study showed is another case's"
NO_STEP = "a study took this step out of its order"
NOT_NAMED = "what was laid down for a study is not what its protocol names"
TOO_LATE = "something was laid down for a study that was frozen already, or never"


@pytest.fixture(scope="session")
def crossed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed workspace whose study nobody reads yet. Do not write to it."""
    return crossed_study(tmp_path_factory.mktemp("crossed") / "workspace", is_read=False)


@pytest.fixture
def crossed(crossed_once: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    return Path(shutil.copytree(crossed_once, tmp_path / "crossed"))


def case_on_the_screen_of_another(story: Story) -> Payload:
    """Show the facts of somebody else."""
    return shown(story, case="C-1")


def case_from_somebody_elses_list(story: Story) -> Payload:
    """Show a case to a reader on whose list it is not."""
    return shown(story, by="reader-1")


def case_after_the_lock(story: Story) -> Payload:
    """Show a case when the reading has ended."""
    wrong = shown(story)
    story.come_too_late(wrong, step(story, "locked", reason="The clinic closes."))
    return wrong


def model_without_an_answer(story: Story) -> Payload:
    """Show the model before the reader answered alone."""
    shown(story)
    return shown(story, model=True)


def model_for_a_hidden_case(story: Story) -> Payload:
    """Show the model for a case whose reader is not to see it."""
    return shown(story, 7, "C-3", model=True)


def model_for_an_attention_check(story: Story) -> Payload:
    """Show the model for what is no case."""
    return shown(story, 5, model=True)


def read_of_another_case(story: Story) -> Payload:
    """Read another case than the one on the list."""
    return read(story, shown(story), case="C-1")


def read_of_another_reader(story: Story) -> Payload:
    """Read what is next on somebody else's list, where one is at the same place."""
    facts = story.last("study.opened", actor="reader-1")
    view = story.add(story.last("study.shown"), {"item": 10, "displayed": story.screen("C-1", "in a study")})
    view |= {"actor": "reader-1"}
    wrong = read(story, facts, view, case="C-1")
    wrong["actor"] = "reader-2"
    return wrong


def read_after_the_lock(story: Story) -> Payload:
    """Read a case when the reading has ended."""
    wrong = read(story, shown(story))
    story.come_too_late(wrong, step(story, "locked", reason="The clinic closes."))
    return wrong


def read_of_another_screen(story: Story) -> Payload:
    """Answer another screen than the one that was shown."""
    return read(story, shown(story), displayed=story.first("study.opened")["detail"]["displayed"])


def read_of_what_was_shown_at_another_time(story: Story) -> Payload:
    """Say that the case was shown when it was not."""
    return read(story, shown(story), shown_at="2026-11-22T11:00:00.000000Z")


def read_of_a_view_at_another_time(story: Story) -> Payload:
    """Say that the model was shown when it was not."""
    facts = shown(story)
    read(story, facts)
    return read(story, facts, shown(story, model=True), revealed_at="2026-11-22T11:00:00.000000Z")


def read_of_what_nobody_was_shown(story: Story) -> Payload:
    """Read a case that was never on the screen."""
    facts = shown(story)
    story.payloads.remove(facts)
    story.write("DELETE FROM screens WHERE digest = ?", facts["detail"]["displayed"])
    displayed = story.first("study.opened")["detail"]["displayed"]
    return read(story, facts, displayed=displayed)


def read_that_skips_a_case(story: Story) -> Payload:
    """Read the case after the next one."""
    return read(story, shown(story, 3, "C-1"), case="C-1")


def waiver_for_a_stranger(story: Story) -> Payload:
    """Waive the washout of somebody who reads nothing."""
    return story.add(story.first("study.washout_waived"), {"reader": "auditor-1"})


def outputs_that_no_model_said(story: Story) -> Payload:
    """Let a study show another probability than the model said, and say that nothing was turned round."""
    story.write("UPDATE study_outputs SET probability = 0.99 WHERE case_id = 'C-1'")
    names = ("study", "case", "prediction", "margin", "probability", "label", "verdict", "replaced")
    rows = story.connection.execute(
        "SELECT study_id, case_id, prediction_id, margin, probability, label, verdict, replaced FROM study_outputs"
        " ORDER BY rowid"
    )
    lines = [dict(zip(names, row, strict=True)) for row in rows]
    protocol, seals = read_document(document(story, "frozen"))
    assert seals is not None
    text = document_of(protocol, replace(seals, outputs=lines_digest(lines)))
    frozen = story.first("study.frozen")
    frozen["detail"]["protocol"] = bytes_digest(text.encode())
    story.bodies[frozen["event_id"]] = {"document": text}
    return story.first("study.outputs_fixed")


def waiver_after_the_lock(story: Story) -> Payload:
    """Waive a washout when the reading has ended."""
    wrong = story.add(story.first("study.washout_waived"))
    story.come_too_late(wrong, step(story, "locked", reason="The clinic closes."))
    return wrong


def unsealed_before_the_lock(story: Story) -> Payload:
    """Join the truth to the reads while these are made."""
    return step(story, "unsealed")


def reported_before_the_lock(story: Story) -> Payload:
    """Report a study while it is read."""
    return step(story, "reported", reason="report sha256:0")


def drafted_after_the_freeze(story: Story) -> Payload:
    """Draft a study anew that runs."""
    wrong = story.add(story.first("study.drafted"))
    story.bodies[wrong["event_id"]] = {"document": document(story, "drafted")}
    return wrong


def amended_after_the_lock(story: Story) -> Payload:
    """Change the protocol when the reading has ended."""
    step(story, "locked", reason="The clinic closes.")
    return amended(story, document(story, "frozen"))


def started_without_a_freeze(story: Story) -> Payload:
    """Let the readers of another study in that was only drafted."""
    draft = story.add(story.first("study.drafted"), subject="study:ward-2")
    story.bodies[draft["event_id"]] = {"document": document(story, "drafted")}
    wrong = step(story, "started")
    wrong["subject"] = "study:ward-2"
    return wrong


def other_outputs(story: Story) -> Payload:
    """Show something else of the model than was fixed."""
    story.write("UPDATE study_outputs SET label = 'alive' WHERE case_id = 'C-4'")
    return story.first("study.frozen")


def another_list(story: Story) -> Payload:
    """Exchange what two places of a list ask for."""
    story.write("UPDATE study_schedule SET case_id = 'C-2' WHERE item = 14")
    return story.first("study.frozen")


def another_truth(story: Story) -> Payload:
    """Turn the truth of a case round, and leave its commitment."""
    story.write("UPDATE study_truth SET truth = 1 - truth WHERE case_id = 'C-1'")
    return story.first("study.frozen")


def another_commitment(story: Story) -> Payload:
    """Leave a case out of what the truth was committed to."""
    story.write("DELETE FROM study_truth WHERE case_id = 'C-1'")
    return story.first("study.frozen")


def read_with_another_model(story: Story) -> Payload:
    """Read with the model that was in use before; the protocol that names the one is told of."""
    first = story.first("model.promoted")["detail"]["model"]
    read(story, shown(story), model=first)
    return story.first("study.frozen")


def freeze_without_seals(story: Story) -> Payload:
    """Freeze a protocol that names nothing of what was laid down."""
    text = document(story, "drafted")
    wrong = story.first("study.frozen")
    wrong["detail"]["protocol"] = bytes_digest(text.encode())
    story.bodies[wrong["event_id"]] = {"document": text}
    return wrong


def freeze_of_what_is_no_protocol(story: Story) -> Payload:
    """Freeze a list where a protocol has to be."""
    wrong = story.first("study.frozen")
    text = '{"format":1,"protocol":[1,2],"seals":null}'
    wrong["detail"]["protocol"] = bytes_digest(text.encode())
    story.bodies[wrong["event_id"]] = {"document": text}
    return wrong


def amendment_with_other_seals(story: Story) -> Payload:
    """Amend a protocol so that it names other outputs."""
    protocol, seals = read_document(document(story, "frozen"))
    assert seals is not None
    return amended(story, document_of(protocol, replace(seals, outputs=seals.truth)))


def amendment_that_leaves_out_a_reader(story: Story) -> Payload:
    """Amend what was laid down when the study was frozen."""
    protocol, seals = read_document(document(story, "frozen"))
    return amended(story, document_of(replace(protocol, readers=("reader-1",)), seals))


def lists_behind_the_freeze(story: Story) -> Payload:
    """Freeze the protocol, and lay down the lists afterwards."""
    wrong = story.first("study.scheduled")
    story.come_too_late(wrong, story.first("study.frozen"))
    return wrong


def outputs_for_a_study_that_was_never_frozen(story: Story) -> Payload:
    """Lay down outputs for what is no study."""
    wrong = story.add(story.first("study.outputs_fixed"), subject="study:ward-2")
    story.copy("study_outputs", "case_id = 'C-1'", study_id="ward-2", event_id=wrong["event_id"])
    return wrong


def read_before_its_screen(story: Story) -> Payload:
    """Read a case, and show it afterwards."""
    facts = shown(story)
    wrong = read(story, facts)
    story.come_too_late(facts, wrong)
    wrong["detail"]["shown_at"] = facts["at"]
    return wrong


def model_before_the_answer(story: Story) -> Payload:
    """Show the model, and let the own answer come afterwards."""
    facts = shown(story)
    own, wrong = read(story, facts), shown(story, model=True)
    story.come_too_late(own, wrong)
    return wrong


def read_alone_of_what_is_read_with_the_model(story: Story) -> Payload:
    """Answer before the model is shown, where it is on the screen from the start."""
    return first_read(story, first_showing(story, "with_model"), "unaided")


def read_with_the_model_of_what_is_read_alone(story: Story) -> Payload:
    """Answer to the model, where it is not to be seen."""
    facts = first_showing(story, "alone")
    wrong = first_read(story, facts, "aided")
    wrong["detail"]["revealed_at"] = facts["at"]
    return wrong


def case_before_the_start(story: Story) -> Payload:
    """Show the first case, and let the readers in afterwards."""
    wrong = first_showing(story, "alone")
    story.come_too_late(story.first("study.started"), wrong)
    return wrong


IMPOSSIBLE: list[tuple[Deed, str]] = [
    (waiver_for_a_stranger, "a washout was waived for somebody who does not read in the study"),
    (outputs_that_no_model_said, "what a study was to show of the model is not what it said"),
    (case_on_the_screen_of_another, ANOTHER_CASE),
    (case_from_somebody_elses_list, "a study's case was shown to somebody on whose list it is not"),
    (model_without_an_answer, OWN_ANSWER),
    (model_for_a_hidden_case, READ_ALONE),
    (model_for_an_attention_check, READ_ALONE),
    (read_of_another_case, NOT_LISTED),
    (read_of_another_reader, NOT_LISTED),
    (read_of_another_screen, NOT_SHOWN),
    (read_of_what_was_shown_at_another_time, NOT_SHOWN),
    (read_of_a_view_at_another_time, NOT_SHOWN),
    (read_of_what_nobody_was_shown, NOT_SHOWN),
    (read_that_skips_a_case, NO_ORDER),
    (unsealed_before_the_lock, NO_STEP),
    (reported_before_the_lock, NO_STEP),
    (drafted_after_the_freeze, NO_STEP),
    (amended_after_the_lock, NO_STEP),
    (started_without_a_freeze, NO_STEP),
    (other_outputs, NOT_NAMED),
    (another_list, NOT_NAMED),
    (another_truth, NOT_NAMED),
    (another_commitment, NOT_NAMED),
    (read_with_another_model, NOT_NAMED),
    (freeze_without_seals, NOT_NAMED),
    (freeze_of_what_is_no_protocol, NOT_NAMED),
    (amendment_with_other_seals, NOT_NAMED),
    (amendment_that_leaves_out_a_reader, NOT_NAMED),
    (outputs_for_a_study_that_was_never_frozen, TOO_LATE),
    (lists_behind_the_freeze, TOO_LATE),
]
CROSSING: list[tuple[Deed, str]] = [
    (read_alone_of_what_is_read_with_the_model, NOT_ASKED),
    (read_with_the_model_of_what_is_read_alone, NOT_ASKED),
    (case_before_the_start, CLOSED),
]
OUT_OF_ORDER: list[tuple[Deed, str]] = [
    (read_before_its_screen, "a study's read from before its screen was shown"),
    (model_before_the_answer, OWN_ANSWER),
    (case_after_the_lock, CLOSED),
    (read_after_the_lock, NOT_RUNNING),
    (waiver_after_the_lock, "a washout was waived while the study did not run"),
]


@pytest.mark.parametrize(("deed", "words"), tried(IMPOSSIBLE))
def test_what_no_study_does_is_found(whole_folder: Path, deed: Deed, words: str) -> None:
    """At its event, in these words, and as nothing else."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize("behind_a_clock", [False, True], ids=["told_in_order", "behind_a_clock"])
@pytest.mark.parametrize(("deed", "words"), tried(OUT_OF_ORDER))
def test_what_a_study_does_in_another_order_is_found(
    whole_folder: Path, deed: Deed, words: str, behind_a_clock: bool
) -> None:
    """Also where its time is in order, because a clock is said to have been set back."""
    place, problems = outcome(whole_folder, deed, behind_a_clock=behind_a_clock)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize(("deed", "words"), tried(CROSSING))
def test_what_a_crossed_study_does_not_do_is_found(crossed: Path, deed: Deed, words: str) -> None:
    """A read alone where the model is shown, one with the model where it is not, and what comes before the start."""
    place, problems = outcome(crossed, deed)
    assert problems == [(place, "impossible", words)]


def next_case_read(story: Story) -> None:
    """Read the next case alone, and with the model."""
    facts = shown(story)
    read(story, facts)
    read(story, facts, shown(story, model=True))


def next_case_read_while_the_clock_goes_back(story: Story) -> None:
    """Read the next case while the clock is set back again and again."""
    facts = shown(story)
    story.set_clock_back()
    read(story, facts)
    view = shown(story, model=True)
    story.set_clock_back()
    read(story, facts, view)


def life_after_the_reads(story: Story) -> None:
    """Amend, waive, lock, unseal and report, the last twice."""
    amended(story, document(story, "frozen").replace('"alpha":0.05', '"alpha":0.04'))
    story.add(story.first("study.washout_waived"))
    step(story, "locked", reason="The clinic closes.")
    step(story, "unsealed")
    step(story, "reported", reason="report sha256:0")
    step(story, "reported", reason="report sha256:1")


@pytest.mark.parametrize(
    "deed", [next_case_read, next_case_read_while_the_clock_goes_back, life_after_the_reads]
)
def test_what_a_study_does_is_not_found(whole_folder: Path, deed: Callable[[Story], object]) -> None:
    """The control: nothing but the deed gives the others away."""
    with retold(whole_folder) as story:
        deed(story)
    assert found(whole_folder) == []


def test_the_first_read_alone_of_a_crossed_study_is_not_found(crossed: Path) -> None:
    """The control of what a crossed study does not ask for."""
    with retold(crossed) as story:
        first_read(story, first_showing(story, "alone"), "unaided")
    assert found(crossed) == []


def test_a_protocol_that_was_amended_before_the_start_is_not_found(crossed: Path) -> None:
    """Nobody has read anything yet: what can be amended later can be amended then."""
    with retold(crossed) as story:
        changed = amended(story, document(story, "frozen").replace('"alpha":0.05', '"alpha":0.04'))
        story.come_too_late(story.first("study.started"), changed)
    assert found(crossed) == []


def test_each_of_two_studies_has_a_protocol_of_its_own(crossed: Path) -> None:
    """What was laid down for one is not what was laid down for the other, and nobody asks that it should be."""
    with open_workspace(crossed) as workspace:
        start(workspace, study_id="ward-2")
    assert found(crossed) == []
