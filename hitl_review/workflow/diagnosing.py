"""Is all well? The checks of `doctor` on a workspace, and around it (`environment`), with what to do.

Nothing is changed, and what is wrong with the workspace is told as a check, not raised: only a folder
without a workspace can't be diagnosed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import hitl_review
from hitl_review.domain.registry import ModelVersion
from hitl_review.errors import HitlError, ModelError, NoChampion, WorkspaceError, WorkspaceMissing
from hitl_review.store import audit, cases, health, models
from hitl_review.store.checkpoints import anchor_path, key_in_force, may_be_read, newest_note
from hitl_review.store.connection import DATABASE, now_utc, sqlite3
from hitl_review.store.keys import key_for, key_path
from hitl_review.workflow.accounts import readers
from hitl_review.workflow.environment import (
    Check,
    State,
    disk_check,
    file_system_check,
    import_fault,
    installed,
    machine_checks,
    mounts_text,
    owned_by_others,
    settings_check,
    this_user,
)
from hitl_review.workflow.serving import places_of
from hitl_review.workflow.workspace import Workspace, exists, open_workspace

_RESTORE: Final = "Run `hitl-review audit verify`, keep the file as it is, and restore from a backup."
_PAGE: Final = 1_000


def diagnose(
    folder: Path, *, clock: Callable[[], datetime] = now_utc, environ: Mapping[str, str] | None = None
) -> list[Check]:
    """Look at a workspace and what it stands on, and return what was found, or raise WorkspaceMissing."""
    if not exists(folder):
        told = f"There is no workspace in {folder}. Make one with `hitl-review demo {folder}`."
        raise WorkspaceMissing(told)
    return [
        *machine_checks(),
        settings_check(settings_files(), os.environ if environ is None else environ),
        disk_check(folder, database_bytes=(folder / DATABASE).stat().st_size),
        file_system_check(folder, mounts_text()),
        modes_check(folder),
        key_check(key_path(folder)),
        *database_checks(folder, clock=clock),
    ]


def is_well(checks: list[Check]) -> bool:
    """Tell whether nothing that was found is a problem; warnings are allowed."""
    return all(check.state is not State.PROBLEM for check in checks)


def settings_files() -> tuple[Path, ...]:
    """Return where Streamlit looks for settings, the place that overrules the others last: beside app.py."""
    package = Path(hitl_review.__file__).resolve().parent
    app = package / "_app" if (package / "_app").is_dir() else package.parent
    return tuple(place / ".streamlit" / "config.toml" for place in (Path.home(), Path.cwd(), app))


def modes_check(folder: Path) -> Check:
    """Check that the database can be written, and that nobody but its owner can read it."""
    name, path = "file modes", folder / DATABASE
    if not (os.access(path, os.W_OK) and os.access(folder, os.W_OK)):
        found = f"{DATABASE} or its folder can't be written"
        return Check(name, State.PROBLEM, found, "Give yourself the right to write there.")
    if os.name != "posix":
        return Check(name, State.OK, "writable; who else may read is not told by this system")
    files = (path, folder / f"{DATABASE}-wal", folder / f"{DATABASE}-shm")
    if open_to_others := [file.name for file in files if _is_open_to_others(file)]:
        advice = f"chmod 600 {' '.join(str(folder / each) for each in open_to_others)}"
        return Check(name, State.PROBLEM, f"others may read {', '.join(open_to_others)}", advice)
    if others := owned_by_others(places_of(folder), user=this_user()):
        found = f"{', '.join(map(str, others))} belong to another user, who may change them"
        return Check(name, State.WARNING, found, "chown them to the user who serves the workspace.")
    return Check(name, State.OK, "only the owner may read the database")


def key_check(path: Path) -> Check:
    """Check that the key that signs checkpoints is there and secret."""
    name = "checkpoint key"
    if not path.is_file():
        advice = "Set HITL_KEY_FILE to where it lies, or fetch it from where it is kept."
        return Check(name, State.WARNING, f"not at {path}, so checkpoints can't be signed", advice)
    if os.name == "posix" and _is_open_to_others(path):
        return Check(name, State.PROBLEM, f"others may read {path}", f"chmod 600 {path}")
    return Check(name, State.OK, "there, and only its owner may read it")


def _is_open_to_others(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & 0o077)


def database_checks(folder: Path, *, clock: Callable[[], datetime]) -> list[Check]:
    """Check what the database holds; where it can't be opened, that is the only thing told."""
    try:
        with open_workspace(folder, clock=clock) as workspace:
            return list(_checks_of(workspace))
    except HitlError as error:
        return [Check("database", State.PROBLEM, str(error), _RESTORE)]
    except sqlite3.DatabaseError as error:
        return [Check("database", State.PROBLEM, f"{DATABASE} is damaged ({error})", _RESTORE)]


def _checks_of(workspace: Workspace) -> Iterator[Check]:
    yield integrity_check(workspace)
    yield journal_check(workspace)
    yield log_key_check(workspace)
    yield anchor_check(workspace)
    yield clock_check(workspace)
    yield readers_check(workspace)
    try:
        version = models.champion(workspace.store)
    except NoChampion as error:
        yield Check("champion", State.WARNING, "no model is in use", str(error))
        return
    yield champion_check(workspace, version)
    yield predictions_check(workspace, version)


def integrity_check(workspace: Workspace) -> Check:
    """Check every page of the database quickly; tables and triggers were compared when it was opened."""
    found = health.damage(workspace.store)
    if found is not None:
        return Check("database", State.PROBLEM, f"damaged: {found}", _RESTORE)
    events = audit.head(workspace.store).size
    return Check("database", State.OK, f"as expected and not damaged, {events:,} events in the log")


def journal_check(workspace: Workspace) -> Check:
    """Check that the write-ahead log is used; a restored backup has none until the first act."""
    mode = health.journal_mode(workspace.store)
    if mode != "wal":
        advice = "The next act turns it back to wal; one that can't says so, and stores nothing."
        return Check("journal", State.WARNING, f"the mode is {mode}, as in a restored backup", advice)
    return Check("journal", State.OK, "wal")


def log_key_check(workspace: Workspace) -> Check:
    """Check that the key that lies here is the one that the log names: with another, no checkpoint is published."""
    name = "key of the log"
    if not key_path(workspace.folder).is_file():
        return Check(name, State.OK, "not compared, as there is no key here")
    try:
        key_for(workspace.folder, key_in_force(workspace.store))
    except WorkspaceError as error:
        return Check(name, State.PROBLEM, "the checkpoint key is not the log's own", str(error))
    return Check(name, State.OK, "the checkpoint key is the one that the log names")


def anchor_check(workspace: Workspace) -> Check:
    """Check that the file of checkpoints, which nobody waits for, holds the last one that was published."""
    name, path = "checkpoint file", anchor_path(workspace.folder)
    note = newest_note(workspace.store)
    if note is None:
        return Check(name, State.OK, "no checkpoint was published yet")
    try:
        text = path.read_text(encoding="utf-8", errors="replace") if may_be_read(path) else ""
    except OSError:
        text = ""
    if note not in text:
        advice = "It must be a file that can be read and written; the next checkpoint brings what it lacks."
        return Check(name, State.WARNING, f"{path} lacks the last checkpoint that was published", advice)
    return Check(name, State.OK, f"{path.name} holds the last checkpoint that was published")


def clock_check(workspace: Workspace) -> Check:
    """Check that this machine's clock is not behind the last event of the log."""
    now, last = workspace.store.clock(), audit.head(workspace.store).at
    if last is not None and now < last:
        advice = "Set the clock (NTP). The log stays in order, and notes that the clock went back."
        behind = (last - now).total_seconds()
        return Check("clock", State.WARNING, f"{behind:.0f} s behind the last event of the log", advice)
    return Check("clock", State.OK, f"{now:%Y-%m-%d %H:%M:%S} UTC, not behind the log")


def readers_check(workspace: Workspace) -> Check:
    """Check that somebody may review cases here."""
    count = len(readers(workspace))
    if count == 0:
        advice = "Name readers when the workspace is made: `hitl-review init --reader ID NAME`."
        return Check("readers", State.WARNING, "nobody may review cases here", advice)
    return Check("readers", State.OK, f"{count} may review cases")


def champion_check(workspace: Workspace, version: ModelVersion) -> Check:
    """Check that the model in use is whole, and that it runs on the XGBoost it was trained with."""
    if import_fault("xgboost") is not None:
        return Check("champion", State.PROBLEM, "can't be read without XGBoost", "Mend xgboost first.")
    from hitl_review.workflow.scoring import stored_model  # needs XGBoost, whose lack must not stop us

    try:
        model = stored_model(workspace.store)(version.digest)
    except ModelError as error:
        return Check("champion", State.PROBLEM, str(error), _RESTORE)
    trained, here = model.record.versions.get("xgboost"), installed("xgboost-cpu") or installed("xgboost")
    found = f"{version.name}, trained {version.trained_at:%Y-%m-%d} on {model.record.rows:,} rows"
    if trained != here:
        advice = f"For replays that are equal to the last bit, run XGBoost {trained}."
        return Check("champion", State.WARNING, f"{found} with XGBoost {trained}; here is {here}", advice)
    return Check("champion", State.OK, found)


def predictions_check(workspace: Workspace, version: ModelVersion) -> Check:
    """Check that the champion has judged every queue case it may be asked about."""
    name, position = "predictions", 0
    while batch := cases.without_prediction(workspace.store, version.digest, after=position, limit=_PAGE):
        position = batch[-1].position
        count = sum(not workspace.project.violated_rules(case.snapshot.values) for case in batch)
        if count:
            more = " at least" if len(batch) == _PAGE else ""
            found = f"{version.name} has not judged{more} {count:,} of the queue's cases"
            return Check(name, State.WARNING, found, "Run `hitl-review score`.")
    return Check(name, State.OK, "the champion has judged every queue case it may")
