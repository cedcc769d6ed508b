"""The sealed truth of studies: the only SQL that names it. Nothing that serves a reader imports this."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hitl_review.domain.audit import lines_digest, stamp
from hitl_review.store.connection import Store


@dataclass(frozen=True, slots=True)
class SealedTruth:
    """The truth of one case with its salt, and the commitment to both."""

    case_id: str
    truth: bool
    salt: str
    commitment: str

    @property
    def holds(self) -> bool:
        """Whether truth and salt are those that were committed to."""
        return self.commitment == commitment_of(self.salt, self.case_id, self.truth)


def commitment_of(salt: str, case_id: str, truth: bool) -> str:
    """Return SHA-256 of salt, case and truth: it can be published, and truth can't be guessed from it."""
    return "sha256:" + hashlib.sha256(f"{salt}\n{case_id}\n{int(truth)}".encode()).hexdigest()


def sealed_under(truth: Mapping[str, bool], salts: Sequence[str]) -> list[SealedTruth]:
    """Return each case's truth sealed under a salt of its own."""
    return [
        SealedTruth(case_id, value, salt, commitment_of(salt, case_id, value))
        for (case_id, value), salt in zip(truth.items(), salts, strict=True)
    ]


def commitments_digest(sealed: Sequence[SealedTruth]) -> str:
    """Return the one digest that stands for all commitments of a study."""
    return lines_digest({"case": each.case_id, "commitment": each.commitment} for each in sealed)


def seal(store: Store, study_id: str, sealed: Sequence[SealedTruth], *, event_id: str) -> None:
    """Keep the truth of a study's cases apart from all else."""
    at = stamp(store.current().now)
    store.insert_many(
        "INSERT INTO study_truth (study_id, case_id, truth, salt, commitment, sealed_at, event_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (study_id, each.case_id, int(each.truth), each.salt, each.commitment, at, event_id)
            for each in sealed
        ],
    )


def sealed_line(study_id: str, sealed: SealedTruth) -> dict[str, object]:
    """Return how one sealed truth stands in its batch's digest; the salt keeps the digest from being guessed."""
    return {
        "study": study_id,
        "case": sealed.case_id,
        "truth": int(sealed.truth),
        "salt": sealed.salt,
        "commitment": sealed.commitment,
    }


def sealed_lines(store: Store, event_id: str) -> list[object]:
    """Return the lines of all truth that was sealed with one event, as the table has them."""
    rows = store.rows(
        'SELECT study_id AS study, case_id AS "case", truth, salt, commitment FROM study_truth'
        " WHERE event_id = ? ORDER BY rowid",
        (event_id,),
    )
    return [dict(row) for row in rows]


def all_sealed(store: Store, study_id: str) -> list[SealedTruth]:
    """Return the sealed truth of a study, in the order in which it was sealed."""
    rows = store.rows("SELECT * FROM study_truth WHERE study_id = ? ORDER BY rowid", (study_id,))
    return [SealedTruth(row["case_id"], bool(row["truth"]), row["salt"], row["commitment"]) for row in rows]
