"""The demonstration workspace is made in a process of its own, while the page shows how far it is.

One build per folder, whoever looks: a second tab, or a refresh in the middle, shows the same one. A
build that was killed half-way is gone on with when the page is opened the next time.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import streamlit as st

from hitl_review.store.connection import DATABASE
from hitl_review.ui import widgets
from hitl_review.ui.model_charts import lead_html
from hitl_review.workflow import own_process
from hitl_review.workflow.workspace import is_unfinished

WORDS: Final = (
    "They are imported, a first model is trained on 500 of them and measured on 2,000 others, and a queue is "
    "filled for you to review. This happens once."
)


@dataclass(frozen=True, slots=True)
class Step:
    """How far a build is: which step of how many, and what it does."""

    step: int = 0
    of: int = 1
    words: str = "starting"


@dataclass(slots=True)
class Build:
    """A build: its process, the step it is at, and why it was refused, if it was."""

    process: subprocess.Popen[str]
    latest: Step = Step()
    refused: str = ""

    @property
    def running(self) -> bool:
        """Whether the process is still at it."""
        return self.process.poll() is None

    @property
    def failed(self) -> bool:
        """Whether the process ended without having made the workspace."""
        return self.process.poll() not in (None, 0)

    def follow(self, lines: Iterable[str]) -> None:
        """Keep what the process tells, until it ends; lines that are no step of ours are passed over."""
        for line in lines:
            try:
                told = json.loads(line)
                if "refused" in told:
                    self.refused = str(told["refused"])
                else:
                    self.latest = Step(int(told["step"]), int(told["of"]), str(told["words"]))
            except (KeyError, TypeError, ValueError):
                continue


@dataclass(slots=True)
class Builds:
    """The builds of this server, by folder."""

    by_folder: dict[Path, Build] = field(default_factory=dict)
    whole: set[tuple[Path, int]] = field(default_factory=set)
    """Databases, by folder and inode, that were found whole: that never changes back, so they are not asked again."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, folder: Path) -> Build | None:
        """Return the build of a folder, running or ended, or None."""
        with self.lock:
            return self.by_folder.get(folder.absolute())

    def begin(self, folder: Path) -> Build:
        """Return the build of a folder that runs or has failed, or begin one."""
        with self.lock:
            build = self.by_folder.get(folder.absolute())
            if build is None or not (build.running or build.failed):
                build = self.by_folder[folder.absolute()] = start(folder)
            return build

    def forget(self, folder: Path) -> None:
        """Let the next look begin anew."""
        with self.lock:
            self.by_folder.pop(folder.absolute(), None)


def start(folder: Path) -> Build:
    """Start to make a workspace; a thread that touches no page keeps reading what the process tells."""
    process = subprocess.Popen(
        own_process.command("hitl_review.ui.demo_process", str(folder.absolute())),
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=own_process.environment(),
        text=True,
        encoding="utf-8",
    )
    build = Build(process)
    threading.Thread(target=build.follow, args=(process.stdout,), daemon=True).start()
    return build


@st.cache_resource(show_spinner=False)
def _builds() -> Builds:
    return Builds()


def is_needed(folder: Path) -> bool:
    """Tell whether there is no workspace yet, or a demonstration that is being made or was not finished.

    A running build is not looked into: between two of its steps the database may be half made.
    """
    build = _builds().of(folder)
    if build is not None and build.running:
        return True
    database = _database(folder)
    if database in _builds().whole:
        return False
    unfinished = is_unfinished(folder)
    if not unfinished and database is not None:
        _builds().whole.add(database)
    return unfinished


def _database(folder: Path) -> tuple[Path, int] | None:
    try:
        return folder.absolute(), (folder / DATABASE).stat().st_ino
    except OSError:
        return None


def page(folder: Path) -> None:
    """Show how far the build is, and go on by itself when it is done."""
    _builds().begin(folder)
    widgets.style()
    with _column():
        st.title("Making the demonstration workspace", anchor=False)
        st.html(lead_html("Real patients of the SUPPORT2 study", WORDS))
        _progress(folder)
        widgets.line(widgets.NOT_A_DEVICE)


@contextmanager
def _column() -> Iterator[None]:
    with st.container(horizontal_alignment="center"), st.container(key="building", width=640, gap="small"):
        yield


@st.fragment(run_every="0.5s")
def _progress(folder: Path) -> None:
    build = _builds().of(folder)
    if build is None or not (build.running or build.failed):
        st.rerun()
    elif build.running:
        at = build.latest
        st.progress(at.step / at.of, text=f"{at.words[:1].upper()}{at.words[1:]} (step {at.step} of {at.of})")
    else:
        st.error(widgets.plain(f"The workspace could not be made. {failure_words(build)}"))
        st.button("Try again", on_click=_builds().forget, args=(folder,))


def failure_words(build: Build) -> str:
    """Say why a build failed: its own sentence, or where it stopped."""
    stopped = f"It stopped while {build.latest.words}; the terminal that serves the app shows why."
    return build.refused or stopped
