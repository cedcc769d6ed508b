"""Pictures of many explanations are PNGs with words, and need matplotlib only when drawn."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib import image, pyplot

from hitl_review.errors import ModelError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.features import matrix
from hitl_review.model.global_plots import (
    HIGH_COLOUR,
    LOW_COLOUR,
    Picture,
    beeswarm,
    dependence,
    importance_bars,
)

WORDS = {"age": "Age", "creatinine": "Creatinine", "ward": "Ward"}


def pixels(picture: Picture) -> npt.NDArray[Any]:
    """The picture's pixels, shape (height, width, 3), 0 to 255."""
    return (image.imread(io.BytesIO(picture.png), format="png")[:, :, :3] * 255).round().astype(int)


def has_colour(picture: Picture, colour: str) -> bool:
    """Whether a colour of the palette was drawn."""
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return bool((np.abs(pixels(picture) - wanted).max(axis=2) <= 3).any())


def test_bars_are_drawn_in_blue_with_words(model: TrainedModel, newcomers: Any) -> None:
    """Each feature's size is told in the alternative text, largest first, with the project's labels."""
    picture = importance_bars(model, newcomers.values, labels=WORDS)
    assert picture.png.startswith(b"\x89PNG")
    assert has_colour(picture, LOW_COLOUR)
    assert "over 300 cases, largest first" in picture.alt
    assert "Creatinine 0." in picture.alt and "dementia 0." in picture.alt


def test_the_beeswarm_is_blue_to_orange_and_tells_directions(model: TrainedModel, newcomers: Any) -> None:
    """Never shap's red and blue; a category has no direction to tell."""
    picture = beeswarm(model, newcomers.values, labels=WORDS)
    assert has_colour(picture, LOW_COLOUR) and has_colour(picture, HIGH_COLOUR)
    assert not has_colour(picture, "#FF0051")
    assert "(higher values raise it)" in picture.alt
    assert "Ward" in picture.alt and "higher" not in picture.alt.split("Ward")[1].split(";")[0]


@pytest.mark.parametrize("feature", ["age", "creatinine", "dementia", "ward"])
def test_dependence_is_drawn_for_every_kind_of_feature(
    model: TrainedModel, newcomers: Any, feature: str
) -> None:
    """Numbers with missing values, flags and categories."""
    picture = dependence(model, newcomers.values, feature, labels=WORDS)
    assert has_colour(picture, LOW_COLOUR)
    assert "log-odds" in picture.alt


def test_a_feature_nobody_measured_is_drawn(model: TrainedModel, newcomers: Any) -> None:
    """No warning and no crash, and the words say so."""
    values = newcomers.values.copy()
    values[:, 1] = np.nan
    assert beeswarm(model, values).png
    assert "measured in none of 300 cases" in dependence(model, values, "creatinine").alt


def test_drawing_leaves_no_figure_behind(model: TrainedModel, newcomers: Any) -> None:
    """A long-running server does not collect them, and two threads don't draw into each other's."""
    once = importance_bars(model, newcomers.values)
    with ThreadPoolExecutor(3) as pool:
        drawn = list(pool.map(lambda _: importance_bars(model, newcomers.values), range(3)))
    assert pyplot.get_fignums() == []
    assert {picture.png for picture in drawn} == {once.png}


def test_an_unknown_feature_is_refused_with_those_there_are(model: TrainedModel, newcomers: Any) -> None:
    """A mistyped name gets an answer."""
    with pytest.raises(ModelError, match=r"no feature 'weight'\. Choose one of age, creatinine"):
        dependence(model, newcomers.values, "weight")


def test_no_cases_are_refused(model: TrainedModel) -> None:
    """There is nothing to draw."""
    with pytest.raises(ModelError, match="no cases"):
        importance_bars(model, matrix(model.spec, []))


def test_without_matplotlib_the_extra_is_named() -> None:
    """The message is the command that mends it."""
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from hitl_review.errors import ModelError\n"
        "from hitl_review.model import global_plots\n"
        "try: global_plots._libraries()\n"
        "except ModelError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'hitl-review[figures]'" in run.stdout


@pytest.mark.filterwarnings("error")
def test_a_letter_that_the_font_lacks_disturbs_nobody(model: TrainedModel, newcomers: Any) -> None:
    """Whoever trains a model can't mend it; a warning would name lines of the program in the middle of the answer."""
    assert importance_bars(model, newcomers.values, labels={"age": "年齢"}).png
