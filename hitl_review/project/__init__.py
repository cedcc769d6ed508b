"""What is predicted, from which features, under which policies: `project.toml`, read and checked.

    project = read_project("data/support2/project.toml")

A file that is wrong is refused with a ProjectFileError that has one line per fault: the key, what
was found and what was expected. Nothing here knows a disease, a table or a model: a second project
is a second file.

    table      what every table of the file shares
    policies   review, access, training, retraining, gate
    schema     features, target, reasons, inclusion, and the whole project
    reading    from text to a Project, and the words for faults
"""

from __future__ import annotations

from hitl_review.project.policies import (
    AccessPolicy,
    GatePolicy,
    RetrainingPolicy,
    ReviewPolicy,
    TrainingPolicy,
)
from hitl_review.project.reading import parse_project, project_digest, read_project, read_project_text
from hitl_review.project.schema import (
    ClassLabel,
    Feature,
    InclusionRule,
    Level,
    Project,
    Reason,
    SubgroupColumn,
    Target,
)

__all__ = [
    "AccessPolicy",
    "ClassLabel",
    "Feature",
    "GatePolicy",
    "InclusionRule",
    "Level",
    "Project",
    "Reason",
    "RetrainingPolicy",
    "ReviewPolicy",
    "SubgroupColumn",
    "Target",
    "TrainingPolicy",
    "parse_project",
    "project_digest",
    "read_project",
    "read_project_text",
]
