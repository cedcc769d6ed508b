"""How hard to fit, by the number of rows: fixed numbers, because a search loses to them on small data.

`small` is from trials with 20 to 200 labels. `medium` was chosen by ten-fold cross-validation, repeated four
times, on the 500 training cases of SUPPORT2 alone: log loss 0.598, against 0.603 with `small`. `large` is
`medium` with more rounds. Depth stays at 3 or less: a depth of 6 was no better in those trials, and five to
twelve times slower to explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

LARGE_ROWS: Final = 2000
"""From this many rows on the large preset is used."""


@dataclass(frozen=True, slots=True)
class Preset:
    """The parameters of XGBoost that depend on the number of rows."""

    name: str
    rounds: int
    max_depth: int
    learning_rate: float
    reg_lambda: float
    min_child_weight: float
    subsample: float
    colsample_bytree: float


SMALL: Final = Preset("small", 70, 2, 0.1, 2.0, 0.5, 0.9, 0.7)
MEDIUM: Final = Preset("medium", 200, 3, 0.03, 5.0, 3.0, 0.6, 0.3)
LARGE: Final = Preset("large", 300, 3, 0.05, 5.0, 3.0, 0.7, 0.5)


def preset_for(rows: int, *, small_rows: int = 300) -> Preset:
    """Return the preset for a number of training rows; below `small_rows` it is the small one.

    >>> preset_for(120).name, preset_for(500).name, preset_for(9000).name
    ('small', 'medium', 'large')
    """
    if rows < small_rows:
        return SMALL
    return MEDIUM if rows < LARGE_ROWS else LARGE


def parameters(preset: Preset, *, max_depth: int, seed: int) -> dict[str, Any]:
    """Return XGBoost's parameters for a preset; `max_depth` can only make the trees shallower."""
    return {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": 256,
        "max_depth": min(preset.max_depth, max_depth),
        "learning_rate": preset.learning_rate,
        "reg_lambda": preset.reg_lambda,
        "min_child_weight": preset.min_child_weight,
        "subsample": preset.subsample,
        "colsample_bytree": preset.colsample_bytree,
        "seed": seed,
    }
