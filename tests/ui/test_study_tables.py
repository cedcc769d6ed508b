"""A study as tables: people's words stay text, power is read without colour, progress says who to call."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hitl_review.domain.protocol import Design, Protocol, Seals
from hitl_review.domain.study import State, Step, Study
from hitl_review.study.power import VAN_DYKE
from hitl_review.ui.study_tables import power_html, progress_html, protocol_html, steps_html, studies_html
from hitl_review.workflow.studies.planning import power_table, warnings_of
from hitl_review.workflow.studies.progress import ReaderProgress
from tests.ui.markup import HOSTILE

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PLAN = Protocol(
    title=HOSTILE, design=Design.CROSSOVER, readers=(HOSTILE,), cases=("C-1", "C-2"), size_basis=HOSTILE
)
STUDY = Study(
    "s-1",
    State.RUNNING,
    PLAN,
    Seals("sha256:m", "sha256:p", "sha256:o", "sha256:l", "sha256:t"),
    "sha256:1",
    "sha256:1",
    "lead-1",
    (Step("event-01", "amended", NOW, HOSTILE, HOSTILE, None),),
    (),
)


def progress(**changed: object) -> ReaderProgress:
    """How far somebody is, some of it changed."""
    ordinary = ReaderProgress(HOSTILE, HOSTILE, 3, 8, 2, 2, NOW, None, False, False)
    return replace(ordinary, **changed)  # type: ignore[arg-type]


def test_hostile_text_stays_text() -> None:
    """Titles, reasons and names are written by people; none of it becomes markup."""
    for html in (
        studies_html([STUDY]),
        protocol_html(STUDY),
        steps_html(STUDY),
        progress_html([progress()], NOW),
    ):
        assert HOSTILE not in html
        assert "<script" not in html


def test_a_simulated_study_says_so_in_the_list() -> None:
    """Nobody takes it for evidence."""
    assert "simulated" not in studies_html([STUDY])
    assert "simulated readers" in studies_html([replace(STUDY, protocol=replace(PLAN, simulated=True))])


def test_the_washout_says_when_it_ends_and_whom_to_remind() -> None:
    """Until a day, over, overdue, waived."""
    until = NOW + timedelta(days=3)
    assert "until 2026-11-28" in progress_html([progress(may_read_from=until)], NOW)
    gone = NOW - timedelta(days=9)
    assert "over since 2026-11-16: remind" in progress_html([progress(may_read_from=gone, overdue=True)], NOW)
    assert "waived" in progress_html([progress(may_read_from=until, waived=True)], NOW)


def test_power_that_reaches_eighty_percent_has_a_sign_of_its_own() -> None:
    """The published check value: 5 readers and 200 cases have 78 %, 10 readers 94 %."""
    table = power_table(VAN_DYKE, effect=0.05, readers=(5, 10), cases=(200,))
    assert [round(powers[0], 4) for _, powers in table.rows] == [0.7846, 0.9353]
    html = power_html(table)
    assert ">78%<" in html
    assert "<b>✓ 94%</b>" in html


def test_small_studies_are_warned_of() -> None:
    """Fewer than five readers, fewer than twenty cases of a kind."""
    assert warnings_of(5, 20, 20) == []
    told = warnings_of(4, 19, 60)
    assert len(told) == 2
    assert "4 readers" in told[0]
    assert "19 cases with the outcome" in told[1]
