"""Which page is shown, and what stands on every one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from hitl_review.domain.account import Actor, Permission, may
from hitl_review.errors import WorkspaceError
from hitl_review.ui import building, cache, session, widgets
from hitl_review.workflow import signing_in

PAGES: Final = Path(__file__).with_name("pages")
ICON: Final = Path(__file__).with_name("icon.png")
ENTRANCE: Final = "Sign in"
SHOWN: Final = (
    (Permission.REVIEW, "review", "Review", ":material/fact_check:"),
    (Permission.REVIEW, "history", "My decisions", ":material/history:"),
    (Permission.READ_STUDY, "study", "Study", ":material/science:"),
    (Permission.LEAD_STUDY, "studies", "Studies", ":material/science:"),
    (Permission.LEAD_STUDY, "plan", "Plan a study", ":material/calculate:"),
    (Permission.ADJUDICATE, "disputes", "Disputes", ":material/balance:"),
    (Permission.READ_LOG, "log", "Audit log", ":material/receipt_long:"),
    (Permission.READ_MODEL, "model", "Model", ":material/monitoring:"),
    (Permission.SEE_STUDY_RESULTS, "report", "Study report", ":material/summarize:"),
    (Permission.READ_GATE, "learning", "Learning", ":material/school:"),
    (Permission.READ_GATE, "monitor", "Monitor", ":material/vital_signs:"),
    (Permission.MANAGE_ACCOUNTS, "accounts", "Accounts", ":material/group:"),
)
"""What a page takes, its name, title and sign, in the order of the navigation."""


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
        st.error(widgets.plain(session.what_is_wrong(error)), icon=":material/error:")
        return
    cache.settle_in(str(folder))


def _app() -> None:
    with session.workspace() as workspace:
        actor = session.actor(workspace, active=session.is_attended())
        session.keep_to(actor)
        page = st.navigation(_pages(actor), position="top" if actor else "hidden")
        demo, grain = workspace.demo, signing_in.grain(workspace)
    with st.container(key="page", gap="xsmall"):
        widgets.masthead(demo, actor)
        page.run()
        if actor is not None:
            widgets.watch_session(actor, grain)
    widgets.style()


def _pages(actor: Actor | None) -> list[StreamlitPage]:
    """Return the pages of a role, or the entrance at every address, so that a bookmark survives it."""
    allowed = [each for each in SHOWN if actor is not None and may(actor.role, each[0])]
    if not allowed:
        entrance = [_entrance(name) for _, name, _, _ in SHOWN]
        return [st.Page(PAGES / "entrance.py", title=ENTRANCE, url_path="entrance", default=True), *entrance]
    # The default page has the bare address only; a bookmark of its name has to work too, so it is there twice.
    _, first, title, icon = allowed[0]
    return [
        st.Page(PAGES / f"{first}.py", title=title, icon=icon, url_path="start", default=True),
        st.Page(PAGES / f"{first}.py", title=title, url_path=first, visibility="hidden"),
        *(
            st.Page(PAGES / f"{name}.py", title=title, icon=icon, url_path=name)
            for _, name, title, icon in allowed[1:]
        ),
    ]


def _entrance(name: str) -> StreamlitPage:
    return st.Page(PAGES / "entrance.py", title=ENTRANCE, url_path=name, visibility="hidden")
