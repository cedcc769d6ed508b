"""How many small faults in the log and its verifier the tests notice: `make mutants` runs mutmut, then this.

    python -m tests.mutants [JOBS]

takes the faults that mutmut wrote into `mutants/`, and which tests run which function, tries each fault that was
not tried (`trying.py`), and prints a line per module and the name of every fault that nobody noticed (`mutmut
show NAME` shows it). Fewer than 95 of 100 noticed, or faults that were not tried, is a failure. A fault that
changes nothing anybody could see can't be noticed: each of these is listed in `equivalent_mutants.toml` with the
reason, and printed with it. It does not count as noticed, and is not tried: it would take all tests to pass.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from tests.trying import try_all

FOLDER: Final = Path("mutants")
EQUIVALENT: Final = Path(__file__).with_name("equivalent_mutants.toml")
WANTED: Final = 0.95
_UNNOTICED: Final = {0: "survived", 5: "no test runs it", 33: "no test runs it", None: "not tried"}
"""mutmut's exit codes of faults that no test failed on; with every other a test failed, hung or crashed."""
ROWS: Final = {
    "hitl_review.store.audit": frozenset({"row"}),
    "hitl_review.store.checkpoints": frozenset({"row"}),
    "hitl_review.workflow.successions": frozenset(
        {"row", "move", "gate", "proposal", "each", "answer", "step", "last"}
    ),
}
"""By module, the names that stand for a row of SQLite there and for nothing else."""
_ASKED_FOR: Final = re.compile(r"""\b(?P<row>\w+)\[(["'])\w+\2\]""")
Outcomes = dict[str, dict[str, int | None]]


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


@cache
def functions(source: str) -> dict[str, str]:
    """Return the text of every function of a module, by name."""
    lines = source.splitlines(keepends=True)
    return {
        node.name: "".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }


def change(source: str, name: str) -> Change:
    """Return the change that a fault is, from a module as mutmut wrote it, with every function many times over."""
    function, _, number = name.partition("__mutmut_")
    mangled = function.rpartition(".")[2]
    texts = functions(source)
    before, after = (
        [line.strip() for line in texts[name].replace(name, mangled).splitlines()]
        for name in (f"{mangled}__mutmut_orig", f"{mangled}__mutmut_{number}")
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


def is_column_in_another_case(fault: Change) -> bool:
    """Tell whether only the name by which a row is asked for a column changed its case: SQLite's rows take any."""
    rows = ROWS.get(fault.function.rpartition(".")[0], frozenset())

    def in_small_letters(text: str) -> str:
        return _ASKED_FOR.sub(lambda asked: asked[0].lower() if asked["row"] in rows else asked[0], text)

    return fault.was != fault.now and in_small_letters(fault.was) == in_small_letters(fault.now)


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
        alike = is_sql_in_another_case(fault) or is_column_in_another_case(fault)
        yield name, known.get(fault, "SQLite reads both alike" if alike else "")


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


def pass_over(folder: Path, known: dict[Change, str]) -> None:
    """Note of every fault that was not tried, and that can't be noticed, that nobody noticed it."""
    for module, codes in outcomes(folder).items():
        path = folder / f"{module}.meta"
        told = json.loads(path.read_text(encoding="utf-8"))
        untried = [name for name, code in codes.items() if code is None]
        alike = [name for name, why in explained(folder, module, untried, known) if why]
        told["exit_code_by_key"].update(dict.fromkeys(alike, 0))
        path.write_text(json.dumps(told, indent=4), encoding="utf-8")


def main() -> None:
    """Try what was not tried, and print the report."""
    pass_over(FOLDER, reasons(EQUIVALENT))
    try_all(FOLDER, jobs=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    lines, enough = report(FOLDER, outcomes(FOLDER), reasons(EQUIVALENT))
    print("\n".join(lines))
    sys.exit(0 if enough else 1)


if __name__ == "__main__":
    main()
