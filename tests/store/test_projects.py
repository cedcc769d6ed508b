"""The newest project text is in force, and every earlier one can be looked up by its digest."""

from __future__ import annotations

import pytest

from hitl_review.domain.audit import text_digest
from hitl_review.errors import WorkspaceError
from hitl_review.store import audit, projects
from hitl_review.store.connection import Store


def configure(store: Store, text: str) -> None:
    """Put a project text in force."""
    with store.transaction():
        event = audit.append(store, "project.configured", "project:x", {"digest": text_digest(text)})
        projects.add(store, text, event_id=event.event_id)


def test_the_newest_text_is_in_force(store: Store) -> None:
    """By the order of the log; going back to an earlier text is a new event."""
    for text in ("first", "second", "first"):
        configure(store, text)
        assert projects.current(store) == (text, text_digest(text))
    assert projects.text_of(store, text_digest("second")) == "second"


def test_without_a_project_there_is_a_sentence(store: Store) -> None:
    """With what to do."""
    with pytest.raises(WorkspaceError, match="hitl-review init"):
        projects.current(store)
    with pytest.raises(WorkspaceError, match="not in the workspace"):
        projects.text_of(store, "sha256:none")
