"""What is told of a reader study: showings, reads and steps, as events with what they need beside.

In the study of the whole workspace the second reader is at the second place of the list, and sees the model
after an own answer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hitl_review.domain.canonical import bytes_digest
from hitl_review.domain.protocol import Design, read_document
from hitl_review.workflow.workspace import create_workspace, open_workspace
from tests.attacks.retelling import Payload, Story
from tests.ward import PROJECT, Clock, fill, review
from tests.ward_study import PLAN, RITA, ROLF, read_all, start

NEXT, CASE = 2, "C-4"
"""What the second reader is to read next in the study of the whole workspace."""


def shown(
    story: Story, item: int = NEXT, case: str = CASE, *, model: bool = False, by: str = "reader-2"
) -> Payload:
    """Tell that a reader was shown a case in the study, or the model's view of it."""
    like = story.first("study.shown" if model else "study.opened")
    detail = {"item": item, "displayed": story.screen(case, "in a study")}
    return story.add(like, detail, actor=by)


def read(story: Story, facts: Payload, view: Payload | None = None, **detail: Any) -> Payload:
    """Tell of a read of what was shown: alone, or with the view of the model."""
    answered = view or facts
    said = {
        **{"item": answered["detail"]["item"], "case": CASE, "modality": "aided" if view else "unaided"},
        **{"shown_at": facts["at"], "displayed": answered["detail"]["displayed"]},
        "revealed_at": None if view is None else view["at"],
    }
    return story.add(story.first("study.read"), {**said, **detail}, actor=facts["actor"])


def step(story: Story, kind: str, **detail: Any) -> Payload:
    """Tell that the study took a step."""
    told = story.add(story.first("study.started"), detail, action=f"study.{kind}")
    story.bodies[told["event_id"]] = {"document": None}
    return told


def document(story: Story, kind: str) -> str:
    """Return the document of a step."""
    return str(story.one("SELECT document FROM study_steps WHERE kind = ?", kind))


def amended(story: Story, text: str) -> Payload:
    """Tell that the protocol was amended."""
    told = step(story, "amended", protocol=bytes_digest(text.encode()), reason="It was agreed on.")
    story.bodies[told["event_id"]] = {"document": text}
    return told


def first_showing(story: Story, showing: str) -> Payload:
    """Show the first case of a list to its reader, where it is to be shown in some way."""
    sql = "SELECT {} FROM study_schedule WHERE session = 1 AND place = 1 AND showing = ?"
    item, case, reader = (story.one(sql.format(name), showing) for name in ("item", "case_id", "reader"))
    detail = {"item": item, "displayed": story.screen(case, "in a study"), "case": case}
    like = story.first("prediction.shown", actor=reader)
    return story.add(like, detail, action="study.opened", subject="study:ward-1")


def first_read(story: Story, facts: Payload, modality: str) -> Payload:
    """Read the first case of a list."""
    frozen = read_document(document(story, "frozen"))[1]
    assert frozen is not None
    detail = {
        **{name: facts["detail"][name] for name in ("item", "case", "displayed")},
        **{"modality": modality, "label": "died", "rating": 70, "confidence": None, "shown_at": facts["at"]},
        **{"revealed_at": None, "seconds_active": 9.5, "model": frozen.model},
    }
    return story.add({**facts, "detail": {}}, detail, action="study.read")


CROSSED: Final = replace(PLAN, design=Design.CROSSOVER, training_cases=(), attention_checks=0, repeats=0)


def crossed_study(folder: Path, *, is_read: bool) -> Path:
    """Make a workspace with a study that has both kinds of reads, none of them made or all of the first session."""
    clock = Clock()
    create_workspace(folder, PROJECT, demo=True, clock=clock)
    with open_workspace(folder, clock=clock) as workspace:
        fill(workspace)
        review(workspace, clock)
        start(workspace, CROSSED)
        for reader in (RITA, ROLF) if is_read else ():
            assert read_all(workspace, reader, clock) > 0
    return folder
