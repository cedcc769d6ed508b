"""SUPPORT2's patients with a physician's estimate, and what models say of them without having seen their outcome."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hitl_review.model import combining, scoring
from hitl_review.model.features import directions, feature_spec, matrix
from hitl_review.model.training import train
from hitl_review.project import Feature, Project, read_project
from hitl_review.workflow.demo import data_folder

Floats = npt.NDArray[np.float64]

FOLDS = 10
SEED = 20251122
FOLDER = data_folder("support2")


@dataclass(frozen=True)
class Patients:
    """Patients with a physician's estimate at one horizon; `everyone` also holds those without, to train on.

    All arrays are of shape (patients,): death within the horizon (0 or 1), the probabilities of death that the
    physician and SUPPORT's own model stated, the disease group, and each patient's row among everyone.
    """

    days: int
    died: Floats
    physician: Floats
    support: Floats
    disease: npt.NDArray[Any]
    case_ids: list[str]
    rows: npt.NDArray[np.intp]
    everyone_died: Floats


def patients(days: int) -> Patients:
    """Everybody with a physician's estimate and SUPPORT's at 180 or 60 days."""
    cases, readers, references = read("cases"), read("readers"), read("references")
    late = {case: row["died_within_180_days"] for case, row in read("outcomes").items()}
    died = late if days == 180 else {case: row["died_within_60_days"] for case, row in references.items()}
    said, model = f"physician_probability_{days}_days", f"support_probability_{days}_days"
    order = list(cases)
    known = [
        place
        for place, case in enumerate(order)
        if readers.get(case, {}).get(said) and references[case][model]
    ]
    ids = [order[place] for place in known]
    return Patients(
        days=days,
        died=np.array([float(died[case]) for case in ids]),
        physician=np.array([float(readers[case][said]) for case in ids]),
        support=np.array([float(references[case][model]) for case in ids]),
        disease=np.array([cases[case]["disease_group"] for case in ids]),
        case_ids=ids,
        rows=np.array(known),
        everyone_died=np.array([float(died[case]) for case in order]),
    )


def judged_by_the_product(found: Patients, *, folds: int = FOLDS) -> Floats:
    """This product's model, trained on the other folds of all patients, with or without an estimate."""
    project = read_project(FOLDER / "project.toml")
    spec = feature_spec(project)
    values = matrix(spec, [typed(project, row) for row in read("cases").values()])
    fold = np.random.default_rng(SEED).permutation(len(values)) % folds
    chance = np.full(len(values), np.nan)
    for part in range(folds):
        inside = fold == part
        model = train(
            values[~inside],
            found.everyone_died[~inside],
            spec=spec,
            settings=project.training,
            monotone=directions(project) if project.training.monotone else None,
            threads=1,  # the same bytes, and no quarrel over cores
        )
        chance[inside] = scoring.score(model, values[inside]).probabilities
    return chance[found.rows]


def together(found: Patients, model: Floats) -> Floats:
    """The joint estimate of physician and model, fitted on the other folds."""
    return combining.out_of_fold(found.physician, model, found.died, cases=found.case_ids, seed=SEED)


def read(name: str) -> dict[str, dict[str, str]]:
    """A table of the data set by case id, in its order."""
    with gzip.open(FOLDER / f"{name}.csv.gz", "rt", newline="") as file:
        return {row.pop("case_id"): row for row in csv.DictReader(file)}


def typed(project: Project, row: dict[str, str]) -> dict[str, Any]:
    """A row of text as a case's values."""
    return {feature.name: value_of(feature, row[feature.name]) for feature in project.features}


def value_of(feature: Feature, text: str) -> Any:
    """A number, a flag, a level, or nothing where it was not measured."""
    if text == "":
        return None
    if feature.kind == "category":
        return text
    return float(text) if feature.kind == "number" else text == "1"
