"""Serve a workspace as `hitl-review serve` does, but without the settling-in after the first page: for comparison."""

from __future__ import annotations

import argparse
from pathlib import Path

from hitl_review.ui import cache
from hitl_review.ui.server import serve

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=Path)
parser.add_argument("--port", type=int)
asked = parser.parse_args()
cache.settle_in = lambda folder: None  # type: ignore[assignment]
serve(asked.folder, port=asked.port)
