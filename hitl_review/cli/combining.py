"""The command that fits reader and model as one estimate."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, tell


@workspace_command("combine", example="hitl-review combine clinic --as steward-1")
@workspace_argument
@account_option
@json_option
def combine(workspace: Path, account: str | None, as_json: bool) -> None:
    """Fit "you and the model together" on past reads whose outcome is known, and say whether it is on.

    It is shown after a decision, never before, and only where cross-validation shows that it beats reader
    and model alone. Importing outcomes fits it anew as well.
    """
    from hitl_review.workflow.combining import refit
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        found = refit(opened, actor=acting(opened, account))
    if as_json:
        kept = None if found.combination is None else asdict(found.combination)
        print_json(
            {"model": found.model, "reads": found.reads, "on": not found.off, "off": found.off, "fit": kept}
        )
        return
    if found.off:
        tell(f"Off: {found.off}")
        return
    assert found.combination is not None
    check = found.combination.check
    tell(
        f"On, from {found.reads:,} reads with an outcome. Cross-validated log loss: reader {check.own_loss:.3f}, model "
        f"{check.model_loss:.3f}, together {check.together_loss:.3f}; AUC {check.own_auc:.3f}, {check.model_auc:.3f}, "
        f"{check.together_auc:.3f}."
    )
