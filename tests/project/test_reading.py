"""project.toml is read, and a wrong one is refused by key, value and expectation."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from hitl_review.errors import ProjectFileError
from hitl_review.project import parse_project, project_digest, read_project, read_project_text
from hitl_review.project.reading import FAULTS_SHOWN, LARGEST_FILE_BYTES

SUPPORT2 = Path(__file__).parents[2] / "data" / "support2" / "project.toml"
KINDS = "'number', 'flag' or 'category'"

# What stands in the small project, what stands there instead; then key, value and expectation as told.
WRONG_FEATURES = [
    ('kind = "number"', 'kind = "numeric"', "age.kind", '"numeric"', KINDS),
    ('kind = "number"', 'knd = "number"', "age.knd", '"number"', "the key kind; there is no such key"),
    ('kind = "number"', "", "age.kind", "nothing", KINDS),
    ('unit = "years"', "unit = 7", "age.unit", "7", "text in quotes"),
    ('unit = "years"', "decimals = true", "age.decimals", "true", "a whole number"),
    ('unit = "years"', "decimals = 1.5", "age.decimals", "1.5", "a whole number"),
    ('unit = "years"', "decimals = 7", "age.decimals", "7", "at most 6"),
    ('unit = "years"', "modifiable = 1", "age.modifiable", "1", "true or false"),
    ('unit = "years"', 'levels = ["a", "b"]', "age.levels", '["a", "b"]', "only in a category"),
    ('name = "age"', 'name = "Age!"', "Age!.name", '"Age!"', "small letters, digits and underscores"),
    ('name = "age"', "", "number 1.name", "nothing", "the column's name"),
    ('name = "sex"', 'name = "age"', "age.name", '"age"', "each feature's name once"),
    ('label = "Age"', 'label = "  "', "age.label", '"  "', "text that is not empty"),
    ("plausible_low = 0", "", "age.plausible_low", "nothing", "every number needs a plausible range"),
    ("plausible_low = 0", 'plausible_low = "0"', "age.plausible_low", '"0"', "a number"),
    ("plausible_low = 0", "plausible_low = nan", "age.plausible_low", "NaN", "a finite number"),
    ("plausible_high = 120", "plausible_high = inf", "age.plausible_high", "Infinity", "a finite number"),
    ("plausible_low = 0", "plausible_low = 121", "age.plausible_low", "121", "less than plausible_high"),
    ("reference_low = 1\n", "reference_low = 111\n", "age.reference_low", "111", "less than reference_high"),
    ("reference_high = 110", "reference_high = 130", "age.reference_high", "130", "range, 0 to 120"),
    ('kind = "flag"', 'kind = "flag"\nreference_low = 0', "dementia.reference_low", "0", "in a flag"),
    ('kind = "category"', 'kind = "category"\ndirection = "raises"', "sex.direction", '"raises"', '"none"'),
    ('["female", {', '[{ code = "male", label = "F" }, {', "sex.levels", '"male"', "each level's code once"),
    ('["female", { code = "male", label = "Man" }]', '["x"]', "sex.levels", '["x"]', "at least two levels"),
    ('["female", {', "[1, {", "sex.levels.number 1", "1", "a table"),
    ('["female", {', '[{ code = "f" }, {', "sex.levels.f.label", "nothing", "the words shown for it"),
]
WRONG_TARGETS = [
    ("threshold = 0.5", "threshold = 50", "threshold", "50", "less than 1"),
    ("threshold = 0.5", "threshold = 0", "threshold", "0", "more than 0"),
    ("threshold = 0.5", "", "threshold", "nothing", "a number between 0 and 1"),
    ("cost_false_negative = 1", "cost_false_negative = 0", "cost_false_negative", "0", "more than 0"),
    ('code = "alive"', 'code = "died"', "negative.code", '"died"', "something else than positive.code"),
    ('words = "alive"', 'words = "death"', "negative.words", '"death"', "something else than positive.words"),
    ('outcome_column = "died"', 'outcome_column = "age"', "outcome_column", '"age"', "not a feature"),
    ('outcome_column = "died"', 'outcome_column = "case_id"', "outcome_column", '"case_id"', "than id_col"),
]
WRONG_ELSEWHERE = [
    ('id = "small"', 'id = "Small one"', "id", '"Small one"', "digits, underscores and hyphens"),
    ('intended_use = "Tests."', "", "intended_use", "nothing", "for whom and for what"),
    ('id_column = "case_id"', 'id_column = "age"', "id_column", '"age"', "not a feature"),
    ('code = "pattern"', 'code = "other"', "reasons.other.code", '"other"', "each reason's code once"),
    ('["override", "defer"]', '["override"]', "reasons", '"0 for defer"', "1 to 9 reasons that apply"),
    ('["override"]', '["accept"]', "reasons.pattern.applies_to.number 1", '"accept"', "or 'defer'"),
    ('["override"]', '"override"', "reasons.pattern.applies_to", '"override"', "a list"),
    ('["override"]', "[]", "reasons.pattern.applies_to", "[]", "at least 1"),
    ('"never_train"', '"never"', "reasons.other.training_effect", '"never"', "'never_train'"),
    ('feature = "age"', 'feature = "weight"', "inclusion.weight.feature", '"weight"', "a feature"),
    ('feature = "age"', 'feature = "sex"', "inclusion.sex", "[]", "levels for a category"),
    ("minimum = 18", 'levels = ["18"]', "inclusion.age", '["18"]', "minimum and maximum for a number"),
    ("minimum = 18", "", "inclusion.age.levels", "[]", "either minimum and maximum, or levels"),
    ("minimum = 18", "minimum = 18\nmaximum = 10", "inclusion.age.minimum", "18", "not more than maximum"),
    ('name = "race"', 'name = "age"', "subgroup_columns.age.name", '"age"', "not a feature's"),
    ('["sex", "race"]', '["sex", "age"]', "gate.subgroups", '"age"', "one of sex, dementia, race"),
    ('["sex", "race"]', '["sex", "sex"]', "gate.subgroups", '"sex"', "each subgroup named once"),
    ("[gate]", "[gate]\nslope_low = 1.1", "gate.slope_low", "[1.1, 1.25]", "slope_low below 1"),
    ("[gate]", "[training]\nmax_depth = 6\n[gate]", "training.max_depth", "6", "at most 3"),
    ("[gate]", '[review]\nblind_first = "yes"\n[gate]', "review.blind_first", '"yes"', "'off' or 'share'"),
    ("[gate]", "[review]\nblind_share = 1.5\n[gate]", "review.blind_share", "1.5", "at most 1"),
    ("[gate]", "[retrain]\n[gate]", "retrain", "{}", "the key retraining; there is no such key"),
    ("[gate]", "[zzz]\n[gate]", "zzz", "{}", "one of the keys id, title"),
]
WRONG = [
    *((old, new, f"features.{key}", *told) for old, new, key, *told in WRONG_FEATURES),
    *((old, new, f"target.{key}", *told) for old, new, key, *told in WRONG_TARGETS),
    *WRONG_ELSEWHERE,
]


def refusal(text: str) -> str:
    """Return what is told of a wrong project file."""
    with pytest.raises(ProjectFileError) as refused:
        parse_project(text)
    return str(refused.value)


def changed(text: str, old: str, new: str) -> str:
    """Return a project's text with its first `old` replaced."""
    assert old in text, f"{old!r} is not in the project"
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "key", "found", "expected"), WRONG, ids=[f"{wrong[2]}={wrong[3]}" for wrong in WRONG]
)
def test_a_wrong_key_is_refused_with_what_was_found_and_expected(
    small: str, old: str, new: str, key: str, found: str, expected: str
) -> None:
    """The line names the key by its path, the value in the file, and what it should be."""
    lines = refusal(changed(small, old, new)).splitlines()[1:]
    line = next((line for line in lines if line.startswith(f"  {key}: found ")), None)
    assert line is not None, lines
    told_found, told_expected = line.removeprefix(f"  {key}: found ").split(", expected ", 1)
    assert told_found == found
    assert expected in told_expected


def test_a_project_without_features_is_refused(small: str) -> None:
    """An empty list of features is told like a missing one."""
    head = small[: small.index("[[features]]")]
    assert "features: found nothing, expected at least one table [[features]]" in refusal(head)
    empty = changed(head, "[target]", "features = []\n[target]")
    assert "features: found [], expected at least 1" in refusal(empty)


def test_more_than_nine_reasons_for_an_answer_are_refused(small: str) -> None:
    """Reasons are chosen with one of nine keys."""
    reason = '\n[[reasons]]\ncode = "r{}"\nlabel = "R"\napplies_to = ["defer"]\ntraining_effect = "none"\n'
    more = "".join(reason.format(number) for number in range(9))
    assert 'reasons: found "10 for defer", expected 1 to 9 reasons' in refusal(small + more)


def test_all_faults_are_told_at_once_up_to_ten(small: str) -> None:
    """One line per fault, so that a file is mended in one go; the rest are counted."""
    two = changed(changed(small, "threshold = 0.5", "threshold = 50"), 'kind = "flag"', 'kind = "falg"')
    assert refusal(two).startswith("project.toml was refused, 2 faults:\n")
    feature = '\n[[features]]\nname = "f{}"\nlabel = ""\ngroup = "G"\nkind = "flag"\n'
    many = refusal(small + "".join(feature.format(number) for number in range(13))).splitlines()
    assert "13 faults" in many[0]
    assert len(many) == 1 + FAULTS_SHOWN + 1
    assert many[-1] == "  and 3 more"


def test_a_long_value_is_cut_in_what_is_told(small: str) -> None:
    """A page pasted into a key does not fill the screen."""
    line = refusal(changed(small, 'kind = "number"', f'kind = "{"x" * 5000}"')).splitlines()[1]
    assert len(line) < 160


def test_braces_in_a_value_are_told_as_they_stand(small: str) -> None:
    """Text from the file is never taken for a format."""
    assert '"{kind}"' in refusal(changed(small, 'kind = "number"', 'kind = "{kind}"'))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"x = {'[' * 5_000}\n", "nested far more deeply"),
        (f"[{'.'.join('a' * 400_000)}]\n", "longer, than a project's"),
        ("x = {" + "'a' . " * 400_000 + "a = 1}\n", "longer, than a project's"),
        ("x = 1 # " + "a" * 1_000_000, "is larger"),
        (f"x = {'9' * 5_000}\n", "not valid TOML"),
    ],
    ids=["lists", "tables", "inline", "length", "digits"],
)
def test_a_file_made_to_break_its_reader_is_refused_in_words(small: str, text: str, words: str) -> None:
    """Python's own reader gives up on these with errors that speak of no file."""
    assert words in refusal(text)
    assert words in refusal(f"{small}\n{text}")


def test_broken_toml_is_told_by_its_line() -> None:
    """The fourth line of this text has no closing quote."""
    told = refusal('\nid = "small"\ntitle = "A small project"\nversion = "1\n')
    assert "not valid TOML" in told and "line 4" in told


def test_the_source_is_named_in_what_is_told(tmp_path: Path, small: str) -> None:
    """A person with several project files sees which one is wrong."""
    path = tmp_path / "mine.toml"
    path.write_text(changed(small, "threshold = 0.5", "threshold = 2"), encoding="utf-8")
    with pytest.raises(ProjectFileError, match=r"mine\.toml was refused, 1 fault:"):
        read_project(path)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing.toml", "can't be read: No such file"),
        (".", "can't be read"),
        ("latin.toml", "not text in UTF-8"),
        ("large.toml", "larger than 1,000,000 bytes"),
    ],
)
def test_a_file_that_can_not_be_read_is_told_as_such(tmp_path: Path, name: str, told: str) -> None:
    """Missing, a folder, not text, and far too large: four files that are no project."""
    (tmp_path / "latin.toml").write_bytes(b'title = "caf\xe9"')
    (tmp_path / "large.toml").write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(ProjectFileError, match=told):
        read_project(tmp_path / name)


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path, small: str) -> None:
    """A file saved by a Windows editor is the same project."""
    path = tmp_path / "project.toml"
    path.write_bytes(b"\xef\xbb\xbf" + small.replace("\n", "\r\n").encode("utf-8"))
    assert read_project(path) == parse_project(small)


def test_the_digest_is_the_sha256_of_the_text(small: str) -> None:
    """Any change of the text, a comment too, is another project text."""
    assert project_digest("é") == "sha256:" + hashlib.sha256("é".encode()).hexdigest()
    assert project_digest(small) != project_digest(small + "# a comment")


def test_the_shipped_project_is_read_from_its_file() -> None:
    """The file that is shipped is sound, compact enough for one page, and read the same from its text."""
    project = read_project(SUPPORT2)
    assert len(project.features) == 24
    assert len(project.groups) <= 7
    assert project == parse_project(read_project_text(SUPPORT2))


def test_the_guides_example_of_a_refusal_is_what_is_told() -> None:
    """data/README.md shows what a person sees who forgets a range and writes the threshold in per cent."""
    text = changed(read_project_text(SUPPORT2), "threshold = 0.5", "threshold = 50")
    creatinine = 'name = "creatinine"'
    head, tail = text.split(creatinine)
    told = refusal(head + creatinine + changed(tail, "plausible_low = 0.1\n", ""))
    assert f"```\n{told}\n```" in (SUPPORT2.parents[1] / "README.md").read_text(encoding="utf-8")
