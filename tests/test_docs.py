"""What is written is true: commands, keys, links, paths and examples of the README are tried on the product."""

from __future__ import annotations

import ast
import contextlib
import csv
import doctest
import gzip
import importlib
import os
import re
import shlex
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click
import pytest
from click.testing import CliRunner

from hitl_review.cli import main
from hitl_review.domain.case import Purpose
from hitl_review.store import cases, models, predictions
from hitl_review.workflow.workspace import open_workspace

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hitl_review"
DATA = ROOT / "data" / "support2"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "data").rglob("README.md"))]
RESERVED_KEYS = {"C", "R"}
"""Streamlit clears its cache on C and reruns the page on R."""
STARTING_SECONDS = 60.0


def section(heading: str) -> str:
    """The text of one section of the README, up to the next heading."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {heading}"
    return found[1]


def blocks(text: str) -> list[str]:
    """The fenced blocks of a text."""
    return re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def own_data_lines() -> list[str]:
    """The commands of the section on one's own data, in order."""
    return blocks(section("Your own data"))[0].splitlines()


# --- commands


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it is typed, with what click knows of it."""

    name: str
    command: click.Command

    @property
    def help(self) -> str:
        """What it prints when it is asked for help."""
        result = CliRunner().invoke(main, [*self.name.split()[1:], "--help"], prog_name="hitl-review")
        assert result.exit_code == 0, result.output
        return result.stdout


def commands(group: click.Group = main, name: str = "hitl-review") -> Iterator[Command]:
    """Every command that does something, by the name it is typed under."""
    for part, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {part}")
        else:
            yield Command(f"{name} {part}", command)


EVERY = list(commands())


def examples_of(text: str) -> list[str]:
    """The command lines that a help text shows."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("hitl-review ")]


def parse(line: str) -> None:
    """Let click read a command line as it would run it, without running it."""
    _, *arguments = shlex.split(line)
    command: click.Command = main
    context = click.Context(main, info_name="hitl-review")
    while isinstance(command, click.Group):
        name, found, arguments = command.resolve_command(context, arguments)
        assert name and found
        command, context = found, click.Context(found, parent=context, info_name=name)
    command.parse_args(context, list(arguments))


def parse_beside_its_files(line: str, folder: Path) -> None:
    """Parse a command line in a folder that holds the files it names."""
    for name in set(re.findall(r"\S+\.(?:csv|txt|toml|parquet)", line)):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    with contextlib.chdir(folder):
        parse(line)


def test_the_table_of_commands_is_the_list_of_commands() -> None:
    """Each command that exists has its row, in the order of the help, and each row its command."""
    rows = re.findall(r"^\| `(hitl-review [a-z -]+)` \|", section("Command line"), re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == {each.name for each in EVERY}


def test_every_command_named_in_prose_exists() -> None:
    """Whatever stands in code quotes after the product's name, and after a command's name alone."""
    names = {each.name.removeprefix("hitl-review ") for each in EVERY}
    groups = {name.split()[0] for name in names} | names
    for words in re.findall(r"`hitl-review ([a-z-]+(?: [a-z-]+)?)[^`]*`", README):
        assert words in groups or words.split()[0] in groups, words
    for words in re.findall(r"`((?:audit|study) [a-z-]+)[^`]*`", README):
        assert words in names, words


def test_every_option_named_in_the_readme_exists() -> None:
    """No command of it was renamed behind the README's back."""
    known = {option for each in EVERY for part in each.command.params for option in part.opts} | {"--help"}
    ours = re.sub(r"^.*(pip|streamlit run|python -m).*$", "", README, flags=re.MULTILINE)
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours)) <= known


@pytest.mark.parametrize("command", EVERY, ids=lambda each: each.name)
def test_every_command_explains_itself_with_an_example(command: Command, tmp_path: Path) -> None:
    """One sentence what it does, and a line that can be typed as it stands."""
    shown = [line for line in examples_of(command.help) if line.startswith(f"{command.name} ")]
    assert shown, "its help shows no example"
    assert command.command.get_short_help_str()
    for line in shown:
        parse_beside_its_files(line, tmp_path)


@pytest.mark.parametrize("line", [line for block in blocks(README) for line in examples_of(block)])
def test_every_command_line_of_the_readme_can_be_typed(line: str, tmp_path: Path) -> None:
    """click takes it, with its options and values."""
    parse_beside_its_files(line, tmp_path)


def test_every_make_target_of_the_readme_exists() -> None:
    """And its settings do."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z0-9]+):", makefile, re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z0-9]+)((?: [A-Z]+=\S+?)*)(?:`|$)", README, re.MULTILINE)
    assert {"run", "test", "slow", "bench"} <= {target for target, _ in named} <= targets
    for setting in {name for _, given in named for name in re.findall(r"([A-Z]+)=", given)}:
        assert f"$({setting})" in makefile


# --- one's own data, typed as it stands


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which `hitl-review` and `python` are this checkout's and this Python."""
    binaries = tmp_path_factory.mktemp("bin")
    for name, command in {"python": "", "hitl-review": " -m hitl_review"}.items():
        (binaries / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{command} "$@"\n', encoding="utf-8")
        (binaries / name).chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if name != "HITL_WORKSPACE"}
    path = f"{binaries}{os.pathsep}{inherited['PATH']}"
    return {**inherited, "PATH": path, "PYTHONPATH": str(ROOT)}


def rows_of(table: str) -> list[dict[str, str]]:
    """The rows of one of SUPPORT2's tables."""
    with gzip.open(DATA / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    """Write rows as a table of their own."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory, around: dict[str, str]) -> Path:
    """A folder in which the README's commands were typed, one after the other, up to `serve`."""
    folder = tmp_path_factory.mktemp("typed")
    shutil.copy(DATA / "project.toml", folder)
    part = {row["case_id"]: row["purpose"] for row in rows_of("split") if int(row["position"]) <= 80}
    patients = rows_of("cases")
    for name, purpose in {"history": "training", "holdout": "holdout", "today": "queue"}.items():
        write_rows(folder / f"{name}.csv", [row for row in patients if part.get(row["case_id"]) == purpose])
    known = [row for row in rows_of("outcomes") if part.get(row["case_id"]) in ("training", "holdout")]
    write_rows(folder / "outcomes.csv", known)
    *lines, last = own_data_lines()
    assert last.startswith("hitl-review serve ")
    for line in lines:
        done = subprocess.run(
            ["sh", "-c", line], cwd=folder, env=around, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, (line, done.stderr)
    return folder


def test_the_commands_for_ones_own_data_lead_to_a_judged_queue(typed: Path) -> None:
    """As the README has them: a model that was measured on the hold-out, and no case unjudged."""
    with open_workspace(typed / "clinic") as workspace:
        store = workspace.store
        champion = models.champion(store)
        assert '"hold_out":{' in champion.card
        assert {purpose: len(cases.of_purpose(store, purpose)) for purpose in Purpose} == dict.fromkeys(
            Purpose, 80
        )
        for case in cases.of_purpose(store, Purpose.QUEUE):
            assert predictions.find(store, case.case_id, model=champion.digest, snapshot=case.snapshot.digest)


def test_serve_answers_and_says_where(typed: Path, around: dict[str, str]) -> None:
    """The last of the commands, on a free port: it prints the address and nobody's name, and is up."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    output = typed / "serve.txt"
    with output.open("w", encoding="utf-8") as file:
        serving = subprocess.Popen(
            shlex.split(f"{own_data_lines()[-1]} --port {port}"),
            cwd=typed,
            env=around,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        assert answer_of(f"http://127.0.0.1:{port}/healthz", while_running=serving) == "ok"
    finally:
        serving.terminate()
        serving.wait(timeout=30)
    told = output.read_text(encoding="utf-8")
    assert f"http://127.0.0.1:{port}" in told
    assert "Anna Berg" not in told


def answer_of(address: str, *, while_running: subprocess.Popen[bytes]) -> str:
    """What a server answers as soon as it is up."""
    until = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < until:
        assert while_running.poll() is None, "it ended before it answered"
        try:
            with urlopen(address, timeout=5) as answer:
                return str(answer.read().decode())
        except (URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(address)


@pytest.fixture
def checked(typed: Path, around: dict[str, str], tmp_path: Path) -> Callable[[], tuple[int, str]]:
    """Types the README's own check of the chain on a copy of the workspace, in the place that it names."""
    shutil.copytree(typed / "clinic", tmp_path / "demo-workspace")
    snippet = next(block for block in blocks(README) if "hashlib" in block)

    def run() -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", snippet], cwd=tmp_path, env=around, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_chain_is_verified_without_this_program(checked: Callable[[], tuple[int, str]]) -> None:
    """The README's own lines of Python agree that nothing was changed."""
    assert checked() == (0, "the chain holds\n")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_log SET payload = replace(payload, 'Anna', 'Anne') WHERE payload LIKE '%Anna%'",
        "DELETE FROM audit_log WHERE seq = 3",
        "UPDATE audit_log SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE seq = 2",
    ],
)
def test_a_bent_chain_is_found_without_this_program(
    checked: Callable[[], tuple[int, str]], tmp_path: Path, change: str
) -> None:
    """A changed event, a removed one, a wrong hash: the README's lines stop at it."""
    with sqlite3.connect(tmp_path / "demo-workspace" / "review.db") as database:
        for (trigger,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        database.execute("PRAGMA foreign_keys = OFF")
        assert database.execute(change).rowcount == 1
    database.close()
    code, output = checked()
    assert code == 1 and "AssertionError" in output


# --- links, paths and examples


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """To a file or folder of this repository."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    for target in targets:
        assert "://" in target or (page.parent / target).exists(), target


def test_every_path_named_in_the_readme_exists() -> None:
    """The map of the code is the code: each module and each floor is where it is said to be."""
    modules = re.findall(r"`([a-z_]+/[a-z_]+\.py)`", README)
    floors = re.findall(
        r"^  ([a-z_]+/|[a-z_]+\.py) {2,}", section("How a case travels, and where to find it"), re.M
    )
    assert len(modules) >= 8 and len(floors) >= 9
    for name in (*modules, *floors):
        assert (PACKAGE / name).exists(), name


def test_every_floor_of_the_package_is_on_the_map() -> None:
    """Whoever opens a folder that is not on it would be lost."""
    told = section("How a case travels, and where to find it")
    for folder in PACKAGE.iterdir():
        if (folder / "__init__.py").exists():
            assert re.search(rf"^  {folder.name}/ ", told, re.MULTILINE), folder.name


def shows_examples(path: Path) -> bool:
    """Tell whether a module's docstrings show what happens."""
    return bool(re.search(r"^\s*>>> ", path.read_text(encoding="utf-8"), re.MULTILINE))


SHOWING = [path for path in sorted(PACKAGE.rglob("*.py")) if shows_examples(path)]


@pytest.mark.parametrize("path", SHOWING, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_examples_in_the_docstrings_run(path: Path) -> None:
    """What a docstring shows is what happens."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_nouns_the_model_and_the_statistics_show_examples() -> None:
    """So that the test above has something to run."""
    assert {"domain", "model", "study"} <= {path.relative_to(PACKAGE).parts[0] for path in SHOWING}


# --- keys


def keys_of_the_readme() -> set[str]:
    """The keys in the first column of the table of keys; "1 to 9" are nine."""
    rows = re.findall(r"^\| (`.+?) \|", section("Review a case"), re.MULTILINE)
    keys = {key for row in rows for key in re.findall(r"`([A-Z0-9])`", row)}
    return keys | set("123456789") if {"1", "9"} <= keys else keys


def keys_of_the_code() -> set[str]:
    """Every shortcut that a page gives to a button, in whatever function the button is made."""
    return {
        key
        for path in sorted((PACKAGE / "ui").rglob("*.py"))
        for key in shortcuts(ast.parse(path.read_text(encoding="utf-8")))
    }


def shortcuts(tree: ast.Module) -> Iterator[str]:
    """The keys of one module: written at the button, or handed to the function that makes it."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.keyword) and node.arg == "shortcut":
                yield from keys_of(node.value, function, tree)


def keys_of(value: ast.expr, function: ast.FunctionDef, tree: ast.Module) -> Iterator[str]:
    """What a shortcut can be: a letter, a number from 1 to 9, or what the callers of the function hand it."""
    if isinstance(value, ast.Constant):
        yield str(value.value).upper()
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "str":
        yield from "123456789"
    elif isinstance(value, ast.Name):
        place = [argument.arg for argument in function.args.args].index(value.id)
        given = [call.args[place] for call in ast.walk(tree) if calls(call, function.name)]
        assert given, f"{function.name} is called nowhere"
        yield from (key for each in given for key in keys_of(each, function, tree))
    else:
        raise AssertionError(f"a shortcut this test can't read: {ast.unparse(value)}")


def calls(node: ast.AST, name: str) -> bool:
    """Tell whether a node calls a function of this name."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def test_the_keys_in_the_readme_are_the_keys_of_the_pages() -> None:
    """Neither tells of a key that the other does not have."""
    assert keys_of_the_code() == keys_of_the_readme()


def test_no_key_is_one_that_streamlit_takes_for_itself() -> None:
    """Pressed, they would clear the cache or run the page again."""
    assert not keys_of_the_code() & RESERVED_KEYS


# --- words

FORBIDDEN = ("tamper-proof", "tamperproof", "compliant", "clinically validated", "ground truth")
"""What a program can't be by itself, and what a reader's override never is."""
NEGATIONS: tuple[str, ...] = ()
"""Sentences that may hold such a word, because they deny it: whoever writes one lists it here."""


def texts() -> Iterator[tuple[str, str]]:
    """Everything a person may read of the product: pages, documents, source and help."""
    for path in (*PAGES, *PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.css"), *PACKAGE.rglob("*.md")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for name in ("app.py", "Makefile", "pyproject.toml", "data/support2/project.toml"):
        yield name, (ROOT / name).read_text(encoding="utf-8")
    for command in EVERY:
        yield command.name, command.help


def test_no_text_promises_what_can_not_be_kept() -> None:
    """Not in the README, on a page, in a docstring or in the help, whatever the line breaks."""
    found = []
    for name, text in texts():
        words = " ".join(text.split()).casefold()
        for negation in NEGATIONS:
            words = words.replace(negation.casefold(), "")
        found += [f"{name}: {each}" for each in FORBIDDEN if each in words]
    assert found == []


def test_the_readme_says_what_this_is_not() -> None:
    """And how far the log's promise goes."""
    words = " ".join(README.replace("*", "").split())
    assert "Not a medical device." in words
    assert "tamper-evident, given an external checkpoint" in words
    assert "An override is evidence, never the truth." in words
