"""Logs that agree with their rows and tell of gates, proposals and the model in use what can't have happened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.canonical import bytes_digest
from hitl_review.workflow.promotion import LEAST_STATEMENT
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried

WHY = "It was looked at and is wanted."
PROMOTED = "the model was promoted, which nothing before it allowed"
ROLLED_BACK = "the model was rolled back, which nothing before it allowed"
STOPPED = "the model was stopped, which nothing before it allowed"
ANOTHER_MODEL = "it tells of another model than the one that was in use, or under another name"
NO_GATE = "an answer about a model that rests on no gate report of it"


def model(story: Story, name: str) -> str:
    """Return the digest of a model."""
    return str(story.one("SELECT digest FROM models WHERE name = ?", name))


def measured(
    story: Story, challenger: str = "v1", champion: str = "v2", *, verdict: str = "passed", said: str = ""
) -> Payload:
    """Tell of a gate report with a verdict; `said` is the verdict in its text, if that is another."""
    first = story.first("gate.passed")
    body = story.one("SELECT body FROM gates").replace('"verdict":"passed"', f'"verdict":"{said or verdict}"')
    detail = {"champion": model(story, champion), "report": bytes_digest(body.encode())}
    subject = f"model:{model(story, challenger)}"
    told = story.add(first, detail, action=f"gate.{verdict}", subject=subject)
    story.bodies[told["event_id"]] = {"body": body}
    return told


def proposed(story: Story, gate: Payload, **told: Any) -> Payload:
    """Tell that a steward proposed the model of a gate report."""
    detail = {"gate": gate["event_id"], "verdict": gate["action"].removeprefix("gate.")}
    return story.add(story.first("model.proposed"), detail, **{"subject": gate["subject"], **told})


def moved(
    story: Story, to: str | None, action: str = "model.promoted", gate: Payload | None = None, **detail: Any
) -> Payload:
    """Tell that an approver changed the model in use, with all that such an event says."""
    like = story.last("model.promoted")
    newest = [
        each for each in story.payloads if each["action"].startswith("model.") and "model" in each["detail"]
    ][-1]
    present = newest["detail"]["model"]
    digest = None if to is None else model(story, to)
    said = {
        **{"model": digest, "name": to, "previous": present, "statement": WHY},
        "gate": None if gate is None else gate["event_id"],
        "protocol": None if gate is None else gate["detail"]["protocol"],
    }
    return story.add(like, {**said, **detail}, action=action, subject=f"model:{digest or present}")


def stopped(story: Story, **detail: Any) -> Payload:
    """Tell that the model was stopped."""
    return moved(story, None, "model.stopped", **detail)


def rolled_back(story: Story, to: str = "v1", **detail: Any) -> Payload:
    """Tell that a model was gone back to."""
    return moved(story, to, "model.rolled_back", **detail)


def succeeded(story: Story, *, verdict: str = "passed", statement: str = "", **told: Any) -> Payload:
    """Tell of the whole way of a challenger: its gate report, its proposal, and that it was put in use."""
    gate = measured(story, verdict=verdict)
    proposed(story, gate, **told)
    return moved(story, "v1", gate=gate, statement=statement)


def gate_of_a_model_against_itself(story: Story) -> Payload:
    """Measure a model against itself."""
    return measured(story, "v1", "v1")


def gate_with_another_verdict(story: Story) -> Payload:
    """Tell that a gate passed whose report says that it failed."""
    return measured(story, said="failed")


def proposal_on_the_gate_of_another_model(story: Story) -> Payload:
    """Propose a model on the report of another one."""
    return proposed(story, story.first("gate.passed"), subject=f"model:{model(story, 'v1')}")


def proposal_before_its_gate(story: Story) -> Payload:
    """Propose a model, and measure it afterwards."""
    gate = measured(story)
    wrong = proposed(story, gate)
    story.come_too_late(gate, wrong)
    return wrong


def proposal_that_tells_of_another_verdict(story: Story) -> Payload:
    """Propose a model on a report that could not decide, and say that it passed."""
    wrong = proposed(story, measured(story, verdict="undecided"))
    wrong["detail"]["verdict"] = "passed"
    return wrong


def proposal_of_what_the_gate_refused(story: Story) -> Payload:
    """Propose a model on a report that it failed."""
    return proposed(story, measured(story, verdict="failed"))


def declined(story: Story, gate: Payload) -> Payload:
    """Tell that the approver declined the model of a gate report."""
    approver = {name: story.last("model.promoted")[name] for name in ("actor", "role")}
    return proposed(story, gate, action="model.declined", **approver)


def refusal_of_what_nobody_proposed(story: Story) -> Payload:
    """Decline a model that was measured only."""
    return declined(story, measured(story))


def refusal_twice(story: Story) -> Payload:
    """Decline a model that was declined already."""
    gate = measured(story)
    proposed(story, gate)
    declined(story, gate)
    return declined(story, gate)


def stop_of_another_model(story: Story) -> Payload:
    """Stop the model, and say that another one was in use."""
    return stopped(story, previous=model(story, "v1"))


def stop_about_another_model(story: Story) -> Payload:
    """Stop the model under the name of another one."""
    wrong = stopped(story)
    wrong["subject"] = f"model:{model(story, 'v1')}"
    return wrong


def way_back_under_another_name(story: Story) -> Payload:
    """Go back to a model, and call it by the name of the one in use."""
    return rolled_back(story, name="v2")


def stop_without_a_reason(story: Story) -> Payload:
    """Stop the model, and say next to nothing."""
    return stopped(story, statement="Because.")


def stop_of_what_was_stopped(story: Story) -> Payload:
    """Stop the model twice."""
    stopped(story)
    wrong = stopped(story)
    wrong["subject"] = "model:None"
    return wrong


def way_back_without_a_reason(story: Story) -> Payload:
    """Go back to a model, and say next to nothing."""
    return rolled_back(story, statement="Because.")


def way_back_to_the_model_in_use(story: Story) -> Payload:
    """Go back to where one is."""
    return rolled_back(story, "v2")


def trained(story: Story) -> Payload:
    """Tell of a third model, which is used nowhere."""
    artefact = b"a model that a forger made"
    detail = {"name": "v3", "figures": {}}
    told = story.add(story.last("model.trained"), detail, subject=f"model:{bytes_digest(artefact)}")
    story.bodies[told["event_id"]] = {"artefact": artefact, "card": story.one("SELECT card FROM models")}
    row = (told["subject"].removeprefix("model:"), told["event_id"])
    story.copy("models", "name = 'v2'", digest=row[0], name="v3", artefact=artefact, event_id=row[1])
    return told


def way_back_to_a_model_that_never_was_in_use(story: Story) -> Payload:
    """Go back to a model that was only trained."""
    trained(story)
    return rolled_back(story, "v3")


def promotion_without_a_gate(story: Story) -> Payload:
    """Put a model in use that was not measured against the one in use."""
    return moved(story, "v1")


def promotion_without_a_proposal(story: Story) -> Payload:
    """Put a model in use that nobody proposed."""
    return moved(story, "v1", gate=measured(story))


def promotion_of_what_was_declined(story: Story) -> Payload:
    """Put a model in use that the approver declined."""
    gate = measured(story)
    proposed(story, gate)
    declined(story, gate)
    return moved(story, "v1", gate=gate)


def promotion_on_an_older_gate(story: Story) -> Payload:
    """Put a model in use on a report that a newer one took the place of."""
    gate = measured(story)
    proposed(story, gate)
    measured(story, verdict="failed")
    return moved(story, "v1", gate=gate)


def promotion_on_the_gate_against_another_model(story: Story) -> Payload:
    """Put a model in use that was measured against one that is not in use."""
    trained(story)
    gate = measured(story, "v3", "v1")
    proposed(story, gate)
    return moved(story, "v3", gate=gate)


def promotion_by_another_protocol(story: Story) -> Payload:
    """Put a model in use by other rules than its gate report was made by."""
    wrong = succeeded(story)
    wrong["detail"]["protocol"] = "sha256:" + "0" * 64
    return wrong


def promotion_that_the_gate_could_not_decide(story: Story) -> Payload:
    """Put a model in use on a report that could not decide, and say nothing."""
    return succeeded(story, verdict="undecided")


def promotion_by_the_product_itself(story: Story) -> Payload:
    """Put a successor in use without anybody who signs for it."""
    wrong = succeeded(story)
    wrong |= {"actor": "system", "role": "system"}
    wrong["detail"]["signature"] = None
    return wrong


def promotion_before_the_model_was_trained(story: Story) -> Payload:
    """Put the first model in use before it was there."""
    wrong = story.first("model.promoted")
    story.payloads.remove(wrong)
    story.payloads.insert(story.payloads.index(story.first("model.trained")), wrong)
    wrong["at"] = wrong["detail"]["signature"]["at"] = story.first("model.trained")["at"]
    return wrong


def second_promotion_of_the_model_in_use(story: Story) -> Payload:
    """Put the model in use that is in use already."""
    return moved(story, "v2", gate=story.first("gate.passed"))


def signed_otherwise(story: Story, **signature: str) -> Payload:
    """Put the newest model in use under another signature."""
    wrong = story.last("model.promoted")
    wrong["detail"]["signature"] |= signature
    return wrong


def promotion_signed_as_a_review(story: Story) -> Payload:
    """Sign under a model as under a decision."""
    return signed_otherwise(story, meaning="review")


def promotion_proved_by_nothing_known(story: Story) -> Payload:
    """Name a way of proving who one is that there is not."""
    return signed_otherwise(story, method="handshake")


IMPOSSIBLE: list[tuple[Deed, str]] = [
    (
        promotion_signed_as_a_review,
        "a change of the model in use whose signature means something else than approval",
    ),
    (
        promotion_proved_by_nothing_known,
        "a change of the model in use signed without the proof that the project asks for",
    ),
    (gate_of_a_model_against_itself, "a gate report of a model against itself"),
    (gate_with_another_verdict, "its verdict is not that of its report"),
    (proposal_on_the_gate_of_another_model, NO_GATE),
    (proposal_that_tells_of_another_verdict, "it tells of another verdict than the gate report it rests on"),
    (proposal_of_what_the_gate_refused, "a model was proposed that the gate refused"),
    (refusal_of_what_nobody_proposed, "a model was declined that was not proposed"),
    (refusal_twice, "a model was declined that was not proposed"),
    (stop_of_another_model, ANOTHER_MODEL),
    (stop_about_another_model, ANOTHER_MODEL),
    (way_back_under_another_name, ANOTHER_MODEL),
    (stop_without_a_reason, STOPPED),
    (stop_of_what_was_stopped, STOPPED),
    (way_back_without_a_reason, ROLLED_BACK),
    (way_back_to_the_model_in_use, ROLLED_BACK),
    (way_back_to_a_model_that_never_was_in_use, ROLLED_BACK),
    (promotion_without_a_gate, PROMOTED),
    (promotion_without_a_proposal, PROMOTED),
    (promotion_of_what_was_declined, PROMOTED),
    (promotion_on_an_older_gate, PROMOTED),
    (promotion_on_the_gate_against_another_model, PROMOTED),
    (promotion_by_another_protocol, PROMOTED),
    (promotion_that_the_gate_could_not_decide, PROMOTED),
    (promotion_by_the_product_itself, PROMOTED),
    (promotion_before_the_model_was_trained, PROMOTED),
    (second_promotion_of_the_model_in_use, PROMOTED),
]
OUT_OF_ORDER: list[tuple[Deed, str]] = [(proposal_before_its_gate, NO_GATE)]


@pytest.mark.parametrize(("deed", "words"), tried(IMPOSSIBLE))
def test_what_no_gate_allowed_is_found(whole_folder: Path, deed: Deed, words: str) -> None:
    """At its event, in these words, and as nothing else."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize("behind_a_clock", [False, True], ids=["told_in_order", "behind_a_clock"])
@pytest.mark.parametrize(("deed", "words"), tried(OUT_OF_ORDER))
def test_what_stands_before_its_gate_is_found(
    whole_folder: Path, deed: Deed, words: str, behind_a_clock: bool
) -> None:
    """Also where its time is in order, because a clock is said to have been set back."""
    place, problems = outcome(whole_folder, deed, behind_a_clock=behind_a_clock)
    assert problems == [(place, "impossible", words)]


def test_a_promotion_by_who_proposed_it_is_found(whole_folder: Path) -> None:
    """Beside the proposal itself: whoever may put a model in use may not propose one."""
    with retold(whole_folder) as story:
        wrong = succeeded(story)
        proposal = story.last("model.proposed")
        proposal |= {"actor": wrong["actor"], "role": wrong["role"]}
    assert found(whole_folder) == [
        (story.place(proposal), "authority", "the role that it is told in may not do that"),
        (story.place(wrong), "impossible", PROMOTED),
    ]


def stopped_and_back(story: Story) -> None:
    """Stop the model, in as few words as may be, go back to it, go back to the one before, and stop again."""
    stopped(story, statement="x" * LEAST_STATEMENT)
    rolled_back(story, "v2")
    rolled_back(story, "v1")
    rolled_back(story, "v2")
    stopped(story)
    rolled_back(story, "v1")


def undecided_and_signed_for(story: Story) -> None:
    """Put a model in use that the gate could not decide about, with a statement."""
    succeeded(story, verdict="undecided", statement=WHY)


def successor_after_a_stop(story: Story) -> None:
    """Stop the model, and put the one before in use through a gate against the one that was stopped."""
    stopped(story)
    succeeded(story)


def declined_and_proposed_again(story: Story) -> None:
    """Decline a model, and put it in use after it was measured and proposed again."""
    gate = measured(story)
    proposed(story, gate)
    declined(story, gate)
    story.set_clock_back()
    succeeded(story)


def promoted_again_on_an_old_proposal(story: Story) -> None:
    """Put a model in use, go back, measure it again and put it in use: it is still proposed."""
    succeeded(story)
    rolled_back(story, "v2")
    moved(story, "v1", gate=measured(story))


def a_failure_after_a_promotion(story: Story) -> None:
    """Measure once more what is in use already, against the model before; it fails, and nothing follows."""
    measured(story, "v2", "v1", verdict="failed")


@pytest.mark.parametrize(
    "deed",
    [
        succeeded,
        stopped_and_back,
        undecided_and_signed_for,
        successor_after_a_stop,
        declined_and_proposed_again,
        promoted_again_on_an_old_proposal,
        a_failure_after_a_promotion,
        trained,
    ],
)
def test_what_was_allowed_is_not_found(whole_folder: Path, deed: Callable[[Story], object]) -> None:
    """The control: nothing but the deed gives the others away."""
    with retold(whole_folder) as story:
        deed(story)
    assert found(whole_folder) == []
