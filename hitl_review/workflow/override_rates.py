"""How often readers override and defer, and why: counts with Wilson intervals, of the decisions in force.

A high rate is no error by itself: reviews of decision support report from a third to nearly all. It is a
place to look.

    Wilson (1927), JASA 22:209-212
"""

from __future__ import annotations

from dataclasses import dataclass

from hitl_review.domain.account import Actor
from hitl_review.domain.decision import Answer
from hitl_review.store import accounts, history
from hitl_review.study.accuracy import wilson_interval
from hitl_review.workflow.viewing import log_look
from hitl_review.workflow.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of how many, and the interval of the share at 95 %."""

    name: str
    count: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share; 0 of none."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of all decisions in force: overridden overall and by reader, deferred overall, and by reason."""

    overridden: Rate
    deferred: Rate
    by_reader: tuple[Rate, ...]
    by_reason: tuple[Rate, ...]


def override_rates(workspace: Workspace, *, actor: Actor, sitting: str) -> Rates:
    """Return the rates; that they were looked at is logged."""
    log_look(workspace, "log:rates", {"through": "rates"}, actor=actor, sitting=sitting)
    by_reader, by_reason = history.answers(workspace.store)
    names = {each.account_id: each.name for each in accounts.everyone(workspace.store)}
    reasons = {each.code: each.label for each in workspace.project.reasons}
    total = sum(by_reader.values())
    readers = sorted({reader for reader, _ in by_reader})
    return Rates(
        _rate("Overridden", _of(by_reader, Answer.OVERRIDDEN), total),
        _rate("Deferred", _of(by_reader, Answer.DEFERRED), total),
        tuple(
            _rate(
                names.get(reader, reader),
                by_reader[reader, Answer.OVERRIDDEN.value],
                sum(many for (who, _), many in by_reader.items() if who == reader),
            )
            for reader in readers
        ),
        tuple(
            _rate(f"{reasons.get(reason, reason)} ({answer})", many, total)
            for (answer, reason), many in by_reason.most_common()
        ),
    )


def _of(by_reader: dict[tuple[str, str], int], answer: Answer) -> int:
    return sum(many for (_, given), many in by_reader.items() if given == answer.value)


def _rate(name: str, count: int, of: int) -> Rate:
    low, high = wilson_interval(count, of) if of else (0.0, 1.0)
    return Rate(name, count, of, low, high)
