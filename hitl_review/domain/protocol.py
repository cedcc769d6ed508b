"""What a study plans, and how the plan is written down, checked and amended.

A frozen protocol is known by the digest of its canonical JSON, together with the digests of what was
laid down with it: model, outputs, lists, sealed truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Final

from hitl_review.domain.canonical import canonical_json, parse_canonical
from hitl_review.errors import StudyError


class Design(StrEnum):
    """Which reader reads which case with and without the model."""

    SEQUENTIAL = "sequential"
    """Every case alone first, then at once with the model: blind first. A hidden share gets no model."""
    CROSSOVER = "crossover"
    """Every case in both modalities, in two sessions with a washout between."""
    SPLIT_PLOT = "split_plot"
    """Readers and cases in groups; each group of readers reads its cases in both modalities, with a washout."""
    PARALLEL = "parallel"
    """Half of the readers read alone, the other half with the model."""

    @property
    def words(self) -> str:
        """The design as people say it."""
        return _DESIGN_WORDS[self]


_DESIGN_WORDS: Final = {
    Design.SEQUENTIAL: "sequential, blind first",
    Design.CROSSOVER: "crossover with washout",
    Design.SPLIT_PLOT: "split-plot",
    Design.PARALLEL: "parallel groups",
}


class Hypothesis(StrEnum):
    """What the primary test asks of assisted minus alone."""

    SUPERIORITY = "superiority"
    NONINFERIORITY = "noninferiority"
    EQUIVALENCE = "equivalence"


FIGURES_OF_MERIT: Final = ("auc", "sensitivity", "specificity", "accuracy", "balanced_accuracy", "brier")
COVARIANCES: Final = ("jackknife", "delong", "unbiased")


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is planned. `endpoints` are figures of merit, the primary one first; shares are 0 to 1.

    `threshold` is the probability from which the model's answer is a positive call. `washout_days`
    is the least time between two reads of a case by one reader in different modalities.
    """

    title: str
    design: Design
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    training_cases: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ("auc", "sensitivity", "specificity")
    hypothesis: Hypothesis = Hypothesis.SUPERIORITY
    margin: float = 0.0
    alpha: float = 0.05
    threshold: float = 0.5
    covariance: str = "jackknife"
    readers_random: bool = True
    cases_random: bool = True
    seed: int = 1
    no_reveal_share: float = 0.15
    washout_days: int = 28
    groups: int = 2
    """Into how many groups a split-plot divides readers and cases."""
    attention_checks: int = 2
    """Per reader."""
    repeats: int = 0
    """Cases that each reader reads a second time."""
    wrong_ai_cases: int = 0
    """Cases whose model output is replaced by a wrong one; disclosed after the lock."""
    wrong_ai_in_primary: bool = False
    """Whether these cases are part of the primary analysis."""
    size_basis: str = ""
    """Why so many readers and cases: the power calculation, in words."""
    simulated: bool = False
    """Readers are simulated; every page and export says so."""

    @property
    def primary(self) -> str:
        """The primary endpoint."""
        return self.endpoints[0]


AMENDABLE: Final = frozenset(
    {
        *("title", "endpoints", "hypothesis", "margin", "alpha", "covariance"),
        *("readers_random", "cases_random", "washout_days", "wrong_ai_in_primary", "size_basis"),
    }
)
"""What an amendment may change. Readers, cases, model and schedule were laid down when the study was frozen."""


@dataclass(frozen=True, slots=True)
class Seals:
    """What was laid down with the protocol, by digest: nothing of it can change unseen."""

    model: str
    """Digest of the model whose output is shown."""
    project: str
    outputs: str
    """Digest over the outputs to be shown, replaced ones among them."""
    schedule: str
    truth: str
    """Digest over the commitments SHA-256(salt || case || truth), one per case."""


def document_of(protocol: Protocol, seals: Seals | None = None) -> str:
    """Return a protocol as the canonical JSON that its digest is taken over."""
    return canonical_json({"format": 1, "protocol": asdict(protocol), "seals": seals and asdict(seals)})


def read_document(document: str) -> tuple[Protocol, Seals | None]:
    """Read what `document_of` wrote."""
    stored = parse_canonical(document)
    seals = stored["seals"]
    return protocol_from(stored["protocol"]), None if seals is None else Seals(**seals)


def protocol_from(entries: Mapping[str, Any]) -> Protocol:
    """Return the protocol that some entries describe; StudyError names an entry that can't be."""
    known = {field.name for field in fields(Protocol)}
    if unknown := sorted(entries.keys() - known):
        raise StudyError(f"A protocol has no entry '{unknown[0]}'. It has: {', '.join(sorted(known))}.")
    made: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each for name, each in entries.items()
    }
    try:
        made["design"] = Design(made.get("design", Design.SEQUENTIAL))
        made["hypothesis"] = Hypothesis(made.get("hypothesis", Hypothesis.SUPERIORITY))
        return Protocol(**made)
    except (ValueError, TypeError) as error:
        raise StudyError(f"The protocol can't be read: {error}. Correct that entry.") from error


def check_protocol(protocol: Protocol) -> Protocol:
    """Return a protocol if a study can be run by it; StudyError says what is missing or contradicts itself."""
    for fault in _faults(protocol):
        raise StudyError(f"This protocol can't stand: {fault}")
    return protocol


def _faults(protocol: Protocol) -> list[str]:
    readers, cases, training = protocol.readers, protocol.cases, protocol.training_cases
    both = set(cases) & set(training)
    rules = (
        (protocol.title.strip() != "", "it has no title. Give one."),
        (len(readers) >= 1, "it names no reader. Name at least one, better five or more."),
        (len(set(readers)) == len(readers), "a reader is named twice. Name each once."),
        (len(cases) >= 2, "it has fewer than two cases. Choose more."),
        (len(set(cases)) == len(cases), "a case is named twice. Name each once."),
        (len(set(training)) == len(training), "a training case is named twice. Name each once."),
        (
            not both,
            f"{len(both)} cases are in the training block and in the study. Take other cases for training.",
        ),
        (bool(protocol.endpoints), "it names no endpoint. Name the primary one first, for instance auc."),
        (set(protocol.endpoints) <= set(FIGURES_OF_MERIT), f"endpoints are {', '.join(FIGURES_OF_MERIT)}."),
        (protocol.covariance in COVARIANCES, f"the covariance is one of {', '.join(COVARIANCES)}."),
        (0 < protocol.alpha < 0.5, "alpha lies between 0 and 0.5."),
        (0 < protocol.threshold < 1, "the threshold is a probability between 0 and 1."),
        (0 <= protocol.margin < 1, "the margin lies between 0 and 1."),
        (
            (protocol.margin > 0) == (protocol.hypothesis is not Hypothesis.SUPERIORITY),
            "a margin above 0 goes with non-inferiority and equivalence, and only with them.",
        ),
        (0 <= protocol.no_reveal_share <= 0.5, "at most half of the cases may be read without a reveal."),
        (0 <= protocol.washout_days <= 3650, "the washout is a number of days from 0 on."),
        (0 <= protocol.seed < 2**31, "the seed is a whole number from 0 to 2147483647."),
        (
            protocol.design is not Design.SPLIT_PLOT or protocol.groups >= 2,
            "a split-plot has at least two groups.",
        ),
        (
            protocol.design is not Design.SPLIT_PLOT or len(readers) >= protocol.groups,
            "a split-plot needs at least one reader in each group.",
        ),
        (
            protocol.design is not Design.PARALLEL or len(readers) >= 2,
            "parallel groups need two readers or more.",
        ),
        (0 <= protocol.attention_checks <= len(cases), "there are more attention checks than cases."),
        (0 <= protocol.repeats <= len(cases), "there are more repeats than cases."),
        (
            0 <= protocol.wrong_ai_cases <= len(cases) // 2,
            "at most half of the cases may show a wrong output.",
        ),
    )
    return [words for holds, words in rules if not holds]


def amended(protocol: Protocol, changes: Mapping[str, Any]) -> Protocol:
    """Return a frozen protocol with some entries changed; StudyError where they may not be."""
    for name in changes:
        if name not in AMENDABLE:
            raise StudyError(
                f"'{name}' can't be amended: it was laid down when the study was frozen. An amendment may change "
                f"{', '.join(sorted(AMENDABLE))}."
            )
    return check_protocol(protocol_from({**asdict(protocol), **changes}))
