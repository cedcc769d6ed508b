"""The auditor's parts: what is filtered, what a case's history shows, past screens, rates, samples, verdicts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.domain.account import Actor
from hitl_review.domain.audit import text_digest
from hitl_review.domain.screen import Facts, ModelView, Screen
from hitl_review.errors import AuditError, NotFound, NotPermitted
from hitl_review.store import accounts, audit, reviews, samples
from hitl_review.ui import auditing_proof
from hitl_review.ui.auditing_proof import MOST_BYTES, notes_of, prepared, verdict_html
from hitl_review.ui.auditing_tables import decisions_html, rates_html, records_html, sample_html
from hitl_review.ui.verify_process import begin
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.case_records import case_records
from hitl_review.workflow.checkpointing import publish_checkpoint
from hitl_review.workflow.override_rates import override_rates
from hitl_review.workflow.past_screens import case_history, past_screen, screen_of
from hitl_review.workflow.sampling import draw_sample
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.tampering import tamper
from tests.ui.auditor import shown, well
from tests.ui.markup import HOSTILE, assert_harmless, assert_table


def refused(_files: object) -> dict[str, str]:
    """What comes of uploads that are no checkpoints."""
    raise AuditError("That is no checkpoint.")


def test_a_history_is_complete_and_the_look_is_logged_once(reviewed: Workspace, auditor: Actor) -> None:
    """From arrival to the change of mind; the second run of the page is no second look."""
    for _ in range(2):
        found = case_history(reviewed, "C-2", actor=auditor, sitting="look-0001")
    actions = [event.told["action"] for event in found.events]
    assert actions[0] == "case.received" and actions.count("decision.amended") == 1
    assert {"prediction.made", "case.opened", "read.committed", "prediction.shown"} <= set(actions)
    assert len(found.replaced) == 1 and len(found.decisions) == 2
    looks = [event for event in audit.events(reviewed.store) if event.told["subject"] == "case:C-2"]
    assert [event.told["action"] for event in looks].count("audit.viewed") == 1


def test_a_reader_may_look_at_none_of_it(reviewed: Workspace, reader: Actor) -> None:
    """Not even at the history of a case they decided."""
    reveal = reviews.all_reveals(reviewed.store)[0]
    for look in (
        lambda: case_history(reviewed, "C-2", actor=reader, sitting="look-0001"),
        lambda: past_screen(reviewed, reveal.reveal_id, actor=reader, sitting="look-0002"),
        lambda: override_rates(reviewed, actor=reader, sitting="look-0003"),
    ):
        with pytest.raises(NotPermitted):
            look()


def test_an_unknown_case_has_no_history(reviewed: Workspace, auditor: Actor) -> None:
    """And is told by the name that was asked for."""
    with pytest.raises(NotFound, match="C-99"):
        case_history(reviewed, "C-99", actor=auditor, sitting="look-0001")


def test_a_stored_screen_is_the_one_that_was_shown(
    a_view: Callable[..., ModelView], hostile_facts: Facts
) -> None:
    """Read back from its bytes, to the letter; anything else is not drawn."""
    screen = Screen(hostile_facts, a_view())
    assert screen_of(screen.body) == screen
    assert screen_of(screen.body.replace('"margin"', '"margim"')) is None
    assert screen_of("[]") is None and screen_of("{") is None


def test_a_changed_screen_is_told(reviewed: Workspace, auditor: Actor) -> None:
    """By the digest that its event tells."""
    reveal = reviews.all_reveals(reviewed.store)[0]
    found = past_screen(reviewed, reveal.reveal_id, actor=auditor, sitting="look-0001")
    assert found.digest_ok and text_digest(found.body) == reveal.screen
    with reviewed.store.transaction():
        reviewed.store.db.execute("DROP TRIGGER screens_no_update")
        reviewed.store.write("UPDATE screens SET body = replace(body, 'C-1', 'C-9')")
    assert not past_screen(reviewed, reveal.reveal_id, actor=auditor, sitting="look-0001").digest_ok


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE reveals SET reader = 'reader-2' WHERE reveal_id = ?",
        "UPDATE reveals SET shown_at = '2020-01-01T00:00:00.000000Z' WHERE reveal_id = ?",
        "UPDATE audit_log SET payload = '[1]' WHERE event_id = ?",
        "UPDATE audit_log SET payload = '{}' WHERE event_id = ?",
        "UPDATE reveals SET case_id = 'C-1' WHERE reveal_id = ?",
    ],
)
def test_a_screen_said_to_be_shown_to_another_or_at_another_time_is_told(
    reviewed: Workspace, auditor: Actor, deed: str
) -> None:
    """The bytes are the right ones; what stands above them is not what the log says."""
    reveal = reviews.all_reveals(reviewed.store)[1]
    tamper(reviewed.folder, deed.replace("?", f"'{reveal.reveal_id}'"))
    found = past_screen(reviewed, reveal.reveal_id, actor=auditor, sitting="look-0001")
    assert not found.digest_ok and text_digest(found.body) == reveal.screen


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE decisions SET comment = 'Never said' WHERE case_id = 'C-2' AND answer = 'overridden'",
        "UPDATE decisions SET signed_name = 'Rolf Reader' WHERE case_id = 'C-2'",
        "UPDATE reads SET probability = 0.99 WHERE case_id = 'C-2'",
        "UPDATE decisions SET label = 'unclear', reason = 'mood' WHERE case_id = 'C-2' AND answer = 'overridden'",
        "UPDATE audit_log SET payload = '{}' WHERE event_id = (SELECT decision_id FROM decisions LIMIT 1 OFFSET 1)",
    ],
)
def test_a_case_that_is_kept_otherwise_than_the_log_tells_says_so(
    sit: Callable[[str], AppTest], reviewed_folder: Path, deed: str
) -> None:
    """Above what is shown of it, and before anybody verifies the whole log."""
    app = sit("auditing_case")
    app.text_input(key="one_case_log").set_value("C-2").run()
    assert not well(app).error
    tamper(reviewed_folder, deed)
    app.run()
    assert "not what the log tells" in well(app).error[0].value and "Verify the log" in app.error[0].value


def test_an_earlier_verdict_is_no_answer_to_a_new_question(
    sit: Callable[[str], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a check can't begin, its refusal stands alone."""
    app = sit("auditing_proof")
    app.button[0].click().run()
    check = app.session_state["check_log"]
    assert check.ended.wait(120)
    app.run()
    assert "Nothing wrong was found" in shown(well(app))
    monkeypatch.setattr(auditing_proof, "notes_of", refused)
    app.button[0].click().run()
    assert well(app).error and "Nothing wrong was found" not in shown(app)


def test_a_screen_that_is_gone_is_told(sit: Callable[[str], AppTest], reviewed_folder: Path) -> None:
    """In words, beside the rest of the case."""
    app = sit("auditing_case")
    app.text_input(key="one_case_log").set_value("C-2").run()
    with open_workspace(reviewed_folder) as workspace:
        (reveal,) = reviews.reveals_of_case(workspace.store, "C-2")
    tamper(reviewed_folder, "DELETE FROM screens")
    app.session_state["screen_C-2_log"] = reveal.reveal_id
    app.text_input(key="one_case_log").set_value("C-2").run()
    assert "Verify the log" in well(app).error[0].value and "in force" in shown(app)


def test_rates_count_decisions_in_force(reviewed: Workspace, auditor: Actor) -> None:
    """One of four deferred, none overridden any more; each with its interval."""
    rates = override_rates(reviewed, actor=auditor, sitting="look-0001")
    assert (rates.overridden.count, rates.overridden.of, rates.deferred.count) == (0, 4, 1)
    assert (rates.deferred.low, rates.deferred.high) == pytest.approx((0.0456, 0.6994), abs=1e-3)
    assert [(each.name, each.of) for each in rates.by_reader] == [("Rita Reader", 3), ("Rolf Reader", 1)]
    assert "1 of 4" in rates_html(rates)


def test_a_verification_apart_tells_progress_and_result(reviewed: Workspace) -> None:
    """The same as one made here, against the notes it was given."""
    note = publish_checkpoint(reviewed)
    check = begin(reviewed.folder, {"1: kept.txt": note})
    assert check.ended.wait(120)
    expected = verify(reviewed.folder, notes={"1: kept.txt": note}).as_json()
    assert check.found == json.loads(json.dumps(expected)) and check.share == 1.0
    said = verdict_html(check.found, begun=check.begun)
    assert "kept.txt" in said and "✓" in said and f"{check.begun:%Y-%m-%d %H:%M:%S} UTC" in said


def test_a_verification_that_can_not_be_made_says_why(tmp_path: Path) -> None:
    """In its own sentence."""
    check = begin(tmp_path, {})
    assert check.ended.wait(120)
    assert "no workspace" in check.refused and not check.found


def upload(content: bytes, name: str = "kept.txt") -> SimpleNamespace:
    """A file as the browser sent it."""
    return SimpleNamespace(name=name, getvalue=lambda: content)


def test_uploads_are_bounded_and_checked(reviewed: Workspace) -> None:
    """Number, size, and that they are checkpoints at all."""
    note = publish_checkpoint(reviewed).encode()
    assert list(notes_of([upload(note, "../a/kept\u202e.txt")])) == ["1: kept\\u202e.txt"]
    for files in (
        [upload(b"x" * (MOST_BYTES + 1))],
        [upload(b"\xff")],
        [upload(b"none")],
        [upload(note)] * 11,
    ):
        with pytest.raises(AuditError):
            notes_of(files)


@pytest.mark.parametrize(
    ("form", "names"),
    [("bundle", {"log.zip"}), ("fhir", {"log.ndjson"}), ("csv", {"log.csv", "log.jsonl"})],
)
def test_an_export_leaves_nothing_on_the_disk(
    reviewed: Workspace, auditor: Actor, form: str, names: set[str]
) -> None:
    """And is an event by whoever made it."""
    assert prepared(reviewed, form, auditor).keys() == names
    assert not list(reviewed.folder.glob(".export-*"))
    told = [event.told for event in audit.events(reviewed.store)][-2]
    assert (told["action"], told["actor"]) == ("audit.exported", "auditor-1")


def test_hostile_text_stays_text(reviewed: Workspace, auditor: Actor) -> None:
    """In every cell of every table."""
    people = {each.account_id: HOSTILE for each in accounts.everyone(reviewed.store)}
    history = case_history(reviewed, "C-2", actor=auditor, sitting="look-0001")
    drawn = draw_sample(reviewed, count=4)
    found = [
        samples.Finding("f", drawn.sample_id, each, "remark", HOSTILE, "2026-11-22", HOSTILE)
        for each in drawn.decisions
    ]
    decisions = [
        each for each in reviews.all_decisions(reviewed.store) if each.decision_id in drawn.decisions
    ]
    wrong = {
        **{"ok": False, "events": 1, "head": HOSTILE, "first_bad_seq": 1},
        **{"checkpoints": [HOSTILE], "warnings": [HOSTILE]},
        "problems": [{"seq": 1, "kind": "chain", "message": HOSTILE}],
    }
    for html in (
        decisions_html(reviewed.project, history, people),
        records_html(case_records(reviewed, history), people, caption="Records"),
        sample_html(reviewed.project, decisions, found, people),
        verdict_html(wrong, begun=datetime(2026, 11, 22, tzinfo=UTC)),
    ):
        assert_harmless(html)
        assert "\u202e" not in html
    assert_table(assert_harmless(decisions_html(reviewed.project, history, people)))
    assert_table(assert_harmless(records_html(case_records(reviewed, history), people, caption="Records")))
    assert_table(assert_harmless(sample_html(reviewed.project, decisions, found, people)))


def test_verifying_does_not_hold_up_the_page(reviewed: Workspace) -> None:
    """Beginning one returns at once, long before it ends."""
    began = time.perf_counter()
    check = begin(reviewed.folder, {})
    assert time.perf_counter() - began < 5 and not check.ended.is_set()
    assert check.ended.wait(120)
