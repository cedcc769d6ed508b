"""How hard a model is fitted follows from the number of rows."""

from __future__ import annotations

import pytest

from hitl_review.model.presets import LARGE, MEDIUM, SMALL, SMALL_ROWS, Preset, parameters, preset_for
from hitl_review.project import TrainingPolicy


@pytest.mark.parametrize(
    ("rows", "preset"),
    [(10, SMALL), (599, SMALL), (600, MEDIUM), (1999, MEDIUM), (2000, LARGE), (100_000, LARGE)],
)
def test_more_rows_take_a_larger_preset(rows: int, preset: Preset) -> None:
    """The borders are 600 and 2,000."""
    assert preset_for(rows) is preset


def test_a_project_has_the_same_border() -> None:
    """Who leaves `training.small_rows` out gets the border that the presets were chosen for."""
    assert TrainingPolicy().small_rows == SMALL_ROWS


def test_the_project_may_move_the_lower_border() -> None:
    """`training.small_rows` says below how many rows the small preset is used."""
    assert preset_for(900, small_rows=1000) is SMALL
    assert preset_for(20, small_rows=0) is MEDIUM


def test_depth_can_only_be_made_smaller() -> None:
    """A project can ask for shallower trees than the preset, not for deeper ones."""
    assert parameters(MEDIUM, max_depth=2, seed=1)["max_depth"] == 2
    assert parameters(SMALL, max_depth=3, seed=1)["max_depth"] == 3


def test_no_preset_is_deeper_than_three() -> None:
    """Deeper trees are no better on few rows and much slower to explain."""
    assert max(preset.max_depth for preset in (SMALL, MEDIUM, LARGE)) == 3
