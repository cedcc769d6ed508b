"""Labels, disputes, passes, alarms and gate reports that can't have come about as they stand."""

from __future__ import annotations

from typing import Final

from hitl_review.store.successions.look import Look, not_before, unproved

_SAYS_THE_SAME: Final = "a label does not say what it was made of"
_FROM_LATER: Final = "a label from before what it was made of"


def _told_otherwise(*pairs: tuple[str, str]) -> str:
    """Return what is true where the detail of an event `e` tells something else than SQL finds; silence is none."""
    return " OR ".join(
        f"json_type(e.payload, '$.detail.{key}') IS NOT NULL AND (json_extract(e.payload, '$.detail.{key}')"
        f" IS NOT {found} OR json_type(e.payload, '$.detail.{key}') IN ('true', 'false'))"
        for key, found in pairs
    )


def _label(kind: str, table: str, key: str, event: str, at: str, same: str) -> Look:
    """Return the look at the labels that were made of the rows of one table."""
    return Look(
        "l.event_id",
        f"labels l LEFT JOIN {table} o ON o.{key} = substr(l.origin, {len(kind) + 2})"
        f" WHERE l.origin GLOB '{kind}:*'",
        {
            "a label of something that is not there": f"o.{key} IS NULL",
            _SAYS_THE_SAME: (
                f"l.origin <> '{kind}:' || o.{key} OR l.case_id <> o.case_id OR l.at <> o.{at} OR l.weight <> 1"
                f" OR l.disputed OR ({same}) IS NOT 1"
            ),
            _FROM_LATER: not_before(f"o.{event}", f"o.{at}", "l.event_id", "l.collected_at"),
        },
    )


_BARE: Final = (
    "l.supersedes IS NULL AND l.decision_id IS NULL AND l.model IS NULL AND l.shown_probability IS NULL"
    " AND l.reason IS NULL AND l.effect = 'train'"
)
_NOT_DRAWN: Final = f"{_BARE} AND l.sampling_probability IS NULL"
_MEANT: Final = "coalesce((SELECT e.value FROM json_each(:effects) e WHERE e.key = o.reason), 'none')"
_EFFECT: Final = (
    f"CASE WHEN o.answer = 'accepted' THEN 'train' WHEN o.answer = 'deferred' AND {_MEANT} = 'train' THEN 'none'"
    f" ELSE {_MEANT} END"
)
"""What a decision means for training, by its reason."""
LEARNING: Final = (
    _label(
        "read",
        "reads",
        "read_id",
        "read_id",
        "committed_at",
        "l.source = 'blind' AND l.mode = 'blind' AND l.reader = o.reader AND l.probability = o.probability"
        f" AND {_BARE}",
    ),
    _label(
        "decision",
        "decisions",
        "decision_id",
        "decision_id",
        "decided_at",
        "l.mode = 'seen' AND l.reader = o.reader AND l.decision_id = o.decision_id AND l.reason IS o.reason"
        " AND l.source = CASE o.answer WHEN 'accepted' THEN 'acceptance' WHEN 'overridden' THEN 'override'"
        " ELSE 'deferral' END AND CASE WHEN o.label IS NULL"
        " THEN l.probability = coalesce(o.own_probability, l.shown_probability)"
        " ELSE :positive = '' OR l.probability = (o.label = :positive) END"
        f" AND (:positive = '' OR l.effect = {_EFFECT}) AND (l.model, l.shown_probability) ="
        " (SELECT p.model, p.probability FROM predictions p WHERE p.prediction_id = o.prediction_id)"
        " AND (SELECT e.origin FROM labels e WHERE e.label_id = l.supersedes) IS 'decision:' || o.supersedes",
    ),
    _label(
        "outcome",
        "outcomes",
        "outcome_id",
        "event_id",
        "recorded_at",
        f"l.source = 'outcome' AND l.mode = 'outcome' AND l.reader IS NULL AND l.probability = o.value"
        f" AND {_NOT_DRAWN}",
    ),
    _label(
        "resolution",
        "resolutions",
        "event_id",
        "event_id",
        "at",
        "l.source = 'consensus' AND l.mode = 'second_read' AND l.reader = o.by AND l.probability = o.probability"
        f" AND {_NOT_DRAWN}",
    ),
    Look(
        "l.event_id",
        "labels l",
        {
            "a label of something that is not there": (
                "substr(l.origin, 1, instr(l.origin, ':')) NOT IN ('read:', 'decision:', 'outcome:', 'resolution:')"
            )
        },
    ),
    Look(
        "l.event_id",
        "cases c CROSS JOIN labels l ON l.case_id = c.case_id WHERE c.purpose = 'holdout'",
        {"a label of a case that is kept for measuring": "1"},
    ),
    Look(
        "d.event_id",
        "disputes d LEFT JOIN json_each(d.labels) j LEFT JOIN labels l ON l.label_id = j.value",
        {
            "a dispute about a label of another case, or of none": "l.case_id IS NOT d.case_id",
            "a dispute from before one of its labels": not_before(
                "l.event_id", "l.collected_at", "d.event_id", "d.at"
            ),
            "a dispute about a case that was in dispute before": (
                "EXISTS (SELECT 1 FROM disputes e WHERE e.case_id = d.case_id AND e.rowid < d.rowid)"
            ),
            "a dispute of fewer than two readers": (
                "(SELECT count(DISTINCT o.reader) FROM json_each(d.labels) k JOIN labels o ON o.label_id = k.value) < 2"
            ),
        },
    ),
    Look(
        "r.event_id",
        "resolutions r JOIN disputes d ON d.event_id = r.dispute",
        {
            "a dispute about another case was resolved": "r.case_id <> d.case_id",
            "a dispute was resolved before it was noted": not_before(
                "d.event_id", "d.at", "r.event_id", "r.at"
            ),
        },
    ),
    Look(
        "o.event_id",
        "passes o JOIN predictions p USING (prediction_id) JOIN routings r ON r.event_id = o.routing",
        {
            "a case passed on what was said of another": "p.case_id <> o.case_id",
            "a case passed by a routing that was not set yet": not_before(
                "r.event_id", "r.at", "o.event_id", "o.passed_at"
            ),
        },
    ),
    Look(
        "a.event_id",
        "alarms a JOIN monitorings m ON m.event_id = a.monitoring",
        {
            "an alarm about another model than the one that was watched": "a.model <> m.model",
            "an alarm from before the look that raised it": not_before(
                "m.event_id", "m.at", "a.event_id", "a.at"
            ),
            "an alarm that its look does not have, or in other words": (
                "NOT EXISTS (SELECT 1 FROM json_each(m.body, '$.lamps') l"
                " WHERE json_extract(l.value, '$.name') = a.lamp"
                " AND json_extract(l.value, '$.state') = iif(a.state = 'raised', 'alarm', 'fine')"
                " AND coalesce(json_extract(l.value, '$.words'), a.words) = a.words)"
            ),
            "a lamp was raised or cleared that was so already": (
                "a.state = coalesce((SELECT e.state FROM alarms e WHERE e.lamp = a.lamp AND e.rowid < a.rowid"
                " ORDER BY e.rowid DESC LIMIT 1), 'cleared')"
            ),
        },
    ),
    Look(
        "m.event_id",
        "monitorings m CROSS JOIN audit_log e USING (event_id)",
        {
            "a look that raised other alarms than its report has": (
                "json_extract(e.payload, '$.detail.raised') IS NOT (SELECT json_group_array(json_extract(l.value,"
                " '$.name')) FROM json_each(m.body, '$.lamps') l WHERE json_extract(l.value, '$.state') = 'alarm')"
            ),
            "a look with an alarm that nobody was told of": (
                "EXISTS (SELECT 1 FROM json_each(m.body, '$.lamps') l WHERE json_extract(l.value, '$.state') = 'alarm'"
                " AND (SELECT a.state FROM alarms a JOIN monitorings n ON n.event_id = a.monitoring"
                " WHERE a.lamp = json_extract(l.value, '$.name') AND n.rowid <= m.rowid"
                " ORDER BY a.rowid DESC LIMIT 1) IS NOT 'raised')"
            ),
        },
    ),
    Look(
        "g.event_id",
        "gates g CROSS JOIN audit_log e USING (event_id)",
        {
            "a gate report of which other words, cases or looks are told": _told_otherwise(
                ("words", "json_extract(g.body, '$.words')"),
                ("cases", "json_extract(g.body, '$.cases')"),
                ("looks", "(SELECT count(*) FROM gates o WHERE o.rowid <= g.rowid)"),
            )
        },
    ),
    Look(
        "o.event_id",
        "(SELECT event_id, min(routing) AS first, max(routing) AS last, sum(audited) AS audited FROM passes"
        " GROUP BY event_id) o CROSS JOIN audit_log e USING (event_id)",
        {
            "cases that passed of which another routing, or other audits, are told": _told_otherwise(
                *(("routing", "o.first"), ("routing", "o.last"), ("audited", "o.audited"))
            )
        },
    ),
    Look(
        "g.event_id",
        "gates g",
        {
            "a gate report of a model against itself": "g.challenger = g.champion",
            "its verdict is not that of its report": "json_extract(g.body, '$.verdict') IS NOT g.verdict",
        },
    ),
    Look(
        "m.event_id",
        "promotions m WHERE m.signed_name IS NOT NULL",
        {
            "a change of the model in use whose signature means something else than approval": (
                "m.signed_meaning <> 'approval'"
            ),
            "a change of the model in use signed without the proof that the project asks for": unproved("m", "at"),
        },
    ),
)
