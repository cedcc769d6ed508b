"""What a change of the key says, and that nothing of it can be said otherwise."""

from __future__ import annotations

import pytest

from hitl_review.domain.rotation import Rotation, read_rotation
from hitl_review.errors import AuditError

ROTATION = Rotation("abc123", 7, "d" * 64, "b2xk", "bmV3")


def test_the_statement_names_log_place_and_both_keys() -> None:
    """The text that the old key signs, to the letter."""
    assert ROTATION.statement == (
        "hitl-review key rotation\nhitl-review.example/abc123\nbehind event 7, head " + "d" * 64 + "\n"
        "from b2xk\nto bmV3\n"
    )


def test_what_an_event_tells_is_read_back() -> None:
    """With the signature over it."""
    assert read_rotation("abc123", ROTATION.detail("c2ln")) == (ROTATION, "c2ln")


@pytest.mark.parametrize("name", ["size", "head", "old", "new", "signature"])
@pytest.mark.parametrize("value", [None, True, 7.0, ["7"]])
def test_a_part_of_another_kind_is_refused(name: str, value: object) -> None:
    """One sentence for whatever is missing."""
    with pytest.raises(AuditError) as refused:
        read_rotation("abc123", {**ROTATION.detail("c2ln"), name: value})
    assert str(refused.value) == "it does not tell what a change of the key has to tell"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 8),
        ("head", "e" * 64),
        ("old", "bmV3"),
        ("new", "b2xk"),
        ("statement", ""),
        ("statement", None),
    ],
)
def test_numbers_that_do_not_make_the_statement_are_refused(name: str, value: object) -> None:
    """What was signed is the statement; nothing beside it may say something else."""
    with pytest.raises(AuditError) as refused:
        read_rotation("abc123", {**ROTATION.detail("c2ln"), name: value})
    assert str(refused.value) == "the statement that was signed is not the one its numbers make"


def test_a_statement_about_another_log_is_refused() -> None:
    """The origin is the log's own, not what the event says."""
    with pytest.raises(AuditError):
        read_rotation("another", ROTATION.detail("c2ln"))
