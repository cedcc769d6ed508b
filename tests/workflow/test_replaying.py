"""Past decisions are shown again and computed again."""

from __future__ import annotations

import pytest

from hitl_review.domain.account import Actor, Role
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import ModelError, NotFound
from hitl_review.store import worklist
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.replaying import replay
from hitl_review.workflow.revealing import reveal
from hitl_review.workflow.review import commit_read
from hitl_review.workflow.workspace import Workspace

READER = Actor("reader-1", "Demo reader 1", Role.READER)


@pytest.fixture
def decided(hospital: Workspace) -> list[str]:
    """The ids of a decision of each case in the queue."""
    made = []
    for place, case_id in enumerate(worklist.waiting(hospital.store, limit=12)):
        opened_at = hospital.store.clock()
        token = f"token-of-read-{place}"
        commit_read(
            hospital, case_id, label="died", probability=0.5, actor=READER, token=token, opened_at=opened_at
        )
        shown = reveal(hospital, case_id, actor=READER)
        decision = record_decision(
            hospital,
            shown.reveal.reveal_id,
            Choice(Answer.ACCEPTED),
            actor=READER,
            token=f"token-of-decision-{place}",
            seconds_active=1.0,
            seconds_on_screen=1.0,
        )
        made.append(decision.decision_id)
    return made


def test_every_decision_is_computed_again_to_the_last_bit(hospital: Workspace, decided: list[str]) -> None:
    """Judged in a batch or alone, now or then: same bytes, same inputs, equal margin."""
    again = [replay(hospital, each) for each in decided]
    assert [each.margin_recomputed - each.margin_stored for each in again] == [0.0] * len(decided)
    assert all(each.ok for each in again)


def test_the_screen_comes_back_as_it_was(hospital: Workspace, decided: list[str]) -> None:
    """With its question, its facts and the model's words."""
    screen = replay(hospital, decided[0]).screen
    assert screen["facts"]["question"] == "Will this patient die within 180 days?"
    assert screen["view"]["probability_words"].startswith("Death within 180 days in about")


def _tamper(workspace: Workspace, trigger: str, sql: str) -> None:
    with workspace.store.transaction():
        workspace.store.db.execute(f"DROP TRIGGER {trigger}")
        workspace.store.write(sql)


def test_changed_inputs_show_in_the_margin(hospital: Workspace, decided: list[str]) -> None:
    """The stored prediction was not made from these values."""
    _tamper(hospital, "snapshots_no_update", "UPDATE snapshots SET body = json_set(body, '$.age', 101)")
    assert not all(replay(hospital, each).equal for each in decided)


def test_a_changed_screen_shows_in_its_digest(hospital: Workspace, decided: list[str]) -> None:
    """It is not the one that was signed."""
    _tamper(
        hospital,
        "screens_no_update",
        "UPDATE screens SET body = json_set(body, '$.facts.question', 'Another?')",
    )
    assert not any(replay(hospital, each).shown_digest_ok for each in decided)


def test_a_changed_margin_shows(hospital: Workspace, decided: list[str]) -> None:
    """By the smallest step a stored number can make."""
    _tamper(hospital, "predictions_no_update", "UPDATE predictions SET margin = margin + 1e-9")
    assert not any(replay(hospital, each).ok for each in decided)


def test_changed_model_bytes_are_not_run(hospital: Workspace, decided: list[str]) -> None:
    """They are not the model whose digest the decision names."""
    _tamper(hospital, "models_no_update", "UPDATE models SET artefact = CAST(artefact || x'00' AS BLOB)")
    with pytest.raises(ModelError, match="the bytes are"):
        replay(hospital, decided[0])


def test_an_unknown_decision_is_said_to_be_unknown(hospital: Workspace) -> None:
    """With the way to list them."""
    with pytest.raises(NotFound, match="no decision with this id"):
        replay(hospital, "no-such-decision")
