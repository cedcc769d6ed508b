"""What a workspace stands on: libraries, SQLite, disk, file system, Streamlit's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitl_review.workflow import environment
from hitl_review.workflow.environment import (
    State,
    file_system_check,
    settings_check,
    sqlite_check,
    xgboost_check,
)

SHIPPED = Path(__file__).parents[2] / ".streamlit" / "config.toml"
MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/export /home nfs4 rw 0 0
/dev/sdb1 /home/local xfs rw 0 0
host /work fuse.sshfs rw 0 0
shared /media/with\\040space 9p rw 0 0
broken-line
"""


def test_this_machine_runs_the_product() -> None:
    """Where the tests run, nothing is a problem, and each check has a name of its own."""
    checks = environment.machine_checks()
    assert [check for check in checks if check.state is State.PROBLEM] == []
    assert len({check.name for check in checks}) == len(checks)


def test_one_build_of_xgboost_is_said_and_two_are_warned_of() -> None:
    """Both wheels write into the same folder, so together they are neither."""
    assert "build for the CPU" in xgboost_check("3.4.1", None).found
    assert "GPU" in xgboost_check(None, "3.4.1").found
    both = xgboost_check("3.4.1", "3.2.0")
    assert both.state is State.WARNING
    assert "3.4.1" in both.found
    assert "3.2.0" in both.found


def test_a_module_that_can_not_be_loaded_is_told_by_its_kind_of_fault() -> None:
    """A library that lacks a part of the system shows when it is imported, not before."""
    assert environment.import_fault("json") is None
    fault = environment.import_fault("no_such_module_here")
    assert fault is not None
    assert "ModuleNotFoundError" in fault


def test_a_missing_library_is_a_problem_and_missing_matplotlib_a_warning() -> None:
    """The pages draw without matplotlib, and do nothing without the rest."""
    assert environment.library_check("no-such-distribution").state is State.PROBLEM
    without = environment.matplotlib_check(None)
    assert without.state is State.WARNING
    assert "hitl-review[figures]" in without.advice


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ((3, 40, 1), "warning"),
        ((3, 51, 2), "warning"),
        ((3, 51, 3), "ok"),
        ((3, 52, 0), "ok"),
        ((4, 0), "ok"),
    ],
)
def test_a_sqlite_before_3_51_3_is_warned_of_with_the_extra_that_mends_it(
    found: tuple[int, ...], state: str
) -> None:
    """Its WAL-reset fault can damage a database, rarely."""
    check = sqlite_check(found, "sqlite3")
    assert check.state == state
    assert ("hitl-review[durable]" in check.advice) is (state == "warning")


def test_too_little_space_is_a_problem_and_little_space_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk stops every act; a backup needs as much room as the database."""

    def state_with(free: int, database_bytes: int = 0) -> State:
        monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free}))
        return environment.disk_check(tmp_path, database_bytes=database_bytes).state

    assert state_with(10_000_000) is State.PROBLEM
    assert state_with(500_000_000) is State.WARNING
    assert state_with(5_000_000_000) is State.OK
    assert state_with(5_000_000_000, database_bytes=3_000_000_000) is State.WARNING


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/home/anna", "nfs4"),
        ("/home/local/anna", "xfs"),
        ("/home/localities", "nfs4"),
        ("/work", "fuse.sshfs"),
        ("/media/with space/case", "9p"),
    ],
)
def test_the_longest_mount_point_above_a_folder_decides(folder: str, kind: str) -> None:
    """A local disk mounted inside a network share is local, and a likeness of names is none."""
    assert environment.file_system_of(Path(folder), MOUNTS) == kind


@pytest.mark.parametrize(
    ("folder", "state"),
    [("/var", "ok"), ("/home", "problem"), ("/work", "problem"), ("/media/with space", "warning")],
)
def test_a_network_file_system_is_a_problem(folder: str, state: str) -> None:
    """SQLite's locks and its WAL don't hold over a network."""
    assert file_system_check(Path(folder), MOUNTS).state == state


def test_a_system_that_does_not_tell_its_mounts_is_no_problem(tmp_path: Path) -> None:
    """Only Linux tells; elsewhere the person is reminded."""
    check = file_system_check(tmp_path, None)
    assert check.state is State.OK
    assert "local disk" in check.found


def test_the_shipped_settings_are_safe() -> None:
    """The file beside app.py passes its own check."""
    assert settings_check([SHIPPED], {}).state is State.OK


def test_without_any_settings_the_defaults_are_unsafe(tmp_path: Path) -> None:
    """Streamlit's defaults show error texts, which may hold a patient's value."""
    check = settings_check([tmp_path / "config.toml"], {})
    assert check.state is State.PROBLEM
    assert "client.showErrorDetails" in check.found


def test_a_later_file_overrules_an_earlier_one(tmp_path: Path) -> None:
    """The place nearest to the app decides."""
    loose = tmp_path / "config.toml"
    loose.write_text("[client]\nshowErrorDetails = 'full'\n", encoding="utf-8")
    assert settings_check([loose, SHIPPED], {}).state is State.OK
    assert settings_check([SHIPPED, loose], {}).state is State.PROBLEM


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STREAMLIT_CLIENT_SHOW_ERROR_DETAILS", "full"),
        ("STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION", "false"),
        ("STREAMLIT_SERVER_ENABLE_CORS", "false"),
        ("STREAMLIT_SERVER_ENABLE_AGENT_API", "true"),
    ],
)
def test_an_environment_variable_overrules_all_files(variable: str, value: str) -> None:
    """What Streamlit would obey, the check obeys."""
    assert settings_check([SHIPPED], {variable: value}).state is State.PROBLEM


def test_an_address_that_the_network_reaches_is_warned_of() -> None:
    """Without TLS in front, what is read crosses the network in the open."""
    check = settings_check([SHIPPED], {"STREAMLIT_SERVER_ADDRESS": "0.0.0.0"})
    assert check.state is State.WARNING
    assert "TLS" in check.advice


def test_a_settings_file_that_can_not_be_read_is_a_problem(tmp_path: Path) -> None:
    """Unread, it would leave the unsafe defaults in force."""
    broken = tmp_path / "config.toml"
    broken.write_text("[client\n", encoding="utf-8")
    assert settings_check([SHIPPED, broken], {}).state is State.PROBLEM
