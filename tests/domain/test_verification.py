"""A result is one verdict, with the first bad event and everything it can't tell."""

from __future__ import annotations

from hitl_review.domain.verification import TRUNCATION, Problem, Verification

CLEAN = Verification(1234, "ab" * 32, (), (TRUNCATION,))
BAD = Verification(
    9,
    "cd" * 32,
    (
        Problem(None, "schema", "trigger 'x' is missing"),
        Problem(7, "chain", "its hash is wrong"),
        Problem(3, "payload", "it is not canonical"),
    ),
    (TRUNCATION,),
)


def test_nothing_wrong_is_said_with_what_it_does_not_mean() -> None:
    """The words promise no more than a check can."""
    assert CLEAN.ok
    assert CLEAN.first_bad_seq is None
    assert CLEAN.as_lines() == [
        "Nothing wrong was found in 1,234 events.",
        f"Head of the log: {'ab' * 32}",
        "Note: truncation or rewriting after the last checkpoint you hold cannot be excluded.",
    ]


def test_the_first_bad_event_is_named_whatever_was_found_first() -> None:
    """By number, not by the order of the checks."""
    assert not BAD.ok
    assert BAD.first_bad_seq == 3
    assert BAD.as_lines()[0] == "3 problems were found in 9 events; the first event concerned is 3."
    assert "Problem (chain): event 7: its hash is wrong" in BAD.as_lines()
    assert "Problem (schema): trigger 'x' is missing" in BAD.as_lines()


def test_a_problem_of_no_single_event_names_none() -> None:
    """One problem is not called problems."""
    found = Verification(9, "cd" * 32, BAD.problems[:1], ())
    assert found.first_bad_seq is None
    assert found.as_lines()[0] == "1 problem was found in 9 events."


def test_the_object_for_programs_has_the_specified_keys() -> None:
    """And plain values only."""
    assert BAD.as_json() == {
        "ok": False,
        "events": 9,
        "head": "cd" * 32,
        "first_bad_seq": 3,
        "problems": [
            {"seq": None, "kind": "schema", "message": "trigger 'x' is missing"},
            {"seq": 7, "kind": "chain", "message": "its hash is wrong"},
            {"seq": 3, "kind": "payload", "message": "it is not canonical"},
        ],
        "checkpoints": [],
        "warnings": [TRUNCATION],
    }
