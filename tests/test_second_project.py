"""A second project on another table works by its project file alone: no line of the code knows a disease."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hitl_review.domain.account import Actor
from hitl_review.domain.case import Purpose
from hitl_review.domain.decision import Answer, Choice, Decision
from hitl_review.errors import Conflict, NotCommitted
from hitl_review.model.features import matrix
from hitl_review.model.scoring import score
from hitl_review.project import read_project
from hitl_review.store import cases, models, predictions, reviews, worklist
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.auditing import verify
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.replaying import replay
from hitl_review.workflow.revealing import Shown, reveal
from hitl_review.workflow.review import commit_read, is_blind, look_at, next_case, open_case
from hitl_review.workflow.scoring import stored_model
from hitl_review.workflow.workspace import Workspace, open_workspace
from tests import biopsies

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "hitl_review"
FIRST_PROJECT = ROOT / "data" / "support2" / "project.toml"
TELLS_OF_THE_DEMO = {"workflow/demo.py", "cli/workspace.py", "ui/building.py"}
"""Modules that make the demonstration, or say that they do: they alone may name its data."""
COMMON = {"no", "yes", "none", "other", "temperature"}
"""Names of SUPPORT2's that mean something else in the code: temperature is a way to calibrate."""


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The biopsies as files: training, hold-out, queue."""
    return biopsies.write_tables(tmp_path_factory.mktemp("biopsies"))


@pytest.fixture(scope="session")
def made(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second clinic as the commands make it; nobody writes to it."""
    return biopsies.build(
        tmp_path_factory.mktemp("clinic") / "clinic", biopsies.project_text(), tables=tables
    )


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A test's own copy of the second clinic; nobody has it open, so copying its files is safe."""
    return Path(shutil.copytree(made, tmp_path / "clinic"))


@pytest.fixture
def clinic(folder: Path) -> Iterator[Workspace]:
    """The second clinic, open."""
    with open_workspace(folder) as opened:
        yield opened


def anna(workspace: Workspace) -> Actor:
    """The first reader."""
    return actor_of(workspace, "anna")


def shown_to(workspace: Workspace, case_id: str, reader: Actor, *, label: str = "malignant") -> Shown:
    """Open a case, commit an own estimate and show the model's view."""
    opened = open_case(workspace, case_id, actor=reader)
    if opened.needs_read:
        commit_read(
            workspace,
            case_id,
            label=label,
            probability=0.6,
            actor=reader,
            token=f"read-{case_id}",
            opened_at=opened.opened_at,
        )
    return reveal(workspace, case_id, actor=reader)


def decided(workspace: Workspace, shown: Shown, choice: Choice, reader: Actor, **more: str) -> Decision:
    """Answer the model's view."""
    token = f"{choice.answer.value}-{shown.reveal.reveal_id}"
    return record_decision(
        workspace,
        shown.reveal.reveal_id,
        choice,
        actor=reader,
        token=token,
        seconds_active=5.0,
        seconds_on_screen=5.0,
        supersedes=more.get("supersedes"),
    )


def margins(workspace: Workspace) -> list[float]:
    """The margins of the queue, in its order."""
    digest = models.champion(workspace.store).digest
    found = [
        predictions.find(workspace.store, case.case_id, model=digest, snapshot=case.snapshot.digest)
        for case in cases.of_purpose(workspace.store, Purpose.QUEUE)
    ]
    return [each.margin for each in found if each is not None]


# --- the loop, by commands


def test_the_commands_take_it_from_two_tables_to_a_verified_export(folder: Path, tmp_path: Path) -> None:
    """Every answer is given, one is changed, all replay, the log verifies, the decisions leave."""
    first = biopsies.done(
        "decide", folder, "BC-0221", "--accept", "--own-probability", 0.7, "--as", "anna", "--json"
    )
    view = json.loads(first.stdout)
    assert view["label"] in ("malignant", "benign") and view["own_probability"] == 0.7
    why = ("--reason", "pattern", "--own-probability", 0.5, "--as", "anna")
    overrides = [
        biopsies.run("decide", folder, "BC-0222", "--override", label, *why)
        for label in ("malignant", "benign")
    ]
    assert sorted(each.exit_code for each in overrides) == [0, 1], "only one of them is not the model's"
    deferral = ("--defer", "--reason", "image_quality", "--own-probability", 0.5, "--as", "ben")
    biopsies.done("decide", folder, "BC-0223", *deferral)
    change = ("--defer", "--reason", "image_quality", "--supersedes", view["decision"], "--as", "anna")
    biopsies.done("decide", folder, "BC-0221", *change)

    replayed = json.loads(biopsies.done("replay", folder, "--all", "--json").stdout)
    assert (replayed["replayed"], replayed["failed"]) == (4, 0)
    assert json.loads(biopsies.done("audit", "verify", folder, "--json").stdout)["ok"]
    assert json.loads(biopsies.done("doctor", folder, "--json").stdout)["ok"]
    biopsies.done("backup", folder, tmp_path / "copy.db")

    out = tmp_path / "decisions.csv"
    biopsies.done("export", folder, "--what", "decisions", "--format", "csv", "--out", out)
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [(row["case_id"], row["answer"], row["in_force"]) for row in rows] == [
        ("BC-0221", "accepted", "false"),
        ("BC-0222", "overridden", "true"),
        ("BC-0223", "deferred", "true"),
        ("BC-0221", "deferred", "true"),
    ]


def test_the_labels_leave_in_its_own_codes(folder: Path, tmp_path: Path) -> None:
    """Outcomes and answers alike; the hold-out's outcomes stay."""
    biopsies.done("decide", folder, "BC-0221", "--accept", "--own-probability", 0.7, "--as", "anna")
    out = tmp_path / "labels.jsonl"
    biopsies.done("export", folder, "--what", "labels", "--format", "jsonl", "--out", out)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert {row["label"] for row in rows} == {"malignant", "benign"}
    assert len([row for row in rows if row["source"] == "outcome"]) == biopsies.SIZES["training"]
    assert rows[-1]["own_label"] == "malignant" and rows[-1]["source"] == "accepted"


def test_a_label_of_another_project_is_refused(folder: Path) -> None:
    """The sentence names the labels there are."""
    refused = biopsies.run(
        "decide", folder, "BC-0221", "--override", "died", "--reason", "pattern", "--as", "anna"
    )
    assert refused.exit_code == 2
    assert "it is malignant or benign" in refused.stderr


def test_the_model_tells_the_tumours_apart(clinic: Workspace) -> None:
    """On biopsies it never saw: the measurements are known to part them well."""
    card = json.loads(models.champion(clinic.store).card)
    assert card["hold_out"]["cases"] == biopsies.SIZES["holdout"]
    assert card["hold_out"]["auc"]["value"] > 0.95
    assert card["hold_out"]["threshold"] == card["threshold"] == 0.4


# --- the words on the screen


def test_every_word_of_the_screen_is_its_own(clinic: Workspace) -> None:
    """The project's question, groups, labels and answers; nothing of the first project's."""
    shown = shown_to(clinic, "BC-0221", anna(clinic))
    facts, view = shown.screen.facts, shown.screen.view
    assert facts.question == "Is this tumour malignant?"
    assert [group.label for group in facts.groups] == [
        "Mean of the nuclei",
        "Standard error",
        "Worst three nuclei",
    ]
    assert sum(len(group.facts) for group in facts.groups) == len(view.reasons) == 30
    assert {view.label_words, view.other_words} == {"a malignant tumour", "a benign tumour"}
    assert view.probability_words.startswith("A malignant tumour in about ")
    assert view.threshold == 0.4
    assert any(reason.sentence.startswith("Worst ") for reason in view.reasons)


def test_no_word_of_the_first_project_is_on_the_screen(clinic: Workspace) -> None:
    """Not one of its labels, groups, level names, answers or reasons."""
    screen = shown_to(clinic, "BC-0221", anna(clinic)).screen.body.casefold()
    first = read_project(FIRST_PROJECT)
    foreign = {feature.label for feature in first.features} | set(first.groups)
    foreign |= {level.label for feature in first.features for level in feature.levels if len(level.label) > 4}
    foreign |= {
        first.target.positive.words,
        first.target.negative.words,
        first.target.index_time,
        first.title,
    }
    foreign = (foreign | {"death", "SUPPORT2", "day 3"}) - {
        "Patient"
    }  # the product's word for whoever is judged
    assert [
        words for words in sorted(foreign) if re.search(rf"\b{re.escape(words.casefold())}\b", screen)
    ] == []


def test_a_number_is_written_with_its_own_decimals(clinic: Workspace) -> None:
    """Three in this project, for ratios far below 1."""
    facts = shown_to(clinic, "BC-0221", anna(clinic)).screen.facts
    smoothness = next(
        fact for group in facts.groups for fact in group.facts if fact.feature == "mean_smoothness"
    )
    assert isinstance(smoothness.value, float)
    assert smoothness.text == f"{smoothness.value:.3f}"


def test_the_code_names_no_feature_and_no_answer_of_the_first_project() -> None:
    """Outside what makes the demonstration, no text in the code is a column, a level or a label of SUPPORT2."""
    first = read_project(FIRST_PROJECT)
    names = {*first.feature_names, first.target.outcome_column, first.id, "support2"}
    names |= {first.target.positive.code, first.target.negative.code}
    names |= {code for feature in first.features for code in feature.level_codes}
    names |= {reason.code for reason in first.reasons}
    found = {
        f"{path.relative_to(PACKAGE)}: {node.value}"
        for path in PACKAGE.rglob("*.py")
        if str(path.relative_to(PACKAGE)) not in TELLS_OF_THE_DEMO
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names - COMMON
    }
    assert found == set()


# --- review


def test_a_case_travels_from_the_queue_to_a_changed_decision(folder: Path, clinic: Workspace) -> None:
    """Handed out, read, revealed, overridden, changed; then again by another reader who defers."""
    reader = anna(clinic)
    case_id = next_case(clinic, actor=reader)
    assert case_id == worklist.waiting(clinic.store, limit=1)[0]
    open_case(clinic, case_id, actor=reader)
    with pytest.raises(NotCommitted):
        reveal(clinic, case_id, actor=reader)
    shown = shown_to(clinic, case_id, reader)
    override = decided(clinic, shown, Choice(Answer.OVERRIDDEN, reason="pattern"), reader)
    assert override.label == clinic.project.other_label(shown.screen.view.label)
    with pytest.raises(Conflict):
        decided(clinic, shown, Choice(Answer.ACCEPTED), reader)
    accepted = decided(clinic, shown, Choice(Answer.ACCEPTED), reader, supersedes=override.decision_id)
    assert accepted.label == shown.screen.view.label
    assert worklist.progress(clinic.store).decided == 1

    ben = actor_of(clinic, "ben")
    other = next_case(clinic, actor=ben)
    assert other not in (None, case_id)
    decided(clinic, shown_to(clinic, other, ben), Choice(Answer.DEFERRED, reason="image_quality"), ben)
    assert worklist.progress(clinic.store).deferred == 1

    every = reviews.all_decisions(clinic.store)
    assert [each.answer for each in every] == ["overridden", "accepted", "deferred"]
    assert all(replay(clinic, each.decision_id).ok for each in every)
    assert verify(folder).ok


# --- other policies


def test_with_blind_first_off_the_model_is_shown_at_once(tables: Path, tmp_path: Path) -> None:
    """No estimate is asked for, none is stored, and the decision says that there was none."""
    text = biopsies.project_text(policies='[review]\nblind_first = "off"\n')
    folder = biopsies.build(tmp_path / "open", text, tables=tables)
    with open_workspace(folder) as workspace:
        reader = anna(workspace)
        assert not open_case(workspace, "BC-0221", actor=reader).needs_read
        shown = reveal(workspace, "BC-0221", actor=reader)
        decision = decided(workspace, shown, Choice(Answer.OVERRIDDEN, reason="pattern"), reader)
        assert decision.own_probability is None
        assert reviews.read_of(workspace.store, "BC-0221", "anna") is None
        assert replay(workspace, decision.decision_id).ok
    biopsies.done("decide", folder, "BC-0222", "--accept", "--as", "anna")
    assert verify(folder).ok


def test_with_blind_first_for_a_share_each_case_is_one_or_the_other(tables: Path, tmp_path: Path) -> None:
    """Chosen by case and reader, in about the share that is asked for; the rule is kept either way."""
    text = biopsies.project_text(policies='[review]\nblind_first = "share"\nblind_share = 0.5\n')
    folder = biopsies.build(tmp_path / "share", text, tables=tables)
    with open_workspace(folder) as workspace:
        reader = anna(workspace)
        ids = [case.case_id for case in cases.of_purpose(workspace.store, Purpose.QUEUE)]
        blind = {each for each in ids if is_blind(workspace.project, each, "anna")}
        assert 0 < len(blind) < len(ids)
        for case_id in ids:
            opened = open_case(workspace, case_id, actor=reader)
            assert opened.needs_read == (case_id in blind)
            if opened.needs_read:
                with pytest.raises(NotCommitted):
                    reveal(workspace, case_id, actor=reader)
            shown = shown_to(workspace, case_id, reader)
            decision = decided(workspace, shown, Choice(Answer.ACCEPTED), reader)
            assert decision.own_probability == (0.6 if case_id in blind else None)
            now = workspace.store.clock()
            assert not look_at(workspace, case_id, actor=reader, opened_at=now).needs_read
        assert next_case(workspace, actor=reader) is None
    assert verify(folder).ok


def test_a_monotone_model_never_falls_where_a_feature_raises(
    clinic: Workspace, tables: Path, tmp_path: Path
) -> None:
    """Every "worst" measurement raises by the project file: more of it never lowers the margin."""
    text = biopsies.project_text(policies="[training]\nmonotone = true\n")
    folder = biopsies.build(tmp_path / "monotone", text, tables=tables)
    with open_workspace(folder) as workspace:
        model = stored_model(workspace.store)(models.champion(workspace.store).digest)
        assert model.digest != models.champion(clinic.store).digest
        training = cases.of_purpose(workspace.store, Purpose.TRAINING)
        raising = [feature.name for feature in workspace.project.features if feature.direction == "raises"]
        assert len(raising) == 10
        for name in raising:
            steps = np.unique([case.snapshot.values[name] for case in training])
            for case in training[::40]:
                rows = matrix(model.spec, [{**case.snapshot.values, name: float(step)} for step in steps])
                assert np.all(np.diff(score(model, rows).margins) >= -1e-6), name


def test_another_coding_of_the_answers_is_only_another_coding(
    clinic: Workspace, tables: Path, tmp_path: Path
) -> None:
    """Codes may be digits, and the outcomes' file may hold them; the model and its margins are the same."""
    coded = Path(shutil.copytree(tables, tmp_path / "tables"))
    for name in ("training", "holdout"):
        biopsies.write_outcomes_as_codes(coded / f"{name}-outcomes.csv", positive="m", negative="b")
    text = biopsies.project_text({'code = "malignant"': 'code = "m"', 'code = "benign"': 'code = "b"'})
    folder = biopsies.build(tmp_path / "coded", text, tables=coded)
    with open_workspace(folder) as workspace:
        assert margins(workspace) == margins(clinic)
        reader = anna(workspace)
        shown = shown_to(workspace, "BC-0221", reader, label="b")
        assert shown.screen.view.label in ("m", "b")
        decision = decided(workspace, shown, Choice(Answer.OVERRIDDEN, reason="pattern"), reader)
        assert {decision.label, shown.screen.view.label} == {"m", "b"}
        assert shown.screen.view.label_words in ("a malignant tumour", "a benign tumour")
    assert verify(folder).ok


@pytest.mark.parametrize(("positive", "negative"), [("1", "0"), ("0", "1"), ("yes", "no"), ("no", "yes")])
def test_codes_that_are_digits_or_words_of_yes_and_no_keep_their_meaning(
    positive: str, negative: str, tmp_path: Path
) -> None:
    """In the outcomes' file a code means the answer it is the code of, whatever it would mean elsewhere."""
    text = biopsies.project_text(
        {'code = "malignant"': f'code = "{positive}"', 'code = "benign"': f'code = "{negative}"'}
    )
    tables = biopsies.write_tables(tmp_path / "tables", sizes={"training": 30})
    biopsies.write_outcomes_as_codes(tables / "training-outcomes.csv", positive=positive, negative=negative)
    folder = tmp_path / "clinic"
    (tmp_path / "project.toml").write_text(text, encoding="utf-8")
    biopsies.done("init", folder, "--project", tmp_path / "project.toml")
    biopsies.done("import", folder, tables / "training.csv", "--purpose", "training")
    biopsies.done("import", folder, tables / "training-outcomes.csv", "--outcomes")
    truth = biopsies.breast_cancer_outcomes()[:30]
    with open_workspace(folder) as workspace:
        stored = cases.outcomes(workspace.store, Purpose.TRAINING)
    assert stored == {
        biopsy: bool(value) for biopsy, value in zip(truth["biopsy"], truth["malignant"], strict=True)
    }


# --- little to go by


@pytest.mark.parametrize(
    ("size", "words"),
    [(15, "calibration slope not measurable"), (0, "not measured on a hold-out")],
    ids=["a hold-out parted without a fault", "no hold-out"],
)
def test_what_could_not_be_measured_is_said_on_the_screen(size: int, words: str, tmp_path: Path) -> None:
    """A small hold-out may be parted without a fault, or be missing: the case is shown all the same."""
    tables = biopsies.write_tables(tmp_path / "tables", sizes={"training": 300, "holdout": 15, "queue": 2})
    folder = tmp_path / "clinic"
    (tmp_path / "project.toml").write_text(biopsies.project_text(), encoding="utf-8")
    biopsies.done("init", folder, "--project", tmp_path / "project.toml", "--reader", "anna", "Anna Berg")
    for purpose in ("training", "holdout") if size else ("training",):
        biopsies.done("import", folder, tables / f"{purpose}.csv", "--purpose", purpose)
        biopsies.done("import", folder, tables / f"{purpose}-outcomes.csv", "--outcomes")
    biopsies.done("train", folder)
    biopsies.done("import", folder, tables / "queue.csv")
    with open_workspace(folder) as workspace:
        strip = shown_to(workspace, "BC-0316", anna(workspace)).screen.view.reliability
    assert words in strip[-1].text
