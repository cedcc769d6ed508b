"""Showings and reads of studies that can't have come about as they stand."""

from __future__ import annotations

from typing import Final

from hitl_review.store.successions.look import SHOWS_ANOTHER, Look, not_before

_STEP: Final = "(SELECT t.event_id FROM study_steps t WHERE t.study_id = {0}.study_id AND t.kind = '{1}')"
_AT: Final = "(SELECT t.at FROM study_steps t WHERE t.study_id = {0}.study_id AND t.kind = '{1}')"


def _not_running(row: str, event: str, at: str) -> str:
    """Return what is true where something was done in a study that had not started, or was locked."""
    started, locked = (_STEP.format(row, kind) for kind in ("started", "locked"))
    return (
        f"{started} IS NULL OR {not_before(started, _AT.format(row, 'started'), event, at)}"
        f" OR coalesce({not_before(event, at, locked, _AT.format(row, 'locked'))}, 0)"
    )


_OWN: Final = (
    "(SELECT {} FROM study_reads o"
    " WHERE (o.study_id, o.item) = (g.study_id, g.item) AND o.modality = 'unaided')"
)
_PLANNED: Final = (
    "SELECT p.*, sum(p.asked) OVER (PARTITION BY p.study_id, p.reader ORDER BY p.session, p.place) AS upto"
    " FROM (SELECT *, 1 + (showing = 'then_model' AND NOT no_reveal) AS asked FROM study_schedule) p"
)
"""Each place of the lists with how many reads it asks for, and how many are asked for up to it."""
STUDYING: Final = (
    Look(
        "g.showing_id",
        "study_showings g JOIN study_schedule s USING (study_id, item) JOIN screens x ON x.digest = g.screen",
        {
            "the screen that a study showed is another case's": (
                f"s.use <> 'attention' AND {SHOWS_ANOTHER.format('x.body', 's.case_id')}"
            ),
            "a study's case was shown to somebody on whose list it is not": "g.reader <> s.reader",
            "a study's case was shown while the study did not run": _not_running(
                "g", "g.showing_id", "g.shown_at"
            ),
            "a study showed the model for a case that is read without it": (
                "g.stage = 'model' AND (s.showing = 'alone' OR s.no_reveal)"
            ),
            "a study showed the model before the reader's own answer": (
                "g.stage = 'model' AND s.showing = 'then_model' AND ("
                f"{_OWN.format('o.read_id')} IS NULL OR "
                + not_before(
                    _OWN.format("o.read_id"), _OWN.format("o.committed_at"), "g.showing_id", "g.shown_at"
                )
                + ")"
            ),
        },
    ),
    Look(
        "r.read_id",
        "study_reads r JOIN study_schedule s USING (study_id, item)"
        " LEFT JOIN study_showings f ON (f.study_id, f.item) = (r.study_id, r.item) AND f.stage = 'facts'"
        " LEFT JOIN study_showings g ON (g.study_id, g.item) = (r.study_id, r.item)"
        " AND g.stage = iif(r.modality = 'aided', 'model', 'facts')",
        {
            "a study's read is not on the reader's list": "(r.reader, r.case_id) <> (s.reader, s.case_id)",
            "a study's read was made while the study did not run": _not_running(
                "r", "r.read_id", "r.committed_at"
            ),
            "a study's read with the model, or without it, was not asked for": (
                "iif(r.modality = 'aided', s.showing = 'alone' OR s.no_reveal,"
                " s.showing = 'with_model' AND NOT s.no_reveal)"
            ),
            "a study's read is not of what was shown": (
                "(r.shown_at, r.displayed) IS NOT (f.shown_at, g.screen)"
                " OR r.revealed_at IS NOT iif(r.modality = 'aided', g.shown_at, NULL)"
            ),
            "a study's read from before its screen was shown": not_before(
                "g.showing_id", "g.shown_at", "r.read_id", "r.committed_at"
            ),
        },
    ),
    Look(
        "r.read_id",
        "(SELECT r.read_id, s.upto - s.asked + 1 + (r.modality = 'aided' AND s.asked = 2) AS planned, row_number()"
        " OVER (PARTITION BY r.study_id, r.reader ORDER BY r.rowid) AS made"
        f" FROM study_reads r JOIN ({_PLANNED}) s USING (study_id, item, reader)) r",
        {"a study's read was made out of the order of the list": "r.planned <> r.made"},
    ),
    Look(
        "w.event_id",
        "study_waivers w",
        {
            "a washout was waived while the study did not run": _not_running("w", "w.event_id", "w.at"),
            "a washout was waived for somebody who does not read in the study": (
                "w.reader NOT IN (SELECT s.reader FROM study_schedule s WHERE s.study_id = w.study_id)"
            ),
        },
    ),
    Look(
        "o.event_id",
        "study_outputs o JOIN predictions p USING (prediction_id)",
        {
            "what a study was to show of the model is not what it said": (
                "p.case_id <> o.case_id OR (NOT o.replaced AND (o.margin, o.probability, o.label, o.verdict)"
                " IS NOT (p.margin, p.probability, p.label, p.verdict))"
            ),
        },
    ),
)
