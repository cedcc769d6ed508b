"""A small hospital: real SUPPORT2 patients in a workspace with a trained champion, made by the product's own steps."""

from __future__ import annotations

from pathlib import Path

from hitl_review.domain.case import Purpose
from hitl_review.project import read_project_text
from hitl_review.workflow.demo import add_starter_accounts, data_folder, import_part
from hitl_review.workflow.retraining import train_champion
from hitl_review.workflow.scoring import score_cases
from hitl_review.workflow.workspace import create_workspace, open_workspace

SIZES = {Purpose.TRAINING: 80, Purpose.HOLDOUT: 120, Purpose.QUEUE: 12}


def build(folder: Path, *, replace: tuple[str, str] | None = None, scored: bool = True) -> Path:
    """Make the workspace; `replace` changes one text in the project file first."""
    source = data_folder("support2")
    text = read_project_text(source / "project.toml")
    if replace is not None:
        assert replace[0] in text
        text = text.replace(*replace)
    create_workspace(folder, text, demo=True)
    with open_workspace(folder) as workspace:
        add_starter_accounts(workspace)
        for purpose, size in SIZES.items():
            import_part(workspace, source, purpose, limit=size)
        train_champion(workspace)
        if scored:
            score_cases(workspace)
    return folder
