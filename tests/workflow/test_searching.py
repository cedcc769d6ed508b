"""A retraining may search for how hard to fit: only where the project asks, and with every trial in the card."""

from __future__ import annotations

import json
from pathlib import Path

from hitl_review.domain.case import Purpose
from hitl_review.store import models
from hitl_review.workflow.demo import data_folder, import_part
from hitl_review.workflow.retraining import labelled_by_outcome, retrain
from hitl_review.workflow.searching import search
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.hospital import build

ASKED = ("[retraining]\n", "[retraining]\ntuning_trials = 2\n")


def test_every_trial_stands_in_the_challengers_card(tmp_path: Path) -> None:
    """With its settings, what it came to, and which was taken; the model was fitted with that one.

    Before, with eighty outcomes, a search is left to the presets though the project asks for one.
    """
    told: list[str] = []
    with open_workspace(build(tmp_path / "hospital", replace=ASKED, scored=False)) as workspace:
        assert search(workspace, labelled_by_outcome(workspace), progress=told.append) is None
        import_part(workspace, data_folder("support2"), Purpose.TRAINING, limit=130)
        found = retrain(workspace, progress=lambda share, words: told.append(words))
        card = json.loads(models.version(workspace.store, found.challenger.digest).card)
    trials = card["tuning"]["trials"]
    assert [trial["number"] for trial in trials] == [0, 1]
    taken = trials[card["tuning"]["chosen"]]
    assert card["candidates"]["kind"] == "recalibrated" or card["rounds"] == taken["preset"]["rounds"]
    assert any(words.startswith("trial 2 of 2: log loss ") for words in told)


def test_without_being_asked_nothing_is_searched(hospital: Workspace) -> None:
    """The presets are better on few cases, and a search takes minutes."""
    told: list[str] = []
    assert search(hospital, labelled_by_outcome(hospital), progress=told.append) is None
    assert told == []
