"""How long does `make run` take on a fresh clone, from the command to the first patient on the screen?

    python -m tests.benchmarks.bench_fresh [--python python3.11 python3.13]

Clones what is committed into an empty folder, downloads every package once (not counted; it needs the
package index), and then times `make run`: the environment, the demonstration, the first case in a browser.
Leaves with 1 if a Python took more than 90 s. The processor time of the set-up and the demonstration is
told as well: on a machine that others use, it says what a quiet one would have taken.
"""

from __future__ import annotations

import argparse
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.benchmarks.bench_browser import new_page
from tests.benchmarks.measuring import verdict
from tests.e2e.conftest import chromium_path
from tests.e2e.desk import Desk
from tests.e2e.serving import ROOT, answers, free_port

AT_MOST_SECONDS = 90.0
READER = "reader-1"


def interpreter(asked: str) -> str:
    """Return the path of the Python that make would take for a name."""
    picked = subprocess.run(
        ["sh", ".ci/pick-python", *filter(None, [asked])], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    return picked.stdout.decode().strip()


def clone(place: Path) -> Path:
    """Return a fresh clone of what is committed."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place / "clone")], check=True)
    return place / "clone"


def download(folder: Path, python: str) -> None:
    """Have pip fetch every package into its cache, by an environment that is thrown away."""
    with TemporaryDirectory() as scratch:
        subprocess.run([python, "-m", "venv", f"{scratch}/venv"], check=True)
        pip = [f"{scratch}/venv/bin/python", "-m", "pip", "--disable-pip-version-check"]
        what = ["-qq", "--constraint", "constraints.txt", "--dest", f"{scratch}/files", ".[figures]"]
        subprocess.run([*pip, "download", *what], check=True, cwd=folder)


@contextmanager
def running(folder: Path, python: str, port: int) -> Iterator[Path]:
    """Run `make run` in a clone and yield what it prints; end it, and all that it started, afterwards."""
    log = folder.parent / "make-run.log"
    with log.open("wb") as printed:
        process = subprocess.Popen(
            ["make", "run", f"PYTHON={python}", f"PORT={port}"],
            cwd=folder,
            stdout=printed,
            stderr=printed,
            start_new_session=True,
            env={
                name: value
                for name, value in os.environ.items()
                if name not in ("HITL_WORKSPACE", "PYTHONPATH")
            },
        )
    try:
        yield log
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def timed(folder: Path, python: str) -> dict[str, float]:
    """Return the seconds from the command to each thing that a person waits for."""
    port, began, reached = free_port(), time.perf_counter(), dict[str, float]()
    with running(folder, python, port) as log:
        until = began + 600
        while time.perf_counter() < until and "first patient" not in reached:
            time.sleep(0.2)
            if list(folder.glob(".venv-*/.to-run-*")):
                reached.setdefault("environment", time.perf_counter() - began)
            if answers(f"http://127.0.0.1:{port}/healthz"):
                reached.setdefault("served", time.perf_counter() - began)
                _see_first_patient(f"http://127.0.0.1:{port}", folder)
                reached["first patient"] = time.perf_counter() - began
        if "first patient" not in reached:
            raise RuntimeError(f"`make run` showed no patient:\n{log.read_text(encoding='utf-8')}")
    return reached


def _see_first_patient(address: str, folder: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        Desk(new_page(browser), address, READER, folder / "demo-workspace").sit_down()
        browser.close()


def processor_seconds() -> float:
    """Return the processor time of every process that was started here and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Print a row per Python, and leave with 1 if one took too long."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--python", nargs="+", default=[""], help="names or paths; without, what make would take"
    )
    held = True
    for python in map(interpreter, parser.parse_args().python):
        with TemporaryDirectory() as place:
            folder = clone(Path(place))
            download(folder, python)
            before = processor_seconds()
            reached = timed(folder, python)
        print(python, ", ".join(f"{name} after {seconds:.1f} s" for name, seconds in reached.items()))
        print(f"processor time of everything before serving: {processor_seconds() - before:.1f} s")
        held &= verdict("make run to first patient", reached["first patient"], AT_MOST_SECONDS, " s")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
