"""The only place that caches: models by digest, and what must happen once per process.

Promotion needs no clearing: another champion is another digest. Nothing that belongs to a person or
a case is cached, because Streamlit's caches are shared by everybody.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Final

import streamlit as st

from hitl_review.model.artifacts import TrainedModel
from hitl_review.store.connection import Store, open_store
from hitl_review.workflow.scoring import ModelSource, stored_model

STYLE: Final = Path(__file__).with_name("review.css")


@st.cache_resource(max_entries=8, show_spinner=False)
def _model(digest: str, _store: Store) -> TrainedModel:
    return stored_model(_store)(digest)


def model_source(store: Store) -> ModelSource:
    """Return a source of models that reads each digest from the store once per process."""
    return lambda digest: _model(digest, store)


@st.cache_resource(show_spinner=False)
def settle_in(folder: str) -> Store:
    """Do what one process does once, after its first page: keep a connection open, freeze what will stay.

    Streamlit collects garbage after every rerun; with the libraries loaded that costs about 95 ms
    each time. Frozen objects are not looked at again. The idle connection keeps SQLite from
    checkpointing its write-ahead log each time a page closes its own.
    """
    idle = open_store(Path(folder))
    gc.collect()
    gc.freeze()
    return idle
