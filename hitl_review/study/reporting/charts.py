"""Charts of a report as inline SVG: pure functions of numbers, readable in print and without colour.

Lines differ in dash and label as well as in colour, every chart has a title that is read aloud, and names
are escaped: they come from people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

FONT = "Source Sans 3, Helvetica Neue, Arial, sans-serif"
INK, QUIET, RULE = "#1B2A33", "#5A6872", "#D5DDE3"
SERIES = (("#0B5A6B", ""), ("#B0540A", "6 3"), ("#5A6872", "2 3"), ("#6A3D9A", "9 3 2 3"))
"""Colour and dash of each line in its turn."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its name; points are (x, y) in the chart's own units."""

    name: str
    points: tuple[tuple[float, float], ...]
    marked: bool = False
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row of a forest plot; `whole` is the summary row, `beside` is printed at its right."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    beside: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Spot:
    """One point with its name, and limits along both axes where there are any."""

    name: str
    x: float
    y: float
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its words, its range, its ticks and how a tick is written."""

    words: str
    low: float
    high: float
    ticks: tuple[float, ...]
    digits: int = 1
    suffix: str = ""

    def label(self, value: float) -> str:
        """A tick's text."""
        return f"{value:.{self.digits}f}".replace("-", "\u2212") + self.suffix


SHARE_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def share_axis(words: str) -> Axis:
    """An axis from 0 to 1."""
    return Axis(words, 0.0, 1.0, SHARE_TICKS)


def axis_for(
    words: str, values: Sequence[float], *, with_zero: bool = True, digits: int | None = None
) -> Axis:
    """An axis that holds all values, with about five round ticks."""
    known = [value for value in values if isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if with_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    step = _round_step((high - low) or 1.0)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    ticks = tuple(number * step for number in range(first, max(last, first + 1) + 1))
    places = digits if digits is not None else max(0, -floor(_magnitude(step)))
    return Axis(words, ticks[0], ticks[-1], ticks, places)


def plot(
    title: str,
    lines: Sequence[Line],
    *,
    x: Axis,
    y: Axis,
    spots: Sequence[Spot] = (),
    diagonal: bool = False,
    legend: bool = True,
    size: tuple[int, int] = (360, 300),
) -> str:
    """Lines and points in a frame with two axes and a legend below."""
    width, height = size
    left, right, top, bottom = 52, 12, 10, 40
    named = [line for line in lines if legend and not line.faint]
    place = _Place(x, y, left, top, width - left - right, height - top - bottom)
    body = [*_axes(place)]
    if diagonal:
        body.append(_path([(x.low, y.low), (x.high, y.high)], place, RULE, "3 3", 1))
    faint = [line for line in lines if line.faint]
    body += [_path(line.points, place, RULE, "", 1) for line in faint]
    strong = [line for line in lines if not line.faint]
    for number, line in enumerate(strong):
        colour, dash = SERIES[number % len(SERIES)]
        body.append(_path(line.points, place, colour, dash, 2))
        if line.marked:
            body += [_dot(place.x(a), place.y(b), 2.6, colour) for a, b in line.points]
    for number, spot in enumerate(spots):
        near = [each for each in spots[:number] if _would_touch(each, spot, place)]
        body += _spot(spot, place, lower=13 * len(near))
    drawn = _legend(named, left, height + 4, width - left - right)
    return _svg(title, width, height + 4 + 16 * len(drawn), [*body, *(part for row in drawn for part in row)])


def forest(title: str, rows: Sequence[Estimate], *, words: str, nothing: float | None = 0.0) -> str:
    """Estimates with intervals, one row each, against a line of "no difference"."""
    values = [v for row in rows for v in (row.value, row.low, row.high) if v is not None and isfinite(v)]
    axis = axis_for(words, values, with_zero=nothing == 0.0)
    width, row_height, left, right, top = 680, 22, 170, 200, 8
    height = top + row_height * len(rows) + 40
    place = _Place(axis, axis, left, top, width - left - right, row_height * len(rows))
    body = [*_bottom_axis(place)]
    if nothing is not None and axis.low <= nothing <= axis.high:
        body.append(_rule(place.x(nothing), top, place.x(nothing), top + place.height, QUIET, "3 3"))
    for number, row in enumerate(rows):
        body += _forest_row(row, place, top + row_height * (number + 0.5), width)
    return _svg(title, width, height, body)


def bars(title: str, rows: Sequence[tuple[str, float | None, str]], *, words: str) -> str:
    """Shares from 0 to 1 as bars, each with its name and its count beside it."""
    width, row_height, left, right, top = 640, 22, 250, 120, 8
    axis = share_axis(words)
    place = _Place(axis, axis, left, top, width - left - right, row_height * len(rows))
    body = [*_bottom_axis(place)]
    for number, (name, value, beside) in enumerate(rows):
        y = top + row_height * (number + 0.5)
        body.append(_text(left - 8, y + 4, name, anchor="end"))
        body.append(_text(width - right + 8, y + 4, beside))
        if value is not None:
            length = place.x(value) - place.x(0)
            body.append(
                f'<rect x="{place.x(0):.1f}" y="{y - 7:.1f}" width="{length:.1f}" height="14" fill="{SERIES[0][0]}"/>'
            )
    return _svg(title, width, top + row_height * len(rows) + 40, body)


def flow(title: str, steps: Sequence[tuple[str, str]]) -> str:
    """Boxes from top to bottom joined by arrows; each has a heading and a line."""
    width, box, gap = 680, 46, 18
    body = []
    for number, (heading, line) in enumerate(steps):
        y = 4 + number * (box + gap)
        body.append(
            f'<rect x="20" y="{y}" width="{width - 40}" height="{box}" rx="5" fill="#F3F6F8" stroke="{QUIET}"/>'
        )
        body.append(_text(width / 2, y + 19, heading, anchor="middle", bold=True))
        body.append(_text(width / 2, y + 36, line, anchor="middle"))
        if number:
            body.append(_rule(width / 2, y - gap, width / 2, y - 5, QUIET, ""))
            body.append(
                f'<path d="M{width / 2 - 4:.0f} {y - 7} L{width / 2:.0f} {y - 1} L{width / 2 + 4:.0f} {y - 7} Z" '
                f'fill="{QUIET}"/>'
            )
    return _svg(title, width, len(steps) * (box + gap) - gap + 8, body)


@dataclass(frozen=True, slots=True)
class _Place:
    """From the chart's units to the picture's."""

    x_axis: Axis
    y_axis: Axis
    left: float
    top: float
    width: float
    height: float

    def x(self, value: float) -> float:
        return self.left + self.width * _share(value, self.x_axis)

    def y(self, value: float) -> float:
        return self.top + self.height * (1 - _share(value, self.y_axis))


def _share(value: float, axis: Axis) -> float:
    return min(1.0, max(0.0, (value - axis.low) / (axis.high - axis.low)))


def _axes(place: _Place) -> Iterator[str]:
    yield from _bottom_axis(place)
    for tick in place.y_axis.ticks:
        yield _rule(place.left, place.y(tick), place.left + place.width, place.y(tick), RULE, "")
        yield _text(place.left - 6, place.y(tick) + 4, place.y_axis.label(tick), anchor="end", quiet=True)
    middle = place.top + place.height / 2
    words = escape(place.y_axis.words)
    yield (
        f'<text x="14" y="{middle:.1f}" transform="rotate(-90 14 {middle:.1f})" text-anchor="middle" '
        f'fill="{QUIET}">{words}</text>'
    )


def _bottom_axis(place: _Place) -> Iterator[str]:
    floor_y = place.top + place.height
    for tick in place.x_axis.ticks:
        yield _rule(place.x(tick), place.top, place.x(tick), floor_y, RULE, "")
        yield _text(place.x(tick), floor_y + 15, place.x_axis.label(tick), anchor="middle", quiet=True)
    yield _text(place.left + place.width / 2, floor_y + 31, place.x_axis.words, anchor="middle", quiet=True)


def _forest_row(row: Estimate, place: _Place, y: float, width: float) -> Iterator[str]:
    yield _text(place.left - 8, y + 4, row.name, anchor="end", bold=row.whole)
    yield _text(width - 192, y + 4, row.beside, bold=row.whole)
    if row.value is None:
        return
    if row.low is not None and row.high is not None:
        yield _rule(place.x(row.low), y, place.x(row.high), y, SERIES[0][0], "", 3 if row.whole else 1.6)
    size = 5.5 if row.whole else 3.5
    x = place.x(row.value)
    yield (
        f'<path d="M{x - size:.1f} {y:.1f} L{x:.1f} {y - size:.1f} L{x + size:.1f} {y:.1f} L{x:.1f} {y + size:.1f} Z" '
        f'fill="{SERIES[0][0]}"/>'
    )


def _would_touch(one: Spot, other: Spot, place: _Place) -> bool:
    """Whether the names of two points would lie on each other."""
    across, down = place.x(one.x) - place.x(other.x), place.y(one.y) - place.y(other.y)
    return abs(across) < 80 and abs(down) < 12


def _spot(spot: Spot, place: _Place, *, lower: float = 0) -> Iterator[str]:
    colour = SERIES[1][0] if spot.whole else SERIES[0][0]
    x, y = place.x(spot.x), place.y(spot.y)
    if spot.x_limits is not None:
        yield _rule(place.x(spot.x_limits[0]), y, place.x(spot.x_limits[1]), y, colour, "", 1)
    if spot.y_limits is not None:
        yield _rule(x, place.y(spot.y_limits[0]), x, place.y(spot.y_limits[1]), colour, "", 1)
    yield _dot(x, y, 5 if spot.whole else 3.5, colour)
    at_edge = x > place.left + 0.9 * place.width
    yield _text(
        x - 7 if at_edge else x + 7,
        y - 6 + lower,
        spot.name,
        anchor="end" if at_edge else "start",
        bold=spot.whole,
    )


def _legend(lines: Sequence[Line], x: float, y: float, _width: float) -> list[list[str]]:
    rows = []
    for number, line in enumerate(lines):
        colour, dash = SERIES[number % len(SERIES)]
        at = y + 16 * number
        rows.append([_rule(x, at - 4, x + 26, at - 4, colour, dash, 2), _text(x + 32, at, line.name)])
    return rows


def _path(points: Sequence[tuple[float, float]], place: _Place, colour: str, dash: str, width: float) -> str:
    steps = " ".join(f"{place.x(a):.1f},{place.y(b):.1f}" for a, b in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _rule(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str, width: float = 1) -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashed}/>'
    )


def _dot(x: float, y: float, radius: float, colour: str) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>'


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", bold: bool = False, quiet: bool = False
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{QUIET if quiet else INK}"{weight}>'
        f"{escape(words)}</text>"
    )


def _svg(title: str, width: float, height: float, body: Sequence[str]) -> str:
    words = escape(title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{words}" font-family="{FONT}" font-size="12">'
        f"<title>{words}</title>{''.join(body)}</svg>"
    )


def _round_step(span: float) -> float:
    """A step of 1, 2 or 5 times a power of ten that divides a span into at most six."""
    power: float = 10.0 ** floor(_magnitude(span / 5))
    return next((factor * power for factor in (1, 2, 5, 10) if span / (factor * power) <= 6), 10 * power)


def _magnitude(value: float) -> float:
    return log10(value) if value > 0 else 0.0
