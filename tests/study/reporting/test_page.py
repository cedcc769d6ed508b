"""The page needs nothing else, shows hostile text as text, and its charts can be read aloud."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from hitl_review.study.reporting.charts import (
    Axis,
    Estimate,
    Line,
    Spot,
    axis_for,
    bars,
    flow,
    forest,
    plot,
    share_axis,
)
from hitl_review.study.reporting.document import Report
from hitl_review.study.reporting.page import fragment_of, html_of
from hitl_review.study.reporting.record import Record
from hitl_review.study.reporting.report import report_on
from tests.study.reporting.conftest import PLAN, marked

VOID = {"meta", "br", "img", "line", "rect", "circle", "path", "polyline"}
HOSTILE = '<script>alert("x")</script>&\'"'


class Outline(HTMLParser):
    """Tags opened and closed, and every address named."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def outlined(html: str) -> Outline:
    """The page's outline; its tags are closed in order."""
    found = Outline()
    found.feed(html)
    assert found.open == []
    return found


def test_the_page_needs_nothing_else(report: Report) -> None:
    """No script, no picture, no font or style from elsewhere; links lead within the page only."""
    html = html_of(report)
    found = outlined(html)
    assert not {"script", "img", "link", "iframe", "object"} & set(found.tags)
    assert found.addresses and all(address.startswith("#") for address in found.addresses)
    assert "url(" not in html and "@import" not in html and "@media print" in html
    ids = re.findall(r'<section id="(\w+)"', html)
    assert [f"#{each}" for each in ids] == found.addresses


def test_the_fragment_for_a_page_holds_the_same_with_charts_as_pictures(report: Report) -> None:
    """No inline SVG, which cleaning would take away; each picture is within the page and has words."""
    html = fragment_of(report)
    outlined(html)
    pictures = re.findall(r'<img alt="([^"]+)" src="data:image/svg\+xml;base64,', html)
    assert "<svg" not in html and len(pictures) == html_of(report).count("<svg") > 5 and all(pictures)
    assert "<style" not in html and re.findall(r"<h2>", html) == re.findall(r"<h2>", html_of(report))


def test_simulated_readers_are_marked_at_top_and_bottom(report: Report) -> None:
    """The banner is the first thing on the page; a study of people has none."""
    html = html_of(report)
    assert html.index("SIMULATED READERS") < html.index("<h1>") and html.count("SIMULATED READERS") >= 3
    assert 'class="banner"' not in html_of(replace(report, simulated=False))


def test_hostile_names_stay_text(record: Record) -> None:
    """In titles, modalities, readers, cases, groups and reasons, in tables and in charts."""
    evil = marked(
        record,
        reader=np.array([f"{each}{HOSTILE}" for each in record.reader], dtype=object),
        case=np.array([f"{each}{HOSTILE}" for each in record.case], dtype=object),
        modality=np.array([f"{each}{HOSTILE}" for each in record.modality], dtype=object),
        deviation=np.array([HOSTILE] * len(record), dtype=object),
        groups={HOSTILE: np.array([HOSTILE] * len(record), dtype=object)},
    )
    plan = replace(
        PLAN, title=HOSTILE, first=f"with the model{HOSTILE}", second=f"alone{HOSTILE}", positive=HOSTILE
    )
    html = html_of(report_on(evil, plan))
    assert "<script" not in html and "&lt;script&gt;" in html
    outlined(html)


def charts() -> list[str]:
    """One of each kind, with a hostile name and extreme values."""
    line = Line(HOSTILE, ((0.0, 0.0), (0.5, 2.0), (1.0, -1.0)), marked=True)
    spot = Spot(HOSTILE, 1.0, 0.0, (0.9, 1.0), (0.0, 0.1), whole=True)
    return [
        plot("plot", [line], x=share_axis("x"), y=share_axis("y"), spots=[spot], diagonal=True),
        forest(
            "forest",
            [Estimate(HOSTILE, 0.1, -0.2, 0.4, "0.1"), Estimate("b", None, None, None, "")],
            words="d",
        ),
        bars("bars", [(HOSTILE, 0.5, "1 of 2"), ("none", None, "0 of 0")], words="share"),
        flow("flow", [("made", HOSTILE), ("analysed", "b")]),
    ]


@pytest.mark.parametrize("svg", charts(), ids=["plot", "forest", "bars", "flow"])
def test_a_chart_is_sound_and_read_aloud(svg: str) -> None:
    """Well-formed, with a title and a label, everything inside the picture, hostile text as text."""
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img" and root.attrib["aria-label"] and root[0].tag.endswith("title")
    assert "<script" not in svg
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for each in root.iter():
        for name in ("x", "x1", "x2", "cx"):
            assert -1 <= float(each.attrib.get(name, 0)) <= width + 1
        for name in ("y", "y1", "y2", "cy"):
            assert -1 <= float(each.attrib.get(name, 0)) <= height + 1


@pytest.mark.parametrize(
    "values", [[0.0], [-0.05, 0.2], [1e-6, 2e-6], [3.0, 4000.0], [float("nan")], [-2.0, -1.0]]
)
def test_an_axis_holds_its_values_with_few_round_ticks(values: list[float]) -> None:
    """Whatever the values: two to eight ticks, rising, around all of them."""
    axis = axis_for("words", values)
    known = [value for value in values if value == value]
    assert 2 <= len(axis.ticks) <= 8 and list(axis.ticks) == sorted(axis.ticks)
    assert all(axis.low <= value <= axis.high for value in known)
    assert isinstance(axis, Axis) and len({axis.label(tick) for tick in axis.ticks}) == len(axis.ticks)
