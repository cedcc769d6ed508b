"""The auditor's parts as they are drawn: what is filtered, shown, taken along, and kept of what was typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.domain.account import Actor
from hitl_review.errors import NotPermitted
from hitl_review.store import audit, reviews
from hitl_review.ui import session
from hitl_review.ui.auditing_tables import decisions_html
from hitl_review.workflow import viewing
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.past_screens import case_history
from hitl_review.workflow.receipts import check_receipt
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests.ui.auditor import drawn, shown, well
from tests.ui.markup import assert_harmless
from tests.ward import record_outcomes


def nobody(_workspace: Workspace, _account: str) -> Actor:
    """Who is at the screen when the session has ended."""
    raise NotPermitted("Not recorded: you are signed out.")


def test_events_are_filtered_by_outcome_model_and_period(sit: Callable[[str], AppTest]) -> None:
    """Each filter leaves what it names; a period without events leaves none."""
    app = sit("auditing_events")
    app.selectbox(key="outcome_log").select("overridden").run()
    well(app)
    assert "overrode the model" in shown(app) and "accepted the model" not in shown(app)
    app.date_input(key="until_log").set_value("2026-11-21").run()
    assert any("No such event" in each.value for each in well(app).text)
    app.date_input(key="until_log").set_value("2026-11-22").run()
    assert "overrode the model" in shown(well(app))


def test_an_event_is_found_by_its_number_and_the_filters_stay(sit: Callable[[str], AppTest]) -> None:
    """It stands first, those before it follow; a case's filter says which events it can't hold."""
    app = sit("auditing_events")
    app.number_input(key="upto_log").set_value(7).run()
    text = shown(well(app))
    assert 'class="hr-number">7</th>' in text and 'class="hr-number">8</th>' not in text
    assert "under “One case” they are" not in text
    app.number_input(key="upto_log").set_value(None).run()
    app.text_input(key="case_log").set_value("C-2").run()
    assert "under “One case” they are" in shown(well(app))


def test_pages_are_turned_from_above_and_from_below_the_list(
    sit: Callable[[str], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways lead to the same; a list that fits one page has none above it."""
    app = sit("auditing_events")
    assert not [each for each in app.button if each.key == "older_above"]
    monkeypatch.setattr(viewing, "PAGE", 5)
    newest = shown(well(app.run()))
    app.button(key="older_above").click().run()
    older = shown(well(app))
    app.button(key="older_below").click().run()
    app.button(key="newer_above").click().run()
    assert shown(well(app)) == older != newest
    app.button(key="newer_below").click().run()
    assert shown(well(app)) == newest


def test_a_checkpoint_is_taken_along_from_the_page(sit: Callable[[str], AppTest], reviewed_folder: Path) -> None:
    """It is the one that the log tells of as published, and verification takes it."""
    app = sit("auditing_proof")
    app.button[1].click().run()
    note = well(app).session_state["note_log"]
    assert app.button[1].label == "Make a checkpoint" and "Made over" in shown(app)
    with open_workspace(reviewed_folder) as workspace:
        assert [event.told["action"] for event in audit.events(workspace.store)][-1] == "checkpoint.published"
    assert verify(reviewed_folder, notes={"kept.txt": note}).ok


def test_a_steward_may_look_and_makes_no_checkpoint(
    reviewed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The button is not there; the same matrix decides the act."""
    monkeypatch.setenv("HITL_WORKSPACE", str(reviewed_folder))
    app = AppTest.from_function(drawn, kwargs={"part": "auditing_proof", "role": "model_steward"}, default_timeout=60)
    assert [each.label for each in well(app.run()).button] == ["Verify now", "Prepare the export"]


def test_a_receipt_is_issued_beside_the_case(sit: Callable[[str], AppTest], reviewed_folder: Path) -> None:
    """Of the decision that is chosen; of another one it is not offered."""
    app = sit("auditing_case")
    app.text_input(key="one_case_log").set_value("C-2").run()
    with open_workspace(reviewed_folder) as workspace:
        first, second = (each.decision_id for each in reviews.decisions_of_case(workspace.store, "C-2"))
    assert [each.disabled for each in well(app).button] == [True]
    app.session_state["receipt_C-2_log"] = first
    app.run()
    app.session_state["receipt_C-2_log"] = first
    app.button[0].click().run()
    decision, receipt = well(app).session_state["issued_log"]
    assert decision == first and check_receipt(receipt).ok
    assert len(app.get("download_button")) == 1
    app.session_state["receipt_C-2_log"] = second
    assert not well(app.run()).get("download_button")


def test_a_sampled_decision_leads_to_its_case(sit: Callable[[str], AppTest], at_screen: None) -> None:
    """And what was typed about it stays."""
    app = sit("auditing_sample")
    app.button[0].click().run()
    app.text_area[0].input("No reason is given")
    next(each for each in well(app).button if each.label == "Read its case").click().run()
    assert well(app).session_state["part_log"] == "One case"
    assert app.session_state["one_case_log"].startswith("C-")
    assert app.text_area[0].value == "No reason is given"


def test_a_case_shows_its_replaced_decision(sit: Callable[[str], AppTest]) -> None:
    """Both values, both signatures, and which one stands; an unknown case is said to be none."""
    app = sit("auditing_case")
    app.text_input(key="one_case_log").set_value("C-2").run()
    text = shown(well(app))
    assert "replaced by a later one" in text and "in force" in text and "Walks the stairs" in text
    app.text_input(key="one_case_log").set_value("![x](http://example.org/x.png)").run()
    assert "\\!\\[x\\]" in well(app).warning[0].value


def test_a_case_shows_its_corrected_outcome(sit: Callable[[str], AppTest], reviewed_folder: Path) -> None:
    """Old and new value, in the table and beside the events that told of them; and the label that was replaced."""
    with open_workspace(reviewed_folder) as workspace:
        for value in (True, False):
            record_outcomes(workspace, {"C-2": value})
            collect_labels(workspace)
    app = sit("auditing_case")
    app.text_input(key="one_case_log").set_value("C-2").run()
    text = shown(well(app))
    assert "UTC by: alive after 30 days" in text and "in force; it replaced: death within 30 days" in text
    assert "of this case: death within 30 days" in text and "of this case: alive after 30 days" in text
    assert "All 5 training labels of this case, 2 of them replaced by later ones" in {
        each.label for each in app.expander
    }


def test_every_cell_of_a_stacked_table_says_what_it_holds(reviewed: Workspace, auditor: Actor) -> None:
    """A narrow window shows each row as a block, and the heads of the columns not at all."""
    history = case_history(reviewed, "C-2", actor=auditor, sitting="look-0001")
    markup = assert_harmless(decisions_html(reviewed.project, history, {}))
    heads = [cell.text for cell in markup.rows[0].cells]
    for row in markup.rows[1:]:
        assert [cell.attributes.get("data-label") for cell in row.cells[1:]] == heads[1:]


@pytest.mark.parametrize("part", ["auditing_rates", "auditing_sample", "auditing_proof"])
def test_the_other_parts_are_drawn(sit: Callable[[str], AppTest], part: str) -> None:
    """Before anything was asked of them."""
    sit(part)


def test_every_draw_under_a_fresh_seed_is_another_one(sit: Callable[[str], AppTest], at_screen: None) -> None:
    """However many there were before, in one tab: a press never brings an old sample back as if it were new."""
    app = sit("auditing_sample")
    for many in range(1, 24):
        app.button[0].click().run()
        assert len(well(app).selectbox(key="sample_log").options) == many
    assert any("23 samples were drawn" in line for line in shown(app).split("<p"))


def test_the_seed_of_a_sample_stands_where_a_phone_shows_it_whole(
    sit: Callable[[str], AppTest], at_screen: None
) -> None:
    """In a line of the page, which may break: it is copied from there to draw the list again."""
    app = sit("auditing_sample")
    app.text_input[0].input("a seed agreed on by mail")
    app.button[0].click().run()
    assert "The seed a seed agreed on by mail draws this very list again" in shown(well(app))


def test_a_refused_finding_keeps_what_was_typed(
    sit: Callable[[str], AppTest], at_screen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words and its verdict; stored, the form is empty and offers the next decision that nobody reviewed."""
    app = sit("auditing_sample")
    app.button[0].click().run()
    first = well(app).selectbox[1].value
    app.radio[0].set_value("serious")
    app.text_area[0].input("No reason is given")
    with monkeypatch.context() as gone:
        gone.setattr(session, "same_actor", nobody)
        app.button[1].click().run()
    assert (well(app).text_area[0].value, app.radio[0].value) == ("No reason is given", "serious")
    assert "signed out" in app.warning[0].value  # beside the form, which may be far down
    app.button[1].click().run()
    assert (well(app).text_area[0].value, app.radio[0].value) == ("", "in_order")
    assert app.selectbox[1].value != first and "No reason is given (Ada Auditor, 2026" in shown(app)
