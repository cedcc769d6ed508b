"""Statistics of reader studies: do people judge better with the model, alone, or is the model enough?

A library of its own: pure functions on arrays, numpy and scipy only. Start with a table of reads,
one row each, and `mrmc_analysis`; or with arrays and `as_reads`, then `analyse`.

    reads           Reads: who read which case under which modality, and what they said
    table           from a long table to Reads; mrmc_analysis, the one call for most
    accuracy        AUC, partial AUC, proportions with intervals, Brier score, net benefit
    calibration     reliability curve, slope and intercept, readers' confidence
    metrics         the same as figures of merit of the engine, or one's own
    covariance      jackknife, DeLong and unbiased covariances of the figures of merit
    components      mean squares and variance components
    mrmc            Obuchowski-Rockette with Hillis' degrees of freedom, every design
    pseudovalues    the Dorfman-Berbaum-Metz form of it
    moments, ustatistics   Gallas' one-shot analysis: split-plot studies, missing reads
    standalone      the model alone against readers
    hypotheses      non-inferiority, equivalence, "the team beats both", several endpoints
    paired          one reader: DeLong, McNemar
    power           readers and cases needed
    reliance        too much, too little, or well-placed trust in the advice
    agreement, group_agreement   kappa and its relatives
    aggregation     several readers as one
    reading_time    times as ratios
    simulation      studies drawn from the Roe-Metz model
    summary         a result as text
    reporting       a whole study as a report: HTML that prints, JSON, files for other programs

Ordinary tests on pooled reads call a difference that is not there in 6 to 34 % of studies at a
nominal 5 %, because reads of one case and reads of one reader are alike; these keep to 5 %. Share of
1,000 null studies each (Roe-Metz model) called different at a nominal 5 %, by `make slow` and
`tests/benchmarks/bench_type_one_error.py`:

    structure, readers, cases   default   readers fixed   cases fixed   U-statistics   naive pooled test
    HH, 5, 50 + 50               .049         .119           .118          .047             .250
    HH, 10, 50 + 50              .050         .083           .203          .050             .343
    HH, 3, 20 + 20               .042         .077           .080          .034             .141
    LL, 5, 50 + 50               .051         .062           .074          .045             .093
    LL, 10, 50 + 50              .054         .060           .142          .052             .131
    LL, 3, 20 + 20               .052         .044           .052          .029             .062

    >>> from hitl_review.study.simulation import HIGH_HIGH, simulate
    >>> reads = simulate(HIGH_HIGH, n_readers=5, n_negative=50, n_positive=50, seed=1)
    >>> result = analyse(reads)
    >>> result.test.kind, round(result.test.df1)
    ('F', 1)
"""

from __future__ import annotations

from hitl_review.study.hypotheses import complementarity, equivalence, noninferiority, superiority
from hitl_review.study.metrics import metric_from, metric_named
from hitl_review.study.mrmc import analyse
from hitl_review.study.power import power, sample_size
from hitl_review.study.reads import Reads, as_reads
from hitl_review.study.reliance import reliance
from hitl_review.study.standalone import readers_against_model
from hitl_review.study.summary import summary
from hitl_review.study.table import mrmc_analysis, read_table
from hitl_review.study.ustatistics import auc_difference

__all__ = [
    "Reads",
    "analyse",
    "as_reads",
    "auc_difference",
    "complementarity",
    "equivalence",
    "metric_from",
    "metric_named",
    "mrmc_analysis",
    "noninferiority",
    "power",
    "read_table",
    "readers_against_model",
    "reliance",
    "sample_size",
    "summary",
    "superiority",
]
