"""train and score: the first champion, and its judgement of the queue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data" / "support2"


@pytest.fixture
def empty(run, tmp_path: Path) -> Path:
    """A workspace as init leaves it."""
    folder = tmp_path / "empty"
    assert run("init", folder, "--project", DATA / "project.toml").exit_code == 0
    return folder


def test_training_without_cases_is_refused_with_what_to_do(run, empty: Path) -> None:
    """There is nothing to learn from, and the way to it is named."""
    result = run("train", empty)
    assert result.exit_code == 1
    assert "--purpose training" in result.stderr


def test_scoring_without_a_champion_is_refused_with_what_to_do(run, empty: Path) -> None:
    """The missing step is named."""
    result = run("score", empty)
    assert result.exit_code == 1
    assert "hitl-review train" in result.stderr


def test_a_second_champion_is_not_trained_this_way(run, workspace: Path) -> None:
    """A successor has to pass the gate."""
    result = run("train", workspace)
    assert result.exit_code == 1
    assert "champion already" in result.stderr


def test_scoring_again_finds_nothing_to_do(run, workspace: Path) -> None:
    """What was judged is not judged twice."""
    result = run("score", workspace, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"scored": 0}


def test_a_role_that_may_not_train_is_refused(run, workspace: Path) -> None:
    """A reader reads."""
    result = run("train", workspace, "--as", "anna")
    assert result.exit_code == 1
    assert "may not train a model" in result.stderr


def test_train_tells_the_model_in_one_json_object(run, empty: Path, tables: Path) -> None:
    """The digest is what the model is known by."""
    run("import", empty, tables / "training-cases.csv", "--purpose", "training")
    run("import", empty, tables / "training-outcomes.csv", "--outcomes")
    result = run("train", empty, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 0, result.stderr
    assert told["model"].startswith("sha256:")
    assert (told["name"], told["rows"]) == ("v1", 60)
