"""The worker beside the pages: a child process that ends with its parent, however that ends."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hitl_review.workflow import own_process

ENDING_SECONDS: Final = 10.0


@contextmanager
def worker_beside(workspace: Path) -> Iterator[None]:
    """Run a worker for the time of the block.

    It watches its standard input, which closes when this process is gone, so that a killed server leaves
    no worker behind.
    """
    command = own_process.command("hitl_review", "worker", str(workspace.resolve()), "--attached")
    environment = own_process.environment()
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        try:
            yield
        finally:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(timeout=ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
