"""Somebody else acts in the moment between a step's look whether it may, and its transaction."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from hitl_review.domain.account import SYSTEM, Actor
from hitl_review.store.connection import Store, Transaction


def meanwhile(monkeypatch: pytest.MonkeyPatch, store: Store, act: Callable[[], object], *, before: int = 1) -> None:
    """Let somebody act just before a transaction of `store` begins: the next one, or the one that `before` counts."""
    begin, begun = store.transaction, 0

    def transaction(actor: Actor = SYSTEM) -> AbstractContextManager[Transaction]:
        nonlocal begun
        begun += 1
        if begun == before:
            act()
        return begin(actor)

    monkeypatch.setattr(store, "transaction", transaction)
