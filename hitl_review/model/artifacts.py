"""One model = one string of bytes = one digest.

The bytes are XGBoost's UBJSON; everything else that is needed to serve the model (columns, calibration,
conformal limits, what it was trained on, how) is canonical JSON in one attribute of the booster. So the
digest covers all of it, and no model can be paired with another's calibration. No pickle is read or written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import xgboost
from xgboost.core import XGBoostError

from hitl_review.domain.audit import canonical_json
from hitl_review.errors import ModelError
from hitl_review.model.calibration import Calibration
from hitl_review.model.familiarity import Familiarity
from hitl_review.model.features import FeatureSpec
from hitl_review.model.uncertainty import Conformal

FORMAT: Final = 1
LARGEST_BYTES: Final = 64 * 1024 * 1024
_ATTRIBUTE: Final = "hitl_review"
_FOREIGN: Final = {
    b"\x80": "a Python pickle",
    b"PK": "a zip file",
    b'{"': "JSON text",
    b"\x1f\x8b": "a gzip file",
}


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """How a model was made: enough to make the same bytes again from the same rows, and how good it was."""

    rows: int
    positives: float
    base_rate: float
    """Share of training cases with the outcome, among those whose label is an outcome."""
    threshold: float
    preset: str
    rounds: int
    parameters: Mapping[str, Any]
    monotone: Mapping[str, int]
    seed: int
    manifest: str
    """Digest of the training manifest, given by the caller: which cases, labels and weights."""
    data: str
    """Digest of the arrays that were fitted."""
    versions: Mapping[str, str]
    cross_validated: Mapping[str, float | None]
    """Measures on out-of-fold predictions of the training cases, before calibration; None if unmeasurable."""

    def as_json(self) -> dict[str, Any]:
        """Return the record as it is stored with the model."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model as it is served; two are equal when their digests are.

    Never changed after loading: asking one booster from many threads is safe, changing it meanwhile is not.
    """

    digest: str
    spec: FeatureSpec = field(compare=False)
    calibration: Calibration = field(compare=False)
    conformal: Conformal = field(compare=False)
    familiarity: Familiarity = field(repr=False, compare=False)
    record: TrainingRecord = field(compare=False)
    data: bytes = field(repr=False, compare=False)
    batch_booster: xgboost.Booster = field(repr=False, compare=False)
    row_booster: xgboost.Booster = field(repr=False, compare=False)
    """The same trees on one thread: for few cases, a second thread costs more than it saves."""


def seal(
    booster: xgboost.Booster,
    *,
    spec: FeatureSpec,
    calibration: Calibration,
    conformal: Conformal,
    familiarity: Familiarity,
    record: TrainingRecord,
) -> TrainedModel:
    """Write everything into the booster's bytes and return the model as read back from them."""
    companion = {
        "format": FORMAT,
        "features": spec.as_json(),
        "calibration": calibration.as_json(),
        "conformal": conformal.as_json(),
        "familiarity": familiarity.as_json(),
        "record": record.as_json(),
    }
    booster.set_attr(**{_ATTRIBUTE: canonical_json(companion)})
    data = bytes(booster.save_raw(raw_format="ubj"))
    return load(data, digest=digest_of(data))


def save(model: TrainedModel) -> bytes:
    """Return the bytes that are the model."""
    return model.data


def digest_of(data: bytes) -> str:
    """Return `sha256:<hex>` of a model's bytes: its identity.

    >>> digest_of(b"")[:20]
    'sha256:e3b0c44298fc1'
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def load(data: bytes, *, digest: str) -> TrainedModel:
    """Return the model that these bytes are, if they are the ones with this digest.

    Raises ModelError when they are too large, not the expected ones, not UBJSON, not for this XGBoost,
    or not made by this program. The bytes are only parsed, never executed. The digest is checked first, and must
    come from the log rather than from beside the bytes: XGBoost's own parser crashed on bytes altered at random.
    """
    _check_bytes(data, digest)
    try:
        boosters = [
            xgboost.Booster({"nthread": n, "verbosity": 0}, model_file=bytearray(data)) for n in (0, 1)
        ]
    except XGBoostError as error:
        raise ModelError(
            f"XGBoost {xgboost.__version__} can't read model {digest}. Train it again."
        ) from error
    try:
        stored = _companion(boosters[0], digest)
        return _model(data, digest, stored, *boosters)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"What model {digest} says of itself can't be read. Restore it from a backup."
        ) from error


def card(model: TrainedModel) -> dict[str, Any]:
    """Return what a person should know of a model, as JSON: its record, calibration and conformal limits."""
    return {
        **model.record.as_json(),
        "calibration": model.calibration.as_json(),
        "conformal": model.conformal.as_json(),
        "features": list(model.spec.names),
        "feature_spec": model.spec.digest,
    }


def _check_bytes(data: bytes, digest: str) -> None:
    if len(data) > LARGEST_BYTES:
        limit = f"{LARGEST_BYTES // 1024**2} MB"
        raise ModelError(
            f"Model {digest} is larger than {limit}, so it was not read. Train with fewer rounds."
        )
    if digest_of(data) != digest:
        found = digest_of(data)
        raise ModelError(
            f"Model {digest} was asked for, the bytes are {found}. Restore the model from a backup."
        )
    foreign = next((name for start, name in _FOREIGN.items() if data.startswith(start)), None)
    if foreign or not data.startswith(b"{") or b"learner" not in data[:32]:
        found = foreign or "something else"
        raise ModelError(
            f"Model {digest} is {found}, not XGBoost's UBJSON, so it was not read. Train it again."
        )


def _companion(booster: xgboost.Booster, digest: str) -> dict[str, Any]:
    text = booster.attr(_ATTRIBUTE)
    if text is None:
        raise ModelError(f"Model {digest} was not made by hitl-review. Train it with `hitl-review train`.")
    stored: dict[str, Any] = dict(json.loads(text))
    found = stored["format"]
    if found != FORMAT:
        raise ModelError(f"Model {digest} has format {found}; this program reads format {FORMAT}. Update it.")
    return stored


def _model(
    data: bytes, digest: str, stored: dict[str, Any], batch: xgboost.Booster, row: xgboost.Booster
) -> TrainedModel:
    spec = FeatureSpec.from_json(stored["features"])
    if batch.feature_names != list(spec.names) or batch.feature_types != spec.xgboost_types:
        raise ModelError(
            f"The trees of model {digest} have other columns than its specification. Train it again."
        )
    return TrainedModel(
        digest=digest,
        spec=spec,
        calibration=Calibration.from_json(stored["calibration"]),
        conformal=Conformal.from_json(stored["conformal"]),
        familiarity=Familiarity.from_json(spec, stored["familiarity"]),
        record=TrainingRecord(**stored["record"]),
        data=data,
        batch_booster=batch,
        row_booster=row,
    )
