"""The tables of the loop's first half: who, which cases, what the models said, what readers answered."""

from __future__ import annotations

from typing import Final

TABLES: Final = {
    "projects": """\
CREATE TABLE projects (
  event_id      TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  digest        TEXT NOT NULL,
  text          TEXT NOT NULL,
  configured_at TEXT NOT NULL
) STRICT""",
    "accounts": """\
CREATE TABLE accounts (
  account_id TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL,
  created_at TEXT NOT NULL,
  event_id   TEXT NOT NULL UNIQUE REFERENCES audit_log(event_id)
) STRICT""",
    "snapshots": """\
CREATE TABLE snapshots (
  digest  TEXT PRIMARY KEY,
  case_id TEXT NOT NULL,
  body    TEXT NOT NULL CHECK (json_valid(body))
) STRICT""",
    "cases": """\
CREATE TABLE cases (
  case_id     TEXT PRIMARY KEY,
  purpose     TEXT NOT NULL CHECK (purpose IN ('training', 'holdout', 'queue')),
  position    INTEGER NOT NULL UNIQUE,
  snapshot    TEXT NOT NULL REFERENCES snapshots(digest),
  received_at TEXT NOT NULL,
  event_id    TEXT NOT NULL REFERENCES audit_log(event_id)
) STRICT""",
    "outcomes": """\
CREATE TABLE outcomes (
  outcome_id  INTEGER PRIMARY KEY,
  case_id     TEXT NOT NULL REFERENCES cases(case_id),
  value       INTEGER NOT NULL CHECK (value IN (0, 1)),
  source      TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  event_id    TEXT NOT NULL REFERENCES audit_log(event_id)
) STRICT""",
    "models": """\
CREATE TABLE models (
  digest     TEXT PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  artefact   BLOB NOT NULL,
  manifest   TEXT NOT NULL,
  card       TEXT NOT NULL CHECK (json_valid(card)),
  trained_at TEXT NOT NULL,
  trained_by TEXT NOT NULL,
  event_id   TEXT NOT NULL UNIQUE REFERENCES audit_log(event_id)
) STRICT""",
    "manifests": """\
CREATE TABLE manifests (
  digest TEXT PRIMARY KEY,
  body   TEXT NOT NULL CHECK (json_valid(body))
) STRICT""",
    "figures": """\
CREATE TABLE figures (
  model  TEXT NOT NULL REFERENCES models(digest),
  name   TEXT NOT NULL,
  digest TEXT NOT NULL,
  alt    TEXT NOT NULL,
  png    BLOB NOT NULL,
  PRIMARY KEY (model, name)
) STRICT""",
    "promotions": """\
CREATE TABLE promotions (
  event_id       TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  model          TEXT REFERENCES models(digest),
  move           TEXT NOT NULL CHECK (move IN ('promoted', 'rolled_back', 'stopped')),
  at             TEXT NOT NULL,
  by             TEXT NOT NULL,
  gate           TEXT REFERENCES gates(event_id),
  protocol       TEXT,
  statement      TEXT NOT NULL,
  signed_name    TEXT,
  signed_meaning TEXT,
  signed_at      TEXT,
  signed_method  TEXT,
  signed_proof   TEXT
) STRICT""",
    "predictions": """\
CREATE TABLE predictions (
  prediction_id TEXT PRIMARY KEY,
  case_id       TEXT NOT NULL REFERENCES cases(case_id),
  model         TEXT NOT NULL REFERENCES models(digest),
  snapshot      TEXT NOT NULL REFERENCES snapshots(digest),
  margin        REAL NOT NULL,
  probability   REAL NOT NULL CHECK (probability BETWEEN 0 AND 1),
  threshold     REAL NOT NULL,
  label         TEXT NOT NULL,
  verdict       TEXT NOT NULL,
  made_at       TEXT NOT NULL,
  event_id      TEXT NOT NULL REFERENCES audit_log(event_id),
  UNIQUE (case_id, model, snapshot)
) STRICT""",
    "reads": """\
CREATE TABLE reads (
  read_id      TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  case_id      TEXT NOT NULL REFERENCES cases(case_id),
  reader       TEXT NOT NULL REFERENCES accounts(account_id),
  modality     TEXT NOT NULL CHECK (modality IN ('unaided', 'aided')),
  label        TEXT NOT NULL,
  probability  REAL NOT NULL CHECK (probability BETWEEN 0 AND 1),
  opened_at    TEXT NOT NULL,
  committed_at TEXT NOT NULL,
  UNIQUE (case_id, reader, modality)
) STRICT""",
    "screens": """\
CREATE TABLE screens (
  digest TEXT PRIMARY KEY,
  body   TEXT NOT NULL CHECK (json_valid(body))
) STRICT""",
    "reveals": """\
CREATE TABLE reveals (
  reveal_id     TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  case_id       TEXT NOT NULL REFERENCES cases(case_id),
  reader        TEXT NOT NULL REFERENCES accounts(account_id),
  prediction_id TEXT NOT NULL REFERENCES predictions(prediction_id),
  screen        TEXT NOT NULL REFERENCES screens(digest),
  shown_at      TEXT NOT NULL,
  UNIQUE (case_id, reader, prediction_id, screen)
) STRICT""",
    "decisions": """\
CREATE TABLE decisions (
  decision_id     TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  case_id         TEXT NOT NULL REFERENCES cases(case_id),
  reader          TEXT NOT NULL REFERENCES accounts(account_id),
  reveal_id       TEXT NOT NULL REFERENCES reveals(reveal_id),
  prediction_id   TEXT NOT NULL REFERENCES predictions(prediction_id),
  answer          TEXT NOT NULL CHECK (answer IN ('accepted', 'overridden', 'deferred')),
  label           TEXT CHECK ((label IS NULL) = (answer = 'deferred')),
  reason          TEXT CHECK ((reason IS NULL) = (answer = 'accepted')),
  comment         TEXT NOT NULL,
  confidence      TEXT CHECK (confidence IN ('low', 'medium', 'high')),
  own_probability REAL,
  shown_digest    TEXT NOT NULL,
  shown_at        TEXT NOT NULL,
  decided_at      TEXT NOT NULL,
  seconds_active  REAL NOT NULL CHECK (seconds_active >= 0),
  signed_name     TEXT NOT NULL,
  signed_meaning  TEXT NOT NULL,
  signed_at       TEXT NOT NULL,
  signed_method   TEXT NOT NULL,
  signed_proof    TEXT,
  supersedes      TEXT UNIQUE REFERENCES decisions(decision_id)
) STRICT""",
}

INDEXES: Final = {
    "decisions_first": (
        "CREATE UNIQUE INDEX decisions_first ON decisions (case_id, reader) WHERE supersedes IS NULL"
    ),
    "decisions_by_case": "CREATE INDEX decisions_by_case ON decisions (case_id, reader)",
    "decisions_by_reader": "CREATE INDEX decisions_by_reader ON decisions (reader, decided_at)",
    "outcomes_by_case": "CREATE INDEX outcomes_by_case ON outcomes (case_id)",
    "cases_by_event": "CREATE INDEX cases_by_event ON cases (event_id)",
    "cases_by_purpose": "CREATE INDEX cases_by_purpose ON cases (purpose, position)",
    "predictions_by_event": "CREATE INDEX predictions_by_event ON predictions (event_id)",
    "outcomes_by_event": "CREATE INDEX outcomes_by_event ON outcomes (event_id)",
    "worklist_waiting": "CREATE INDEX worklist_waiting ON worklist (state, priority)",
    "worklist_held": "CREATE INDEX worklist_held ON worklist (holder) WHERE holder IS NOT NULL",
}

WORKLIST: Final = """\
CREATE TABLE worklist (
  case_id    TEXT PRIMARY KEY REFERENCES cases(case_id),
  position   INTEGER NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('open', 'deferred', 'decided', 'passed')),
  priority   INTEGER NOT NULL,
  route      TEXT NOT NULL CHECK (route IN ('arrival', 'uncertain', 'random', 'rule', 'audit', 'passed')),
  holder     TEXT,
  held_until TEXT
) STRICT"""
"""It changes in place: what waits, in which order, and who holds it now. All of it can be made again."""
