"""Decisions are drawn at random for review, so that anybody can draw them again; what was found is kept.

The draw needs no generator: each decision's rank is the SHA-256 of seed, line feed and decision id, and the
lowest ranks are taken. So the program can't choose under a seed that it was given, nor who draws under a fresh one;
who draws may try seeds of their own beforehand, which nothing here shows: what was drawn is all kept.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.audit import Event, check_token, stamp
from hitl_review.errors import AuditError, Conflict, NotFound
from hitl_review.store import audit, samples
from hitl_review.store.samples import Finding, Sample
from hitl_review.workflow.workspace import Workspace

MOST: Final = 10_000
VERDICTS: Final = {"in_order": "in order", "remark": "remark", "serious": "serious"}
LONGEST_COMMENT: Final = 2_000
LONGEST_SEED: Final = 64


def lowest(seed: str, ids: Iterable[str], count: int) -> tuple[str, ...]:
    """Return the ids that a seed draws, in the order of their rank.

    >>> lowest("4711", ["a", "b", "c"], 2) == lowest("4711", ["c", "a", "b"], 2)
    True
    """
    return tuple(sorted(ids, key=lambda each: hashlib.sha256(f"{seed}\n{each}".encode()).digest())[:count])


def draw_sample(
    workspace: Workspace,
    *,
    count: int,
    seed: str | None = None,
    actor: Actor = SYSTEM,
    token: str | None = None,
) -> Sample:
    """Draw decisions for review and record seed and list. The same token again returns what was drawn.

    Raises Conflict where the token was used for another act.
    """
    require(actor, Permission.READ_LOG)
    if not 1 <= count <= MOST:
        raise AuditError(f"A sample holds 1 to {MOST:,} decisions; {count:,} were asked for.")
    seed = seed or secrets.token_hex(8)
    if len(seed) > LONGEST_SEED or not seed.isprintable():
        raise AuditError(f"A seed has up to {LONGEST_SEED} printable characters. Choose a shorter one.")
    store = workspace.store
    with store.transaction(actor) as transaction:
        sample_id = check_token(token or audit.new_token())
        earlier = samples.find(store, sample_id)
        if earlier is not None and earlier.by == actor.account_id:
            return earlier
        _not_used(audit.find(store, sample_id))
        upto = audit.head(store).size
        ids = samples.decision_ids(store, upto=upto)
        if not ids:
            raise AuditError("There is no decision to draw from yet. Review a case first.")
        drawn = lowest(seed, ids, count)
        detail = {"seed": seed, "upto": upto, "of": len(ids), "decisions": list(drawn)}
        audit.append(store, "audit.sampled", "log:decisions", detail, event_id=sample_id)
        sample = Sample(sample_id, seed, upto, len(ids), drawn, stamp(transaction.now), actor.account_id)
        samples.add_sample(store, sample)
    return sample


def same_draw(workspace: Workspace, sample: Sample) -> bool:
    """Tell whether the seed draws the very list again from the log as it was then."""
    ids = samples.decision_ids(workspace.store, upto=sample.upto)
    return (len(ids), lowest(sample.seed, ids, len(sample.decisions))) == (sample.of, sample.decisions)


def record_finding(
    workspace: Workspace,
    sample_id: str,
    decision_id: str,
    verdict: str,
    comment: str,
    *,
    actor: Actor,
    token: str,
) -> None:
    """Tick a sampled decision as reviewed, with what was found; a later finding stands beside the earlier one.

    The same token again changes nothing. Raises Conflict where it was used for another act.
    """
    require(actor, Permission.READ_LOG)
    comment = comment.strip()
    if verdict not in VERDICTS or len(comment) > LONGEST_COMMENT or (verdict != "in_order" and not comment):
        raise AuditError(f"A remark or a serious finding says why, in up to {LONGEST_COMMENT:,} characters.")
    store = workspace.store
    sample = samples.find(store, sample_id)
    if sample is None or decision_id not in sample.decisions:
        raise NotFound("This decision is not in that sample. Choose one that was drawn.")
    with store.transaction(actor) as transaction:
        detail = {"sample": sample_id, "verdict": verdict, "comment": comment}
        earlier = audit.find(store, check_token(token))
        if earlier is not None and _is_same(earlier, actor, f"decision:{decision_id}", detail):
            return
        _not_used(earlier)
        audit.append(store, "sample.reviewed", f"decision:{decision_id}", detail, event_id=token)
        at = stamp(transaction.now)
        samples.add_finding(
            store, Finding(token, sample_id, decision_id, verdict, comment, at, actor.account_id)
        )


def _is_same(event: Event, actor: Actor, subject: str, detail: Mapping[str, str]) -> bool:
    told = event.told
    acted = told["action"], told["actor"], told["subject"], told["detail"]
    return acted == ("sample.reviewed", actor.account_id, subject, detail)


def _not_used(earlier: Event | None) -> None:
    if earlier is not None:
        raise Conflict("This act's token was used for another act, and nothing was recorded. Load the page anew.")
