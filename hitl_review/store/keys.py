"""The key that signs checkpoints of the log: made with the workspace, kept outside the database.

Ed25519, PEM, mode 0600. Backups of the database do not hold it. `HITL_KEY_FILE` names another
place for it, which is better: whoever holds both file and key can rewrite what no outsider holds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hitl_review.errors import WorkspaceError
from hitl_review.store.copying import sync_folder

KEY_FILE: Final = "checkpoint.key"
MOST_BYTES: Final = 65_536
"""No key is longer; of what was put in its place, no more is read."""


def key_path(folder: Path) -> Path:
    """Return where the private key of a workspace lies."""
    named = os.environ.get("HITL_KEY_FILE")
    return Path(named) if named else folder / KEY_FILE


def create_key(folder: Path) -> bytes:
    """Make the signing key of a new workspace and return the 32 raw bytes of its public key.

    Raises WorkspaceError when a key lies there already: a key is never overwritten.
    """
    return raw_public_key(_make(key_path(folder)))


def create_next_key(folder: Path) -> Ed25519PrivateKey:
    """Make the key that is to follow, beside the one in force; one that was left over is put aside for it.

    What was left over is of a change that was never stored: `key_for` would have found the other kind.
    """
    next_key_path(folder).unlink(missing_ok=True)
    return _make(next_key_path(folder))


def next_key_path(folder: Path) -> Path:
    """Return where a key lies that follows the one in force, until it takes its place: beside it, not beside a link."""
    path = Path(os.path.realpath(key_path(folder)))
    return path.with_name(path.name + ".next")


def follow(folder: Path) -> None:
    """Let the next key take the place of the one before it; a link to that one stays, and leads to the next."""
    os.replace(next_key_path(folder), os.path.realpath(key_path(folder)))


def forget_next(folder: Path) -> None:
    """Remove a key that was made for a change that did not happen."""
    next_key_path(folder).unlink(missing_ok=True)


def _make(path: Path) -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise WorkspaceError(
            f"There is a signing key at {path} already; move it away or name another place."
        ) from error
    except OSError as error:
        raise WorkspaceError(
            f"No signing key can be made at {path} ({error.strerror}). Name another place."
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return key


def raw_public_key(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 raw bytes of a key's public half."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def key_for(folder: Path, public_key: bytes) -> Ed25519PrivateKey:
    """Return the private half of a public key; WorkspaceError if neither the key nor the next one is it.

    The next key is in force before it has taken its place: a crash may come in between.
    """
    key = read_key(folder)
    if raw_public_key(key) != public_key and next_key_path(folder).is_file():
        key = read_next_key(folder)
    if raw_public_key(key) != public_key:
        raise WorkspaceError(
            "The signing key is not the one this log names. Put back the one made with the workspace."
        )
    return key


def read_key(folder: Path) -> Ed25519PrivateKey:
    """Return the signing key of a workspace; WorkspaceError if it is not there, or no Ed25519 key."""
    return _read(key_path(folder))


def read_next_key(folder: Path) -> Ed25519PrivateKey:
    """Return the key that is to follow; WorkspaceError if it is not there, or no Ed25519 key."""
    return _read(next_key_path(folder))


def _read(path: Path) -> Ed25519PrivateKey:
    try:
        if path.exists() and not path.is_file():  # such as a pipe, which would be waited for with the writer's lock
            raise WorkspaceError(f"{path} is no file. Put back the key that was made with the workspace.")
        with path.open("rb") as file:
            key = serialization.load_pem_private_key(file.read(MOST_BYTES), password=None)
    except OSError as error:
        raise WorkspaceError(
            f"The signing key {path} can't be read ({error.strerror}). Put it back, or name its place in HITL_KEY_FILE."
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WorkspaceError(
            f"{path} holds no signing key. Put back the one made with the workspace."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise WorkspaceError(f"{path} holds no Ed25519 key. Put back the one made with the workspace.")
    return key


def is_signed_by(public_key: bytes, signature: bytes, text: str) -> bool:
    """Tell whether a signature over a text was made with the key of this public half."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
