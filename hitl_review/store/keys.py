"""The key that signs checkpoints of the log: made with the workspace, kept outside the database.

Ed25519, PEM, mode 0600. Backups of the database do not hold it. `HITL_KEY_FILE` names another
place for it, which is better: whoever holds both file and key can rewrite what no outsider holds.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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
    return key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
