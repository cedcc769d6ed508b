"""Serve a workspace as `hitl-review serve` does, and tell on the terminal when a heavy library is asked for."""

from __future__ import annotations

import argparse
import importlib.abc
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

WATCHED = ("shap", "matplotlib", "numba")


class Teller(importlib.abc.MetaPathFinder):
    """Finds nothing, but says what was looked for."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Say that a watched library is being imported, and leave it to the next finder."""
        if name in WATCHED:
            print(f"imported: {name}", flush=True)
        return None


if __name__ == "__main__":
    sys.meta_path.insert(0, Teller())
    from hitl_review.ui.server import serve

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int)
    asked = parser.parse_args()
    serve(asked.folder, port=asked.port)
