"""Logs that agree with their rows and tell of estimates, screens and decisions what can't have happened.

Each is made from a log that is in order by one deed of somebody who knows the product well. That the same is
not found where it is told as it could have been is tested beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hitl_review.domain.canonical import bytes_digest
from hitl_review.workflow.sampling import lowest
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.reviews_told import answer, estimate, predicted, received, recorded, view, whole_way

LATER = "2027-01-01T00:00:00.000000Z"
BEFORE_THE_ESTIMATE = "the model's view was shown before the own estimate was given"
NOT_DRAWN = "its seed does not draw the decisions that it tells of"


def drawn_again(story: Story, **changed: Any) -> Payload:
    """Tell that the sample was drawn once more, from all that the log holds by then."""
    return story.add(story.first("audit.sampled"), {"upto": len(story.payloads), **changed})


def looked_at(story: Story, sample: Payload, decision: str) -> Payload:
    """Tell what an auditor found of a decision."""
    like = story.first("sample.reviewed")
    return story.add(like, {"sample": sample["event_id"]}, subject=f"decision:{decision}")


def estimate_of_a_training_case(story: Story) -> Payload:
    """Estimate a case that the model was fitted on."""
    return estimate(story, "T-1")


def estimate_before_the_case_was_opened(story: Story) -> Payload:
    """Give an estimate before there was anything to see."""
    return estimate(story, opened_at=LATER)


def prediction_from_other_values(story: Story) -> Payload:
    """Ask the model about a case with the values of another one."""
    snapshot = story.one("SELECT snapshot FROM cases WHERE case_id = 'C-4'")
    return predicted(story, "C-6", snapshot=snapshot)


def view_without_an_estimate(story: Story) -> Payload:
    """Look at the model where an own estimate is owed."""
    return view(story)


def view_after_somebody_elses_estimate(story: Story) -> Payload:
    """Look at the model where only another reader gave an estimate."""
    estimate(story, by="reader-2")
    return view(story)


def view_with_what_was_said_of_another_case(story: Story) -> Payload:
    """Show what was said of somebody else."""
    estimate(story)
    return view(story, said_of="C-5")


def view_on_the_screen_of_another_case(story: Story) -> Payload:
    """Show the facts of somebody else."""
    estimate(story)
    return view(story, screen_of="C-5")


def view_on_a_screen_without_the_prediction(story: Story) -> Payload:
    """Show the facts of the case with something else than what the model said of it."""
    estimate(story)
    return view(story, on_screen="P-another")


def estimate_beside_the_model(story: Story) -> Payload:
    """Give an estimate that is no own one, for the collector to take for one."""
    return estimate(story, modality="aided")


def training_case_judged(story: Story, **changed: Any) -> Payload:
    """Tell that the model was asked about a case that nobody reviews."""
    snapshot = story.one("SELECT snapshot FROM cases WHERE case_id = 'T-1'")
    return predicted(story, "T-1", snapshot=snapshot, **changed)


def prediction_of_the_other_label(story: Story) -> Payload:
    """Let the model say the other label than its probability does."""
    return training_case_judged(story, label="alive")


def prediction_at_another_threshold(story: Story) -> Payload:
    """Let the model be sure where the project is not."""
    return training_case_judged(story, threshold=0.4)


def view_of_another_probability(story: Story) -> Payload:
    """Show another probability than the model said."""
    estimate(story)
    shown = view(story)
    before = shown["detail"]["shown_digest"]
    body = story.one("SELECT body FROM screens WHERE digest = ?", before).replace("}}", ',"probability":0.99}}')
    after = shown["detail"]["shown_digest"] = bytes_digest(body.encode())
    story.write("UPDATE screens SET digest = ?, body = ? WHERE digest = ?", after, body, before)
    return shown


def deferred(story: Story, **told: Any) -> Payload:
    """Tell that the first reader deferred a case."""
    decided = whole_way(story, outcome="deferred", label=None, **told)[2]
    decided["action"] = "decision.deferred"
    story.write("UPDATE worklist SET state = 'deferred' WHERE case_id = 'C-6'")
    return decided


def deferral_for_no_known_reason(story: Story) -> Payload:
    """Defer for a reason that this project has never heard of."""
    return deferred(story, reason="tired")


def deferral_for_the_reason_of_an_override(story: Story) -> Payload:
    """Defer for a reason that goes with another answer."""
    return deferred(story, reason="seen_patient")


def deferral_without_words(story: Story) -> Payload:
    """Say that a value is wrong, and not which."""
    return deferred(story, reason="record_wrong", comment="")


def finding_without_words(story: Story) -> Payload:
    """Call a decision a serious finding, and do not say why."""
    return story.add(story.first("sample.reviewed"), {"verdict": "serious", "comment": ""})


def case_with_the_values_of_another(story: Story) -> Payload:
    """Let two cases share the values of one."""
    return received(story, of="T-1")


def outcome_before_its_case(story: Story) -> Payload:
    """Know what became of a case, and take it in afterwards."""
    case = received(story)
    wrong = recorded(story, "H-1")
    story.come_too_late(case, wrong)
    return wrong


def prediction_before_its_case(story: Story) -> Payload:
    """Ask the model about a case, and take it in afterwards."""
    case = received(story)
    wrong = predicted(story, "H-1", snapshot=story.one("SELECT snapshot FROM cases WHERE case_id = 'H-1'"))
    story.come_too_late(case, wrong)
    return wrong


def view_of_the_model_before(story: Story) -> Payload:
    """Show the model that was in use before."""
    estimate(story)
    return view(story, model=story.first("model.promoted")["detail"]["model"])


def view_while_none_was_in_use(story: Story) -> Payload:
    """Show a model that was stopped."""
    in_use, words = story.last("model.promoted")["detail"]["model"], "It is not to be used any more."
    estimate(story)
    told = {"model": None, "name": None, "gate": None, "protocol": None, "previous": in_use}
    story.add(
        story.last("model.promoted"),
        {**told, "statement": words},
        action="model.stopped",
        subject=f"model:{in_use}",
    )
    return view(story)


def answer_with_the_other_label(story: Story) -> Payload:
    """Accept what the model said, under another label."""
    decided = whole_way(story)[2]
    decided["detail"]["label"] = {"died": "alive", "alive": "died"}[decided["detail"]["label"]]
    return decided


def override_with_the_same_label(story: Story) -> Payload:
    """Override with what the model said."""
    decided = whole_way(story, outcome="overridden", reason="seen_patient")[2]
    decided["action"] = "decision.overridden"
    return decided


def answer_with_another_estimate(story: Story) -> Payload:
    """Tell of an own estimate that was never given."""
    return whole_way(story, own_probability=0.2)[2]


def answer_that_leaves_out_the_estimate(story: Story) -> Payload:
    """Say nothing of the own estimate that was given."""
    return whole_way(story, own_probability=None)[2]


def answer_to_the_model_before(story: Story) -> Payload:
    """Change one's mind about a screen of the model that was in use before."""
    decided = story.first("decision.accepted", actor="reader-1")
    return story.add(decided, {"supersedes": decided["event_id"]}, action="decision.amended")


def change_of_somebody_elses_decision(story: Story) -> Payload:
    """Change what another reader decided of another case."""
    theirs = story.first("decision.accepted", actor="reader-2")
    decided = whole_way(story, supersedes=theirs["event_id"])[2]
    decided["action"] = "decision.amended"
    return decided


def change_of_a_decision_that_comes_later(story: Story) -> Payload:
    """Change a decision, and make it afterwards."""
    first = whole_way(story)[2]
    changed = story.add(first, {"supersedes": first["event_id"]}, action="decision.amended")
    story.come_too_late(first, changed)
    first["detail"]["signature"]["at"] = first["at"]
    return changed


def finding_of_another_decision(story: Story) -> Payload:
    """Find something of a decision that nobody drew."""
    return looked_at(story, story.first("audit.sampled"), "decision-reader-2-C-4-first")


def sample_that_was_chosen(story: Story) -> Payload:
    """Choose the decisions to be looked at, and say that a seed drew them."""
    return drawn_again(story, decisions=["decision-reader-2-C-4-first"])


def sample_of_fewer_than_there_were(story: Story) -> Payload:
    """Say that fewer decisions were there to be drawn from."""
    return drawn_again(story, of=5)


def sample_that_leaves_out_the_newest(story: Story) -> Payload:
    """Draw from the log as it was long ago."""
    return story.add(story.first("audit.sampled"))


def sample_of_an_older_log(story: Story) -> Payload:
    """Draw from the log as it was, though nothing was decided since."""
    return drawn_again(story, upto=len(story.payloads) - 2)


def sample_of_nothing(story: Story) -> Payload:
    """Draw, and take none."""
    return drawn_again(story, decisions=[])


def sample_from_the_future(story: Story) -> Payload:
    """Draw from events that were not told yet."""
    return drawn_again(story, upto=len(story.payloads) + 1)


def view_before_the_estimate(story: Story) -> Payload:
    """Let the estimate come after the view."""
    read, shown, _ = whole_way(story)
    story.come_too_late(read, shown)
    read["detail"]["opened_at"] = read["at"]
    return shown


def view_before_the_model_was_asked(story: Story) -> Payload:
    """Let the model's answers come after they were shown."""
    shown = whole_way(story)[1]
    story.come_too_late(story.last("prediction.made"), shown)
    return shown


def decision_before_its_screen(story: Story) -> Payload:
    """Decide, and look afterwards."""
    _, shown, decided = whole_way(story)
    story.come_too_late(shown, decided)
    decided["detail"]["shown_at"] = shown["at"]
    return decided


def finding_before_its_sample(story: Story) -> Payload:
    """Find something, and draw it afterwards."""
    drawn = drawn_again(story)
    wrong = looked_at(story, drawn, drawn["detail"]["decisions"][0])
    story.come_too_late(drawn, wrong)
    drawn["detail"]["upto"] = story.place(drawn) - 1
    return wrong


NO_REASON = "a decision for a reason that the project does not have for such an answer"
IMPOSSIBLE: list[tuple[Deed, str]] = [
    (estimate_beside_the_model, "an own estimate that is said to be given beside the model"),
    (prediction_of_the_other_label, "what the model said is not what its probability says"),
    (prediction_at_another_threshold, "what the model said is not what its probability says"),
    (view_of_another_probability, "the screen that was shown says something else than the model said"),
    (deferral_for_no_known_reason, NO_REASON),
    (deferral_for_the_reason_of_an_override, NO_REASON),
    (deferral_without_words, "a decision without the words that its reason asks for"),
    (finding_without_words, "a remark or a serious finding that does not say why"),
    (case_with_the_values_of_another, "a case with the values of another one"),
    (estimate_of_a_training_case, "an own estimate of a case that nobody reviews"),
    (estimate_before_the_case_was_opened, "an own estimate from before the case was opened"),
    (prediction_from_other_values, "what the model said is not of its case's values"),
    (view_without_an_estimate, BEFORE_THE_ESTIMATE),
    (view_after_somebody_elses_estimate, BEFORE_THE_ESTIMATE),
    (view_with_what_was_said_of_another_case, "what the model said of another case was shown"),
    (view_on_the_screen_of_another_case, "the screen that was shown is another case's"),
    (view_on_a_screen_without_the_prediction, "the screen that was shown is another case's"),
    (view_of_the_model_before, "the view of a model that was not in use was shown"),
    (view_while_none_was_in_use, "the view of a model that was not in use was shown"),
    (answer_with_the_other_label, "its answer and its label do not fit what the model said"),
    (override_with_the_same_label, "its answer and its label do not fit what the model said"),
    (
        answer_with_another_estimate,
        "the own estimate that it tells of is not the one that was given",
    ),
    (
        answer_that_leaves_out_the_estimate,
        "the own estimate that it tells of is not the one that was given",
    ),
    (answer_to_the_model_before, "an answer to a model that was not in use"),
    (change_of_somebody_elses_decision, "it changes a decision of another case or reader"),
    (finding_of_another_decision, "a finding about a decision that was not drawn"),
    (sample_that_was_chosen, NOT_DRAWN),
    (sample_of_fewer_than_there_were, NOT_DRAWN),
    (sample_that_leaves_out_the_newest, NOT_DRAWN),
    (sample_of_an_older_log, NOT_DRAWN),
    (sample_of_nothing, NOT_DRAWN),
    (sample_from_the_future, NOT_DRAWN),
]
OUT_OF_ORDER: list[tuple[Deed, str]] = [
    (outcome_before_its_case, "an outcome from before its case"),
    (prediction_before_its_case, "what the model said is from before its case, or before the model"),
    (view_before_the_estimate, BEFORE_THE_ESTIMATE),
    (view_before_the_model_was_asked, "what the model said was shown before it was said"),
    (decision_before_its_screen, "a decision from before its screen was shown"),
    (change_of_a_decision_that_comes_later, "it changes a decision that was not made yet"),
    (finding_before_its_sample, "a finding from before its sample was drawn"),
]


@pytest.mark.parametrize(("deed", "words"), tried(IMPOSSIBLE))
def test_what_can_not_have_happened_is_found(whole_folder: Path, deed: Deed, words: str) -> None:
    """At its event, in these words, and as nothing else."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize("behind_a_clock", [False, True], ids=["told_in_order", "behind_a_clock"])
@pytest.mark.parametrize(("deed", "words"), tried(OUT_OF_ORDER))
def test_what_stands_out_of_order_is_found(
    whole_folder: Path, deed: Deed, words: str, behind_a_clock: bool
) -> None:
    """Also where its time is in order, because a clock is said to have been set back."""
    place, problems = outcome(whole_folder, deed, behind_a_clock=behind_a_clock)
    assert problems == [(place, "impossible", words)]


def an_override(story: Story) -> None:
    """Override what the model said."""
    decided = whole_way(story, outcome="overridden", reason="seen_patient")[2]
    decided["action"] = "decision.overridden"
    decided["detail"]["label"] = {"died": "alive", "alive": "died"}[decided["detail"]["label"]]


def a_change_of_mind(story: Story) -> None:
    """Defer, and accept afterwards."""
    first = whole_way(story, outcome="deferred", reason="too_little", label=None)[2]
    first["action"] = "decision.deferred"
    shown = next(each for each in story.payloads if each["event_id"] == first["detail"]["reveal"])
    changed = answer(story, shown, supersedes=first["event_id"])
    changed["action"] = "decision.amended"


def an_answer_behind_a_clock(story: Story) -> None:
    """Go through a case while the clock is set back again and again."""
    read = estimate(story)
    story.set_clock_back()
    shown = view(story)
    story.set_clock_back()
    answer(story, shown)
    assert read["at"] > shown["at"] > story.now


def a_view_of_the_new_model(story: Story) -> None:
    """Look at the new model on a case that was decided on the old one, and change the decision."""
    shown = view(story, "C-1")
    first = story.first("decision.accepted", actor="reader-1", subject="case:C-1")
    answer(story, shown, supersedes=first["event_id"], own_probability=0.35)["action"] = "decision.amended"


def another_sample(story: Story) -> None:
    """Draw once more, and look at what was drawn; the clock goes back in between."""
    drawn = drawn_again(story)
    looked_at(story, drawn, drawn["detail"]["decisions"][0])
    before = len(story.payloads)
    story.set_clock_back()
    looked_at(story, drawn_again(story, upto=before), drawn["detail"]["decisions"][0])


def samples_of_many_seeds(story: Story) -> None:
    """Draw under one seed after another: each draws what it draws, and no other does."""
    ids = [row[0] for row in story.connection.execute("SELECT decision_id FROM decisions ORDER BY rowid")]
    drawn = {seed: lowest(seed, ids, 2) for seed in ("1", "2", "3", "4")}
    assert len(set(drawn.values())) > 2
    for seed, decisions in drawn.items():
        drawn_again(story, seed=seed, decisions=list(decisions))


def a_question_about_a_training_case(story: Story) -> None:
    """Ask the model about a case that nobody reviews, and show it to nobody."""
    predicted(story, "T-1", snapshot=story.one("SELECT snapshot FROM cases WHERE case_id = 'T-1'"))


@pytest.mark.parametrize(
    "deed",
    [
        whole_way,
        an_override,
        a_change_of_mind,
        an_answer_behind_a_clock,
        a_view_of_the_new_model,
        another_sample,
        samples_of_many_seeds,
        a_question_about_a_training_case,
    ],
)
def test_what_could_have_happened_is_not_found(whole_folder: Path, deed: Callable[[Story], object]) -> None:
    """The control: nothing but the deed gives the others away. Whoever adds this is not found, as the README says."""
    with retold(whole_folder) as story:
        deed(story)
    assert found(whole_folder) == []
