"""Project texts: what was predicted, from which features, under which policies, since when."""

from __future__ import annotations

from hitl_review.domain.audit import stamp, text_digest
from hitl_review.errors import WorkspaceError
from hitl_review.store.connection import Store


def add(store: Store, text: str, *, event_id: str) -> None:
    """Keep a project text; the newest one is in force."""
    store.insert(
        "INSERT INTO projects (event_id, digest, text, configured_at) VALUES (?, ?, ?, ?)",
        (event_id, text_digest(text), text, stamp(store.current().now)),
    )


def current(store: Store) -> tuple[str, str]:
    """Return the text in force and its digest."""
    # CROSS JOIN keeps SQLite from walking the log from its end until it meets an event of a project.
    row = store.row(
        "SELECT p.text, p.digest FROM projects p CROSS JOIN audit_log a USING (event_id)"
        " ORDER BY a.seq DESC LIMIT 1"
    )
    if row is None:
        raise WorkspaceError("The workspace has no project. Make it anew with `hitl-review init`.")
    return row["text"], row["digest"]


def text_of(store: Store, digest: str) -> str:
    """Return the project text with this digest: the one in force when something was shown."""
    row = store.row("SELECT text FROM projects WHERE digest = ?", (digest,))
    if row is None:
        raise WorkspaceError("The project text that was in force then is not in the workspace.")
    return str(row["text"])
