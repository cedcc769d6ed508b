"""What RJafroc says of a study, value for value: the Obuchowski-Rockette and the Dorfman-Berbaum-Metz analysis."""

from __future__ import annotations

from typing import Any

from hitl_review.study.mrmc import analyse
from hitl_review.study.power import pilot_from
from hitl_review.study.pseudovalues import PseudovalueResult, analyse_pseudovalues, anova, pseudovalues
from hitl_review.study.reads import Reads
from hitl_review.study.results import MrmcResult
from tests.study.references import MODES, close, listed, reads_of


def check_rjafroc(entry: dict[str, Any]) -> None:
    """Tests, intervals, figures of merit and the tables they come from."""
    args, values, reads = entry["args"], entry["values"], reads_of(entry["dataset"])
    readers, cases = MODES[args["analysisOption"].lower()]
    run = analyse if args["method"] == "OR" else analyse_pseudovalues
    result = run(reads, readers=readers, cases=cases)
    close([each.estimate for each in result.performances], values["FOMs"]["trtMeans"]["Estimate"])
    close(result.differences[0].estimate, values["FOMs"]["trtMeanDiffs"]["Estimate"])
    check_overall(result, values["tests"]["FTests"])
    check_difference(result, values["tests"]["ciDiffTrt"])
    check_means(result, values["tests"]["ciAvgRdrEachTrt"], normal=run is analyse and readers == "fixed")
    if "ciDiffTrtEachRdr" in values["tests"]:
        check_readers(
            result, values["tests"]["ciDiffTrtEachRdr"], "t" if run is analyse_pseudovalues else "z"
        )
    if run is analyse:
        check_or_tables(reads, result, values)
    else:
        check_dbm_tables(reads, result, values["ANOVA"])


def check_overall(result: Any, overall: dict[str, Any]) -> None:
    """Statistic, p, degrees of freedom, and the mean squares of numerator and denominator."""
    name = next(key for key in ("FStat", "F", "Chisq") if key in overall)
    close(result.test.statistic, overall[name][0])
    close(result.test.p, overall["p"][0])
    close([result.test.df1, result.test.df2], [overall["DF"][0], overall["DF"][1]])
    squares = result.anova.mean_squares["T"] if hasattr(result, "anova") else result.mean_squares.modality
    close([squares, squares / result.test.statistic * result.test.df1], overall["MS"])


def check_difference(result: Any, expected: dict[str, Any]) -> None:
    """First treatment minus the second."""
    found = result.differences[0]
    name, p = ("t", "PrGTt") if "t" in expected else ("z", "PrGTz")
    close([found.estimate, found.se], [expected["Estimate"], expected["StdErr"]])
    close([found.statistic, found.p], [expected[name], expected[p]])
    close(found.ci, [expected["CILower"], expected["CIUpper"]])
    close(found.df, expected.get("DF"))


def check_means(result: Any, means: dict[str, Any], *, normal: bool) -> None:
    """Every treatment alone. Its FRRC prints the cases less one as DF beside normal limits: not compared."""
    shown = [None, None] if normal and means["DF"] else means["DF"]
    for row, found in enumerate(result.performances):
        close([found.estimate, found.se], [means["Estimate"][row], means["StdErr"][row]])
        close(found.ci, [means["CILower"][row], means["CIUpper"][row]])
        close(found.df, shown[row])
        if "Cov2" in means:
            close(found.components.cov2, means["Cov2"][row])


def check_readers(result: Any, expected: dict[str, Any], name: str) -> None:
    """Every reader's own difference."""
    found = result.reader_differences
    close([each.estimate for each in found], expected["Estimate"])
    close([each.se for each in found], expected["StdErr"])
    close([each.statistic for each in found], expected[name])
    close([each.p for each in found], expected[f"PrGT{name}"])
    close([each.ci[0] for each in found], expected["CILower"])
    close([each.ci[1] for each in found], expected["CIUpper"])
    if "DF" in expected:
        close([each.df for each in found], expected["DF"])


def check_or_tables(reads: Reads, result: MrmcResult, values: dict[str, Any]) -> None:
    """Analysis of variance of the figures of merit, components, every treatment and reader alone."""
    table, variances = values["ANOVA"]["TRanova"], values["ANOVA"]["VarCom"]
    squares, error, n = result.mean_squares, result.components, len(reads.readers)
    found = [squares.modality, squares.reader, squares.error]
    close(found, table["MS"])
    close([1, n - 1, n - 1], table["DF"])
    close([found[0], found[1] * (n - 1), found[2] * (n - 1)], table["SS"])
    planning = pilot_from(result)
    # It puts max(Cov2 - Cov3, 0) into Var(R) too; OR-DBM MRMC 2.51 prints the estimate as we have it.
    cut = max(error.cov3 - error.cov2, 0.0) / 2
    of_readers = [result.var_reader - cut, planning.var_interaction]
    close(
        [*of_readers, error.cov1, error.cov2, error.cov3, error.var], variances["Estimates"], absolute=1e-15
    )
    shares = [each / error.var for each in (error.cov1, error.cov2, error.cov3)]
    close([None, None, *shares, None], variances["Rhos"])
    check_alone(reads, result, values["ANOVA"])
    if "IndividualRdrVarCov1" in values["tests"]:
        again, once = values["tests"]["IndividualRdrVarCov1"], values["ANOVA"]["IndividualRdr"]
        for key in ("varEachRdr", "cov1EachRdr"):
            close(again[key], once[key])


def check_alone(reads: Reads, result: MrmcResult, tables: dict[str, Any]) -> None:
    """The tables of every treatment and of every reader."""
    treatments, readers, n = tables["IndividualTrt"], tables["IndividualRdr"], len(reads.readers)
    close(treatments["DF"], [n - 1] * 2)
    close(readers["DF"], [1] * n)
    close(result.mean_squares.within, treatments["msREachTrt"])
    close([each.components.var for each in result.performances], treatments["varEachTrt"])
    close([each.components.cov2 for each in result.performances], treatments["cov2EachTrt"])
    close((result.figures_of_merit[0] - result.figures_of_merit[1]) ** 2 / 2, readers["msTEachRdr"])
    own = [analyse(reads.by(reader)).components for reader in reads.readers]
    close([each.var for each in own], readers["varEachRdr"])
    close([each.cov1 for each in own], readers["cov1EachRdr"])


def check_dbm_tables(reads: Reads, result: PseudovalueResult, tables: dict[str, Any]) -> None:
    """Analysis of variance of the pseudovalues, components, every treatment and reader alone."""
    table, values = tables["TRCanova"], pseudovalues(reads)
    effects = table["rownames"][:-1]
    close([result.anova.squares[each] for each in effects], table["SS"][:-1])
    close([result.anova.df[each] for each in effects], table["DF"][:-1])
    close([result.anova.mean_squares[each] for each in effects], listed(table["MS"])[:-1])
    close([sum(result.anova.squares.values()), values.size - 1], [table["SS"][-1], table["DF"][-1]])
    components = [result.anova.components[name] for name in ("R", "C", "TR", "TC", "RC", "error")]
    close(components, tables["VarCom"]["Estimates"], absolute=1e-15)
    of_treatment = [anova(values[[i]]) for i in range(values.shape[0])]
    of_reader = [anova(values[:, [j]]) for j in range(values.shape[1])]
    check_parts(of_treatment, tables["IndividualTrt"], ("R", "C", "RC"))
    check_parts(of_reader, tables["IndividualRdr"], ("T", "C", "TC"))


def check_parts(found: list[Any], table: dict[str, Any], effects: tuple[str, ...]) -> None:
    """Mean squares of each part on its own, columns in the order of the parts."""
    columns = [column for name, column in table.items() if name not in ("DF", "rownames")]
    for each, column in zip(found, columns, strict=True):
        close([each.mean_squares[effect] for effect in effects], column)
        close([each.df[effect] for effect in effects], table["DF"])
