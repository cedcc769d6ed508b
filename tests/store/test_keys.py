"""The signing key is made once, for its owner only, and lies outside the database."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from hitl_review.errors import WorkspaceError
from hitl_review.store.keys import KEY_FILE, create_key, key_path, read_key


def test_a_key_is_made_for_its_owner_only(tmp_path: Path) -> None:
    """32 bytes of public key, and a private one that nobody else can read."""
    public = create_key(tmp_path)
    path = tmp_path / KEY_FILE
    assert len(public) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    raw = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    assert private.public_key().public_bytes(*raw) == public


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Every checkpoint signed with it would be worthless."""
    create_key(tmp_path)
    before = (tmp_path / KEY_FILE).read_bytes()
    with pytest.raises(WorkspaceError, match="already"):
        create_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == before


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no devices in its file system")
def test_what_is_no_file_is_not_read_for_a_key(tmp_path: Path) -> None:
    """A pipe would be waited for with the log locked, a device read for ever."""
    os.mkfifo(tmp_path / KEY_FILE)
    with pytest.raises(WorkspaceError, match="is no file"):
        read_key(tmp_path)
    (tmp_path / KEY_FILE).unlink()
    (tmp_path / KEY_FILE).symlink_to("/dev/zero")
    with pytest.raises(WorkspaceError, match="is no file"):
        read_key(tmp_path)


def test_another_place_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Better on another disk or in other hands."""
    monkeypatch.setenv("HITL_KEY_FILE", str(tmp_path / "elsewhere.key"))
    create_key(tmp_path)
    assert key_path(tmp_path).name == "elsewhere.key"
    assert not (tmp_path / KEY_FILE).exists()
