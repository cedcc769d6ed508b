"""The tables of who may sign in, and who is signed in now."""

from __future__ import annotations

from typing import Final

TABLES: Final[dict[str, str]] = {
    "standings": """\
CREATE TABLE standings (
  event_id   TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  account_id TEXT NOT NULL REFERENCES accounts(account_id),
  enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  at         TEXT NOT NULL,
  by         TEXT NOT NULL
) STRICT""",
    "passwords": """\
CREATE TABLE passwords (
  event_id   TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  account_id TEXT NOT NULL REFERENCES accounts(account_id),
  hash       TEXT NOT NULL CHECK (hash LIKE '$argon2id$%'),
  public     INTEGER NOT NULL CHECK (public IN (0, 1)),
  set_at     TEXT NOT NULL,
  set_by     TEXT NOT NULL
) STRICT""",
    "identities": """\
CREATE TABLE identities (
  event_id   TEXT PRIMARY KEY REFERENCES audit_log(event_id),
  account_id TEXT NOT NULL REFERENCES accounts(account_id),
  issuer     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  linked     INTEGER NOT NULL CHECK (linked IN (0, 1)),
  at         TEXT NOT NULL,
  by         TEXT NOT NULL
) STRICT""",
}
"""Append-only: each carries the two triggers that refuse UPDATE and DELETE. The newest row of an account counts."""

CHANGING: Final[dict[str, str]] = {
    "ui_sessions": """\
CREATE TABLE ui_sessions (
  session_id TEXT PRIMARY KEY,
  secret     TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL REFERENCES accounts(account_id),
  method     TEXT NOT NULL,
  opened_at  TEXT NOT NULL,
  seen_at    TEXT NOT NULL,
  ends_at    TEXT NOT NULL,
  proved_at  TEXT NOT NULL,
  proved_by  TEXT NOT NULL,
  ended      TEXT
) STRICT""",
    "wrong_tries": """\
CREATE TABLE wrong_tries (
  try_id INTEGER PRIMARY KEY,
  kind   TEXT NOT NULL CHECK (kind IN ('account', 'address')),
  key    TEXT NOT NULL,
  at     TEXT NOT NULL
) STRICT""",
}
"""Tables that change in place: they hold no evidence, only where things stand now."""

INDEXES: Final[dict[str, str]] = {
    "standings_by_account": "CREATE INDEX standings_by_account ON standings (account_id)",
    "passwords_by_account": "CREATE INDEX passwords_by_account ON passwords (account_id)",
    "identities_by_subject": "CREATE INDEX identities_by_subject ON identities (issuer, subject)",
    "ui_sessions_open": "CREATE INDEX ui_sessions_open ON ui_sessions (account_id) WHERE ended IS NULL",
    "wrong_tries_by_key": "CREATE INDEX wrong_tries_by_key ON wrong_tries (kind, key, at)",
}
