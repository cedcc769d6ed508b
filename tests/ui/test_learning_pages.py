"""The pages of learning, monitor and disputes, and the review page without a model: drawn whole, acts recorded."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.domain.case import Purpose
from hitl_review.domain.routing import Routing, RoutingKind
from hitl_review.store import audit, cases, gates, labels, models, reviews, routings
from hitl_review.ui.descent import model_html
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.labelling import collect_labels
from hitl_review.workflow.monitoring import monitor
from hitl_review.workflow.promotion import stop_model
from hitl_review.workflow.replaying_people import replay_people
from hitl_review.workflow.retraining import retrain
from hitl_review.workflow.review import commit_read, open_case
from hitl_review.workflow.routing import set_routing
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import open_workspace
from tests.hospital import build
from tests.people import sit

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "hitl_review" / "ui" / "pages"
STATEMENT = "All cases there are were looked at by two of us."
Visited = Callable[[str, str], AppTest]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hospital with decisions of two readers who disagree once, a challenger, and a look of the monitor."""
    folder = build(tmp_path_factory.mktemp("taught") / "workspace")
    with open_workspace(folder) as workspace:
        source = stored_model(workspace.store)
        queue = sorted(cases.ids_of(workspace.store, Purpose.QUEUE))
        one, two = (actor_of(workspace, f"reader-{number}") for number in (1, 2))
        replay_people(workspace, dict.fromkeys(queue, 0.8), reader=lambda _: one, source=source, limit=4)
        decided = workspace.store.rows("SELECT case_id FROM decisions LIMIT 1")[0][0]
        _disagree(workspace, decided, two, source)
        collect_labels(workspace)
        retrain(workspace)
        monitor(workspace)
    return folder


def _disagree(workspace, case_id, reader, source) -> None:  # type: ignore[no-untyped-def]
    opened = open_case(workspace, case_id, actor=reader)
    commit_read(
        workspace,
        case_id,
        label="alive",
        probability=0.1,
        actor=reader,
        token=audit.new_token(),
        opened_at=opened.opened_at,
    )


@pytest.fixture
def folder(taught: Path, tmp_path: Path) -> Path:
    """A test's own copy."""
    return Path(shutil.copytree(taught, tmp_path / "own"))


@pytest.fixture
def visit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visited]:
    """Enters as somebody and goes to a page."""
    monkeypatch.setenv("HITL_WORKSPACE", str(folder))

    def visited(account: str, page: str) -> AppTest:
        sit(monkeypatch, folder, account)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        return well(app.switch_page(str(PAGES / f"{page}.py")).run())

    yield visited


def well(app: AppTest) -> AppTest:
    """The app, drawn whole."""
    assert [each.value for each in app.exception] == []
    return app


def text_of(app: AppTest) -> str:
    """Everything that was drawn as HTML or text."""
    html = [each.proto.body for each in app.get("html")]
    return "\n".join([*html, *(each.value for each in app.text), *(each.value for each in app.warning)])


def button(app: AppTest, words: str):  # type: ignore[no-untyped-def]
    """The button with these words."""
    return next(each for each in app.button if words in each.label)


def test_a_challenger_is_proposed_and_signed_by_two_people(visit: Visited, folder: Path) -> None:
    """The page shows the report; who may not, is offered nothing."""
    app = visit("steward-1", "learning")
    assert "Not enough evidence" in text_of(app) and "calibration slope" in text_of(app)
    well(button(app, "Propose v2").click().run())
    app = visit("approver-1", "learning")
    well(button(app, "Sign and put v2 in use").click().run())
    assert any("Sign a statement" in each.value for each in app.warning), "nothing was said"
    app.text_area(key="promote_learning").set_value(STATEMENT).run()
    well(button(app, "Sign and put v2 in use").click().run())
    with open_workspace(folder) as workspace:
        signature = models.moves(workspace.store)[-1].signature
    assert signature is not None and signature.words.startswith("Demo approver, approval, ")
    shown = text_of(app)
    for place in ("is in use now, put there", r"is in use</b>, since [-\d]+ [:\d]+ UTC,", "<td>put in use"):
        assert re.search(f"{place} by {re.escape(signature.words)}", shown), f"name, meaning and time: {place}"
    with open_workspace(folder) as workspace:
        assert models.champion(workspace.store).name == "v2"
        newest = models.newest_move(workspace.store)
        assert newest is not None and newest.statement == STATEMENT


def test_a_reason_that_was_given_does_not_stand_under_the_next_act(visit: Visited) -> None:
    """Stopped with a reason; the field is empty for what comes next, and the button says what it leads to."""
    app = visit("approver-1", "learning")
    well(button(app, "Stop the model").click().run())
    assert any("at least 20 characters" in each.value for each in app.warning)
    app.text_area(key="use_learning").set_value("It misses the oldest patients.").run()
    well(button(app, "Stop the model").click().run())
    assert "The model is stopped" in text_of(app) and not any("Stop" in each.label for each in app.button)
    assert app.text_area(key="use_learning").value == ""
    assert button(app, "Put model v1 back in use")
    app = well(app.switch_page(str(PAGES / "model.py")).run())
    assert "Cases are read without one until an approver" in text_of(app)


def test_a_steward_sets_a_rule_after_reading_what_it_would_do(visit: Visited, folder: Path) -> None:
    """The page says how many cases it moves before it is set, and keeps the share of random checks."""
    with open_workspace(folder) as workspace:
        set_routing(workspace, Routing(random_share=0.5), actor=actor_of(workspace, "steward-1"))
    app = visit("steward-1", "learning")
    well(app.radio(key="kind_routing").set_value(RoutingKind.RULE).run())
    assert not any(each.label == "Set this routing" for each in app.button), "nothing was asked for yet"
    well(app.selectbox(key="feature_routing").set_value("age").run())
    well(app.number_input(key="low_age_routing").set_value(50.0).run())
    assert any("cases that wait meet this" in each.value for each in app.info)
    well(button(app, "Set this routing").click().run())
    with open_workspace(folder) as workspace:
        found = routings.in_force(workspace.store)
    assert (found.kind, found.feature, found.minimum, found.random_share) == (RoutingKind.RULE, "age", 50.0, 0.5)
    assert "This is in force now." in text_of(app)


def test_what_can_not_be_promised_is_said_and_can_not_be_set(visit: Visited) -> None:
    """By target error with few outcomes: the reason stands there, the button is not to be pressed."""
    app = visit("steward-1", "learning")
    well(app.radio(key="kind_routing").set_value(RoutingKind.TARGET_ERROR).run())
    well(app.number_input(key="target_routing").set_value(1).run())
    assert any("be promised with so few cases" in each.value for each in app.warning)
    assert button(app, "Set this routing").disabled


def test_a_model_s_descent_names_readers_only_to_those_who_govern(visit: Visited, folder: Path) -> None:
    """On the learning page who gave which labels; on a reader's model page the sums alone."""
    shown = text_of(visit("approver-1", "learning"))
    assert "Demo reader 1: 3 own estimates" in shown and "not enough evidence against model v1" in shown
    shown = text_of(visit("reader-1", "model"))
    assert "Where it comes from, and where it went" in shown and "80 outcomes" in shown
    assert "12 cases judged, 4 of these views shown to readers, 4 decisions on them" in shown
    assert "put in use by the product itself" in shown
    with open_workspace(folder) as workspace:
        unnamed = model_html(workspace, models.versions(workspace.store)[-1], named=False)
    assert "3 own estimates" in unnamed and "Demo reader" not in unnamed


def test_what_a_decision_taught_stands_with_it(visit: Visited, folder: Path) -> None:
    """For its reader on the decided case; for an auditor in the case's history."""
    with open_workspace(folder) as workspace:
        digest = models.versions(workspace.store)[-1].digest
        case_id, reader = workspace.store.rows(
            "SELECT d.case_id, d.reader FROM decisions d JOIN labels l USING (case_id) JOIN manifests m"
            " ON m.body LIKE '%' || l.label_id || '%' WHERE l.decision_id IS NULL AND m.digest ="
            " (SELECT manifest FROM models WHERE digest = ?) LIMIT 1",
            (digest,),
        )[0]
    app = visit(reader, "history")
    well(app.selectbox(key="reopened").set_value(case_id).run())
    assert "<b>model v2</b>" in text_of(app)
    app = visit("auditor-1", "log")
    well(app.radio(key="part_log").set_value("One case").run())
    well(app.text_input(key="one_case_log").set_value(case_id).run())
    shown = text_of(app)
    assert "What became of it" in shown and '<td data-label="Taught"><bdi>model v2' in shown


def test_an_auditor_reads_and_is_offered_no_act(visit: Visited, folder: Path) -> None:
    """Reports, ledger and papers; no button that changes anything."""
    app = visit("auditor-1", "learning")
    words = [each.label for each in app.button]
    assert not any("Propose" in each or "Stop" in each or "Train" in each or "Sign and" in each for each in words)
    with open_workspace(folder) as workspace:
        assert len(gates.everything(workspace.store)) == 1


def test_the_monitor_shows_what_was_kept(visit: Visited) -> None:
    """Each lamp by its title, with its state as a word."""
    shown = text_of(visit("approver-1", "monitor"))
    for title in ("Inputs", "Scores", "Accuracy on random checks", "Readers"):
        assert title in shown
    assert "not known yet" in shown


def test_an_adjudicator_resolves_without_being_told_who_said_what(visit: Visited, folder: Path) -> None:
    """The call becomes the consensus; no reader's name or answer stands on the page."""
    app = visit("adjudicator-1", "disputes")
    shown = text_of(app)
    assert "Readers answered it differently" in shown
    assert "Demo reader" not in shown and "80%" not in shown
    well(button(app, "No: alive").click().run())
    with open_workspace(folder) as workspace:
        assert labels.open_disputes(workspace.store) == []


def test_readers_of_a_stopped_model_are_told_so_and_go_on(visit: Visited, folder: Path) -> None:
    """The own estimate is asked and stored; nothing of a model is on the page, and the next case comes."""
    with open_workspace(folder) as workspace:
        stop_model(workspace, actor=actor_of(workspace, "steward-1"), reason="It misses the oldest patients.")
        before = len(reviews.all_reads(workspace.store))
    app = visit("reader-2", "review")
    case_id = app.query_params["case"]
    case_id = case_id[0] if isinstance(case_id, list) else case_id
    assert "No model is in use now" in text_of(app)
    app.number_input(key=f"percent_{case_id}").set_value(70).run()
    time.sleep(0.8)  # nobody reads a screen in less
    well(app.button(key=f"call_Y_{case_id}").click().run())
    assert "nothing to accept or override" in text_of(app)
    with open_workspace(folder) as workspace:
        assert len(reviews.all_reads(workspace.store)) == before + 1
