"""The tables of what auditors do: samples that were drawn, and what was found in them."""

from __future__ import annotations

from typing import Final

TABLES: Final[dict[str, str]] = {
    "samples": """\
CREATE TABLE samples (
  sample_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  seed      TEXT NOT NULL,
  upto      INTEGER NOT NULL,
  of        INTEGER NOT NULL,
  decisions TEXT NOT NULL CHECK (json_valid(decisions)),
  at        TEXT NOT NULL,
  by        TEXT NOT NULL
) STRICT""",
    "findings": """\
CREATE TABLE findings (
  finding_id  TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  sample      TEXT NOT NULL REFERENCES samples(sample_id),
  decision_id TEXT NOT NULL REFERENCES decisions(decision_id),
  verdict     TEXT NOT NULL CHECK (verdict IN ('in_order', 'remark', 'serious')),
  comment     TEXT NOT NULL,
  at          TEXT NOT NULL,
  by          TEXT NOT NULL
) STRICT""",
}
"""Append-only: each carries the two triggers that refuse UPDATE and DELETE."""

INDEXES: Final[dict[str, str]] = {
    "findings_by_sample": "CREATE INDEX findings_by_sample ON findings (sample)",
}
