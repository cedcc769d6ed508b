"""Model versions with their bytes, what they were trained on, and which one is in use."""

from __future__ import annotations

from collections.abc import Iterable

from hitl_review.domain.audit import moment, stamp, text_digest
from hitl_review.domain.registry import Figure, ModelVersion, Move, Promotion
from hitl_review.errors import ModelError, NoChampion
from hitl_review.store import signatures
from hitl_review.store.connection import Row, Store

_VERSION = "SELECT digest, name, trained_at, trained_by, manifest, card FROM models"
# CROSS JOIN keeps SQLite from walking the log from its end until it meets an event of a promotion.
_NEWEST_MOVE = (
    "SELECT p.* FROM promotions p CROSS JOIN audit_log a USING (event_id) ORDER BY a.seq DESC LIMIT 1"
)


def add(store: Store, version: ModelVersion, *, artefact: bytes, manifest_body: str, event_id: str) -> None:
    """Keep a model version with its bytes and its training manifest."""
    store.write(
        "INSERT INTO manifests (digest, body) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING",
        (text_digest(manifest_body), manifest_body),
    )
    store.insert(
        "INSERT INTO models (digest, name, artefact, manifest, card, trained_at, trained_by, event_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            version.digest,
            version.name,
            artefact,
            version.manifest,
            version.card,
            stamp(version.trained_at),
            version.trained_by,
            event_id,
        ),
    )


def add_figures(store: Store, model: str, figures: Iterable[Figure]) -> None:
    """Keep the global plots of a model version."""
    store.insert_many(
        "INSERT INTO figures (model, name, digest, alt, png) VALUES (?, ?, ?, ?, ?)",
        [(model, each.name, each.digest, each.alt, each.png) for each in figures],
    )


def figures(store: Store, model: str) -> list[Figure]:
    """Return the global plots of a model version."""
    rows = store.rows("SELECT name, alt, png FROM figures WHERE model = ? ORDER BY rowid", (model,))
    return [Figure(row["name"], row["alt"], bytes(row["png"])) for row in rows]


def next_name(store: Store) -> str:
    """Return the display name of the next model version: v1, v2, and so on."""
    row = store.row("SELECT count(*) + 1 AS next FROM models")
    return f"v{row['next'] if row else 1}"


def version(store: Store, digest: str) -> ModelVersion:
    """Return a model version; ModelError if there is none with this digest."""
    row = store.row(f"{_VERSION} WHERE digest = ?", (digest,))
    if row is None:
        raise ModelError(
            "There is no model with this digest in the workspace. List them with `hitl-review doctor`."
        )
    return _version(row)


def versions(store: Store) -> list[ModelVersion]:
    """Return all model versions, oldest first."""
    return [_version(row) for row in store.rows(f"{_VERSION} ORDER BY rowid")]


def artefact(store: Store, digest: str) -> bytes:
    """Return the bytes of a model version."""
    row = store.row("SELECT artefact FROM models WHERE digest = ?", (digest,))
    if row is None:
        raise ModelError(
            "There is no model with this digest in the workspace. List them with `hitl-review doctor`."
        )
    return bytes(row["artefact"])


def manifest(store: Store, digest: str) -> str:
    """Return the text of a training manifest."""
    row = store.row("SELECT body FROM manifests WHERE digest = ?", (digest,))
    if row is None:
        raise ModelError("The training manifest of this model is not in the workspace.")
    return str(row["body"])


def move(store: Store, moved: Promotion) -> None:
    """Keep a change of the model in use."""
    signature = moved.signature
    signed = (None,) * 5 if signature is None else signatures.columns_of(signature)
    store.insert(
        f"INSERT INTO promotions (event_id, model, move, at, by, gate, protocol, statement, {signatures.COLUMNS})"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(moved.event_id, moved.model, moved.move.value, stamp(moved.at), moved.by),
            *(moved.gate, moved.protocol, moved.statement, *signed),
        ),
    )


def moves(store: Store) -> list[Promotion]:
    """Return every change of the model in use, the oldest first."""
    return [_move(row) for row in store.rows("SELECT * FROM promotions ORDER BY rowid")]


def latest_in_use(store: Store) -> str | None:
    """Return the digest of the model in use, or of the one that was before it was stopped; None if never."""
    used = [each.model for each in moves(store) if each.model is not None]
    return used[-1] if used else None


def newest_move(store: Store) -> Promotion | None:
    """Return the latest change of the model in use, or None if there never was one."""
    row = store.row(_NEWEST_MOVE)
    if row is None:
        return None
    return _move(row)


def champion(store: Store) -> ModelVersion:
    """Return the model version in use; NoChampion if there is none or it was stopped."""
    newest = newest_move(store)
    if newest is None:
        raise NoChampion("No champion model yet. Train one with `hitl-review train`.")
    if newest.model is None:
        raise NoChampion("The model was stopped. Promote a version to use one again.")
    return version(store, newest.model)


def _move(row: Row) -> Promotion:
    signed = None if row["signed_name"] is None else signatures.signature_in(row)
    return Promotion(
        row["model"],
        Move(row["move"]),
        moment(row["at"]),
        row["by"],
        row["event_id"],
        row["gate"],
        row["protocol"],
        row["statement"],
        signed,
    )


def _version(row: Row) -> ModelVersion:
    return ModelVersion(
        row["digest"], row["name"], moment(row["trained_at"]), row["trained_by"], row["manifest"], row["card"]
    )
