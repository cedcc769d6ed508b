"""A result as text that a statistician can read: what was asked, every number that matters, what to mind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hitl_review.study.results import Contrast, MrmcResult, Performance, is_normal
from hitl_review.study.ustatistics import UStatistic


def summary(result: MrmcResult, *, cross_check: UStatistic | None = None) -> str:
    """The whole result in lines of text, with the U-statistics' answer beside it where one is given."""
    blocks = [
        _heading(result),
        _performances(result),
        _differences(result),
        _overall(result),
        _components(result),
        _by_reader(result),
        _cross_check(cross_check),
        _notes(result),
    ]
    return "\n\n".join("\n".join(lines) for lines in map(list, blocks) if lines)


def number(value: float | None, digits: int = 5) -> str:
    """A number with fixed digits; a dash for what is not estimable."""
    return "-" if value is None else f"{value:.{digits}f}"


def p_value(p: float | None) -> str:
    """A p value with four digits, never printed as zero."""
    if p is None:
        return "-"
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"


def degrees(df: float | None) -> str:
    """Degrees of freedom; "inf" for the normal distribution."""
    if df is None:
        return "-"
    return "inf" if is_normal(df) or df > 1e6 else f"{df:.2f}"


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in columns, the first to the left and the others to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    for row in [header, *rows]:
        cells = [
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _heading(result: MrmcResult) -> Iterator[str]:
    n_negative = result.n_cases - result.n_positive
    yield (
        f"{result.metric.label}; readers {result.readers}, cases {result.cases}; covariances by "
        f"{result.covariance}"
    )
    yield (
        f"{_count(len(result.modalities), 'modality', 'modalities')}, "
        f"{_count(len(result.reader_names), 'reader', 'readers')}, {_count(result.n_cases, 'case', 'cases')} "
        f"({result.n_positive} positive, {n_negative} negative)"
    )
    yield f"Design: {result.nesting.words()}"


def _performances(result: MrmcResult) -> Iterator[str]:
    header = ["Modality", result.metric.label, "SE", "df", *_limits(result)]
    rows = [
        [each.modality, number(each.estimate), number(each.se), degrees(each.df), *_ci(each)]
        for each in result.performances
    ]
    yield from aligned(header, rows)


def _differences(result: MrmcResult) -> Iterator[str]:
    if not result.differences:
        return
    test = "z" if is_normal(result.differences[0].df) else "t"
    header = ["Difference", "Estimate", "SE", test, "df", "p", *_limits(result)]
    yield from aligned(header, [_difference(each) for each in result.differences])


def _difference(each: Contrast) -> list[str]:
    values = [
        number(each.estimate),
        number(each.se),
        number(each.statistic, 3),
        degrees(each.df),
        p_value(each.p),
    ]
    return [f"{each.first} - {each.second}", *values, *_ci(each)]


def _overall(result: MrmcResult) -> Iterator[str]:
    test = result.test
    if not result.differences:
        return
    if test.statistic is None or test.df1 is None:
        yield f"Are the modalities equal? Not testable because {test.reason}."
        return
    df = f"{test.df1:.0f}" if test.kind == "X2" else f"{test.df1:.0f}, {degrees(test.df2)}"
    p = p_value(test.p)
    equals = "" if p.startswith("<") else "= "
    yield f"Are the modalities equal? {test.kind}({df}) = {test.statistic:.5f}, p {equals}{p}"


def _components(result: MrmcResult) -> Iterator[str]:
    error = result.components
    yield "Variance components (estimates; those of readers may be negative)"
    rows = [
        ["Var(reader)", _scientific(result.var_reader), ""],
        ["Var(modality x reader)", _scientific(result.var_interaction), ""],
        ["Var(error)", _scientific(error.var), ""],
    ]
    for name, value in (("Cov1", error.cov1), ("Cov2", error.cov2), ("Cov3", error.cov3)):
        rows.append([name, _scientific(value), f"{value / error.var:.3f}" if error.var > 0 else "-"])
    yield from aligned(["Component", "Estimate", "Correlation"], rows)


def _by_reader(result: MrmcResult) -> Iterator[str]:
    """Each reader's figures of merit, and with two modalities the difference, over cases only."""
    yield "By reader (over cases; about this reader only)"
    two = len(result.modalities) == 2 and bool(result.reader_differences)
    by_cell = {(each.modality, each.reader): each for each in result.reader_performances}
    differences = {each.reader: each for each in result.reader_differences} if two else {}
    header = ["Reader", *result.modalities, *(["Difference", "p", *_limits(result)] if two else [])]
    rows = []
    for reader in result.reader_names:
        cells = [by_cell.get((modality, reader)) for modality in result.modalities]
        values = ["" if cell is None else number(cell.estimate) for cell in cells]
        each = differences.get(reader)
        extra = [] if each is None else [number(each.estimate), p_value(each.p), *_ci(each)]
        rows.append([reader, *values, *extra])
    yield from aligned(header, rows)


def _cross_check(found: UStatistic | None) -> Iterator[str]:
    if found is None:
        return
    what = f"Cross-check by U-statistics, {found.modality} - {found.other}"
    if found.se is None:
        yield f"{what}: {number(found.estimate)}, not estimable because {found.reason}."
        return
    ci = "" if found.ci is None else f", interval {number(found.ci[0])} to {number(found.ci[1])}"
    se, df, p = number(found.se), degrees(found.df), p_value(found.p)
    yield f"{what}: {number(found.estimate)}, SE {se}, df {df}, p {p}{ci}"


def _notes(result: MrmcResult) -> Iterator[str]:
    reasons = [f"{each.first} - {each.second}: {each.reason}." for each in result.differences if each.reason]
    yield from (f"Note: {note}" for note in (*reasons, *result.notes))


def _limits(result: MrmcResult) -> list[str]:
    return [f"{100 * result.confidence:g} % CI from", "to"]


def _ci(each: Contrast | Performance) -> list[str]:
    return ["-", "-"] if each.ci is None else [number(limit) for limit in each.ci]


def _scientific(value: float | None) -> str:
    return "-" if value is None else f"{value:.8f}"


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"
