"""Estimates, screens, decisions and auditors' samples that can't have come about as they stand."""

from __future__ import annotations

from typing import Final

from hitl_review.store.successions.look import SHOWS_ANOTHER, Look, not_before, place_of, unproved

_IN_USE: Final = "(SELECT m.model{} FROM promotions m {} ORDER BY m.rowid DESC LIMIT 1)"


def _not_in_use(model: str, event: str, at: str) -> str:
    """Return what is true where a model was not the one in use when something happened.

    Time tells it where the latest change is earlier; of one at the very same time it does not tell which was first.
    """
    by_time = _IN_USE.format(f", m.at < {at}", f"WHERE m.at <= {at}")
    by_place = _IN_USE.format("", f"WHERE {place_of('m.event_id')} < {place_of(event)}")
    return f"((:every OR ({model}, 1) IS NOT {by_time}) AND {model} IS NOT {by_place})"


_OWN_READ: Final = (
    "LEFT JOIN reads r ON r.case_id = {0}.case_id AND r.reader = {0}.reader AND r.modality = 'unaided'"
)
_LABELS: Final = "(:labels <> '[]' AND {} NOT IN (SELECT value FROM json_each(:labels)))"
_SAYS_ANOTHER: Final = " OR ".join(
    (
        *(
            f"abs(coalesce(json_extract(s.body, '$.view.{name}'), p.{name}) - p.{name}) > 1e-9"
            for name in ("margin", "probability", "threshold")
        ),
        *(
            f"coalesce(json_extract(s.body, '$.view.{name}'), p.{name}) <> p.{name}"
            for name in ("label", "verdict", "model")
        ),
    )
)
"""What is true of a screen `s` that shows something else than a prediction `p`; SQLite may read a number otherwise
than Python by its last digit."""
_NOT_ONE_EACH: Final = "(SELECT count(*) FROM snapshots) <> (SELECT count(*) FROM cases)"
"""No snapshot belongs to nothing, which is asked elsewhere; so where there are as many as cases, each has its own."""
SHOWN_FIRST: Final = "the model's view was shown before the own estimate was given"
REVIEWING: Final = (
    Look(
        "c.event_id",
        f"cases c JOIN snapshots s ON s.digest = c.snapshot WHERE {_NOT_ONE_EACH}",
        {"a case with the values of another one": "s.case_id <> c.case_id"},
    ),
    Look(
        "r.read_id",
        "cases c CROSS JOIN reads r ON r.case_id = c.case_id WHERE c.purpose <> 'queue'",
        {"an own estimate of a case that nobody reviews": "1"},
    ),
    Look(
        "r.read_id",
        "reads r",
        {
            "an own estimate from before the case was opened": "r.opened_at > r.committed_at",
            "an own estimate with a label that the project has not": _LABELS.format("r.label"),
            "an own estimate that is said to be given beside the model": "r.modality <> 'unaided'",
        },
    ),
    Look(
        "v.reveal_id",
        "cases c CROSS JOIN reveals v ON v.case_id = c.case_id WHERE c.purpose <> 'queue'",
        {"the model's view of a case that nobody reviews": "1"},
    ),
    Look(
        "p.event_id",
        "predictions p JOIN cases c USING (case_id) JOIN models v ON v.digest = p.model",
        {
            "what the model said is not of its case's values": "p.snapshot <> c.snapshot",
            "what the model said is not what its probability says": (
                "(:threshold IS NOT NULL AND (p.threshold <> :threshold OR p.label IS NOT"
                " json_extract(:labels, iif(p.probability >= p.threshold, '$[0]', '$[1]'))))"
            ),
            "what the model said is from before its case, or before the model": (
                f"{not_before('c.event_id', 'c.received_at', 'p.event_id', 'p.made_at')}"
                f" OR {not_before('v.event_id', 'v.trained_at', 'p.event_id', 'p.made_at')}"
            ),
        },
    ),
    Look(
        "o.event_id",
        "outcomes o JOIN cases c USING (case_id)",
        {
            "an outcome from before its case": not_before(
                "c.event_id", "c.received_at", "o.event_id", "o.recorded_at"
            )
        },
    ),
    Look(
        "v.reveal_id",
        "reveals v JOIN predictions p USING (prediction_id) JOIN screens s ON s.digest = v.screen"
        f" {_OWN_READ.format('v')}",
        {
            "what the model said of another case was shown": "p.case_id <> v.case_id",
            "the screen that was shown is another case's": (
                f"{SHOWS_ANOTHER.format('s.body', 'v.case_id')}"
                " OR instr(s.body, '\"prediction_id\":' || json_quote(v.prediction_id)) = 0"
            ),
            "the screen that was shown says something else than the model said": _SAYS_ANOTHER,
            "what the model said was shown before it was said": not_before(
                "p.event_id", "p.made_at", "v.reveal_id", "v.shown_at"
            ),
            SHOWN_FIRST: not_before("r.read_id", "r.committed_at", "v.reveal_id", "v.shown_at"),
            "the view of a model that was not in use was shown": _not_in_use(
                "p.model", "v.reveal_id", "v.shown_at"
            ),
        },
    ),
    Look(
        "d.decision_id",
        f"decisions d JOIN predictions p USING (prediction_id) {_OWN_READ.format('d')}",
        {
            "a decision from before its screen was shown": not_before(
                "d.reveal_id", "d.shown_at", "d.decision_id", "d.decided_at"
            ),
            "its answer and its label do not fit what the model said": (
                "CASE d.answer WHEN 'accepted' THEN d.label IS NOT p.label"
                " WHEN 'overridden' THEN d.label IS p.label END"
            ),
            "the own estimate that it tells of is not the one that was given": (
                "d.own_probability IS NOT r.probability"
            ),
            "an answer to a model that was not in use": _not_in_use(
                "p.model", "d.decision_id", "d.decided_at"
            ),
        },
    ),
    Look(
        "d.decision_id",
        "decisions d",
        {
            "a decision with a label that the project has not": _LABELS.format("d.label"),
            "a decision whose signature means something else than the project says": (
                "(:meaning <> '' AND d.signed_meaning <> :meaning)"
            ),
            "a decision signed without the proof that the project asks for": unproved("d", "decided_at"),
            "a decision for a reason that the project does not have for such an answer": (
                "(:reasons <> '[]' AND d.reason IS NOT NULL"
                " AND d.answer || ' ' || d.reason NOT IN (SELECT value FROM json_each(:reasons)))"
            ),
            "a decision without the words that its reason asks for": (
                "(d.comment = '' AND d.reason IN (SELECT value FROM json_each(:worded)))"
            ),
        },
    ),
    Look(
        "d.decision_id",
        "decisions d JOIN decisions e ON e.decision_id = d.supersedes",
        {
            "it changes a decision of another case or reader": (
                "(e.case_id, e.reader) <> (d.case_id, d.reader)"
            ),
            "it changes a decision that was not made yet": not_before(
                "e.decision_id", "e.decided_at", "d.decision_id", "d.decided_at"
            ),
        },
    ),
)
AUDITING: Final = (
    Look(
        "f.finding_id",
        "findings f JOIN samples s ON s.sample_id = f.sample",
        {
            "a finding about a decision that was not drawn": (
                "f.decision_id NOT IN (SELECT value FROM json_each(s.decisions))"
            ),
            "a finding from before its sample was drawn": not_before(
                "s.sample_id", "s.at", "f.finding_id", "f.at"
            ),
            "a remark or a serious finding that does not say why": "f.verdict <> 'in_order' AND f.comment = ''",
        },
    ),
)
