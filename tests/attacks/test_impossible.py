"""What is found of logs that tell what can't have happened, beside the single deeds: when, and of all of it.

Every sentence has a deed that is found by it. Rows that hold what the product never writes end no check, and logs
whose rows were changed are not asked, because they contradict themselves anyway.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hitl_review.domain.canonical import bytes_digest
from hitl_review.store import successions
from hitl_review.workflow import side_by_side
from hitl_review.workflow import successions as checks
from hitl_review.workflow.auditing import verify
from tests.attacks import (
    test_impossible_counts,
    test_impossible_learning,
    test_impossible_moves,
    test_impossible_people,
    test_impossible_policies,
    test_impossible_reviewing,
    test_impossible_signatures,
    test_impossible_studying,
    test_impossible_washouts,
)
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.reviews_told import estimate, view, whole_way
from tests.attacks.test_impossible_moves import rolled_back
from tests.attacks.test_impossible_reviewing import decision_before_its_screen
from tests.tampering import tamper

NOT_IN_USE = "the view of a model that was not in use was shown"
NO_ANSWER_TO_IT = "an answer to a model that was not in use"


def view_in_the_instant_before_it_is_in_use(story: Story) -> Payload:
    """Show a model that is put in use at the same time, but behind it."""
    estimate(story)
    wrong = view(story, model=story.first("model.promoted")["detail"]["model"])
    story.come_too_late(rolled_back(story), wrong)
    signature = story.last("model.rolled_back")["detail"]["signature"]
    signature["at"] = story.last("model.rolled_back")["at"]
    return wrong


def answer_in_the_instant_before_it_is_in_use(story: Story) -> Payload:
    """Answer a model that is put in use at the same time, but behind it."""
    decided = story.first("decision.accepted", actor="reader-1")
    wrong = story.add(decided, {"supersedes": decided["event_id"]}, action="decision.amended")
    story.come_too_late(rolled_back(story), wrong)
    signature = story.last("model.rolled_back")["detail"]["signature"]
    signature["at"] = story.last("model.rolled_back")["at"]
    return wrong


AT_ONCE: list[tuple[Deed, str]] = [
    (view_in_the_instant_before_it_is_in_use, NOT_IN_USE),
    (answer_in_the_instant_before_it_is_in_use, NO_ANSWER_TO_IT),
]
COVERED = {
    words
    for deeds in (
        *(test_impossible_policies.TRUSTING, test_impossible_policies.SHARING, test_impossible_policies.ANEW),
        *(AT_ONCE, test_impossible_counts.COUNTED, test_impossible_signatures.SIGNED, test_impossible_people.PEOPLE),
        *(test_impossible_reviewing.IMPOSSIBLE, test_impossible_reviewing.OUT_OF_ORDER),
        *(test_impossible_learning.IMPOSSIBLE, test_impossible_learning.OUT_OF_ORDER),
        *(test_impossible_moves.IMPOSSIBLE, test_impossible_moves.OUT_OF_ORDER),
        *(test_impossible_studying.IMPOSSIBLE, test_impossible_studying.OUT_OF_ORDER),
        *(test_impossible_studying.CROSSING, test_impossible_washouts.TOO_SOON),
    )
    for _, words in deeds
}
"""Every sentence that some deed is found by."""
ORDERED = {
    words
    for module in (
        *(test_impossible_reviewing, test_impossible_learning),
        *(test_impossible_moves, test_impossible_studying),
    )
    for _, words in module.OUT_OF_ORDER
}
"""Every sentence that is tried behind a clock that was set back."""


def sentences() -> Iterator[str]:
    """Yield a pattern for each sentence that the checks in Python can tell, read from their source."""
    for node in ast.walk(ast.parse(Path(checks.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            words = node.value.elts[1]
            if isinstance(words, ast.Attribute):
                yield re.escape(getattr(successions, words.attr))
                continue
            assert isinstance(words, ast.JoinedStr | ast.Constant), ast.unparse(words)
            parts = words.values if isinstance(words, ast.JoinedStr) else [words]
            yield "".join(
                re.escape(part.value) if isinstance(part, ast.Constant) else "(.+)" for part in parts
            )


def test_every_sentence_has_a_deed_that_is_found_by_it() -> None:
    """Those of the looks by SQL and those of the checks in Python; and no deed waits for what nothing says."""
    looked, checked = {words for look in successions.LOOKS for words in look.faults}, set(sentences())
    assert len(checked) > 10
    assert looked - COVERED == set()
    assert [each for each in checked if not any(re.fullmatch(each, words) for words in COVERED)] == []
    known = [words for words in COVERED - looked if not any(re.fullmatch(each, words) for each in checked)]
    assert known == []
    moves = ("promoted", "rolled back", "stopped")
    assert {f"the model was {how}, which nothing before it allowed" for how in moves} <= COVERED


def test_every_order_of_two_events_is_tried_behind_a_clock() -> None:
    """Each fault whose SQL asks for `every` pair once the clock was set back."""
    asked = {words for look in successions.LOOKS for words, sql in look.faults.items() if ":every" in sql}
    assert asked == (ORDERED | {words for _, words in AT_ONCE}) & asked


@pytest.mark.parametrize("behind_a_clock", [False, True], ids=["at_once", "behind_a_clock"])
@pytest.mark.parametrize(("deed", "words"), tried(AT_ONCE))
def test_a_model_that_is_put_in_use_right_behind_is_not_in_use_yet(
    whole_folder: Path, deed: Deed, words: str, behind_a_clock: bool
) -> None:
    """Where the times are equal, the place in the log tells which was first."""
    place, problems = outcome(whole_folder, deed, behind_a_clock=behind_a_clock)
    assert problems == [(place, "impossible", words)]


def whose_list_is(value: object) -> Deed:
    """Return the deed of a sample whose list is no list of decisions."""

    def deed(story: Story) -> Payload:
        return story.add(story.first("audit.sampled"), {"upto": len(story.payloads), "decisions": value})

    return deed


@pytest.mark.parametrize("value", [5, None, True], ids=str)
def test_a_list_that_is_none_is_a_finding_and_no_crash(whole_folder: Path, value: object) -> None:
    """The product writes no such sample; which row it was is not told, because that can't be read."""
    _, problems = outcome(whole_folder, whose_list_is(value))
    assert problems == [(None, "impossible", "a row holds what the product does not write (TypeError)")]


@pytest.mark.parametrize("value", ["decisions", {"decision-reader-1-C-1-first": 1}, [1, None]], ids=str)
def test_a_list_of_something_else_is_found_at_its_event(whole_folder: Path, value: object) -> None:
    """It can be read, and the seed draws no such thing."""
    place, problems = outcome(whole_folder, whose_list_is(value))
    assert problems == [(place, "impossible", test_impossible_reviewing.NOT_DRAWN)]


def test_what_can_not_be_read_ends_no_other_check(whole_folder: Path) -> None:
    """A sample that is none hides neither what SQL looks at nor the checks after it."""
    with retold(whole_folder) as story:
        whose_list_is(5)(story)
        wrong = decision_before_its_screen(story)
        frozen = test_impossible_studying.other_outputs(story)
    assert found(whole_folder) == [
        (story.place(wrong), "impossible", "a decision from before its screen was shown"),
        (None, "impossible", "a row holds what the product does not write (TypeError)"),
        (story.place(frozen), "impossible", test_impossible_studying.NOT_NAMED),
    ]


def gate_whose_report_is(body: str) -> Deed:
    """Return the deed of a gate report that is none."""

    def deed(story: Story) -> Payload:
        wrong = story.add(story.first("gate.passed"), {"report": bytes_digest(body.encode())})
        story.bodies[wrong["event_id"]] = {"body": body}
        return wrong

    return deed


@pytest.mark.parametrize("body", ["5", "null", '"passed"', "[]", "{}", '{"verdict":{"verdict":"passed"}}'])
def test_a_gate_report_that_is_none_is_found_at_its_event(whole_folder: Path, body: str) -> None:
    """It says nothing of a verdict."""
    place, problems = outcome(whole_folder, gate_whose_report_is(body))
    assert problems == [(place, "impossible", "its verdict is not that of its report")]


def test_a_gate_report_that_is_no_json_is_found_by_the_rules_of_its_table(whole_folder: Path) -> None:
    """Then nothing is asked of what can't have happened, and the check goes on to its end."""
    _, problems = outcome(whole_folder, gate_whose_report_is("passed"))
    assert {kind for _, kind, _ in problems} == {"integrity"}


@pytest.mark.parametrize("labels", [5, "C-4", {"C-4": 1}, [None], [["L-1"]]], ids=str)
def test_a_dispute_about_what_is_no_label_is_found_at_its_event(whole_folder: Path, labels: object) -> None:
    """Whatever stands where the labels stand."""
    with retold(whole_folder) as story:
        wrong = story.add(story.first("label.disputed"), {"labels": labels}, subject="case:C-4")
    assert found(whole_folder) == [(story.place(wrong), "impossible", test_impossible_learning.OTHER_LABELS)]


def test_a_batch_with_many_faults_is_named_once(whole_folder: Path) -> None:
    """Its rows have one event, and one sentence tells what is wrong there."""
    with retold(whole_folder) as story:
        story.write("UPDATE labels SET weight = 9 WHERE origin GLOB 'read:*'")
        wrong = story.first("label.collected")
    assert found(whole_folder) == [(story.place(wrong), "impossible", test_impossible_learning.SAYS_ANOTHER)]


OUTCOMES = "SELECT 9, case_id, value, source, recorded_at, event_id FROM outcomes LIMIT 1"
READS = "SELECT 'again', 'C-3', 'reader-2', modality, label, probability, opened_at, committed_at FROM reads LIMIT 1"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("UPDATE decisions SET comment = 'x' WHERE rowid = 1", {"row_differs"}),
        ("DELETE FROM passes WHERE rowid = 1", {"row_missing"}),
        (f"INSERT INTO outcomes {OUTCOMES}", {"row_missing", "order"}),
        (f"INSERT INTO reads {READS}", {"foreign_key", "event_missing"}),
        ("UPDATE worklist SET position = position + 100 WHERE case_id = 'C-1'", {"worklist", "impossible"}),
    ],
    ids=["a_row_changed", "a_row_removed", "a_row_of_a_batch_added", "a_row_added", "a_place_in_the_queue"],
)
def test_where_rows_were_changed_nothing_is_said_of_what_they_contradict(
    whole_folder: Path, sql: str, expected: set[str]
) -> None:
    """A changed row contradicts others, and that it was changed is what there is to say; the queue is no evidence."""
    place, problems = outcome(whole_folder, decision_before_its_screen)
    assert problems == [(place, "impossible", "a decision from before its screen was shown")]
    tamper(whole_folder, sql)
    assert {kind for _, kind, _ in found(whole_folder)} == expected


@pytest.mark.parametrize("behind_a_clock", [False, True], ids=["told_in_order", "behind_a_clock"])
def test_several_processes_find_the_same(
    whole_folder: Path, monkeypatch: pytest.MonkeyPatch, behind_a_clock: bool
) -> None:
    """One of them meets the clock that was set back, and the question is asked for the whole log."""
    place, alone = outcome(whole_folder, decision_before_its_screen, behind_a_clock=behind_a_clock)
    assert [seq for seq, _, _ in alone] == [place]
    monkeypatch.setattr(side_by_side, "ALONE", 1)
    monkeypatch.setattr(side_by_side, "STRETCH", 16)
    assert found(whole_folder) == alone


def test_several_processes_find_nothing_where_nothing_is_wrong(
    whole_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind a clock that was set back in the first stretch of many."""
    monkeypatch.setattr(side_by_side, "ALONE", 1)
    monkeypatch.setattr(side_by_side, "STRETCH", 16)
    with retold(whole_folder) as story:
        story.set_clock_back()
        whole_way(story)
    assert found(whole_folder) == []


def test_rows_that_can_not_be_asked_are_told_of(reviewed_folder: Path) -> None:
    """Where a column has another name, and no row of its table tells of that by itself."""
    tamper(reviewed_folder, "ALTER TABLE alarms RENAME COLUMN model TO version")
    last = verify(reviewed_folder).problems[-1]
    assert (last.kind, last.message) == ("unreadable", "the rows can't be read to the end: no such column: a.model")
