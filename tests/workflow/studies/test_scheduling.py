"""Who reads what in which order: every design balanced, and the same from the same seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise, product

import pytest

from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.study import ScheduledRead, Showing, Use
from hitl_review.workflow.studies.scheduling import draw, lay_out, spread

CASES = tuple(f"C-{number:02}" for number in range(40))
STRATA = {case: (number % 2 == 0, number % 4 < 2) for number, case in enumerate(CASES)}
READERS = tuple(f"reader-{number}" for number in range(6))
PLAN = Protocol(title="t", design=Design.SEQUENTIAL, readers=READERS, cases=CASES, attention_checks=0, seed=3)


def laid(**changed: object) -> tuple[ScheduledRead, ...]:
    """The lists of the plan, some of it changed."""
    return lay_out(replace(PLAN, **changed), STRATA, labels=("died", "alive"))  # type: ignore[arg-type]


def of(items: tuple[ScheduledRead, ...], reader: str) -> list[ScheduledRead]:
    """One reader's list."""
    return [item for item in items if item.reader == reader]


def test_the_same_seed_gives_the_same_lists_and_another_seed_others() -> None:
    """A list can be made again from the protocol; nothing depends on the order in which readers are named."""
    assert laid() == laid()
    assert laid() == laid(readers=READERS[::-1])
    assert laid() != laid(seed=4)


def test_draws_look_uniform() -> None:
    """A thousand draws fill ten bins evenly enough."""
    bins = Counter(int(10 * draw(1, "x", number)) for number in range(1000))
    assert set(bins) == set(range(10))
    assert all(60 < count < 140 for count in bins.values())


@pytest.mark.parametrize("design", [Design.SEQUENTIAL, Design.PARALLEL])
def test_in_one_session_every_reader_has_every_case_once(design: Design) -> None:
    """Nobody misses a case, nobody reads one twice."""
    items = laid(design=design)
    for reader in READERS:
        assert sorted(item.case_id for item in of(items, reader)) == sorted(CASES)
    assert [item.item for item in items] == list(range(1, len(items) + 1))


def test_no_two_readers_have_the_same_order() -> None:
    """Order effects average out only if orders differ."""
    items = laid()
    orders = {tuple(item.case_id for item in of(items, reader)) for reader in READERS}
    assert len(orders) == len(READERS)


def test_every_stretch_of_a_list_has_both_classes_without_a_pattern() -> None:
    """Strata are spread over the whole list, and still nobody can tell the next one from the last."""
    orders = [[STRATA[case][0] for case in spread(seed, STRATA, CASES, "r", 1)] for seed in range(50)]
    assert all(2 <= sum(order[start : start + 10]) <= 8 for order in orders for start in (0, 10, 20, 30))
    repeated = sum(a == b for order in orders for a, b in pairwise(order))
    assert 0.3 < repeated / (50 * 39) < 0.55


def test_the_hidden_share_is_even_over_readers_classes_and_cases() -> None:
    """15 % of 40 cases are 6 per reader, of both classes, and no case is hidden from everybody."""
    items = laid()
    hidden = [item for item in items if item.no_reveal]
    assert Counter(item.reader for item in hidden) == dict.fromkeys(READERS, 6)
    for reader in READERS:
        classes = Counter(STRATA[item.case_id][0] for item in hidden if item.reader == reader)
        assert set(classes.values()) == {3}
    assert max(Counter(item.case_id for item in hidden).values()) <= 2
    assert all(item.showing is Showing.THEN_MODEL for item in items)


def test_a_crossover_gives_every_reader_every_case_in_both_modalities_and_never_in_one_session() -> None:
    """The second read of a case is in the other session, so a washout can lie between."""
    items = laid(design=Design.CROSSOVER)
    for reader in READERS:
        own = of(items, reader)
        assert Counter((item.case_id, item.showing) for item in own) == dict.fromkeys(
            product(CASES, (Showing.ALONE, Showing.WITH_MODEL)), 1
        )
        for case in CASES:
            assert {item.session for item in own if item.case_id == case} == {1, 2}


def test_a_crossover_is_balanced_over_order_and_difficulty() -> None:
    """Half of the readers begin alone; each session has both modalities alike, and each stratum in both."""
    items = laid(design=Design.CROSSOVER)
    arms = Counter(of(items, reader)[0].order for reader in READERS)
    assert arms == {"AB": 3, "BA": 3}
    for reader, session in product(READERS, (1, 2)):
        own = [item for item in of(items, reader) if item.session == session]
        cells = Counter((item.showing, STRATA[item.case_id]) for item in own)
        assert set(cells.values()) == {5}
        assert {item.order: own[0].showing for item in own} in (
            {"AB": Showing.ALONE},
            {"BA": Showing.WITH_MODEL},
        )


def test_a_split_plot_gives_each_group_of_readers_its_own_cases() -> None:
    """Every case is read by half of the readers, in both modalities; groups are alike in strata."""
    items = laid(design=Design.SPLIT_PLOT)
    own = {reader: frozenset(item.case_id for item in of(items, reader)) for reader in READERS}
    blocks = Counter(own.values())
    assert sorted(blocks.values()) == [3, 3]
    first, second = blocks
    assert not first & second
    assert Counter(STRATA[case] for case in first) == Counter(STRATA[case] for case in second)
    assert all(len(of(items, reader)) == 2 * 20 for reader in READERS)


def test_parallel_groups_read_in_one_modality_each() -> None:
    """Half of the readers alone, half with the model."""
    items = laid(design=Design.PARALLEL)
    kinds = Counter(frozenset(item.showing for item in of(items, reader)) for reader in READERS)
    assert kinds == {frozenset({Showing.ALONE}): 3, frozenset({Showing.WITH_MODEL}): 3}


def test_training_comes_first_and_is_never_a_study_case() -> None:
    """The block shows what is to come: in a sequential study also a case without a reveal."""
    items = laid(training_cases=("T-1", "T-2", "T-3"))
    for reader in READERS:
        block = of(items, reader)[:3]
        assert {item.use for item in block} == {Use.TRAINING}
        assert sum(item.no_reveal for item in block) == 1
        assert {item.use for item in of(items, reader)[3:]} == {Use.STUDY}


def test_attention_checks_and_repeats_are_strewn_in() -> None:
    """Checks ask for an answer with a rating; a repeat comes at least a quarter of the list after its first read."""
    items = laid(attention_checks=3, repeats=4)
    for reader in READERS:
        own = of(items, reader)
        checks = [item for item in own if item.use is Use.ATTENTION]
        assert len(checks) == 3
        assert {item.expected.split("/")[0] for item in checks} <= {"died", "alive"}
        assert all(10 <= float(item.expected.split("/")[1]) <= 90 for item in checks)
        repeats = [item for item in own if item.use is Use.REPEAT]
        assert len({item.case_id for item in repeats}) == 4
        for item in repeats:
            first = next(each for each in own if each.case_id == item.case_id and each.use is Use.STUDY)
            assert item.place - first.place > 1
            assert (item.showing, item.no_reveal) == (first.showing, first.no_reveal)
