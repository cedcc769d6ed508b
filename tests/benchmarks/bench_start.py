"""From starting the server to the first case on the screen, and what is imported on the way.

    python -m tests.benchmarks.bench_start [--rounds 3]

Each round starts the server anew, waits until it answers, and opens the first case in a browser whose
cache is empty; then the same with an app of one button, which is the least that Streamlit can do. The
rounds go in turns, so a busy machine slows both alike. Leaves with 1 if shap, matplotlib or numba was
imported before a case was decided: the pages must not wait for them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from tests.benchmarks.bench_browser import new_page, served_empty
from tests.benchmarks.measuring import demo_with_queue
from tests.e2e.conftest import chromium_path
from tests.e2e.desk import Desk
from tests.e2e.serving import Server, add_reader


def ours(folder: Path, browser: Browser) -> tuple[float, float, str]:
    """Return the seconds until the server answers and until the first case stands there, and what it printed."""
    reader = add_reader(folder, f"reader-{time.monotonic_ns()}")
    began = time.perf_counter()
    server = Server(folder, launch=("-m", "tests.benchmarks.serve_telling")).start()
    try:
        answered = time.perf_counter() - began
        desk = Desk(new_page(browser), server.address, reader, folder)
        desk.sit_down()
        painted = time.perf_counter() - began
        desk.estimate()
        desk.accept()
        desk.page.context.close()
    finally:
        server.kill()
    return answered, painted, server.log.read_text(encoding="utf-8")


def empty(folder: Path, browser: Browser) -> tuple[float, float]:
    """Return the same two times of the empty app."""
    began = time.perf_counter()
    with served_empty(folder) as address:
        answered = time.perf_counter() - began
        page = new_page(browser)
        page.goto(address)
        page.wait_for_selector("#pressed")
        painted = time.perf_counter() - began
        page.context.close()
    return answered, painted


def main() -> int:
    """Print the table, and leave with 1 if something heavy was imported."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found, least, printed = [], [], ""
    with TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = demo_with_queue(Path(place) / "made")
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        for _ in range(rounds):
            answered, painted, printed = ours(folder, browser)
            found.append((answered, painted))
            least.append(empty(Path(place), browser))
        browser.close()
    for name, times in (("hitl-review", found), ("empty Streamlit app", least)):
        answered, painted = (median(each) for each in zip(*times, strict=True))
        print(f"{name:<22} answers after {answered:5.2f} s, first page on the screen after {painted:5.2f} s")
    ratio = median(painted for _, painted in found) / median(painted for _, painted in least)
    print(f"ratio to the empty app {ratio:.2f}")
    heavy = [each for each in printed.splitlines() if each.startswith("imported: ")]
    print(f"heavy libraries imported until a case was decided: {', '.join(heavy) or 'none'}")
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
