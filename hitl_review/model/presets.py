"""How hard to fit, by the number of rows: fixed numbers, because a search loses to them on small data.

Chosen by log loss on other rows of three tables: SUPPORT2's patients outside the hold-out, whose outcomes are noisy,
handwritten digits, which have hardly any noise, and a generated one between them (5 to 10 drawings of each size).
`small` was ahead of, or level with, 70 rounds of depth 2 at a rate of 0.1 on all three from 50 to 600 rows (SUPPORT2:
0.711 against 0.775 with 50 rows, 0.646 against 0.662 with 150, 0.608 against 0.610 with 500; AUC better everywhere),
and of the two its slope is nearer 1 on patients. From 600 rows on `medium` is ahead of it, from 2,000 on `large` of
that. Depth stays at 3 or less: a depth of 6 was no better in trials, and five to twelve times slower to explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

SMALL_ROWS: Final = 600
"""Below this many rows the small preset is used, unless the project says otherwise."""
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


SMALL: Final = Preset("small", 150, 3, 0.03, 2.0, 0.5, 0.6, 0.5)
MEDIUM: Final = Preset("medium", 200, 3, 0.03, 2.0, 0.5, 0.6, 0.5)
LARGE: Final = Preset("large", 300, 3, 0.05, 5.0, 3.0, 0.7, 0.5)


def preset_for(rows: int, *, small_rows: int = SMALL_ROWS) -> Preset:
    """Return the preset for a number of training rows; below `small_rows` it is the small one.

    >>> preset_for(120).name, preset_for(900).name, preset_for(9000).name
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
