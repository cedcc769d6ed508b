"""The analyses agree with MRMCaov and iMRMC, value for value, to a relative 1e-8, on every study at hand."""

from __future__ import annotations

from typing import Any

import pytest

from hitl_review.study import distributions, ustatistics
from hitl_review.study.metrics import metric_named
from hitl_review.study.moments import moments
from hitl_review.study.mrmc import analyse
from hitl_review.study.reads import Reads
from hitl_review.study.results import MrmcResult
from tests.study.references import (
    MODES,
    available,
    close,
    left_out,
    listed,
    reads_of,
    recorded,
    shipped_entries,
)

DESIGNS = {-1: (False, False), 1: (False, False), 2: (True, False), 3: (False, True)}
"""MRMCaov's numbers of designs (-1: reads missing): cases nested in readers, cases nested in modalities."""
METRICS = {"empirical_auc": "auc", "binary_sens": "sensitivity", "binary_spec": "specificity"}


def check_anova(entry: dict[str, Any]) -> None:
    """MRMCaov: components, overall test, differences, modality means, readers."""
    args, values = entry["args"], entry["values"]
    readers, cases = MODES[args["mode"]]
    result = analyse(
        reads_of(entry["dataset"], args["rating"], args["case"]),
        metric=metric_named(METRICS[args["metric"]]),
        covariance=args["cov"].lower(),
        readers=readers,
        cases=cases,
    )
    names = values["test_means"]["rownames"]
    assert list(result.modalities) == names
    check_cells(result, values)
    if "vcov_comps" in values:
        error = result.components
        found = [result.var_reader, result.var_interaction, error.var, error.cov1, error.cov2, error.cov3]
        close(found, values["vcov_comps"]["Estimate"], absolute=1e-15)
        shares = [error.cov1 / error.var, error.cov2 / error.var, error.cov3 / error.var]
        close([None, None, None, *shares], values["vcov_comps"]["Correlation"])
    faulty = args["mode"] == "frrc" and result.components.cov2 < result.components.cov3
    if faulty:  # MRMCaov leaves out max(Cov2 - Cov3, 0) where readers are fixed: looked at, not compared
        assert values["test_equality"]["X2"] != pytest.approx(result.test.statistic, rel=1e-6)
    else:
        check_tests(result, values)
    check_means(result, values["test_means"])
    if "reader_test_diffs" in values:
        check_readers(result, values)


def check_cells(result: MrmcResult, values: dict[str, Any]) -> None:
    """Figures of merit and mean squares."""
    nesting = result.nesting
    assert DESIGNS[values["design"]] == (nesting.cases_in_readers, nesting.cases_in_modalities)
    (metric,) = set(values["cells"]) - {"treatment", "reader", "rownames"}
    readers, names = list(result.reader_names), list(result.modalities)
    cells = values["cells"]
    for value, modality, reader in zip(cells[metric], cells["treatment"], cells["reader"], strict=True):
        close(result.figures_of_merit[names.index(modality), readers.index(reader)], value)
    squares = result.mean_squares
    close([squares.modality, squares.reader, squares.error], [values["MS"][key] for key in ("T", "R", "T:R")])


def check_tests(result: MrmcResult, values: dict[str, Any]) -> None:
    """The overall test and every pair of modalities."""
    overall, differences = values["test_equality"], values["test_diffs"]
    squares, error = result.mean_squares, result.components
    named = {"MS(T)": squares.modality, "MS(T:R)": squares.error, "Cov1": error.cov1, "Cov2": error.cov2}
    named |= {"Cov3": error.cov3, "df": result.test.df1}
    for name, found in named.items():
        close(found, overall.get(name))
    if "Denominator" in overall:
        close(squares.modality / result.test.statistic * result.test.df1, overall["Denominator"])
    close(result.test.statistic, overall.get("F", overall.get("X2")))
    close(result.test.p, overall["p-value"])
    if "df2" in overall:
        close([result.test.df1, result.test.df2], [overall["df1"], overall["df2"]])
    check_contrasts(result.differences, differences)


def check_contrasts(found: Any, expected: dict[str, Any]) -> None:
    """Contrasts against a reference's table of them."""
    names = expected["Comparison"]
    names = names if isinstance(names, list) else [names]
    assert [f"{each.first} - {each.second}" for each in found] == names
    close([each.estimate for each in found], expected["Estimate"])
    for row, each in enumerate(found):
        at = {key: listed(column)[row] for key, column in expected.items()}
        if at["StdErr"] == 0:  # the reference prints an interval of no width; we say why there is none
            assert each.se is None and each.ci is None and each.reason
            continue
        close([each.se, each.statistic, each.p], [at["StdErr"], at.get("t", at.get("z")), at["p-value"]])
        close(each.ci, [at["CI.Lower"], at["CI.Upper"]])
        close(each.df, at.get("df"))


def check_means(result: MrmcResult, expected: dict[str, Any]) -> None:
    """Every modality on its own."""
    for row, found in enumerate(result.performances):
        close(found.estimate, expected["Estimate"][row])
        assert found.modality == str(expected["rownames"][row])
        close(found.se, expected["StdErr"][row])
        close(found.ci, [expected["CI.Lower"][row], expected["CI.Upper"][row]])
        if "MS(R)" in expected:
            close(result.mean_squares.within[row], expected["MS(R)"][row])
        if "df" in expected:
            close(found.df, expected["df"][row])
        if "Cov2" in expected:
            close(found.components.cov2, expected["Cov2"][row])
        if "Var(Error)" in expected:
            close(found.components.var, expected["Var(Error)"][row])


def check_readers(result: MrmcResult, values: dict[str, Any]) -> None:
    """Every reader's own differences and means."""
    expected = values["reader_test_diffs"]
    order = {(each.reader, f"{each.first} - {each.second}"): each for each in result.reader_differences}
    found = [order[key] for key in zip(expected["Reader"], expected["Comparison"], strict=True)]
    check_contrasts(found, expected)
    check_reader_means(result, values["reader_means"])


def check_reader_means(result: MrmcResult, means: dict[str, Any]) -> None:
    """Every reader's figure of merit with its interval."""
    by_cell = {(each.modality, each.reader): each for each in result.reader_performances}
    (metric,) = {"empirical_auc", "binary_sens", "binary_spec"} & set(means)
    for row, key in enumerate(zip(means["treatment"], means["reader"], strict=True)):
        close(by_cell[key].estimate, means[metric][row])
        if means["StdErr"][row] == 0:
            assert by_cell[key].se is None and by_cell[key].ci is None and by_cell[key].reason
            continue
        close(by_cell[key].se, means["StdErr"][row])
        close(by_cell[key].ci, [means["CI.Lower"][row], means["CI.Upper"][row]])


def check_ustatistics(entry: dict[str, Any]) -> None:
    """iMRMC: unbiased and biased analysis, moments, every reader's variances."""
    reads, values = reads_of(entry["dataset"]), entry["values"]
    prefix = len(values["BDG_comp"]["modalityID.1"][0]) - len(max(reads.modalities, key=len))
    for block, biased in (("Ustat", False), ("MLEstat", True)):
        check_ustatistic_rows(reads, values[block], biased=biased, prefix=max(prefix, 1))
    for row, (a, b) in enumerate(
        zip(values["BDG_comp"]["modalityID.1"], values["BDG_comp"]["modalityID.2"], strict=True)
    ):
        found = moments(reads, a[1:], b[1:])
        close(found.unbiased, [values["BDG_comp"][f"M{m}"][row] for m in range(1, 9)])
        close(found.coefficients, [values["BDG_coeff"][f"M{m}"][row] for m in range(1, 9)])
    check_each_reader(reads, values["perReader"])


def check_counts(reads: Reads, rows: dict[str, Any], row: int, *, readers: bool = True) -> None:
    """Readers and cases of each class behind a row."""
    if readers:
        assert rows["NR"][row] == len(reads.readers)
    assert (rows["N0"][row], rows["N1"][row]) == (int((~reads.truth).sum()), int(reads.truth.sum()))


def check_by_normal(estimate: float, against: float, variance: float, rows: dict[str, Any], row: int) -> None:
    """iMRMC's second set of columns: the same estimate and variance, taken as normal."""
    expected = [rows[key][row] for key in ("pValueNormal", "botCInormal", "topCInormal")]
    for column, p in (("rejectNormal", "pValueNormal"), ("rejectBDG", "pValueBDG")):
        assert rows[column][row] == (None if rows[p][row] is None else int(rows[p][row] < 0.05))
    if expected[0] is None:
        assert variance < 0
        return
    se = variance**0.5
    p = distributions.t_two_sided((estimate - against) / se)
    close([p, *distributions.interval(estimate, se)], expected, absolute=1e-12)


def check_ustatistic_rows(reads: Reads, rows: dict[str, Any], *, biased: bool, prefix: int = 0) -> None:
    """Rows of iMRMC's table: a modality alone, or the difference of two."""
    for row in range(len(rows["AUCA"])):
        first, second = rows["modalityA"][row][prefix:], rows["modalityB"][row][prefix:]
        settings = {"biased": biased, "imrmc_compat": True}
        if rows["modalityB"][row] == "NO_MOD":
            found, against = ustatistics.auc_of(reads, first, **settings), 0.5
            close(found.variance, rows["varAUCA"][row])
            check_counts(reads.under(first), rows, row)
        else:
            found, against = ustatistics.auc_difference(reads, first, second, **settings), 0.0
            check_counts(reads, rows, row)
            alone = [ustatistics.auc_of(reads, each, **settings).variance for each in (first, second)]
            close(alone, [rows["varAUCA"][row], rows["varAUCB"][row]])
            close([found.other_auc, found.estimate], [rows["AUCB"][row], rows["AUCAminusAUCB"][row]])
            close(found.variance, rows["varAUCAminusAUCB"][row])
        close(found.auc, rows["AUCA"][row])
        check_by_normal(found.estimate, against, found.variance, rows, row)
        expected = [rows[key][row] for key in ("pValueBDG", "botCIBDG", "topCIBDG")]
        if expected[0] is None:
            assert found.p is None and found.ci is None and found.reason
            continue
        close([found.p, *found.ci], expected)
        close(found.df, rows["dfBDG"][row])


def check_each_reader(reads: Reads, rows: dict[str, Any]) -> None:
    """Every reader's AUCs, variances and variance of the difference, all unbiased."""
    for row, label in enumerate(rows["readerID"]):
        own = reads.by(label[1:])
        first, second = rows["modalityA"][row][1:], rows["modalityB"][row][1:]
        if rows["modalityB"][row] == "NO_MOD":
            check_counts(own.under(first), rows, row, readers=False)
            result = analyse(own.under(first), covariance="unbiased")
            close(result.estimate, rows["AUCA"][row])
            close(result.covariance_matrix[0, 0], rows["varAUCA"][row])
        else:
            shared = own.was_read.all(axis=(0, 1))
            counts = [int((shared & each).sum()) for each in (~own.truth, own.truth)]
            assert counts == [rows["N0"][row], rows["N1"][row]]
            result = analyse(own.under(first, second), covariance="unbiased")
            values = [*result.figures_of_merit[:, 0], result.estimate]
            close(values, [rows[key][row] for key in ("AUCA", "AUCB", "AUCAminusAUCB")], absolute=1e-12)
            s = result.covariance_matrix
            close([s[0, 0], s[1, 1]], [rows["varAUCA"][row], rows["varAUCB"][row]])
            close(s[0, 0] + s[1, 1] - 2 * s[0, 1], rows["varAUCAminusAUCB"][row])


CHECKS = {"MRMCaov 0.3.0": check_anova, "iMRMC 2.1.2": check_ustatistics}
FAULTY = {"test_diffs", *(f"test_equality/{key}" for key in ("MS(T)", "Denominator", "df", "p-value"))}
FAULTY |= {f"test_equality/{key}" for key in ("Cov1", "Cov2", "Cov3")}
ENTRIES = [
    (start, entry) for start in CHECKS for entry in available() if entry["reference"].startswith(start)
]


@pytest.mark.parametrize(("start", "entry"), ENTRIES, ids=[entry["id"] for _, entry in ENTRIES])
def test_every_reference_result_is_reproduced(start: str, entry: dict[str, Any]) -> None:
    """Every value of the reference program, to a relative 1e-8; none is left uncompared but a known fault."""
    seen = recorded(entry)
    CHECKS[start](seen)
    assert left_out(seen) <= (FAULTY if entry["args"].get("mode") == "frrc" else set())


def test_our_own_simulated_studies_are_always_compared() -> None:
    """The shipped reference results are there whatever else is, and cover crossed and split-plot designs."""
    shipped = shipped_entries()
    kinds = {(entry["dataset"], entry["args"].get("mode")) for entry in shipped}
    assert len(shipped) == 51 and ("sim_splitplot", "rrrc") in kinds and ("sim_assist", "rrfc") in kinds
