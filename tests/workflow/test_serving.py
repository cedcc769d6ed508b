"""Serving is refused where it would not be safe, in one sentence that says where the fault stands."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

import pytest

from hitl_review.errors import WorkspaceError
from hitl_review.store.connection import DATABASE
from hitl_review.store.keys import KEY_FILE, key_path
from hitl_review.workflow import serving
from hitl_review.workflow.diagnosing import modes_check
from hitl_review.workflow.environment import State
from hitl_review.workflow.serving import (
    file_faults,
    is_own_group,
    loosened,
    reach,
    refuse_unsafe,
    secret_faults,
)

LOOSE = {
    "STREAMLIT_SERVER_ENABLE_AGENT_API": "true",
    "STREAMLIT_SERVER_ENABLE_CORS": "false",
    "STREAMLIT_GLOBAL_DEVELOPMENT_MODE": "true",
    "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
    "STREAMLIT_CLIENT_SHOW_ERROR_DETAILS": "full",
    "STREAMLIT_CLIENT_DISABLE_DATA_EXPORT": "false",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "true",
    "STREAMLIT_SERVER_ALLOWED_HOSTS": "evil.example",
    "STREAMLIT_SERVER_CORS_ALLOWED_ORIGINS": "https://evil.example",
    "STREAMLIT_SERVER_TRUSTED_USER_HEADERS": "X-User=user",
    "STREAMLIT_SERVER_ADDRESS": "0.0.0.0",
    "STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "5000",
    "STREAMLIT_SERVER_BASE_URL_PATH": "review",
    "STREAMLIT_GLOBAL_E2E_TEST": "true",
    "STREAMLIT_SECRETS_FILES": "/somewhere/secrets.toml",
    "STREAMLIT_LOGGER_ENABLE_RICH": "true",
}
FILES = (
    "[server]\nenableAgentApi = true\n",
    "[server]\nenableCORS = false\n",
    "[global]\ndevelopmentMode = true\n",
    "[server]\nenableXsrfProtection = false\n",
    '[server]\nallowedHosts = ["evil.example"]\n',
    '[server.trustedUserHeaders]\nX-User = "user"\n',
    "[server]\nmaxUploadSize = 6\n",
    '[server]\nbaseUrlPath = "review"\n',
    "[global]\ne2eTest = true\n",
    "[logger]\nenableRich = true\n",
    '[client]\nshowErrorDetails = "full"\n',
    "[client]\ndisableDataExport = false\n",
)


def served(folder: Path, *, files: tuple[Path, ...] = (), **environ: str) -> list[str]:
    """What is warned of when a workspace is served."""
    return refuse_unsafe(folder, files=files, environ=environ)


def test_a_workspace_as_it_was_made_is_served(reviewed_folder: Path) -> None:
    """With a warning at most: of an old SQLite, or a disk that is shared with a host."""
    assert all("SQLite" in each or "shared" in each for each in served(reviewed_folder))


@pytest.mark.parametrize("name", LOOSE)
def test_a_variable_that_loosens_is_refused_by_its_name(reviewed_folder: Path, name: str) -> None:
    """One sentence: the variable, and what it would do."""
    with pytest.raises(WorkspaceError, match=name) as refused:
        served(reviewed_folder, **{name: LOOSE[name]})
    assert str(refused.value).count(".") <= 2


@pytest.mark.parametrize("text", FILES)
def test_a_settings_file_that_loosens_is_refused_by_its_place(
    reviewed_folder: Path, tmp_path: Path, text: str
) -> None:
    """Be it this user's, or one that lies where the command was started."""
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    with pytest.raises(WorkspaceError, match=r"config\.toml sets"):
        served(reviewed_folder, files=(tmp_path / "config.toml",))


def test_a_settings_file_that_can_not_be_read_is_refused(reviewed_folder: Path, tmp_path: Path) -> None:
    """Nobody can tell what it asks for."""
    (tmp_path / "config.toml").write_text("[server", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="can't be read"):
        served(reviewed_folder, files=(tmp_path / "config.toml",))


def test_what_is_safe_may_be_set(tmp_path: Path) -> None:
    """A theme, a smaller upload, the very settings that are shipped."""
    (tmp_path / "config.toml").write_text(
        '[theme]\nbase = "dark"\n[server]\nmaxUploadSize = 2\nenableCORS = true\nport = 9000\n',
        encoding="utf-8",
    )
    assert (
        loosened([tmp_path / "config.toml", tmp_path / "none.toml"], {"STREAMLIT_SERVER_ENABLE_CORS": "True"})
        == []
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_a_key_that_others_may_read_or_change_is_refused(reviewed_folder: Path, mode: int) -> None:
    """With the command that mends it."""
    key_path(reviewed_folder).chmod(mode)
    with pytest.raises(WorkspaceError, match="chmod 600"):
        served(reviewed_folder)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_database_that_others_may_change_is_refused(reviewed_folder: Path, mode: int) -> None:
    """Whatever the log says then, somebody else may have written it."""
    (reviewed_folder / DATABASE).chmod(mode)
    with pytest.raises(WorkspaceError, match="others may change"):
        served(reviewed_folder)


@pytest.mark.parametrize(("mode", "own"), [(0o777, True), (0o772, True), (0o770, False)])
def test_a_folder_into_which_others_may_put_files_is_refused(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch, mode: int, own: bool
) -> None:
    """They could put another database or key in the place of these, whatever the modes of the files say."""
    monkeypatch.setattr(serving, "is_own_group", lambda *_: own)
    reviewed_folder.chmod(mode)
    with pytest.raises(WorkspaceError, match="chmod go-w"):
        served(reviewed_folder)


def test_a_group_of_the_owner_alone_may_write_there(
    reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many systems give each user one, and make folders that it may write; the key's own folder is looked at too."""
    monkeypatch.setattr(serving, "is_own_group", lambda *_: True)
    reviewed_folder.chmod(0o775)
    served(reviewed_folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("HITL_KEY_FILE", str(shutil.move(key_path(reviewed_folder), elsewhere / "my.key")))
    served(reviewed_folder)
    elsewhere.chmod(0o1777)
    served(reviewed_folder)  # nobody may replace another's file there
    elsewhere.chmod(0o777)
    with pytest.raises(WorkspaceError, match=f"chmod go-w {elsewhere}"):
        served(reviewed_folder)
    monkeypatch.delenv("HITL_KEY_FILE")
    key_path(reviewed_folder).symlink_to(elsewhere / "my.key")
    with pytest.raises(WorkspaceError, match=f"chmod go-w {elsewhere}"):
        served(reviewed_folder)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The file with the secrets of an identity provider, as it should be."""
    path = tmp_path / ".streamlit" / "secrets.toml"
    path.parent.mkdir(mode=0o755)
    path.write_text(f'[auth]\ncookie_secret = "{"x7" * 16}"\n', encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_an_identity_providers_secrets_that_others_may_read_are_refused(
    reviewed_folder: Path, secrets: Path, mode: int
) -> None:
    """Whoever reads the secret of its cookie makes one that stands for anybody."""
    refuse_unsafe(reviewed_folder, files=(), environ={}, secrets=[secrets, secrets.with_name("none.toml")])
    secrets.chmod(mode)
    with pytest.raises(WorkspaceError, match=f"chmod 600 {secrets}"):
        refuse_unsafe(reviewed_folder, files=(), environ={}, secrets=[secrets])


def test_secrets_that_others_may_replace_or_guess_are_refused(secrets: Path) -> None:
    """In an open folder, or as short as in an example; what names no provider may be read."""
    me = secrets.stat().st_uid
    assert secret_faults([secrets], user=me) == []
    secrets.parent.chmod(0o777)
    assert "chmod go-w" in secret_faults([secrets], user=me)[0]
    secrets.parent.chmod(0o755)
    if me != 0:  # whose files are nobody else's
        assert "belongs to another user" in secret_faults([secrets], user=me + 1)[0]
    for text in ('[auth]\ncookie_secret = "xxx"\n', '[auth]\nredirect_uri = "x"\n'):
        secrets.write_text(text, encoding="utf-8")
        assert "can be guessed" in secret_faults([secrets], user=me)[0]
    secrets.write_text('token = "of something else"\n', encoding="utf-8")
    secrets.chmod(0o644)
    assert secret_faults([secrets], user=me) == []
    secrets.chmod(0o664)
    assert "chmod 600" in secret_faults([secrets], user=me)[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the system's own user may give files away")
@pytest.mark.parametrize("name", ["", DATABASE, KEY_FILE])
def test_what_belongs_to_another_user_is_not_served(reviewed_folder: Path, name: str) -> None:
    """Whoever owns a file or its folder changes it, whatever the mode says; the system's own user is only warned."""
    me, other = 4711, 4712
    for path in (reviewed_folder.parent, reviewed_folder, *reviewed_folder.iterdir()):
        os.chown(path, me, me)
    assert file_faults(reviewed_folder, user=me) == []
    os.chown(reviewed_folder / name, other, other)
    assert [each.split(" ")[0] for each in file_faults(reviewed_folder, user=me)] == [str(reviewed_folder / name)]
    assert any(str(reviewed_folder / name) in each and "another user" in each for each in served(reviewed_folder))
    check = modes_check(reviewed_folder)
    assert check.state is State.WARNING and "another user" in check.found


def test_a_group_with_others_in_it_is_not_the_owners_own() -> None:
    """Its name and its members say so; one that nobody knows is not trusted."""
    me = pwd.getpwuid(os.getuid())
    assert not is_own_group(me.pw_uid, 2**31 - 7)
    assert not is_own_group(2**31 - 7, me.pw_gid)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "fuse.sshfs", "smb3"])
def test_a_workspace_over_a_network_is_refused(
    reviewed_folder: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Locks and the write-ahead log don't hold there."""
    monkeypatch.setattr(serving, "mounts_text", lambda: f"host:/x {reviewed_folder} {kind} rw 0 0\n")
    with pytest.raises(WorkspaceError, match="network"):
        served(reviewed_folder)


def test_a_disk_shared_with_a_host_is_warned_of(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container's own disk may look so; it can't be told."""
    monkeypatch.setattr(serving, "mounts_text", lambda: f"host {reviewed_folder} 9p rw 0 0\n")
    assert any("9p" in each for each in served(reviewed_folder))


def test_a_file_of_checkpoints_that_takes_no_line_is_warned_of(
    reviewed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it, so that a folder spelled wrong would be noticed when it is too late."""
    for place, warned in (
        (tmp_path / "not-made" / "checkpoints.txt", True),
        (tmp_path, True),
        (tmp_path / "checkpoints.txt", False),
    ):
        monkeypatch.setenv("HITL_CHECKPOINTS", str(place))
        assert any(f"can't be written at {place}" in each for each in served(reviewed_folder)) is warned


def test_several_faults_are_counted(reviewed_folder: Path) -> None:
    """The first is told whole."""
    key_path(reviewed_folder).chmod(0o644)
    with pytest.raises(WorkspaceError, match="And 1 more"):
        served(reviewed_folder, STREAMLIT_SERVER_ENABLE_CORS="false")


def test_the_app_answers_only_under_names_it_was_told() -> None:
    """This machine's own, and the public one."""
    assert reach(None) == {"server.allowedHosts": ["localhost", "127.0.0.1"], "server.corsAllowedOrigins": []}
    told = reach("https://Review.Example.org:8443/")
    assert told["server.allowedHosts"][-1] == "review.example.org"
    assert told["server.corsAllowedOrigins"] == ["https://review.example.org:8443"]


@pytest.mark.parametrize(
    "url",
    [
        "http://review.example.org",
        "review.example.org",
        "https://",
        "https://*",
        "https://a.example/path",
        "https://user:pw@a.example",
        "https://a.example?x=1",
        "https://a.example:99999",
        "javascript:alert(1)",
        "https://[::1",
        "https://a.exam\nple",
        "https://a.example ",
    ],
)
def test_what_is_no_public_address_is_refused(url: str) -> None:
    """Passwords go only over TLS, and a star would let everybody in."""
    with pytest.raises(WorkspaceError):
        reach(url)
