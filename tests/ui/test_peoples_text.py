"""What people typed is shown as it is, wherever it is shown: no HTML, no link, no picture, nothing invisible."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.ui import widgets

UI = Path(widgets.__file__).parent
MARKDOWN = {"markdown", "write", "caption", "warning", "error", "info", "success", "toast"}
"""Parts of Streamlit whose text is Markdown."""
HOSTILE = "![x](https://example.org/x.png) <b>[a](https://example.org)</b> :red[r] $x$ \u202eexe.gpj\u200b"


def test_a_name_is_shown_letter_by_letter() -> None:
    """Every sign that Markdown knows is escaped, every invisible one is a code."""
    shown = widgets.literal(HOSTILE)
    assert "\\!\\[x\\]\\(" in shown and "\\<b\\>" in shown and "\\:red\\[" in shown and "\\$x\\$" in shown
    assert "\u202e" not in shown and "\u200b" not in shown and "u202e" in shown


def test_a_refusal_that_quotes_is_shown_as_text() -> None:
    """It may hold what stood in an address that somebody was sent."""

    def script(told: str) -> None:
        import streamlit as st

        from hitl_review.ui import widgets

        st.session_state["refusal"] = told
        widgets.refusal()

    app = AppTest.from_function(script, kwargs={"told": f"There is no case {HOSTILE} here."}).run()
    assert not app.exception and "\\!\\[x\\]\\(" in app.warning[0].value


def calls(path: Path) -> list[tuple[int, str, ast.expr]]:
    """Every call of a part that takes Markdown, with the text it is given."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.args
            and (
                node.func.attr in MARKDOWN
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "st"
            )
        ):
            found.append((node.lineno, node.func.attr, node.args[0]))
    return found


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: str(path.relative_to(UI)))
def test_no_page_gives_markdown_a_text_that_it_did_not_write(path: Path) -> None:
    """A constant, or a text that was made literal; a sentence of an error quotes people."""
    for line, name, text in calls(path):
        source = ast.unparse(text)
        assert "str(" not in source or "plain(" in source or "literal(" in source, (
            f"{path.name}:{line} st.{name}"
        )


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: str(path.relative_to(UI)))
def test_no_page_lets_html_or_scripts_through(path: Path) -> None:
    """There is no need for it anywhere."""
    text = path.read_text(encoding="utf-8")
    for kind in ("_html", "_javascript"):
        assert f"unsafe_allow{kind}" not in text
