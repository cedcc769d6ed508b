"""Do physician and model together judge better than either alone? The answer on SUPPORT2, as Markdown.

    make evidence            (or: python tests/evidence/evidence_team.py)

9,105 patients of 1989 to 1994, of whom about 7,470 have their own physician's estimate, stated before the
outcome. Models are judged on patients they were not fitted on; so is the joint estimate. Leaves with 1 if the
bound is broken: at 180 days together beats both by at least 0.03 AUC, p < 0.001 each.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hitl_review.study.accuracy import brier_score, net_benefit, net_benefit_of_acting_on_all
from hitl_review.study.calibration import recalibration
from hitl_review.study.paired import AucDifference, delong, delong_auc
from tests.evidence.support2 import Floats, Patients, judged_by_the_product, patients, together

LEAST_GAIN, LARGEST_P = 0.03, 0.001
THRESHOLD = 0.5
PUBLISHED = (
    (
        "Knaus et al. 1995 (SUPPORT, 180 days)",
        "AUC of model about 0.78, physicians about 0.78, both combined 0.82",
        "the same study's patients; their combination, as ours, is a formula",
    ),
    (
        "Patel et al. 2019, Table 2 (Stanford, 50 chest X-rays)",
        "sensitivity / specificity: CheXNet 0.450 / 0.867, CheXMax 0.900 / 0.767, majority vote 0.625 / 0.917, "
        "swarm 0.700 / 0.933, swarm where the model was unsure 0.875 / 0.933",
        "50 cases; which cases went to people was chosen on the same cases; no variance over readers",
    ),
)
LIMITS = (
    "One physician per patient and no reader's id: tests are paired over patients (DeLong), so nothing is said of "
    "other physicians, and this is no study of many readers on many cases.",
    "Together is a formula on two estimates, not a person who saw the model: it says what two opinions are worth, "
    "not what people do with advice.",
    "SUPPORT's own model was developed on part of these patients, so its line is kinder to it than new patients "
    "would be. This product's model is judged by ten-fold cross-validation.",
    "1,633 patients have no 180-day estimate and are not in the table; they died a little more often.",
    "How near 0 and 1 a physician is taken at their word (5 %) was set with these data in view; any limit from "
    "2 to 10 % moves the joint AUC by less than 0.001.",
    "Care and patients of 1989 to 1994 in five US hospitals.",
)


@dataclass(frozen=True)
class Judge:
    """One line of the table: a name and what it said of each patient."""

    name: str
    said: Floats


def judges(found: Patients, product: Floats) -> tuple[list[Judge], list[tuple[str, Judge, Judge]]]:
    """Every line, and which two are compared under which words."""
    physician = Judge("physician alone", found.physician)
    lines, pairs = [physician], []
    for name, said in (("this product's model", product), ("SUPPORT's model", found.support)):
        model = Judge(f"{name} alone", said)
        joined = Judge(f"physician and {name}", together(found, said))
        lines += [model, joined]
        pairs += [
            (f"together less model ({name})", joined, model),
            (f"together less physician ({name})", joined, physician),
            (f"model less physician ({name})", model, physician),
        ]
    return lines, pairs


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def measured(died: Floats, judge: Judge) -> list[str]:
    """Discrimination, calibration and use of one judge."""
    area, line = delong_auc(died, judge.said), recalibration(died, judge.said)
    return [
        judge.name,
        f"{area.auc:.3f} ({area.ci[0]:.3f} to {area.ci[1]:.3f})",
        f"{brier_score(died, judge.said):.4f}",
        f"{line.slope:.2f}",
        f"{line.in_the_large:+.2f}",
        f"{net_benefit(died, judge.said, threshold=THRESHOLD):.3f}",
    ]


def compared(words: str, found: AucDifference) -> list[str]:
    """One paired test."""
    p = "< 0.0001" if found.p is not None and found.p < 0.0001 else f"{found.p:.4f}"
    return [words, f"{found.difference:+.3f} ({found.ci[0]:+.3f} to {found.ci[1]:+.3f})", f"{found.z:.1f}", p]


def by_disease(found: Patients, lines: Sequence[Judge]) -> Iterator[str]:
    """AUC of each judge in each of the eight disease groups, and what together gains over the better of two."""
    physician, model, joined = lines[0], lines[1], lines[2]
    rows = []
    for group in sorted(set(found.disease)):
        inside = found.disease == group
        died = found.died[inside]
        said = [judge.said[inside] for judge in (model, physician, joined)]
        gains = [delong(died, said[2], other) for other in said[:2]]
        better = gains[0] if gains[0].second >= gains[1].second else gains[1]
        rows.append(
            [
                str(group).replace("_", " "),
                f"{inside.sum():,}",
                f"{died.mean():.0%}",
                *(f"{delong_auc(died, each).auc:.3f}" for each in said),
                f"{better.difference:+.3f} ({better.ci[0]:+.3f} to {better.ci[1]:+.3f})",
            ]
        )
    header = [
        "disease group",
        "patients",
        "died",
        "model",
        "physician",
        "together",
        "over the better of both",
    ]
    yield from table(header, rows)


def horizon(days: int) -> tuple[list[str], dict[str, AucDifference]]:
    """The tables of one horizon, and its paired tests by name."""
    found = patients(days)
    lines, pairs = judges(found, judged_by_the_product(found))
    tests = {words: delong(found.died, one.said, other.said) for words, one, other in pairs}
    everybody = net_benefit_of_acting_on_all(found.died, threshold=THRESHOLD)
    text = [
        f"### Death within {days} days: {len(found.died):,} patients, {int(found.died.sum()):,} died",
        "",
        *table(
            ["who", "AUC (95 % CI)", "Brier", "slope", "in the large", "net benefit at 50 %"],
            [measured(found.died, each) for each in lines],
        ),
        f"\nNet benefit of treating all as if they would die: {everybody:.3f}; none: 0.",
        "",
        *table(
            ["AUC, paired (DeLong)", "difference (95 % CI)", "z", "p"],
            [compared(words, test) for words, test in tests.items()],
        ),
        "",
        *by_disease(found, lines),
        "",
    ]
    return text, tests


def kept(tests: dict[str, AucDifference]) -> bool:
    """Whether together beats both, with either model, by the bound."""
    gains = [test for words, test in tests.items() if words.startswith("together")]
    return all(test.difference >= LEAST_GAIN and (test.p or 0.0) < LARGEST_P for test in gains)


def main() -> int:
    """Print the tables; 1 if the bound is broken."""
    print("## Physician and model on SUPPORT2\n")
    held = True
    for days in (180, 60):
        text, tests = horizon(days)
        print("\n".join(text))
        held &= days != 180 or kept(tests)
    print("### Beside published figures\n")
    print("\n".join(table(["study", "figures", "mind"], PUBLISHED)))
    print("\n### What this can't show\n")
    print("\n".join(f"- {limit}" for limit in LIMITS))
    verdict = "kept" if held else "BROKEN"
    print(
        f"\nBound (180 days): together beats both by at least {LEAST_GAIN} AUC, p < {LARGEST_P}: {verdict}.\n"
    )
    return 0 if held else 1


if __name__ == "__main__":
    np.seterr(all="raise", under="ignore")
    sys.exit(main())
