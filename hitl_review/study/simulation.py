"""Reader studies drawn from the Roe-Metz model: to check the analysis, to plan, to demonstrate. Never data.

score = mu * truth + (reader, case, reader x case, and each of them x modality) + error, all normal,
drawn anew for positives and negatives (Roe and Metz 1997, Academic Radiology 4:298-303). The case,
case x modality, reader x case and error variances add up to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from hitl_review.errors import StudyError
from hitl_review.study.reads import FloatArray, Reads, as_reads


@dataclass(frozen=True, slots=True)
class RoeMetz:
    """Variances of one structure of the model; `reader` is that of reader, and again of modality x reader."""

    reader: float
    case: float
    modality_case: float
    reader_case: float
    error: float


# First letter: how strongly cases tie the reads together; second: how much readers differ.
HIGH_HIGH = RoeMetz(reader=0.030, case=0.3, modality_case=0.3, reader_case=0.2, error=0.2)
HIGH_LOW = RoeMetz(reader=0.0055, case=0.3, modality_case=0.3, reader_case=0.2, error=0.2)
LOW_HIGH = RoeMetz(reader=0.030, case=0.1, modality_case=0.1, reader_case=0.2, error=0.6)
LOW_LOW = RoeMetz(reader=0.0055, case=0.1, modality_case=0.1, reader_case=0.2, error=0.6)
STRUCTURES = {"HH": HIGH_HIGH, "HL": HIGH_LOW, "LH": LOW_HIGH, "LL": LOW_LOW}


def simulate(
    structure: RoeMetz,
    *,
    n_readers: int,
    n_negative: int,
    n_positive: int,
    separations: tuple[float, ...] = (1.5, 1.5),
    seed: int,
) -> Reads:
    """One simulated, fully crossed study; the same seed gives the same study.

    Parameters
    ----------
    separations : one float per modality
        Distance mu of the classes: 0.75, 1.5 and 2.5 give AUCs of about 0.70, 0.86 and 0.96. Equal
        values make a null study.
    """
    if min(n_readers, n_negative, n_positive, len(separations)) < 1:
        raise StudyError("A simulated study needs at least one reader, modality, negative and positive case.")
    random = np.random.default_rng(seed)
    negatives = _scores(random, structure, len(separations), n_readers, n_negative)
    positives = _scores(random, structure, len(separations), n_readers, n_positive)
    positives += np.array(separations)[:, None, None]
    truth = np.repeat([False, True], [n_negative, n_positive])
    names = [f"modality {number + 1}" for number in range(len(separations))]
    return as_reads(np.concatenate([negatives, positives], axis=2), truth, modalities=names)


def _scores(
    random: np.random.Generator, structure: RoeMetz, n_modalities: int, n_readers: int, n_cases: int
) -> FloatArray:
    """Every random effect of one truth class, added up; shape (modalities, readers, cases)."""
    effects = (
        (structure.reader, (1, n_readers, 1)),
        (structure.reader, (n_modalities, n_readers, 1)),
        (structure.case, (1, 1, n_cases)),
        (structure.modality_case, (n_modalities, 1, n_cases)),
        (structure.reader_case, (1, n_readers, n_cases)),
        (structure.error, (n_modalities, n_readers, n_cases)),
    )
    total = np.zeros((n_modalities, n_readers, n_cases))
    for variance, shape in effects:
        total = total + sqrt(variance) * random.standard_normal(shape)
    return total
