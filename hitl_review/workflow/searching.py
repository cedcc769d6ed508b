"""A search for how hard to fit, before a retraining, where the project asks for one: every trial goes into the card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from hitl_review.model.candidates import LEAST_FRESH
from hitl_review.model.features import directions, feature_spec
from hitl_review.model.tuning import Trial, Tuning, tune
from hitl_review.workflow.training_set import LabelledCase, arrays
from hitl_review.workflow.workspace import Workspace

LEAST_TRIALS: Final = 2


def search(
    workspace: Workspace, rows: Sequence[LabelledCase], *, progress: Callable[[str], None]
) -> Tuning | None:
    """Search as the retraining policy says; None where it asks for none, or where outcomes are too few for one.

    Raises ModelError where a search is asked for and Optuna is not installed.
    """
    project = workspace.project
    trials, spec = project.retraining.tuning_trials, feature_spec(project)
    training = arrays(spec, rows, ())
    if trials < LEAST_TRIALS or int((~np.isnan(training.outcomes)).sum()) < LEAST_FRESH:
        return None

    def told(trial: Trial) -> None:
        progress(f"trial {trial.number + 1} of {trials}: log loss {trial.log_loss:.4f}")

    return tune(
        training,
        spec=spec,
        settings=project.training,
        monotone=directions(project) if project.training.monotone else None,
        trials=trials,
        progress=told,
    )
