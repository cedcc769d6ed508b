"""The analyses agree with programs whose results are on data that is not ours to ship.

These run where the folder of reference results is beside the repository, and are not collected where
it is not; `test_oracles.py` always compares the studies that are ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hitl_review.study import moments, ustatistics
from hitl_review.study.hypotheses import noninferiority
from hitl_review.study.mrmc import analyse
from hitl_review.study.paired import delong, delong_auc
from hitl_review.study.power import Pilot, power, sample_size
from hitl_review.study.pseudovalues import analyse_pseudovalues
from hitl_review.study.reads import Reads
from hitl_review.study.results import Contrast, MrmcResult
from hitl_review.study.standalone import readers_against_model
from tests.study.oracle_rjafroc import check_rjafroc
from tests.study.references import BESIDE, MODES, available, close, left_out, reads_of, recorded
from tests.study.test_oracles import check_contrasts, check_ustatistic_rows


def check_one_reader(entry: dict[str, Any]) -> None:
    """MRMCaov srmc: one reader's difference with DeLong covariances."""
    reads = reads_of(entry["dataset"]).by(str(entry["args"]["reader"]))
    result, values = analyse(reads, covariance="delong"), entry["values"]
    error = result.components
    close([error.var, error.cov1, error.cov2, error.cov3], values["vcov_comps"]["Estimate"])
    shares = [each / error.var for each in (error.cov1, error.cov2, error.cov3)]
    close([None, *shares], values["vcov_comps"]["Correlation"])
    close(result.figures_of_merit[:, 0], values["cells"]["empirical_auc"])
    check_contrasts(result.differences, values["test_diffs"])
    means = values["reader_means"]
    for row, found in enumerate(result.reader_performances):
        assert found.modality == means["treatment"][row] and means["reader"][row] == "1"  # it counts anew
        close([found.estimate, found.se], [means["empirical_auc"][row], means["StdErr"][row]])
        close(found.ci, [means["CI.Lower"][row], means["CI.Upper"][row]])


def check_delong(entry: dict[str, Any]) -> None:
    """pROC: DeLong's paired test and single interval."""
    reads, values = reads_of(entry["dataset"]).by(str(entry["args"]["reader"])), entry["values"]
    first, second = reads.ratings[:, 0]
    found, alone = delong(reads.truth, first, second), delong_auc(reads.truth, first)
    close([found.first, found.second, found.z, found.p], [values[key] for key in ("auc1", "auc2", "Z", "p")])
    close(found.ci, values["ci"])
    close([alone.ci[0], alone.auc, alone.ci[1], alone.variance], [*values["ci_auc1"], values["var1"]])


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
    # Its interval of the readers' own mean takes the differences' error, so that the model's adds to it.
    shift = found.readers_mean - found.estimate
    of_mean = [limit + shift for limit in found.ci]
    close(of_mean, values["CIAvgRadFom" if cases == "fixed" else "CIAvgRad"])
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
    own, difference = values["ciAvgRdrEachTrt"], values["ciDiffFom"]
    close([each.ci[0] for each in result.performances], own["CILower"])
    close([each.ci[1] for each in result.performances], own["CIUpper"])
    close([each.estimate for each in result.performances], own["Estimate"])
    close([each.components.cov2 for each in result.performances], own["Cov2"])
    close([None, result.performances[1].df], own["DF"])
    close(result.figures_of_merit[1], values["fomRAD"])
    means = [result.performances[0].estimate, result.performances[1].estimate, -result.estimate]
    close(means, [values[k] for k in ("fomCAD", "avgRadFom", "avgDiffFom")])
    close(np.var(result.figures_of_merit[1] - result.figures_of_merit[0], ddof=1), values["varDiffFom"])
    close([result.var_reader, result.var_interaction], [values["varR"], values["varTR"]], absolute=1e-15)
    contrast = result.differences[0]
    close([contrast.df, -contrast.statistic, contrast.p], [difference[k] for k in ("DF", "t", "PrGTt")])
    close([-limit for limit in contrast.ci[::-1]], [difference["CILower"], difference["CIUpper"]])
    assert values["ndf"] == result.test.df1


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
    assert values["p_doc_two_sided"] == pytest.approx(2 * values["p_one_sided"])
    estimate = values["AUCA"] - values["AUCB"]
    found = Contrast(values["modA"], values["modB"], estimate, values["se"], values["df"], None, None, None)
    verdict = noninferiority(found, margin=values["margin"])
    close([verdict.statistic, verdict.p], [values["t"], values["p_one_sided"]])
    assert not verdict.shown


def check_printout(entry: dict[str, Any]) -> None:
    """OR-DBM MRMC 2.51: every line of numbers is one we compute, to its last printed digit, and no other."""
    text = (BESIDE / "published" / f"OR-DBM-MRMC-2.51_{entry['values']}.txt").read_text()
    lines = [" ".join(re.sub(r"[(),|]", " ", line).split()) for line in text.splitlines()]
    found = set(printed_lines(reads_of(entry["dataset"])))
    assert found <= set(lines), found - set(lines)
    results = lines[next(number for number, line in enumerate(lines) if "Estimates" in line) :]
    numbers = {
        line for line in results if re.search(r"\d\.\d{4,}", line) and not re.search("Conclusion|DOI", line)
    }
    assert numbers <= found, numbers - found


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
        yield f"{name} {value}"
    yield f"1 - 2 {both.estimate:.8f}"
    yield f"R {n - 1} {squares.within[0]:.8f} {squares.within[1]:.8f}"
    for j, reader in enumerate(reads.readers):
        own = analyse(reads.by(reader)).components
        yield f"{j + 1} {own.var:.8f} {own.cov1:.8f}"
    yield f"Treatment 1 {squares.modality:.8f} {cases_fixed.test.statistic:.2f} {cases_fixed.test.p:.4f}"
    yield f"T*R {n - 1} {squares.error:.8f}"
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
    "MRMCaov srmc": check_one_reader,
    "pROC": check_delong,
    "iMRMC uStat11": check_mean_score,
    "iMRMC roc2binary": check_binary_endpoint,
    "RJafroc 2.1.3": check_rjafroc,
    "RJafroc StCadVsRad": check_model_alone,
    "RJafroc SsPower": check_power,
    "VIPER": check_viper,
    "printout": check_printout,
}
LEFT_OUT = {"MRMCaov srmc": {"design", "MS", "cells/treatment", "cells/reader"}}
"""Mean squares of one reader: MRMCaov writes what it has left from its table of all five, 2/3 of MS(T) and zeros."""
ENTRIES = [
    (start, entry) for start in CHECKS for entry in available() if entry["reference"].startswith(start)
]

if ENTRIES:

    def test_the_constant_matrices_of_the_moments_are_gallas_own() -> None:
        """Written in another form in the module, so compared in the published one."""
        published = json.loads((BESIDE / "ustat_matrices.json").read_text())
        assert moments.TO_UNBIASED_BY_READER.tolist() == published["B8"]
        rows = [0, 1, 3]  # the components of negatives, positives and readers
        assert moments.COMPONENT_OF_MOMENTS.tolist() == [published["B_alpha"][row] for row in rows]
        assert moments.COEFFICIENT_OF_COMPONENT.tolist() == [published["B_BDG2BCK"][row] for row in rows]

    @pytest.mark.parametrize(("start", "entry"), ENTRIES, ids=[entry["id"] for _, entry in ENTRIES])
    def test_every_reference_result_beside_the_repository_is_reproduced(
        start: str, entry: dict[str, Any]
    ) -> None:
        """Every value of the reference programs, to a relative 1e-8; print-outs to their last digit."""
        seen = recorded(entry)
        CHECKS[start](seen)
        assert left_out(seen) <= LEFT_OUT.get(start, set())
