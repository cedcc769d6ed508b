"""A small project, as text and as read, and the second project on another table."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from hitl_review.project import Project, parse_project

BREAST_CANCER = Path(__file__).parents[1] / "fixtures_breast_cancer.py"

SMALL = """
id = "small"
title = "A small project"
version = "1"
id_column = "case_id"
intended_use = "Tests."

[target]
name = "death"
question = "Will this patient die?"
positive = { code = "died", words = "death" }
negative = { code = "alive", words = "alive" }
horizon = "30 days"
index_time = "day 3"
outcome_column = "died"
threshold = 0.5
cost_false_negative = 1
cost_false_positive = 2.5

[[features]]
name = "age"
label = "Age"
group = "Patient"
kind = "number"
unit = "years"
plausible_low = 0
plausible_high = 120
reference_low = 1
reference_high = 110

[[features]]
name = "sex"
label = "Sex"
group = "Person"
kind = "category"
levels = ["female", { code = "male", label = "Man" }]

[[features]]
name = "dementia"
label = "Dementia"
group = "Patient"
kind = "flag"
direction = "raises"

[[reasons]]
code = "pattern"
label = "I see it differently"
applies_to = ["override"]
training_effect = "train"

[[reasons]]
code = "other"
label = "Another reason"
applies_to = ["override", "defer"]
training_effect = "never_train"
needs_comment = true

[[inclusion]]
feature = "age"
minimum = 18
words = "Age is at least 18 years"

[[subgroup_columns]]
name = "race"
label = "Race"

[gate]
subgroups = ["sex", "race"]
"""


@pytest.fixture
def small() -> str:
    """The text of a small project file with one feature of each kind."""
    return SMALL


@pytest.fixture
def project() -> Project:
    """The small project, read."""
    return parse_project(SMALL)


@pytest.fixture(scope="module")
def breast_cancer() -> ModuleType:
    """The second project's text and table, loaded from their file."""
    spec = importlib.util.spec_from_file_location("breast_cancer", BREAST_CANCER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
