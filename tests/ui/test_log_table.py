"""The log's lines: every action in plain words, nothing hidden, nothing trusted to be well formed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.access import Ended
from hitl_review.domain.audit import ACTIONS, Event, Head, next_event
from hitl_review.ui.log_summaries import summary_of
from hitl_review.ui.log_table import ACTION_WORDS, line_of, lines_html, whole_text
from hitl_review.workflow import signing
from tests.ui.markup import HOSTILE, assert_harmless, assert_table

AT = datetime(2026, 11, 22, 9, 12, 3, 1, tzinfo=UTC)
WHY_REFUSED = ("locked", "wrong password", "account disabled", "session over", "password not given")
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
        "model 73% (died), own estimate 30%, answer alive, reason: seen patient, confidence high, with a comment"
    )


def test_the_product_itself_stands_there_once_and_what_is_so_or_not_in_words() -> None:
    """No line says "system system", and none "locked False"."""
    detail = {"locked": False, "place": "ward", "public": True}
    line = line_of(_event("account.changed", actor="system", role="system", detail=detail), PEOPLE)
    assert (line.who, line.role) == ("system", "")
    assert line.summary == "not locked, place ward, public"


def test_every_action_of_the_log_has_plain_words() -> None:
    """No action is shown by its code, and no words are kept for an action that does not exist."""
    assert ACTION_WORDS.keys() == ACTIONS
    assert all("." not in words for words in ACTION_WORDS.values())


def test_an_action_of_a_later_program_is_shown_by_its_name() -> None:
    """A log that a newer version wrote can still be looked at."""
    event = _damaged(json.dumps({"action": "dose.changed", "actor": "x", "detail": {"count": 3}}))
    line = line_of(event, PEOPLE)
    assert (line.did, line.who, line.summary) == ("dose.changed", "x", "count 3")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"account_id": "reader-1", "action": "decision.%"}, ", person Rita Reader, action any decision"),
        ({"account_id": "nobody", "action": "case.opened"}, ", person nobody, action opened a case"),
        ({"account_id": None, "action": ["decision.%"]}, ""),
    ],
)
def test_what_somebody_looked_for_is_told_as_the_filters_name_it(asked: dict[str, Any], words: str) -> None:
    """The codes are the program's own."""
    looked = _event("audit.viewed", "log:events", detail={"through": "page", **asked})
    assert line_of(looked, PEOPLE).summary == f"on the page{words}"


def test_a_comment_is_not_in_the_summary() -> None:
    """Free text is read in the event itself; the list only says that there is one."""
    assert DECISION["comment"] not in summary_of("decision.overridden", DECISION)
    assert DECISION["comment"] not in summary_of("some.other", DECISION)


def test_a_deferral_without_own_estimate_leaves_both_out() -> None:
    """What is not there is not shown as None."""
    detail = {**DECISION, "label": None, "own_probability": None, "confidence": None, "comment": ""}
    assert summary_of("decision.deferred", detail) == "model 73% (died), reason: seen patient"


@pytest.mark.parametrize(
    ("action", "detail", "words"),
    [
        ("read.committed", {"label": "died", "probability": 0.4}, "40% (died)"),
        ("label.collected", {"count": 1500, "digest": "sha256:" + "a" * 64}, "1,500 labels"),
        ("label.collected", {"count": 1, "digest": "sha256:" + "a" * 64}, "1 label"),
        ("label.resolved", {"label": "died", "probability": 0.8, "comment": "So"}, "80% (died), with a comment"),
        ("session.opened", {"address": "10.0.0.7", "method": "password"}, "with a password, from 10.0.0.7"),
        ("session.closed", {"account": "a", "why": "idle"}, "account a: nothing was done for too long"),
        ("password.set", {"public": True}, "the public one of a demonstration"),
        ("account.created", {"name": "Ada", "role": "model_steward"}, "Ada, model steward"),
        ("account.disabled", {"enabled": False}, ""),
        ("model.trained", {"name": "v2", "rows": 1530, "seed": 7}, "v2, from 1,530 cases"),
        ("data.exported", {"format": "csv", "rows": 18, "what": "decisions"}, "decisions, 18 rows as csv"),
        ("audit.exported", {"format": "bundle"}, "as a bundle"),
        ("audit.exported", {}, "as a bundle"),
        (
            "gate.failed",
            {"cases": 2000, "champion": "sha256:" + "a" * 64, "words": "Not met: order."},
            "Not met: order; against model aaaaaaaa, on 2,000 cases of the hold-out",
        ),
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
        ("audit.viewed", {"through": "page", "case_id": "C-1"}, "on the page, case C-1"),
        ("audit.viewed", {"through": "sample", "sample": "a" * 32}, "a sample"),
        ("receipt.issued", {"seq": 1048}, "for event 1,048"),
        ("audit.viewed", {"events": 50, "limit": 50}, "50 events"),
        ("case.opened", {}, ""),
    ],
)
def test_a_summary_holds_what_matters_of_an_event(action: str, detail: dict[str, Any], words: str) -> None:
    """Counts, purposes and views; no digests."""
    assert summary_of(action, detail) == words


@pytest.mark.parametrize("why", WHY_REFUSED)
def test_a_refused_signature_says_why_in_a_sentence(why: str) -> None:
    """Every reason that the product logs has words of its own; one of a later program is shown as it is."""
    said = summary_of("signature.refused", {"why": why})
    assert said != why and len(said.split()) > 3
    assert summary_of("signature.refused", {"why": "moon too full"}) == "moon too full"


def test_the_reasons_of_refused_signatures_are_all_known() -> None:
    """They are written in one module; a new one needs words here."""
    assert set(re.findall(r'why="([^"]+)"', Path(signing.__file__).read_text(encoding="utf-8"))) == set(WHY_REFUSED)


@pytest.mark.parametrize("locked", [False, True])
def test_a_refused_sign_in_says_what_was_wrong(locked: bool) -> None:
    """And whether further tries are taken."""
    said = summary_of("session.refused", {"address": "10.0.0.7", "locked": locked})
    assert said.startswith("name and password don't belong together, or the account is disabled")
    assert said.endswith("from 10.0.0.7") and ("no further try" in said) is locked


def test_a_name_that_nobody_has_is_no_account() -> None:
    """The log keeps a sign-in under it as `account:unknown`; a person who is called so is somebody."""
    detail = {"address": "10.0.0.7", "locked": False}
    event = _event("session.refused", "account:unknown", actor="system", role="system", detail=detail)
    assert line_of(event, PEOPLE).subject == "a name that no account has"
    assert line_of(event, {"unknown": "Una Known"}).subject == "account unknown"
    assert line_of(event, PEOPLE).did == "refused a sign-in"


@pytest.mark.parametrize("why", [each.value for each in Ended])
def test_an_ended_session_says_why_in_words(why: str) -> None:
    """Each way in which one ends."""
    assert len(summary_of("session.closed", {"account": "reader-1", "why": why}).split(": ")[1]) > 5


def test_models_and_reasons_are_named_as_people_name_them() -> None:
    """By version and label where they are known, else by what the log has."""
    digest = "sha256:" + "b" * 64
    words = {digest: "v2", "seen_patient": "I have seen this patient"}
    line = line_of(_event("model.proposed", f"model:{digest}", detail={"verdict": "passed"}), PEOPLE, words)
    assert line.subject == "model v2"
    assert "reason: I have seen this patient" in line_of(_event(), PEOPLE, words).summary
    assert "reason: seen patient" in line_of(_event(), PEOPLE).summary
    shown = line_of(_event("prediction.shown", detail={"model": digest}), PEOPLE, words)
    assert shown.summary == "model v2"
    odd = line_of(_event("prediction.shown", detail={"model": [digest]}), PEOPLE, words)
    assert isinstance(odd.summary, str)


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
