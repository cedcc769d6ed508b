"""Who may import whom: the floors of the house, read from the code's own imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hitl_review"
GROUND = {"errors", "project"}
MAY_IMPORT = {
    "errors": set(),
    "project": {"errors"},
    "domain": GROUND,
    "store": GROUND | {"domain"},
    "model": GROUND | {"domain"},
    "study": GROUND | {"domain"},
    "workflow": GROUND | {"domain", "store", "model", "study"},
    "cli": GROUND | {"domain", "store", "model", "study", "workflow"},
    "ui": GROUND | {"domain", "store", "model", "study", "workflow"},
}
DOORS_THAT_OPEN_ANOTHER = {("cli", "workspace.py", "ui")}
"""`hitl-review serve` starts the pages: the one place where a door opens the other, inside the command."""
NOT_STANDARD = {"rfc8785", "orjson"}


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """The dotted names a module imports, anywhere in it or only when it is loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor_of(path: Path) -> str:
    """The floor a module stands on."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_floors_below_it(path: Path) -> None:
    """Neighbours do not know each other, and nothing below knows what stands above."""
    floor = floor_of(path)
    if floor not in MAY_IMPORT:
        return
    used = {name.split(".")[1] for name in imports(path) if name.startswith("hitl_review.")}
    foreign = {each for each in used if each in MAY_IMPORT} - MAY_IMPORT[floor] - {floor}
    allowed = {to for one, name, to in DOORS_THAT_OPEN_ANOTHER if (one, name) == (floor, path.name)}
    assert not foreign - allowed


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").glob("*.py")), ids=lambda path: path.name)
def test_the_nouns_need_only_the_standard_library(path: Path) -> None:
    """Besides the two encoders of RFC 8785's canonical JSON, which have no dependencies of their own."""
    used = {name.split(".")[0] for name in imports(path)} - {"hitl_review", "__future__"}
    assert used <= sys.stdlib_module_names | NOT_STANDARD


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_pages_import_streamlit(path: Path) -> None:
    """A core that imports Streamlit can't be used, or tested, without a browser in mind."""
    uses = any(name.split(".")[0] in {"streamlit", "starlette"} for name in imports(path))
    assert not uses or floor_of(path) == "ui"


def test_there_is_no_import_cycle() -> None:
    """Each module can be read after the ones it imports."""
    names = {
        path: ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in modules()
    }
    by_name = {name: path for path, name in names.items()}
    graph = {name: _needed(path, by_name) - {name} for path, name in names.items()}
    while graph:
        leaves = {name for name, used in graph.items() if not used & graph.keys()}
        assert leaves, f"these import each other in a circle: {sorted(graph)}"
        graph = {name: used for name, used in graph.items() if name not in leaves}


def _needed(path: Path, by_name: dict[str, Path]) -> set[str]:
    """The modules that must be whole before this one: `from package import module` needs the module alone."""
    needed = {each for each in imports(path, top_level_only=True) if each in by_name}
    return {each for each in needed if not any(other.startswith(each + ".") for other in needed)}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_is_longer_than_four_hundred_lines(path: Path) -> None:
    """A longer one tells two stories."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    ("module", "kept_out"),
    [
        ("hitl_review.workflow.deciding", {"streamlit", "shap", "matplotlib", "xgboost"}),
        ("hitl_review.workflow.revealing", {"streamlit", "shap", "matplotlib"}),
        ("hitl_review.workflow.auditing", {"streamlit", "shap", "matplotlib"}),
        ("hitl_review.ui.router", {"shap", "matplotlib"}),
    ],
)
def test_what_serves_a_reader_loads_nothing_heavy_it_does_not_need(module: str, kept_out: set[str]) -> None:
    """shap and matplotlib cost seconds and a hundred megabytes; the serving path does without."""
    code = f"import sys, {module}; print(sorted({kept_out!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.strip().splitlines()[-1] == "[]"
