"""A ward whose study runs, and a hospital with a real model for what has to be shown."""

from __future__ import annotations

import pytest

from hitl_review.workflow.workspace import Workspace
from tests.ward_study import start


@pytest.fixture
def ward(reviewed: Workspace) -> Workspace:
    """The small ward with the study `ward-1` running."""
    start(reviewed)
    return reviewed
