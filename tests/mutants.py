"""How many small faults in the log and its verifier the tests notice: `make mutants` runs mutmut, then this.

    python -m tests.mutants

reads what mutmut left in `mutants/` and prints a line per module and the name of every fault that nobody
noticed (`mutmut show NAME` shows it). Fewer than 95 of 100 noticed, or faults that were not tried, is a failure.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path("mutants")
WANTED: Final = 0.95
_UNNOTICED: Final = {0: "survived", 5: "no test runs it", 33: "no test runs it", None: "not tried"}
"""mutmut's exit codes of faults that no test failed on; with every other a test failed, hung or crashed."""


_SLOW_TESTS: Final = {"test_side_by_side.py": ("side_by_side", "stretches")}
"""Test modules that are slow, and the modules whose faults they are run for; without them others stay cheap."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose and order the tests of the fault that is tried, so that a thousand faults can be tried in an hour.

    Slow tests that are about other modules are left out. Tests that nothing is wrong with an honest log come
    first: to a verifier with a fault most often something is.
    """
    module = os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".")[0]
    if not module.startswith("hitl_review."):
        return
    slow = [item for item in items if not module.endswith(_SLOW_TESTS.get(item.path.name, (module,)))]
    items[:] = [item for item in items if item not in slow]
    config.hook.pytest_deselected(items=slow)
    if module.startswith("hitl_review.workflow."):
        items.sort(key=lambda item: "honest" not in item.name)


def outcomes(folder: Path) -> dict[str, dict[str, int | None]]:
    """Return what became of every fault, by module."""
    return {
        str(path.relative_to(folder)).removesuffix(".meta"): json.loads(path.read_text(encoding="utf-8"))[
            "exit_code_by_key"
        ]
        for path in sorted(folder.rglob("*.py.meta"))
    }


def report(found: dict[str, dict[str, int | None]]) -> tuple[list[str], bool]:
    """Return the lines of a report, and whether enough was noticed."""
    lines, noticed, total, untried = [], 0, 0, 0
    for module, codes in found.items():
        count = Counter(code in _UNNOTICED for code in codes.values())
        lines.append(f"{module:<48}{count[False]:>5} of {len(codes):>4} noticed")
        lines += [f"    {_UNNOTICED[code]}: {name}" for name, code in codes.items() if code in _UNNOTICED]
        noticed, total = noticed + count[False], total + len(codes)
        untried += sum(code is None for code in codes.values())
    share = noticed / total if total else 0.0
    lines.append(f"{'all':<48}{noticed:>5} of {total:>4} noticed, {share:.1%}; {WANTED:.0%} are wanted")
    return lines, share >= WANTED and not untried


def main() -> None:
    """Print the report."""
    lines, enough = report(outcomes(FOLDER))
    print("\n".join(lines))
    sys.exit(0 if enough else 1)


if __name__ == "__main__":
    main()
