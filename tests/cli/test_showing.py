"""JSON to standard output, progress to a terminal's standard error and nowhere else."""

from __future__ import annotations

import json

import pytest

from hitl_review.cli.showing import print_json, steps_bar, words_line


def test_json_is_one_object_with_its_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """What stands there is what a person wrote."""
    print_json({"words": "µmol/L ≤ 3", "number": 0.1})
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"words": "µmol/L ≤ 3", "number": 0.1}
    assert "µmol/L ≤ 3" in printed


def test_a_number_that_json_does_not_know_is_never_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """NaN in the output would break the reader of it."""
    with pytest.raises(ValueError, match="JSON"):
        print_json({"number": float("nan")})
    assert capsys.readouterr().out == ""


def test_progress_is_hidden_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    """A script's log does not fill with bars."""
    with steps_bar() as step, words_line() as told:
        step(1, 2, "half")
        told("words")
        step(2, 2, "done")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_progress_is_drawn_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person sees how far it is, on standard error."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with steps_bar() as step:
        step(1, 2, "reading")
        step(2, 2, "done")
    with words_line() as told:
        told("7 cases judged")
    captured = capsys.readouterr()
    assert captured.out == ""
    for words in ("reading", "50%", "100%", "7 cases judged"):
        assert words in captured.err
