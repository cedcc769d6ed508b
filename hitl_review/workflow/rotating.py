"""The key that signs checkpoints is changed: the old one names the new one, in an event of the log.

A checkpoint by the old key stands before it and one by the new key behind it, in one transaction, so
there is no moment at which it is not clear which key is in force.
"""

from __future__ import annotations

import base64
from contextlib import suppress

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.rotation import Rotation
from hitl_review.errors import HitlError
from hitl_review.store import audit, checkpoints, keys
from hitl_review.workflow.workspace import Workspace


def rotate_key(workspace: Workspace, *, actor: Actor = SYSTEM) -> Rotation:
    """Change the key and return from which to which. WorkspaceError without the old one: it has to sign.

    The old private key is gone afterwards. Checkpoints that it signed stay good: the log names it.
    """
    require(actor, Permission.ROTATE_KEY)
    store, folder = workspace.store, workspace.folder
    new: Ed25519PrivateKey | None = None
    try:
        with store.transaction(actor):
            _follow(workspace)
            old, new = keys.key_for(folder, checkpoints.key_in_force(store)), keys.create_next_key(folder)
            checkpoints.publish(store, folder)
            head = audit.head(store)
            rotation = Rotation(
                checkpoints.origin_of(store),
                head.size,
                head.hash,
                _text(keys.raw_public_key(old)),
                _text(keys.raw_public_key(new)),
            )
            signature = _text(old.sign(rotation.statement.encode()))
            audit.append(store, "key.rotated", f"log:{rotation.origin}", rotation.detail(signature))
            checkpoints.publish(store, folder, next_key=new)
    except BaseException:
        if new is not None:
            _forget(workspace, new)
        raise
    with store.transaction(SYSTEM):
        _follow(workspace)
    checkpoints.anchor(store, folder)
    return rotation


def _forget(workspace: Workspace, new: Ed25519PrivateKey) -> None:
    """Remove the key of a change that was not stored, if it still lies there and is no other change's."""
    with suppress(HitlError), workspace.store.transaction(SYSTEM):
        raw, path = keys.raw_public_key(new), keys.next_key_path(workspace.folder)
        lies_there = path.is_file() and keys.raw_public_key(keys.read_next_key(workspace.folder)) == raw
        if lies_there and checkpoints.key_in_force(workspace.store) != raw:
            keys.forget_next(workspace.folder)


def _follow(workspace: Workspace) -> None:
    """Let a next key that is in force take its place: a crash, or another change, came before it could.

    Inside the open transaction, so that nobody looks for a key while it moves or makes another one in its place.
    """
    path = keys.next_key_path(workspace.folder)
    public_key = checkpoints.key_in_force(workspace.store)
    if path.is_file() and keys.raw_public_key(
        keys.key_for(workspace.folder, public_key)
    ) != keys.raw_public_key(keys.read_key(workspace.folder)):
        keys.follow(workspace.folder)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
