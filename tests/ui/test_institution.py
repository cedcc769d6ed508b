"""Sign-in with an identity provider: what a token must say, and what a page makes of it. No provider is asked."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.errors import SignInRefused
from hitl_review.store import audit
from hitl_review.ui.institution import claims_in, is_configured
from hitl_review.workflow.accounts import disable_account, link_identity
from hitl_review.workflow.workspace import open_workspace
from tests.people import sit

ROOT = Path(__file__).parents[2]
ISSUER = "https://id.example"


def token(**changed: object) -> dict[str, object]:
    """What Streamlit tells of a person that a provider has let in."""
    now = time.time()
    ordinary = {"is_logged_in": True, "iss": ISSUER, "sub": "auditor-sub", "iat": now - 60, "exp": now + 3600}
    return {**ordinary, "email": "ada@example.org", **changed}


@pytest.fixture
def page(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Draws the first page for a token, on a workspace whose auditor is linked."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    sit(monkeypatch, reviewed_folder, None)
    with open_workspace(reviewed_folder) as workspace:
        link_identity(workspace, "auditor-1", issuer=ISSUER, subject="auditor-sub")

    def drawn(told: dict[str, object]) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.user = told
        app.run()
        assert [each.value for each in app.exception] == []
        return app

    return drawn


def titles(app: AppTest) -> list[str]:
    """The titles on a page."""
    return [each.value for each in app.title]


def test_who_is_linked_sees_the_pages_of_the_role(page, reviewed_folder: Path) -> None:
    """The auditor's log, under the account's printed name; one session is opened, however often the page is drawn."""
    app = page(token())
    assert titles(app) == ["Audit log"]
    app.run()
    with open_workspace(reviewed_folder) as workspace:
        opened = [each.told for each in audit.events(workspace.store) if each.told["action"] == "session.opened"]
    assert [(each["actor"], each["detail"]["method"]) for each in opened] == [("auditor-1", "identity")]


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": time.time() - 1},
        {"exp": None},
        {"iat": None},
        {"sub": "somebody-else"},
        {"iss": "https://other.example"},
        {"sub": None},
        {"is_logged_in": False},
    ],
    ids=["expired", "no end", "no begin", "somebody else", "another issuer", "nobody", "signed out"],
)
def test_a_token_that_is_not_enough_opens_no_page(page, changed: dict[str, object]) -> None:
    """Attack 41: expired, endless, of another issuer, or of nobody who is linked."""
    app = page(token(**changed))
    assert titles(app) == ["Sign in"]
    assert not app.get("dataframe") and "event" not in str([each.value for each in app.text])


def test_a_disabled_account_is_not_entered_through_the_provider(page, reviewed_folder: Path) -> None:
    """Disabled here means out, whatever the institution says."""
    assert titles(page(token())) == ["Audit log"]
    with open_workspace(reviewed_folder) as workspace:
        disable_account(workspace, "auditor-1")
    assert titles(page(token())) == ["Sign in"]


def test_claims_are_read_exactly() -> None:
    """A number is a number, and an empty name is none."""
    assert claims_in(token()).subject == "auditor-sub"
    for changed in ({"exp": "soon"}, {"iss": ""}, {"sub": 7}):
        with pytest.raises(SignInRefused):
            claims_in(token(**changed))


def test_without_settings_no_provider_is_offered() -> None:
    """Nothing about it stands on the sign-in page then."""
    assert is_configured() is False
