"""The commands on people: made, listed, disabled; passwords that are asked for; and the printed matrix."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from hitl_review.domain.account import Permission, Role, may
from hitl_review.store import accounts
from hitl_review.workflow.signing_in import sign_in
from hitl_review.workflow.workspace import open_workspace

PASSWORD = "three words of ours"


def listed(run, workspace: Path) -> dict[str, dict]:
    """The accounts by id, as the command lists them."""
    told = json.loads(run("accounts", "list", workspace, "--json").stdout)
    return {each["account"]: each for each in told["accounts"]}


def test_an_account_is_made_and_can_sign_in(run, workspace: Path) -> None:
    """The password comes from the file that the environment names."""
    made = run("accounts", "add", workspace, "ada", "Ada Admin", "--role", "admin")
    assert made.exit_code == 0, made.stderr
    assert listed(run, workspace)["ada"] | {"created_at": ""} == {
        "account": "ada",
        "name": "Ada Admin",
        "role": "admin",
        "enabled": True,
        "password": True,
        "created_at": "",
    }
    with open_workspace(workspace) as opened:
        assert sign_in(opened, "ada", PASSWORD, address="here").actor.role is Role.ADMIN


def test_an_administrator_acts_by_name_and_others_may_not(run, workspace: Path) -> None:
    """The log names who did it; a reader is refused."""
    run("accounts", "add", workspace, "abe", "Abe Admin", "--role", "admin")
    made = run("accounts", "add", workspace, "cleo", "Cleo Cole", "--role", "auditor", "--as", "abe")
    assert made.exit_code == 0 and "accounts password" in made.stdout
    refused = run("accounts", "add", workspace, "dan", "Dan Dale", "--role", "auditor", "--as", "anna")
    assert (refused.exit_code, "may not manage accounts" in refused.stderr) == (1, True)
    shown = run("audit", "show", workspace, "--json").stdout
    assert '"account:cleo"' in shown and "dan" not in listed(run, workspace)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("eve\u200b", "Eve Evans", "--role", "reader"), "account id"),
        (("eve", "Eve\u202eEvans", "--role", "reader"), "U\\+202E"),
        (("eve", "Аnnа Berg", "--role", "reader"), "looks like that of 'anna'"),
        (("eve", "Eve Evans", "--role", "system"), "system"),
        (("ANNA", "Eve Evans", "--role", "reader"), "capitals only"),
    ],
)
def test_an_account_that_would_confuse_is_refused(run, workspace: Path, arguments: tuple[str, ...], words: str) -> None:
    """Attack 26: in one sentence, and nothing is made."""
    before = listed(run, workspace)
    refused = run("accounts", "add", workspace, *arguments)
    assert refused.exit_code == 2
    assert re.search(words, refused.stderr)
    assert listed(run, workspace) == before


def test_who_is_disabled_acts_no_more_until_enabled(run, workspace: Path) -> None:
    """Twice the same is refused; that somebody acted in that name is logged."""
    assert run("accounts", "disable", workspace, "ben").exit_code == 0
    assert run("accounts", "disable", workspace, "ben").exit_code == 1
    refused = run("backup", workspace, workspace.parent / "b.db", "--as", "ben")
    assert (refused.exit_code, "disabled" in refused.stderr) == (1, True)
    (event,) = json.loads(run("audit", "show", workspace, "--limit", 1, "--json").stdout)["events"]
    assert (event["action"], event["subject"]) == ("session.refused", "account:ben")
    assert event["detail"] == {"address": "command line", "locked": False}
    assert listed(run, workspace)["ben"]["enabled"] is False
    assert "disabled" in run("accounts", "list", workspace).stdout
    assert run("accounts", "enable", workspace, "ben").exit_code == 0


def test_a_wrong_password_file_is_refused_and_counts(run, workspace: Path, tmp_path: Path) -> None:
    """Five times, then not even the right one is tried."""
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("not the password\n", encoding="utf-8")
    run("accounts", "add", workspace, "fay", "Fay Frost", "--role", "auditor")
    for _ in range(5):
        refused = run("backup", workspace, tmp_path / "b.db", "--as", "fay", "--password-file", wrong)
        assert (refused.exit_code, "belong together" in refused.stderr) == (1, True)
    assert "Too many" in run("backup", workspace, tmp_path / "b.db", "--as", "fay").stderr
    assert not (tmp_path / "b.db").exists()


def test_without_a_terminal_and_a_file_one_sentence_says_so(run, workspace: Path) -> None:
    """Wrong use, not a prompt that hangs a script."""
    for arguments in (("backup", workspace, "b.db", "--as", "anna"), ("accounts", "password", workspace, "anna")):
        refused = run(*arguments, HITL_PASSWORD_FILE=None)
        assert refused.exit_code == 2
        assert "--password-file" in refused.stderr and len(refused.stderr.splitlines()) == 1


def test_a_password_that_is_none_is_refused_without_being_told(run, workspace: Path, tmp_path: Path) -> None:
    """Too short; the sentence does not repeat it."""
    short = tmp_path / "short.txt"
    short.write_text("sesame\n", encoding="utf-8")
    refused = run("accounts", "password", workspace, "anna", "--password-file", short)
    assert refused.exit_code == 2
    assert "at least 12" in refused.stderr and "sesame" not in refused.stderr


def test_init_makes_the_first_administrator(run, tmp_path: Path, workspace: Path) -> None:
    """With a password; a bad one or a confusing name makes no workspace at all."""
    project = Path(__file__).parents[2] / "data" / "support2" / "project.toml"
    made = run("init", tmp_path / "one", "--project", project, "--admin", "ada", "Ada Admin", "--reader", "bo", "Bo Ek")
    assert made.exit_code == 0, made.stderr
    with open_workspace(tmp_path / "one") as opened:
        assert sign_in(opened, "ada", PASSWORD, address="here")
        assert accounts.password(opened.store, "bo") is None
    for first, second in ((("a", "Al Li"), ("b", "A1 Li")), (("a", "Al Li"), ("a", "Bo Ek"))):
        refused = run("init", tmp_path / "two", "--project", project, "--reader", *first, "--reader", *second)
        assert refused.exit_code == 2
    assert not (tmp_path / "two").exists()


def test_an_identity_is_linked_and_taken_away(run, workspace: Path) -> None:
    """By issuer and subject."""
    identity = ("--issuer", "https://id.example", "--subject", "8f2c")
    assert run("accounts", "link", workspace, "anna", *identity).exit_code == 0
    assert run("accounts", "link", workspace, "ben", *identity).exit_code == 1
    with open_workspace(workspace) as opened:
        found = accounts.account_of_identity(opened.store, issuer="https://id.example", subject="8f2c")
    assert found == "anna"
    assert run("accounts", "link", workspace, "anna", *identity, "--remove").exit_code == 0
    assert run("accounts", "link", workspace, "ben", *identity).exit_code == 0


def test_the_printed_matrix_is_the_one_that_decides(run) -> None:
    """Every act, every role, in words and as JSON."""
    matrix = json.loads(run("accounts", "permissions", "--json").stdout)["permissions"]
    assert matrix == {
        permission.name.lower(): {role.value: may(role, permission) for role in Role} for permission in Permission
    }
    lines = run("accounts", "permissions").stdout.splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == [permission.value for permission in Permission]
    heads = [head.strip() for head in lines[0].split("  ") if head.strip()]
    assert heads == [role.words for role in Role]
    for line, permission in zip(lines[1:], Permission, strict=True):
        cells = line.removeprefix(permission.value).split()
        assert cells == ["yes" if may(role, permission) else "-" for role in Role]
