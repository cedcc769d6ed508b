"""Commands on the model: train the first champion, let it judge the queue."""

from __future__ import annotations

import json
from pathlib import Path

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, tell, words_line


@workspace_command("train", example="hitl-review train clinic")
@workspace_argument
@account_option
@json_option
def train(workspace: Path, account: str | None, as_json: bool) -> None:
    """Train the first champion and put it in use.

    It learns from the training cases whose outcome is known, and is measured on the hold-out.
    """
    from hitl_review.workflow.retraining import train_champion
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened, words_line() as progress:
        version = train_champion(opened, actor=acting(opened, account), progress=progress)
    card = json.loads(version.card)
    if as_json:
        print_json(
            {"model": version.digest, "name": version.name, "rows": card["rows"], "seed": card["seed"]}
        )
    else:
        tell(f"Model {version.name}, trained on {card['rows']:,} cases, is in use ({version.digest}).")
        tell(f"Next: hitl-review score {workspace}")


@workspace_command("score", example="hitl-review score clinic")
@workspace_argument
@account_option
@json_option
def score(workspace: Path, account: str | None, as_json: bool) -> None:
    """Let the champion judge every queue case it has not yet.

    Cases outside the project's inclusion rules are left for people alone. A killed run keeps what it
    did. An explanation is computed when its case is shown.
    """
    from hitl_review.workflow.scoring import score_cases
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened, words_line() as told:
        count = score_cases(
            opened, actor=acting(opened, account), progress=lambda done: told(f"{done:,} cases judged")
        )
    if as_json:
        print_json({"scored": count})
    else:
        tell(f"The champion judged {count:,} cases.")
