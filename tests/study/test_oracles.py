"""The analyses agree with the established programs, value for value, to a relative 1e-8."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitl_review.study import ustatistics
from hitl_review.study.hypotheses import noninferiority
from hitl_review.study.metrics import metric_named
from hitl_review.study.moments import moments
from hitl_review.study.mrmc import analyse
from hitl_review.study.paired import delong, delong_auc
from hitl_review.study.power import Pilot, pilot_from, power, sample_size
from hitl_review.study.pseudovalues import analyse_pseudovalues
from hitl_review.study.reads import Reads
from hitl_review.study.results import Contrast, MrmcResult
from hitl_review.study.standalone import readers_against_model
from hitl_review.study.table import read_table

SHIPPED = Path(__file__).parents[1] / "oracles"
BESIDE = Path(os.environ.get("HITL_ORACLES", SHIPPED.parents[2] / "shared" / "oracles"))
METRICS = {"empirical_auc": "auc", "binary_sens": "sensitivity", "binary_spec": "specificity"}
MODES = {"rrrc": ("random", "random"), "frrc": ("fixed", "random"), "rrfc": ("random", "fixed")}


def close(found: Any, expected: Any, *, absolute: float = 1e-13) -> None:
    """Found equals expected to a relative 1e-8; what the reference leaves empty is not compared."""
    for one, other in zip(_listed(found), _listed(expected), strict=True):
        if other is not None:
            assert one == pytest.approx(other, rel=1e-8, abs=absolute)


def _listed(values: Any) -> list[Any]:
    """R writes a list of one as a single value."""
    return list(values) if isinstance(values, (list, tuple, np.ndarray)) else [values]


def available() -> Iterator[dict[str, Any]]:
    """Every reference result at hand: the shipped ones always, the others where their folder is there."""
    here = json.loads((SHIPPED / "mrmc_expected.json").read_text())
    yield from here
    if not (BESIDE / "mrmc_expected.json").exists():
        return
    known = {entry["id"] for entry in here}
    yield from (e for e in json.loads((BESIDE / "mrmc_expected.json").read_text()) if e["id"] not in known)
    for dataset, rows in json.loads((BESIDE / "viper_expected.json").read_text()).items():
        yield {"id": f"viper/{dataset}", "dataset": f"viper_{dataset}", "reference": "VIPER", "values": rows}
    for name in ("VanDyke", "Franken"):
        yield {"id": f"published/{name}", "dataset": name.lower(), "reference": "printout", "values": name}


@cache
def table(dataset: str) -> dict[str, list[str]]:
    """A data file as columns."""
    folder = SHIPPED if (SHIPPED / "data" / f"{dataset}.csv").exists() else BESIDE
    with (folder / "data" / f"{dataset}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


@cache
def reads_of(dataset: str, rating: str = "rating", case: str = "case") -> Reads:
    """A data file as reads, its modality column being called treatment or arm."""
    columns = table(dataset)
    modality = "arm" if "arm" in columns else "treatment"
    return read_table(columns, modality_col=modality, rating_col=rating, case_col=case)


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
    faulty = args["mode"] == "frrc" and result.components.cov2 < result.components.cov3
    if not faulty:  # MRMCaov leaves out max(Cov2 - Cov3, 0) where readers are fixed
        check_tests(result, values)
    check_means(result, values["test_means"])
    if "reader_test_diffs" in values:
        check_readers(result, values)


def check_cells(result: MrmcResult, values: dict[str, Any]) -> None:
    """Figures of merit and mean squares."""
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
        at = {key: _listed(column)[row] for key, column in expected.items()}
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
        close(found.se, expected["StdErr"][row])
        close(found.ci, [expected["CI.Lower"][row], expected["CI.Upper"][row]])
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
    for row, key in enumerate(zip(means["treatment"], means["reader"], strict=True)):
        if means["StdErr"][row] == 0:
            assert by_cell[key].se is None and by_cell[key].ci is None and by_cell[key].reason
            continue
        close(by_cell[key].se, means["StdErr"][row])
        close(by_cell[key].ci, [means["CI.Lower"][row], means["CI.Upper"][row]])


def check_one_reader(entry: dict[str, Any]) -> None:
    """MRMCaov srmc: one reader's difference with DeLong covariances."""
    reads = reads_of(entry["dataset"]).by(str(entry["args"]["reader"]))
    result, values = analyse(reads, covariance="delong"), entry["values"]
    error = result.components
    close([error.var, error.cov1, error.cov2, error.cov3], values["vcov_comps"]["Estimate"])
    check_contrasts(result.differences, values["test_diffs"])
    for found, low, high in zip(
        result.reader_performances,
        values["reader_means"]["CI.Lower"],
        values["reader_means"]["CI.Upper"],
        strict=True,
    ):
        close(found.ci, [low, high])


def check_delong(entry: dict[str, Any]) -> None:
    """pROC: DeLong's paired test and single interval."""
    reads, values = reads_of(entry["dataset"]).by(str(entry["args"]["reader"])), entry["values"]
    first, second = reads.ratings[:, 0]
    found, alone = delong(reads.truth, first, second), delong_auc(reads.truth, first)
    close([found.first, found.second, found.z, found.p], [values[key] for key in ("auc1", "auc2", "Z", "p")])
    close(found.ci, values["ci"])
    close([alone.ci[0], alone.auc, alone.ci[1], alone.variance], [*values["ci_auc1"], values["var1"]])


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


def check_ustatistic_rows(reads: Reads, rows: dict[str, Any], *, biased: bool, prefix: int = 0) -> None:
    """Rows of iMRMC's table: a modality alone, or the difference of two."""
    for row in range(len(rows["AUCA"])):
        first, second = rows["modalityA"][row][prefix:], rows["modalityB"][row][prefix:]
        settings = {"biased": biased, "imrmc_compat": True}
        if rows["modalityB"][row] == "NO_MOD":
            found = ustatistics.auc_of(reads, first, **settings)
            close(found.variance, rows["varAUCA"][row])
        else:
            found = ustatistics.auc_difference(reads, first, second, **settings)
            close([found.other_auc, found.estimate], [rows["AUCB"][row], rows["AUCAminusAUCB"][row]])
            close(found.variance, rows["varAUCAminusAUCB"][row])
        close(found.auc, rows["AUCA"][row])
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
            result = analyse(own.under(first), covariance="unbiased")
            close(result.estimate, rows["AUCA"][row])
            close(result.covariance_matrix[0, 0], rows["varAUCA"][row])
        else:
            s = analyse(own.under(first, second), covariance="unbiased").covariance_matrix
            close(s[0, 0] + s[1, 1] - 2 * s[0, 1], rows["varAUCAminusAUCB"][row])


def check_binary_endpoint(entry: dict[str, Any]) -> None:
    """iMRMC roc2binary: sensitivity and specificity at a threshold by U-statistics."""
    endpoint = "sensitivity" if entry["id"].endswith("tpf") else "specificity"
    reads = ustatistics.as_binary_endpoint(
        reads_of("imrmc_example"), endpoint, threshold=entry["args"]["threshold"]
    )
    check_ustatistic_rows(reads, entry["values"]["Ustat"], biased=False)


def check_mean_score(entry: dict[str, Any]) -> None:
    """iMRMC uStat11: means of calls over readers and cases, and their difference."""
    reads, values = reads_of("imrmc_example", "bin"), entry["values"]
    scores = (
        reads.ratings[:, :, reads.truth]
        if entry["id"].endswith("sens")
        else 1 - reads.ratings[:, :, ~reads.truth]
    )
    a, b = (ustatistics.mean_score(each) for each in scores)
    difference = ustatistics.mean_score_difference(scores[0], scores[1])
    close([a.mean, b.mean, difference.mean], values["identity_mean"], absolute=1e-12)
    close([a.variance, b.variance, difference.variance], values["identity_var"])
    close(
        [difference.mean, difference.variance],
        [values["diff_mean"][0], values["diff_var"][0]],
        absolute=1e-12,
    )


def check_rjafroc(entry: dict[str, Any]) -> None:
    """RJafroc: the Obuchowski-Rockette and the Dorfman-Berbaum-Metz analysis."""
    args, tests = entry["args"], entry["values"]["tests"]
    readers, cases = MODES[args["analysisOption"].lower()]
    run = analyse if args["method"] == "OR" else analyse_pseudovalues
    result = run(reads_of(entry["dataset"]), readers=readers, cases=cases)
    overall, difference, means = tests["FTests"], tests["ciDiffTrt"], tests["ciAvgRdrEachTrt"]
    close(result.test.statistic, overall.get("FStat", overall.get("F", overall.get("Chisq")))[0])
    close(result.test.p, overall["p"][0])
    close(result.differences[0].estimate, difference["Estimate"])
    close(result.differences[0].se, difference["StdErr"])
    close(result.differences[0].ci, [difference["CILower"], difference["CIUpper"]])
    for row, found in enumerate(result.performances):
        close([found.estimate, found.se], [means["Estimate"][row], means["StdErr"][row]])
        close(found.ci, [means["CILower"][row], means["CIUpper"][row]])
    if "ciDiffTrtEachRdr" in tests:
        close([each.se for each in result.reader_differences], tests["ciDiffTrtEachRdr"]["StdErr"])
        close(
            [each.p for each in result.reader_differences],
            tests["ciDiffTrtEachRdr"]["PrGTt" if run is analyse_pseudovalues else "PrGTz"],
        )
    if run is analyse:
        planning = pilot_from(result)
        variances = entry["values"]["ANOVA"]["VarCom"]["Estimates"]
        found = [planning.var_interaction, planning.cov1, planning.cov2, planning.cov3, planning.var]
        close(found, variances[1:], absolute=1e-15)
    if run is analyse_pseudovalues:
        table = entry["values"]["ANOVA"]["TRCanova"]
        for effect, square, df in zip(table["rownames"][:-1], table["SS"], table["DF"], strict=False):
            close([result.anova.squares[effect], result.anova.df[effect]], [square, df])
        close(
            [result.anova.components[name] for name in ("R", "C", "TR", "TC", "RC", "error")],
            entry["values"]["ANOVA"]["VarCom"]["Estimates"],
            absolute=1e-15,
        )


def check_model_alone(entry: dict[str, Any]) -> None:
    """RJafroc StCadVsRad: one model against nine radiologists, cases fixed, random, and as two modalities."""
    reads, values = reads_of(entry["dataset"]), entry["values"]
    model = reads.ratings[0, 0]
    readers = Reads(reads.ratings[:, 1:], reads.truth, reads.modalities, reads.readers[1:], reads.cases)
    if entry["args"]["method"] == "2T-RRRC":
        return check_model_as_readers(readers, model, values)
    cases = "fixed" if entry["args"]["method"] == "1T-RRFC" else "random"
    found = readers_against_model(readers, model, cases=cases)
    close(
        [found.model, found.readers_mean, found.estimate],
        [values[k] for k in ("fomCAD", "avgRadFom", "avgDiffFom")],
    )
    close(found.reader_values, values["fomRAD"])
    close(found.ci, values["CIAvgDiffFom"])
    close(
        [found.var_reader, found.statistic, found.df, found.p],
        [values[k] for k in ("varR", "Tstat", "df", "pval")],
    )
    if cases == "random":
        close([found.var_error, found.cov2], [values["varError"], values["cov2"]])
    return None


def check_model_as_readers(readers: Reads, model: Any, values: dict[str, Any]) -> None:
    """The model copied once per reader as a second modality gives the same t (and the same df)."""
    copied = np.broadcast_to(model, readers.ratings.shape)
    cube = np.concatenate([copied, readers.ratings])
    result = analyse(Reads(cube, readers.truth, ("model", "readers"), readers.readers, readers.cases))
    close(
        [result.test.statistic, result.test.df2, result.test.p],
        [values["FStat"], values["df"], values["pval"]],
    )
    close([-result.estimate, result.se], [values["ciDiffFom"]["Estimate"], values["ciDiffFom"]["StdErr"]])
    error = result.components
    close(
        [error.var, error.cov1, error.cov2, error.cov3],
        [values[k] for k in ("varError", "cov1", "cov2", "cov3")],
    )
    close([each.se for each in result.performances], values["ciAvgRdrEachTrt"]["StdErr"])
    close([each.ci[0] for each in result.performances], values["ciAvgRdrEachTrt"]["CILower"])


def check_power(entry: dict[str, Any]) -> None:
    """RJafroc SsPowerGivenJK and SsSampleSizeKGivenJ (Hillis 2011)."""
    a = entry["args"]
    pilot = Pilot(entry["id"], a["Var"], a["Cov1"], a["Cov2"], a["Cov3"], a["VarTR"], int(a["KStar"]))
    for row in entry["values"]["power"]:
        readers, cases = MODES[row["analysis"].lower()]
        design = {"n_readers": row["J"], "n_cases": row["K"], "readers": readers, "cases": cases}
        found = power(row["effect"], pilot=pilot, **design)
        close([found.power, found.noncentrality], [row["power"], row["ncp"]], absolute=1e-12)
        close(found.critical_value, row.get("f", row.get("chsq")))
        if row["df2"] is not None:
            close(found.df2, row["df2"])
    for row in entry["values"]["samplesize"]:
        found = sample_size(row["effect"], n_readers=row["J"], pilot=pilot)
        assert found.n_cases == row["K"]
        close(found.power, row["power"])


def check_viper(entry: dict[str, Any]) -> None:
    """iMRMC on VIPER: 20 radiologists, split-plot."""
    if entry["id"] == "viper/noninf":
        return check_noninferiority(entry["values"])
    rows = list(entry["values"].values())
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    check_ustatistic_rows(reads_of(entry["dataset"]), columns, biased=False)
    return None


def check_noninferiority(values: dict[str, Any]) -> None:
    """iMRMC's non-inferiority example, from its own estimate, standard error and df."""
    estimate = values["AUCA"] - values["AUCB"]
    found = Contrast(values["modA"], values["modB"], estimate, values["se"], values["df"], None, None, None)
    verdict = noninferiority(found, margin=values["margin"])
    close([verdict.statistic, verdict.p], [values["t"], values["p_one_sided"]])
    assert not verdict.shown


def check_printout(entry: dict[str, Any]) -> None:
    """OR-DBM MRMC 2.51: every number we can compute stands in the print-out, to its last printed digit."""
    text = (BESIDE / "published" / f"OR-DBM-MRMC-2.51_{entry['values']}.txt").read_text()
    lines = [" ".join(re.sub(r"[(),|]", " ", line).split()) for line in text.splitlines()]
    for expected in printed_lines(reads_of(entry["dataset"])):
        assert expected in lines, expected


def printed_lines(reads: Reads) -> Iterator[str]:
    """The print-out's lines of results, from our own analyses."""
    results = {mode: analyse(reads, readers=r, cases=c) for mode, (r, c) in MODES.items()}
    both, fixed, cases_fixed = results["rrrc"], results["frrc"], results["rrfc"]
    for j, (a, b) in enumerate(both.figures_of_merit.T):
        yield f"{j + 1} {a:.8f} {b:.8f}"
    squares, error, dbm = both.mean_squares, both.components, analyse_pseudovalues(reads).anova.components
    n, k = len(reads.readers), len(reads.cases)
    yield f"T {squares.modality:.8f} 1 {squares.modality:.8f}"
    yield f"R {squares.reader * (n - 1):.8f} {n - 1} {squares.reader:.8f}"
    yield f"T*R {squares.error * (n - 1):.8f} {n - 1} {squares.error:.8f}"
    yield f"Var R {both.var_reader:.8f}"
    yield f"Var T*R {both.var_interaction:.8f}"
    for name, value in (("COV1", error.cov1), ("COV2", error.cov2), ("COV3", error.cov3)):
        yield f"{name} {value:.8f} {value / error.var:.8f}"
    yield f"Var Error {error.var:.8f}"
    for name, effect in (("C", "C"), ("T*C", "TC"), ("R*C", "RC"), ("T*R*C + Var Error", "error")):
        yield f"Var {name} {dbm[effect]:.8f}"
    assert dbm["C"] == pytest.approx(k * error.cov3)
    yield f"Treatment 1 {squares.modality:.8f} {both.test.statistic:.2f} {both.test.p:.4f}"
    yield f"Error term {both.test.df2:.2f} {squares.modality / both.test.statistic:.8f}"
    yield from (
        printed_difference(each, df) for each, df in ((both, "{:.2f}"), (fixed, ""), (cases_fixed, "{:.0f}"))
    )
    yield f"{fixed.test.statistic:.5f} 1 {fixed.test.p:.4f}"
    for row in range(2):
        alone, own = [each.performances[row] for each in (both, fixed, cases_fixed)], squares.within[row]
        limits = [f"{each.ci[0]:.8f} {each.ci[1]:.8f}" for each in alone]
        name, value, cov2 = row + 1, f"{alone[0].estimate:.8f}", f"{alone[0].components.cov2:.8f}"
        yield f"{name} {value} {alone[0].se:.8f} {alone[0].df:.2f} {limits[0]} {cov2}"
        yield f"{name} {value} {alone[1].se:.8f} {limits[1]}"
        yield f"{name} {alone[1].components.var:.8f} {cov2}"
        yield f"{name} {value} {own:.8f} {alone[2].se:.8f} {n - 1} {limits[2]}"
    for j, each in enumerate(fixed.reader_differences):
        yield (
            f"{j + 1} 1 - 2 {each.estimate:.5f} {each.se:.5f} {each.statistic:.2f} {each.p:.4f} "
            f"{each.ci[0]:.5f} {each.ci[1]:.5f}"
        )


def printed_difference(result: MrmcResult, df: str) -> str:
    """A print-out's line of a treatment difference."""
    d = result.differences[0]
    freedom = df.format(d.df) + " " if df else ""
    return (
        f"1 - 2 {d.estimate:.5f} {d.se:.5f} {freedom}{d.statistic:.2f} {d.p:.4f} {d.ci[0]:.5f} {d.ci[1]:.5f}"
    )


CHECKS = {
    "MRMCaov 0.3.0": check_anova,
    "MRMCaov srmc": check_one_reader,
    "pROC": check_delong,
    "iMRMC 2.1.2": check_ustatistics,
    "iMRMC uStat11": check_mean_score,
    "iMRMC roc2binary": check_binary_endpoint,
    "RJafroc 2.1.3": check_rjafroc,
    "RJafroc StCadVsRad": check_model_alone,
    "RJafroc SsPower": check_power,
    "VIPER": check_viper,
    "printout": check_printout,
}


@pytest.mark.parametrize("entry", list(available()), ids=lambda entry: entry["id"])
def test_every_reference_result_is_reproduced(entry: dict[str, Any]) -> None:
    """Every value of the reference programs, to a relative 1e-8; print-outs to their last digit."""
    (check,) = [check for start, check in CHECKS.items() if entry["reference"].startswith(start)]
    check(entry)


def test_our_own_simulated_studies_are_always_compared() -> None:
    """The shipped reference results are there whatever else is, and cover crossed and split-plot designs."""
    shipped = json.loads((SHIPPED / "mrmc_expected.json").read_text())
    kinds = {(entry["dataset"], entry["args"].get("mode")) for entry in shipped}
    assert len(shipped) == 51 and ("sim_splitplot", "rrrc") in kinds and ("sim_assist", "rrfc") in kinds
