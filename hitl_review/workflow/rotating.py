"""The key that signs checkpoints is changed: the old one names the new one, in an event of the log.

A checkpoint by the old key stands before it and one by the new key behind it, in one transaction, so
there is no moment at which it is not clear which key is in force.
"""

from __future__ import annotations

import base64

from hitl_review.domain.account import SYSTEM, Actor, Permission, require
from hitl_review.domain.rotation import Rotation
from hitl_review.store import audit, checkpoints, keys
from hitl_review.workflow.workspace import Workspace


def rotate_key(workspace: Workspace, *, actor: Actor = SYSTEM) -> Rotation:
    """Change the key and return from which to which. WorkspaceError without the old one: it has to sign.

    The old private key is gone afterwards. Checkpoints that it signed stay good: the log names it.
    """
    require(actor, Permission.ROTATE_KEY)
    store, folder = workspace.store, workspace.folder
    _settle(workspace)
    new = keys.create_next_key(folder)
    try:
        with store.transaction(actor):
            old = keys.key_for(folder, checkpoints.key_in_force(store))
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
        keys.forget_next(folder)
        raise
    keys.follow(folder)
    checkpoints.anchor(store, folder)
    return rotation


def _settle(workspace: Workspace) -> None:
    """Let a next key that is in force take its place: a crash came before it could."""
    path = keys.next_key_path(workspace.folder)
    public_key = checkpoints.key_in_force(workspace.store)
    if path.is_file() and keys.raw_public_key(
        keys.key_for(workspace.folder, public_key)
    ) != keys.raw_public_key(keys.read_key(workspace.folder)):
        keys.follow(workspace.folder)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
