"""The examples in the docstrings run, and the package stands on numpy and scipy alone."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import sys
from pathlib import Path

import pytest

from hitl_review import study

MODULES = [
    "hitl_review.study",
    *(f"hitl_review.study.{each.name}" for each in pkgutil.iter_modules(study.__path__)),
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_every_module_run(name: str) -> None:
    """What a docstring shows is what happens."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples() -> None:
    """The entry points show how they are called."""
    shown = [
        name for name in MODULES if doctest.DocTestFinder().find(importlib.import_module(name))[0].examples
    ]
    assert {
        "hitl_review.study",
        "hitl_review.study.table",
        "hitl_review.study.mrmc",
        "hitl_review.study.power",
    } <= set(shown)


def test_it_imports_nothing_of_the_product_but_its_errors() -> None:
    """A library of its own: the standard library, numpy, scipy, hitl_review.errors and itself."""
    allowed = ("numpy", "scipy", "hitl_review.errors", "hitl_review.study")
    found = {
        module
        for path in Path(study.__path__[0]).glob("*.py")
        for module in imported_modules(ast.parse(path.read_text()))
        if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith(allowed)
    }
    assert found == set()


def imported_modules(tree: ast.AST) -> set[str]:
    """Every module that a file imports, by its full name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
    return found
