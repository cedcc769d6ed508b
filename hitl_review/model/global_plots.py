"""Pictures of what a model does over many cases, for reports and export: drawn by shap on matplotlib.

Neither library is imported before a picture is asked for, so no page waits for them. matplotlib comes with
the extra `figures`. Colours are blue and orange, which deuteranopes and protanopes tell apart, through grey;
each picture comes with words for those who don't see it.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError
from hitl_review.model.artifacts import TrainedModel
from hitl_review.model.explaining import Explanations, explain
from hitl_review.model.features import Column, Matrix

Floats = npt.NDArray[np.float64]

LOW_COLOUR: Final = "#2166AC"
MIDDLE_COLOUR: Final = "#A9A9A9"
HIGH_COLOUR: Final = "#B35806"
MOST_CASES: Final = 2000
"""More points than this hide each other; evenly spaced cases are drawn."""
_TREND: Final = 0.3
"""A rank correlation of value and contribution weaker than this is not told as a direction."""
_PYPLOT: Final = threading.Lock()
"""shap draws on pyplot's current figure, which is shared by all threads."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and the words that say the same."""

    png: bytes
    alt: str


def importance_bars(
    model: TrainedModel, values: Matrix, *, labels: Mapping[str, str] | None = None, largest: int = 12
) -> Picture:
    """Draw how far each feature moves the score on average, largest first."""
    sample = _sample(model, values, labels)

    def draw(shap: Any, axes: Any) -> None:
        # One more, because shap's last bar is the sum of the others.
        shap.plots.bar(sample.for_shap(shap), max_display=largest + 1, ax=axes, show=False)
        for bar in axes.patches:
            bar.set_facecolor(LOW_COLOUR)
        for text in axes.texts:
            text.set_color(LOW_COLOUR)
        axes.set_xlabel("mean absolute contribution (log-odds)")

    return Picture(_png(draw, height=0.35 * largest + 1.5), sample.importance_words(largest, trends=False))


def beeswarm(
    model: TrainedModel, values: Matrix, *, labels: Mapping[str, str] | None = None, largest: int = 12
) -> Picture:
    """Draw every case's contributions, coloured by the value; grey is not measured, or a category."""
    sample = _sample(model, values, labels)

    def draw(shap: Any, axes: Any) -> None:
        drawn = sample.for_shap(shap, coloured=True)
        shap.plots.beeswarm(
            drawn, max_display=largest + 1, ax=axes, show=False, color=_colour_map(), plot_size=None
        )
        axes.set_xlabel("contribution to the model's score (log-odds)")

    return Picture(_png(draw, height=0.4 * largest + 1.5), sample.importance_words(largest, trends=True))


def dependence(
    model: TrainedModel, values: Matrix, feature: str, *, labels: Mapping[str, str] | None = None
) -> Picture:
    """Draw one feature's contribution against its value; cases not measured stand at the left edge."""
    if feature not in model.spec.names:
        known = ", ".join(model.spec.names)
        raise ModelError(f"The model has no feature '{feature}'. Choose one of {known}.")
    sample = _sample(model, values, labels)
    place = model.spec.names.index(feature)
    column = model.spec.columns[place]

    def draw(shap: Any, axes: Any) -> None:
        shap.plots.scatter(
            sample.for_shap(shap)[:, place], ax=axes, show=False, color=LOW_COLOUR, hist=False, x_jitter=0
        )
        axes.axhline(0, color=MIDDLE_COLOUR, linewidth=1)
        axes.set_ylabel("contribution (log-odds)")
        if column.kind == "category":
            axes.set_xticks(range(len(column.levels)), column.levels, rotation=30, ha="right")

    return Picture(_png(draw, height=4.5), sample.dependence_words(place))


@dataclass(frozen=True, slots=True)
class _Sample:
    """The cases that are drawn, and the features' words."""

    columns: tuple[Column, ...]
    explanations: Explanations
    values: Matrix
    labels: tuple[str, ...]

    def for_shap(self, shap: Any, *, coloured: bool = False) -> Any:
        """Return shap's form; for colours, levels of a category have no order and so no value."""
        values = self.values.astype(np.float64)
        if coloured:
            values[:, [column.kind == "category" for column in self.columns]] = np.nan
        return shap.Explanation(
            values=self.explanations.contributions.astype(np.float64),
            base_values=self.explanations.base_values.astype(np.float64),
            data=values,
            feature_names=list(self.labels),
        )

    def importance_words(self, largest: int, *, trends: bool) -> str:
        sizes = np.abs(self.explanations.contributions).mean(axis=0)
        order = np.argsort(-sizes, kind="stable")[:largest].tolist()
        parts = [f"{self.labels[i]} {sizes[i]:.2f}{self._trend_words(i) if trends else ''}" for i in order]
        return (
            f"Mean absolute contribution to the model's score in log-odds over {len(self.values)} cases, "
            f"largest first: {'; '.join(parts)}."
        )

    def dependence_words(self, place: int) -> str:
        amounts = self.explanations.contributions[:, place]
        known = ~np.isnan(self.values[:, place])
        if not known.any():
            return f"{self.labels[place]} was measured in none of {len(known)} cases."
        low, high = (float(edge) for edge in np.quantile(amounts[known], [0, 1]))
        return (
            f"Contribution of {self.labels[place]} to the model's score in {int(known.sum())} cases: "
            f"from {low:+.2f} to {high:+.2f} log-odds{self._trend_words(place)}."
        )

    def _trend_words(self, place: int) -> str:
        if self.columns[place].kind == "category":
            return ""
        trend = _rank_correlation(self.values[:, place], self.explanations.contributions[:, place])
        if abs(trend) < _TREND:
            return ""
        return " (higher values raise it)" if trend > 0 else " (higher values lower it)"


def _sample(model: TrainedModel, values: Matrix, labels: Mapping[str, str] | None) -> _Sample:
    if not len(values):
        raise ModelError("A picture of the model was asked for no cases. Score some cases first.")
    step = -(-len(values) // MOST_CASES)
    drawn = values[::step]
    words = tuple((labels or {}).get(name, name) for name in model.spec.names)
    return _Sample(model.spec.columns, explain(model, drawn), drawn, words)


def _png(draw: Callable[[Any, Any], None], *, height: float) -> bytes:
    shap, pyplot = _libraries()
    with _PYPLOT:
        figure = pyplot.figure(figsize=(8, height), dpi=150, layout="constrained", facecolor="white")
        try:
            with warnings.catch_warnings():
                # shap looks for the range of every feature's values, also of one that nobody had measured.
                warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
                # A letter that the font lacks is drawn as a box, and is no fault that whoever trains a model can mend.
                warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
                draw(shap, figure.add_subplot())
                out = io.BytesIO()
                # Without the library's version in it, the same cases give the same bytes.
                figure.savefig(out, format="png", metadata={"Software": None})
        finally:
            pyplot.close(figure)
    return out.getvalue()


def _libraries() -> tuple[Any, Any]:
    try:
        import matplotlib

        # Never a window: pages and workers draw outside the main thread.
        matplotlib.use("Agg")
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ModelError(
            "Figures need matplotlib, which is not installed. Run `pip install 'hitl-review[figures]'`."
        ) from error
    import shap

    return shap, pyplot


def _colour_map() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("low_to_high", [LOW_COLOUR, MIDDLE_COLOUR, HIGH_COLOUR])


def _rank_correlation(values: npt.NDArray[np.float32], amounts: npt.NDArray[np.float32]) -> float:
    """Spearman's correlation over the measured cases; 0 where one side never changes."""
    known = ~np.isnan(values)
    first, second = (np.unique(side[known], return_inverse=True)[1] for side in (values, amounts))
    if len(np.unique(first)) < 2 or len(np.unique(second)) < 2:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    return float((first @ second) / np.sqrt((first @ first) * (second @ second)))
