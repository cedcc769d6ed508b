"""Reader studies from the command line; `study mrmc` needs a table only, no workspace."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from hitl_review.cli import study_life, study_report
from hitl_review.cli.door import Door
from hitl_review.cli.showing import tell
from hitl_review.errors import StudyError

if TYPE_CHECKING:
    from hitl_review.study.reads import Reads
    from hitl_review.study.results import MrmcResult
    from hitl_review.study.ustatistics import UStatistic

_METRICS: Final = ("auc", "sensitivity", "specificity", "accuracy", "balanced_accuracy")
_MOST_PAIRS: Final = 50_000_000  # beyond it the cross-check would take longer than the analysis


@click.group("study", cls=Door)
def study() -> None:
    """Compare readers alone, readers with the model, and the model alone."""


for _command in (*study_life.COMMANDS, *study_report.COMMANDS):
    study.add_command(_command)


@study.command(
    "mrmc",
    epilog="\b\nExample:\n  hitl-review study mrmc reads.csv --modality-col arm --covariance delong",  # one line
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--truth-col", default="truth", show_default=True, help="Column of the reference standard, 0 or 1."
)
@click.option("--reader-col", default="reader", show_default=True, help="Column of the readers' names.")
@click.option(
    "--modality-col", default="modality", show_default=True, help="Column of the modalities' names."
)
@click.option("--case-col", default="case", show_default=True, help="Column of the cases' names.")
@click.option(
    "--rating-col", default="rating", show_default=True, help="Column of ratings, or of calls 0 or 1."
)
@click.option("--metric", type=click.Choice(_METRICS), default="auc", show_default=True)
@click.option(
    "--threshold",
    type=float,
    help="A rating from here on is a positive call; fix it before the study. Without it, ratings are 0 or 1.",
)
@click.option(
    "--covariance",
    type=click.Choice(["jackknife", "delong", "unbiased"]),
    default="jackknife",
    show_default=True,
)
@click.option("--readers", type=click.Choice(["random", "fixed"]), default="random", show_default=True)
@click.option("--cases", type=click.Choice(["random", "fixed"]), default="random", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.option(
    "--report", type=click.Path(path_type=Path), help="Also write the whole report: a new HTML file."
)
def mrmc(file: Path, as_json: bool, report: Path | None, **asked: Any) -> None:
    """Analyse a reader-study table: CSV or Parquet, one row per read.

    The difference is the first modality minus the second, in the order of the table (numbers in
    their own order). Readers and cases are random unless said otherwise: the result then holds for
    others like them. Nested and split-plot designs and missing reads are seen from the table.
    """
    import json

    from hitl_review.study.metrics import metric_named
    from hitl_review.study.mrmc import analyse
    from hitl_review.study.summary import summary
    from hitl_review.study.table import read_table

    columns = {name: asked[name] for name in asked if name.endswith("_col")}
    reads = read_table(read_columns(file, list(columns.values())), **columns)
    metric = metric_named(asked["metric"], threshold=asked["threshold"])
    settings = {name: asked[name] for name in ("covariance", "readers", "cases")}
    result = analyse(reads, metric=metric, **settings)
    if report is not None:
        _write_report(report, file, reads, asked)
    if as_json:
        tell(json.dumps(result.as_json(), allow_nan=False))
    else:
        tell(summary(result, cross_check=_cross_check(reads, result)))


def _write_report(out: Path, file: Path, reads: Reads, asked: dict[str, Any]) -> None:
    """Write what a report can say of a table without a protocol."""
    from hitl_review.study.reporting.page import html_of
    from hitl_review.study.reporting.plan import Plan
    from hitl_review.study.reporting.record import record_from_reads
    from hitl_review.study.reporting.report import report_on

    first, second = (*reads.modalities, "")[:2]
    plan = Plan(
        title=f"Reader study: {file.name}",
        first=first,
        second=second,
        design=reads.nesting.words(),
        endpoints=(asked["metric"],),
        threshold=asked["threshold"],
        covariance=asked["covariance"],
        readers_random=asked["readers"] == "random",
        cases_random=asked["cases"] == "random",
    )
    text = html_of(report_on(record_from_reads(reads, threshold=asked["threshold"]), plan))
    try:
        with out.open("x", encoding="utf-8") as page:
            page.write(text)
    except FileExistsError as error:
        raise StudyError(
            f"There is a file {out.name} already. Name another; a report replaces nothing."
        ) from error


def read_columns(file: Path, names: list[str]) -> dict[str, list[Any]]:
    """The named columns of a table file; names of readers and cases stay text, so that 1.10 is not 1.1."""
    if file.suffix.lower() in (".parquet", ".pq"):
        return _read_parquet(file, names)
    return _read_csv(file, names)


def _read_parquet(file: Path, names: list[str]) -> dict[str, list[Any]]:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(file)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise StudyError(
            f"'{file.name}' can't be read as Parquet ({error}); give a CSV or Parquet table."
        ) from error
    return {name: table.column(name).to_pylist() for name in _present(table.column_names, names, file)}


def _read_csv(file: Path, names: list[str]) -> dict[str, list[Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(f"'{file.name}' is not text in UTF-8; give a CSV or Parquet table.") from error
    if "\0" in text:
        raise StudyError(f"'{file.name}' is not a text file; give a CSV or Parquet table.")
    first_line = text.partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    if not rows or not any(rows[0]):
        raise StudyError(f"'{file.name}' is empty; give a table with a header and one row per read.")
    return _columns(file, rows, names)


def _columns(file: Path, rows: list[list[str]], names: list[str]) -> dict[str, list[Any]]:
    header, body = [name.strip() for name in rows[0]], [row for row in rows[1:] if row]
    wanted = _present(header, names, file)
    for number, row in enumerate(body, start=1):
        if len(row) != len(header):
            raise StudyError(
                f"Row {number} of '{file.name}' has {len(row)} cells, but the header has {len(header)}; "
                "correct that row."
            )
    return {name: [row[header.index(name)] for row in body] for name in wanted}


def _present(header: list[str], names: list[str], file: Path) -> list[str]:
    for name in names:
        if header.count(name) != 1:
            found = "has no column" if name not in header else "has more than one column"
            raise StudyError(
                f"'{file.name}' {found} '{name}'; its columns are {', '.join(header)}. Name the right one "
                "with the options --truth-col, --reader-col, --modality-col, --case-col and --rating-col."
            )
    return names


def _cross_check(reads: Reads, result: MrmcResult) -> UStatistic | None:
    """The U-statistics' answer to the same question, where it is one: AUC, readers and cases random."""
    from hitl_review.study.ustatistics import auc_difference

    pairs = len(reads.readers) * int(reads.truth.sum()) * int((~reads.truth).sum())
    random = result.readers == result.cases == "random" and len(reads.modalities) > 1
    if result.metric.name != "auc" or not random or pairs > _MOST_PAIRS:
        return None
    return auc_difference(reads, reads.modalities[0], reads.modalities[1])
