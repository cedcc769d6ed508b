"""The report as one HTML file: no script, no font, no picture from elsewhere; made to be printed as well."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from html import escape

from hitl_review.study.reporting.document import (
    Block,
    Bullets,
    Cell,
    Chart,
    Facts,
    Report,
    Section,
    Table,
    Text,
)

STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1.25rem 4rem; max-width: 52rem; color: #1B2A33; background: #fff;
  font: 15px/1.5 "Source Sans 3", "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 0.4rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 0.5rem; padding-top: 0.6rem; border-top: 2px solid #0B5A6B; }
p { margin: 0.5rem 0; }
p.strong { padding: 0.5rem 0.8rem; border-left: 3px solid #0B5A6B; background: #F3F6F8; font-weight: 600; }
nav ol { columns: 2; column-gap: 2rem; margin: 0.5rem 0 0; padding-left: 1.6rem; font-size: 0.93rem; }
a { color: #0B5A6B; }
.scroll { overflow-x: auto; margin: 0.9rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.87rem; }
caption { text-align: left; font-weight: 600; padding: 0 0 0.3rem; }
th, td { padding: 0.25rem 0.7rem 0.25rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid #D5DDE3; }
td { white-space: nowrap; }
th:first-child, td.words, th.words { text-align: left; white-space: normal; }
td.name, tbody th.name { text-align: left; white-space: nowrap; }
thead th { color: #5A6872; font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 400; white-space: normal; }
.note { color: #5A6872; font-size: 0.84rem; margin: 0.2rem 0 0; }
dl { display: grid; grid-template-columns: minmax(9rem, 16rem) 1fr; gap: 0.15rem 1rem; margin: 0.7rem 0; }
dt { color: #5A6872; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 1rem 0; break-inside: avoid; }
figure svg { max-width: 100%; height: auto; display: block; }
figcaption { color: #5A6872; font-size: 0.84rem; }
.banner { background: #8A3A00; color: #fff; padding: 0.5rem 0.9rem; font-weight: 600; margin-bottom: 1rem; }
.foot { color: #5A6872; font-size: 0.8rem; margin-top: 3rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; }
  tr, figure, p.strong, .short { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
  .banner { color: #8A3A00; background: none; border: 2px solid #8A3A00; }
  a { color: inherit; text-decoration: none; }
  @page { size: A4; margin: 16mm 14mm; }
}
"""
BANNER = "SIMULATED READERS: no person made these reads"
SHORT = 14
"""A table of so many rows is not torn over two printed pages."""
NAME = 22
"""So short a text is not broken over two lines."""
FOOT = (
    "Laboratory study; figures of accuracy are of this enriched set. Decision-support review software, not a "
    "medical device."
)


def html_of(report: Report) -> str:
    """Return the whole page; everything that comes from data or people is escaped."""
    return "".join(_page(report))


def fragment_of(report: Report) -> str:
    """Return title, contents and sections without the page around them, for a page that has its own style.

    Charts are pictures here, because what cleans HTML takes inline SVG away.
    """
    return "".join(_body(report, pictures=True))


def _page(report: Report) -> Iterator[str]:
    title = escape(report.title)
    yield f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<style>{STYLE}</style></head><body>"
    yield from _body(report)
    last = f"{FOOT} {BANNER}." if report.simulated else FOOT
    yield f'<p class="foot">{last}</p></body></html>\n'


def _body(report: Report, *, pictures: bool = False) -> Iterator[str]:
    if report.simulated:
        yield f'<div class="banner" role="note">{BANNER}</div>'
    yield f'<h1>{escape(report.title)}</h1><nav aria-label="Contents"><ol>'
    yield from (f'<li><a href="#{each.key}">{escape(each.title)}</a></li>' for each in report.sections)
    yield "</ol></nav>"
    for number, section in enumerate(report.sections, start=1):
        yield from _section(number, section, pictures)


def _section(number: int, section: Section, pictures: bool) -> Iterator[str]:
    yield f'<section id="{section.key}"><h2>{number}. {escape(section.title)}</h2>'
    for block in section.blocks:
        yield _picture(block) if pictures and isinstance(block, Chart) else _block(block)
    yield "</section>"


def _block(block: Block) -> str:
    match block:
        case Text(words, strong):
            return f'<p class="strong">{escape(words)}</p>' if strong else f"<p>{escape(words)}</p>"
        case Facts(rows):
            return f"<dl>{''.join(f'<dt>{escape(a)}</dt><dd>{escape(b)}</dd>' for a, b in rows)}</dl>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in items)}</ul>"
        case Chart(svg, caption):
            return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
        case Table():
            return _table(block)


def _picture(block: Chart) -> str:
    source = b64encode(block.svg.encode("utf-8")).decode("ascii")
    words = escape(block.caption)
    picture = f'<img alt="{words}" src="data:image/svg+xml;base64,{source}">'
    return f"<figure>{picture}<figcaption>{words}</figcaption></figure>"


def _table(block: Table) -> str:
    head = "".join(_head(place, each, block.rows) for place, each in enumerate(block.header))
    body = "".join(_row(row) for row in block.rows)
    note = f'<p class="note">{escape(block.note)}</p>' if block.note else ""
    short = " short" if len(block.rows) <= SHORT else ""
    return (
        f'<div class="scroll{short}"><table><caption>{escape(block.caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{note}</div>"
    )


def _head(place: int, words: str, rows: tuple[tuple[Cell, ...], ...]) -> str:
    """A column's heading, over words to the left and over numbers to the right."""
    in_words = bool(rows) and all(isinstance(row[place].value, str) for row in rows)
    kind = ' class="words"' if in_words else ""
    return f'<th scope="col"{kind}>{escape(words)}</th>'


def _row(row: tuple[Cell, ...]) -> str:
    kind = ' class="name"' if len(row[0].text) <= NAME else ""
    first = f'<th scope="row"{kind}>{escape(row[0].text)}</th>'
    return f"<tr>{first}{''.join(_cell(each) for each in row[1:])}</tr>"


def _cell(each: Cell) -> str:
    name = "name" if len(each.text) <= NAME else "words"
    kind = f' class="{name}"' if isinstance(each.value, str) else ""
    return f"<td{kind}>{escape(each.text)}</td>"
