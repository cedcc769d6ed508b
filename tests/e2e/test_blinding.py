"""Before the own estimate is stored, nothing that reaches the browser tells the model's view of the case."""

from __future__ import annotations

import struct
from html import escape
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hitl_review.store import cases, models, predictions
from hitl_review.ui.charts import signed
from hitl_review.workflow.revealing import screen_of
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import open_workspace
from tests.e2e.desk import Desk

pytestmark = pytest.mark.browser


def told_by_the_reveal(folder: Path, case_id: str) -> dict[str, str]:
    """What the reveal of a case puts on the page, by name: each would give the model's view away."""
    view = _view(folder, case_id)
    raised = [each for each in view.reasons if each.amount > 0]
    lowered = [each for each in view.reasons if each.amount < 0]
    return {
        "probability": f'hr-probability">{view.probability:.0%}<',
        "probability in words": escape(view.probability_words),
        "base rate": escape(view.base_rate_words),
        "verdict": escape(view.verdict_words),
        "verdict's meaning": escape(view.verdict_meaning),
        "model's digest": view.model.removeprefix("sha256:")[:8],
        "margin": f"together give {signed(view.margin)}",
        **{f"reason: {each.label}": escape(each.sentence) for each in [*raised[:3], *lowered[:3]]},
        **{f"contribution of {each.label}": signed(each.amount) for each in view.reasons[:8]},
        **{each.title: escape(each.title) for each in view.reliability},
    }


def never_on_the_wire(folder: Path, case_id: str) -> dict[str, bytes]:
    """The same view as numbers a script could read, in the forms a message could carry them in."""
    view = _view(folder, case_id)
    numbers = {"margin": view.margin, "probability": view.probability, "base value": view.base_value}
    numbers |= {f"contribution of {each.label}": each.amount for each in view.reasons if abs(each.amount) > 0.001}
    found: dict[str, bytes] = {"digest": view.model.removeprefix("sha256:").encode(), "id": view.prediction_id.encode()}
    for name, number in numbers.items():
        found[f"{name} as text"] = f"{abs(number):.6f}"[:7].encode()
        found[f"{name} as double"] = struct.pack("<d", number)
        found[f"{name} as float"] = struct.pack("<f", number)
    return found


def _view(folder: Path, case_id: str):  # type: ignore[no-untyped-def]
    with open_workspace(folder) as workspace:
        version = models.champion(workspace.store)
        case = cases.get(workspace.store, case_id)
        said = predictions.find(workspace.store, case_id, model=version.digest, snapshot=case.snapshot.digest)
        assert said is not None
        model = stored_model(workspace.store)(version.digest)
        return screen_of(workspace, case, said, model, version).view


def test_nothing_of_the_model_reaches_the_browser_before_the_own_estimate_is_stored(desk: Desk) -> None:
    """Not in a frame on the wire, the page, its title or its URL; after the estimate all of it is there."""
    case = desk.sit_down()
    desk.visit("/history").visit("/", case=case).at("estimate", case)
    desk.looked().press("7")
    expect(desk.page.get_by_label("Your estimate in percent")).to_have_value("70")
    desk.at_rest().press("u", "n", "o", "a", "d")
    desk.page.wait_for_timeout(500)
    desk.visit("/", case=case).at("estimate", case)
    before = [*desk.frames, desk.page.content().encode(), desk.page.url.encode(), desk.page.title().encode()]
    assert sum(map(len, before)) > 50_000
    shown = told_by_the_reveal(desk.folder, case)
    assert {name for name, text in shown.items() if any(text.encode() in each for each in before)} == set()
    hidden = never_on_the_wire(desk.folder, case)
    assert {name for name, told in hidden.items() if any(told in each for each in before)} == set()
    desk.estimate("7", "y")
    after = desk.frames[len(before) - 3 :]
    assert {name for name, text in shown.items() if not any(text.encode() in each for each in after)} == set()


def test_a_refused_estimate_reveals_nothing(desk: Desk) -> None:
    """A call that was too quick, or without a percentage, leaves the model hidden, on the wire too."""
    case = desk.sit_down()
    desk.looked().press("y").told("Give a percentage first").at_rest()
    shown = told_by_the_reveal(desk.folder, case)
    assert {name for name, text in shown.items() if any(text.encode() in each for each in desk.frames)} == set()


def test_cases_come_in_the_order_of_the_queue_and_no_page_says_why_before_the_estimate(desk: Desk) -> None:
    """Unsure cases come first, a fifth comes at random among them: which this is stays untold until the estimate."""
    came = [desk.sit_down()]
    for _ in range(4):
        desk.looked().press("n")
        came.append(desk.moved_on_from(came[-1]))
    with open_workspace(desk.folder) as workspace:
        rows = workspace.store.rows("SELECT case_id, priority, route FROM worklist")
    priority = {row["case_id"]: row["priority"] for row in rows}
    assert sorted(came, key=priority.__getitem__) == came
    routes = {row["route"].encode() for row in rows}
    assert {route for route in routes if any(route in each for each in desk.frames)} == set()
