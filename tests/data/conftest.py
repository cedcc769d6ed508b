"""The tables of data/support2, its project, and the script that derives them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hitl_review.project import Project, read_project

FOLDER = Path(__file__).parents[2] / "data" / "support2"

PATIENT = {
    "sno": "7", "age": "62.84998", "sex": "male", "race": "other", "income": "$11-$25k", "edu": "11",
    "dzgroup": "Lung Cancer", "dzclass": "Cancer", "num.co": "1", "diabetes": "0", "dementia": "0",
    "ca": "metastatic", "hday": "2", "scoma": "9", "adlp": "", "adls": "7", "adlsc": "7.0000000",
    "meanbp": "97.0", "hrt": "69.000000", "resp": "22", "temp": "36.00000", "pafi": "388.4000",
    "ph": "7.459961", "wblc": "6.00000000", "alb": "1.7998047", "bili": "0.19998169", "crea": "1.19995117",
    "sod": "141", "glucose": "", "bun": "", "urine": "",
    "death": "0", "d.time": "2029", "hospdead": "0", "slos": "5", "charges": "9715.0", "totcst": "",
    "totmcst": "", "avtisst": "7.0", "dnr": "no dnr", "dnrday": "5", "sfdm2": "",
    "prg2m": "0.5", "prg6m": "2.5e-01", "surv2m": "0.262939", "surv6m": "0.036994", "sps": "33.89",
    "aps": "20",
}  # fmt: skip


@pytest.fixture(scope="session")
def folder() -> Path:
    """The folder of the data set."""
    return FOLDER


@pytest.fixture(scope="session")
def tables() -> dict[str, pd.DataFrame]:
    """Each table by its name, indexed by case id, with empty fields as missing."""
    names = ("cases", "outcomes", "readers", "references", "split", "subgroups")
    return {name: pd.read_csv(FOLDER / f"{name}.csv.gz", index_col="case_id") for name in names}


@pytest.fixture(scope="session")
def project() -> Project:
    """The data set's project."""
    return read_project(FOLDER / "project.toml")


@pytest.fixture(scope="session")
def script() -> ModuleType:
    """derive.py, loaded from its path: data/ is no package."""
    spec = importlib.util.spec_from_file_location("support2_derive", FOLDER / "derive.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def patient() -> dict[str, str]:
    """One row of the source's form, as it is read: text, with empty strings where nothing was measured."""
    return dict(PATIENT)
