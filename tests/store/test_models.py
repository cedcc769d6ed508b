"""Model versions are kept with their bytes; which one is in use follows from the log."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.audit import text_digest
from hitl_review.domain.canonical import bytes_digest
from hitl_review.domain.registry import Move, Promotion
from hitl_review.errors import Conflict, ModelError, NoChampion
from hitl_review.store import audit, models
from hitl_review.workflow.promotion import promote
from hitl_review.workflow.workspace import Workspace
from tests.ward import train
from tests.ward_learning import put_in_use

ABE = Actor("approver-1", "Abe Approver", Role.APPROVER)


def test_a_version_comes_back_with_its_bytes_manifest_and_figures(workspace: Workspace) -> None:
    """Known by the digest of the bytes, named in order of training."""
    digest = train(workspace, b"first")
    other = train(workspace, b"second")
    assert digest == bytes_digest(b"first")
    assert models.artefact(workspace.store, digest) == b"first"
    assert [version.name for version in models.versions(workspace.store)] == ["v1", "v2"]
    version = models.version(workspace.store, other)
    assert (version.digest, version.name, version.trained_by) == (other, "v2", "system")
    assert text_digest(models.manifest(workspace.store, version.manifest)) == version.manifest
    assert [figure.name for figure in models.figures(workspace.store, other)] == ["beeswarm"]


def test_the_same_bytes_are_one_version(workspace: Workspace) -> None:
    """Training that gives the same model again is refused whole."""
    train(workspace, b"first")
    before = audit.head(workspace.store)
    with pytest.raises(Conflict):
        train(workspace, b"first")
    assert audit.head(workspace.store) == before


def test_the_newest_move_decides_which_model_is_in_use(workspace: Workspace) -> None:
    """By the order of the log; a stopped model is none."""
    first, second = train(workspace, b"first"), train(workspace, b"second")
    with pytest.raises(NoChampion, match="hitl-review train"):
        models.champion(workspace.store)
    promote(workspace, second, actor=ABE)
    put_in_use(workspace, first, approver=ABE)
    assert models.champion(workspace.store).digest == first
    newest = models.newest_move(workspace.store)
    assert newest is not None
    assert (newest.model, newest.move, newest.by) == (first, Move.PROMOTED, "approver-1")
    with workspace.store.transaction(ABE):
        event = audit.append(workspace.store, "model.stopped", f"model:{first}", {"model": None})
        now = workspace.store.current().now
        models.move(workspace.store, Promotion(None, Move.STOPPED, now, ABE.account_id, event.event_id))
    with pytest.raises(NoChampion, match="stopped"):
        models.champion(workspace.store)


@pytest.mark.parametrize("ask", [models.version, models.artefact, models.manifest])
def test_an_unknown_digest_is_refused_in_a_sentence(workspace: Workspace, ask) -> None:  # type: ignore[no-untyped-def]
    """No version, no bytes, no manifest."""
    with pytest.raises(ModelError):
        ask(workspace.store, "sha256:none")
