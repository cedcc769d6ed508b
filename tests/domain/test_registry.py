"""A figure's digest covers its picture, its words and its name."""

from __future__ import annotations

from dataclasses import replace

from hitl_review.domain.registry import Figure


def test_no_part_of_a_figure_can_be_changed_alone() -> None:
    """A reader who can't see the picture relies on its words."""
    figure = Figure("beeswarm", "Creatinine matters most", b"\x89PNG")
    assert replace(figure).digest == figure.digest
    others = [
        replace(figure, name="dependence"),
        replace(figure, alt="Age matters most"),
        replace(figure, png=b"\x89PNG "),
    ]
    assert figure.digest not in {other.digest for other in others}
