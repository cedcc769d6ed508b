"""What `doctor` checks around a workspace: Python, libraries, SQLite, disk, Streamlit's settings.

Each check is a function from what it looks at to one Check, and says what to do about what it finds. A
problem keeps the product from working or from keeping its promises; a warning is worth knowing.
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import shutil
import struct
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from hitl_review.store.connection import sqlite3


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: its state, what was found, and what to do about it."""

    name: str
    state: State
    found: str
    advice: str = ""


WAL_RESET_MENDED: Final = (3, 51, 3)
SPARE_BYTES: Final = 1_000_000_000
LEAST_BYTES: Final = 50_000_000
MOUNTS: Final = Path("/proc/mounts")
_WINDOWS_SHARES: Final = ("cifs", "smb3", "smbfs")
_NETWORK: Final = frozenset(
    ("nfs", "nfs4", *_WINDOWS_SHARES, "afs", "ceph", "lustre", "beegfs", "glusterfs", "davfs", "sshfs")
)
_SHARED_WITH_HOST: Final = frozenset(("9p", "virtiofs", "vboxsf", "vmhgfs-fuse", "drvfs"))

SAFE_SETTINGS: Final[Mapping[str, tuple[object, tuple[object, ...], str]]] = {
    "client.showErrorDetails": ("full", ("none",), "an error's text, which may hold a value, would be shown"),
    "client.showErrorLinks": ("auto", (False,), "an error on the page would be offered to a search engine"),
    "client.disableDataExport": (False, (True,), "tables could be downloaded past the logged export"),
    "client.toolbarMode": ("auto", ("minimal", "viewer"), "readers would see the developer's menu"),
    "browser.gatherUsageStats": (True, (False,), "usage would be reported to the outside"),
    "server.enableXsrfProtection": (True, (True,), "another site could act in a reader's name"),
    "server.enableCORS": (True, (True,), "another site could read the pages"),
    "server.enableAgentApi": (False, (False,), "the app could be driven past its pages"),
    "global.developmentMode": (False, (False,), "any site could call the server, as if its origin were not asked"),
    "global.e2eTest": (False, (False,), "whoever is signed in could stop the server for everybody"),
    "logger.enableRich": (False, (False,), "an error's text, which may hold a value, would be printed"),
    "server.enableStaticServing": (False, (False,), "files beside the app would be served"),
}
"""Streamlit settings: the default where nothing is said, the safe values, and what would happen otherwise."""


def machine_checks() -> list[Check]:
    """Check Python and every library that the product can't do without, or does less without."""
    return [
        python_check(),
        Check("platform", State.OK, f"{platform.platform()}, {os.cpu_count()} processors"),
        xgboost_check(installed("xgboost-cpu"), installed("xgboost")),
        library_check("streamlit"),
        library_check("pandas"),
        matplotlib_check(installed("matplotlib")),
        sqlite_check(sqlite3.sqlite_version_info, sqlite3.__name__),
    ]


def installed(distribution: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def python_check() -> Check:
    """Check that Python is new enough, and 64 bits wide as XGBoost's wheels are."""
    found = f"{platform.python_implementation()} {platform.python_version()}, {struct.calcsize('P') * 8} bits"
    if sys.version_info < (3, 11) or sys.maxsize < 2**32:
        return Check("python", State.PROBLEM, found, "Install a 64-bit Python 3.11 or newer.")
    return Check("python", State.OK, found)


def xgboost_check(cpu_build: str | None, full_build: str | None) -> Check:
    """Check that one build of XGBoost is installed and loads, and say which."""
    name = "xgboost"
    if cpu_build and full_build:
        found = f"xgboost-cpu {cpu_build} and xgboost {full_build}, which write over each other's files"
        return Check(name, State.WARNING, found, "Uninstall both, then install hitl-review again.")
    fault = import_fault("xgboost")
    if fault is not None:
        return Check(name, State.PROBLEM, fault, "Install hitl-review again; on macOS: brew install libomp.")
    if cpu_build:
        return Check(name, State.OK, f"xgboost-cpu {cpu_build} (the build for the CPU)")
    return Check(name, State.OK, f"xgboost {full_build or 'of unknown version'} (the build with GPU support)")


def library_check(distribution: str) -> Check:
    """Check that a library the product can't do without is installed."""
    found = installed(distribution)
    if found is None:
        return Check(distribution, State.PROBLEM, "not installed", "Install hitl-review again.")
    return Check(distribution, State.OK, found)


def matplotlib_check(found: str | None) -> Check:
    """Say whether figures for export can be drawn; the pages draw without."""
    if found is None:
        advice = 'For figures to export: pip install "hitl-review[figures]".'
        return Check("matplotlib", State.WARNING, "not installed; the pages do without it", advice)
    return Check("matplotlib", State.OK, found)


def import_fault(module: str) -> str | None:
    """Say why a module can't be loaded, or None. A library that lacks a part of the system shows it here."""
    try:
        importlib.import_module(module)
    except (ImportError, OSError, ValueError) as error:  # XGBoost's own "library not found" is a ValueError
        return f"{module} can't be loaded ({type(error).__name__})"
    return None


def sqlite_check(found: tuple[int, ...], module: str) -> Check:
    """Check that SQLite has no known fault that can damage a database in WAL mode."""
    name, words = "sqlite", f"SQLite {'.'.join(map(str, found))} ({module})"
    if found < WAL_RESET_MENDED:
        advice = 'On Linux: pip install "hitl-review[durable]" brings a newer one (pysqlite3). Keep backups.'
        return Check(
            name, State.WARNING, f"{words}; before 3.51.3 it can, rarely, damage a WAL database", advice
        )
    return Check(name, State.OK, words)


def disk_check(folder: Path, *, database_bytes: int) -> Check:
    """Check that there is room for the database to grow, and for a backup of it."""
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free"
    if free < LEAST_BYTES:
        return Check("disk space", State.PROBLEM, found, "Free some space now: a full disk stops every act.")
    if free < max(SPARE_BYTES, 2 * database_bytes):
        return Check("disk space", State.WARNING, found, "Free some space, so that the log and a backup fit.")
    return Check("disk space", State.OK, found)


def file_system_check(folder: Path, mounts: str | None) -> Check:
    """Check that a folder lies on a disk of this machine; `mounts` is the text of /proc/mounts, if any."""
    name = "file system"
    if mounts is None:
        return Check(name, State.OK, "not told by this system; keep the workspace on a local disk")
    kind = file_system_of(folder, mounts).removeprefix("fuse.")
    if kind in _NETWORK:
        advice = "Move the workspace to a local disk: locks and WAL don't hold over a network."
        return Check(name, State.PROBLEM, f"{kind}, over a network", advice)
    if kind in _SHARED_WITH_HOST:
        advice = "Better a disk of the machine's own: locks over a shared folder can't be relied on."
        return Check(name, State.WARNING, f"{kind}, shared with a host", advice)
    return Check(name, State.OK, kind)


def file_system_of(folder: Path, mounts: str) -> str:
    """Return the type of the file system that holds a folder: that of the longest mount point above it."""
    place, longest, kind = folder.resolve(), -1, "unknown"
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(fields[1].replace("\\040", " "))
        if place.is_relative_to(point) and len(point.parts) >= longest:
            longest, kind = len(point.parts), fields[2]
    return kind


def owned_by_others(paths: Iterable[Path], *, user: int) -> list[Path]:
    """Return what belongs to another user than this one or the system's own: its owner may change it."""
    return [path for path in dict.fromkeys(paths) if path.exists() and path.stat().st_uid not in (0, user)]


def this_user() -> int:
    """Return the number of the user who runs this; that of the system's own where users have none."""
    return os.geteuid() if os.name == "posix" else 0


def mounts_text() -> str | None:
    """Return what the system says of its mounts, or None where it does not say."""
    return MOUNTS.read_text(errors="replace") if MOUNTS.is_file() else None


def settings_check(files: Iterable[Path], environ: Mapping[str, str]) -> Check:
    """Check the Streamlit settings in force: later files overrule earlier ones, variables all of them."""
    name = "streamlit settings"
    try:
        settings = settings_in_force(files, environ)
    except (OSError, ValueError) as error:
        advice = "Mend or remove the config.toml; an unread one leaves the unsafe defaults in force."
        return Check(name, State.PROBLEM, f"a config.toml can't be read ({type(error).__name__})", advice)
    if unsafe := [
        f"{key} ({why})"
        for key, (default, safe, why) in SAFE_SETTINGS.items()
        if settings.get(key, default) not in safe
    ]:
        advice = "Take the values of the config.toml that came with hitl-review."
        return Check(name, State.PROBLEM, "unsafe: " + "; ".join(unsafe), advice)
    if settings.get("server.address") not in ("127.0.0.1", "localhost", "::1"):
        advice = "Set server.address to 127.0.0.1, and put a proxy with TLS in front to serve others."
        return Check(name, State.WARNING, "the app would answer the whole network, unencrypted", advice)
    return Check(name, State.OK, "as they should be")


def settings_in_force(files: Iterable[Path], environ: Mapping[str, str]) -> dict[str, object]:
    """Return the settings by their dotted names, as Streamlit will have them."""
    settings: dict[str, object] = {}
    for path in files:
        if path.is_file():
            settings |= _dotted(tomllib.loads(path.read_text(encoding="utf-8")))
    for key in (*SAFE_SETTINGS, "server.address"):
        if (text := environ.get(variable(key))) is not None:
            settings[key] = {"true": True, "false": False}.get(text.lower(), text)
    return settings


def _dotted(table: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in table.items():
        flat |= _dotted(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def variable(key: str) -> str:
    """Return the environment variable of a setting: STREAMLIT_CLIENT_SHOW_ERROR_DETAILS and the like."""
    return "STREAMLIT_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).replace(".", "_").upper()
