"""How long from a press to the next case readable, in a real Chromium, beside an empty Streamlit rerun?

    python tests/benchmarks/bench_browser.py [--decisions 50] [--queue 100000]

Three apps are served side by side, and a reader works through them in turns, so that a busy machine
slows all alike: the demonstration, the same with a long queue, and an app of one button and one line
of text, pressed just as often. Every other press is a key, the rest are clicks. The page's own clock
counts, from the press until the frame after the next case (or the model's view) stands there whole.

Leaves with 1 if a bound is missed: the next case takes at most 3 times an empty rerun, and at most
1.2 times as long with the long queue. At most 250 ms is promised of a quiet machine, so it is only told.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.benchmarks.measuring import HEADING, demo_with_queue, line, percentile, verdict
from tests.e2e.conftest import chromium_path
from tests.e2e.desk import LOOKING_MS, Desk
from tests.e2e.records import assert_whole
from tests.e2e.serving import ROOT, Server, add_reader, answers, free_port

EMPTY = Path(__file__).with_name("empty_app.py")
AT_MOST_TIMES_EMPTY = 3.0
AT_MOST_LONGER = 1.2
AT_MOST_MS = 250.0
_STOPWATCH = """() => {
  let pressed = null;
  const stamp = (event) => { pressed ??= event.timeStamp; };
  for (const kind of ["keydown", "pointerdown"])
    window.addEventListener(kind, stamp, { capture: true, once: true });
  window.took = new Promise((tell, refuse) => {
    setTimeout(() => refuse(new Error("nothing came within 20 s")), 20000);
    const look = () => {
      if (pressed !== null && (READY)) requestAnimationFrame(() => tell(performance.now() - pressed));
      else requestAnimationFrame(look);
    };
    look();
  });
}"""
_NEXT_CASE = """document.querySelector('[class*="st-key-call_X_"]:not([class*="LEFT"])')
  && document.querySelector('.hr-heading').innerText.indexOf('LEFT') < 0
  && document.querySelector('.hr-facts:not(.hr-compact)')"""
_REVEALED = """document.querySelector('.hr-model') && document.querySelector('[class*="st-key-defer_"]')"""
_COUNTED = "document.querySelector('#pressed').innerText === 'COUNT'"


def timed(page: Page, ready: str, press: Callable[[], object]) -> float:
    """Return the milliseconds from a press to the frame after a condition of the page holds."""
    page.evaluate(_STOPWATCH.replace("READY", ready))
    press()
    return float(page.evaluate("window.took"))


@dataclass
class Reader:
    """A reader at a desk, with the times that the next cases and the model's views took."""

    desk: Desk
    to_next: list[float] = field(default_factory=list)
    to_reveal: list[float] = field(default_factory=list)

    def decide(self, number: int) -> None:
        """Estimate, see the model, accept: by keys or by clicks; the two waits are kept."""
        desk, by_key = self.desk, number % 2 == 0
        desk.page.bring_to_front()
        desk.looked()
        desk.press("7") if by_key else desk.button("tenth_7").click()
        expect(desk.page.get_by_label("Your estimate in percent")).to_have_value("70")
        desk.at_rest()
        call = (lambda: desk.press("y")) if by_key else desk.button("call_Y").click
        self.to_reveal.append(timed(desk.page, _REVEALED, call))
        desk.at("decide").looked()
        accept = (lambda: desk.press("a")) if by_key else desk.button("accept").click
        self.to_next.append(timed(desk.page, _NEXT_CASE.replace("LEFT", desk.case), accept))
        desk.at("estimate")


@dataclass
class Empty:
    """The app of one button, with the times that its reruns took."""

    page: Page
    reruns: list[float] = field(default_factory=list)

    def press(self, number: int) -> None:
        """Press the button, by key or by click, after the same pause that a case takes."""
        self.page.bring_to_front()
        self.page.wait_for_timeout(LOOKING_MS)
        button = self.page.get_by_role("button").first
        press = button.click if number % 2 else lambda: self.page.keyboard.press("a")
        self.reruns.append(timed(self.page, _COUNTED.replace("COUNT", str(len(self.reruns) + 1)), press))


@contextmanager
def served_empty(folder: Path) -> Iterator[str]:
    """Serve the empty app with the same settings and yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(EMPTY), "--server.port", str(port)]
    with (folder / "empty.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    while not answers(f"http://127.0.0.1:{port}/_stcore/health"):
        time.sleep(0.1)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def served(folder: Path, browser: Browser) -> Iterator[Reader]:
    """Serve a workspace and yield a reader in front of its first case."""
    server = Server(folder).start()
    try:
        reader = Reader(Desk(new_page(browser), server.address, add_reader(folder, "reader-3"), folder))
        reader.desk.sit_down()
        yield reader
    finally:
        server.kill()
    assert_whole(folder)


def new_page(browser: Browser) -> Page:
    """Return a page of a browser whose cache is empty."""
    return browser.new_context(viewport={"width": 1440, "height": 900}).new_page()


def measure(place: Path, decisions: int, queue: int) -> tuple[Reader, Reader, Empty]:
    """Let a reader decide so many cases of each queue, in turns with an empty rerun; the first is not counted."""
    short, long = demo_with_queue(place / "short"), demo_with_queue(place / "long", queue)
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        stack.callback(browser.close)
        readers = [stack.enter_context(served(folder, browser)) for folder in (short, long)]
        empty = Empty(new_page(browser))
        empty.page.goto(stack.enter_context(served_empty(place)))
        empty.page.wait_for_selector("#pressed")
        for number in range(decisions + 1):
            empty.press(number)
            for reader in readers:
                reader.decide(number)
    for taken in (empty.reruns, *(each for reader in readers for each in (reader.to_next, reader.to_reveal))):
        del taken[0]
    return readers[0], readers[1], empty


def main() -> int:
    """Print the table, and leave with 1 if a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--decisions", type=int, default=50)
    parser.add_argument("--queue", type=int, default=100_000)
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        short, long, empty = measure(Path(place), asked.decisions, asked.queue)
    print(HEADING)
    print(line("empty Streamlit rerun", empty.reruns))
    for name, reader in (("demonstration", short), (f"{asked.queue:,} cases", long)):
        print(line(f"{name}: decision to next case readable", reader.to_next))
        print(line(f"{name}: estimate to model's view", reader.to_reveal))
    held = [
        verdict(
            "next case / empty rerun, p50", median(short.to_next) / median(empty.reruns), AT_MOST_TIMES_EMPTY
        ),
        verdict(
            "next case / empty rerun, p95",
            percentile(short.to_next, 95) / percentile(empty.reruns, 95),
            AT_MOST_TIMES_EMPTY,
        ),
        verdict(
            "long queue / short queue, p50", median(long.to_next) / median(short.to_next), AT_MOST_LONGER
        ),
    ]
    verdict("next case, p95, on a quiet machine", percentile(short.to_next, 95), AT_MOST_MS, " ms")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
