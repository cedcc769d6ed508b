"""Refresh, back, two tabs, two readers, a stale page, a new model: nothing is lost, doubled or overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hitl_review.domain.decision import Answer, Choice
from hitl_review.store import accounts
from hitl_review.store.audit import new_token
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.revealing import reveal
from hitl_review.workflow.workspace import open_workspace
from tests.e2e.conftest import SitAt
from tests.e2e.desk import Desk
from tests.e2e.records import acts, decisions, reads
from tests.e2e.serving import Server, copy_workspace, train_another
from tests.ward_learning import put_in_use

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served_two_models(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """The app on a workspace that has a second model version, not yet in use; with its digest."""
    folder = copy_workspace(demo, tmp_path_factory.mktemp("two") / "workspace")
    digest = train_another(folder)
    server = Server(folder).start()
    yield server, digest
    server.kill()


def test_a_refresh_keeps_case_and_stage(desk: Desk) -> None:
    """F5 during the estimate, after the reveal, among the reasons, and on a decided case loses and doubles nothing."""
    case = desk.sit_down()
    desk.page.reload()
    desk.at("estimate", case).estimate()
    desk.page.reload()
    desk.at("decide", case).looked().override()
    desk.page.reload()
    desk.at("decide", case)
    expect(desk.page.get_by_text("You said 70%")).to_be_visible()
    following = desk.accept()
    desk.page.reload()
    desk.at("estimate", following).visit("/", case=case).at("decided", case)
    desk.page.reload()
    desk.at("decided", case)
    told = [action for action, about in acts(desk.folder, desk.reader) if about == case]
    assert [told.count(each) for each in ("read.committed", "prediction.shown", "decision.accepted")] == [1, 1, 1]


def test_back_shows_the_decided_case_and_decides_nothing(desk: Desk) -> None:
    """The back button returns to what was decided, to be read; A does nothing there; forward goes on."""
    case = desk.sit_down()
    following = desk.estimate().accept()
    desk.arrived().page.go_back()
    desk.at("decided", case).looked().press("a")
    desk.page.wait_for_timeout(500)
    desk.at("decided", case)
    desk.page.go_forward()
    desk.at("estimate", following)
    assert [each.case_id for each in decisions(desk.folder, desk.reader)] == [case]


def test_back_in_the_middle_of_a_case_loses_nothing(desk: Desk) -> None:
    """Leaving between estimate and decision by the back button, and coming back, goes on where it stopped."""
    first = desk.sit_down()
    second = desk.estimate().accept()
    desk.estimate("3", "x").arrived()
    desk.page.go_back()
    desk.at("decided", first)
    desk.page.go_forward()
    desk.at("decide", second).accept()
    assert [each.case_id for each in decisions(desk.folder, desk.reader)] == [first, second]
    assert [each.probability for each in reads(desk.folder, desk.reader)] == [0.7, 0.3]


def test_a_second_decision_from_a_second_tab_is_refused_and_told(served: Server, sit_at: SitAt, desk: Desk) -> None:
    """The same reader has the case open twice: the tab that comes second records nothing and says why."""
    case = desk.sit_down()
    desk.estimate()
    other = sit_at(served, desk.reader).visit("/", case=case).at("decide", case)
    desk.looked().override().press("1")
    desk.moved_on_from(case)
    other.looked().press("a").told("You decided this case at").at("decided", case)
    (decision,) = decisions(desk.folder, desk.reader)
    assert decision.answer is Answer.OVERRIDDEN


def test_a_second_estimate_from_a_second_tab_is_refused_and_told(served: Server, sit_at: SitAt, desk: Desk) -> None:
    """An own estimate is made once: the tab that comes second shows the model and keeps the first estimate."""
    case = desk.sit_down()
    other = sit_at(served, desk.reader).visit("/", case=case).at("estimate", case)
    desk.estimate("7", "y")
    other.looked().press("2")
    expect(other.page.get_by_label("Your estimate in percent")).to_have_count(0)
    other.at("decide", case)
    (read,) = reads(desk.folder, desk.reader)
    assert read.probability == 0.7


def test_two_readers_on_one_case_keep_both_decisions_and_are_told(served: Server, sit_at: SitAt, desk: Desk) -> None:
    """Nobody overwrites anybody: each is told of the other, and both decisions stand."""
    case = desk.sit_down()
    other = sit_at(served).visit("/", case=case).at("estimate", case)
    expect(other.page.get_by_text("Another reader has this case open as well")).to_be_visible()
    desk.estimate("7", "y").accept()
    other.estimate("2", "x")
    expect(other.page.get_by_text("Another reader has decided this case. Yours is kept beside it.")).to_be_visible()
    other.looked().override().press("1")
    other.moved_on_from(case)
    (first,), (second,) = decisions(desk.folder, desk.reader), decisions(desk.folder, other.reader)
    assert first.case_id == second.case_id == case
    assert (first.answer, second.answer) == (Answer.ACCEPTED, Answer.OVERRIDDEN)
    assert first.supersedes is second.supersedes is None


def test_a_stale_page_decides_nothing_and_says_so(desk: Desk) -> None:
    """The case was decided elsewhere (the command line) after this page was drawn: the press is refused."""
    case = desk.sit_down()
    desk.estimate().looked()
    with open_workspace(desk.folder) as workspace:
        actor = actor_of(workspace, desk.reader)
        shown = reveal(workspace, case, actor=actor)
        choice = Choice(Answer.DEFERRED, reason="second_opinion")
        record_decision(
            workspace,
            shown.reveal.reveal_id,
            choice,
            actor=actor,
            token=new_token(),
            seconds_active=5,
            seconds_on_screen=5,
        )
    desk.looked().press("a").told("You decided this case at").at("decided", case)
    (decision,) = decisions(desk.folder, desk.reader)
    assert decision.answer is Answer.DEFERRED


def test_a_model_replaced_after_the_screen_was_shown_is_told_and_shown_anew(
    served_two_models: tuple[Server, str], sit_at: SitAt
) -> None:
    """The press on the old model's view is refused; the new view stands there, and a second look decides on it."""
    server, digest = served_two_models
    desk = sit_at(server)
    case = desk.sit_down()
    desk.estimate()
    with open_workspace(desk.folder) as workspace:
        put_in_use(workspace, digest, approver=accounts.actor(workspace.store, "approver-1"))
    desk.looked().press("a").told("The model was changed after this screen was shown").at("decide", case)
    assert decisions(desk.folder, desk.reader) == []
    expect(desk.page.get_by_text(re.compile(rf"Model v2, {digest.removeprefix('sha256:')[:8]}"))).to_be_visible()
    desk.accept()
    (decision,) = decisions(desk.folder, desk.reader)
    assert decision.case_id == case
    with open_workspace(desk.folder) as workspace:
        assert decision.prediction_id in {
            row["prediction_id"]
            for row in workspace.store.rows("SELECT prediction_id FROM predictions WHERE model = ?", (digest,))
        }
    told = [action for action, about in acts(desk.folder, desk.reader) if about == case]
    assert told.count("prediction.shown") == 2
