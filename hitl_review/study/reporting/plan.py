"""What the protocol says, as a report prints it beside what was found; what nobody wrote down is empty."""

from __future__ import annotations

from dataclasses import dataclass, field

from hitl_review.study.metrics import Metric, metric_named

LABORATORY = (
    "This is a laboratory study: readers knew that they were in a study, had no patient before them and bore no "
    "responsibility. How people read in care can differ from it."
)
ENRICHED = (
    "Accuracy, predictive values and net benefit are of this enriched set, whose share of positive cases was "
    "chosen; they are not those of a clinic. Sensitivity, specificity and AUC do not depend on that share."
)


@dataclass(frozen=True, slots=True)
class Amended:
    """One change of a frozen protocol."""

    when: str
    who: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The protocol of a study, in the words and numbers of a report.

    `first` and `second` are the modalities compared: all differences are first minus second. `facts` holds
    further lines per section key ("use", "model", "reference", "blinding"), as label and text.
    """

    title: str
    first: str
    second: str = ""
    study_id: str = ""
    design: str = ""
    endpoints: tuple[str, ...] = ("auc",)
    hypothesis: str = "superiority"
    margin: float = 0.0
    alpha: float = 0.05
    threshold: float | None = None
    covariance: str = "jackknife"
    readers_random: bool = True
    cases_random: bool = True
    seed: int | None = None
    size_basis: str = ""
    simulated: bool = False
    sequential: bool = False
    """Whether every reader committed an own answer before seeing the model: only then is reliance defined."""
    wrong_in_primary: bool = False
    positive: str = "positive"
    negative: str = "negative"
    amendments: tuple[Amended, ...] = ()
    facts: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    readers: tuple[tuple[str, ...], ...] = ()
    """Rows of the reader table: name, role, years, use of such models; names as codes."""
    versions: dict[str, str] = field(default_factory=dict)
    made: str = ""
    """When the report was made."""

    @property
    def confidence(self) -> float:
        """Of all intervals."""
        return 1 - self.alpha

    @property
    def reader_factor(self) -> str:
        return "random" if self.readers_random else "fixed"

    @property
    def case_factor(self) -> str:
        return "random" if self.cases_random else "fixed"

    def metric(self, name: str) -> Metric:
        """The figure of merit of an endpoint; calls come from the readers, never from a cut-off of ratings."""
        return metric_named(name)


OF_CALLS = frozenset({"sensitivity", "specificity", "accuracy", "balanced_accuracy"})


def column_of(endpoint: str) -> str:
    """Which column of a record an endpoint is computed from."""
    return "call" if endpoint in OF_CALLS else "rating"
