"""People who can sign in, for tests of pages and commands: one password for all of them, and sessions."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from hitl_review.store import accounts
from hitl_review.ui import session
from hitl_review.workflow.accounts import set_password
from hitl_review.workflow.signing_in import sign_in
from hitl_review.workflow.workspace import Workspace, open_workspace

PASSWORD = "three words of ours"


@cache
def password_file() -> Path:
    """A file that holds the password, as scripts keep one."""
    path = Path(mkdtemp()) / "password.txt"
    path.write_text(PASSWORD + "\n", encoding="utf-8")
    return path


def secret_of(workspace: Workspace, account_id: str) -> str:
    """Sign somebody in, giving the account the password first, and return what a browser would hold."""
    row = accounts.password(workspace.store, account_id)
    if row is None or row.public:
        set_password(workspace, account_id, PASSWORD)
    return sign_in(workspace, account_id, PASSWORD, address="127.0.0.1").secret


def sit(monkeypatch: pytest.MonkeyPatch, folder: Path, account_id: str | None) -> str | None:
    """Let somebody be signed in at the pages that `AppTest` draws: it has no browser, so no cookie of its own."""
    secret = None
    if account_id is not None:
        with open_workspace(folder) as workspace:
            secret = secret_of(workspace, account_id)
    monkeypatch.setattr(session, "presented", lambda _workspace: secret)
    return secret
