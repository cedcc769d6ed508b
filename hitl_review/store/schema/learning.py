"""The tables of what is learned from decisions: labels, disputes, gate reports, proposals, routing, alarms, jobs."""

from __future__ import annotations

from typing import Final

TABLES: Final[dict[str, str]] = {
    "labels": """\
CREATE TABLE labels (
  label_id             TEXT PRIMARY KEY,
  origin               TEXT NOT NULL UNIQUE,
  case_id              TEXT NOT NULL REFERENCES cases(case_id),
  source               TEXT NOT NULL,
  probability          REAL NOT NULL CHECK (probability BETWEEN 0 AND 1),
  mode                 TEXT NOT NULL CHECK (mode IN ('blind', 'seen', 'second_read', 'outcome')),
  at                   TEXT NOT NULL,
  effect               TEXT NOT NULL CHECK (effect IN ('train', 'fix_record', 'exclude', 'never_train', 'none')),
  reader               TEXT REFERENCES accounts(account_id),
  reason               TEXT,
  model                TEXT REFERENCES models(digest),
  shown_probability    REAL,
  sampling_probability REAL CHECK (sampling_probability > 0 AND sampling_probability <= 1),
  weight               REAL NOT NULL CHECK (weight >= 0),
  disputed             INTEGER NOT NULL CHECK (disputed IN (0, 1)),
  supersedes           TEXT UNIQUE REFERENCES labels(label_id),
  decision_id          TEXT REFERENCES decisions(decision_id),
  collected_at         TEXT NOT NULL,
  event_id             TEXT NOT NULL REFERENCES audit_log(event_id)
) STRICT""",
    "disputes": """\
CREATE TABLE disputes (
  event_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  case_id  TEXT NOT NULL REFERENCES cases(case_id),
  labels   TEXT NOT NULL CHECK (json_valid(labels)),
  at       TEXT NOT NULL
) STRICT""",
    "resolutions": """\
CREATE TABLE resolutions (
  event_id    TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  dispute     TEXT NOT NULL UNIQUE REFERENCES disputes(event_id),
  case_id     TEXT NOT NULL REFERENCES cases(case_id),
  label       TEXT NOT NULL,
  probability REAL NOT NULL CHECK (probability BETWEEN 0 AND 1),
  comment     TEXT NOT NULL,
  at          TEXT NOT NULL,
  by          TEXT NOT NULL
) STRICT""",
    "gates": """\
CREATE TABLE gates (
  event_id   TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  challenger TEXT NOT NULL REFERENCES models(digest),
  champion   TEXT NOT NULL REFERENCES models(digest),
  verdict    TEXT NOT NULL CHECK (verdict IN ('passed', 'failed', 'undecided')),
  protocol   TEXT NOT NULL,
  body       TEXT NOT NULL CHECK (json_valid(body)),
  at         TEXT NOT NULL,
  by         TEXT NOT NULL
) STRICT""",
    "proposals": """\
CREATE TABLE proposals (
  event_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  model    TEXT NOT NULL REFERENCES models(digest),
  gate     TEXT NOT NULL REFERENCES gates(event_id),
  answer   TEXT NOT NULL CHECK (answer IN ('proposed', 'declined')),
  comment  TEXT NOT NULL,
  at       TEXT NOT NULL,
  by       TEXT NOT NULL
) STRICT""",
    "routings": """\
CREATE TABLE routings (
  event_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  body     TEXT NOT NULL CHECK (json_valid(body)),
  at       TEXT NOT NULL,
  by       TEXT NOT NULL
) STRICT""",
    "passes": """\
CREATE TABLE passes (
  case_id       TEXT NOT NULL REFERENCES cases(case_id),
  prediction_id TEXT NOT NULL REFERENCES predictions(prediction_id),
  routing       TEXT NOT NULL REFERENCES routings(event_id),
  audited       INTEGER NOT NULL CHECK (audited IN (0, 1)),
  audit_share   REAL NOT NULL CHECK (audit_share > 0 AND audit_share <= 1),
  passed_at     TEXT NOT NULL,
  event_id      TEXT NOT NULL REFERENCES audit_log(event_id),
  PRIMARY KEY (case_id, prediction_id, routing)
) STRICT""",
    "monitorings": """\
CREATE TABLE monitorings (
  event_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  model    TEXT NOT NULL REFERENCES models(digest),
  body     TEXT NOT NULL CHECK (json_valid(body)),
  at       TEXT NOT NULL
) STRICT""",
    "alarms": """\
CREATE TABLE alarms (
  event_id   TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  lamp       TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('raised', 'cleared')),
  words      TEXT NOT NULL,
  model      TEXT NOT NULL REFERENCES models(digest),
  monitoring TEXT NOT NULL REFERENCES monitorings(event_id),
  at         TEXT NOT NULL
) STRICT""",
    "combinations": """\
CREATE TABLE combinations (
  event_id TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  model    TEXT NOT NULL REFERENCES models(digest),
  body     TEXT NOT NULL CHECK (json_valid(body)),
  at       TEXT NOT NULL,
  by       TEXT NOT NULL
) STRICT""",
}
"""Append-only: each carries the two triggers that refuse UPDATE and DELETE."""

CHANGING: Final[dict[str, str]] = {
    "jobs": """\
CREATE TABLE jobs (
  job_id      TEXT PRIMARY KEY,
  kind        TEXT NOT NULL CHECK (kind IN ('retrain', 'rescore', 'monitor')),
  dedupe      TEXT NOT NULL,
  cause       TEXT NOT NULL,
  asked_by    TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  attempts    INTEGER NOT NULL,
  owner       TEXT,
  lease_until TEXT,
  share       REAL NOT NULL,
  words       TEXT NOT NULL,
  result      TEXT,
  queued_at   TEXT NOT NULL,
  started_at  TEXT,
  ended_at    TEXT
) STRICT""",
}
"""Tables that change in place: they hold no evidence, only where things stand now."""

INDEXES: Final[dict[str, str]] = {
    "labels_by_case": "CREATE INDEX labels_by_case ON labels (case_id)",
    "labels_by_event": "CREATE INDEX labels_by_event ON labels (event_id)",
    "labels_by_decision": "CREATE INDEX labels_by_decision ON labels (decision_id)",
    "disputes_by_case": "CREATE INDEX disputes_by_case ON disputes (case_id)",
    "gates_by_challenger": "CREATE INDEX gates_by_challenger ON gates (challenger)",
    "passes_by_event": "CREATE INDEX passes_by_event ON passes (event_id)",
    "predictions_by_model": "CREATE INDEX predictions_by_model ON predictions (model)",
    "jobs_open": "CREATE UNIQUE INDEX jobs_open ON jobs (dedupe) WHERE state IN ('waiting', 'running')",
    "jobs_waiting": "CREATE INDEX jobs_waiting ON jobs (state, queued_at)",
}
