"""What is told of a review: an own estimate, the model's view and the answer, as events with what they need beside.

The parts that all stories of forgers are made of; each tells it as it could have been unless it is asked for more.
"""

from __future__ import annotations

import json
from typing import Any

from hitl_review.domain.case import snapshot_of
from tests.attacks.retelling import Payload, Story

SAID = {"label": "died", "probability": 0.7}


def estimate(story: Story, case: str = "C-6", *, by: str = "reader-1", **detail: Any) -> Payload:
    """Tell of a reader's own estimate of a case."""
    like = story.first("read.committed", actor=by)
    return story.add(like, {"opened_at": story.now, **SAID, **detail}, subject=f"case:{case}")


def view(
    story: Story,
    case: str = "C-6",
    *,
    by: str = "reader-1",
    said_of: str = "",
    screen_of: str = "",
    on_screen: str = "",
    model: str = "",
) -> Payload:
    """Tell that a reader was shown the model in use, or another one, on a case."""
    model = model or story.last("model.promoted")["detail"]["model"]
    sql = "SELECT prediction_id FROM predictions WHERE case_id = ? AND model = ?"
    prediction = story.one(sql, said_of or case, model)
    screen = story.screen(screen_of or case, on_screen or prediction)
    detail = {"prediction": prediction, "model": model, "shown_digest": screen}
    return story.add(story.first("prediction.shown", actor=by), detail, subject=f"case:{case}")


def answer(story: Story, shown: Payload, **told: Any) -> Payload:
    """Tell that a reader accepted what was shown, with the own estimate of `estimate`."""
    of = "FROM predictions WHERE prediction_id = ?"
    prediction = shown["detail"]["prediction"]
    label = story.one(f"SELECT label {of}", prediction)
    detail = {
        **{name: shown["detail"][name] for name in ("prediction", "model", "shown_digest")},
        **{name: story.one(f"SELECT {name} {of}", prediction) for name in ("probability", "threshold")},
        **{"label_shown": label, "label": label, "reveal": shown["event_id"], "shown_at": shown["at"]},
        **{"own_probability": SAID["probability"], **told},
    }
    story.write(
        "UPDATE worklist SET state = 'decided' WHERE case_id = ?", shown["subject"].removeprefix("case:")
    )
    return story.add(story.first("decision.accepted", actor=shown["actor"]), detail, subject=shown["subject"])


def whole_way(story: Story, case: str = "C-6", **told: Any) -> tuple[Payload, Payload, Payload]:
    """Tell of the first reader's way through a case: estimate, view and answer."""
    read, shown = estimate(story, case), view(story, case)
    return read, shown, answer(story, shown, **told)


def predicted(story: Story, case: str, **changed: Any) -> Payload:
    """Tell that the model in use was asked of a case, as of a case like it."""
    told = story.add(story.last("prediction.made"))
    model = told["detail"]["model"]
    row = {"case_id": case, "prediction_id": f"P-forged-{case}", "event_id": told["event_id"], **changed}
    story.copy("predictions", f"case_id = 'C-5' AND model = '{model}'", **row)
    return told


def received(story: Story, *, purpose: str = "training", of: str = "H-1") -> Payload:
    """Tell that a case H-1 came in, with values like those of the first one; `of` is whose they are said to be."""
    told = story.add(story.first("case.received"), {"purpose": purpose})
    body = story.one("SELECT body FROM snapshots WHERE case_id = 'T-1'")
    digest = snapshot_of(of, json.loads(body)).digest
    story.connection.execute("INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?)", (digest, of, body))
    position = story.one("SELECT max(position) + 1 FROM cases")
    row = {"position": position, "snapshot": digest, "purpose": purpose, "event_id": told["event_id"]}
    story.copy("cases", "case_id = 'T-1'", case_id="H-1", **row)
    return told


def recorded(story: Story, case: str) -> Payload:
    """Tell that the outcome of a case came in."""
    told = story.add(story.first("outcome.recorded"))
    number = story.one("SELECT max(outcome_id) + 1 FROM outcomes")
    story.copy("outcomes", "value = 1", outcome_id=number, case_id=case, event_id=told["event_id"])
    return told
