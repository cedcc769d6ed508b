"""Model versions and which one is in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hitl_review.domain.canonical import bytes_digest, digest
from hitl_review.domain.signature import Signature


class Move(StrEnum):
    """How the model in use changed."""

    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A trained artefact, known by the SHA-256 of its bytes; `name` ("v1") is for display."""

    digest: str
    name: str
    trained_at: datetime
    trained_by: str
    manifest: str
    """Digest of the training manifest: which cases, snapshots, labels and weights."""
    card: str
    """JSON: parameters, seed, library versions, rows, cross-validated measures."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A global plot of a model version, drawn once when it was trained."""

    name: str
    alt: str
    png: bytes

    @property
    def digest(self) -> str:
        """`sha256:<hex>` over name, words and picture, so that none of them can be changed alone."""
        return digest({"name": self.name, "alt": self.alt, "png": bytes_digest(self.png)})


@dataclass(frozen=True, slots=True)
class Promotion:
    """A change of the model in use; `model` is None when the model was stopped.

    `gate` is the report it rests on and `protocol` the digest of what that gate asked for; `statement`
    is what the person said where the gate could not decide, or why the model was stopped.
    """

    model: str | None
    move: Move
    at: datetime
    by: str
    event_id: str
    gate: str | None = None
    protocol: str | None = None
    statement: str = ""
    signature: Signature | None = None
