"""Reads know their own design and refuse what is no study."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_review.errors import StudyError
from hitl_review.study.reads import as_reads

NAN = np.nan
TRUTH = [0, 1, 0, 1]


def test_a_full_table_is_complete() -> None:
    """Every reader read every case under every modality: nothing is nested."""
    nesting = as_reads(np.ones((2, 2, 4)), TRUTH).nesting
    assert nesting.complete and not (nesting.cases_in_readers or nesting.cases_in_modalities)
    assert nesting.words() == "every reader read every case under every modality"


def test_cases_nested_in_readers_are_seen() -> None:
    """No case was read by two readers."""
    cube = np.ones((2, 2, 4))
    cube[:, 0, 2:] = cube[:, 1, :2] = NAN
    nesting = as_reads(cube, TRUTH).nesting
    assert nesting.cases_in_readers and not nesting.cases_in_modalities and not nesting.readers_in_modalities


def test_cases_and_readers_nested_in_modalities_are_seen() -> None:
    """A parallel study: other readers, other cases."""
    cube = np.full((2, 2, 4), NAN)
    cube[0, 0, :2] = cube[1, 1, 2:] = 1
    nesting = as_reads(cube, TRUTH).nesting
    assert nesting.cases_in_modalities and nesting.readers_in_modalities
    assert "readers nested in modalities" in nesting.words()


def test_a_gap_is_counted_and_nests_nothing() -> None:
    """One read is missing."""
    cube = np.ones((2, 2, 4))
    cube[0, 0, 0] = NAN
    reads = as_reads(cube, TRUTH)
    assert reads.missing == 1 and "missing" in reads.nesting.words()


def test_one_reader_is_not_nested_in_anything() -> None:
    """With one reader or one modality there is nothing to be nested in."""
    nesting = as_reads(np.ones((1, 1, 4)), TRUTH).nesting
    assert nesting.complete and not (nesting.cases_in_readers or nesting.readers_in_modalities)


def test_a_part_of_a_study_leaves_out_who_has_no_reads_in_it() -> None:
    """Selecting a modality or a reader drops the readers and cases that are left without reads."""
    cube = np.ones((2, 2, 4))
    cube[0, 1], cube[0, :, 3] = NAN, NAN
    reads = as_reads(cube, TRUTH, modalities=["solo", "aided"], readers=["A", "B"])
    assert reads.under("solo").readers == ("A",) and len(reads.under("solo").cases) == 3
    assert reads.under("aided", "solo").modalities == ("aided", "solo")
    assert reads.by("B").modalities == ("aided",) and reads.by("B").ratings.shape == (1, 1, 4)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: as_reads(np.ones((2, 4)), TRUTH), "three axes"),
        (lambda: as_reads(np.ones((1, 1, 4)), TRUTH[:3]), "shape"),
        (lambda: as_reads(np.full((1, 1, 4), NAN), TRUTH), "there is none"),
        (lambda: as_reads([[[1.0] * 4], [[NAN] * 4]], TRUTH), "No case was read under 'modality 2'"),
        (lambda: as_reads(np.ones((1, 1, 4)), TRUTH).under("aided"), "no modality 'aided'"),
        (lambda: as_reads(np.ones((1, 1, 4)), TRUTH).by("Z"), "no reader 'Z'"),
    ],
)
def test_what_is_no_study_is_refused(call, words: str) -> None:
    """Wrong shapes, no reads, unknown names."""
    with pytest.raises(StudyError, match=words):
        call()
