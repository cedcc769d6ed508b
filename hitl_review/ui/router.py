"""Which page is shown, and what stands on every one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.errors import WorkspaceError
from hitl_review.store import accounts
from hitl_review.ui import building, cache, session, widgets

PAGES: Final = Path(__file__).with_name("pages")
ICON: Final = Path(__file__).with_name("icon.png")


def main() -> None:
    """Draw the app: build the demonstration if there is nothing yet, else the page that was asked for."""
    st.set_page_config(page_title="hitl-review", page_icon=str(ICON), layout="wide")
    folder = session.folder()
    try:
        if building.is_needed(folder):
            building.page(folder)
            return
        _app()
    except WorkspaceError as error:
        st.error(str(error), icon=":material/error:")
        return
    cache.settle_in(str(folder))


def _app() -> None:
    with session.workspace() as workspace:
        actor = session.actor(workspace)
        page = st.navigation(_pages(actor), position="top" if actor else "hidden")
        everyone, demo = accounts.everyone(workspace.store), workspace.demo
    with st.container(key="page", gap="xsmall"):
        widgets.masthead(demo, actor, everyone)
        page.run()
    widgets.style()


def _pages(actor: Actor | None) -> list[StreamlitPage]:
    if actor is None:
        return [st.Page(PAGES / "entrance.py", title="Who is reading?", url_path="", default=True)]
    shown = [
        (Permission.REVIEW, "review", "Review", ":material/fact_check:"),
        (Permission.REVIEW, "history", "My decisions", ":material/history:"),
        (Permission.READ_LOG, "log", "Audit log", ":material/receipt_long:"),
        (Permission.READ_MODEL, "model", "Model", ":material/monitoring:"),
    ]
    allowed = [each for each in shown if may(actor.role, each[0])]
    return [
        st.Page(PAGES / f"{name}.py", title=title, icon=icon, url_path=name, default=place == 0)
        for place, (_, name, title, icon) in enumerate(allowed)
    ]
