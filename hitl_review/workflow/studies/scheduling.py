"""Who reads what in which order: balanced over readers, order and difficulty, and the same for the same seed.

Pure functions. Every draw is a hash of the seed and of what is drawn for, so that a list can be made
again anywhere, on any version of any language, from the protocol and the strata alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hitl_review.domain.protocol import Design, Protocol
from hitl_review.domain.study import ScheduledRead, Showing, Use

Strata = Mapping[str, tuple[bool, bool]]
"""Per case whether it is positive, and whether it is hard (the model is near its threshold)."""
AB: Final = "AB"
BA: Final = "BA"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A scheduled read before it has its number."""

    case_id: str
    use: Use
    showing: Showing
    no_reveal: bool = False
    expected: str = ""


def draw(seed: int, *parts: object) -> float:
    """Return a number from 0 to 1 that looks random and is always the same for the same seed and parts."""
    text = "/".join(map(str, (seed, *parts)))
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16) / 16.0**13


def lay_out(protocol: Protocol, strata: Strata, *, labels: tuple[str, str]) -> tuple[ScheduledRead, ...]:
    """Return the lists of all readers: training block, sessions, attention checks and repeats.

    `labels` are the two answers, for attention checks. Readers are put in a seeded order first, and
    arms, groups and hidden shares are dealt out along it.
    """
    order = sorted(protocol.readers, key=lambda reader: draw(protocol.seed, "reader", reader))
    items: list[ScheduledRead] = []
    for number, reader in enumerate(order):
        arm, sessions = _sessions(protocol, strata, reader, number, len(order))
        sessions[0] = [*_training(protocol, reader, sessions[0]), *sessions[0]]
        sessions[-1] = _with_repeats(protocol, reader, sessions[-1])
        sessions = _with_checks(protocol, reader, sessions, labels)
        items += _numbered(reader, arm, sessions, first=len(items) + 1)
    return tuple(items)


def _numbered(
    reader: str, arm: str, sessions: Sequence[Sequence[_Entry]], *, first: int
) -> list[ScheduledRead]:
    found: list[ScheduledRead] = []
    for session, entries in enumerate(sessions, start=1):
        for place, each in enumerate(entries, start=1):
            found.append(
                ScheduledRead(
                    first + len(found),
                    reader,
                    session,
                    place,
                    each.case_id,
                    each.use,
                    each.showing,
                    arm,
                    each.no_reveal,
                    each.expected,
                )
            )
    return found


def _sessions(
    protocol: Protocol, strata: Strata, reader: str, number: int, readers: int
) -> tuple[str, list[list[_Entry]]]:
    """Return a reader's arm, and the study cases of each session in their order."""
    if protocol.design is Design.SEQUENTIAL:
        hidden = hidden_share(protocol, strata, number, readers)
        order = spread(protocol.seed, strata, protocol.cases, reader, 1)
        return AB, [[_study(case, Showing.THEN_MODEL, case in hidden) for case in order]]
    if protocol.design is Design.PARALLEL:
        arm, showing = ("A", Showing.ALONE) if number % 2 == 0 else ("B", Showing.WITH_MODEL)
        return arm, [
            [_study(case, showing) for case in spread(protocol.seed, strata, protocol.cases, reader, 1)]
        ]
    groups = protocol.groups if protocol.design is Design.SPLIT_PLOT else 1
    own = dealt(protocol.seed, strata, protocol.cases, groups, "group")[number % groups]
    arm = AB if number // groups % 2 == 0 else BA
    return arm, _crossed(protocol, strata, own, reader, arm)


def _crossed(
    protocol: Protocol, strata: Strata, own: Sequence[str], reader: str, arm: str
) -> list[list[_Entry]]:
    """Return two sessions: what is read alone in one is read with the model in the other.

    Within a session, arm AB begins alone and BA with the model; which half comes first alone is the
    other way round in the other arm, so order and modality are not confounded over readers.
    """
    first, second = dealt(protocol.seed, strata, own, 2, "half")
    alone, with_model = Showing.ALONE, Showing.WITH_MODEL
    if arm == AB:
        plan = [[(first, alone), (second, with_model)], [(second, alone), (first, with_model)]]
    else:
        plan = [[(first, with_model), (second, alone)], [(second, with_model), (first, alone)]]
    return [
        [
            _study(case, showing)
            for half, showing in blocks
            for case in spread(protocol.seed, strata, half, reader, session)
        ]
        for session, blocks in enumerate(plan, start=1)
    ]


def _study(case_id: str, showing: Showing, hidden: bool = False) -> _Entry:
    return _Entry(case_id, Use.STUDY, showing, hidden)


def dealt(seed: int, strata: Strata, cases: Sequence[str], groups: int, what: str) -> list[list[str]]:
    """Return the cases dealt into groups that have each stratum alike, give or take one case."""
    ordered = sorted(cases, key=lambda case: (strata[case], draw(seed, what, case)))
    return [ordered[group::groups] for group in range(groups)]


def spread(seed: int, strata: Strata, cases: Sequence[str], reader: str, session: int) -> list[str]:
    """Return the cases in a reader's own order: random, with every stratum spread over the whole of it."""
    keys: dict[str, float] = {}
    for stratum in sorted({strata[case] for case in cases}):
        members = [case for case in cases if strata[case] == stratum]
        members.sort(key=lambda case: draw(seed, "order", reader, session, case))
        for place, case in enumerate(members):
            keys[case] = (place + draw(seed, "jitter", reader, session, case)) / len(members)
    return sorted(cases, key=lambda case: (keys[case], case))


def hidden_share(protocol: Protocol, strata: Strata, number: int, readers: int) -> frozenset[str]:
    """Return the cases of which this reader, the `number`-th, is shown no model.

    A systematic sample along the strata, shifted from reader to reader: every class and every case
    has its share of it.
    """
    count = round(protocol.no_reveal_share * len(protocol.cases))
    if count == 0:
        return frozenset()
    (ordered,) = dealt(protocol.seed, strata, protocol.cases, 1, "hidden")
    start = (draw(protocol.seed, "hidden") + number / readers) % 1
    step = len(ordered) / count
    return frozenset(ordered[int((place + start) * step) % len(ordered)] for place in range(count))


def _training(protocol: Protocol, reader: str, session: Sequence[_Entry]) -> list[_Entry]:
    """Return the training block: the showings that this reader will meet, on other cases."""
    order = sorted(protocol.training_cases, key=lambda case: draw(protocol.seed, "training", reader, case))
    kinds = sorted({entry.showing for entry in session}, key=list(Showing).index)
    return [
        _Entry(
            case, Use.TRAINING, kinds[place % len(kinds)], protocol.no_reveal_share > 0 and _odd(place, kinds)
        )
        for place, case in enumerate(order)
    ]


def _odd(place: int, kinds: Sequence[Showing]) -> bool:
    """Let the second training case of a sequential study be one without a reveal, so that it surprises nobody."""
    return kinds == [Showing.THEN_MODEL] and place == 1


def _with_repeats(protocol: Protocol, reader: str, session: list[_Entry]) -> list[_Entry]:
    """Return the last session with some cases of its first half read again in its second half."""
    if protocol.repeats == 0:
        return session
    half = [each for each in session[: max(len(session) // 2, 1)] if each.use is Use.STUDY]
    half.sort(key=lambda each: draw(protocol.seed, "repeat", reader, each.case_id))
    again = [replace(each, use=Use.REPEAT) for each in half[: protocol.repeats]]
    return _strewn(session, again, start=(len(session) + 1) // 2 + 1)


def _with_checks(
    protocol: Protocol, reader: str, sessions: list[list[_Entry]], labels: tuple[str, str]
) -> list[list[_Entry]]:
    """Return the sessions with the attention checks dealt over them."""
    checks = [_check(protocol, reader, number, labels) for number in range(protocol.attention_checks)]
    return [
        _strewn(session, checks[place :: len(sessions)], start=len(session) // 4 + 1)
        for place, session in enumerate(sessions)
    ]


def _check(protocol: Protocol, reader: str, number: int, labels: tuple[str, str]) -> _Entry:
    label = labels[int(draw(protocol.seed, "check", reader, number) < 0.5)]
    rating = 10 * (1 + int(9 * draw(protocol.seed, "check rating", reader, number)))
    return _Entry(f"attention-{number + 1}", Use.ATTENTION, Showing.ALONE, expected=f"{label}/{rating}")


def _strewn(session: Sequence[_Entry], added: Sequence[_Entry], *, start: int) -> list[_Entry]:
    """Return a session with entries put in at even distances from a place on."""
    found = list(session)
    room = max(len(session) - start, 1)
    for number, each in enumerate(added):
        found.insert(min(start + round((number + 0.5) * room / len(added)) + number, len(found)), each)
    return found
