"""How the rows of `store.schema.people` follow from the log's events."""

from __future__ import annotations

from typing import Final

from hitl_review.workflow.twins.kinds import Batch, Changing, Told, Twin, id_of


def _standing(told: Told) -> dict[str, object]:
    enabled = told["action"] == "account.enabled"
    if told["detail"]["enabled"] is not enabled:
        raise ValueError("it is called the one and tells the other")
    return {
        "event_id": told["event_id"],
        "account_id": id_of(told),
        "enabled": int(enabled),
        "at": told["at"],
        "by": told["actor"],
    }


def _password(told: Told) -> dict[str, object]:
    if type(told["detail"]["public"]) is not bool:
        raise ValueError("a number is no answer to whether it is public")
    return {
        "event_id": told["event_id"],
        "account_id": id_of(told),
        "hash": told["detail"]["hash_digest"],
        "public": int(told["detail"]["public"]),
        "set_at": told["at"],
        "set_by": told["actor"],
    }


def _identity(told: Told) -> dict[str, object]:
    return {
        "event_id": told["event_id"],
        "account_id": id_of(told),
        "issuer": told["detail"]["issuer"],
        "subject": told["detail"]["subject"],
        "linked": int(told["action"] == "identity.linked"),
        "at": told["at"],
        "by": told["actor"],
    }


def _signed_in(told: Told) -> dict[str, object]:
    return {
        "session_id": id_of(told),
        "secret": told["detail"]["secret_digest"],
        "account_id": told["actor"],
        "method": told["detail"]["method"],
        "opened_at": told["at"],
    }


def _signed_out(told: Told) -> dict[str, object]:
    return {"account_id": told["detail"]["account"], "ended": told["detail"]["why"]}


TWINS: Final[tuple[Twin, ...]] = (
    Twin("standings", frozenset({"account.disabled", "account.enabled"}), _standing),
    Twin("passwords", frozenset({"password.set"}), _password, digested=frozenset({"hash"})),
    Twin("identities", frozenset({"identity.linked", "identity.unlinked"}), _identity),
)
BATCHES: Final[tuple[Batch, ...]] = ()
CHANGING: Final[tuple[Changing, ...]] = (
    Changing(
        table="ui_sessions",
        key="session_id",
        begun="session.opened",
        begin=_signed_in,
        ended=frozenset({"session.closed"}),
        end=_signed_out,
        has_ended="ended IS NOT NULL",
        kept=False,
        digested=frozenset({"secret"}),
    ),
)
