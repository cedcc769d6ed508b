"""Override and deferral rates with their intervals."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from hitl_review.domain.account import Actor
from hitl_review.ui import widgets
from hitl_review.ui.auditing_events import sitting
from hitl_review.ui.auditing_tables import rates_html
from hitl_review.workflow.override_rates import override_rates
from hitl_review.workflow.workspace import Workspace


def part(workspace: Workspace, actor: Actor, people: Mapping[str, str]) -> None:
    """Draw the rates of the decisions in force."""
    st.html(rates_html(override_rates(workspace, actor=actor, sitting=sitting(actor, "rates"))))
    widgets.line(
        "A high rate is no error by itself: published rates run from a third to nearly all. It is a place to look. "
        "The interval says how far chance alone may have moved a share (Wilson's, at 95%); as one reader's decisions "
        "are alike, the true one is rather wider than narrower."
    )
