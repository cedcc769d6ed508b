"""Every act of the workflow tried by every role, for real: refused before anything is done, or not refused.

The acts are read from the code: each public function that asks `require(actor, Permission.X)`. A new
one is tried here without being named.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import hitl_review.workflow
from hitl_review.domain.account import Actor, Permission, Role, ensure_other, may
from hitl_review.domain.decision import Answer, Choice
from hitl_review.errors import NotPermitted
from hitl_review.store import audit, reviews
from hitl_review.workflow.accounts import actor_of
from hitl_review.workflow.deciding import record_decision
from hitl_review.workflow.workspace import Workspace
from tests.tampering import payloads_of, tampered
from tests.ward import NOW

PACKAGE = Path(hitl_review.workflow.__file__).parent


@dataclass(frozen=True, slots=True)
class Act:
    """A function of the workflow, and what it takes."""

    module: str
    name: str
    permission: Permission

    def __str__(self) -> str:
        return f"{self.module.removeprefix('hitl_review.workflow.')}.{self.name}"


def acts() -> Iterator[Act]:
    """Every public function that asks for a permission by name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parents[1]).with_suffix("").parts
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                for permission in _asked(function):
                    yield Act(".".join(parts).removesuffix(".__init__"), function.name, permission)


def _asked(function: ast.FunctionDef) -> Iterator[Permission]:
    """The permissions that a function asks for, first thing: after its docstring, before anything else."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    first = body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Call):
        call = first.value
        if getattr(call.func, "id", "") == "require" and isinstance(call.args[1], ast.Attribute):
            yield Permission[call.args[1].attr]


ACTS = list(acts())


def call(act: Act, workspace: Workspace, actor: Actor, place: Path) -> None:
    """Do the act with whatever fits its parameters; past the check of the role anything may be wrong with them."""
    function = getattr(importlib.import_module(act.module), act.name)
    given: dict[str, Any] = {"workspace": workspace, "workspace_folder": workspace.folder, "actor": actor}
    by_kind: dict[str, Any] = {"str": "x", "Path": place / "x", "float": 1.0, "int": 1}
    by_kind |= {"datetime": NOW, "Role": Role.READER}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name not in given and parameter.default is parameter.empty:
            given[parameter.name] = by_kind.get(str(parameter.annotation))
    function(**{name: given[name] for name in inspect.signature(function).parameters if name in given})


def actor_in(role: Role) -> Actor:
    """Somebody in a role."""
    return Actor("system" if role is Role.SYSTEM else "somebody", "Somebody", role)


def test_the_acts_are_found() -> None:
    """Most permissions have an act that asks for them in so many words; the rest are tested where they are."""
    assert len(ACTS) >= 25
    assert len({act.permission for act in ACTS}) >= 12



@pytest.mark.parametrize("act", ACTS, ids=str)
def test_who_may_not_is_refused_before_anything_is_done(workspace: Workspace, tmp_path: Path, act: Act) -> None:
    """Attack 42, cell by cell: an auditor can't write, an admin can't decide; no event, no file, one sentence."""
    for role in [role for role in Role if not may(role, act.permission)]:
        before = audit.head(workspace.store), sorted(workspace.folder.iterdir())
        with pytest.raises(NotPermitted, match=f"The role {role.words} may not {act.permission.value}"):
            call(act, workspace, actor_in(role), tmp_path)
        assert (audit.head(workspace.store), sorted(workspace.folder.iterdir())) == before
        assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_who_may_is_not_refused_for_the_role(workspace: Workspace, tmp_path: Path, act: Act) -> None:
    """What then fails, if it does, fails for another reason: these arguments are made up."""
    for role in [role for role in Role if may(role, act.permission)]:
        try:
            call(act, workspace, actor_in(role), tmp_path)
        except NotPermitted as refused:
            assert f"may not {act.permission.value}" not in str(refused)
        except Exception:  # whatever made-up arguments lead to, once the role was let through
            continue


def test_a_reader_decides_nothing_on_a_screen_of_somebody_else(
    reviewed: Workspace, other_reader: Actor
) -> None:
    """Attack 42: what was shown to one reader is no ground for another's decision."""
    theirs = next(each for each in reviews.all_reveals(reviewed.store) if each.reader == "reader-1")
    with pytest.raises(Exception, match="shown to somebody else"):
        record_decision(
            reviewed,
            theirs.reveal_id,
            Choice(Answer.ACCEPTED),
            actor=other_reader,
            token="decision-stolen",
            seconds_active=5,
            seconds_on_screen=5,
        )


def test_nobody_judges_what_they_did_themselves(workspace: Workspace) -> None:
    """By the account, whatever the role: approver and proposer, adjudicator and reader are two people."""
    anna, ben = actor_of(workspace, "reader-1"), actor_of(workspace, "reader-2")
    ensure_other(anna, ben, act="approve this")
    ensure_other("reader-1", ben, act="approve this")
    for first in (anna, "reader-1", Actor("reader-1", "Another Name", Role.APPROVER)):
        with pytest.raises(NotPermitted, match="Somebody else has to approve this"):
            ensure_other(first, anna, act="approve this")


def test_a_role_that_was_changed_in_the_database_is_found(reviewed_folder: Path) -> None:
    """A role is what its event says: who takes another by editing a row is reported, with what they did before."""
    from hitl_review.workflow.auditing import verify

    with tampered(reviewed_folder) as connection:
        assert payloads_of(connection)
        connection.execute("UPDATE accounts SET role = 'approver' WHERE account_id = 'reader-1'")
    assert [problem.kind for problem in verify(reviewed_folder).problems] == ["row_differs", "payload"]
