"""The serving path loads nothing it does not need: imports are time before the first patient."""

from __future__ import annotations

import subprocess
import sys

SERVING = (
    "artifacts, calibration, evaluation, explaining, familiarity, features, global_plots, scoring, training"
)


def loaded_after(program: str) -> set[str]:
    """Run a program in a fresh interpreter and return the top-level modules it has loaded."""
    ending = "\nimport sys; print(*sorted({name.split('.')[0] for name in sys.modules if sys.modules[name]}))"
    run = subprocess.run([sys.executable, "-c", program + ending], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_serving_loads_neither_shap_nor_a_plotting_library_nor_the_pages() -> None:
    """Drawing, oracles and Streamlit come only when they are asked for."""
    loaded = loaded_after(f"from hitl_review.model import {SERVING}")
    assert "xgboost" in loaded
    assert not loaded & {"shap", "matplotlib", "streamlit", "altair", "sqlite_utils", "numba"}


def test_the_model_floor_knows_no_database() -> None:
    """Arrays and domain values in, the same out."""
    program = f"from hitl_review.model import {SERVING}\nimport sys\n"
    program += "assert not [name for name in sys.modules if name.startswith('hitl_review.store')]"
    assert "sqlite3" not in loaded_after(program)


def test_training_and_explaining_work_without_scikit_learn() -> None:
    """XGBoost loads it where it is installed; nothing of ours needs it."""
    program = (
        "import sys; sys.modules['sklearn'] = None; sys.modules['shap'] = None\n"
        "import numpy as np\n"
        "from hitl_review.model.explaining import score_and_explain\n"
        "from hitl_review.model.features import *\n"
        "from hitl_review.model.training import train\n"
        "from hitl_review.project import TrainingPolicy\n"
        "x = np.random.default_rng(1).random((40, 1)).astype('f4')\n"
        "spec = FeatureSpec((Column('x', 'number'),))\n"
        "model = train(x, x[:, 0] > 0.5, spec=spec, settings=TrainingPolicy())\n"
        "assert len(score_and_explain(model, x)[1]) == 40"
    )
    assert not loaded_after(program) & {"sklearn", "shap"}
