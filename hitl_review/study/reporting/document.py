"""What a report is made of before it is HTML or JSON: sections with text, facts, tables and charts.

A cell holds a value for the machine and its text for people, so that both forms say the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Cell:
    """A value and how it is printed."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; a `strong` one is set apart."""

    words: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column names the rows."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing as SVG, with what it shows in words for those who don't see it."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


Block: TypeAlias = Text | Facts | Table | Chart | Bullets


@dataclass(frozen=True, slots=True)
class Section:
    """One section; `data` holds further numbers for the machine."""

    key: str
    title: str
    blocks: tuple[Block, ...]
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report, in the order of its sections."""

    title: str
    simulated: bool
    sections: tuple[Section, ...]

    def section(self, key: str) -> Section:
        """The section of that key."""
        return next(each for each in self.sections if each.key == key)

    def as_json(self) -> dict[str, Any]:
        """The report for machines: per section its text, facts, tables with values, and data."""
        return {
            "format": 1,
            "title": self.title,
            "simulated": self.simulated,
            "sections": [_section_json(each) for each in self.sections],
        }


def table(caption: str, header: Sequence[str], rows: Sequence[Sequence[Any]], *, note: str = "") -> Table:
    """A table from rows of cells, in which a plain text is its own value."""
    made = tuple(tuple(each if isinstance(each, Cell) else Cell(each, each) for each in row) for row in rows)
    return Table(caption, tuple(header), made, note)


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> Cell:
    """A number with fixed digits; a dash where there is none."""
    if value is None or not isfinite(value):
        return Cell(None, "\u2013")
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    return Cell(float(value), text.replace("-", "\u2212"))


def percent(value: float | None, digits: int = 0) -> Cell:
    """A share as per cent."""
    return Cell(None, "\u2013") if value is None else Cell(float(value), f"{value:.{digits}%}")


def count(value: int) -> Cell:
    """A whole number."""
    return Cell(int(value), f"{value:,}")


def interval(ci: tuple[float, float] | None, digits: int = 3, *, signed: bool = False) -> Cell:
    """Two limits."""
    if ci is None:
        return Cell(None, "\u2013")
    low, high = (number(limit, digits, signed=signed).text for limit in ci)
    return Cell([finite(limit) for limit in ci], f"{low} to {high}")


def p_value(p: float | None) -> Cell:
    """A p value, never printed as zero."""
    if p is None:
        return Cell(None, "\u2013")
    return Cell(float(p), "< 0.0001" if p < 0.0001 else f"{p:.4f}")


def degrees(df: float | None) -> Cell:
    """Degrees of freedom; a normal distribution has none."""
    if df is None or not isfinite(df) or df > 1e6:
        return Cell(None, "\u221e" if df is not None else "\u2013")
    return Cell(float(df), f"{df:.2f}")


def finite(value: float | None) -> float | None:
    """A number that JSON can hold, or None."""
    return float(value) if value is not None and isfinite(value) else None


def _section_json(section: Section) -> dict[str, Any]:
    blocks = [_block_json(block) for block in section.blocks]
    return {"key": section.key, "title": section.title, "content": blocks, "data": section.data}


def _block_json(block: Block) -> dict[str, Any]:
    match block:
        case Text(words):
            return {"text": words}
        case Facts(rows):
            return {"facts": {label: value for label, value in rows}}
        case Bullets(items):
            return {"list": list(items)}
        case Chart(_, caption):
            return {"chart": caption}
        case Table(caption, header, rows, note):
            values = [[cell.value for cell in row] for row in rows]
            return {"table": {"caption": caption, "header": list(header), "rows": values, "note": note}}
