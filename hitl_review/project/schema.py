"""What is predicted, from which features, for whom, and with which words: the tables of project.toml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from hitl_review.errors import ProjectFileError
from hitl_review.project.policies import (
    AccessPolicy,
    GatePolicy,
    RetrainingPolicy,
    ReviewPolicy,
    TrainingPolicy,
)
from hitl_review.project.table import (
    Code,
    Fault,
    Name,
    Number,
    Remark,
    Switch,
    Table,
    Text,
    Whole,
    repeated,
    shown,
)

Answer = Literal["override", "defer"]
Value = float | str | None
REASON_KEYS = 9
"""Reasons are chosen with the keys 1 to 9, so one answer has no more."""


class Level(Table):
    """One level of a category: the code in the data and the words on the page."""

    code: Text = Field(description="the code as it stands in the data")
    label: Text = Field(description="the words shown for it")

    @model_validator(mode="before")
    @classmethod
    def _from_code_alone(cls, value: Any) -> Any:
        return {"code": value, "label": value} if isinstance(value, str) else value


class Feature(Table):
    """One input of the model, as it is measured, checked, shown and explained.

    `plausible_*` is what a living patient's measurement can be: beyond it, intake refuses the value.
    `reference_*` is the range of health: beyond it, the page marks the value H or L.
    """

    name: Name = Field(description="the column's name, small letters, digits and underscores")
    label: Text = Field(description="the words shown for the feature")
    kind: Literal["number", "flag", "category"] = Field(description="'number', 'flag' or 'category'")
    group: Text = Field(description="the clinical group it is shown in")
    unit: Remark = ""
    levels: tuple[Level, ...] = ()
    reference_low: Number | None = None
    reference_high: Number | None = None
    plausible_low: Number | None = None
    plausible_high: Number | None = None
    direction: Literal["raises", "lowers", "none"] = "none"
    modifiable: Switch = False
    key: Switch = False
    decimals: Whole = Field(0, ge=0, le=6)
    description: Remark = ""

    @property
    def level_codes(self) -> tuple[str, ...]:
        """The codes of a category's levels in file order; empty for numbers and flags."""
        return tuple(level.code for level in self.levels)

    def level_label(self, code: str) -> str:
        """Return the words of a category's level."""
        for level in self.levels:
            if level.code == code:
                return level.label
        raise ProjectFileError(f"{self.label} has no level {code!r}; it has {', '.join(self.level_codes)}.")

    def contradictions(self) -> Iterator[Fault]:
        """Ranges belong to numbers, levels to categories; the reference range lies in the plausible one."""
        yield from self._range_faults() if self.kind == "number" else self._faults_of_a_number_key()
        yield from self._level_faults()

    def _range_faults(self) -> Iterator[Fault]:
        low, high = self.plausible_low, self.plausible_high
        for key in ("plausible_low", "plausible_high"):
            if getattr(self, key) is None:
                yield Fault(key, None, "a number, because every number needs a plausible range")
        if low is not None and high is not None and low >= high:
            yield Fault("plausible_low", low, f"less than plausible_high, which is {high:g}")
        yield from self._reference_faults()

    def _reference_faults(self) -> Iterator[Fault]:
        low, high = self.reference_low, self.reference_high
        if low is not None and high is not None and low >= high:
            yield Fault("reference_low", low, f"less than reference_high, which is {high:g}")
        plausible = f"{shown(self.plausible_low)} to {shown(self.plausible_high)}"
        for key in ("reference_low", "reference_high"):
            bound = getattr(self, key)
            if bound is not None and not self._is_plausible(bound):
                yield Fault(key, bound, f"within the plausible range, {plausible}")

    def _is_plausible(self, number: float) -> bool:
        below = self.plausible_low is not None and number < self.plausible_low
        above = self.plausible_high is not None and number > self.plausible_high
        return not (below or above)

    def _faults_of_a_number_key(self) -> Iterator[Fault]:
        for key in ("reference_low", "reference_high", "plausible_low", "plausible_high"):
            if getattr(self, key) is not None:
                yield Fault(key, getattr(self, key), f"no such key in a {self.kind}, only in a number")
        if self.kind == "category" and self.direction != "none":
            yield Fault("direction", self.direction, '"none" in a category, because its levels have no order')

    def _level_faults(self) -> Iterator[Fault]:
        if self.kind != "category" and self.levels:
            yield Fault("levels", list(self.level_codes), f"no levels in a {self.kind}, only in a category")
        if self.kind == "category" and len(self.levels) < 2:
            yield Fault("levels", list(self.level_codes), "at least two levels in a category")
        for code in repeated(self.level_codes):
            yield Fault("levels", code, "each level's code once")


class ClassLabel(Table):
    """One of the two answers: the code that is stored and the words that are shown."""

    code: Code = Field(description="a short code, as died or alive")
    words: Text = Field(description="the words shown for it")


class Target(Table):
    """What is predicted, for which moment, and where the line between the two answers is drawn."""

    name: Name = Field(description="a short name, small letters, digits and underscores")
    question: Text = Field(description="the question the reader answers")
    positive: ClassLabel = Field(description="a table with code and words")
    negative: ClassLabel = Field(description="a table with code and words")
    horizon: Text = Field(description='how far ahead is predicted, as "180 days"')
    index_time: Text = Field(description="the moment the prediction is made for")
    outcome_column: Text = Field(description="the column of the outcomes' table, holding 0 and 1")
    threshold: Number = Field(gt=0, lt=1, description="a number between 0 and 1")
    cost_false_negative: Number = Field(gt=0, description="a number above 0")
    cost_false_positive: Number = Field(gt=0, description="a number above 0")

    def contradictions(self) -> Iterator[Fault]:
        """The two answers must differ in code and in words."""
        for key in ("code", "words"):
            found = getattr(self.negative, key)
            if found == getattr(self.positive, key):
                yield Fault(f"negative.{key}", found, f"something else than positive.{key}")


class Reason(Table):
    """A coded reason for an override or a deferral, and what it means for training.

    `train`: the decision is evidence. `fix_record`: the record is wrong, not the label. `exclude`: the
    case is outside the model's scope. `never_train`: the decision speaks of something else than the
    outcome. `none`: nothing to learn, as in most deferrals.
    """

    code: Code = Field(description="a short code")
    label: Text = Field(description="the words on the button")
    applies_to: tuple[Answer, ...] = Field(min_length=1, description='a list of "override" and "defer"')
    training_effect: Literal["train", "fix_record", "exclude", "never_train", "none"] = Field(
        description="'train', 'fix_record', 'exclude', 'never_train' or 'none'"
    )
    needs_comment: Switch = False


class InclusionRule(Table):
    """A condition a case must meet for the model to be used on it at all."""

    feature: Name = Field(description="the name of a feature")
    words: Text = Field(description='the rule as a sentence, as "Age is at least 18 years"')
    minimum: Number | None = None
    maximum: Number | None = None
    levels: tuple[Text, ...] = ()

    def admits(self, value: Value) -> bool:
        """Tell whether a value meets the rule; a value that was not measured can't show that it does."""
        if value is None or value != value:
            return False
        if isinstance(value, str):
            return value in self.levels
        above = self.minimum is None or value >= self.minimum
        return above and (self.maximum is None or value <= self.maximum)

    def contradictions(self) -> Iterator[Fault]:
        """A rule limits something, and what it admits is not empty."""
        bounds = [bound for bound in (self.minimum, self.maximum) if bound is not None]
        if bool(bounds) == bool(self.levels):
            yield Fault("levels", list(self.levels), "either minimum and maximum, or levels")
        if bounds != sorted(bounds):
            yield Fault("minimum", self.minimum, f"not more than maximum, which is {shown(self.maximum)}")


class SubgroupColumn(Table):
    """A column that comes beside the cases for checks by subgroup, and that no model may learn from."""

    name: Name = Field(description="the column's name in the subgroups' table")
    label: Text = Field(description="the words shown for it")


class Project(Table):
    """What is predicted, from which features, under which policies: a whole project.toml, checked."""

    id: Code = Field(description="a short name, small letters, digits, underscores and hyphens")
    title: Text = Field(description="the project's title")
    version: Text = Field(description='the version of this file, as "1.0.0"')
    intended_use: Text = Field(description="for whom and for what the model may be used")
    not_for: Remark = ""
    id_column: Text = Field(description="the column that identifies a case")
    target: Target = Field(description="a table [target]")
    features: tuple[Feature, ...] = Field(min_length=1, description="at least one table [[features]]")
    reasons: tuple[Reason, ...] = Field(min_length=1, description="tables [[reasons]] for both answers")
    inclusion: tuple[InclusionRule, ...] = ()
    subgroup_columns: tuple[SubgroupColumn, ...] = ()
    review: ReviewPolicy = ReviewPolicy()
    access: AccessPolicy = AccessPolicy()
    training: TrainingPolicy = TrainingPolicy()
    retraining: RetrainingPolicy = RetrainingPolicy()
    gate: GatePolicy = GatePolicy()

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features' names in file order, which is the order of the model's columns."""
        return tuple(feature.name for feature in self.features)

    @property
    def groups(self) -> tuple[str, ...]:
        """The clinical groups in the order in which the file first names them."""
        return tuple(dict.fromkeys(feature.group for feature in self.features))

    def feature(self, name: str) -> Feature:
        """Return the feature of that name."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise ProjectFileError(f"{self.id} has no feature {name!r}; it has {', '.join(self.feature_names)}.")

    def reasons_for(self, answer: Answer) -> tuple[Reason, ...]:
        """Return the reasons of one answer in file order: the order of the keys 1 to 9."""
        return tuple(reason for reason in self.reasons if answer in reason.applies_to)

    def reason_words(self, code: str | None) -> str:
        """Return the label of a reason's code, nothing for none, and the code itself where no reason has it."""
        return next((reason.label for reason in self.reasons if reason.code == code), code or "")

    def label_words(self, code: str) -> str:
        """Return the words of an answer's code. Raises ProjectFileError where no answer has it."""
        return self._label(code).words

    def recorded_words(self, code: str | None) -> str:
        """Return the words of an answer in a record, nothing for none: an altered one is shown with its own code."""
        answers = (self.target.positive, self.target.negative)
        return next((each.words for each in answers if each.code == code), code or "")

    def other_label(self, code: str) -> str:
        """Return the code of the other answer: what an override of this one means."""
        positive, negative = self.target.positive.code, self.target.negative.code
        return negative if self._label(code).code == positive else positive

    def _label(self, code: str) -> ClassLabel:
        for label in (self.target.positive, self.target.negative):
            if label.code == code:
                return label
        codes = f"{self.target.positive.code} or {self.target.negative.code}"
        raise ProjectFileError(f"{self.id} has no answer {code!r}; it is {codes}.")

    def violated_rules(self, values: Mapping[str, Value]) -> tuple[InclusionRule, ...]:
        """Return the inclusion rules a case does not meet; with any, the model may not score it."""
        return tuple(rule for rule in self.inclusion if not rule.admits(values.get(rule.feature)))

    def contradictions(self) -> Iterator[Fault]:
        """Names are unique and exist, and a reader always has a reason to give."""
        yield from self._name_faults()
        yield from self._reason_faults()
        yield from self._inclusion_faults()
        yield from self._subgroup_faults()

    def _name_faults(self) -> Iterator[Fault]:
        for name in repeated(self.feature_names):
            yield Fault(f"features.{name}.name", name, "each feature's name once")
        named = {"id_column": self.id_column, "target.outcome_column": self.target.outcome_column}
        for key, column in named.items():
            if column in self.feature_names:
                yield Fault(key, column, "a column that is not a feature")
        if self.id_column == self.target.outcome_column:
            yield Fault("target.outcome_column", self.id_column, "another column than id_column")

    def _reason_faults(self) -> Iterator[Fault]:
        for code in repeated(tuple(reason.code for reason in self.reasons)):
            yield Fault(f"reasons.{code}.code", code, "each reason's code once")
        for answer in ("override", "defer"):
            count = len([reason for reason in self.reasons if answer in reason.applies_to])
            if not 1 <= count <= REASON_KEYS:
                expected = f"1 to {REASON_KEYS} reasons that apply to {answer}"
                yield Fault("reasons", f"{count} for {answer}", expected)

    def _inclusion_faults(self) -> Iterator[Fault]:
        for rule in self.inclusion:
            key = f"inclusion.{rule.feature}"
            if rule.feature not in self.feature_names:
                yield Fault(f"{key}.feature", rule.feature, "the name of a feature")
                continue
            codes = self.feature(rule.feature).level_codes
            if bool(codes) != bool(rule.levels):
                expected = "levels for a category, minimum and maximum for a number or a flag"
                yield Fault(key, list(rule.levels), expected)
            for level in rule.levels:
                if codes and level not in codes:
                    yield Fault(f"{key}.levels", level, f"one of {', '.join(codes)}")

    def _subgroup_faults(self) -> Iterator[Fault]:
        columns = tuple(column.name for column in self.subgroup_columns)
        taken = {*self.feature_names, self.id_column, self.target.outcome_column}
        for name in (*repeated(columns), *(name for name in columns if name in taken)):
            yield Fault(f"subgroup_columns.{name}.name", name, "a name used once, and not a feature's")
        groupable = tuple(feature.name for feature in self.features if feature.kind != "number") + columns
        for name in self.gate.subgroups:
            if name not in groupable:
                yield Fault("gate.subgroups", name, f"one of {', '.join(groupable)}")
