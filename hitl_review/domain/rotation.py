"""The change of the key that signs checkpoints: the old key names the new one, so that trust can follow.

Whoever holds a checkpoint of the old key can go on from it to the new one, rotation by rotation, and
a key that nobody named is not believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hitl_review.domain.checkpoint import DOMAIN
from hitl_review.errors import AuditError


@dataclass(frozen=True, slots=True)
class Rotation:
    """From which key to which, and behind which event; keys are base64 of 32 raw bytes."""

    origin: str
    size: int
    """How many events the log held when the key changed."""
    head: str
    """The hash of the last one of them."""
    old: str
    new: str

    @property
    def statement(self) -> str:
        """The text that the old key signs."""
        return (
            f"hitl-review key rotation\n{DOMAIN}/{self.origin}\nbehind event {self.size}, head {self.head}\n"
            f"from {self.old}\nto {self.new}\n"
        )

    def detail(self, signature: str) -> dict[str, object]:
        """Return what the event of the rotation tells; `signature` is base64."""
        return {
            "size": self.size,
            "head": self.head,
            "old": self.old,
            "new": self.new,
            "statement": self.statement,
            "signature": signature,
        }


def read_rotation(origin: str, detail: Mapping[str, Any]) -> tuple[Rotation, str]:
    """Return what an event of a rotation tells, and its signature; AuditError if it is not told as it must be."""
    size, texts = detail.get("size"), [detail.get(name) for name in ("head", "old", "new", "signature")]
    head, old, new, signature = texts
    if type(size) is not int or not all(isinstance(text, str) for text in texts):
        raise AuditError("it does not tell what a change of the key has to tell")
    rotation = Rotation(origin, size, str(head), str(old), str(new))
    if detail.get("statement") != rotation.statement:
        raise AuditError("the statement that was signed is not the one its numbers make")
    return rotation, str(signature)
