"""Events of the audit log as a person reads them: one line each, in plain words, as an HTML table.

Pure functions. Nothing of a payload is trusted to be what it should be, because a log is also looked
at when something is wrong with it. Every text is escaped, and every invisible character is shown as
its code, so that none can hide, reorder or pretend.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any, Final

from hitl_review.domain.audit import Event
from hitl_review.workflow.auditing import printable, signature_words

Detail = Mapping[str, Any]

_TOKEN: Final = re.compile("[0-9a-f]{32}")
"""An id that nobody reads to its end."""
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
    "session.refused": "was refused at sign-in",
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


def line_of(event: Event, people: Mapping[str, str]) -> LogLine:
    """Return an event as it is listed; `people` gives the names of account ids."""
    told = _told(event)
    day, _, time = _text(told.get("at")).partition("T")
    actor, action = _text(told.get("actor")), _text(told.get("action"))
    detail = told.get("detail")
    detail = detail if isinstance(detail, Mapping) else {}
    return LogLine(
        event.seq,
        day,
        time[:8],
        people.get(actor, actor),
        "" if told.get("role") == actor else _text(told.get("role")).replace("_", " "),
        ACTION_WORDS.get(action, action),
        _subject_words(_text(told.get("subject"))),
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


def _subject_words(subject: str) -> str:
    kind, _, name = subject.partition(":")
    if kind in ("batch", "log", "backup", "export"):
        return ""
    return name if kind == "case" else f"{kind.replace('_', ' ')} {_short(name)}"


def _short(value: object) -> str:
    text = str(value)
    digest = text.startswith("sha256:") or _TOKEN.fullmatch(text)
    return text.removeprefix("sha256:")[:8] if digest else text


def summary_of(action: str, detail: Detail) -> str:
    """Return what an event tells in one line, without comments and without digests."""
    try:
        return _SUMMARIES.get(action, _plain)(detail)
    except (AttributeError, KeyError, TypeError, ValueError):
        return _plain(detail)


def _plain(detail: Detail) -> str:
    kept = {
        name: value
        for name, value in detail.items()
        if name != "comment" and "digest" not in name and isinstance(value, str | int | float) and value != ""
    }
    return ", ".join(_said(name.replace("_", " "), value) for name, value in kept.items())


def _said(name: str, value: object) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return f"{name} {_short(value)}"


def _decision(detail: Detail) -> str:
    parts = [f"model {detail['probability']:.0%} ({detail['label_shown']})"]
    if detail["own_probability"] is not None:
        parts.append(f"own estimate {detail['own_probability']:.0%}")
    if detail["label"] is not None:
        parts.append(f"answer {detail['label']}")
    parts += [f"{name} {detail[name].replace('_', ' ')}" for name in ("reason", "confidence") if detail[name]]
    return ", ".join(parts) + (", with a comment" if detail["comment"] else "")


def _read(detail: Detail) -> str:
    return f"{detail['probability']:.0%} ({detail['label']})"


def _received(detail: Detail) -> str:
    what = detail.get("purpose") or detail.get("source") or ""
    refused = f", {detail['rejected']} rows refused" if detail.get("rejected") else ""
    return f"{detail['count']} ({what}){refused}" if what else f"{detail['count']}{refused}"


def _shown(detail: Detail) -> str:
    return f"model {_short(detail['model'])}"


def _made(detail: Detail) -> str:
    return f"{detail['count']} predictions"


def _viewed(detail: Detail) -> str:
    through = detail.get("through")
    if through is None:
        return f"{detail['events']} events"
    of_the_look = ("through", "reveal", "sample", "decision")
    asked = {name: value for name, value in detail.items() if name not in of_the_look}
    words = {
        "page": "on the page",
        "history": "a case's history",
        "screen": "a past screen",
        "rates": "override rates",
        "replay": "a past screen, by command",
    }
    return ", ".join(part for part in (words.get(str(through), str(through)), _plain(asked)) if part)


def _checkpoint(detail: Detail) -> str:
    return f"{detail['size']} events signed"


def _rotated(detail: Detail) -> str:
    return f"behind event {detail['size']}"


def _sampled(detail: Detail) -> str:
    return f"{len(detail['decisions'])} of {detail['of']}, seed {detail['seed']}"


def _reviewed(detail: Detail) -> str:
    verdict: str = detail["verdict"].replace("_", " ")
    return verdict + (", with a comment" if detail["comment"] else "")


def _opened(detail: Detail) -> str:
    return f"version {detail['version']}" + (", demonstration" if detail["demo"] else "")


def _counted(detail: Detail) -> str:
    return f"{detail['count']:,}"


def _item(detail: Detail) -> str:
    return f"item {detail['item']}"


def _study_read(detail: Detail) -> str:
    sure = f", confidence {detail['confidence']}" if detail["confidence"] else ""
    return (
        f"item {detail['item']}, {detail['case']}, {detail['modality']}: {detail['rating']} ({detail['label']}){sure}, "
        f"{detail['seconds_active']:.0f} s"
    )


def _job(detail: Detail) -> str:
    said = [detail["kind"].replace("_", " "), str(detail.get("cause") or detail.get("words") or "").rstrip(".")]
    return ", ".join(part for part in said if part)


def _looked(detail: Detail) -> str:
    return ", ".join(f"alarm {name}" for name in detail["raised"]) or "no alarm"


_SUMMARIES: Final[Mapping[str, Callable[[Detail], str]]] = {
    "decision.accepted": _decision,
    "decision.overridden": _decision,
    "decision.deferred": _decision,
    "decision.amended": _decision,
    "read.committed": _read,
    "case.received": _received,
    "outcome.recorded": _received,
    "prediction.shown": _shown,
    "prediction.made": _made,
    "log.opened": _opened,
    "audit.viewed": _viewed,
    "checkpoint.published": _checkpoint,
    "key.rotated": _rotated,
    "audit.sampled": _sampled,
    "sample.reviewed": _reviewed,
    "label.collected": _counted,
    "study.outputs_fixed": _counted,
    "study.scheduled": _counted,
    "study.sealed": _counted,
    "study.opened": _item,
    "study.shown": _item,
    "study.read": _study_read,
    "job.queued": _job,
    "job.started": _job,
    "job.finished": _job,
    "job.failed": _job,
    "monitoring.made": _looked,
}


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
