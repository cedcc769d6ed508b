"""The analysed reads for other programs: an archive for MRMCaov and iMRMC with a script, so that others can check.

The same reads give the same bytes. Names are written as they are, since a changed name would be another
case; do not open the tables in a spreadsheet that calculates cells.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np

from hitl_review.study.reporting.document import Report
from hitl_review.study.reporting.findings import primary_part
from hitl_review.study.reporting.opening import SIMULATED
from hitl_review.study.reporting.plan import Plan
from hitl_review.study.reporting.record import Record

_EPOCH = (1980, 1, 1, 0, 0, 0)
_COVARIANCE_IN_R = {"jackknife": "jackknife", "delong": "DeLong", "unbiased": "unbiased"}

SCRIPT = """\
# Computes the primary result again, in R, with the programs that statisticians know.
#   install.packages(c("MRMCaov", "iMRMC"))     (or from their repositories)
#   Rscript analyse.R                           (in this folder)
{mark}
reads <- read.csv("reads.csv", colClasses = c(reader = "character", case = "character", modality = "character"))
reads$modality <- factor(reads$modality, levels = c({levels}))

if (requireNamespace("MRMCaov", quietly = TRUE)) {{
  library(MRMCaov)
  # Differences are first less second level. Two things to mind in MRMCaov 0.3.0: with readers fixed it leaves out
  # max(Cov2 - Cov3, 0); and its jackknife can stop on ratings without ties (then take cov = DeLong).
  print(summary(mrmc(empirical_auc(truth, rating), modality, reader, case, data = reads, cov = {covariance})))
  if (all(!is.na(reads$call))) {{
    print(summary(mrmc(binary_sens(truth, call), modality, reader, case, data = reads)))
    print(summary(mrmc(binary_spec(truth, call), modality, reader, case, data = reads)))
  }}
}}

if (requireNamespace("iMRMC", quietly = TRUE)) {{
  # iMRMC rounds degrees of freedom down, and takes the normal distribution above 50.
  table <- read.csv("imrmc.csv", colClasses = c(readerID = "character", caseID = "character", modalityID = "character"))
  print(iMRMC::doIMRMC(table)$Ustat)
}}
"""

README = """\
# {title}: the analysed reads

{mark}
| file | holds |
|---|---|
| `reads.csv` | one row per read, with call and seconds: for MRMCaov, and for `hitl-review study mrmc reads.csv` |
| `imrmc.csv` | the same ratings for iMRMC; the rows of reader `truth` hold the reference standard |
| `analyse.R` | computes the primary result again in R |
| `report.json` | everything the report says, with its numbers |

Compared: {compared}. Differences are the first less the second. The tables hold the reads of the primary analysis:
not the training block, attention checks, repeats, reads without a reveal by plan{wrong}.
{found}
Laboratory study; figures of accuracy are of this enriched set.
"""


def archive(record: Record, plan: Plan, report: Report) -> bytes:
    """Return the archive: tables, script, report as JSON and what all of it is."""
    used = primary_part(record, plan)
    used = _in_order(used.only(used.analysed), plan)
    files = {
        "README.md": _readme(plan, report),
        "reads.csv": reads_csv(used),
        "imrmc.csv": imrmc_csv(used),
        "analyse.R": script(plan),
        "report.json": json.dumps(report.as_json(), allow_nan=False, indent=1) + "\n",
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(zipfile.ZipInfo(name, _EPOCH), text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _in_order(record: Record, plan: Plan) -> Record:
    """The reads of the first modality first, so that a program that goes by appearance has the same sign."""
    place = {name: number for number, name in enumerate((plan.first, plan.second))}
    keys = [(place.get(name, 2), row) for row, name in enumerate(record.modality)]
    return record.only(np.array([row for _, row in sorted(keys)], dtype=np.intp))


def reads_csv(record: Record) -> str:
    """The reads as a long table, for MRMCaov and for `study mrmc`."""
    rows = (
        [
            record.reader[row],
            record.modality[row],
            record.case[row],
            int(record.truth[row]),
            _plain(record.rating[row]),
            _plain(record.call[row]),
            _plain(record.seconds[row]),
        ]
        for row in range(len(record))
    )
    return _csv(["reader", "modality", "case", "truth", "rating", "call", "seconds"], rows)


def imrmc_csv(record: Record) -> str:
    """The ratings as iMRMC reads them: one row per case of the reference standard, then one per read."""
    truth = dict(zip(record.case, record.truth, strict=True))
    standard = (["truth", case, "truth", int(value)] for case, value in truth.items())
    rated = (
        [record.reader[row], record.case[row], record.modality[row], _plain(record.rating[row])]
        for row in np.flatnonzero(~np.isnan(record.rating))
    )
    return _csv(["readerID", "caseID", "modalityID", "score"], [*standard, *rated])


def script(plan: Plan) -> str:
    """The R script, with this study's modalities and covariance."""
    levels = ", ".join(json.dumps(name, ensure_ascii=False) for name in (plan.first, plan.second) if name)
    mark = f"# {SIMULATED}" if plan.simulated else ""
    return SCRIPT.format(levels=levels, covariance=_COVARIANCE_IN_R[plan.covariance], mark=mark)


def _readme(plan: Plan, report: Report) -> str:
    data = report.section("primary").data
    found = ""
    if data.get("p") is not None and data.get("ci") is not None:
        low, high = data["ci"]
        found = (
            f"\nThis program found for {data['metric']}: {data['estimate']:.6f} (SE {data['se']:.6f}, {low:.6f} to "
            f"{high:.6f}, p {data['p']:.6g}), covariance {data['covariance']}.\n"
        )
    return README.format(
        title=plan.title,
        mark=f"**{SIMULATED}**\n" if plan.simulated else "",
        compared=" and ".join(name for name in (plan.first, plan.second) if name),
        wrong="" if plan.wrong_in_primary else ", cases whose output was made wrong on purpose",
        found=found,
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _plain(value: float) -> str:
    """A number as short as it is exact; empty where there is none."""
    return "" if np.isnan(value) else f"{value:.15g}"
