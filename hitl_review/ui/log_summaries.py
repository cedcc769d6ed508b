"""What an event tells in one line, in plain words: no code where there is a word for it, no comment, no digest.

Pure functions. What is missing or of the wrong kind is passed over: a log is looked at when something is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from hitl_review.domain.access import Ended
from hitl_review.domain.signature import ProofMethod

Detail = Mapping[str, Any]

_TOKEN: Final = re.compile("[0-9a-f]{32}")
"""An id that nobody reads to its end."""
_REFUSALS: Final = {
    "locked": "too many wrong passwords: for a while none is taken",
    "wrong password": "the password was wrong",
    "account disabled": "the account is disabled",
    "session over": "the person was signed out by then",
    "password not given": "the password was not given, and the project asks for it",
}
"""Why a signature was refused, as `workflow.signing` tells it."""
_SIGNED_IN: Final = {
    ProofMethod.PASSWORD: "with a password",
    ProofMethod.IDENTITY: "by the institution's identity provider",
    ProofMethod.DEMONSTRATION: "with the public password of a demonstration",
}
_ENDINGS: Final = {
    Ended.SIGNED_OUT: "signed out",
    Ended.IDLE: "nothing was done for too long",
    Ended.EXPIRED: "the longest time of a session was over",
    Ended.DISABLED: "the account was disabled",
    Ended.PASSWORD_SET: "a password was set for the account",
}
_ASKED: Final = {"case_id": "case", "account_id": "person", "outcome": "answer", "since": "from", "until": "to"}
_FORMS: Final = {"bundle": "a bundle", "fhir": "FHIR AuditEvents", "csv": "a CSV sheet", "checkpoint": "a checkpoint"}


def short(value: object) -> str:
    """Return a digest or an id as its beginning, which is enough to tell it from others, and all else as it is."""
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
    return f"{name} {short(value)}"


def _decision(detail: Detail) -> str:
    parts = [f"model {detail['probability']:.0%} ({detail['label_shown']})"]
    if detail["own_probability"] is not None:
        parts.append(f"own estimate {detail['own_probability']:.0%}")
    if detail["label"] is not None:
        parts.append(f"answer {detail['label']}")
    if detail["reason"]:
        parts.append(f"reason: {detail['reason'].replace('_', ' ')}")
    if detail["confidence"]:
        parts.append(f"confidence {detail['confidence']}")
    return ", ".join(parts) + (", with a comment" if detail["comment"] else "")


def _read(detail: Detail) -> str:
    return f"{detail['probability']:.0%} ({detail['label']})"


def _received(detail: Detail) -> str:
    what = detail.get("purpose") or detail.get("source") or ""
    refused = f", {detail['rejected']} rows refused" if detail.get("rejected") else ""
    return f"{detail['count']:,} ({what}){refused}" if what else f"{detail['count']:,}{refused}"


def _shown(detail: Detail) -> str:
    return f"model {short(detail['model'])}"


def _viewed(detail: Detail) -> str:
    through = detail.get("through")
    if through is None:
        return f"{detail['events']} events"
    of_the_look = ("through", "reveal", "sample", "decision")
    asked = {_ASKED.get(name, name): value for name, value in detail.items() if name not in of_the_look}
    words = {
        "page": "on the page",
        "history": "a case's history",
        "screen": "a past screen",
        "rates": "override rates",
        "sample": "a sample",
        "replay": "a past screen, by command",
    }
    return ", ".join(part for part in (words.get(str(through), str(through)), _plain(asked)) if part)


def _receipt(detail: Detail) -> str:
    return f"for event {detail['seq']:,}"


def _checkpoint(detail: Detail) -> str:
    return f"{detail['size']:,} events signed"


def _rotated(detail: Detail) -> str:
    return f"behind event {detail['size']}"


def _sampled(detail: Detail) -> str:
    return f"{len(detail['decisions'])} of {detail['of']}, seed {detail['seed']}"


def _reviewed(detail: Detail) -> str:
    verdict: str = detail["verdict"].replace("_", " ")
    return verdict + (", with a comment" if detail["comment"] else "")


def _opened(detail: Detail) -> str:
    return f"version {detail['version']}" + (", demonstration" if detail["demo"] else "")


def _refused_at_sign_in(detail: Detail) -> str:
    locked = "; no further try is taken for a while" if detail["locked"] else ""
    return f"name and password don't belong together, or the account is disabled{locked}; from {detail['address']}"


def _refused_signature(detail: Detail) -> str:
    why = str(detail["why"])
    return _REFUSALS.get(why, why)


def _signed_in(detail: Detail) -> str:
    return f"{_SIGNED_IN[ProofMethod(detail['method'])]}, from {detail['address']}"


def _session_ended(detail: Detail) -> str:
    return f"account {detail['account']}: {_ENDINGS[Ended(detail['why'])]}"


def _account(detail: Detail) -> str:
    return f"{detail['name']}, {detail['role'].replace('_', ' ')}"


def _nothing(detail: Detail) -> str:
    return ""


def _password(detail: Detail) -> str:
    return "the public one of a demonstration" if detail["public"] else "not public"


def _trained(detail: Detail) -> str:
    return f"{detail['name']}, from {detail['rows']:,} cases"


def _moved(detail: Detail) -> str:
    return f"model {detail['name']}"


def _gate(detail: Detail) -> str:
    words = str(detail["words"]).rstrip(".")
    return f"{words}; against model {short(detail['champion'])}, on {detail['cases']:,} cases of the hold-out"


def _ordered(detail: Detail) -> str:
    return f"{detail['count']:,} cases, {detail['random_share']:.0%} of them by lot"


def _resolved(detail: Detail) -> str:
    return f"{detail['probability']:.0%} ({detail['label']})" + (", with a comment" if detail["comment"] else "")


def _exported(detail: Detail) -> str:
    return f"{detail['what'].replace('_', ' ')}, {detail['rows']:,} rows as {detail['format']}"


def _log_exported(detail: Detail) -> str:
    form = detail.get("format", "bundle")
    return f"as {_FORMS.get(form, form)}"


def _rescored(detail: Detail) -> str:
    return f"{_number(detail, 'case')}, by model {short(detail['model'])}"


def _number(detail: Detail, noun: str) -> str:
    return f"{detail['count']:,} {noun}{'' if detail['count'] == 1 else 's'}"


def _numbers(noun: str) -> Callable[[Detail], str]:
    """Return what tells of how many things a batch is."""
    return lambda detail: _number(detail, noun)


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
    "prediction.made": _numbers("prediction"),
    "log.opened": _opened,
    "audit.viewed": _viewed,
    "receipt.issued": _receipt,
    "checkpoint.published": _checkpoint,
    "key.rotated": _rotated,
    "audit.sampled": _sampled,
    "sample.reviewed": _reviewed,
    "label.collected": _numbers("label"),
    "label.disputed": _nothing,
    "label.resolved": _resolved,
    "account.created": _account,
    "account.enabled": _nothing,
    "account.disabled": _nothing,
    "password.set": _password,
    "session.opened": _signed_in,
    "session.closed": _session_ended,
    "session.refused": _refused_at_sign_in,
    "signature.refused": _refused_signature,
    "model.trained": _trained,
    "model.promoted": _moved,
    "model.rolled_back": _moved,
    "gate.passed": _gate,
    "gate.failed": _gate,
    "gate.undecided": _gate,
    "case.sampled": _ordered,
    "cases.rescored": _rescored,
    "data.exported": _exported,
    "audit.exported": _log_exported,
    "study.outputs_fixed": _numbers("output"),
    "study.scheduled": _numbers("read"),
    "study.sealed": _numbers("case"),
    "study.opened": _item,
    "study.shown": _item,
    "study.read": _study_read,
    "job.queued": _job,
    "job.started": _job,
    "job.finished": _job,
    "job.failed": _job,
    "monitoring.made": _looked,
}
