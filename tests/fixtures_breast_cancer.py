"""A second project on another table: scikit-learn's breast cancer data, 569 biopsies, 30 measurements.

It shows that a project is a file and a table, nothing in the code. Not a test module: load it from its
path, or import it in a conftest; every function makes its value anew.
"""

from __future__ import annotations

from functools import cache

import pandas as pd
from sklearn.datasets import load_breast_cancer

GROUPS = {"mean": "Mean of the nuclei", "error": "Standard error", "worst": "Worst three nuclei"}
PLAUSIBLE_HIGH = {"radius": 100, "texture": 200, "perimeter": 1000, "area": 10_000}
"""Generous, in the units of the image; the other measurements are ratios and stay below 10."""

HEAD = """
id = "breast-cancer"
title = "Breast cancer in a fine-needle biopsy"
version = "1.0.0"
id_column = "biopsy"
intended_use = "Tests of a second project. Not for the care of any patient."

[target]
name = "malignancy"
question = "Is this tumour malignant?"
positive = { code = "malignant", words = "a malignant tumour" }
negative = { code = "benign", words = "a benign tumour" }
horizon = "at the biopsy"
index_time = "the day of the biopsy"
outcome_column = "malignant"
threshold = 0.4
cost_false_negative = 3
cost_false_positive = 2

[[reasons]]
code = "pattern"
label = "I read the cells differently"
applies_to = ["override"]
training_effect = "train"

[[reasons]]
code = "image_quality"
label = "The image is not good enough"
applies_to = ["override", "defer"]
training_effect = "fix_record"

[gate]
minimum_cases = 100
"""


def breast_cancer_project_text() -> str:
    """Return the text of the second project's file."""
    return HEAD + "".join(_feature_text(column) for column in _measurements().columns)


def breast_cancer_table() -> pd.DataFrame:
    """Return the cases: the id column `biopsy` and the 30 measurements, without the outcome."""
    table = _measurements().copy()
    table.insert(0, "biopsy", _ids())
    return table


def breast_cancer_outcomes() -> pd.DataFrame:
    """Return the outcomes: `biopsy` and `malignant`, 1 for 212 of 569."""
    return pd.DataFrame({"biopsy": _ids(), "malignant": 1 - load_breast_cancer().target})


@cache
def _measurements() -> pd.DataFrame:
    data = load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names]
    return pd.DataFrame(data.data, columns=names)


def _ids() -> list[str]:
    return [f"BC-{number:04d}" for number in range(1, len(_measurements()) + 1)]


def _feature_text(name: str) -> str:
    label = name.replace("_", " ")
    group = next(words for part, words in GROUPS.items() if part in label.split())
    high = next((high for part, high in PLAUSIBLE_HIGH.items() if part in label.split()), 10)
    direction = "raises" if group == GROUPS["worst"] else "none"
    return f"""
[[features]]
name = "{name}"
label = "{label.capitalize()}"
group = "{group}"
kind = "number"
decimals = 3
plausible_low = 0
plausible_high = {high}
direction = "{direction}"
"""
