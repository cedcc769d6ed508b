"""The study report in a browser: whole and with its charts for the lead, files to take along, no page for a reader."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hitl_review.workflow.studies.simulating import make_demo_study
from hitl_review.workflow.workspace import open_workspace
from tests.e2e.conftest import SitAt
from tests.e2e.serving import Server, copy_workspace

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def studied(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demonstration with a small simulated study, served."""
    folder = copy_workspace(demo, tmp_path_factory.mktemp("report") / "workspace")
    with open_workspace(folder) as workspace:
        make_demo_study(workspace, readers=2, n_cases=20)
    server = Server(folder).start()
    yield server
    server.kill()


def test_the_lead_reads_the_report_and_takes_it_along(studied: Server, sit_at: SitAt) -> None:
    """Marked as simulated, 21 sections, charts as pictures; the file prepared is a report, and the log names it."""
    page = sit_at(studied, "lead-1").visit("/report").page
    expect(page.locator(".hr-report h2")).to_have_count(21)
    expect(page.locator(".hr-report .banner")).to_contain_text("SIMULATED READERS")
    assert page.locator(".hr-report figure img").count() >= 5
    assert page.evaluate(
        "[...document.querySelectorAll('.hr-report img')].every(each => each.naturalWidth > 0)"
    )
    page.get_by_text("Take it along").click()
    page.get_by_text("The report as JSON, for a program").click()
    page.get_by_role("button", name="Prepare the file").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download demo-study.json").click()
    found = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert found["simulated"] is True and len(found["sections"]) == 21


def test_a_reader_has_no_such_page(studied: Server, sit_at: SitAt) -> None:
    """The address leads to the reader's own page, and nothing of the report is on it or came over the wire."""
    desk = sit_at(studied, "reader-1").visit("/report")
    expect(desk.page.locator(".hr-report")).to_have_count(0)
    assert not any(b"Primary result" in frame for frame in desk.frames)
