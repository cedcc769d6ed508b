"""One's own labelled table as a simulation reads it: checked as an import is, and known by its digests."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hitl_review.errors import IntakeError
from hitl_review.model.simulating.curves import Plan
from hitl_review.model.simulating.readers import Skill
from hitl_review.workflow.intake import RowsRefused
from hitl_review.workflow.simulating import read_labelled, simulated
from tests.ward import PROJECT

Write = Callable[[str, list[dict[str, object]]], Path]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The ward's project file."""
    path = tmp_path / "project.toml"
    path.write_text(PROJECT, encoding="utf-8")
    return path


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows as a CSV file of that name."""

    def written(name: str, rows: list[dict[str, object]]) -> Path:
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return written


def patients(count: int) -> list[dict[str, object]]:
    """Patients whose risk rises with age, each with an outcome and a column nobody asked for."""
    random = np.random.default_rng(1)
    rows: list[dict[str, object]] = []
    for number in range(count):
        age = int(random.integers(30, 95))
        died = int(random.random() < 1 / (1 + np.exp(-(age - 65) / 8)))
        rows.append(
            {
                "case_id": f"C-{number}",
                "age": age,
                "sex": "female" if number % 2 else "male",
                "creatinine": "" if number % 5 == 0 else round(float(random.uniform(0.5, 3)), 1),
                "dementia": int(number % 7 == 0),
                "died": died,
                "nurse": "not a feature",
            }
        )
    return rows


def test_a_table_with_its_outcome_is_read_in_the_projects_columns(project: Path, write: Write) -> None:
    """What was not measured is missing, and columns nobody named are passed over."""
    world = read_labelled(write("all.csv", patients(30)), project).world
    assert world.values.shape == (30, 4)
    assert np.isnan(world.values[::5, 2]).all() and not np.isnan(world.values[:, 0]).any()
    assert world.threshold == 0.5 and world.stated is None


def test_outcomes_may_lie_in_a_file_of_their_own_and_cases_without_one_are_left_out(
    project: Path, write: Write
) -> None:
    """Matched by id, whatever the order."""
    rows = patients(20)
    outcomes = [
        {"case_id": row["case_id"], "died": row["died"] if n < 15 else ""} for n, row in enumerate(rows)
    ]
    cases = [{key: value for key, value in row.items() if key != "died"} for row in rows]
    found = read_labelled(write("c.csv", cases), project, outcomes=write("o.csv", outcomes[::-1]))
    assert found.world.case_ids == tuple(f"C-{n}" for n in range(15))
    assert found.world.truth.tolist() == [row["died"] for row in rows[:15]]
    assert set(found.digests) == {"project", "cases", "outcomes"}


def test_readers_estimates_are_matched_by_case(project: Path, write: Write) -> None:
    """An empty cell, and a case that is not in the file, is no estimate."""
    estimates: list[dict[str, object]] = [
        {"case_id": "C-1", "p": 0.25},
        {"case_id": "C-0", "p": ""},
        {"case_id": "unknown", "p": 0.9},
    ]
    found = read_labelled(
        write("all.csv", patients(10)), project, readers=write("r.csv", estimates), readers_column="p"
    )
    assert found.world.stated is not None
    assert found.world.stated[1] == 0.25
    assert np.isnan(found.world.stated[[0, 2, 9]]).all()
    assert "readers" in found.digests


@pytest.mark.parametrize("wrong", ["1.5", "-0.1", "likely", "nan"])
def test_an_estimate_that_is_no_probability_is_refused_with_its_row(
    wrong: str, project: Path, write: Write
) -> None:
    """And its value is not repeated: it may be a patient's."""
    readers = write(
        "r.csv", [{"case_id": "C-0", "probability": 0.5}, {"case_id": "C-1", "probability": wrong}]
    )
    with pytest.raises(IntakeError, match=r"Row 3 of r\.csv") as told:
        read_labelled(write("all.csv", patients(10)), project, readers=readers)
    assert wrong not in str(told.value)


def test_a_value_that_an_import_would_refuse_is_refused(project: Path, write: Write) -> None:
    """An age of 400 would teach the simulation something."""
    rows = patients(10)
    rows[3]["age"] = 400
    with pytest.raises(RowsRefused, match="age"):
        read_labelled(write("all.csv", rows), project)


def test_a_table_without_any_outcome_says_where_to_name_them(project: Path, write: Write) -> None:
    """In a file of their own."""
    rows = [{**row, "died": ""} for row in patients(10)]
    with pytest.raises(IntakeError, match="--outcomes"):
        read_labelled(write("all.csv", rows), project)


def test_the_json_form_names_the_files_and_holds_every_line(project: Path, write: Write) -> None:
    """Digests first, then the plan and the curves, all of it plain."""
    labelled = read_labelled(write("all.csv", patients(220)), project)
    plan = Plan(start=60, reviews=40, step=40, seeds=1, skill=Skill(accuracy=1.0))
    found, told = simulated(labelled, plan)
    assert list(told) == [
        *("data", "plan", "cases", "queue", "tested", "curves", "better_than_random", "sentence")
    ]
    assert told["data"] == dict(labelled.digests)
    assert [each["line"] for each in told["curves"]] == [curve.line.value for curve in found.curves]
    assert told["plan"]["skill"]["accuracy"] == 1.0
