"""The demonstration workspace is made in a process of its own, while the page shows how far it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import streamlit as st

from hitl_review.errors import HitlError
from hitl_review.store import models
from hitl_review.ui import widgets
from hitl_review.workflow.demo import make_demo
from hitl_review.workflow.workspace import exists, open_workspace


def is_needed(folder: Path) -> bool:
    """Tell whether there is no workspace yet, or a demonstration that was not finished."""
    if not exists(folder):
        return True
    with open_workspace(folder) as workspace:
        return workspace.demo and models.newest_move(workspace.store) is None


@dataclass(slots=True)
class Build:
    """A running build: its process, and the lines it has told so far."""

    process: subprocess.Popen[str]
    lines: list[str]

    def latest(self) -> tuple[int, int, str]:
        """Return the step, how many there are, and its words, as last told."""
        output: IO[str] | None = self.process.stdout
        while output is not None and (line := output.readline()):
            self.lines.append(line)
        step, of, words = json.loads(self.lines[-1]) if self.lines else (0, 1, "starting")
        return int(step), int(of), str(words)


@st.cache_resource(show_spinner=False)
def _start(folder: str) -> Build:
    process = subprocess.Popen(
        [sys.executable, "-m", "hitl_review.ui.building", folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    if process.stdout is not None:
        _never_wait(process.stdout)
    return Build(process, [])


def _never_wait(stream: IO[str]) -> None:
    """Let reading return at once when nothing was told yet, so that the page never stands still."""
    os.set_blocking(stream.fileno(), False)


def page(folder: Path) -> None:
    """Show how far the build is, and go on by itself when it is done."""
    widgets.style()
    st.title("Making the demonstration workspace", anchor=False)
    st.text(
        "Real patients of the SUPPORT2 study are imported and a first model is trained. This happens once."
    )
    _progress(str(folder))
    widgets.line(widgets.NOT_A_DEVICE)


@st.fragment(run_every="1s")
def _progress(folder: str) -> None:
    build = _start(folder)
    step, of, words = build.latest()
    ended = build.process.poll()
    if ended is None:
        st.progress(step / of, text=f"{words} (step {step} of {of})")
    elif ended == 0:
        _start.clear()
        st.rerun()
    else:
        st.error(f"The workspace could not be made: {words}")
        st.button("Try again", on_click=_start.clear)


def main(folder: Path) -> int:
    """Make the workspace, telling each step as one JSON line."""
    try:
        make_demo(folder, progress=lambda step, of, words: print(json.dumps([step, of, words]), flush=True))
    except HitlError as error:
        print(json.dumps([0, 1, str(error)]), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
