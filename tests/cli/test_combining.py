"""`combine`: says whether reader and model are shown as one, and why not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run


def test_with_few_outcomes_it_says_what_it_takes(workspace: Path, run: Run) -> None:
    """Off, in a sentence and in JSON; that is an answer, not a failure."""
    told = run("combine", workspace)
    assert told.exit_code == 0 and told.stdout.startswith("Off: A joint estimate needs 200 reads")
    found = json.loads(run("combine", workspace, "--json").stdout)
    assert found["on"] is False and found["reads"] == 0 and found["fit"] is None
