"""An auditor's page in parts: each is drawn alone, on a copy of the small ward."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from hitl_review.domain.account import Actor, Role

AUDITOR = Actor("auditor-1", "Ada Auditor", Role.AUDITOR)


def drawn(part: str, role: str = "auditor") -> None:
    """The script of a page that is one part of the auditor's; it is run by its source."""
    from importlib import import_module

    from hitl_review.domain.account import Actor, Role
    from hitl_review.store import accounts
    from hitl_review.ui import session

    with session.workspace() as workspace:
        people = {each.account_id: each.name for each in accounts.everyone(workspace.store)}
        import_module(f"hitl_review.ui.{part}").part(
            workspace, Actor("auditor-1", "Ada Auditor", Role(role)), people
        )


def well(app: AppTest) -> AppTest:
    """The page, if it was drawn without an exception."""
    assert not app.exception, app.exception
    return app


def shown(app: AppTest) -> str:
    """All HTML of a page."""
    return "".join(str(each.proto.body) for each in app.get("html"))
