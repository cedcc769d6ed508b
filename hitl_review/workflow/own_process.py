"""A process of this program's own, for long work beside a page or a command.

It finds this very package, which need not be installed, and no module that lies in the folder where somebody
happens to work: whoever fills a workspace could put one there, and it would run as the auditor.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hitl_review


def command(module: str, *arguments: str) -> list[str]:
    """Return how a module of this package is run; `-P` keeps the working folder out of the search path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of the process."""
    here = str(Path(hitl_review.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))}
