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

KEY_FILE: Final = "checkpoint.key"


def key_path(folder: Path) -> Path:
    """Return where the private key of a workspace lies."""
    named = os.environ.get("HITL_KEY_FILE")
    return Path(named) if named else folder / KEY_FILE


def create_key(folder: Path) -> bytes:
    """Make the signing key of a new workspace and return the 32 raw bytes of its public key.

    Raises WorkspaceError when a key lies there already: a key is never overwritten.
    """
    key = Ed25519PrivateKey.generate()
    path = key_path(folder)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise WorkspaceError(
            f"There is a signing key at {path} already; move it away or name another place."
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return raw_public_key(key)


def raw_public_key(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 raw bytes of a key's public half."""
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def read_key(folder: Path) -> Ed25519PrivateKey:
    """Return the signing key of a workspace; WorkspaceError if it is not there, or no Ed25519 key."""
    path = key_path(folder)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
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
