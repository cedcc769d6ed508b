"""A second clinic: scikit-learn's biopsies in a workspace with a trained champion, made by the commands alone.

Its project is another question about another table. What works here works by the project file and the
tables, because nothing else differs from the hospital's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from click.testing import CliRunner, Result

from hitl_review.cli import main
from hitl_review.domain.account import Role
from hitl_review.workflow.accounts import add_account
from hitl_review.workflow.workspace import open_workspace
from tests.fixtures_breast_cancer import (
    breast_cancer_outcomes,
    breast_cancer_project_text,
    breast_cancer_table,
)
from tests.people import password_file

SIZES = {"training": 120, "holdout": 100, "queue": 12}
COLLEAGUES = (
    ("auditor-1", "Ada Auditor", Role.AUDITOR),
    ("steward-1", "Sam Steward", Role.MODEL_STEWARD),
)


def run(*arguments: object) -> Result:
    """Run a command line in this process."""
    given = {"HITL_PASSWORD_FILE": str(password_file())}
    return CliRunner().invoke(main, [str(each) for each in arguments], prog_name="hitl-review", env=given)


def done(*arguments: object) -> Result:
    """Run a command line that has to succeed."""
    result = run(*arguments)
    assert result.exit_code == 0, (arguments, result.stderr)
    return result


def project_text(changed: Mapping[str, str] | None = None, *, policies: str = "") -> str:
    """Return the second project's file, some of its words changed and some policies added."""
    text = breast_cancer_project_text()
    for found, instead in (changed or {}).items():
        assert found in text
        text = text.replace(found, instead)
    return text.replace("[gate]", policies + "\n[gate]")


def write_tables(folder: Path, *, sizes: Mapping[str, int] = SIZES) -> Path:
    """Write training.csv, training-outcomes.csv and so on; the queue's outcomes are not known yet."""
    folder.mkdir(parents=True, exist_ok=True)
    first, cases, outcomes = 0, breast_cancer_table(), breast_cancer_outcomes()
    for name, size in sizes.items():
        part = slice(first, first + size)
        cases[part].to_csv(folder / f"{name}.csv", index=False)
        if name != "queue":
            outcomes[part].to_csv(folder / f"{name}-outcomes.csv", index=False)
        first += size
    return folder


def write_outcomes_as_codes(path: Path, *, positive: str, negative: str) -> None:
    """Write a file of outcomes anew with the project's own codes in place of 1 and 0."""
    table = pd.read_csv(path)
    table["malignant"] = [positive if value else negative for value in table["malignant"]]
    table.to_csv(path, index=False)


def build(folder: Path, text: str, *, tables: Path) -> Path:
    """Make the workspace of a project from tables, as far as a judged queue."""
    project = folder.with_suffix(".toml")
    project.write_text(text, encoding="utf-8")
    done("init", folder, "--project", project, "--reader", "anna", "Anna Berg", "--reader", "ben", "Ben Cole")
    for reader in ("anna", "ben"):
        done("accounts", "password", folder, reader)
    for purpose in ("training", "holdout"):
        done("import", folder, tables / f"{purpose}.csv", "--purpose", purpose)
        done("import", folder, tables / f"{purpose}-outcomes.csv", "--outcomes")
    done("train", folder)
    done("import", folder, tables / "queue.csv")
    done("score", folder)
    with open_workspace(folder) as workspace:
        for account_id, name, role in COLLEAGUES:
            add_account(workspace, account_id, name, role)
    return folder
