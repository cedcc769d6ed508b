"""The log's lines: every action in plain words, nothing hidden, nothing trusted to be well formed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from hitl_review.domain.audit import ACTIONS, Event, Head, next_event
from hitl_review.ui.log_table import ACTION_WORDS, line_of, lines_html, summary_of, whole_text
from tests.ui.markup import HOSTILE, assert_harmless, assert_table

AT = datetime(2026, 11, 22, 9, 12, 3, 1, tzinfo=UTC)
PEOPLE = {"reader-1": "Rita Reader"}
DECISION: dict[str, Any] = {
    "comment": "the chart says otherwise",
    "confidence": "high",
    "label": "alive",
    "label_shown": "died",
    "model": "sha256:" + "a" * 64,
    "outcome": "overridden",
    "own_probability": 0.3,
    "probability": 0.728,
    "reason": "seen_patient",
}
STUDY_READ: dict[str, Any] = {
    "case": "S2-02999",
    "confidence": "medium",
    "displayed": "sha256:" + "a" * 64,
    "item": 71,
    "label": "died",
    "modality": "aided",
    "model": "sha256:" + "b" * 64,
    "rating": 75,
    "revealed_at": "2026-11-29T06:48:36.571508Z",
    "seconds_active": 26.328,
    "shown_at": "2026-11-29T06:48:24.573716Z",
}


def _event(action: str = "decision.overridden", subject: str = "case:C-1", **changed: Any) -> Event:
    given = {"actor": "reader-1", "role": "reader", "detail": DECISION, **changed}
    return next_event(Head(), event_id="token-0001", at=AT, action=action, subject=subject, **given)


def _damaged(payload: str) -> Event:
    return Event(7, "token-0007", "0" * 64, payload, "1" * 64)


def test_a_line_says_when_who_did_what_and_about_which_case() -> None:
    """An override reads as a sentence: name, role, deed, case, and both views in short."""
    line = line_of(_event(), PEOPLE)
    assert (line.day, line.time) == ("2026-11-22", "09:12:03")
    assert (line.who, line.role) == ("Rita Reader", "reader")
    assert (line.did, line.subject) == ("overrode the model's answer", "C-1")
    assert line.summary == (
        "model 73% (died), own estimate 30%, answer alive, reason seen patient, confidence high, with a comment"
    )


def test_the_product_itself_stands_there_once_and_what_is_so_or_not_in_words() -> None:
    """No line says "system system", and none "locked False"."""
    detail = {"address": "127.0.0.1", "locked": False, "public": True}
    line = line_of(_event("session.refused", actor="system", role="system", detail=detail), PEOPLE)
    assert (line.who, line.role) == ("system", "")
    assert line.summary == "address 127.0.0.1, not locked, public"


def test_every_action_of_the_log_has_plain_words() -> None:
    """No action is shown by its code, and no words are kept for an action that does not exist."""
    assert ACTION_WORDS.keys() == ACTIONS
    assert all("." not in words for words in ACTION_WORDS.values())


def test_an_action_of_a_later_program_is_shown_by_its_name() -> None:
    """A log that a newer version wrote can still be looked at."""
    event = _damaged(json.dumps({"action": "dose.changed", "actor": "x", "detail": {"count": 3}}))
    line = line_of(event, PEOPLE)
    assert (line.did, line.who, line.summary) == ("dose.changed", "x", "count 3")


def test_a_comment_is_not_in_the_summary() -> None:
    """Free text is read in the event itself; the list only says that there is one."""
    assert DECISION["comment"] not in summary_of("decision.overridden", DECISION)
    assert DECISION["comment"] not in summary_of("some.other", DECISION)


def test_a_deferral_without_own_estimate_leaves_both_out() -> None:
    """What is not there is not shown as None."""
    detail = {**DECISION, "label": None, "own_probability": None, "confidence": None, "comment": ""}
    assert summary_of("decision.deferred", detail) == "model 73% (died), reason seen patient"


@pytest.mark.parametrize(
    ("action", "detail", "words"),
    [
        ("read.committed", {"label": "died", "probability": 0.4}, "40% (died)"),
        ("label.collected", {"count": 1500, "digest": "sha256:" + "a" * 64}, "1,500"),
        ("study.opened", {"displayed": "sha256:" + "a" * 64, "item": 71}, "item 71"),
        ("study.read", STUDY_READ, "item 71, S2-02999, aided: 75 (died), confidence medium, 26 s"),
        ("study.read", {**STUDY_READ, "confidence": None}, "item 71, S2-02999, aided: 75 (died), 26 s"),
        ("job.queued", {"cause": "a day has gone by", "kind": "monitor"}, "monitor, a day has gone by"),
        ("job.started", {"attempt": 1, "kind": "monitor"}, "monitor"),
        ("job.finished", {"attempt": 1, "kind": "monitor", "words": "No alarm."}, "monitor, No alarm"),
        ("monitoring.made", {"raised": [], "report": "sha256:" + "a" * 64}, "no alarm"),
        ("monitoring.made", {"raised": ["drift", "score"]}, "alarm drift, alarm score"),
        ("case.received", {"count": 500, "purpose": "training", "rejected": 0}, "500 (training)"),
        ("case.received", {"count": 9, "purpose": "queue", "rejected": 2}, "9 (queue), 2 rows refused"),
        ("outcome.recorded", {"count": 80, "source": "registry"}, "80 (registry)"),
        ("prediction.shown", {"model": "sha256:" + "a" * 64}, "model aaaaaaaa"),
        ("prediction.made", {"count": 400}, "400 predictions"),
        ("log.opened", {"version": "0.1.0", "demo": True}, "version 0.1.0, demonstration"),
        ("audit.viewed", {"through": "page"}, "on the page"),
        ("audit.viewed", {"events": 50, "limit": 50}, "50 events"),
        ("case.opened", {}, ""),
    ],
)
def test_a_summary_holds_what_matters_of_an_event(action: str, detail: dict[str, Any], words: str) -> None:
    """Counts, purposes and views; no digests."""
    assert summary_of(action, detail) == words


@pytest.mark.parametrize("action", sorted(ACTIONS))
@pytest.mark.parametrize("detail", [{}, {"probability": "high"}, {"count": None}, {"label": [1]}, {"demo": {}}])
def test_no_detail_breaks_a_summary(action: str, detail: dict[str, Any]) -> None:
    """A log is looked at when something is wrong with it: what is missing or of the wrong kind is passed over."""
    assert isinstance(summary_of(action, detail), str)


@pytest.mark.parametrize("payload", ["[]", "7", "{}", "{not json", '{"at": 5, "actor": null, "detail": []}'])
def test_a_damaged_event_is_still_listed(payload: str) -> None:
    """Its number is there, so that it is seen where it stands; the rest is empty."""
    line = line_of(_damaged(payload), PEOPLE)
    assert line.seq == 7
    assert ["7"] in [row.texts[:1] for row in assert_harmless(lines_html([line])).rows]
    assert whole_text(_damaged(payload)).endswith("0" * 64)


def test_the_table_is_read_by_day_and_by_row() -> None:
    """Each day is a group of rows with its heading, newest first as they come."""
    markup = assert_harmless(lines_html([line_of(_event(), PEOPLE), line_of(_event("case.opened", detail={}), PEOPLE)]))
    assert_table(markup)
    assert markup.rows[1].texts == ["2026-11-22 UTC"]
    assert markup.rows[1].cells[0].attributes["scope"] == "rowgroup"
    assert markup.rows[3].texts == ["1", "09:12:03", "Rita Reader reader", "opened a case", "C-1", ""]


def test_hostile_text_stays_text_in_the_list() -> None:
    """Names, reasons and labels are shown as they are; an invisible character is shown as its code."""
    detail = {**DECISION, "reason": HOSTILE, "label": HOSTILE, "label_shown": HOSTILE}
    html = lines_html([line_of(_event(detail=detail), {"reader-1": HOSTILE})])
    markup = assert_harmless(html)
    assert "img" not in markup.tags
    assert "\u202e" not in html
    assert "\\u202e" in markup.text


def test_a_whole_event_shows_all_of_it_and_hides_nothing() -> None:
    """Payload and hashes as text, one key a line; a bidi override can't turn the comment around."""
    event = _event(detail={**DECISION, "comment": HOSTILE})
    text = whole_text(event)
    assert '"comment": "<img src=x onerror=alert(1)>' in text
    assert "\u202e" not in text
    assert "\\u202egpj.exe" in text
    assert event.hash in text
    assert event.prev_hash in text


def test_a_whole_event_reads_back_as_what_is_stored() -> None:
    """Indented for reading, but the same object: nothing was left out or made up."""
    event = _event()
    assert json.loads(whole_text(event).partition("\n\nhash")[0]) == event.told
