"""A reader study from draft to unsealed: the lead's and the first reader's part in a real browser.

The other readers go through the same workflow verbs in the test's own process. The short run is for
every day; `make slow` has 6 readers x 60 cases. Every websocket frame to the reader's and the lead's
browser is kept and read.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hitl_review.domain.account import SYSTEM
from hitl_review.domain.decision import Modality
from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.screen import ModelView
from hitl_review.domain.study import ScheduledRead, State, StudyRead, Use
from hitl_review.store import cases, models
from hitl_review.store.studies import lists, reads, sealed
from hitl_review.ui.charts import signed
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.studies.analysing import analysis_reads, in_primary
from hitl_review.workflow.studies.drafting import choose_cases, draft_study
from hitl_review.workflow.studies.freezing import freeze_study
from hitl_review.workflow.studies.leading import start_study
from hitl_review.workflow.studies.showing import study_screen
from hitl_review.workflow.studies.simulating import simulate_readers
from hitl_review.workflow.studies.stepping import study_of
from hitl_review.workflow.workspace import open_workspace
from tests.e2e.conftest import PHONE, SitAt
from tests.e2e.desk import Desk
from tests.e2e.serving import Server, add_reader, copy_workspace, make_demo_saying

pytestmark = pytest.mark.browser

STUDY = "browser-1"
LEAD = "lead-1"
TITLE = "Does the model help on day 3?"


@pytest.fixture
def own_server(demo: Path, tmp_path: Path) -> Iterator[Server]:
    """A served workspace of the test's own."""
    server = Server(copy_workspace(demo, tmp_path / "workspace")).start()
    yield server
    server.kill()


@pytest.fixture
def quick_server(tmp_path: Path) -> Iterator[Server]:
    """A served workspace of the test's own where 0.2 s of looking are enough."""
    old, new = "minimum_view_seconds = 0.7", "minimum_view_seconds = 0.2"
    server = Server(make_demo_saying(tmp_path / "workspace", old=old, new=new)).start()
    yield server
    server.kill()


def drafted(folder: Path, study: str, *, readers: int, n_cases: int, **changed: object) -> list[str]:
    """Draft a study with so many readers; return their accounts, the one for the browser first."""
    names = [add_reader(folder, f"{study}-reader-{number}") for number in range(1, readers + 1)]
    with open_workspace(folder) as workspace:
        chosen = choose_cases(workspace, n_cases, seed=11)
        ordinary: dict[str, object] = {
            "title": TITLE,
            "design": Design.SEQUENTIAL,
            "readers": tuple(names),
            "cases": chosen,
            "training_cases": choose_cases(workspace, 1, seed=11, besides=chosen),
            "attention_checks": 1,
            "wrong_ai_cases": max(n_cases // 10, 1),
            "seed": 11,
            "simulated": True,
        }
        draft_study(workspace, study, Protocol(**{**ordinary, **changed}), actor=SYSTEM)  # type: ignore[arg-type]
    return names


def step(lead: Desk, word: str, state: str) -> None:
    """Take the study's next step on the lead's page: open the button, read what it means, confirm."""
    lead.page.get_by_role("button", name=re.compile(f"{word} this study")).click()
    lead.page.get_by_role("button", name=re.compile(f"Yes, {word.lower()} it")).click()
    expect(lead.page.get_by_text(re.compile(f"This study is {state}"))).to_be_visible()
    lead.at_rest()


def own_list(folder: Path, reader: str, study: str = STUDY) -> list[ScheduledRead]:
    """The reader's list, as it was laid down."""
    with open_workspace(folder) as workspace:
        return lists.of_reader(workspace.store, study, reader)


def stored(folder: Path, reader: str, study: str = STUDY) -> list[StudyRead]:
    """The reader's reads, as they are stored."""
    with open_workspace(folder) as workspace:
        return reads.of_reader(workspace.store, study, reader)


def view_of(folder: Path, case_id: str, study: str = STUDY) -> ModelView:
    """What the study shows of the model for a case."""
    with open_workspace(folder) as workspace:
        seals = study_of(workspace, study).seals
        output = lists.output(workspace.store, study, case_id)
        assert seals is not None and output is not None
        model, version = (
            stored_model(workspace.store)(seals.model),
            models.version(workspace.store, seals.model),
        )
        return study_screen(workspace, cases.get(workspace.store, case_id), output, model, version).view


def giveaways(view: ModelView) -> dict[str, bytes]:
    """What would tell a browser the model's view of a case: its words, and its numbers in any form."""
    found = {
        "probability": f'hr-probability">{view.probability:.0%}<'.encode(),
        "margin in words": f"together give {signed(view.margin)}".encode(),
        "verdict": view.verdict_meaning.encode(),
        "reason": escape(view.reasons[0].sentence).encode(),
        "id": view.prediction_id.encode(),
        "digest": view.model.removeprefix("sha256:").encode(),
        "the other model call": b"Your answer with the model",
    }
    for name, number in {"margin": view.margin, "probability": view.probability}.items():
        found[f"{name} as text"] = f"{number:.6f}".encode()
        found[f"{name} as double"] = struct.pack("<d", number)
        found[f"{name} as float"] = struct.pack("<f", number)
    return found


def at_read(desk: Desk, item: ScheduledRead, modality: Modality, study: str = STUDY) -> Desk:
    """Wait until a read of the list stands on the page, whole."""
    place = f"{study}-{item.item}-{modality.value}"
    expect(desk.page.locator(f"[class*='st-key-call_Y_{place}']")).to_be_visible()
    return desk.at_rest()


def answer(desk: Desk, digit: int, call: str, *, pause_ms: int) -> None:
    """Rate and call by keyboard, once the screen has stood long enough; what comes after the call is kept apart."""
    desk.page.wait_for_timeout(pause_ms)
    desk.press(str(digit))
    expect(desk.page.get_by_label("Your rating, 0 to 100")).to_have_value(str(10 * digit))
    desk.at_rest().frames.clear()
    desk.press(call)


def read_by_keyboard(desk: Desk, items: list[ScheduledRead], *, pause_ms: int) -> int:
    """Read a whole list by keyboard, holding all that came before each commit against what the reveal will tell."""
    made = 0
    for number, item in enumerate(items):
        told = {} if item.use is Use.ATTENTION else giveaways(view_of(desk.folder, item.case_id))
        for modality in item.modalities:
            at_read(desk, item, modality)
            wire = b"\n".join(desk.frames) + desk.page.content().encode() + desk.page.url.encode()
            found = {name for name, each in told.items() if each in wire}
            if modality is Modality.UNAIDED:
                assert found == set(), f"{item.case_id} gave away {found}"
            else:
                assert {"probability", "reason", "verdict"} <= found
            digit, call = (5 + number % 4, "y") if number % 2 else (1 + number % 4, "x")
            if item.use is Use.ATTENTION:
                label, _, asked = item.expected.partition("/")
                digit, call = int(float(asked)) // 10, "y" if label == "died" else "x"
            answer(desk, digit, call, pause_ms=pause_ms)
            made += 1
    expect(desk.page.get_by_role("heading", name="All your cases are read")).to_be_visible()
    return made


def run_whole_study(server: Server, sit_at: SitAt, *, readers: int, n_cases: int, pause_ms: int) -> None:
    """From the draft to the unsealing, with every check on the way."""
    folder = server.folder
    names = drafted(folder, STUDY, readers=readers, n_cases=n_cases)
    lead = sit_at(server, LEAD).visit("/studies", study=STUDY)
    step(lead, "Freeze", "frozen")
    step(lead, "Start", "running")
    items = own_list(folder, names[0])
    hidden_truth = truth_of(folder)
    desk = sit_at(server, names[0]).visit("/study")
    made = read_by_keyboard(desk, items, pause_ms=pause_ms)
    with open_workspace(folder) as workspace:
        made += simulate_readers(workspace, STUDY, only=tuple(names[1:]))
        planned = sum(len(item.modalities) for item in lists.schedule(workspace.store, STUDY))
    assert made == planned
    assert_reads_are_as_pressed(folder, names[0], items)
    lead.visit("/studies", study=STUDY)
    expect(lead.page.get_by_text(f"{len(items)} of {len(items)}").first).to_be_visible()
    assert_lead_sees_no_result(lead, hidden_truth)
    step(lead, "Lock", "locked")
    step(lead, "Unseal", "unsealed")
    with open_workspace(folder) as workspace:
        study = study_of(workspace, STUDY)
        table = analysis_reads(workspace, STUDY)
    assert study.state is State.UNSEALED
    assert {each.case_id: each.truth for each in table if each.use is Use.STUDY} == hidden_truth
    primary = [each for each in table if in_primary(study, each)]
    assert {each.modality for each in primary} == set(Modality)
    assert {each.reader for each in primary} == set(names)


def truth_of(folder: Path) -> dict[str, bool]:
    """The sealed truth, for the test alone."""
    with open_workspace(folder) as workspace:
        return {each.case_id: each.truth for each in sealed.all_sealed(workspace.store, STUDY)}


def assert_reads_are_as_pressed(folder: Path, reader: str, items: list[ScheduledRead]) -> None:
    """Each read of the list once, in order, with ordered stamps and a time that somebody spent."""
    found = stored(folder, reader)
    assert [(read.item, read.modality) for read in found] == [
        (item.item, modality) for item in items for modality in item.modalities
    ]
    for read in found:
        assert read.shown_at <= (read.revealed_at or read.shown_at) < read.committed_at
        assert 0 < read.seconds_active < 60
        assert read.rating % 10 == 0


def assert_lead_sees_no_result(lead: Desk, truth: dict[str, bool]) -> None:
    """Neither accuracy nor prevalence nor any case's truth came to the lead's browser before the lock."""
    wire = b"\n".join(lead.frames).lower()
    assert b"browser-1" in wire
    for word in (b"accuracy", b"sensitivity 0", b"prevalence", b"auc 0", b'"truth"', b"salt"):
        assert word not in wire
    assert not any(case.lower().encode() in wire for case in truth)


def test_a_study_of_six_readers_runs_start_to_finish_in_two_modalities(
    own_server: Server, sit_at: SitAt
) -> None:
    """Eight cases each: the lead and the first reader in the browser, five readers by the verbs."""
    run_whole_study(own_server, sit_at, readers=6, n_cases=8, pause_ms=750)


@pytest.mark.slow
def test_a_study_of_six_readers_and_sixty_cases_runs_start_to_finish(
    quick_server: Server, sit_at: SitAt
) -> None:
    """The whole size: 60 cases read twice by the first reader in the browser, the same by five through the verbs."""
    run_whole_study(quick_server, sit_at, readers=6, n_cases=60, pause_ms=250)


def running(server: Server, study: str) -> tuple[str, list[ScheduledRead]]:
    """Let a study of one reader run; return the reader and the list."""
    (reader,) = drafted(server.folder, study, readers=1, n_cases=10, training_cases=(), attention_checks=0)
    with open_workspace(server.folder) as workspace:
        freeze_study(workspace, study, actor=SYSTEM)
        start_study(workspace, study, actor=SYSTEM)
    return reader, own_list(server.folder, reader, study)


def test_nothing_of_truth_or_model_reaches_a_reader_before_its_time(served: Server, sit_at: SitAt) -> None:
    """Frames of a whole tab: by refresh, other pages and wrong keys the reader learns nothing before the commit."""
    reader, items = running(served, "wire-1")
    item = items[0]
    desk = sit_at(served, reader).visit("/study")
    at_read(desk, item, Modality.UNAIDED, "wire-1").press("u", "n", "o", "a", "d")
    desk.looked().press("y").told("Give a rating first")
    desk.visit("/study")
    at_read(desk, item, Modality.UNAIDED, "wire-1")
    before = b"\n".join([*desk.frames, desk.page.content().encode(), desk.page.url.encode()])
    assert len(before) > 20_000
    told = giveaways(view_of(desk.folder, item.case_id, "wire-1"))
    assert {name for name, each in told.items() if each in before} == set()
    for secret in (b"no_reveal", b"study_truth", b"replaced", b"commitment", b"salt"):
        assert secret not in before
    assert not any(each.case_id.encode() in before for each in items[1:])
    desk.frames.clear()
    answer(desk, 7, "y", pause_ms=800)
    if Modality.AIDED in item.modalities:
        at_read(desk, item, Modality.AIDED, "wire-1")
        after = b"\n".join(desk.frames)
        assert told["probability"] in after
        assert told["reason"] in after


def test_two_quick_presses_a_break_and_a_refresh_make_no_read_more(served: Server, sit_at: SitAt) -> None:
    """One read per screen: a second Y, a held X, a break and a refresh change nothing that is stored."""
    reader, (first, second, *_) = running(served, "press-1")
    desk = sit_at(served, reader).visit("/study")
    at_read(desk, first, Modality.UNAIDED, "press-1").looked().press("7")
    expect(desk.page.get_by_label("Your rating, 0 to 100")).to_have_value("70")
    desk.at_rest().press("y", "y").page.wait_for_timeout(900)
    assert len(stored(desk.folder, reader, "press-1")) == 1
    desk.at_rest().press("b")
    expect(desk.page.get_by_role("heading", name="Break")).to_be_visible()
    desk.page.wait_for_timeout(1500)
    desk.at_rest().press("b")
    following = (first, Modality.AIDED) if Modality.AIDED in first.modalities else (second, Modality.UNAIDED)
    at_read(desk, *following, "press-1")
    desk.visit("/study")
    at_read(desk, *following, "press-1").looked().press("2")
    expect(desk.page.get_by_label("Your rating, 0 to 100")).to_have_value("20")
    desk.at_rest().hold("x", 1.3)
    desk.page.wait_for_timeout(600)
    assert [read.rating for read in stored(desk.folder, reader, "press-1")] == [70, 20]


def test_a_study_is_read_on_a_phone(served: Server, sit_at: SitAt) -> None:
    """At 390x844 nothing lies beyond the right edge, and taps make a read."""
    reader, (item, *_) = running(served, "phone-1")
    desk = sit_at(served, reader, size=PHONE).visit("/study")
    at_read(desk, item, Modality.UNAIDED, "phone-1")
    assert desk.page.evaluate("() => document.documentElement.scrollWidth") <= PHONE[0]
    desk.looked().button("tenth_7").tap()
    expect(desk.page.get_by_label("Your rating, 0 to 100")).to_have_value("70")
    desk.at_rest().button("call_Y").tap()
    expect(desk.page.locator(f"[class*='st-key-call_Y_phone-1-{item.item}-unaided']")).to_have_count(0)
    desk.at_rest()
    assert desk.page.evaluate("() => document.documentElement.scrollWidth") <= PHONE[0]
    assert [read.rating for read in stored(desk.folder, reader, "phone-1")] == [70]


def test_readers_and_leads_have_their_own_pages_only(served: Server, sit_at: SitAt) -> None:
    """A reader has no page to lead a study, a lead none to read one, also not by their addresses."""
    (name,) = drafted(served.folder, "doors-1", readers=1, n_cases=10)
    reader = sit_at(served, name).visit("/studies", study="doors-1")
    assert TITLE not in reader.text
    assert reader.page.get_by_role("link", name="Plan a study").count() == 0
    lead = sit_at(served, LEAD).visit("/study")
    assert lead.page.locator(".hr-facts").count() == 0
