"""What the detail of each action tells, by its keys: what is held against rows, and what nothing else tells.

Whoever makes an action tell more adds its key here. A log may tell more than this program knows, when a later one
wrote it; of that verification warns, because nobody looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_DECISION: Final = (
    "comment confidence label label_shown model outcome own_probability prediction probability reason reveal"
    " seconds_active shown_at shown_digest signature supersedes threshold"
)
_MOVE: Final = "gate model name previous protocol signature statement"
_GATE: Final = ("champion protocol report cases looks words", "")
_STEP: Final = "protocol reason"
_BATCH: Final = "count digest"
_FILE: Final = "duplicates rejected file_digest"
_TOLD: Final[Mapping[str, tuple[str, str]]] = {
    "account.created": ("name role", ""),
    "account.disabled": ("enabled", ""),
    "account.enabled": ("enabled", ""),
    "alarm.cleared": ("model monitoring words", ""),
    "alarm.raised": ("model monitoring words", ""),
    "audit.exported": ("", "format"),
    "audit.sampled": ("decisions of seed upto", ""),
    "backup.failed": ("", ""),
    "backup.made": ("", ""),
    "case.opened": ("", ""),
    "case.passed": (f"{_BATCH} audited routing", ""),
    "case.received": (f"{_BATCH} purpose", _FILE),
    "case.sampled": ("count digest model random_share routing", ""),
    "cases.rescored": ("", "count model"),
    "checkpoint.published": ("frontier key note size", ""),
    "clock.regressed": ("at previous_at", ""),
    "combination.fitted": ("combination digest", "off"),
    "data.exported": ("", "digest format rows what"),
    "decision.accepted": (_DECISION, ""),
    "decision.amended": (_DECISION, ""),
    "decision.deferred": (_DECISION, ""),
    "decision.overridden": (_DECISION, ""),
    "gate.failed": _GATE,
    "gate.passed": _GATE,
    "gate.undecided": _GATE,
    "identity.linked": ("issuer subject", ""),
    "identity.unlinked": ("issuer subject", ""),
    "job.failed": ("attempt kind words", ""),
    "job.finished": ("attempt kind words", ""),
    "job.queued": ("cause kind", ""),
    "job.started": ("attempt kind", ""),
    "key.rotated": ("head new old signature size statement", ""),
    "label.collected": (_BATCH, ""),
    "label.disputed": ("labels", ""),
    "label.resolved": ("comment dispute label probability", ""),
    "log.opened": ("origin public_key", "demo product python version"),
    "model.declined": ("comment gate verdict", ""),
    "model.promoted": (_MOVE, ""),
    "model.proposed": ("comment gate verdict", ""),
    "model.rolled_back": (_MOVE, ""),
    "model.stopped": (_MOVE, ""),
    "model.trained": ("card_digest figures manifest name", "rows seed"),
    "monitoring.made": ("raised report", ""),
    "outcome.recorded": (f"{_BATCH} source", _FILE),
    "password.set": ("hash_digest public", ""),
    "prediction.made": (f"{_BATCH} model", ""),
    "prediction.shown": ("model prediction shown_digest", ""),
    "project.configured": ("digest", ""),
    "read.committed": ("label modality opened_at probability", ""),
    "receipt.issued": ("seq", ""),
    "routing.set": (
        "audit_share feature kind levels maximum minimum per_day promise random_share target_error",
        "",
    ),
    "sample.reviewed": ("comment sample verdict", ""),
    "session.closed": ("account why", ""),
    "session.opened": ("method secret_digest", "address"),
    "session.refused": ("", "address locked"),
    "signature.refused": ("", "why"),
    "study.amended": (_STEP, ""),
    "study.drafted": (_STEP, ""),
    "study.exported": ("", "digest what"),
    "study.frozen": (_STEP, ""),
    "study.locked": (_STEP, ""),
    "study.opened": ("displayed item", ""),
    "study.outputs_fixed": (_BATCH, ""),
    "study.read": (
        "case confidence displayed item label modality model rating revealed_at seconds_active shown_at",
        "",
    ),
    "study.reported": (_STEP, ""),
    "study.scheduled": (_BATCH, ""),
    "study.sealed": (_BATCH, ""),
    "study.shown": ("displayed item", ""),
    "study.started": (_STEP, ""),
    "study.unsealed": (_STEP, ""),
    "study.washout_waived": ("reader reason", ""),
}
ALONE: Final[Mapping[str, frozenset[str]]] = {
    action: frozenset(alone.split()) for action, (_, alone) in _TOLD.items() if alone
}
"""By action, the keys of what no row and no other event tells: whoever writes the log anew writes there what they
like, and only a checkpoint that somebody else holds shows it."""
KEYS: Final[Mapping[str, frozenset[str]]] = {
    action: frozenset(f"{held} {alone}".split()) for action, (held, alone) in _TOLD.items()
}
"""By action, every key that its detail may have; what was looked at (`audit.viewed`) is told in many ways."""
