"""Accounts in roles that nobody has, passwords and standings from whoever may not set them, and acts past a role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried

NO_ROLE = "an account was made in a role that nobody is given"
SO_ALREADY = "an account was disabled or enabled that was so already"
MAY_NOT = "the role that it is told in may not do that"
READER, ADMIN = {"actor": "reader-2", "role": "reader"}, {"actor": "admin-1", "role": "admin"}


def account(story: Story, account_id: str, name: str, role: str) -> Payload:
    """Tell that an account was made."""
    return story.add(
        story.first("account.created"), {"name": name, "role": role}, subject=f"account:{account_id}"
    )


def password(story: Story, of: str, *, public: bool = False, **by: str) -> Payload:
    """Tell that a password was set."""
    who = by or {"actor": "system", "role": "system"}
    told = story.add(story.last("password.set"), {"public": public}, subject=f"account:{of}", **who)
    story.bodies[told["event_id"]] = {"hash": story.one("SELECT hash FROM passwords ORDER BY rowid DESC")}
    return told


def standing(story: Story, of: str, word: str, **by: str) -> Payload:
    """Tell that an account was disabled or enabled."""
    return story.add(story.first(f"account.{word}"), subject=f"account:{of}", **by)


def account_of_the_product_itself(story: Story) -> Payload:
    """Give somebody the role that may do nearly everything."""
    return account(story, "zed", "Zed Zorro", "system")


def account_in_an_unknown_role(story: Story) -> Payload:
    """Give somebody a role at which every list of accounts stops."""
    return account(story, "zed", "Zed Zorro", "king")


def password_of_an_approver_by_a_reader(story: Story) -> Payload:
    """Take an account over."""
    return password(story, "approver-1", **READER)


def password_made_public_by_its_owner(story: Story) -> Payload:
    """Let everybody sign in as oneself."""
    return password(story, "reader-2", public=True, **READER)


def account_disabled_twice(story: Story) -> Payload:
    """Disable who is disabled."""
    standing(story, "reader-2", "disabled")
    return standing(story, "reader-2", "disabled")


def account_enabled_that_was_not_disabled(story: Story) -> Payload:
    """Enable who is enabled."""
    return standing(story, "reader-2", "enabled")


def own_account_disabled(story: Story) -> Payload:
    """Let an administrator lock himself out."""
    account(story, "admin-1", "Ada Admin", "admin")
    return standing(story, "admin-1", "disabled", **ADMIN)


PEOPLE: list[tuple[Deed, str]] = [
    (account_of_the_product_itself, NO_ROLE),
    (account_in_an_unknown_role, NO_ROLE),
    (
        password_of_an_approver_by_a_reader,
        "somebody else's password was set by one who manages no accounts",
    ),
    (password_made_public_by_its_owner, "a password was made public by a person"),
    (account_disabled_twice, SO_ALREADY),
    (account_enabled_that_was_not_disabled, SO_ALREADY),
    (own_account_disabled, "somebody disabled or enabled their own account"),
]


@pytest.mark.parametrize(("deed", "words"), tried(PEOPLE))
def test_what_can_not_have_been_done_to_an_account_is_found(whole_folder: Path, deed: Deed, words: str) -> None:
    """At its event, in these words, and as nothing else."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


def test_what_is_done_to_accounts_is_not_found(whole_folder: Path) -> None:
    """By administrators, by the product, and by their owners; also where a clock went back in between."""
    with retold(whole_folder) as story:
        account(story, "admin-1", "Ada Admin", "admin")
        password(story, "reader-2", **ADMIN)
        password(story, "reader-2", **READER)
        password(story, "reader-1", public=True)
        standing(story, "reader-2", "disabled", **ADMIN)
        story.set_clock_back()
        standing(story, "reader-2", "enabled")
        standing(story, "reader-2", "disabled")
    assert found(whole_folder) == []


@pytest.mark.parametrize(
    ("action", "subject", "detail", "role"),
    [
        ("data.exported", "export:cases", {"what": "cases", "format": "csv", "rows": 6, "digest": "x"}, "reader"),
        ("audit.exported", "log:csv", {"format": "csv"}, "reader"),
        ("study.exported", "study:ward-1", {"what": "archive", "digest": "x"}, "reader"),
        ("key.rotated", "log:key", {}, "auditor"),
    ],
)
def test_an_act_past_a_role_that_leaves_no_row_is_found(
    whole_folder: Path, action: str, subject: str, detail: dict[str, Any], role: str
) -> None:
    """Nobody is said to have taken data along or changed the key who may not."""
    with retold(whole_folder) as story:
        like = {**story.payloads[-1], "detail": detail}
        told = story.add(like, action=action, subject=subject, actor=f"{role}-1", role=role)
    assert (story.place(told), "authority", MAY_NOT) in found(whole_folder)
