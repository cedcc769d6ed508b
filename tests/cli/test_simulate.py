"""`simulate`: a table in, learning curves and one sentence out; a wrong table is one sentence too."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Run
from tests.ward import PROJECT

SMALL = ("--start", "60", "--reviews", "40", "--step", "20", "--seeds", "1")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, a labelled table of 250 patients, and somebody's estimates of them."""
    folder, random = tmp_path_factory.mktemp("history"), np.random.default_rng(3)
    (folder / "project.toml").write_text(PROJECT, encoding="utf-8")
    with (
        (folder / "history.csv").open("w", newline="") as history,
        (folder / "who.csv").open("w", newline="") as who,
    ):
        rows, estimates = csv.writer(history), csv.writer(who)
        rows.writerow(["case_id", "age", "sex", "creatinine", "dementia", "died"])
        estimates.writerow(["case_id", "probability"])
        for number in range(250):
            age = int(random.integers(30, 95))
            risk = 1 / (1 + np.exp(-(age - 65) / 8))
            rows.writerow([f"C-{number}", age, "male", 1.0, 0, int(random.random() < risk)])
            estimates.writerow([f"C-{number}", round(float(risk), 2)])
    return folder


def test_the_lines_are_a_table_and_the_last_words_are_the_sentence(files: Path, run: Run) -> None:
    """One row per line, one column per number of reads."""
    found = run("simulate", files / "history.csv", "--project", files / "project.toml", *SMALL)
    assert found.exit_code == 0
    lines = found.stdout.splitlines()
    assert lines[0].split()[3:6] == ["0", "20", "40"]
    assert [line.split()[0] for line in lines[1:7]] == [
        "frozen",
        "random",
        "policy",
        "overrides",
        "self",
        "ceiling",
    ]
    assert lines[-1].startswith("On these data ") and "readers who are right in 90%" in lines[-1]


def test_json_is_one_object_by_the_contract_and_replays_real_people(files: Path, run: Run) -> None:
    """With readers there is a line for outcomes that have come in."""
    found = run(
        *("simulate", files / "history.csv", "--project", files / "project.toml"),
        *("--readers", files / "who.csv", "--json", *SMALL),
    )
    assert found.exit_code == 0 and found.stderr == ""
    told = json.loads(found.stdout)
    assert [each["line"] for each in told["curves"]][3] == "with_outcomes"
    assert {"cases", "outcomes", "project", "readers"} == set(told["data"])
    assert [band["reads"] for band in told["curves"][0]["auc"]] == [0, 20, 40]
    assert told["plan"]["skill"]["blind"] == 1.0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--reviews", "900"), "--reviews"),
        (("--accuracy", "0.2"), "accuracy"),
        (("--seeds", "0"), "seeds"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_sentence(
    more: tuple[str, ...], said: str, files: Path, run: Run
) -> None:
    """Nothing on standard output, and no traceback."""
    found = run("simulate", files / "history.csv", "--project", files / "project.toml", *SMALL, *more)
    assert found.exit_code != 0 and found.stdout == ""
    assert said in found.stderr and "Traceback" not in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
