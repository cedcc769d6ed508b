"""The loop played on labelled cases: fair to every policy, the same for the same seed, and honest in its sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hitl_review.domain.label import LabelSource, LabelWeights
from hitl_review.errors import ModelError
from hitl_review.model.features import Column, FeatureSpec
from hitl_review.model.simulating.curves import MADE_UP, REPLAYED, Plan, Simulation, simulate
from hitl_review.model.simulating.lines import Line, begin, play
from hitl_review.model.simulating.readers import Errors, Readers, Skill, difficulty, readers_of
from hitl_review.model.simulating.world import World, split
from hitl_review.project import TrainingPolicy
from tests.model.conftest import make_ward

PLAN = Plan(start=40, reviews=120, step=60, seeds=2, skill=Skill(accuracy=1.0))


@pytest.fixture(scope="module")
def world(spec: FeatureSpec) -> World:
    """Five hundred patients of the made-up ward."""
    ward = make_ward(500, seed=6)
    ids = tuple(f"C-{number:03}" for number in range(500))
    return World(ids, ward.values, ward.labels, spec, TrainingPolicy(), 0.5, {})


@pytest.fixture(scope="module")
def stated(world: World) -> World:
    """The same patients with somebody's estimates, who leaves a few out."""
    random = np.random.default_rng(2)
    estimates = np.clip(0.7 * world.truth + 0.15 + random.normal(0, 0.1, 500), 0, 1)
    estimates[::10] = np.nan
    return replace(world, stated=estimates)


@pytest.fixture(scope="module")
def played(world: World) -> Simulation:
    """Two repetitions with perfect readers."""
    return simulate(world, PLAN)


def test_the_three_parts_of_a_repetition_never_share_a_case(world: World) -> None:
    """Nobody is tested on what was learned from; another seed is another division."""
    parts = split(world, start=40, reviews=120, seed=1)
    everybody = [*parts.start.tolist(), *parts.queue.tolist(), *parts.test.tolist()]
    assert sorted(everybody) == list(range(500))
    assert set(parts.test.tolist()) != set(split(world, start=40, reviews=120, seed=2).test.tolist())


def test_a_queue_of_real_readers_holds_only_what_they_estimated(stated: World) -> None:
    """What nobody read can't be replayed."""
    queue = split(stated, start=40, reviews=120, seed=1).queue
    assert stated.stated is not None and not np.isnan(stated.stated[queue]).any()


def test_too_few_cases_are_told_with_their_numbers(world: World) -> None:
    """And which options to lower."""
    with pytest.raises(ModelError, match=r"400.*--start or --reviews"):
        split(world, start=40, reviews=400, seed=1)


def test_made_up_readers_are_right_as_often_as_asked(world: World) -> None:
    """Careless or on hard cases: the mean error is the same, and the hard cases carry it."""
    shares = []
    for kind in Errors:
        skill = Skill(accuracy=0.8, errors=kind)
        hard = difficulty(world, skill)
        wrong = [readers_of(world, skill, hard, seed=seed).own != world.truth for seed in range(20)]
        assert np.mean(wrong) == pytest.approx(0.2, abs=0.02)
        shares.append(np.mean(wrong, axis=0))
    assert np.std(shares[1]) > 1.3 * np.std(shares[0])


def test_a_reader_follows_the_model_only_where_it_was_seen_first(world: World) -> None:
    """Blind first, the own estimate stands; seen first, the call is the model's."""
    blind = np.arange(500) % 2 == 0
    readers = Readers(world.truth, blind, np.ones(500, dtype=np.bool_), 0.5)
    wrong_model = 1 - world.truth
    first = readers.labels(world, 0, float(wrong_model[0]), at=0)
    assert [label.source for label in first] == [LabelSource.BLIND, LabelSource.OVERRIDE]
    assert first[0].probability == world.truth[0]
    second = readers.labels(world, 1, float(wrong_model[1]), at=1)
    assert [label.source for label in second] == [LabelSource.ACCEPTANCE]
    assert second[0].probability == wrong_model[1]


def test_real_readers_state_what_is_on_file(stated: World) -> None:
    """Blind, and following nobody."""
    readers = readers_of(stated, Skill(), None, seed=1)
    (own, decision) = readers.labels(stated, 1, 0.99, at=0)
    assert stated.stated is not None
    assert own.probability == stated.stated[1]
    assert decision.source is (LabelSource.ACCEPTANCE if stated.stated[1] >= 0.5 else LabelSource.OVERRIDE)


def test_every_line_starts_from_the_same_model_and_two_are_flat(played: Simulation) -> None:
    """The frozen line never moves, and the ceiling is one model."""
    assert tuple(curve.line for curve in played.curves) == MADE_UP
    for curve in played.curves:
        assert [band.reads for band in curve.auc] == [0, 60, 120]
        if curve.line is not Line.CEILING:
            assert curve.auc[0] == played.curve(Line.FROZEN).auc[0]
    for line in (Line.FROZEN, Line.CEILING):
        assert len({band.mean for band in played.curve(line).auc}) == 1


def test_perfect_readers_close_much_of_the_gap_and_self_training_does_not() -> None:
    """Sanity, not evidence: the benchmark has that. Handwritten digits, of which forty teach little."""
    known = load_digits()
    pixels = FeatureSpec(tuple(Column(f"pixel_{number}", "number") for number in range(64)))
    ids = tuple(f"D-{number}" for number in range(600))
    truth = (known.target[:600] >= 5).astype(float)
    world = World(ids, known.data[:600].astype(np.float32), truth, pixels, TrainingPolicy(), 0.5, {})
    played = simulate(world, replace(PLAN, step=120, seeds=1))
    policy, idle = played.curve(Line.POLICY), played.curve(Line.SELF_TRAINING)
    assert policy.gap_closed is not None and policy.gap_closed > 0.3
    assert idle.gap_closed is not None and idle.gap_closed < policy.gap_closed - 0.2
    assert played.curve(Line.FROZEN).gap_closed == 0 and played.curve(Line.CEILING).gap_closed == 1


def test_the_gap_and_the_lead_are_what_the_bands_say(played: Simulation) -> None:
    """By their definitions."""
    last = {curve.line: curve.auc[-1].mean for curve in played.curves}
    gap = last[Line.CEILING] - last[Line.FROZEN]
    closed = played.curve(Line.POLICY).gap_closed
    assert closed == pytest.approx((last[Line.POLICY] - last[Line.FROZEN]) / gap)
    assert played.better_than_random.mean == pytest.approx(last[Line.POLICY] - last[Line.RANDOM])
    band = played.curve(Line.POLICY).auc[-1]
    assert band.low is not None and band.high is not None and band.low < band.mean < band.high


def test_the_sentence_says_what_the_reviews_would_buy(played: Simulation) -> None:
    """The number of reviews, who reads, and the two AUCs."""
    policy = played.curve(Line.POLICY)
    assert "120 reviews by readers who are right in 100%" in played.sentence
    assert f"{policy.gap_closed:.0%} of the gap" in played.sentence
    assert f"{policy.auc[-1].mean:.3f}" in played.sentence


def test_the_same_seed_gives_the_same_numbers_and_another_others(world: World) -> None:
    """In every line."""
    plan = replace(PLAN, seeds=1, reviews=20, step=20)
    first, again, other = (simulate(world, replace(plan, seed=seed)) for seed in (3, 3, 4))
    assert first.as_json() == again.as_json()
    assert first.curves != other.curves


def test_progress_is_told_step_by_step(world: World) -> None:
    """One step per line and repetition, to the end."""
    told: list[tuple[int, int]] = []
    simulate(
        world,
        replace(PLAN, seeds=1, reviews=30, step=30),
        progress=lambda step, of, _: told.append((step, of)),
    )
    assert told == [(step, len(MADE_UP)) for step in range(len(MADE_UP) + 1)]


def test_a_replay_has_a_line_for_outcomes_that_come_in(stated: World) -> None:
    """Combined with what was stated."""
    found = simulate(stated, replace(PLAN, seeds=1, reviews=60))
    assert tuple(curve.line for curve in found.curves) == REPLAYED
    assert "people whose estimates are on file" in found.sentence
    assert found.better_than_random.low is None


def test_overrides_only_learns_from_overrides_only(world: World) -> None:
    """With readers who agree with the model there is nothing to learn, and the model stays as it was."""
    parts = split(world, start=40, reviews=30, seed=3)
    agreeing = Readers(world.truth, np.zeros(500, dtype=np.bool_), np.ones(500, dtype=np.bool_), 0.5)
    repetition = begin(world, parts, agreeing, LabelWeights(), seed=3)
    points = play(repetition, Line.OVERRIDES, reviews=30, step=30)
    assert points[0].auc == points[1].auc


@pytest.mark.parametrize("wrong", [{"accuracy": 0.4}, {"follow": 1.5}, {"blind": -0.1}])
def test_readers_who_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    """Nobody is worse than guessing on purpose."""
    with pytest.raises(ModelError, match=next(iter(wrong))):
        Skill(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="seeds"):
        Plan(seeds=0)
