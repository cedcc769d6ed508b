"""The global plots that are kept with a model version: drawn by shap once, when it is trained."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import numpy as np

from hitl_review.domain.registry import Figure
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import explain
from hitl_review.model.features import Matrix
from hitl_review.project import Project

DEPENDENCES: Final = 3
"""How many of the most important features get a picture of their own."""


def pictures_of(project: Project, model: TrainedModel, values: Matrix) -> list[Figure]:
    """Return a beeswarm and the dependence of the most important features, over the training cases.

    Without matplotlib (the extra `figures`) there are none: a model is no worse for lacking pictures.
    """
    if find_spec("matplotlib") is None:
        return []
    from hitl_review.model.global_plots import beeswarm, dependence  # the serving path never needs it

    labels = {feature.name: feature.label for feature in project.features}
    swarm = beeswarm(model, values, labels=labels)
    figures = [Figure("beeswarm", swarm.alt, swarm.png)]
    for name in _most_important(model, values):
        picture = dependence(model, values, name, labels=labels)
        figures.append(Figure(f"dependence: {labels[name]}", picture.alt, picture.png))
    return figures


def _most_important(model: TrainedModel, values: Matrix) -> list[str]:
    explanations = explain(model, values)
    mean = np.abs(explanations.contributions).mean(axis=0)
    return [explanations.feature_names[place] for place in np.argsort(-mean, kind="stable")[:DEPENDENCES]]
