"""The administrator's page: people made and disabled by the rules of the workflow; nobody else has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.domain.account import Role
from hitl_review.store import accounts
from hitl_review.ui.account_table import accounts_html
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.workspace import open_workspace
from tests.people import sit
from tests.ui.markup import HOSTILE, assert_harmless, assert_table
from tests.ward import NOW

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The page with an administrator in front of it."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    with open_workspace(reviewed_folder) as workspace:
        add_account(workspace, "admin-1", "Ada Admin", Role.ADMIN)
    sit(monkeypatch, reviewed_folder, "admin-1")
    drawn = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert [each.value for each in drawn.exception] == []
    return drawn


def fill_in(app: AppTest, name: str, account_id: str, role: Role) -> AppTest:
    """Fill in the form for a new account and send it."""
    app.text_input(key="name_accounts").set_value(name)
    app.text_input(key="id_accounts").set_value(account_id)
    app.selectbox(key="role_accounts").set_value(role)
    next(each for each in app.button if each.label == "Make the account").click()
    return app.run()


def test_an_account_is_made_and_its_form_cleared(app: AppTest, reviewed_folder: Path) -> None:
    """By the administrator's name in the log; without a password nobody can sign in yet."""
    fill_in(app, "Nora New", "nora", Role.STUDY_LEAD)
    assert app.text_input(key="name_accounts").value == ""
    with open_workspace(reviewed_folder) as workspace:
        made = accounts.find(workspace.store, "nora")
    assert made is not None and (made.name, made.role) == ("Nora New", Role.STUDY_LEAD)


def test_a_confusing_name_is_refused_in_a_sentence(app: AppTest, reviewed_folder: Path) -> None:
    """What was typed stays, to be mended."""
    fill_in(app, "Rіta Rеader", "rita-2", Role.READER)
    assert "looks like that of 'reader-1'" in app.warning[0].value.replace("\\", "")
    assert app.text_input(key="id_accounts").value == "rita-2"
    with open_workspace(reviewed_folder) as workspace:
        assert accounts.find(workspace.store, "rita-2") is None


def test_an_account_is_disabled_and_enabled(app: AppTest, reviewed_folder: Path) -> None:
    """One's own is not offered."""
    chooser = app.selectbox(key="chosen_accounts")
    assert not any("admin-1" in each for each in chooser.options)
    chooser.set_value("reader-2")
    app.run()
    for expected, verb in ((False, "Disable"), (True, "Enable")):
        next(each for each in app.button if each.label.startswith(verb)).click()
        app.run()
        with open_workspace(reviewed_folder) as workspace:
            found = accounts.find(workspace.store, "reader-2")
        assert found is not None and found.enabled is expected


def test_a_reader_has_no_such_page(reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the menu, not by its address."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    sit(monkeypatch, reviewed_folder, "auditor-1")
    drawn = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    with pytest.raises(ValueError, match=r"accounts\.py"):
        drawn.switch_page(str(ROOT / "hitl_review" / "ui" / "pages" / "accounts.py"))


def test_hostile_names_stay_text() -> None:
    """Attack 39, of names that were written past every check."""
    from hitl_review.domain.account import Account

    html = accounts_html([Account(HOSTILE, HOSTILE, Role.READER, NOW)], with_password=(), public=())
    markup = assert_harmless(html)
    assert_table(markup)
    assert "img" not in markup.tags and "\u202e" not in html
