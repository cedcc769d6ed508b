"""Twenty readers at once, a click every three seconds each: how long does the server take for a click?

    python -m tests.benchmarks.bench_wire [--readers 20] [--seconds 60] [--pace 3]

Readers without browsers work through the demonstration over Streamlit's websocket: estimate, call,
accept, next case, every act a rerun of the whole page, timed from the message sent to the last one
that comes back. Two servers are measured one after the other: as it is, and without the settling-in
that freezes what is loaded (Streamlit collects garbage after every rerun). A lone reader on each is the
baseline. Leaves with 1 if the 95th percentile with twenty readers is above 200 ms; on a machine that
others use as well, look at the ratio to the lone reader.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.measuring import HEADING, demo_with_queue, line, percentile, verdict
from tests.benchmarks.signing_in import sign_in
from tests.benchmarks.wire import WireReader
from tests.e2e.records import assert_whole
from tests.e2e.serving import LAUNCH, Server, add_reader, copy_workspace

AT_MOST_MS = 200.0
ACTS = ("tenth_7", "call_Y", "accept")


async def work(address: str, account_id: str, *, seconds: float, pace: float, late: float) -> list[float]:
    """Let one reader act every so many seconds until time is up; return how long each rerun took, in ms."""
    await asyncio.sleep(late)
    async with WireReader(address, sign_in(address, account_id)) as reader:
        until, act = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            await asyncio.sleep(pace)
            await reader.press(ACTS[act])
            act = (act + 1) % len(ACTS)
        return reader.reruns


async def together(address: str, names: list[str], *, seconds: float, pace: float) -> list[float]:
    """Let readers work at the same time, evenly out of step."""
    works = (
        work(address, name, seconds=seconds, pace=pace, late=pace * place / len(names))
        for place, name in enumerate(names)
    )
    return [each for taken in await asyncio.gather(*works) for each in taken]


def measured(
    made: Path, folder: Path, *, readers: int, seconds: float, pace: float, settled: bool
) -> list[float]:
    """Serve a copy of a workspace; print the rows of a lone reader and of many, and return the latter."""
    copy_workspace(made, folder)
    names = [add_reader(folder, f"reader-{number + 10}") for number in range(readers + 1)]
    server = Server(folder, launch=LAUNCH if settled else ("-m", "tests.benchmarks.serve_unsettled")).start()
    try:
        how = "settled in" if settled else "not settled in"
        alone = asyncio.run(together(server.address, names[:1], seconds=min(seconds, 30), pace=min(pace, 1)))
        many = asyncio.run(together(server.address, names[1:], seconds=seconds, pace=pace))
    finally:
        server.kill()
    assert_whole(folder)
    print(line(f"1 reader, {how}", alone))
    print(line(f"{readers} readers, {how}", many))
    print(f"{'':<46}ratio of p95s {percentile(many, 95) / percentile(alone, 95):.2f}")
    return many


def main() -> int:
    """Print the table, and leave with 1 if the bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pace", type=float, default=3.0)
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        made = demo_with_queue(Path(place) / "made")
        print(HEADING)
        found = [
            measured(
                made,
                Path(place) / f"served-{settled}",
                readers=asked.readers,
                seconds=asked.seconds,
                pace=asked.pace,
                settled=settled,
            )
            for settled in (True, False)
        ]
    words = f"{asked.readers} readers, settled in, p95"
    return 0 if verdict(words, percentile(found[0], 95), AT_MOST_MS, " ms") else 1


if __name__ == "__main__":
    sys.exit(main())
