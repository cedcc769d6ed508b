"""Learning in a real browser: decide, train beside the pages, read the gate's report, promote by two, go back, stop."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import TimeoutError, expect

from hitl_review.store import labels, models, reviews
from hitl_review.workflow.workspace import open_workspace
from tests.e2e.conftest import PHONE, SitAt
from tests.e2e.desk import Desk
from tests.e2e.serving import Server
from tests.e2e.test_layout import assert_no_sideways_scroll
from tests.hospital import build

pytestmark = pytest.mark.browser

TRAINING_MS = 90_000
STATEMENT = "All cases there are were looked at by two of us."
REASON = "It misses the oldest patients of this ward."


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The app and its worker on a dozen waiting cases and a first model; every test leaves that model in use."""
    server = Server(build(tmp_path_factory.mktemp("ward") / "workspace")).start()
    yield server
    server.kill()


def in_use(server: Server) -> str:
    """The name of the model in use, or "none"."""
    with open_workspace(server.folder) as workspace:
        move = models.newest_move(workspace.store)
        return "none" if move is None or move.model is None else models.version(workspace.store, move.model).name


def press(desk: Desk, words: str) -> None:
    """Press the button with these words."""
    desk.page.get_by_role("button", name=words).click()


def open_part(desk: Desk, words: str) -> None:
    """Unfold a part of the page."""
    desk.page.locator("summary").filter(has_text=words).click()


def test_from_decisions_to_a_new_model_and_back(ward: Server, sit_at: SitAt) -> None:
    """A reader decides, a steward trains and proposes, an approver signs and goes back; readers see each at once."""
    reader = sit_at(ward)
    reader.sit_down()
    reader.estimate("2", "x").accept()
    reader.estimate("8", "y").accept()

    steward = sit_at(ward, "steward-1").visit("/learning")
    press(steward, "Train a challenger")
    bar = steward.page.get_by_test_id("stProgress")
    expect(bar).to_contain_text("Training a challenger")
    open_part(steward, "Stop the model")
    expect(steward.page.get_by_text("Readers of a stopped model see cases without one")).to_be_visible()
    expect(bar).to_have_count(0, timeout=TRAINING_MS)
    steward.at_rest()
    expect(steward.page.get_by_text("Not enough evidence.")).to_be_visible()
    for title in ("ROC curve", "Calibration", "Decision curve"):
        expect(steward.page.get_by_alt_text(f"{title} of both models")).to_be_visible()
    open_part(steward, "Subgroups, patients whose answer flips")
    for words in ("AUC before", "would get another answer", "share of all contributions"):
        expect(steward.page.get_by_text(words).first).to_be_visible()
    open_part(steward, "Where model v2 comes from")
    expect(steward.page.get_by_text("82 cases: 80 outcomes, 2 own estimates")).to_be_visible()
    assert not steward.page.get_by_role("button", name=re.compile("Sign and put")).count()
    press(steward, "Propose v2")
    expect(steward.page.get_by_text("Proposed by Demo model steward")).to_be_visible()

    approver = sit_at(ward, "approver-1").visit("/learning")
    press(approver, "Sign and put v2 in use")
    approver.told("Sign a statement")
    assert in_use(ward) == "v1"
    approver.page.get_by_label(re.compile("although the gate could not decide")).fill(STATEMENT)
    press(approver, "Sign and put v2 in use")
    expect(approver.page.get_by_text("Model v2 is in use, since")).to_be_visible()
    assert in_use(ward) == "v2"
    reader.sit_down()
    reader.estimate()
    expect(reader.page.locator(".hr-model")).to_contain_text("v2")

    open_part(approver, "Stop the model or go back to model v1")
    approver.page.get_by_label(re.compile(r"^Why \(at least")).fill(REASON)
    press(approver, "Go back to model v1")
    expect(approver.page.get_by_text("Model v1 is in use, since")).to_be_visible()
    assert in_use(ward) == "v1"


def test_a_stopped_model_is_gone_from_every_reader_s_page(ward: Server, sit_at: SitAt) -> None:
    """The own estimate is asked and kept, the model's page says what happened, and an approver puts it back."""
    steward = sit_at(ward, "steward-1", theme="dark", size=PHONE).visit("/learning")
    open_part(steward, "Stop the model")
    steward.page.get_by_label(re.compile(r"^Why \(at least")).fill("short")
    press(steward, "Stop the model")
    steward.told("at least 20 characters")
    steward.page.get_by_label(re.compile(r"^Why \(at least")).fill(REASON)
    press(steward, "Stop the model")
    expect(steward.page.get_by_text("The model is stopped, since")).to_be_visible()

    reader = sit_at(ward)
    case = reader.sit_down()
    expect(reader.page.get_by_text("No model is in use now")).to_be_visible()
    reader.looked().press("3")
    expect(reader.page.get_by_label("Your estimate in percent")).to_have_value("30")
    reader.at_rest().press("x")
    expect(reader.page.get_by_text("nothing to accept or override")).to_be_visible()
    assert not reader.page.locator(".hr-model").count() and not reader.button("accept").count()
    with open_workspace(ward.folder) as workspace:
        assert reviews.all_reads(workspace.store)[-1].case_id == case
    reader.looked().press("n").moved_on_from(case)
    reader.visit("/model")
    expect(reader.page.get_by_text("No model is in use. It was stopped on")).to_contain_text(REASON)

    approver = sit_at(ward, "approver-1").visit("/learning")
    approver.page.get_by_label(re.compile(r"^Why \(at least")).fill("We looked again: it was right.")
    press(approver, "Put model v1 back in use")
    expect(approver.page.get_by_text("Model v1 is in use, since")).to_be_visible()
    reader.visit("/", case=case).at("decide", case)
    expect(reader.page.locator(".hr-model")).to_contain_text("v1")


def test_two_readers_disagree_and_an_adjudicator_settles_it(ward: Server, sit_at: SitAt) -> None:
    """The monitor's look collects the labels; the dispute shows neither names nor answers, and its end is kept."""
    first, second = sit_at(ward), sit_at(ward)
    case = first.sit_down()
    first.estimate("8", "y")
    second.sit_down(case)
    second.estimate("1", "x")
    auditor = sit_at(ward, "auditor-1").visit("/monitor")
    press(auditor, "Look now")
    bar = auditor.page.get_by_test_id("stProgress")
    expect(bar).to_contain_text("Looking with the monitor")
    expect(bar).to_have_count(0, timeout=TRAINING_MS)
    expect(auditor.page.get_by_text(re.compile("^Looked at "))).to_be_visible()
    for words in ("Inputs: not known yet.", "Accuracy on random checks: not known yet."):
        expect(auditor.page.get_by_text(words)).to_be_visible()

    adjudicator = sit_at(ward, "adjudicator-1").visit("/disputes")
    expect(adjudicator.page.get_by_role("heading", name=f"Case {case}")).to_be_visible()
    for leading in ("Test reader", "80%", "10%"):
        assert leading not in adjudicator.text
    adjudicator.page.get_by_label("Comment").fill("The scan of day 2 settles it.")
    press(adjudicator, "Yes: death within 180 days")
    expect(adjudicator.page.get_by_text("No dispute waits for you.")).to_be_visible()
    with open_workspace(ward.folder) as workspace:
        assert labels.open_disputes(workspace.store) == []
        (kept,) = workspace.store.rows("SELECT case_id, label, comment, by FROM resolutions")
    assert tuple(kept) == (case, "died", "The scan of day 2 settles it.", "adjudicator-1")


def test_a_rule_is_set_with_its_effect_told_and_is_the_reason_a_reader_reads(ward: Server, sit_at: SitAt) -> None:
    """What it would do stands there before it is set; why a case is here, only after the own estimate."""
    steward = sit_at(ward, "steward-1").visit("/learning")
    expect(steward.page.get_by_test_id("stProgress")).to_have_count(0, timeout=TRAINING_MS)
    open_part(steward.at_rest(), "Which cases people read")
    target = steward.page.get_by_label(re.compile("^At most so many of the cases"))
    for _ in range(4):  # a press while the page is drawn anew can be lost in Streamlit, and one presses again
        steward.at_rest().page.get_by_text("Cases pass without a person where").click()
        try:
            target.wait_for(timeout=5_000)
            break
        except TimeoutError:
            continue
    target.fill("1")
    steward.page.keyboard.press("Enter")
    expect(steward.page.get_by_text("can't be promised with so few cases")).to_be_visible()
    expect(steward.page.get_by_role("button", name="Set this routing")).to_be_disabled()
    steward.page.get_by_text("Cases that meet a rule come first").click()
    measurement = steward.page.get_by_label("The measurement that the rule is about")
    expect(measurement).to_be_visible()
    steward.at_rest()
    sex = steward.page.get_by_role("option", name="Sex", exact=True)
    for _ in range(4):  # a drawing of the page that was under way folds the list up, and one opens it again
        measurement.click()
        steward.page.keyboard.type("Sex", delay=40)
        try:
            sex.wait_for(timeout=5_000)
            break
        except TimeoutError:
            steward.press("Escape").at_rest()
    expect(sex).to_be_visible()
    steward.page.keyboard.press("Enter")
    for level in ("Female", "Male"):
        steward.page.get_by_test_id("stButtonGroup").get_by_text(level, exact=True).click()
        steward.at_rest()
    expect(steward.page.get_by_text(re.compile(r"(\d+) of the \1 cases that wait meet this"))).to_be_visible()
    press(steward, "Set this routing")
    expect(steward.page.get_by_text("This is in force now.")).to_be_visible()

    reader = sit_at(ward)
    reader.sit_down()
    assert "Why this case" not in reader.text and "rule" not in reader.text
    reader.estimate()
    expect(reader.page.get_by_text("Why this case: a rule asks for a person (Sex: Female or Male).")).to_be_visible()


def test_the_pages_of_learning_fit_a_phone(ward: Server, sit_at: SitAt) -> None:
    """Nothing is wider than the screen, in the dark either."""
    desk = sit_at(ward, "steward-1", theme="dark", size=PHONE)
    for page in ("learning", "monitor", "model"):
        assert_no_sideways_scroll(desk.visit(f"/{page}"))
