"""A workspace: a folder with one database and the project it serves."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

from hitl_review import __version__
from hitl_review.domain.account import SYSTEM
from hitl_review.domain.audit import text_digest
from hitl_review.errors import WorkspaceError
from hitl_review.project import Project, parse_project
from hitl_review.store import audit, models, projects
from hitl_review.store.checkpoints import ANCHOR_FILE, Checkpointer, anchor_path
from hitl_review.store.connection import DATABASE, Store, create_store, now_utc, open_store
from hitl_review.store.copying import put_in_place
from hitl_review.store.keys import KEY_FILE, create_key, key_path
from hitl_review.store.left_over import side_files


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open workspace: the store, and the project in force."""

    folder: Path
    store: Store
    project: Project
    project_digest: str

    @property
    def demo(self) -> bool:
        """Whether this is a demonstration workspace, whose accounts have a public password."""
        return self._opening.get("demo") is True

    @property
    def origin(self) -> str:
        """The random id that this workspace's log was opened with."""
        return str(self._opening.get("origin", ""))

    @property
    def _opening(self) -> Mapping[str, Any]:
        opened = next(audit.events(self.store), None)
        detail: Mapping[str, Any] = {} if opened is None else opened.told["detail"]
        return detail


def exists(folder: Path) -> bool:
    """Tell whether there is a workspace in a folder."""
    return (folder / DATABASE).is_file()


KEPT: Final = "HITL_KEPT"
"""The variable that names a workspace that is served: where its database goes, nothing is made in its place."""


def is_unfinished(folder: Path) -> bool:
    """Tell whether there is no workspace yet, or a demonstration of which no model is in use yet.

    One that is served and whose database is gone, as when its disk is, is not one that is yet to be made.
    """
    if not exists(folder):
        return os.environ.get(KEPT) != str(folder.resolve())
    with open_workspace(folder) as workspace:
        return workspace.demo and models.newest_move(workspace.store) is None


def create_workspace(
    folder: Path, project_text: str, *, demo: bool = False, clock: Callable[[], datetime] = now_utc
) -> None:
    """Make an empty workspace for a project: its database, its key, and the first events of its log.

    It is made beside its place and moved there whole, the database last: a run that is killed leaves
    no half workspace behind. Raises WorkspaceError where there is one already.
    """
    parse_project(project_text)
    if exists(folder):
        raise WorkspaceError(f"There is a workspace in {folder} already. Name another folder, or use it.")
    _check_left_over(folder)
    folder.mkdir(
        mode=0o755, parents=True, exist_ok=True
    )  # into which nobody else may put files, whatever the mask
    with TemporaryDirectory(dir=folder, prefix=".making-") as place:
        making = Path(place)
        with create_store(making, clock=clock) as store:
            public_key = create_key(making)
            with store.transaction(SYSTEM):
                audit.append(store, "log.opened", "log:" + uuid4().hex, _opening(public_key, demo))
                _configure(store, project_text)
        for name in (KEY_FILE, DATABASE):
            if (making / name).exists():
                _place(making / name, folder / name)


def _place(made: Path, place: Path) -> None:
    try:
        put_in_place(made, place)
    except FileExistsError as error:
        raise WorkspaceError(
            f"There is a workspace in {place.parent} already. Name another folder, or use it."
        ) from error


def _check_left_over(folder: Path) -> None:
    """Refuse a folder in which another workspace left its key, its checkpoints, or changes to its database."""
    left = [path.name for path in side_files(folder / DATABASE)]
    for place, name in ((key_path(folder), KEY_FILE), (anchor_path(folder), ANCHOR_FILE)):
        if place == folder / name and place.exists():
            left.append(name)
    if left:
        raise WorkspaceError(
            f"{', '.join(left)} in {folder} belong to another workspace, so none was made. Name another folder, "
            "or move them away and keep them."
        )


def _opening(public_key: bytes, demo: bool) -> dict[str, object]:
    return {
        "origin": uuid4().hex,
        "product": "hitl-review",
        "version": __version__,
        "python": sys.version.split()[0],
        "public_key": base64.b64encode(public_key).decode(),
        "demo": demo,
    }


def _configure(store: Store, text: str) -> None:
    digest = text_digest(text)
    event = audit.append(store, "project.configured", f"project:{digest}", {"digest": digest})
    projects.add(store, text, event_id=event.event_id)


@contextmanager
def open_workspace(folder: Path, *, clock: Callable[[], datetime] = now_utc) -> Iterator[Workspace]:
    """Open a workspace for the time of the block; opening costs well under a millisecond once warm."""
    with open_store(folder, clock=clock) as store:
        text, digest = projects.current(store)
        store.watch = Checkpointer(folder)
        yield Workspace(folder, store, _parsed(text), digest)


@lru_cache(maxsize=8)
def _parsed(text: str) -> Project:
    return parse_project(text)
