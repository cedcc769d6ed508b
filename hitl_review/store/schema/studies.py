"""The tables of reader studies: protocols, schedules, sealed truth, reads."""

from __future__ import annotations

from typing import Final

TABLES: Final[dict[str, str]] = {}
"""Append-only: each carries the two triggers that refuse UPDATE and DELETE."""

CHANGING: Final[dict[str, str]] = {}
"""Tables that change in place: they hold no evidence, only where things stand now."""

INDEXES: Final[dict[str, str]] = {}
