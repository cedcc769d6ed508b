"""The tables of reader studies: protocols, schedules, sealed truth, reads.

`study_truth` stands alone: what serves readers never names it, which a test proves. Sealing keeps truth
from every page and proves that it was not changed afterwards; who can open the file can read it.
"""

from __future__ import annotations

from typing import Final

TABLES: Final[dict[str, str]] = {
    "study_steps": """\
CREATE TABLE study_steps (
  event_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  study_id TEXT NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN
    ('drafted', 'frozen', 'started', 'amended', 'locked', 'unsealed', 'reported')),
  document TEXT CHECK (document IS NULL OR json_valid(document)),
  reason   TEXT NOT NULL,
  at       TEXT NOT NULL,
  by       TEXT NOT NULL
) STRICT""",
    "study_outputs": """\
CREATE TABLE study_outputs (
  study_id      TEXT NOT NULL,
  case_id       TEXT NOT NULL REFERENCES cases(case_id),
  prediction_id TEXT NOT NULL REFERENCES predictions(prediction_id),
  margin        REAL NOT NULL,
  probability   REAL NOT NULL CHECK (probability BETWEEN 0 AND 1),
  label         TEXT NOT NULL,
  verdict       TEXT NOT NULL,
  replaced      INTEGER NOT NULL CHECK (replaced IN (0, 1)),
  fixed_at      TEXT NOT NULL,
  event_id      TEXT NOT NULL REFERENCES audit_log(event_id),
  PRIMARY KEY (study_id, case_id)
) STRICT""",
    "study_schedule": """\
CREATE TABLE study_schedule (
  study_id   TEXT NOT NULL,
  item       INTEGER NOT NULL,
  reader     TEXT NOT NULL REFERENCES accounts(account_id),
  session    INTEGER NOT NULL,
  place      INTEGER NOT NULL,
  case_id    TEXT NOT NULL,
  use        TEXT NOT NULL CHECK (use IN ('study', 'training', 'attention', 'repeat')),
  showing    TEXT NOT NULL CHECK (showing IN ('alone', 'then_model', 'with_model')),
  read_order TEXT NOT NULL,
  no_reveal  INTEGER NOT NULL CHECK (no_reveal IN (0, 1)),
  expected   TEXT NOT NULL,
  laid_at    TEXT NOT NULL,
  event_id   TEXT NOT NULL REFERENCES audit_log(event_id),
  PRIMARY KEY (study_id, item),
  UNIQUE (study_id, reader, session, place)
) STRICT""",
    "study_truth": """\
CREATE TABLE study_truth (
  study_id   TEXT NOT NULL,
  case_id    TEXT NOT NULL,
  truth      INTEGER NOT NULL CHECK (truth IN (0, 1)),
  salt       TEXT NOT NULL,
  commitment TEXT NOT NULL,
  sealed_at  TEXT NOT NULL,
  event_id   TEXT NOT NULL REFERENCES audit_log(event_id),
  PRIMARY KEY (study_id, case_id)
) STRICT""",
    "study_showings": """\
CREATE TABLE study_showings (
  showing_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  study_id   TEXT NOT NULL,
  item       INTEGER NOT NULL,
  reader     TEXT NOT NULL REFERENCES accounts(account_id),
  stage      TEXT NOT NULL CHECK (stage IN ('facts', 'model')),
  screen     TEXT NOT NULL REFERENCES screens(digest),
  shown_at   TEXT NOT NULL,
  UNIQUE (study_id, item, stage),
  FOREIGN KEY (study_id, item) REFERENCES study_schedule(study_id, item)
) STRICT""",
    "study_reads": """\
CREATE TABLE study_reads (
  read_id        TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  study_id       TEXT NOT NULL,
  item           INTEGER NOT NULL,
  reader         TEXT NOT NULL REFERENCES accounts(account_id),
  case_id        TEXT NOT NULL,
  modality       TEXT NOT NULL CHECK (modality IN ('unaided', 'aided')),
  label          TEXT NOT NULL,
  rating         REAL NOT NULL CHECK (rating BETWEEN 0 AND 100),
  confidence     TEXT CHECK (confidence IN ('low', 'medium', 'high')),
  shown_at       TEXT NOT NULL,
  revealed_at    TEXT CHECK ((revealed_at IS NULL) = (modality = 'unaided')),
  committed_at   TEXT NOT NULL,
  seconds_active REAL NOT NULL CHECK (seconds_active >= 0),
  model          TEXT NOT NULL,
  displayed      TEXT NOT NULL REFERENCES screens(digest),
  UNIQUE (study_id, item, modality),
  FOREIGN KEY (study_id, item) REFERENCES study_schedule(study_id, item)
) STRICT""",
    "study_waivers": """\
CREATE TABLE study_waivers (
  event_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  study_id TEXT NOT NULL,
  reader   TEXT NOT NULL REFERENCES accounts(account_id),
  reason   TEXT NOT NULL,
  at       TEXT NOT NULL,
  by       TEXT NOT NULL
) STRICT""",
}
"""Append-only: each carries the two triggers that refuse UPDATE and DELETE."""

CHANGING: Final[dict[str, str]] = {}
"""Tables that change in place: they hold no evidence, only where things stand now."""

INDEXES: Final[dict[str, str]] = {
    "study_steps_by_study": "CREATE INDEX study_steps_by_study ON study_steps (study_id)",
    "study_steps_once": (
        "CREATE UNIQUE INDEX study_steps_once ON study_steps (study_id, kind)"
        " WHERE kind NOT IN ('drafted', 'amended', 'reported')"
    ),
    "study_reads_by_reader": "CREATE INDEX study_reads_by_reader ON study_reads (study_id, reader, case_id)",
    "study_schedule_by_event": "CREATE INDEX study_schedule_by_event ON study_schedule (event_id)",
    "study_truth_by_event": "CREATE INDEX study_truth_by_event ON study_truth (event_id)",
    "study_outputs_by_event": "CREATE INDEX study_outputs_by_event ON study_outputs (event_id)",
}
