"""In a process of its own: quick to start, sentences instead of tracebacks, outputs kept apart."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("xgboost", "sklearn", "scipy", "shap", "matplotlib", "streamlit", "pandas", "pydantic")
STORE = {"pandas", "pydantic"}
"""sqlite-utils imports pandas where it is installed; pydantic reads the project."""


def loaded(*arguments: str) -> set[str]:
    """Return which of the heavy modules a command line loads."""
    code = (
        "import sys\n"
        "from hitl_review.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        f"print('LOADED', *(name for name in {HEAVY!r} if name in sys.modules))"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_loads_nothing_heavy() -> None:
    """A person who asks for help waits for Python and click only."""
    assert loaded("--help") == set()
    assert loaded("decide", "--help") == set()


@pytest.mark.parametrize("command", ["verify", "show"])
def test_reading_the_log_needs_no_model_and_no_pages(workspace: Path, command: str) -> None:
    """An auditor's check starts at once."""
    assert loaded("audit", command, str(workspace)) <= STORE


def test_deciding_needs_no_shap_no_matplotlib_and_no_pages(workspace: Path) -> None:
    """What serves a decision imports what it needs and no more."""
    case = next(iter_queue(workspace))
    got = loaded("decide", str(workspace), case, "--accept", "--own-probability", "0.5", "--as", "anna")
    assert "xgboost" in got
    assert not got & {"shap", "matplotlib", "streamlit"}


def iter_queue(workspace: Path):
    """Yield the ids of the cases that wait."""
    from hitl_review.store import worklist
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        yield from worklist.waiting(opened.store, limit=5)


def test_json_goes_to_standard_output_alone(process, workspace: Path) -> None:
    """Progress and warnings never mix into what a script reads."""
    for command in (("audit", "verify"), ("replay", "--all")):
        done = process(*command, workspace, "--json")
        assert done.returncode == 0, done.stderr
        assert isinstance(json.loads(done.stdout), dict)


REFUSED = [
    (("doctor", "MISSING"), 2),
    (("audit", "verify", "MISSING"), 2),
    (("audit", "verify", "GARBAGE"), 2),
    (("score", "GARBAGE"), 2),
    (("serve", "GARBAGE"), 2),
    (("decide", "GARBAGE", "C-1", "--accept"), 2),
    (("init", "MISSING", "--project", "GARBAGE/review.db"), 2),
    (("init", "GARBAGE/review.db/below", "--project", "PROJECT"), 2),
    (("import", "WORKSPACE", "GARBAGE/review.db"), 2),
    (("import", "WORKSPACE", "MISSING"), 2),
    (("train", "WORKSPACE", "--as", "nobody"), 1),
    (("decide", "WORKSPACE", "C-1", "--accept", "--own-probability", "0.5", "--as", "anna"), 1),
    (("replay", "WORKSPACE", "none"), 1),
    (("backup", "WORKSPACE", "GARBAGE/review.db/below.db"), 2),
    (("export", "WORKSPACE", "--what", "cases", "--format", "csv", "--out", "GARBAGE/review.db"), 2),
    (("nonsense",), 2),
    (("audit", "nonsense"), 2),
    (("train", "--nonsense"), 2),
]


@pytest.fixture
def placed(workspace: Path, tmp_path: Path) -> Callable[[tuple[str, ...]], list[str]]:
    """Put real paths in the place of MISSING, GARBAGE, WORKSPACE and PROJECT."""
    garbage = tmp_path / "garbage"
    garbage.mkdir()
    (garbage / "review.db").write_bytes(b"garbage " * 1000)
    places = {
        "MISSING": str(tmp_path / "missing"),
        "GARBAGE": str(garbage),
        "WORKSPACE": str(workspace),
        "PROJECT": str(ROOT / "data" / "support2" / "project.toml"),
    }

    def put(arguments: tuple[str, ...]) -> list[str]:
        return [re.sub("|".join(places), lambda found: places[found[0]], each) for each in arguments]

    return put


@pytest.mark.parametrize(("arguments", "code"), REFUSED, ids=[" ".join(each) for each, _ in REFUSED])
def test_every_refusal_is_one_sentence_with_its_exit_code(
    run, placed, arguments: tuple[str, ...], code: int
) -> None:
    """Missing, damaged, unknown, not permitted: no traceback, and nothing on standard output."""
    done = run(*placed(arguments))
    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
    assert "fault of the program" not in done.stderr


@pytest.mark.parametrize("place", [0, 3, 12, 15])
def test_a_process_of_its_own_refuses_in_the_same_way(process, placed, place: int) -> None:
    """What the shell sees: the exit code, and the sentence on standard error."""
    arguments, code = REFUSED[place]
    done = process(*placed(arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("Error: ")
    assert len(done.stderr.splitlines()) == 1
