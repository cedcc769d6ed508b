"""Commands on a workspace as a whole: demo, init, serve, backup, doctor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from hitl_review.cli.arguments import (
    account_option,
    acting,
    json_option,
    password_file_option,
    password_given,
    workspace_argument,
    workspace_command,
)
from hitl_review.cli.showing import print_json, steps_bar, tell


@workspace_command("demo", example="hitl-review demo demo-workspace")
@workspace_argument
@click.option(
    "--all", "all_cases", is_flag=True, help="Load the whole queue of 6,605, not only the first 400."
)
def demo(workspace: Path, all_cases: bool) -> None:
    """Make the SUPPORT2 demo workspace, if it is not there.

    Imports the patients of the public SUPPORT2 data, trains the first champion, fills the queue and
    makes the demo accounts. Once made, running it again changes nothing.
    """
    from hitl_review.domain.password import DEMO_PASSWORD
    from hitl_review.workflow.demo import make_demo

    with steps_bar() as progress:
        report = make_demo(workspace, all_cases=all_cases, progress=progress)
    done = "is ready" if report.made else "was there already"
    tell(f"The demo workspace {workspace} {done}: {report.cases:,} patients, model {report.model}.")
    tell(f"Demo accounts, all public: the password of each is '{DEMO_PASSWORD}'.")
    for account in report.accounts:
        tell(f"  {account.account_id:<14} {account.name:<20} {account.role.words}")
    tell(f"Next: hitl-review serve {workspace}")


_INIT_EXAMPLE = "hitl-review init clinic --project project.toml --admin ada 'Ada Admin' --reader anna 'Anna Berg'"


@workspace_command("init", example=_INIT_EXAMPLE)
@workspace_argument
@click.option(
    "--project",
    required=True,
    type=click.Path(path_type=Path),
    help="The project.toml: what is predicted, from which features, under which policies.",
)
@click.option(
    "--reader",
    "reader_names",
    type=(str, str),
    multiple=True,
    metavar="ID NAME",
    help="Somebody who will review cases here: an account id and a printed name. Give it once per reader.",
)
@click.option(
    "--admin",
    type=(str, str),
    metavar="ID NAME",
    help="Who manages the accounts: an account id and a printed name. The password is asked for.",
)
@password_file_option
def init(
    workspace: Path, project: Path, reader_names: tuple[tuple[str, str], ...], admin: tuple[str, str] | None
) -> None:
    """Make an empty workspace for one's own data.

    With --admin the first administrator is made, whose password is asked for or read from
    --password-file. Readers get theirs from `accounts password`; until then they can't sign in.
    """
    from hitl_review.domain.account import Role
    from hitl_review.project import read_project_text
    from hitl_review.workflow.accounts import add_account, check_people
    from hitl_review.workflow.workspace import create_workspace, open_workspace

    text = read_project_text(project)
    password = None if admin is None else password_given(f"Password for {admin[0]}", confirm=True)
    check_people(reader_names if admin is None else (*reader_names, admin), admin and admin[0], password)
    create_workspace(workspace, text)
    with open_workspace(workspace) as opened:
        if admin is not None:
            add_account(opened, *admin, Role.ADMIN, password=password)
        for account_id, name in reader_names:
            add_account(opened, account_id, name, Role.READER)
    tell(f"The workspace {workspace} is made.")
    for account_id, _ in reader_names:
        tell(f"Next: hitl-review accounts password {workspace} {account_id}")
    tell(f"Next: hitl-review import {workspace} FILE --purpose training")


@workspace_command("serve", example="hitl-review serve demo-workspace --port 8501")
@workspace_argument
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--public-url", metavar="URL", help="What browsers show: https://review.example.org, behind a TLS proxy."
)
def serve(workspace: Path, port: int, address: str, public_url: str | None) -> None:
    """Serve the review pages and run the worker beside them, until it is stopped with Ctrl+C."""
    from hitl_review.cli.beside import worker_beside
    from hitl_review.ui.server import serve as serve_pages  # the one place where a door opens the other

    with worker_beside(workspace):
        serve_pages(workspace, port=port, address=address, public_url=public_url)


@workspace_command("backup", example="hitl-review backup demo-workspace backup-2026-11-22.db")
@workspace_argument
@click.argument("file", type=click.Path(path_type=Path))
@account_option
def backup(workspace: Path, file: Path, account: str | None) -> None:
    """Write a consistent, verified copy of the database to FILE.

    Copying review.db by hand while the app runs gives a broken copy; this one is whole. The key
    that signs checkpoints is not in it. To restore it, stop the app and put it into a folder as
    review.db, out of which review.db-wal and review.db-shm were taken, and beside it the key.
    """
    from hitl_review.workflow.backup import backup as make_backup
    from hitl_review.workflow.workspace import open_workspace

    with open_workspace(workspace) as opened:
        actor = acting(opened, account)
    make_backup(workspace, file, actor=actor)
    tell(f"The backup {file} is written and verified.")


@workspace_command("doctor", example="hitl-review doctor demo-workspace")
@workspace_argument
@json_option
@click.pass_context
def doctor(context: click.Context, workspace: Path, as_json: bool) -> None:
    """Check environment, settings and workspace; say what to mend.

    Leaves with 1 if something is a problem; warnings are allowed.
    """
    from hitl_review.workflow.diagnosing import diagnose, is_well

    checks = diagnose(workspace)
    if as_json:
        print_json({"ok": is_well(checks), "checks": [asdict(each) for each in checks]})
    else:
        for check in checks:
            tell(f"{check.state.value:<8} {check.name:<19} {check.found}")
            if check.advice:
                tell(f"{'':<28} -> {check.advice}")
    context.exit(0 if is_well(checks) else 1)
