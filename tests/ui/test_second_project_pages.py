"""The pages of a second project: the same screens, with that project's words and under its policies."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from hitl_review.store import reviews
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.workspace import open_workspace
from tests import biopsies
from tests.people import sit

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "hitl_review" / "ui" / "pages"
AT_ONCE = "[review]\nminimum_view_seconds = 0.0\n"
"""A policy of this project: a test need not look at the screen as long as a person has to."""
CASE = "BC-0221"
"""The first of the queue."""

Entered = Callable[..., AppTest]


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The biopsies as files: training, hold-out, queue."""
    return biopsies.write_tables(tmp_path_factory.mktemp("biopsies"))


@pytest.fixture(scope="session")
def made(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives a second clinic with some more policies, made once for each; nobody writes to it."""
    clinics: dict[str, Path] = {}

    def clinic(policies: str) -> Path:
        if policies not in clinics:
            text = biopsies.project_text(policies=policies)
            clinics[policies] = biopsies.build(tmp_path_factory.mktemp("clinic") / "c", text, tables=tables)
        return clinics[policies]

    return clinic


@pytest.fixture
def enter(made: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entered]:
    """Opens the app on a test's own copy of a clinic, with somebody signed in, or nobody."""
    folder = tmp_path / "clinic"

    def entered(account: str | None = "anna", *, policies: str = AT_ONCE) -> AppTest:
        if not folder.exists():
            shutil.copytree(made(policies), folder)
        monkeypatch.setenv("HITL_WORKSPACE", str(folder))
        sit(monkeypatch, folder, account)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
        if "case" in app.query_params:  # the first case by arrival, wherever the model's doubt puts it
            app.query_params["case"] = CASE
            app.run()
        return well(app)

    yield entered


def well(app: AppTest) -> AppTest:
    """Return the app if its page was drawn whole, without an exception."""
    assert [each.value for each in app.exception] == []
    assert [each.value for each in app.error] == []
    return app


def press(app: AppTest, key: str) -> AppTest:
    """Press a button by its key."""
    return well(app.button(key=key).click().run())


def visit(app: AppTest, page: str) -> AppTest:
    """Go to another page."""
    return well(app.switch_page(str(PAGES / f"{page}.py")).run())


def words_on(app: AppTest) -> str:
    """Everything a person reads on the page, tags and style taken away."""
    parts = [
        str(each.value)
        for kind in ("title", "subheader", "text", "markdown", "warning")
        for each in app.get(kind)
    ]
    parts += [
        each.label for each in (*app.button, *app.number_input, *app.text_area, *app.radio, *app.selectbox)
    ]
    parts += [each.proto.body for each in app.get("html") if not each.proto.body.startswith("<style")]
    return html.unescape(re.sub(r"<[^>]+>", " ", "\n".join(parts)))


def estimate(app: AppTest, case_id: str = CASE, *, tenth: int = 7, call: str = "Y") -> AppTest:
    """Commit an own estimate."""
    press(app, f"tenth_{tenth}_{case_id}")
    return press(app, f"call_{call}_{case_id}")


def test_the_entrance_says_what_the_project_is_for(enter: Entered) -> None:
    """Its title and its intended use; who has an account here is told to nobody who is not signed in."""
    words = words_on(enter(None))
    assert "Breast cancer in a fine-needle biopsy" in words
    assert "Tests of a second project." in words
    assert "Anna Berg" not in words and "Ben Cole" not in words


def test_the_estimate_is_asked_in_the_projects_words(enter: Entered) -> None:
    """Question, groups, labels and calls; nothing of the model yet."""
    app = enter()
    words = words_on(app)
    assert f"Case {CASE}" in words
    for expected in (
        "Is this tumour malignant?",
        "How likely is a malignant tumour?",
        "Yes: a malignant tumour",
        "No: a benign tumour",
        "Values of the day of the biopsy",
        "Worst three nuclei",
        "Mean fractal dimension",
    ):
        assert expected in words
    assert not re.search(r"model says|log-odds|verdict|raised|lowered", words.casefold())


def test_the_models_view_is_told_in_the_projects_words(enter: Entered) -> None:
    """Frequency, answers and reasons; and no word of the first project on any stage."""
    app = enter()
    before = words_on(app)
    after = words_on(estimate(app))
    assert "You said 70%: a malignant tumour." in after
    assert re.search(r"A malignant tumour in about \d+ of 100", after)
    assert re.search(r"Accept\W+a (malignant|benign) tumour", after)
    for foreign in ("death", "died", "day 3", "SUPPORT", "180 days", "Creatinine", "mmHg"):
        assert foreign not in before + after


def test_an_override_shows_the_projects_reasons_under_the_first_keys(enter: Entered) -> None:
    """Two apply to an override here, one to a deferral: there is no third key, and no second."""
    app = estimate(enter())
    press(app, f"override_{CASE}")
    assert reasons_on(app) == {"1": "I read the cells differently", "2": "The image is not good enough"}
    press(app, f"defer_{CASE}")
    assert reasons_on(app) == {"1": "The image is not good enough"}


def reasons_on(app: AppTest) -> dict[str, str]:
    """The reasons that are offered, by their keys."""
    return {each.proto.shortcut: each.label for each in app.button if (each.key or "").startswith("reason_")}


def test_override_defer_and_undo_are_recorded_and_listed(enter: Entered, tmp_path: Path) -> None:
    """Two cases decided, the second one changed; both stand in the reader's own list in its words."""
    app = estimate(enter())
    press(app, f"override_{CASE}")
    press(app, f"reason_pattern_{CASE}")
    second = app.query_params["case"]
    assert second != CASE
    estimate(app, second, tenth=2, call="X")
    press(app, f"accept_{second}")
    undo = next(each.key for each in app.button if (each.key or "").startswith("undo_"))
    press(app, undo)
    assert app.query_params["case"] == second
    press(app, f"defer_{second}")
    press(app, f"reason_image_quality_{second}")

    with open_workspace(tmp_path / "clinic") as workspace:
        every = reviews.all_decisions(workspace.store)
    assert [(each.case_id, each.answer, each.reason) for each in every] == [
        (CASE, "overridden", "pattern"),
        (second, "accepted", None),
        (second, "deferred", "image_quality"),
    ]
    assert every[2].supersedes == every[1].decision_id
    assert verify(tmp_path / "clinic").ok
    words = words_on(visit(app, "history"))
    assert CASE in words and second in words
    assert "I read the cells differently" in words and "The image is not good enough" in words


def test_with_blind_first_off_the_view_stands_at_once(enter: Entered, tmp_path: Path) -> None:
    """No estimate is asked for, and the decision is stored without one."""
    app = enter(policies=AT_ONCE + 'blind_first = "off"\n')
    assert not any((each.key or "").startswith("tenth_") for each in app.button)
    assert "You said" not in words_on(app)
    press(app, f"accept_{CASE}")
    with open_workspace(tmp_path / "clinic") as workspace:
        decision = reviews.all_decisions(workspace.store)[0]
    assert (decision.case_id, decision.answer, decision.own_probability) == (CASE, "accepted", None)


def test_with_a_share_of_blind_cases_each_page_keeps_its_kind(enter: Entered, tmp_path: Path) -> None:
    """Walking the whole queue, both kinds are met, and no view stands where an estimate is owed."""
    app = enter(policies=AT_ONCE + 'blind_first = "share"\nblind_share = 0.5\n')
    kinds = set()
    for _ in range(biopsies.SIZES["queue"]):
        case_id = app.query_params["case"]
        keys = {each.key for each in app.button}
        blind = f"call_Y_{case_id}" in keys
        assert (f"accept_{case_id}" in keys) is not blind
        kinds.add(blind)
        press(estimate(app, case_id) if blind else app, f"accept_{case_id}")
    assert kinds == {True, False}
    assert "No case is waiting" in words_on(app)
    assert verify(tmp_path / "clinic").ok


def test_the_models_papers_name_its_own_measurements(enter: Entered) -> None:
    """What it predicts, at which threshold, and how good it is on biopsies it never saw."""
    words = words_on(visit(enter("steward-1"), "model"))
    assert "Breast cancer in a fine-needle biopsy" in words
    assert "a malignant tumour" in words and "40%" in words
    assert "Worst" in words and str(biopsies.SIZES["holdout"]) in words


def test_the_log_can_be_read_by_its_auditor_and_not_by_a_reader(enter: Entered) -> None:
    """Roles are the same in every project."""
    app = enter("auditor-1")
    assert "Audit log" in words_on(app)
    with pytest.raises(ValueError, match=r"log\.py"):
        enter("anna").switch_page(str(PAGES / "log.py"))
