"""A search for how hard to fit, for whoever asks for one: every trial is kept, and the smaller model wins a draw.

On few cases the presets win: a search finds what fits the folds. So the preset is the first trial, the search is
short (40 trials at most), each trial is judged by repeated cross-validation, and of all that are within one standard
error of the best the smallest is taken. Optuna is an extra (`pip install hitl-review[tune]`), for the worker only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hitl_review.errors import ModelError
from hitl_review.model import calibration, evaluation
from hitl_review.model.candidates import LEAST_FRESH, TrainingSet
from hitl_review.model.features import FeatureSpec
from hitl_review.model.presets import Preset, preset_for
from hitl_review.model.training import out_of_fold
from hitl_review.project import TrainingPolicy

Floats = npt.NDArray[np.float64]

MOST_TRIALS: Final = 40
REPEATS: Final = 2
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "learning_rate": (0.02, 0.3),
    "reg_lambda": (0.5, 20.0),
    "min_child_weight": (0.5, 20.0),
    "subsample": (0.5, 1.0),
    "colsample_bytree": (0.3, 1.0),
}
ROUNDS: Final = (20, 400)
_LOGARITHMIC: Final = ("learning_rate", "reg_lambda", "min_child_weight")


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting that was tried: its mean log loss on cases left out and the standard error of that mean."""

    number: int
    preset: Preset
    log_loss: float
    standard_error: float

    @property
    def size(self) -> int:
        """Leaves at the most: what the smaller of two models is told by."""
        return int(self.preset.rounds * 2**self.preset.max_depth)

    def as_json(self) -> dict[str, Any]:
        """Return the trial as it is logged."""
        return {**asdict(self), "size": self.size}


@dataclass(frozen=True, slots=True)
class Tuning:
    """Every trial of a search, the preset first, and the one that was taken."""

    trials: tuple[Trial, ...]
    chosen: Trial
    words: str

    def as_json(self) -> dict[str, Any]:
        """Return the search as it stands in the model's card: every trial, and which was taken."""
        trials = [trial.as_json() for trial in self.trials]
        return {"trials": trials, "chosen": self.chosen.number, "words": self.words}


def tune(
    training: TrainingSet,
    *,
    spec: FeatureSpec,
    settings: TrainingPolicy,
    monotone: Mapping[str, int] | None = None,
    trials: int = MOST_TRIALS,
    progress: Callable[[Trial], None] = lambda trial: None,
) -> Tuning:
    """Search with Optuna's TPE, seeded by the project: the same cases and settings give the same trials.

    Parameters
    ----------
    trials : how many settings are tried, the preset among them, from 2 to 40
    progress : told each trial when it is done, so that none is lost when the search is stopped

    Raises ModelError where Optuna is not installed.
    """
    if not 2 <= trials <= MOST_TRIALS:
        raise ModelError(f"A search takes 2 to {MOST_TRIALS} trials; {trials} were asked for.")
    judged = ~np.isnan(training.outcomes)
    if judged.sum() < LEAST_FRESH:
        raise ModelError(
            f"A search needs at least {LEAST_FRESH} cases with an outcome; there are {int(judged.sum())}. Use presets."
        )
    study = _study(settings.seed)
    done: list[Trial] = []
    losses: list[Floats] = []
    for number in range(trials):
        asked, preset = _asked(study, number, settings, len(training.labels))
        losses.append(_losses(training, judged, spec, settings, monotone, preset))
        mean, error = float(np.mean(losses[-1])), float(np.std(losses[-1], ddof=1)) / sqrt(int(judged.sum()))
        done.append(Trial(number, preset, mean, error))
        if asked is not None:
            study.tell(asked, mean)
        progress(done[-1])
    return _choice(done, losses)


def _study(seed: int) -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ModelError(
            "A search needs Optuna, which is not installed. Install hitl-review[tune], or use the presets."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=seed))


def _asked(study: Any, number: int, settings: TrainingPolicy, rows: int) -> tuple[Any, Preset]:
    """The next setting: the preset first, then what the search asks for."""
    if number == 0:
        return None, preset_for(rows, small_rows=settings.small_rows)
    trial = study.ask()
    numbers = {
        name: trial.suggest_float(name, low, high, log=name in _LOGARITHMIC)
        for name, (low, high) in RANGES.items()
    }
    rounds = trial.suggest_int("rounds", *ROUNDS, log=True)
    depth = trial.suggest_int("max_depth", 1, settings.max_depth)
    return trial, Preset(f"tuned-{number}", rounds, depth, **numbers)


def _losses(
    training: TrainingSet,
    judged: npt.NDArray[np.bool_],
    spec: FeatureSpec,
    settings: TrainingPolicy,
    monotone: Mapping[str, int] | None,
    preset: Preset,
) -> Floats:
    """Each judged case's log loss against its outcome, the mean over repeats of the cross-validation."""
    found = []
    for repeat in range(REPEATS):
        margins = out_of_fold(
            training.values,
            training.labels,
            spec=spec,
            settings=settings,
            seed=settings.seed + repeat,
            weights=training.weights,
            monotone=monotone,
            preset=preset,
        )
        chance = calibration.apply(calibration.NONE, margins[judged])
        found.append(evaluation.log_losses(training.outcomes[judged], chance))
    mean: Floats = np.mean(found, axis=0)
    return mean


def _choice(done: Sequence[Trial], losses: Sequence[Floats]) -> Tuning:
    """The smallest of the trials within one standard error of the best, paired over cases (Breiman et al. 1984)."""
    best = min(range(len(done)), key=lambda i: done[i].log_loss)
    close = [done[i] for i in range(len(done)) if not evaluation.clearly_gains(losses[i] - losses[best])]
    chosen = min(close, key=lambda trial: (trial.size, trial.log_loss, trial.number))
    words = (
        f"Of {len(done)} trials the best had a log loss of {done[best].log_loss:.4f}; {chosen.preset.name} "
        f"({chosen.log_loss:.4f}) is the smallest within one standard error of it."
    )
    return Tuning(tuple(done), chosen, words)
