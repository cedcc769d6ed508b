"""Tables that a narrow window stacks, row by row, each cell with its head before it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hitl_review.workflow.auditing import printable


def heads(*names: str) -> str:
    """Return the cells of a table's head."""
    return "".join(f'<th scope="col">{name}</th>' for name in names)


def table(caption: str, names: Sequence[str], bodies: str) -> str:
    """Return a table that a narrow window stacks: each cell then says itself what it holds."""
    return (
        f'<div class="hr-paper"><table class="hr-table hr-audited"><caption>{caption}</caption>'
        f"<thead><tr>{heads(*names)}</tr></thead>{bodies}</table></div>"
    )


def row(names: Sequence[str], head: str, cells: Sequence[str], *, replaced: bool = False) -> str:
    """Return a row of such a table, the texts as they are; `names` are the heads, that of `head` first."""
    rest = "".join(
        f'<td data-label="{name}">{safe(cell)}</td>' for name, cell in zip(names[1:], cells, strict=True)
    )
    look = ' class="hr-bygone"' if replaced else ""
    return f'<tr{look}><th scope="row">{safe(head)}</th>{rest}</tr>'


def safe(text: str) -> str:
    """Return a text as HTML shows it as it is, invisible characters as codes, in its own direction."""
    return f"<bdi>{escape(printable(text))}</bdi>" if text else ""
