"""The demonstration is made once, whole, and goes on where a killed run stopped."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.case import Purpose
from hitl_review.errors import WorkspaceError
from hitl_review.project import read_project
from hitl_review.store import accounts, audit, cases, models, predictions
from hitl_review.workflow import demo, retraining
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.demo import STARTER_ACCOUNTS, make_demo
from hitl_review.workflow.workspace import open_workspace

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "data" / "support2"
SIZES = {"training": 60, "holdout": 40, "queue": 12}
LOADED = 8
"""How many of the twelve in the small queue the small demonstration loads."""
WORDS = [
    "making the workspace",
    "importing patients (training)",
    "importing patients (holdout)",
    "importing patients (queue)",
    "collecting training cases",
    "fitting on 60 cases",
    "measuring on the hold-out",
    "drawing what the model has learned",
    "letting the model judge the queue",
    "ready",
]


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a compressed table."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped data set cut to 112 of its patients, as a data folder of its own."""
    folder = tmp_path_factory.mktemp("data") / "support2"
    folder.mkdir()
    shutil.copy(SHIPPED / "project.toml", folder)
    split = [
        row for row in rows_of(SHIPPED / "split.csv.gz") if int(row["position"]) <= SIZES[row["purpose"]]
    ]
    wanted = {row["case_id"] for row in split}
    for table in ("split", "cases", "outcomes"):
        rows = [row for row in rows_of(SHIPPED / f"{table}.csv.gz") if row["case_id"] in wanted]
        with gzip.open(folder / f"{table}.csv.gz", "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return folder


def arrange(patch: pytest.MonkeyPatch, data: Path) -> None:
    """Let the demonstration be made from the small data, and without pictures, as where there is no matplotlib."""
    patch.setattr(demo, "data_folder", lambda name: data)
    patch.setattr(demo, "QUEUE_CASES", LOADED)
    patch.setitem(sys.modules, "matplotlib", None)


@pytest.fixture
def small(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demonstration be a small one."""
    arrange(monkeypatch, small_data)


def contents(folder: Path) -> dict[str, Any]:
    """What a workspace holds that does not depend on when it was made."""
    with open_workspace(folder) as workspace:
        store, champion = workspace.store, models.champion(workspace.store)
        queue = cases.of_purpose(store, Purpose.QUEUE)
        made = [
            predictions.find(store, case.case_id, model=champion.digest, snapshot=case.snapshot.digest)
            for case in queue
        ]
        return {
            "project": workspace.project_digest,
            "demo": workspace.demo,
            "accounts": [(each.account_id, each.name, each.role) for each in accounts.everyone(store)],
            "cases": {
                purpose: [case.case_id for case in cases.of_purpose(store, purpose)] for purpose in Purpose
            },
            "outcomes": {purpose: cases.outcomes(store, purpose) for purpose in Purpose},
            "models": [version.digest for version in models.versions(store)],
            "champion": (champion.digest, champion.name),
            "margins": [None if each is None else each.margin for each in made],
        }


@pytest.fixture(scope="session")
def whole_folder(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small demonstration that was made without a break; nobody writes to it."""
    folder = tmp_path_factory.mktemp("whole") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        arrange(patch, small_data)
        make_demo(folder)
    return folder


@pytest.fixture
def whole(whole_folder: Path) -> dict[str, Any]:
    """What a demonstration holds that was made without a break."""
    return contents(whole_folder)


@pytest.fixture
def made(small: None, whole_folder: Path, tmp_path: Path) -> Path:
    """A test's own copy of the whole demonstration; nobody has it open, so copying its files is safe."""
    return Path(shutil.copytree(whole_folder, tmp_path / "made"))


def actions(folder: Path) -> list[str]:
    """The actions of a log, in order."""
    with open_workspace(folder) as workspace:
        return [event.told["action"] for event in audit.events(workspace.store)]


# --- made once


def test_it_holds_patients_a_model_in_use_and_a_judged_queue(
    whole: dict[str, Any], whole_folder: Path
) -> None:
    """Every part in the order of the split; outcomes for history only; one model, and no case unjudged."""
    sizes = {purpose: len(ids) for purpose, ids in whole["cases"].items()}
    known = {purpose: len(found) for purpose, found in whole["outcomes"].items()}
    assert sizes == {Purpose.TRAINING: 60, Purpose.HOLDOUT: 40, Purpose.QUEUE: LOADED}
    assert known == {Purpose.TRAINING: 60, Purpose.HOLDOUT: 40, Purpose.QUEUE: 0}
    assert whole["accounts"] == [*STARTER_ACCOUNTS]
    assert whole["demo"] is True
    assert len(whole["models"]) == 1
    assert None not in whole["margins"]
    assert verify(whole_folder).ok


def test_the_cases_come_in_the_order_of_the_split(whole: dict[str, Any], small_data: Path) -> None:
    """So the first of the queue are those with a physician's estimate, as the datasheet says."""
    split = sorted(rows_of(small_data / "split.csv.gz"), key=lambda row: int(row["position"]))
    for purpose, size in ((Purpose.TRAINING, 60), (Purpose.HOLDOUT, 40), (Purpose.QUEUE, LOADED)):
        expected = [row["case_id"] for row in split if row["purpose"] == purpose.value][:size]
        assert whole["cases"][purpose] == expected


def test_making_it_again_changes_nothing(made: Path) -> None:
    """Not one event is added, and the report says that it was there already."""
    before = actions(made)
    report = make_demo(made)
    assert (report.made, report.cases, report.model) == (False, 100 + LOADED, "v1")
    assert len(report.accounts) == len(STARTER_ACCOUNTS)
    assert actions(made) == before


def test_all_cases_completes_the_queue_later(made: Path) -> None:
    """What was there stays as it was; the rest comes after it and is judged by the same model."""
    before = contents(made)
    report = make_demo(made, all_cases=True)
    after = contents(made)
    assert report.made and report.cases == 100 + SIZES["queue"]
    assert len(after["margins"]) == SIZES["queue"] and None not in after["margins"]
    assert after["cases"][Purpose.QUEUE][:LOADED] == before["cases"][Purpose.QUEUE]
    assert after["margins"][:LOADED] == before["margins"]
    assert after["models"] == before["models"]
    assert verify(made).ok


def test_asking_for_fewer_takes_nothing_away(made: Path) -> None:
    """The full queue stays full when the demonstration is asked for again without the flag."""
    make_demo(made, all_cases=True)
    assert make_demo(made).cases == 100 + SIZES["queue"]


# --- progress


def test_progress_is_told_in_order_to_the_end(small: None, tmp_path: Path) -> None:
    """Ten steps of ten, each with words for the page's bar."""
    told: list[tuple[int, int, str]] = []
    make_demo(tmp_path / "demo", progress=lambda step, of, words: told.append((step, of, words)))
    assert told == [(step, 10, words) for step, words in enumerate(WORDS, start=1)]


def test_progress_of_a_demo_that_is_there_ends_at_its_end_too(made: Path) -> None:
    """Fewer steps to do, and still a full bar."""
    told: list[tuple[int, int, str]] = []
    make_demo(made, progress=lambda step, of, words: told.append((step, of, words)))
    assert [step for step, _, _ in told] == sorted({step for step, _, _ in told})
    assert told[-1] == (10, 10, "ready")
    assert not any("fitting" in words for _, _, words in told)


# --- killed


class Killed(BaseException):
    """Stands for the end of the process: nothing in the product catches it."""


def dying(act: Callable[..., object], *, call: int) -> Callable[..., object]:
    """Return the act, but the run ends at its `call`-th call, before anything of it is done."""
    calls = iter(range(1, 1000))

    def run(*args: object, **kwargs: object) -> object:
        if next(calls) == call:
            raise Killed
        return act(*args, **kwargs)

    return run


STEPS = [
    (demo, "create_workspace", 1),
    (demo, "add_account", 1),
    (demo, "add_account", 5),
    (demo, "receive_cases", 1),
    (demo, "receive_outcomes", 1),
    (demo, "receive_cases", 2),
    (demo, "receive_outcomes", 2),
    (demo, "receive_cases", 3),
    (demo, "train_champion", 1),
    (retraining, "pictures_of", 1),
    (retraining, "promote", 1),
    (demo, "score_cases", 1),
    (demo, "_report", 1),
]
"""What is called in turn, and the how-manieth call the run does not survive."""


@pytest.mark.parametrize(("module", "name", "call"), STEPS, ids=[f"{name} {call}" for _, name, call in STEPS])
def test_a_run_killed_at_any_step_is_completed_by_the_next(
    small: None,
    whole_folder: Path,
    whole: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    module: object,
    name: str,
    call: int,
) -> None:
    """With the same patients in the same order, the same model, equal margins, and a log that verifies."""
    with monkeypatch.context() as patch:
        patch.setattr(module, name, dying(getattr(module, name), call=call))
        with pytest.raises(Killed):
            make_demo(tmp_path / "demo")
    report = make_demo(tmp_path / "demo")
    assert report.cases == 100 + LOADED
    assert contents(tmp_path / "demo") == whole
    assert verify(tmp_path / "demo").ok
    assert actions(tmp_path / "demo") == actions(whole_folder), "something was done twice, or not in order"


def test_a_killed_run_leaves_nothing_that_is_taken_for_a_workspace(
    small: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Killed while the workspace was made: no database is in its place, and the next run makes a whole one."""
    from hitl_review.workflow import workspace as making

    with monkeypatch.context() as patch:
        patch.setattr(making, "_configure", dying(making._configure, call=1))
        with pytest.raises(Killed):
            make_demo(tmp_path / "demo")
    assert not making.exists(tmp_path / "demo")
    assert make_demo(tmp_path / "demo").made


# --- two at once


TWO_AT_ONCE = """
import json, sys
sys.modules["matplotlib"] = None
from pathlib import Path
from hitl_review.workflow import demo
demo.data_folder = lambda name: Path(sys.argv[2])
demo.QUEUE_CASES = 8
report = demo.make_demo(Path(sys.argv[1]))
print(json.dumps([report.made, report.cases]))
"""


def test_two_processes_at_once_make_one_workspace(
    whole: dict[str, Any], whole_folder: Path, small_data: Path, tmp_path: Path
) -> None:
    """One makes it while the other waits, and then finds it there; neither fails."""
    command = [sys.executable, "-c", TWO_AT_ONCE, str(tmp_path / "demo"), str(small_data)]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], [errors for _, errors in ended]
    assert sorted(json.loads(output) for output, _ in ended) == [[False, 108], [True, 108]]
    assert contents(tmp_path / "demo") == whole
    assert verify(tmp_path / "demo").ok
    assert actions(tmp_path / "demo") == actions(whole_folder)


# --- where the data lie


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The package as it lies when it is installed: no `data/` beside it, its data inside."""
    package = tmp_path / "site" / "hitl_review"
    (package / "workflow").mkdir(parents=True)
    monkeypatch.setattr(demo, "__file__", str(package / "workflow" / "demo.py"))
    yield package


def test_an_installed_package_finds_the_data_it_carries(installed: Path) -> None:
    """The wheel puts them into `_data`, because a checkout's `data/` is not there."""
    shutil.copytree(SHIPPED, installed / "_data" / "support2", ignore=shutil.ignore_patterns("*.py"))
    found = demo.data_folder("support2")
    assert found == installed / "_data" / "support2"
    assert read_project(found / "project.toml").id == read_project(SHIPPED / "project.toml").id


def test_a_folder_of_the_same_name_beside_it_is_not_taken_for_the_data(installed: Path) -> None:
    """Only a folder with a project file is a data set."""
    (installed.parent / "data" / "support2").mkdir(parents=True)
    shutil.copytree(SHIPPED, installed / "_data" / "support2", ignore=shutil.ignore_patterns("*.py"))
    assert demo.data_folder("support2") == installed / "_data" / "support2"


def test_a_missing_data_set_is_said_to_be_missing(installed: Path) -> None:
    """With what to do about it; no traceback of a file that is not there."""
    with pytest.raises(WorkspaceError, match="'support2' is not part of this installation"):
        demo.data_folder("support2")


def test_a_checkout_finds_its_own_data() -> None:
    """The folder at the top of the repository."""
    assert demo.data_folder("support2") == SHIPPED


def test_the_full_demo_loads_the_sizes_that_are_promised() -> None:
    """500 patients train, 2,000 are locked, 400 of 6,605 wait."""
    counts: dict[str, int] = {}
    for row in rows_of(SHIPPED / "split.csv.gz"):
        counts[row["purpose"]] = counts.get(row["purpose"], 0) + 1
    assert counts == {"training": 500, "holdout": 2000, "queue": 6605}
    assert demo.QUEUE_CASES == 400
