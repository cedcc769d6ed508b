"""A gate report is kept as JSON and read back equal, whatever is missing in it."""

from __future__ import annotations

import json
from dataclasses import replace

from hitl_review.domain.canonical import canonical_json
from hitl_review.domain.gate import (
    CalibrationPoint,
    Churned,
    Criterion,
    GateReport,
    GateVerdict,
    ImportanceChange,
    Side,
    SubgroupRow,
    as_json,
    from_json,
)

SIDE = Side(
    auc=0.75,
    auc_interval=(0.7, 0.8),
    log_loss=0.5,
    brier=0.2,
    calibration_slope=1.0,
    calibration_intercept=0.0,
    sensitivity=0.7,
    specificity=0.8,
    roc=((0.0, 0.0), (0.2, 0.7), (1.0, 1.0)),
    calibration=(CalibrationPoint(0.2, 0.25, (0.1, 0.4), 20),),
    net_benefit=((0.01, 0.3),),
)
REPORT = GateReport(
    verdict=GateVerdict.FAILED,
    words="Not met: the order of patients (AUC).",
    cases=250,
    positives=100,
    threshold=0.5,
    criteria=(Criterion("auc", "Orders patients no worse", -0.03, (-0.06, 0.0), (-0.02, None), False),),
    champion=SIDE,
    challenger=SIDE,
    net_benefit_of_all=((0.01, 0.39),),
    subgroups=(SubgroupRow("sex", "f", 120, 50, 0.7, 0.72, 0.02, (-0.01, 0.05), True, "fine"),),
    churn=(Churned("C-1", 0.4, 0.6, True, True),),
    importance=(ImportanceChange("age", 0.3, 0.4),),
)


def kept(report: GateReport) -> GateReport:
    """The report after a stay in the database."""
    return from_json(json.loads(canonical_json(as_json(report))))


def test_a_report_is_read_back_equal() -> None:
    """Tuples, verdict and all."""
    assert kept(REPORT) == REPORT
    assert isinstance(kept(REPORT).verdict, GateVerdict)


def test_what_could_not_be_measured_stays_unmeasured() -> None:
    """None is not zero."""
    blank = replace(SIDE, auc=None, auc_interval=None, calibration_slope=None, calibration=())
    report = replace(
        REPORT,
        challenger=blank,
        criteria=(Criterion("auc", "not measured", None, None, (None, 0.5), None),),
        subgroups=(SubgroupRow("sex", "f", 12, 5, None, None, None, None, None, "too few"),),
        churn=(),
        importance=(),
    )
    assert kept(report) == report
