"""The log itself: one table and three triggers, to the letter of the specification."""

from __future__ import annotations

from typing import Final

AUDIT_LOG: Final = """\
CREATE TABLE audit_log (
  seq       INTEGER PRIMARY KEY,
  event_id  TEXT NOT NULL UNIQUE,
  prev_hash TEXT NOT NULL CHECK (length(prev_hash) = 64),
  payload   TEXT NOT NULL CHECK (json_valid(payload)),
  hash      TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT"""

AUDIT_TRIGGERS: Final = {
    "audit_log_no_update": """\
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN
  SELECT RAISE(ABORT, 'audit_log is append-only: no event may be changed');
END""",
    "audit_log_no_delete": """\
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN
  SELECT RAISE(ABORT, 'audit_log is append-only: no event may be removed');
END""",
    "audit_log_continues": """\
CREATE TRIGGER audit_log_continues BEFORE INSERT ON audit_log BEGIN
  SELECT RAISE(ABORT, 'audit_log is append-only: wrong seq')
    WHERE NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit_log);
  SELECT RAISE(ABORT, 'audit_log is append-only: wrong prev_hash')
    WHERE NEW.prev_hash IS NOT
      coalesce((SELECT hash FROM audit_log ORDER BY seq DESC LIMIT 1), printf('%064d', 0));
  SELECT RAISE(ABORT, 'audit_log is append-only: event_id or hash is there already')
    WHERE EXISTS (SELECT 1 FROM audit_log WHERE event_id = NEW.event_id OR hash = NEW.hash);
END""",
}
