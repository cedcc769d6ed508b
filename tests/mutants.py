"""How many small faults in the log and its verifier the tests notice: `make mutants` runs mutmut, then this.

    python -m tests.mutants

reads what mutmut left in `mutants/` and prints a line per module and the name of every fault that nobody
noticed (`mutmut show NAME` shows it). Fewer than 95 of 100 noticed, or faults that were not tried, is a failure.
A fault that changes nothing anybody could see can't be noticed: each of these is listed in
`equivalent_mutants.toml` with the reason, and printed with it. It does not count as noticed.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

FOLDER: Final = Path("mutants")
EQUIVALENT: Final = Path(__file__).with_name("equivalent_mutants.toml")
WANTED: Final = 0.95
_UNNOTICED: Final = {0: "survived", 5: "no test runs it", 33: "no test runs it", None: "not tried"}
"""mutmut's exit codes of faults that no test failed on; with every other a test failed, hung or crashed."""
_SLOW_TESTS: Final = {
    "test_side_by_side.py": ("side_by_side", "stretches"),
    "test_every_value.py": ("reconciling", "twins.kinds", "twins.learning", "twins.people"),
    "test_forged_words.py": ("domain.audit", "domain.checkpoint", "auditing", "checkpointing", "reconciling"),
}
"""Test modules that are slow, and the modules whose faults they are run for; without them others stay cheap."""
MOST_OTHERS: Final = 200
"""So many tests at most are run for a fault that are not about its module."""
ASKED: Final = pytest.StashKey[dict[str, int]]()
"""The tests that mutmut asked for, in its order."""
Outcomes = dict[str, dict[str, int | None]]


def module_on_trial() -> str:
    """Return the module whose fault this process tries, or nothing."""
    module = os.environ.get("MUTANT_UNDER_TEST", "").rpartition(".")[0]
    return module if module.startswith("hitl_review.") else ""


def pytest_configure(config: pytest.Config) -> None:
    """Ask for files in the place of a thousand tests by name, which takes longer than most faults live."""
    if module_on_trial():
        config.stash[ASKED] = {name: place for place, name in enumerate(config.args)}
        config.args = [*dict.fromkeys(name.partition("::")[0] for name in config.args)]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take of the tests that were asked for those that notice soonest, so that a fault is tried in a second.

    First come the tests that nothing is wrong with an honest log: to a verifier with a fault something is. Then
    come those about the fault's module, and then the fastest of all others, as many as `MOST_OTHERS`. Of what
    is left out any might notice a fault too, so no fault is noticed here that the whole would not notice.
    """
    module = module_on_trial()
    if not module:
        return
    asked = config.stash[ASKED]
    items.sort(key=lambda item: asked.get(item.nodeid, 0))
    by_kind: dict[str, list[pytest.Item]] = {"honest": [], "own": [], "other": [], "slow": []}
    for item in items:
        by_kind[kind_of(item, module) if item.nodeid in asked else "slow"].append(item)
    items[:] = [*by_kind["honest"], *by_kind["own"], *by_kind["other"][:MOST_OTHERS]]
    config.hook.pytest_deselected(items=[*by_kind["other"][MOST_OTHERS:], *by_kind["slow"]])


def kind_of(item: pytest.Item, module: str) -> str:
    """Return what a test is to a module: of an honest log, its own, one that is slow and about others, or another."""
    name = item.path.name
    if not module.endswith(_SLOW_TESTS.get(name, (module,))):
        return "slow"
    if "honest" in item.name and module.startswith("hitl_review.workflow."):
        return "honest"
    return "own" if name in _SLOW_TESTS or name == f"test_{module.rpartition('.')[2]}.py" else "other"


def outcomes(folder: Path) -> Outcomes:
    """Return what became of every fault, by module."""
    return {
        str(path.relative_to(folder)).removesuffix(".meta"): json.loads(path.read_text(encoding="utf-8"))[
            "exit_code_by_key"
        ]
        for path in sorted(folder.rglob("*.py.meta"))
    }


class Change(NamedTuple):
    """A fault: the function it is in, and the lines that were there and are there instead."""

    function: str
    was: str
    now: str


def change(source: str, name: str) -> Change:
    """Return the change that a fault is, from a module as mutmut wrote it, with every function many times over."""
    function, _, number = name.partition("__mutmut_")
    mangled = function.rpartition(".")[2]
    texts = {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name.startswith(f"{mangled}__mutmut_")
    }
    before, after = (
        [line.strip() for line in texts[f"{mangled}__mutmut_{which}"].splitlines()[1:]]
        for which in ("orig", number)
    )
    lines = list(difflib.ndiff(before, after))
    was, now = (" ".join(line[2:] for line in lines if line.startswith(sign)) for sign in "-+")
    return Change(function, was, now)


def is_sql_in_another_case(fault: Change) -> bool:
    """Tell whether only letters of SQL changed their case, and none in quotes: SQLite reads both alike."""
    literals = [re.findall(r'"([^"]*)"', text) for text in (fault.was, fault.now)]
    around = [re.sub(r'"[^"]*"', "", text) for text in (fault.was, fault.now)]
    differing = [pair for pair in zip(*literals, strict=False) if pair[0] != pair[1]]
    return around[0] == around[1] and bool(differing) and all(_same_sql(*pair) for pair in differing)


def _same_sql(one: str, other: str) -> bool:
    quoted = [re.findall(r"'[^']*'", text) for text in (one, other)]
    is_sql = re.search(r"\b(SELECT|AND|OR|ORDER BY)\b", one)
    return bool(is_sql) and quoted[0] == quoted[1] and one.upper() == other.upper()


def reasons(path: Path) -> dict[Change, str]:
    """Return why each of the faults that are listed can't be noticed."""
    listed = tomllib.loads(path.read_text(encoding="utf-8"))["fault"]
    return {Change(each["function"], each["was"], each["now"]): each["why"] for each in listed}


def explained(
    folder: Path, module: str, names: list[str], known: dict[Change, str]
) -> Iterator[tuple[str, str]]:
    """Yield the name of every fault that nobody noticed, and why it can't be noticed, or nothing."""
    source = (folder / module).read_text(encoding="utf-8")
    for name in names:
        fault = change(source, name)
        in_sql = "SQLite reads both alike" if is_sql_in_another_case(fault) else ""
        yield name, known.get(fault, in_sql)


def report(folder: Path, found: Outcomes, known: dict[Change, str]) -> tuple[list[str], bool]:
    """Return the lines of a report, and whether enough was noticed."""
    lines, noticed, total, equal = [], 0, 0, 0
    for module, codes in found.items():
        unnoticed = [name for name, code in codes.items() if code in _UNNOTICED]
        noticed, total = noticed + len(codes) - len(unnoticed), total + len(codes)
        lines.append(f"{module:<48}{len(codes) - len(unnoticed):>5} of {len(codes):>4} noticed")
        for name, why in explained(folder, module, unnoticed, known):
            equal += bool(why)
            lines.append(f"    {f'equivalent: {why}' if why else _UNNOTICED[codes[name]]}: {name}")
    share = noticed / total if total else 0.0
    lines.append(f"{'all':<48}{noticed:>5} of {total:>4} noticed, {share:.1%}; {WANTED:.0%} are wanted")
    rest = total - equal
    lines.append(
        f"{'all that change anything':<48}{noticed:>5} of {rest:>4} noticed, {noticed / max(rest, 1):.1%}"
    )
    untried = sum(code is None for codes in found.values() for code in codes.values())
    return lines, share >= WANTED and not untried


def main() -> None:
    """Print the report."""
    lines, enough = report(FOLDER, outcomes(FOLDER), reasons(EQUIVALENT))
    print("\n".join(lines))
    sys.exit(0 if enough else 1)


if __name__ == "__main__":
    main()
