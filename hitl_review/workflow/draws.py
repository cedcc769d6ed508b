"""What lots decide, drawn again: which cases that passed are read all the same, and how likely a case was to be read.

Every lot is a hash of the case and the project's seed. Whoever holds the file can keep a case from being audited, or
give a label the chance that suits them: measures of the random slice weigh by it.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

from hitl_review.domain.routing import DEFAULT, Routing, RoutingKind
from hitl_review.errors import HitlError
from hitl_review.model import routing as bounds
from hitl_review.project import Project
from hitl_review.store import labels, successions
from hitl_review.store.connection import Store
from hitl_review.workflow.labelling import salt_of

NO_ROUTING: Final = "a routing was set that no routing can be"
OTHER_AUDITS: Final = "the lot of who is read all the same did not fall so"
OTHER_CHANCE: Final = "a label with another chance of having been drawn than its case had"
OTHER_ID: Final = "a label under another id than its origin gives it"
Found = Iterator[tuple[int | None, str]]
_KNOWN: Final = frozenset(DEFAULT.as_json())


def misdrawn(store: Store, project: Project | None, *, every: bool) -> Found:
    """Find routings that are none, audits and chances that were not drawn so; `every` says that time orders nothing."""
    shares: list[tuple[str, float]] = [("", DEFAULT.random_share)]
    for row in successions.routings_set(store):
        body = json.loads(row["body"])
        if not _KNOWN.issuperset(body):
            return  # a later program knows more of routings than this one
        routing = _routing(body, project)
        if routing is None:
            yield row["seq"], NO_ROUTING
            return
        shares.append((row["at"], routing.random_share))
    if project is not None:
        salt = salt_of(project)
        yield from dict.fromkeys(chain(_passes(store, salt), _chances(store, salt, shares, every=every)))


def _routing(body: Mapping[str, Any], project: Project | None) -> Routing | None:
    """Return a routing; None for what can't be set, or asks for a feature that the project has not."""
    try:
        routing = Routing.from_json(body)
    except (HitlError, ValueError, TypeError, KeyError):
        return None
    if project is None or routing.kind is not RoutingKind.RULE:
        return routing
    return routing if routing.feature in project.feature_names else None


def _passes(store: Store, salt: str) -> Found:
    for row in successions.passed(store):
        drawn = bounds.audited(row["case_id"], salt=salt, share=row["audit_share"])
        if (row["audited"], row["audit_share"]) != (drawn, row["share_set"]):
            yield successions.place(store, row["event_id"]), OTHER_AUDITS


def _chances(store: Store, salt: str, shares: list[tuple[str, float]], *, every: bool) -> Found:
    times, seqs = [at for at, _ in shares], dict(successions.collections(store))
    audits: dict[str, list[tuple[int, float]]] = {}
    for row in successions.passed(store):
        if row["audited"]:
            audits.setdefault(row["case_id"], []).append((row["seq"], row["audit_share"]))
    for label_id, origin, case_id, at, chance, event_id in successions.labels_by_origin(store):
        if label_id != labels.label_id(origin):
            yield seqs[event_id], OTHER_ID
        if not origin.startswith(("read:", "decision:")):
            continue
        possible: list[float | None] = [share for seq, share in audits.get(case_id, ()) if seq < seqs[event_id]]
        if not possible:
            lot = bounds.hash_share(case_id, salt=f"order:{salt}")
            then = shares if every else [shares[bisect_right(times, at) - 1]]
            possible = [share if lot < share else None for _, share in then]
        if chance not in possible:
            yield seqs[event_id], OTHER_CHANCE
