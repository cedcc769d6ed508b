"""A signature as the columns `signed_name`, `signed_meaning`, `signed_at`, `signed_method` and `signed_proof`."""

from __future__ import annotations

from typing import Final

from hitl_review.domain.audit import moment, stamp
from hitl_review.domain.signature import ProofMethod, Signature
from hitl_review.store.connection import Row

COLUMNS: Final = "signed_name, signed_meaning, signed_at, signed_method, signed_proof"


def columns_of(signature: Signature) -> tuple[str, str, str, str, str | None]:
    """Return a signature as its five columns, in the order of `COLUMNS`."""
    return (
        signature.name,
        signature.meaning,
        stamp(signature.at),
        signature.method.value,
        None if signature.proved_at is None else stamp(signature.proved_at),
    )


def signature_in(row: Row) -> Signature:
    """Return the signature that a row holds."""
    return Signature(
        row["signed_name"],
        row["signed_meaning"],
        moment(row["signed_at"]),
        ProofMethod(row["signed_method"]),
        None if row["signed_proof"] is None else moment(row["signed_proof"]),
    )
