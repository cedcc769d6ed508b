"""What no event told of: counted once the walk is over, and once more where a row may be dropped meanwhile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hitl_review.store.connection import open_store
from hitl_review.workflow.accounts import set_password
from hitl_review.workflow.signing_in import sign_in
from hitl_review.workflow.unclaimed import Unclaimed
from hitl_review.workflow.workspace import open_workspace
from tests.people import PASSWORD
from tests.tampering import tamper

FORGED = (
    "INSERT INTO ui_sessions (session_id, secret, account_id, method, opened_at, seen_at, ends_at, proved_at,"
    " proved_by) VALUES ('s-1', 'secret', 'reader-1', 'password', '2026', '2026', '2027', '2026', 'password')"
)


def about_sessions(folder: Path) -> list[str]:
    """What is said of sessions by a walk to which their rows were not there yet."""
    with open_store(folder) as store:
        found = Unclaimed(store).problems(Counter(), {})
        return [each.message for each in found if "ui_sessions" in each.message]


def test_a_session_whose_row_a_walk_did_not_see_is_looked_up_once_more(reviewed_folder: Path) -> None:
    """Another process may see a row that is dropped a moment later: no alarm. One that nobody opened is one."""
    with open_workspace(reviewed_folder) as workspace:
        set_password(workspace, "reader-1", PASSWORD)
        sign_in(workspace, "reader-1", PASSWORD, address="10.0.0.7")
    assert about_sessions(reviewed_folder) == []
    tamper(reviewed_folder, FORGED)
    assert about_sessions(reviewed_folder) == ["1 rows of ui_sessions have no event that tells of them"]
