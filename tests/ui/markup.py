"""HTML as a browser takes it apart: which tags and attributes it has, and its tables row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

HOSTILE = "<img src=x onerror=alert(1)>\"'</td></table><script>alert(2)</script>&amp;\u202egpj.exe"
"""What somebody could type into a text: a tag, both quotes, an end of the table, an entity, a bidi override."""
ALLOWED_TAGS = {
    *("a", "abbr", "b", "bdi", "i", "small", "span"),
    *("div", "h2", "h3", "h4", "li", "p", "section", "ul"),
    *("caption", "table", "tbody", "td", "tfoot", "th", "thead", "tr"),
}
"""What st.html keeps, and we use. It drops `svg` without a word, so no picture may depend on one."""
ALLOWED_ATTRIBUTES = {
    "aria-hidden",
    "aria-label",
    "class",
    "colspan",
    "data-label",
    "href",
    "role",
    "scope",
    "style",
    "title",
}


@dataclass(slots=True)
class Cell:
    """A cell of a table: its tag, its attributes and its text."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass(slots=True)
class Row:
    """A row of a table."""

    cells: list[Cell] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """The cells' texts, without space around them."""
        return [" ".join(cell.text.split()) for cell in self.cells]


class Markup(HTMLParser):
    """A parsed piece of HTML; all tags must be closed in the order in which they were opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.rows: list[Row] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += given.items()
        self._open.append(tag)
        if tag == "tr":
            self.rows.append(Row())
        elif tag in ("td", "th"):
            self.rows[-1].cells.append(Cell(tag, given))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if ("td" in self._open or "th" in self._open) and self.rows:
            self.rows[-1].cells[-1].text += data

    def percents(self, property_name: str) -> list[float]:
        """Every percentage given to a property in a style attribute."""
        styles = ";".join(value for name, value in self.attributes if name == "style")
        pairs = (part.split(":") for part in styles.split(";") if part)
        return [float(value.removesuffix("%")) for name, value in pairs if name == property_name]


def assert_harmless(html: str) -> Markup:
    """Check that HTML holds only what we write ourselves, whatever text is in it, and return it parsed."""
    markup = Markup(html)
    assert set(markup.tags) <= ALLOWED_TAGS
    assert {name for name, _ in markup.attributes} <= ALLOWED_ATTRIBUTES
    assert all("javascript:" not in value.lower() for _, value in markup.attributes)
    return markup


def assert_table(markup: Markup) -> None:
    """Check that every row has as many columns as the first, and every heading says what it heads."""
    widths = {sum(int(cell.attributes.get("colspan", "1")) for cell in row.cells) for row in markup.rows}
    assert len(widths) == 1
    headings = [cell for row in markup.rows for cell in row.cells if cell.tag == "th"]
    assert headings
    assert {cell.attributes.get("scope") for cell in headings} <= {"col", "row", "rowgroup"}
