"""data/support2: only features in the cases, only plausible values, a fixed split, an honest datasheet."""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hitl_review.project import Project

Tables = dict[str, pd.DataFrame]
NAMES = ("cases", "outcomes", "readers", "references", "split", "subgroups")


def test_the_cases_hold_the_features_and_nothing_else(tables: Tables, project: Project) -> None:
    """The columns are those of project.toml, in its order; outcome, readers and subgroups lie apart."""
    assert tuple(tables["cases"].columns) == project.feature_names
    assert list(tables["outcomes"].columns) == [project.target.outcome_column]
    assert tuple(tables["subgroups"].columns) == tuple(column.name for column in project.subgroup_columns)
    assert not {*tables["readers"].columns, *tables["subgroups"].columns} & set(project.feature_names)


def test_an_id_tells_nothing(tables: Tables) -> None:
    """Neither the number in the id nor the position in the split goes with outcome, age or purpose."""
    number = tables["cases"].index.str.removeprefix("S2-").astype(int).to_series(index=tables["cases"].index)
    assert sorted(number) == list(range(1, 9106))
    told = pd.DataFrame(
        {
            "outcome": tables["outcomes"].iloc[:, 0],
            "age": tables["cases"]["age"],
            "held_out": tables["split"]["purpose"].eq("holdout").astype(int),
            "position": tables["split"]["position"],
        }
    )
    assert told.corrwith(number).abs().max() < 4 / np.sqrt(len(number))


def test_every_value_is_one_a_living_patient_can_have(tables: Tables, project: Project) -> None:
    """Numbers lie in the plausible range, flags are 0 or 1, and every category's level is known."""
    for feature in project.features:
        values = tables["cases"][feature.name].dropna()
        if feature.kind == "number":
            assert values.between(feature.plausible_low, feature.plausible_high).all(), feature.name
        elif feature.kind == "flag":
            assert set(values) == {0, 1}, feature.name
        else:
            assert set(values) == set(feature.level_codes), feature.name


def test_all_but_a_few_cases_meet_the_inclusion_rules(tables: Tables, project: Project) -> None:
    """The study took adults only."""
    ages = tables["cases"]["age"]
    assert not any(project.violated_rules({"age": age}) for age in ages)
    assert project.violated_rules({"age": 17.0})


def test_outcomes_have_the_prevalence_of_the_source(tables: Tables, project: Project) -> None:
    """4,265 of 9,105 died within 180 days."""
    outcome = tables["outcomes"][project.target.outcome_column]
    assert outcome.isin([0, 1]).all()
    assert (len(outcome), outcome.sum()) == (9105, 4265)


def test_the_split_is_500_and_2000_and_the_rest(tables: Tables) -> None:
    """Every case is in exactly one part, and each part is counted from 1 without a gap."""
    split = tables["split"]
    assert split["purpose"].value_counts().to_dict() == {"training": 500, "holdout": 2000, "queue": 6605}
    assert split.index.is_unique and set(split.index) == set(tables["cases"].index)
    for _, part in split.groupby("purpose"):
        assert sorted(part["position"]) == list(range(1, len(part) + 1))


def test_no_part_of_the_split_is_easier_than_another(tables: Tables) -> None:
    """Deaths and physicians' estimates have their natural share in training and hold-out."""
    purpose = tables["split"]["purpose"]
    died = tables["outcomes"].iloc[:, 0].groupby(purpose).mean()
    estimated = purpose.index.to_series().isin(tables["readers"].index).groupby(purpose).mean()
    assert np.ptp(died) < 0.03
    assert np.ptp(estimated) < 0.03


def test_the_first_of_the_queue_can_be_replayed_with_their_physicians(tables: Tables) -> None:
    """Those with a 180-day estimate come first: more than the 3,000 a replay needs."""
    queue = tables["split"].query("purpose == 'queue'").sort_values("position").index
    estimated = tables["readers"]["physician_probability_180_days"].reindex(queue).notna()
    assert estimated.sum() == 5423
    assert estimated[:5423].all() and not estimated[5423:].any()


def test_physicians_probabilities_are_those_of_death(tables: Tables) -> None:
    """The source holds survival; turned round, the estimates are higher where the patient died."""
    readers = tables["readers"]
    late, early = readers["physician_probability_180_days"], readers["physician_probability_60_days"]
    assert (late.notna().sum(), early.notna().sum()) == (7472, 7456)
    assert late.dropna().between(0, 1).all() and early.dropna().between(0, 1).all()
    died = tables["outcomes"].iloc[:, 0].reindex(readers.index).eq(1)
    assert late[died].mean() > late[~died].mean() + 0.2
    assert (early <= late)[early.notna()].mean() > 0.95


def test_what_published_work_speaks_of_lies_apart_from_the_features(tables: Tables, project: Project) -> None:
    """Death within 60 days and SUPPORT's own model: for comparison; one patient has no estimate of the model."""
    references = tables["references"]
    assert not set(references.columns) & set(project.feature_names)
    assert references["died_within_60_days"].sum() == 3159
    assert (references["died_within_60_days"] <= tables["outcomes"].iloc[:, 0]).all()
    late, early = references["support_probability_180_days"], references["support_probability_60_days"]
    assert late.isna().sum() == early.isna().sum() == 1
    assert (early <= late)[early.notna()].mean() > 0.99


def test_every_subgroup_the_gate_names_has_a_column(tables: Tables, project: Project) -> None:
    """Each is a feature or stands in the subgroups' table, for every case."""
    assert set(tables["subgroups"].index) == set(tables["cases"].index)
    columns = {*tables["cases"].columns, *tables["subgroups"].columns}
    assert set(project.gate.subgroups) <= columns


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_the_one_the_datasheet_names(name: str, folder: Path) -> None:
    """Its uncompressed bytes have the SHA-256 of the datasheet, its compressed ones that of SHA256SUMS."""
    packed = (folder / f"{name}.csv.gz").read_bytes()
    listed = dict(line.split()[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert listed[f"{name}.csv.gz"] == hashlib.sha256(packed).hexdigest()
    digest = hashlib.sha256(gzip.decompress(packed)).hexdigest()
    assert f"| `{name}.csv` | `{digest}` |" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_datasheet_is_complete(folder: Path) -> None:
    """It has a datasheet's headings, the sentence the source's home asks for, and the source's checksum."""
    text = (folder / "README.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == [
        "Motivation", "Composition", "Collection", "Preprocessing", "Uses", "Distribution", "Maintenance",
    ]  # fmt: skip
    department = "the Vanderbilt University Department of Biostatistics"
    assert f"Data obtained from hbiostat.org/data courtesy of {department}." in text
    assert "4f7dfcfb0d702401adfd0fa47702ed18fdd4dfe37acd0bcf1055acb7df007a1b" in text


def test_the_folder_stays_small(folder: Path) -> None:
    """All files together are below one megabyte."""
    assert sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) < 1_000_000
