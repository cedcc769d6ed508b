"""What a project says once it is read: features, groups, words, reasons, rules and policies."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from hitl_review.errors import ProjectFileError
from hitl_review.project import (
    Feature,
    GatePolicy,
    InclusionRule,
    Project,
    RetrainingPolicy,
    ReviewPolicy,
    TrainingPolicy,
    parse_project,
)
from hitl_review.project.table import Table

ROOT = Path(__file__).parents[2]


def test_features_and_groups_keep_the_order_of_the_file(project: Project) -> None:
    """A group is named once, where it first stands, even where its features are apart."""
    assert project.feature_names == ("age", "sex", "dementia")
    assert project.groups == ("Patient", "Person")


def test_a_level_is_a_code_alone_or_a_code_with_its_words(project: Project) -> None:
    """A code alone is its own label."""
    sex = project.feature("sex")
    assert sex.level_codes == ("female", "male")
    assert (sex.level_label("female"), sex.level_label("male")) == ("female", "Man")


def test_what_the_file_leaves_out_has_the_careful_default(project: Project) -> None:
    """Blind first is on, models are shallow, and the gate has the margins that were measured."""
    assert project.review == ReviewPolicy(blind_first="on")
    assert (project.training, project.training.max_depth) == (TrainingPolicy(), 3)
    assert project.retraining == RetrainingPolicy(seen_accept_weight=0.5)
    margins = {"auc_margin": 0.02, "rate_margin": 0.02, "subgroup_margin": 0.05}
    limits = {"log_loss_z": 1.645, "slope_low": 0.8, "slope_high": 1.25}
    counts = {"subgroup_minimum": 30, "minimum_cases": 200, "subgroups": ("sex", "race")}
    assert project.gate.model_dump() == margins | limits | counts


def test_reasons_come_by_answer_in_the_order_of_their_keys(project: Project) -> None:
    """The first reason of an answer has key 1."""
    assert [reason.code for reason in project.reasons_for("override")] == ["pattern", "other"]
    assert [reason.code for reason in project.reasons_for("defer")] == ["other"]


def test_the_two_answers_know_each_other(project: Project) -> None:
    """An override of one answer means the other."""
    assert project.label_words("died") == "death"
    assert (project.other_label("died"), project.other_label("alive")) == ("alive", "died")


def test_what_stands_in_a_record_is_named_in_words_or_shown_as_it_is(project: Project) -> None:
    """A record that somebody altered may hold what the project has not: whoever looks at it has to see it."""
    assert [project.recorded_words(code) for code in ("died", None, "unwell")] == ["death", "", "unwell"]
    label = project.reasons_for("defer")[0].label
    assert [project.reason_words(code) for code in ("other", None, "mood")] == [label, "", "mood"]


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda project: project.feature("weight"), "no feature 'weight'; it has age, sex, dementia"),
        (lambda project: project.feature("sex").level_label("x"), "no level 'x'; it has female, male"),
        (lambda project: project.label_words("unwell"), "no answer 'unwell'; it is died or alive"),
        (lambda project: project.other_label("unwell"), "no answer 'unwell'; it is died or alive"),
    ],
)
def test_an_unknown_name_is_told_with_those_there_are(
    project: Project, ask: Callable[[Project], object], told: str
) -> None:
    """Whoever asks for a name that is not there is told the names that are."""
    with pytest.raises(ProjectFileError) as refused:
        ask(project)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("age", "violated"), [(17.9, True), (18.0, False), (90.0, False), (None, True), (math.nan, True)]
)
def test_a_case_outside_the_inclusion_rules_is_told_by_its_rule(
    project: Project, age: float | None, violated: bool
) -> None:
    """A missing value can't show that the rule is met, so it violates it."""
    rules = project.violated_rules({"age": age, "sex": "male"})
    assert [rule.words for rule in rules] == (["Age is at least 18 years"] if violated else [])


def test_an_inclusion_rule_limits_from_above_or_to_levels() -> None:
    """A rule has bounds for numbers and flags, or levels for categories."""
    young = InclusionRule(feature="age", maximum=65, words="At most 65")
    women = InclusionRule(feature="sex", levels=("female",), words="Women")
    assert (young.admits(65.0), young.admits(65.1)) == (True, False)
    assert (women.admits("female"), women.admits("male"), women.admits(None)) == (True, False, False)


def test_a_project_can_not_be_changed_after_it_was_read(project: Project, small: str) -> None:
    """What was checked stays as it was checked, down to the features; equal texts are equal projects."""
    with pytest.raises(ValueError, match="frozen"):
        setattr(project.features[0], "decimals", 2)  # noqa: B010
    assert hash(project) == hash(parse_project(small))


def test_a_feature_made_in_code_is_checked_like_one_in_a_file() -> None:
    """There is no way round the checks."""
    with pytest.raises(ValueError, match="plausible_low"):
        Feature(name="age", label="Age", group="Patient", kind="number")


def test_a_second_project_on_another_table_needs_no_change_of_code(breast_cancer: ModuleType) -> None:
    """scikit-learn's breast cancer data: its columns are the features, its values are plausible."""
    project = parse_project(breast_cancer.breast_cancer_project_text())
    table = breast_cancer.breast_cancer_table()
    assert tuple(table.columns) == (project.id_column, *project.feature_names)
    assert table.shape == (569, 31) and table[project.id_column].is_unique
    assert breast_cancer.breast_cancer_outcomes()[project.target.outcome_column].sum() == 212
    for feature in project.features:
        assert table[feature.name].between(feature.plausible_low, feature.plausible_high).all()
    assert len(project.groups) == 3 and project.target.threshold == 0.4


def test_every_key_is_told_in_the_guide_to_ones_own_data() -> None:
    """data/README.md names each key a project file may have."""
    guide = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    keys = {key for table in Table.__subclasses__() for key in table.model_fields}
    untold = {key for key in keys if not any(f"{mark}{key}" in guide for mark in ("`", "`[", "`[["))}
    assert untold == set()


def test_the_shipped_project_sets_the_whole_gate_in_sight() -> None:
    """Who reads the shipped file sees every limit of the gate, and they are the default ones."""
    written = tomllib.loads((ROOT / "data" / "support2" / "project.toml").read_text(encoding="utf-8"))["gate"]
    assert set(written) == set(GatePolicy.model_fields)
    assert GatePolicy(**{**written, "subgroups": ()}) == GatePolicy()
