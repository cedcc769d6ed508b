"""Logs that agree with their rows and tell of labels, disputes, passes and alarms what can't have happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from hitl_review.domain.canonical import bytes_digest, canonical_json
from hitl_review.store import labels
from tests.attacks.retelling import Deed, Payload, Story, found, outcome, retold, tried
from tests.attacks.reviews_told import estimate, received, recorded, whole_way

OF_NOTHING = "a label of something that is not there"
SAYS_ANOTHER = "a label does not say what it was made of"
FROM_LATER = "a label from before what it was made of"
NO_SUCH_ALARM = "an alarm that its look does not have, or in other words"
SO_ALREADY = "a lamp was raised or cleared that was so already"
OTHER_LABELS = "a dispute about a label of another case, or of none"


def model(story: Story, name: str) -> str:
    """Return the digest of a model."""
    return str(story.one("SELECT digest FROM models WHERE name = ?", name))


def changed_label(story: Story, origin: str, sql: str) -> Payload:
    """Change the label of something, and return the event of its batch."""
    story.write(f"UPDATE labels SET {sql} WHERE origin GLOB ?", origin)
    batch = story.one("SELECT event_id FROM labels WHERE origin GLOB ?", f"{origin.partition(':')[0]}:*")
    return story.first("label.collected", event_id=batch)


def renamed_label(story: Story, origin: str, name: str) -> Payload:
    """Let the label of something name another origin, from which its id follows; return the event of its batch."""
    return changed_label(story, origin, f"origin = '{name}', label_id = '{labels.label_id(name)}'")


def collected(story: Story, origin: str, like: str, **columns: Any) -> Payload:
    """Tell that a label was made, like another one but for what is given."""
    told = story.add(story.first("label.collected"), actor="system", role="system")
    own = {
        "label_id": labels.label_id(origin),
        "origin": origin,
        "event_id": told["event_id"],
        "at": told["at"],
    }
    story.copy("labels", f"origin GLOB '{like}'", **{**own, **columns})
    return told


def label_of_estimate(story: Story, read: Payload, **columns: Any) -> Payload:
    """Tell that the label of an estimate was made."""
    said = {"case_id": "C-6", "probability": read["detail"]["probability"], **columns}
    return collected(story, f"read:{read['event_id']}", "read:*-reader-1-*", **said)


def label_of_decision(story: Story, decided: Payload, **columns: Any) -> Payload:
    """Tell that the label of an acceptance was made."""
    detail = decided["detail"]
    said = {
        **{"case_id": "C-6", "model": detail["model"], "shown_probability": detail["probability"]},
        **{"decision_id": decided["event_id"], "probability": float(detail["label"] == "died"), **columns},
    }
    return collected(story, f"decision:{decided['event_id']}", "decision:*-reader-1-C-1-*", **said)


def disputed(story: Story, case: str = "C-4", **detail: Any) -> Payload:
    """Tell that readers disagree on a case, one of whom gave an estimate just now."""
    before = {each["actor"] for each in story.all("read.committed", subject=f"case:{case}")}
    (other,) = {"reader-1", "reader-2"} - before
    label_of_estimate(story, estimate(story, case, by=other), case_id=case, reader=other)
    return disputed_as_it_is(story, case, **detail)


def disputed_as_it_is(story: Story, case: str, **detail: Any) -> Payload:
    """Tell that readers disagree on a case with the labels that it has."""
    sides = story.connection.execute("SELECT label_id FROM labels WHERE case_id = ?", (case,)).fetchall()
    like = story.first("label.disputed")
    return story.add(like, {"labels": [row[0] for row in sides], **detail}, subject=f"case:{case}")


def resolved(story: Story, dispute: Payload, **told: Any) -> Payload:
    """Tell that an adjudicator answered a dispute."""
    like = story.first("label.resolved")
    return story.add(like, {"dispute": dispute["event_id"]}, **{"subject": dispute["subject"], **told})


def label_of_an_estimate_that_nobody_gave(story: Story) -> Payload:
    """Let a label name an estimate that is not there."""
    return renamed_label(story, "read:read-reader-1-C-2", "read:nobodys")


def label_of_a_decision_that_nobody_made(story: Story) -> Payload:
    """Let a label name a decision that is not there."""
    return renamed_label(story, OF_A_DEFERRAL, "decision:nobodys")


def label_of_an_outcome_that_never_came(story: Story) -> Payload:
    """Let a label name an outcome that is not there."""
    return renamed_label(story, "outcome:1", "outcome:7")


def label_of_an_answer_that_nobody_gave(story: Story) -> Payload:
    """Let a label name an adjudicator's answer that is not there."""
    return renamed_label(story, "resolution:*", "resolution:nobodys")


def label_of_hearsay(story: Story) -> Payload:
    """Let a label come from what no label is made of."""
    return collected(story, "rumour:1", "outcome:1")


def label_without_an_origin(story: Story) -> Payload:
    """Let a label name what has no kind."""
    return collected(story, "nothing", "outcome:1")


def same_outcome_again(story: Story) -> Payload:
    """Count an outcome twice, under a number that is written otherwise."""
    at = story.one("SELECT recorded_at FROM outcomes WHERE outcome_id = 1")
    return collected(story, "outcome:01", "outcome:1", at=at)


def label_of_a_holdout_case(story: Story) -> Payload:
    """Learn from the outcome of a case that models are measured on."""
    received(story, purpose="holdout")
    recorded(story, "H-1")
    return collected(story, "outcome:3", "outcome:1", case_id="H-1")


def label_before_its_estimate(story: Story) -> Payload:
    """Make a label, and give the estimate afterwards."""
    read = estimate(story)
    label = label_of_estimate(story, read)
    story.come_too_late(read, label)
    read["detail"]["opened_at"] = read["at"]
    story.write("UPDATE labels SET at = ? WHERE event_id = ?", read["at"], label["event_id"])
    return label


def label_before_its_decision(story: Story) -> Payload:
    """Make a label, and decide afterwards."""
    decided = whole_way(story)[2]
    label = label_of_decision(story, decided)
    story.come_too_late(decided, label)
    decided["detail"]["signature"]["at"] = decided["at"]
    story.write("UPDATE labels SET at = ? WHERE event_id = ?", decided["at"], label["event_id"])
    return label


def label_before_its_outcome(story: Story) -> Payload:
    """Make a label, and let the outcome come afterwards."""
    outcome = recorded(story, "C-6")
    label = collected(story, "outcome:3", "outcome:1", case_id="C-6")
    story.come_too_late(outcome, label)
    story.write("UPDATE labels SET at = ? WHERE event_id = ?", outcome["at"], label["event_id"])
    return label


def label_before_its_answer(story: Story) -> Payload:
    """Make a consensus label, and resolve the dispute afterwards."""
    answer = resolved(story, disputed(story))
    label = collected(story, f"resolution:{answer['event_id']}", "resolution:*", case_id="C-4")
    story.come_too_late(answer, label)
    story.write("UPDATE labels SET at = ? WHERE event_id = ?", answer["at"], label["event_id"])
    return label


def dispute_about_another_case(story: Story) -> Payload:
    """Tell of a dispute with the labels of somebody else."""
    dispute = disputed(story)
    dispute["subject"] = "case:C-2"
    return dispute


def dispute_about_no_label(story: Story) -> Payload:
    """Tell of a dispute that names a label that is not there."""
    return disputed(story, labels=["L-of-nothing"])


def dispute_of_nobody(story: Story) -> Payload:
    """Tell of a dispute without any label."""
    return disputed(story, labels=[])


def dispute_of_one_reader(story: Story) -> Payload:
    """Tell of a dispute on a case that only one reader judged."""
    label_of_estimate(story, estimate(story))
    return disputed_as_it_is(story, "C-6")


def dispute_about_a_case_once_more(story: Story) -> Payload:
    """Tell of a second dispute on a case, for another adjudicator to settle otherwise."""
    return disputed_as_it_is(story, story.first("label.disputed")["subject"].removeprefix("case:"))


def dispute_before_its_label(story: Story) -> Payload:
    """Tell of a dispute, and make the labels of it afterwards."""
    label_of_estimate(story, estimate(story, by="reader-2"), reader="reader-2")
    label = label_of_estimate(story, estimate(story))
    wrong = disputed_as_it_is(story, "C-6")
    story.come_too_late(label, wrong)
    return wrong


def answer_to_a_dispute_about_another_case(story: Story) -> Payload:
    """Resolve a dispute with an answer about somebody else."""
    return resolved(story, disputed(story), subject="case:C-2")


def answer_before_the_dispute(story: Story) -> Payload:
    """Resolve a dispute, and note it afterwards."""
    dispute = disputed(story)
    wrong = resolved(story, dispute)
    story.come_too_late(dispute, wrong)
    return wrong


def passing(story: Story, case: str = "C-4") -> Payload:
    """Tell that a case passed under the newest routing."""
    told = story.add(story.last("case.passed"))
    said = story.one("SELECT prediction_id FROM predictions WHERE case_id = ?", case)
    routing = story.last("routing.set")["event_id"]
    row = {"prediction_id": said, "routing": routing, "event_id": told["event_id"]}
    story.copy("passes", "case_id = 'C-6'", case_id="C-4", **row)
    return told


def case_passed_on_what_was_said_of_another(story: Story) -> Payload:
    """Let a case pass because the model is sure of somebody else."""
    return passing(story, "C-3")


def case_passed_before_the_routing(story: Story) -> Payload:
    """Let a case pass, and set the routing afterwards."""
    routing = story.add(story.last("routing.set"))
    wrong = passing(story)
    story.come_too_late(routing, wrong)
    return wrong


MOVED: Final = "What the model says has moved."


def look(story: Story, state: str = "alarm") -> Payload:
    """Tell of a look of the monitor, which found the inputs as they were before, and the scores in some state."""
    lamps = [{"name": "inputs", "state": "alarm"}, {"name": "scores", "state": state, "words": MOVED}]
    body = canonical_json({"lamps": lamps})
    raised = [each["name"] for each in lamps if each["state"] == "alarm"]
    told = story.add(story.first("monitoring.made"), {"raised": raised, "report": bytes_digest(body.encode())})
    story.bodies[told["event_id"]] = {"body": body}
    return told


def alarm(story: Story, name: str = "v1", state: str = "raised", **detail: Any) -> tuple[Payload, Payload]:
    """Tell of a look of the monitor, and of the alarm about a model that it raised, or cleared."""
    seen = look(story, {"raised": "alarm", "cleared": "fine"}[state])
    said = {"model": model(story, name), "monitoring": seen["event_id"], "words": MOVED, **detail}
    return seen, story.add(story.first("alarm.raised"), said, action=f"alarm.{state}", subject="lamp:scores")


def alarm_of_another_lamp(story: Story) -> Payload:
    """Raise what the report says nothing of."""
    return story.add(alarm(story)[1], subject="lamp:overrides")


def alarm_in_other_words(story: Story) -> Payload:
    """Raise an alarm, and say that all is well."""
    return alarm(story, words="All is well.")[1]


def alarm_raised_twice(story: Story) -> Payload:
    """Raise what rings already."""
    seen = alarm(story)[0]
    return story.add(story.last("alarm.raised"), {"monitoring": seen["event_id"]})


def alarm_cleared_that_never_rang(story: Story) -> Payload:
    """Clear what is fine."""
    return alarm(story, state="cleared")[1]


def look_of_which_nobody_was_told(story: Story) -> Payload:
    """Raise an alarm in the report, and tell nobody."""
    return look(story)


def look_that_raised_nothing(story: Story) -> Payload:
    """Keep silent of an alarm that stands in the report."""
    wrong = story.add(story.first("monitoring.made"), {"raised": []})
    story.bodies[wrong["event_id"]] = {"body": story.one("SELECT body FROM monitorings")}
    return wrong


def alarm_about_another_model(story: Story) -> Payload:
    """Raise an alarm about a model that was not watched."""
    return alarm(story, "v2")[1]


def alarm_before_its_look(story: Story) -> Payload:
    """Raise an alarm, and look afterwards."""
    seen, wrong = alarm(story)
    story.come_too_late(seen, wrong)
    return wrong


def label_with(origin: str, sql: str, name: str) -> Deed:
    """Return the deed of changing a label."""

    def deed(story: Story) -> Payload:
        return changed_label(story, origin, sql)

    deed.__name__ = name
    return deed


OF_A_READ, OF_A_DECISION = "read:read-reader-1-C-1", "decision:decision-reader-1-C-1-first"
OF_A_CHANGE, OF_A_DEFERRAL = "decision:decision-reader-1-C-2-later", "decision:decision-reader-1-C-3-first"
OF_AN_OVERRIDE = "decision:decision-reader-1-C-2-first"
CHANGED: list[Deed] = [
    label_with(OF_A_READ, "probability = 0.9", "estimate_with_another_probability"),
    label_with("read:read-reader-1-C-2", "case_id = 'C-6'", "estimate_of_another_case"),
    label_with(OF_A_READ, "at = '2026-11-22T09:12:23.000001Z'", "estimate_at_another_time"),
    label_with(OF_A_READ, "reader = 'reader-2'", "estimate_of_another_reader"),
    label_with(OF_A_READ, "source = 'consensus'", "estimate_as_a_consensus"),
    label_with(OF_A_READ, "mode = 'seen'", "estimate_as_if_the_model_was_seen"),
    label_with(OF_A_READ, "effect = 'exclude'", "estimate_that_excludes_its_case"),
    label_with(OF_A_READ, "weight = 50", "estimate_that_weighs_more"),
    label_with(OF_A_READ, "disputed = 1", "estimate_in_dispute"),
    label_with(OF_A_READ, "reason = 'seen_patient'", "estimate_with_a_reason"),
    label_with(OF_A_READ, "shown_probability = 0.4", "estimate_with_the_model_shown"),
    label_with(OF_A_READ, "decision_id = 'decision-reader-1-C-1-first'", "estimate_of_a_decision"),
    label_with(OF_A_DECISION, "probability = 1 - probability", "acceptance_of_the_other_label"),
    label_with(OF_A_DECISION, "source = 'override'", "acceptance_as_an_override"),
    label_with(OF_A_DECISION, "mode = 'blind'", "acceptance_as_if_blind"),
    label_with(OF_A_DECISION, "shown_probability = 0.9", "acceptance_of_another_probability"),
    label_with(OF_A_DECISION, "reason = 'seen_patient'", "acceptance_with_a_reason"),
    label_with(
        OF_A_DECISION, "decision_id = 'decision-reader-2-C-1-first'", "acceptance_of_another_decision"
    ),
    label_with(
        OF_A_DECISION, "model = (SELECT digest FROM models WHERE name = 'v2')", "acceptance_of_another_model"
    ),
    label_with(OF_A_DECISION, "weight = 0", "acceptance_without_a_weight"),
    label_with(OF_A_DECISION, "effect = 'never_train'", "acceptance_that_trains_nothing"),
    label_with(OF_AN_OVERRIDE, "effect = 'exclude'", "override_that_excludes_its_case"),
    label_with(OF_A_DEFERRAL, "effect = 'train'", "deferral_that_trains"),
    label_with(OF_A_CHANGE, "supersedes = NULL", "change_of_mind_that_replaces_nothing"),
    label_with(OF_A_DEFERRAL, "probability = 1", "deferral_with_a_call"),
    label_with("outcome:1", "probability = 0", "other_outcome"),
    label_with("outcome:1", "sampling_probability = 0.2", "outcome_by_chance"),
    label_with("outcome:1", "reader = 'reader-1'", "outcome_of_a_reader"),
    label_with("resolution:*", "probability = 0", "other_consensus"),
    label_with("resolution:*", "reader = 'reader-1'", "consensus_of_another"),
    label_with("resolution:*", "source = 'outcome'", "consensus_as_an_outcome"),
]
IMPOSSIBLE: list[tuple[Deed, str]] = [
    *((deed, SAYS_ANOTHER) for deed in CHANGED),
    (same_outcome_again, SAYS_ANOTHER),
    (label_of_an_estimate_that_nobody_gave, OF_NOTHING),
    (label_of_a_decision_that_nobody_made, OF_NOTHING),
    (label_of_an_outcome_that_never_came, OF_NOTHING),
    (label_of_an_answer_that_nobody_gave, OF_NOTHING),
    (label_of_hearsay, OF_NOTHING),
    (label_without_an_origin, OF_NOTHING),
    (label_of_a_holdout_case, "a label of a case that is kept for measuring"),
    (dispute_about_another_case, OTHER_LABELS),
    (dispute_about_no_label, OTHER_LABELS),
    (dispute_of_nobody, OTHER_LABELS),
    (dispute_of_one_reader, "a dispute of fewer than two readers"),
    (dispute_about_a_case_once_more, "a dispute about a case that was in dispute before"),
    (answer_to_a_dispute_about_another_case, "a dispute about another case was resolved"),
    (case_passed_on_what_was_said_of_another, "a case passed on what was said of another"),
    (look_that_raised_nothing, "a look that raised other alarms than its report has"),
    (alarm_about_another_model, "an alarm about another model than the one that was watched"),
    (alarm_of_another_lamp, NO_SUCH_ALARM),
    (alarm_in_other_words, NO_SUCH_ALARM),
    (alarm_raised_twice, SO_ALREADY),
    (alarm_cleared_that_never_rang, SO_ALREADY),
    (look_of_which_nobody_was_told, "a look with an alarm that nobody was told of"),
]
OUT_OF_ORDER: list[tuple[Deed, str]] = [
    (label_before_its_estimate, FROM_LATER),
    (label_before_its_decision, FROM_LATER),
    (label_before_its_outcome, FROM_LATER),
    (label_before_its_answer, FROM_LATER),
    (dispute_before_its_label, "a dispute from before one of its labels"),
    (answer_before_the_dispute, "a dispute was resolved before it was noted"),
    (case_passed_before_the_routing, "a case passed by a routing that was not set yet"),
    (alarm_before_its_look, "an alarm from before the look that raised it"),
]


@pytest.mark.parametrize(("deed", "words"), tried(IMPOSSIBLE))
def test_what_can_not_have_been_learned_is_found(whole_folder: Path, deed: Deed, words: str) -> None:
    """At its event, in these words, and as nothing else."""
    place, problems = outcome(whole_folder, deed)
    assert problems == [(place, "impossible", words)]


@pytest.mark.parametrize("behind_a_clock", [False, True], ids=["told_in_order", "behind_a_clock"])
@pytest.mark.parametrize(("deed", "words"), tried(OUT_OF_ORDER))
def test_what_was_learned_out_of_order_is_found(
    whole_folder: Path, deed: Deed, words: str, behind_a_clock: bool
) -> None:
    """Also where its time is in order, because a clock is said to have been set back."""
    place, problems = outcome(whole_folder, deed, behind_a_clock=behind_a_clock)
    assert problems == [(place, "impossible", words)]


def what_could_have_been_learned(story: Story) -> None:
    """Tell of a label of each kind, a dispute with its answer, a case that passed, and an alarm."""
    read, _, decided = whole_way(story)
    label_of_estimate(story, read, at=read["at"])
    story.set_clock_back()
    label_of_decision(story, decided, at=decided["at"])
    outcome = recorded(story, "C-6")
    collected(story, "outcome:3", "outcome:1", case_id="C-6", at=outcome["at"])
    answered = resolved(story, disputed(story))
    origin = f"resolution:{answered['event_id']}"
    collected(story, origin, "resolution:*", case_id="C-4", at=answered["at"])
    disputed(story, "C-6")
    story.add(story.last("routing.set"))
    passing(story)
    alarm(story)
    look(story)
    story.set_clock_back()
    alarm(story, state="cleared")
    look(story, "fine")
    alarm(story)


def test_what_could_have_been_learned_is_not_found(whole_folder: Path) -> None:
    """The control: nothing but the deed gives the others away."""
    with retold(whole_folder) as story:
        what_could_have_been_learned(story)
    assert found(whole_folder) == []
