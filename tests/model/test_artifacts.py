"""One string of bytes is the whole model; anything else is refused without being run."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from hitl_review.domain.audit import canonical_json
from hitl_review.errors import ModelError
from hitl_review.model import artifacts
from hitl_review.model.artifacts import TrainedModel, card, digest_of, load, save
from hitl_review.model.explaining import score_and_explain
from hitl_review.model.familiarity import novelty


def test_a_model_loaded_answers_as_the_one_saved(model: TrainedModel, newcomers: Any) -> None:
    """Margins, probabilities, verdicts, contributions and familiarity: zero difference."""
    again = load(save(model), digest=model.digest)
    assert again == model
    assert (again.calibration, again.conformal, again.record) == (
        model.calibration,
        model.conformal,
        model.record,
    )
    first, second = (score_and_explain(each, newcomers.values) for each in (model, again))
    np.testing.assert_array_equal(first[0].margins, second[0].margins)
    np.testing.assert_array_equal(first[0].probabilities, second[0].probabilities)
    np.testing.assert_array_equal(first[1].contributions, second[1].contributions)
    assert first[0].verdicts == second[0].verdicts
    for ours, theirs in zip(
        *(novelty(each.familiarity, newcomers.values) for each in (model, again)), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_saving_again_gives_the_same_bytes(model: TrainedModel) -> None:
    """Loading and saving is no new model."""
    assert bytes(model.batch_booster.save_raw(raw_format="ubj")) == save(model)


def test_everything_needed_to_serve_lies_under_the_one_digest(model: TrainedModel) -> None:
    """A calibration changed by one bit is another model, and the old digest refuses it."""
    booster = xgboost.Booster(model_file=bytearray(model.data))
    companion = json.loads(booster.attr("hitl_review") or "")
    assert set(companion) == {"format", "features", "calibration", "conformal", "familiarity", "record"}
    companion["calibration"]["shift"] = 0.5
    booster.set_attr(hitl_review=canonical_json(companion))
    forged = bytes(booster.save_raw(raw_format="ubj"))
    with pytest.raises(ModelError, match="Restore the model from a backup"):
        load(forged, digest=model.digest)
    assert load(forged, digest=digest_of(forged)).calibration.shift == 0.5


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


def test_a_pickle_is_refused_without_being_run(tmp_path: Path) -> None:
    """Whatever the file is called: the first bytes tell, and nothing in it is executed."""
    trap = tmp_path / "ran"
    disguised = tmp_path / "model.ubj"
    disguised.write_bytes(pickle.dumps(Bomb(trap)))
    data = disguised.read_bytes()
    with pytest.raises(ModelError, match="is a Python pickle"):
        load(data, digest=digest_of(data))
    assert not trap.exists()
    pickle.loads(data)
    assert trap.exists()


def as_zip() -> bytes:
    """A zip file, as other libraries store models."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("data.pkl", b"")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (as_zip(), "a zip file"),
        (gzip.compress(b"{}", mtime=0), "a gzip file"),
        (b'{"learner": {}}', "JSON text"),
        (b"", "something else"),
        (b"{L", "something else"),
        (b"\x00" * 64, "something else"),
        (b"GIF89a learner", "something else"),
    ],
)
def test_other_files_are_told_by_what_they_are(data: bytes, found: str) -> None:
    """The message names what was found and what to do."""
    with pytest.raises(ModelError, match=f"is {found}, not XGBoost's UBJSON"):
        load(data, digest=digest_of(data))


@pytest.mark.parametrize("keep", [40, 100, 1000, 20_000])
def test_a_truncated_model_is_refused(model: TrainedModel, keep: int) -> None:
    """Half a file is neither the model that was asked for, nor one that XGBoost can read."""
    part = model.data[:keep]
    with pytest.raises(ModelError, match="was asked for, the bytes are sha256:"):
        load(part, digest=model.digest)
    with pytest.raises(ModelError, match="can't read"):
        load(part, digest=digest_of(part))


def test_a_file_that_is_too_large_is_not_read(model: TrainedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is checked before anything else."""
    monkeypatch.setattr(artifacts, "LARGEST_BYTES", 1000)
    with pytest.raises(ModelError, match="is larger than"):
        load(model.data, digest=model.digest)


def foreign(attribute: str | None) -> bytes:
    """A booster of XGBoost that was not made by this program, or says something odd of itself."""
    booster = xgboost.train({}, xgboost.DMatrix(np.eye(4), label=np.arange(4)), 1)
    if attribute is not None:
        booster.set_attr(hitl_review=attribute)
    return bytes(booster.save_raw(raw_format="ubj"))


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        (None, "was not made by hitl-review"),
        ('{"format":2}', "has format 2; this program reads format 1"),
        ('{"format":1}', "can't be read"),
        ("not JSON", "can't be read"),
        ("[]", "can't be read"),
        ('{"format":1,"features":[{"name":"x","kind":"number","levels":[]}]}', "other columns"),
    ],
)
def test_a_booster_of_somebody_else_is_refused(attribute: str | None, said: str) -> None:
    """Trees without our record can be neither calibrated nor explained in the project's words."""
    data = foreign(attribute)
    with pytest.raises(ModelError, match=said):
        load(data, digest=digest_of(data))


def test_models_are_equal_by_digest(model: TrainedModel) -> None:
    """So a cache keyed by a model never mixes two up."""
    assert model == replace(model, calibration=model.calibration)
    assert hash(model) == hash(load(model.data, digest=model.digest))
    assert model != replace(model, digest="sha256:0")


def test_the_card_is_canonical_json(model: TrainedModel) -> None:
    """It can be stored, hashed and shown as it is, and holds no patient's values."""
    told = card(model)
    assert json.loads(canonical_json(told))["rows"] == 400
    assert told["features"] == ["age", "creatinine", "dementia", "ward"]
    assert not {"prototypes", "familiarity"} & set(told)


def test_a_model_stays_small(champion: TrainedModel) -> None:
    """Trees and everything else of 500 cases fit in half a megabyte."""
    assert len(champion.data) < 500_000
