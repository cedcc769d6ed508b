"""The row of a promotion, with a signature and without one."""

from __future__ import annotations

import pytest

from hitl_review.workflow.twins import TWINS

AT = "2026-11-22T09:12:03.000001Z"
SIGNED = {"name": "Abe", "meaning": "approval", "at": AT, "method": "password", "proved_at": "2026"}


@pytest.mark.parametrize(
    ("signature", "columns"), [(SIGNED, ("Abe", "approval", AT, "password", "2026")), (None, (None,) * 5)]
)
def test_a_move_that_nobody_signed_has_an_empty_signature(
    signature: dict[str, object] | None, columns: tuple[object, ...]
) -> None:
    """Such as one that the product makes by itself; nothing else of it may be empty."""
    (twin,) = (twin for twin in TWINS if twin.table == "promotions")
    told = {
        "event_id": "e-1",
        "at": AT,
        "actor": "abe",
        "action": "model.rolled_back",
        "detail": {
            "model": "sha256:1",
            "gate": "g",
            "protocol": "p",
            "statement": "s",
            "signature": signature,
        },
    }
    names = ("signed_name", "signed_meaning", "signed_at", "signed_method", "signed_proof")
    assert twin.row_of(told) == {
        "event_id": "e-1",
        "model": "sha256:1",
        "move": "rolled_back",
        "at": AT,
        "by": "abe",
        "gate": "g",
        "protocol": "p",
        "statement": "s",
        **dict(zip(names, columns, strict=True)),
    }
