"""Why the product does not just compare two percentages: false alarms of each analysis on null studies.

    python tests/benchmarks/bench_type_one_error.py --studies 1000 [--json FILE]

Draws studies in which the two modalities are equally good (Roe-Metz model) and counts how often each
analysis calls a difference at a nominal 5 %. Leaves with 1 if the default analysis, pooled over the
structures, falls outside 3 to 7 %. At 1,000 studies a share of 5 % is known to about 1.4 points
either way, so single structures scatter more than the pool.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from hitl_review.study.mrmc import analyse
from hitl_review.study.paired import mcnemar
from hitl_review.study.reads import Reads
from hitl_review.study.simulation import STRUCTURES, simulate
from hitl_review.study.ustatistics import auc_difference

ALPHA = 0.05
SEPARATION = 1.5
LOW, HIGH = 0.03, 0.07


@dataclass(frozen=True)
class Design:
    """One row of the table."""

    structure: str
    n_readers: int
    n_per_class: int


DESIGNS = (
    Design("HH", 5, 50),
    Design("HH", 10, 50),
    Design("HH", 3, 20),
    Design("LL", 5, 50),
    Design("LL", 10, 50),
    Design("LL", 3, 20),
)


def by_default(reads: Reads) -> float | None:
    """Obuchowski-Rockette with Hillis' df, jackknife, readers and cases random."""
    return analyse(reads).test.p


def readers_fixed(reads: Reads) -> float | None:
    """The same with readers fixed: true of these readers only."""
    return analyse(reads, readers="fixed").test.p


def cases_fixed(reads: Reads) -> float | None:
    """The same with cases fixed: true of these cases only."""
    return analyse(reads, cases="fixed").test.p


def by_ustatistics(reads: Reads) -> float | None:
    """Gallas' one-shot analysis."""
    return auc_difference(reads, *reads.modalities).p


def naive_pool(reads: Reads) -> float | None:
    """McNemar's test on all reads in one heap, as if each were another patient and another reader."""
    first, second = (each.ravel() for each in (reads.ratings >= SEPARATION / 2) == reads.truth)
    return mcnemar(first, second).p


def t_over_cases(reads: Reads) -> float | None:
    """Paired t test over cases of the share of readers who were right."""
    right = ((reads.ratings >= SEPARATION / 2) == reads.truth).mean(axis=1)
    return float(stats.ttest_rel(right[0], right[1]).pvalue) if (right[0] != right[1]).any() else None


ANALYSES: dict[str, Callable[[Reads], float | None]] = {
    "default": by_default,
    "readers fixed": readers_fixed,
    "cases fixed": cases_fixed,
    "U-statistics": by_ustatistics,
    "naive pooled test": naive_pool,
    "t test over cases": t_over_cases,
}


def rejections(design: Design, n_studies: int, seed: int) -> dict[str, float]:
    """Share of null studies in which each analysis calls a difference; "not estimable" calls none."""
    called = dict.fromkeys(ANALYSES, 0)
    for number in range(n_studies):
        reads = simulate(
            STRUCTURES[design.structure],
            n_readers=design.n_readers,
            n_negative=design.n_per_class,
            n_positive=design.n_per_class,
            separations=(SEPARATION, SEPARATION),
            seed=seed + number,
        )
        for name, analysis in ANALYSES.items():
            p = analysis(reads)
            called[name] += p is not None and p < ALPHA
    return {name: count / n_studies for name, count in called.items()}


def main() -> int:
    """Print the table; 1 if the default analysis does not hold its level."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--studies", type=int, default=1000, help="null studies per design")
    parser.add_argument("--seed", type=int, default=20250101)
    parser.add_argument("--json", type=Path, help="also write the table here")
    asked = parser.parse_args()
    print(
        f"{'structure':<10}{'readers':>8}{'cases':>8}" + "".join(f"{name:>19}" for name in ANALYSES),
        flush=True,
    )
    rows = []
    for design in DESIGNS:
        shares = rejections(design, asked.studies, asked.seed)
        rows.append({**vars(design), "studies": asked.studies, "rejected": shares})
        cases = f"{design.n_per_class}+{design.n_per_class}"
        print(
            f"{design.structure:<10}{design.n_readers:>8}{cases:>8}"
            + "".join(f"{share:>19.3f}" for share in shares.values()),
            flush=True,
        )
    pooled = float(np.mean([row["rejected"]["default"] for row in rows]))
    print(f"default analysis over all {len(rows) * asked.studies} studies: {pooled:.3f} (nominal {ALPHA})")
    if asked.json:
        asked.json.write_text(json.dumps({"alpha": ALPHA, "seed": asked.seed, "rows": rows}, indent=1) + "\n")
    return 0 if LOW <= pooled <= HIGH else 1


if __name__ == "__main__":
    sys.exit(main())
