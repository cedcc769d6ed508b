"""The table for the analysis: flags, what was shown, and which rows the primary analysis takes."""

from __future__ import annotations

from collections import Counter

import pytest

from hitl_review.domain.decision import Modality
from hitl_review.domain.study import AnalysisRead, Study, Use
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.studies.analysing import analysis_reads, in_primary
from hitl_review.workflow.studies.simulating import make_demo_study
from hitl_review.workflow.workspace import Workspace


@pytest.fixture
def made(hospital: Workspace) -> tuple[Study, list[AnalysisRead]]:
    """A small demonstration study, unsealed, and its table."""
    study = make_demo_study(hospital, readers=2, n_cases=20)
    return study, analysis_reads(hospital, study.study_id)


def test_the_table_of_a_whole_study(made: tuple[Study, list[AnalysisRead]], hospital: Workspace) -> None:
    """Every read is there once, marked as simulated, with truth, model and flags that fit each other."""
    study, reads = made
    assert all(read.simulated for read in reads)
    assert Counter(read.use for read in reads if read.modality is Modality.UNAIDED) == {
        **{Use.STUDY: 2 * 20, Use.TRAINING: 2 * 4, Use.ATTENTION: 2 * 2, Use.REPEAT: 2 * 4}
    }
    primary = [read for read in reads if in_primary(study, read)]
    assert len({read.case_id for read in primary}) == 18
    assert all(read.truth is not None for read in primary)
    assert not any(read.wrong_ai or read.repeat or read.training or read.attention for read in primary)
    hidden = [read for read in reads if read.no_reveal]
    assert hidden and {read.modality for read in hidden} == {Modality.UNAIDED}
    for read in reads:
        shown = read.modality is Modality.AIDED
        assert (read.shown_probability is not None) is shown is (read.revealed_at is not None)
        if shown:
            assert (read.shown_probability == read.model_probability) is not read.wrong_ai
            if read.wrong_ai and read.truth is not None:
                assert read.shown_call is not read.truth
                assert read.model_call is read.truth
        assert (read.attention_passed is None) is not read.attention
    assert all(read.attention_passed for read in reads if read.attention)
    assert verify(hospital.folder).ok


def test_the_demonstration_is_completed_and_not_made_twice(hospital: Workspace) -> None:
    """A second run changes nothing; the same seed gives the same ratings in another study."""
    first = make_demo_study(hospital, readers=2, n_cases=8)
    assert make_demo_study(hospital, readers=2, n_cases=8) == first
    second = make_demo_study(hospital, "again", readers=2, n_cases=8)
    ratings = [
        [(read.reader, read.item, read.rating) for read in analysis_reads(hospital, study.study_id)]
        for study in (first, second)
    ]
    assert ratings[0] == ratings[1]
