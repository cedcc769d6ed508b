"""Events of the audit log as a person reads them: one line each, in plain words, as an HTML table.

Pure functions. Nothing of a payload is trusted to be what it should be, because a log is also looked
at when something is wrong with it. Every text is escaped, and every invisible character is shown as
its code, so that none can hide, reorder or pretend.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any, Final

from hitl_review.domain.audit import Event
from hitl_review.ui.log_summaries import Detail, short, summary_of
from hitl_review.workflow.auditing import printable, signature_words

ACTION_WORDS: Final[Mapping[str, str]] = {
    "log.opened": "opened this log",
    "project.configured": "set the project file",
    "case.received": "imported cases",
    "case.opened": "opened a case",
    "case.assigned": "assigned a case",
    "prediction.made": "let the model judge cases",
    "prediction.shown": "was shown the model's view",
    "read.committed": "committed an own estimate",
    "decision.accepted": "accepted the model's answer",
    "decision.overridden": "overrode the model's answer",
    "decision.deferred": "deferred a case",
    "decision.amended": "changed a decision",
    "outcome.recorded": "imported outcomes",
    "label.collected": "collected training labels",
    "model.trained": "trained a model",
    "gate.passed": "let a model through the gate",
    "gate.failed": "refused a model at the gate",
    "label.disputed": "noted that readers disagree",
    "label.resolved": "resolved a dispute",
    "job.queued": "asked for long work",
    "job.started": "began long work",
    "job.finished": "ended long work",
    "job.failed": "broke off long work",
    "gate.undecided": "could not decide at the gate",
    "model.proposed": "proposed a model for use",
    "model.declined": "declined a model",
    "routing.set": "set which cases people read",
    "case.passed": "let cases pass without a person",
    "case.sampled": "put the queue in order",
    "monitoring.made": "looked at the model in use",
    "combination.fitted": "fitted reader and model as one estimate",
    "alarm.raised": "raised an alarm",
    "alarm.cleared": "cleared an alarm",
    "model.promoted": "put a model in use",
    "model.rolled_back": "went back to an earlier model",
    "model.stopped": "stopped the model",
    "cases.rescored": "let the model judge open cases anew",
    "study.frozen": "froze a study's plan",
    "study.locked": "locked a study",
    "study.unsealed": "unsealed a study",
    "account.created": "made an account",
    "account.disabled": "disabled an account",
    "session.opened": "signed in",
    "session.refused": "refused a sign-in",
    "signature.refused": "was refused a signature",
    "audit.viewed": "looked at this log",
    "audit.exported": "exported this log",
    "checkpoint.published": "published a checkpoint",
    "key.rotated": "changed the checkpoint key",
    "clock.regressed": "noted that the clock went back",
    "data.exported": "exported data",
    "audit.sampled": "drew decisions for review",
    "sample.reviewed": "reviewed a sampled decision",
    "receipt.issued": "issued a receipt",
    "backup.made": "made a backup",
    "backup.failed": "failed to make a backup",
    "account.changed": "changed an account",
    "account.enabled": "enabled an account again",
    "identity.linked": "linked an identity to an account",
    "identity.unlinked": "unlinked an identity from an account",
    "password.set": "set a password",
    "session.closed": "ended a session",
    "signature.given": "gave a signature",
    "study.amended": "amended a study's plan",
    "study.drafted": "drafted a study",
    "study.exported": "exported a study",
    "study.opened": "opened a case of a study",
    "study.outputs_fixed": "fixed the model's outputs of a study",
    "study.progressed": "looked how far a study is",
    "study.read": "read a case of a study",
    "study.reported": "reported a study",
    "study.scheduled": "made a study's reading lists",
    "study.sealed": "sealed a study's truth",
    "study.shown": "was shown the model in a study",
    "study.started": "started a study",
    "study.washout_waived": "waived a washout",
}
"""What the actor did; an action that is not here is shown by its name."""

_UNKNOWN: Final = "a name that no account has"
ANY_DECISION: Final = "decision.%"
_NAMED: Final = ("model", "champion", "reason")
_LOOKED_FOR: Final = {ANY_DECISION: "any decision", **ACTION_WORDS}
_NO_WORDS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event as it is listed."""

    seq: int
    day: str
    time: str
    who: str
    role: str
    did: str
    subject: str
    summary: str


def line_of(event: Event, people: Mapping[str, str], words: Mapping[str, str] = _NO_WORDS) -> LogLine:
    """Return an event as it is listed; `people` gives names of accounts, `words` those of models and coded reasons."""
    told = _told(event)
    day, _, time = _text(told.get("at")).partition("T")
    actor, action = _text(told.get("actor")), _text(told.get("action"))
    detail = told.get("detail")
    detail = _spoken(detail, people, words) if isinstance(detail, Mapping) else {}
    return LogLine(
        event.seq,
        day,
        time[:8],
        people.get(actor, actor),
        "" if told.get("role") == actor else _text(told.get("role")).replace("_", " "),
        ACTION_WORDS.get(action, action),
        _UNKNOWN if _is_unknown(told, people) else _subject_words(_text(told.get("subject")), words),
        ", ".join(part for part in (summary_of(action, detail), signature_words(detail)) if part),
    )


def _told(event: Event) -> Mapping[str, Any]:
    try:
        told = event.told
    except ValueError:
        return {}
    return told if isinstance(told, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_unknown(told: Mapping[str, Any], people: Mapping[str, str]) -> bool:
    """Tell whether somebody tried a name that no account has: the log keeps no such name, it may be a password."""
    of_nobody = (told.get("action"), told.get("subject")) == ("session.refused", "account:unknown")
    return of_nobody and "unknown" not in people


def _spoken(detail: Detail, people: Mapping[str, str], words: Mapping[str, str]) -> Detail:
    """Return a detail whose models, coded reasons, and what somebody looked for, are named as people name them."""
    known = {**dict.fromkeys(_NAMED, words), "account_id": people, "action": _LOOKED_FOR}
    said = {name: names.get(_text(detail.get(name))) for name, names in known.items()}
    return {**detail, **{name: text for name, text in said.items() if text is not None}}


def _subject_words(subject: str, words: Mapping[str, str]) -> str:
    kind, _, name = subject.partition(":")
    if kind in ("batch", "log", "backup", "export"):
        return ""
    return name if kind == "case" else f"{kind.replace('_', ' ')} {short(words.get(name, name))}"


def lines_html(lines: Iterable[LogLine]) -> str:
    """Return the listed events as a table, a body for each day, in the order given."""
    days = "".join(_day_html(day, list(each)) for day, each in groupby(lines, key=lambda line: line.day))
    return (
        '<div class="hr-paper"><table class="hr-table hr-log"><caption class="hr-unseen">Events, newest first</caption>'
        '<thead><tr><th scope="col" class="hr-number">No.</th><th scope="col">Time</th><th scope="col">Who</th>'
        '<th scope="col">Did what</th><th scope="col">About</th><th scope="col">In short</th></tr></thead>'
        f"{days}</table></div>"
    )


def _day_html(day: str, lines: list[LogLine]) -> str:
    rows = "".join(map(_row_html, lines))
    return f'<tbody><tr><th scope="rowgroup" colspan="6">{_safe(day)} UTC</th></tr>{rows}</tbody>'


def _row_html(line: LogLine) -> str:
    return (
        f'<tr><th scope="row" class="hr-number">{line.seq}</th><td>{_safe(line.time)}</td>'
        f"<td>{_safe(line.who)} <span>{_safe(line.role)}</span></td>"
        f"<td>{_safe(line.did)}</td><td>{_safe(line.subject)}</td><td>{_safe(line.summary)}</td></tr>"
    )


def _safe(text: str) -> str:
    return escape(printable(text))


def whole_text(event: Event) -> str:
    """Return an event whole, as text that is easy to read: its payload indented, its hashes below."""
    told = _told(event)
    payload = json.dumps(told, ensure_ascii=False, indent=2) if told else event.payload
    body = "\n".join(printable(line) for line in payload.split("\n"))
    return f"{body}\n\nhash           {event.hash}\nprevious hash  {event.prev_hash}"
